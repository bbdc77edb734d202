//! What foreign scopes see of lists, addresses that are not there, bodies that do not fit. Every route against every role is in tests/access.

use serde_json::Value;

use crate::house::House;

/// Who is refused at the door of somebody else's project or region; `{code}` is a batch of project P1 in 530102.
#[rustfmt::skip]
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("contractor2", "POST", "/v1/batches?project=P1&month=2026-10"),
    ("contractor2", "POST", "/v1/batches?project=P9&month=2026-10"),
    ("contractor2", "GET",  "/v1/batches/{code}"),
    ("finance2",    "GET",  "/v1/batches/{code}/items"),
    ("supervisor2", "GET",  "/v1/batches/{code}/instructions"),
    ("reviewer2",   "POST", "/v1/batches/{code}/review"),
    ("approver2",   "POST", "/v1/batches/{code}/release"),
    ("approver2",   "POST", "/v1/batches/{code}/refuse"),
    ("contractor2", "POST", "/v1/batches/{code}/withdraw"),
    ("approver2",   "POST", "/v1/batches/{code}/undo"),
    ("contractor2", "POST", "/v1/batches/{code}/evidence?kind=other"),
    ("finance2",    "GET",  "/v1/batches/{code}/changes"),
    ("reviewer2",   "GET",  "/v1/batches/{code}/preview"),
    ("approver2",   "GET",  "/v1/batches/{code}/preview/1"),
    ("approver",    "GET",  "/v1/rates?month=2026-10&level=prefecture"),
];

/// What lists show to whom: the values of one field, in order.
#[rustfmt::skip]
const LISTS: &[(&str, &str, &str, &[&str])] = &[
    ("contractor2", "/v1/batches",               "code",    &[]),
    ("supervisor2", "/v1/batches?month=2026-10", "code",    &[]),
    ("clerk",       "/v1/batches?month=2026-10", "project", &["P1"]),
    ("contractor2", "/v1/projects",              "code",    &["P2"]),
    ("supervisor2", "/v1/projects",              "code",    &["P2"]),
    ("operator",    "/v1/projects",              "code",    &["P1", "P2"]),
    ("contractor2", "/v1/regions",               "code",    &["530302"]),
    ("supervisor",  "/v1/regions?after=530100",  "code",    &["530102"]),
    ("operator",    "/v1/regions?limit=2",       "code",    &["530000", "530100"]),
    ("finance2",    "/v1/accounts",              "project", &["P2"]),
    ("supervisor",  "/v1/accounts",              "project", &["P1"]),
];

#[tokio::test]
async fn the_same_roles_elsewhere_are_refused_or_see_nothing() {
    let house = House::open().await;
    let code = house.batch(2).await["code"].as_str().unwrap().to_owned();
    for (user, method, path) in ELSEWHERE {
        let answer = house
            .as_user(user)
            .ask(method, &path.replace("{code}", &code), "")
            .await;
        let refused = (403, "application/problem+json");
        assert_eq!(
            (answer.status, answer.kind.as_str()),
            refused,
            "{user} {method} {path}: {answer:?}"
        );
    }
    for (user, path, field, expected) in LISTS {
        let list = house.as_user(user).get(path).await.json();
        let found: Vec<_> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[field].as_str().unwrap())
            .collect();
        assert_eq!(&found, expected, "{user} {path}");
    }
    let failures = house
        .as_user("finance2")
        .get("/v1/failures?month=2026-10")
        .await
        .json();
    assert_eq!(failures["items"], Value::Array(vec![]));
    for (user, lines) in [("finance2", 1), ("finance", 3), ("operator", 3)] {
        let export = house.as_user(user).get("/v1/outcomes").await.text;
        assert_eq!(export.lines().count(), lines, "{user}: {export}");
    }
}

#[tokio::test]
async fn a_good_certificate_of_somebody_unknown_is_refused() {
    let house = House::open().await;
    let answer = house.as_user("nobody").get("/v1/health").await;
    assert_eq!(
        (answer.status, answer.json()["type"].as_str()),
        (403, Some("urn:wagegate:unknown-principal"))
    );
}

