//! What every answer carries, and what is said to methods and media types that do not fit.

use serde_json::Value;

use crate::house::House;

/// Headers of every answer.
const ALWAYS: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
];

#[tokio::test]
async fn every_answer_stays_out_of_caches_and_frames() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    for (path, status) in [
        ("/v1/health", 200),
        ("/v1/nothing", 404),
        ("/v1/recount", 403),
        ("/v1/batches?x=1", 400),
    ] {
        let answer = clerk.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in ALWAYS {
            assert_eq!(answer.headers[*name], *value, "{path}");
        }
    }
    let unknown = house.as_user("nobody").get("/v1/health").await;
    assert_eq!(unknown.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn head_is_a_get_without_its_body_and_options_says_what_a_path_takes() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let get = clerk.get("/v1/me").await;
    let head = clerk.ask("HEAD", "/v1/me", "").await;
    assert_eq!((head.status, head.kind), (200, get.kind));
    assert_eq!(head.text, "");
    let denied = clerk.ask("HEAD", "/v1/recount", "").await;
    assert_eq!(denied.status, 403);
    for (path, allowed) in [
        ("/v1/me", "GET, HEAD, OPTIONS"),
        ("/v1/batches", "POST, GET, HEAD, OPTIONS"),
    ] {
        let options = clerk.ask("OPTIONS", path, "").await;
        assert_eq!(options.status, 204, "{options:?}");
        assert_eq!(options.headers["allow"], allowed);
        let patch = clerk.ask("PATCH", path, "").await;
        assert_eq!(
            (patch.status, &patch.headers["allow"]),
            (405, &options.headers["allow"])
        );
    }
}

#[tokio::test]
async fn media_types_that_do_not_fit_are_refused_with_those_that_do() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    let picture = [("Content-Type", "image/png")];
    let refused = operator
        .ask_with("POST", "/v1/regions", &picture, "[]")
        .await;
    assert_eq!(refused.status, 415, "{refused:?}");
    assert!(refused.text.contains("application/json"), "{refused:?}");
    let json = [("Content-Type", "application/json; charset=utf-8")];
    let taken = operator.ask_with("POST", "/v1/regions", &json, "[]").await;
    assert_eq!(taken.status, 200, "{taken:?}");
    for (accept, status) in [
        ("text/html", 406),
        ("application/json;q=0, text/html", 406),
        ("text/html, */*;q=0.1", 200),
        ("application/*", 200),
    ] {
        let answer = operator
            .ask_with("GET", "/v1/regions-of-none", &[("Accept", accept)], "")
            .await;
        assert_eq!(answer.status, 404, "what is not there is said first");
        let answer = operator
            .ask_with("GET", "/v1/projects", &[("Accept", accept)], "")
            .await;
        assert_eq!(answer.status, status, "{accept}: {answer:?}");
    }
}

#[tokio::test]
async fn the_description_is_served_and_names_every_address() {
    let house = House::open().await;
    let answer = house.as_bank("qingshan").get("/v1/openapi.json").await;
    let description: Value = answer.json();
    assert_eq!(description["openapi"], "3.1.0");
    let doors = wagegate::http::doors::DOORS;
    for door in doors {
        let operation = &description["paths"][door.path][door.method.to_lowercase()];
        assert!(operation["responses"]["403"].is_object(), "{door:?}");
        assert!(operation["x-roles"].is_array(), "{door:?}");
    }
}
