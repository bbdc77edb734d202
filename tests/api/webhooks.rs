//! Webhooks from outside: subscribed over the API and on the command line, delivered by the program itself.

use serde_json::{Value, json};

use crate::{
    house::{Answer, House},
    receiver::{Behaviour, Receiver},
};

impl House {
    fn receiver(&self) -> (Receiver, String) {
        let certificates = crate::certificates::Certificates::fresh();
        let receiver = Receiver::start(&certificates);
        let ca = std::fs::read_to_string(certificates.file("people-ca.pem")).unwrap();
        (receiver, ca)
    }

    async fn webhook(&self, user: &str, wanted: Value) -> Answer {
        self.as_user(user)
            .post("/v1/webhooks", wanted.to_string())
            .await
    }
}

#[tokio::test]
async fn what_a_clerk_submits_arrives_at_finance_and_the_delivery_is_shown() {
    let house = House::open().await;
    let (receiver, ca) = house.receiver();
    let wanted = json!({"url": receiver.url(), "ca": ca, "kinds": ["batch.submitted"]});
    let made = house.webhook("finance", wanted).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(made["webhook"]["project"], "P1");
    let id = made["webhook"]["id"].as_str().unwrap();
    let code = house.batch(3).await["code"].clone();
    receiver.waits();
    let got = receiver.got().remove(0);
    let body: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["batch"]),
        (&json!("batch.submitted"), &code)
    );
    assert_eq!(body["data"]["rows"], 3);
    let finance = house.as_user("finance");
    let shown = finance.get(&format!("/v1/webhooks/{id}")).await;
    assert!(
        !shown.text.contains("whsec_") && !shown.text.contains("secret\""),
        "{shown:?}"
    );
    let event = got.header("webhook-id");
    let replay = json!({"event": event}).to_string();
    let replayed = finance
        .post(&format!("/v1/webhooks/{id}/replay"), replay)
        .await;
    assert_eq!(replayed.json(), json!({"events": 1}));
    receiver.waits();
    assert_eq!(receiver.got()[0].header("webhook-id"), event);
    let log = finance
        .get(&format!("/v1/webhooks/{id}/deliveries?limit=1"))
        .await
        .json();
    assert_eq!(log["items"][0]["event"], event);
    let first = log["next"].as_str().unwrap();
    let log = finance
        .get(&format!("/v1/webhooks/{id}/deliveries?after={first}"))
        .await
        .json();
    assert_eq!(
        (&log["items"][0]["state"], &log["next"]),
        (&json!("delivered"), &Value::Null)
    );
}