/// Requests that do not fit: status, and words that the answer must hold.
#[rustfmt::skip]
const MISFITS: &[(&str, &str, &str, &str, u16, &str)] = &[
    ("operator", "GET",    "/v1/nothing", "", 404, "/v1"),
    ("operator", "DELETE", "/v1/batches", "", 405, "POST, GET, HEAD, OPTIONS"),
    ("operator", "PUT",    "/v1/regions", "", 405, "POST, GET, HEAD, OPTIONS"),
    ("operator", "GET",    "/v1/batches/B-none", "", 404, "没有批次 B-none。 there is no batch B-none"),
    ("clerk",    "GET",    "/v1/batches/B-none", "", 403, "no such thing in the caller's projects"),
    ("clerk",    "GET",    "/v1/batches/B-none", "", 403, "您负责的项目"),
    ("clerk",    "GET",    "/v1/audit", "", 403, "您的角色不能做这件事"),
    ("clerk",    "POST",   "/v1/batches?project=P1&month=2026-10", "", 422, "文件为空"),
    ("clerk",    "POST",   "/v1/batches?project=P1&month=2026-10", "\u{0}x", 422, "既不是 .xlsx"),
    ("clerk",    "POST",   "/v1/batches?project=P1&month=2026-10", "{\"rows\": 1}", 422, "JSON 格式不符"),
    ("clerk",    "POST",   "/v1/batches?project=P1&month=2026-10", "{\"rows\": []}", 422, "工资表有 1 处问题"),
    ("clerk",    "POST",   "/v1/batches?project=P1&month=2026-10&answer=xlsx", "", 400, "answer is not known"),
    ("clerk",    "POST",   "/v1/projects/P1/workers", "", 422, "无法作为花名册读取：文件为空"),
    ("reviewer", "POST",   "/v1/batches/{code}/review", "{\"content\": \"{hash}\"}", 409, "批次内容与您所看到的不一致"),
    ("clerk",    "GET",    "/v1/batches?month=2026-13", "", 400, "such as 2026-10"),
    ("clerk",    "GET",    "/v1/batches?colour=red", "", 400, "colour is not known"),
    ("clerk",    "GET",    "/v1/batches?month=2026-10&month=2026-11", "", 400, "twice"),
    ("clerk",    "GET",    "/v1/failures?month=2026-10&limit=many", "", 400, "1 to 1000"),
    ("clerk",    "GET",    "/v1/health?x=1", "", 400, "takes no query"),
    ("clerk",    "GET",    "/v1/failures", "", 400, "month"),
    ("clerk",    "GET",    "/v1/failures?month=2026-10&after=x", "", 400, "`next`"),
    ("clerk",    "GET",    "/v1/failures?month=2026-10&limit=1001", "", 400, "1 to 1000"),
    ("approver", "GET",    "/v1/rates?month=2026-10&level=street", "", 400, "prefecture"),
    ("reviewer", "POST",   "/v1/batches/{code}/review", "", 400, "JSON"),
    ("reviewer", "POST",   "/v1/batches/{code}/review", "{large}", 413, "65536"),
    ("approver", "POST",   "/v1/batches/{code}/release", r#"{"content": "00"}"#, 422, "`content`"),
    ("approver", "POST",   "/v1/batches/{code}/refuse", r#"{"reason": " "}"#, 422, "say why"),
    ("approver", "POST",   "/v1/batches/{code}/refuse", r#"{"reason": "card 6225881414207430"}"#, 422, "eight digits"),
    ("clerk",    "POST",   "/v1/batches/{code}/withdraw", r#"{"reason": "a\nb"}"#, 422, "one line"),
    ("clerk",    "POST",   "/v1/batches/{code}/evidence?kind=photo", "x", 400, "signed_table"),
    ("clerk",    "POST",   "/v1/batches/{code}/evidence?kind=other", "", 422, "empty"),
    ("clerk",    "POST",   "/v1/batches/{code}/evidence?kind=other&hash={hash}", "", 422, "upload it first"),
    ("approver", "GET",    "/v1/batches/{code}/changes?kind=all", "", 400, "new, gone, amount, card"),
    ("approver", "GET",    "/v1/batches/{code}/changes?after=x-1", "", 400, "`next`"),
    ("approver", "GET",    "/v1/batches/{code}/preview/9", "", 404, "no part 9"),
    ("approver", "GET",    "/v1/batches/{code}/preview/x", "", 404, "from 1"),
    ("clerk",    "POST",   "/v1/batches?project=P1&month=2026-10", "{large}{large}", 413, "larger"),
    ("operator", "POST",   "/v1/regions", r#"[{"code": "5301", "name": "x", "base_projects": null}]"#, 422, "1 of 1 lines"),
    ("operator", "POST",   "/v1/regions", r#"[{"code": "530100", "name": "x", "colour": 1}]"#, 422, "line 1"),
];

#[tokio::test]
async fn what_does_not_fit_is_a_problem_that_says_what_to_do() {
    let house = House::open().await;
    let code = house.batch(1).await["code"].as_str().unwrap().to_owned();
    for (user, method, path, body, status, words) in MISFITS {
        let path = path
            .replace("{code}", &code)
            .replace("{hash}", &"0".repeat(64));
        let body = body
            .replace("{hash}", &"0".repeat(64))
            .replace("{large}", &"x".repeat(65 * 1024));
        let answer = house.as_user(user).ask(method, &path, body).await;
        let expected = (*status, "application/problem+json");
        assert_eq!(
            (answer.status, answer.kind.as_str()),
            expected,
            "{method} {path}: {answer:?}"
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{method} {path}: {detail}");
    }
}