#[tokio::test]
async fn each_sees_the_subscriptions_of_their_part_of_the_world() {
    let house = House::open().await;
    let url = "https://127.0.0.1:9/";
    for (user, wanted, status) in [
        ("operator", json!({"url": url}), 201),
        ("operator", json!({"url": url, "project": "P2"}), 201),
        ("finance", json!({"url": url}), 201),
        ("supervisor", json!({"url": url}), 201),
        ("supervisor", json!({"url": url, "region": "530300"}), 403),
        ("supervisor", json!({"url": url, "region": "530100"}), 201),
        ("supervisor", json!({"url": url, "project": "P1"}), 201),
        ("finance", json!({"url": url, "project": "P2"}), 403),
        ("finance", json!({"url": url, "region": "530112"}), 403),
        ("clerk", json!({"url": url}), 403),
    ] {
        let answer = house.webhook(user, wanted.clone()).await;
        assert_eq!(answer.status, status, "{user} {wanted}: {answer:?}");
    }
    for (user, expected) in [
        ("operator", 6),
        ("finance", 2),
        ("supervisor", 4),
        ("finance2", 1),
        ("supervisor2", 1),
    ] {
        let (mut seen, mut after) = (0, String::new());
        loop {
            let page = house
                .as_user(user)
                .get(&format!("/v1/webhooks?limit=1{after}"))
                .await
                .json();
            seen += page["items"].as_array().unwrap().len();
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{user}");
    }
}

#[tokio::test]
async fn who_is_told_of_others_is_neither_silenced_nor_spoken_for_by_them() {
    let house = House::open().await;
    let url = "https://127.0.0.1:9/robot/send?access_token=SECRET";
    let made = house
        .webhook("supervisor", json!({"url": url, "project": "P1"}))
        .await;
    let id = made.json()["webhook"]["id"].as_str().unwrap().to_owned();
    let since = r#"{"since": "2026-11-02T00:00:00Z"}"#;
    let acts = [
        ("test", "", 202),
        ("pause", "", 200),
        ("resume", "", 200),
        ("rotate", "", 200),
        ("replay", since, 200),
    ];
    for (user, whole) in [("finance", false), ("supervisor", true), ("operator", true)] {
        let client = house.as_user(user);
        for (act, body, status) in acts {
            let path = format!("/v1/webhooks/{id}/{act}");
            let answer = client.post(&path, body).await;
            if whole {
                assert_eq!(answer.status, status, "{act} by {user}: {answer:?}");
            } else {
                assert_eq!(answer.status, 403, "{act} by {user}: {answer:?}");
                assert!(answer.text.contains("only who made it"), "{answer:?}");
            }
        }
        for path in ["/v1/webhooks".to_owned(), format!("/v1/webhooks/{id}")] {
            let seen = client.get(&path).await;
            assert_eq!(seen.status, 200, "{path} by {user}: {seen:?}");
            let shown = if whole { url } else { "https://127.0.0.1" };
            let shown = format!("\"{shown}\"");
            assert!(seen.text.contains(&shown), "{path} by {user}: {seen:?}");
        }
    }
    // Nor is the rest of the address in the log, where it would stay for ever.
    let log = house.as_user("operator").get("/v1/audit").await;
    assert!(log.text.contains("webhook.create"), "{log:?}");
    assert!(!log.text.contains("SECRET"), "{log:?}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_words() {
    let house = House::open().await;
    #[rustfmt::skip]
    let refusals = [
        (json!({"url": "http://hooks.example/"}), "https://host"),
        (json!({"url": "https://10.0.0.1/"}), "webhooks.allow"),
        (json!({"url": "https://hooks.example/", "ca": "junk"}), "PEM"),
        (json!({"url": "https://hooks.example/", "kinds": ["batch.lost"]}), "batch.settled"),
        (json!({"url": "https://hooks.example/", "region": "53x"}), "2, 4 or 6 digits"),
        (json!({"url": "https://hooks.example/", "region": "53", "project": "P1"}), "not both"),
    ];
    for (wanted, words) in refusals {
        let answer = house.webhook("operator", wanted.clone()).await;
        assert_eq!(answer.status, 422, "{wanted}: {answer:?}");
        assert!(answer.text.contains(words), "{wanted}: {answer:?}");
    }
    let made = house
        .webhook("operator", json!({"url": "https://127.0.0.1:9/"}))
        .await;
    let id = made.json()["webhook"]["id"].as_str().unwrap().to_owned();
    for body in [
        json!({}),
        json!({"event": "12"}),
        json!({"since": "yesterday"}),
        json!({"event": "msg_1", "since": "2026-11-02T00:00:00Z"}),
    ] {
        let path = format!("/v1/webhooks/{id}/replay");
        let answer = house
            .as_user("operator")
            .post(&path, body.to_string())
            .await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn a_secret_is_not_kept_with_the_answer_of_a_request_under_a_key() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    let wanted = json!({"url": "https://127.0.0.1:9/"}).to_string();
    let ask = async || {
        let key = [("idempotency-key", "one")];
        operator
            .ask_with("POST", "/v1/webhooks", &key, wanted.clone())
            .await
    };
    let made = ask().await;
    assert_eq!(made.status, 201, "{made:?}");
    let again = ask().await;
    assert_eq!(again.status, 409, "{again:?}");
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let database = std::fs::read(house.file_of_the_gateway("wagegate.db-wal")).unwrap();
    let held = database
        .windows(secret.len())
        .any(|bytes| bytes == secret.as_bytes());
    assert!(!held, "the secret is in the database in clear");
    assert_eq!(
        operator.get("/v1/webhooks").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn operators_do_the_same_on_the_command_line() {
    let house = House::open().await;
    let (receiver, ca) = house.receiver();
    receiver.does(Behaviour::Answer(204));
    let ca = house.write("receiver-ca.pem", ca).display().to_string();
    let url = receiver.url();
    let run = |arguments: &[&str]| {
        let done = house.command("operator", &[&["webhooks"], arguments].concat());
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {said}");
        let widest = said.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{arguments:?}: {said}");
        said
    };
    let added = run(&["add", &url, "--receiver-ca", &ca, "--project", "P1"]);
    assert!(added.contains("whsec_"), "{added}");
    let id = added
        .split_whitespace()
        .find(|word| word.starts_with("wh_"))
        .unwrap()
        .to_owned();
    assert!(run(&["list"]).contains(&id));
    assert!(run(&["test", &id]).contains("msg_1"));
    receiver.waits();
    assert!(run(&["pause", &id]).contains("暂停 paused"));
    assert!(run(&["resume", &id]).contains("正常 active"));
    assert!(run(&["rotate", &id]).contains("whsec_"));
    assert!(run(&["replay", &id, "--event", "msg_1"]).contains("1 events"));
    receiver.waits();
    let shown = run(&["show", &id]);
    assert!(
        shown.contains("webhook.test") && shown.contains("P1"),
        "{shown}"
    );
    let health = house.as_user("operator").get("/v1/health").await.json();
    assert_eq!(health["webhooks_given_up"], 0);
}
