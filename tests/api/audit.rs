//! The audit log from outside: who did what, and what an operator is told when somebody went at the database.

use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use wagegate::http::doors::DOORS;

use crate::house::{House, card, roster, sheet};

async fn verify(house: &House) -> (i32, Value) {
    let done = house.command("operator", &["audit", "verify", "--json"]);
    let told = serde_json::from_slice(&done.stdout).unwrap();
    (done.status.code().unwrap(), told)
}

/// What somebody with the database's file and without the gateway's keys can do.
async fn at_the_database(house: &House, statements: &[&'static str]) {
    let mut connection = SqliteConnectOptions::new()
        .filename(house.file_of_the_gateway("wagegate.db"))
        .connect()
        .await
        .unwrap();
    for statement in statements {
        sqlx::query(*statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn acts_are_listed_by_object_and_person_and_verified() {
    let house = House::open().await;
    let code = house.batch(2).await["code"].as_str().unwrap().to_owned();
    let operator = house.as_user("operator");
    let of_batch = operator.get(&format!("/v1/audit?object={code}")).await;
    let of_batch = of_batch.json();
    let act = &of_batch["items"][0];
    assert_eq!(act["who"], "wagegate://user/clerk");
    assert_eq!(
        (&act["action"], &act["before"]),
        (&"batch.submit".into(), &Value::Null)
    );
    assert_eq!(act["after"].as_str().unwrap().len(), 64);
    let first = operator.get("/v1/audit?limit=1").await.json();
    let second = operator
        .get(&format!(
            "/v1/audit?limit=1&after={}",
            first["next"].as_str().unwrap()
        ))
        .await
        .json();
    let number = |page: &Value| page["items"][0]["number"].as_i64().unwrap();
    assert_eq!(number(&first), number(&second) + 1);
    let listed = house.command("operator", &["audit", "list", "--who", "clerk"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains("batch.submit")
            && listed.contains(act["detail"].as_str().unwrap())
            && !listed.contains("regions.import"),
        "{listed}"
    );
    let (code, told) = verify(&house).await;
    assert_eq!(
        (code, &told["whole"], &told["fault"]),
        (0, &true.into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_tail_cut_with_the_head_is_found_by_what_the_gateway_witnessed_at_its_stop() {
    let house = House::open().await;
    house.batch(2).await;
    let house = house.restarted();
    let (code, told) = verify(&house).await;
    assert_eq!((code, &told["whole"]), (0, &true.into()), "{told}");
    let entries = told["entries"].as_i64().unwrap();
    assert_eq!(told["witnessed"], entries);
    at_the_database(
        &house,
        &[
            "DROP TRIGGER audit_is_never_cut",
            "DROP TRIGGER audit_head_only_moves_on",
            "DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)",
            "UPDATE audit_head SET (number, hash) = (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)",
        ],
    )
    .await;
    let (code, told) = verify(&house).await;
    assert_eq!(code, 5);
    assert_eq!(
        (&told["broken_at"], &told["fault"]),
        (&entries.into(), &"witness-differs".into())
    );
    let said = house.command("operator", &["audit", "verify"]).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains(&format!("entry {entries}")) && said.contains("not what was witnessed"),
        "{said}"
    );
}

/// Who does what at which door, and the word for it in the log; in this order. `{batch}`, `{webhook}` and `{pem}` are what came before.
#[rustfmt::skip]
const ACTS: &[(&str, &str, &str, &str, &str)] = &[
    ("/v1/regions",                   "operator", "/v1/regions",                   "[]", "regions.import"),
    ("/v1/projects",                  "operator", "/v1/projects",                  "[]", "projects.import"),
    ("/v1/contractors",               "operator", "/v1/contractors",               "[]", "contractors.import"),
    ("/v1/projects/{code}/workers",   "operator", "/v1/projects/P1/workers",       "{roster}", "roster.import"),
    ("/v1/projects/{code}/workers/{id}/card", "finance", "/v1/projects/P1/workers/{worker}/card", r#"{"account": "{new_card}"}"#, "card.replace"),
    ("/v1/cards/{id}/status",         "finance",  "/v1/cards/{card}/status",       r#"{"status": "invalid", "reason": "CLOSED"}"#, "card.status"),
    ("/v1/evidence",                  "finance",  "/v1/evidence",                  "a letter", "evidence.keep"),
    ("/v1/batches",                   "clerk",    "/v1/batches?project=P1&month=2026-10", "{sheet}", "batch.submit"),
    ("/v1/batches/{code}/review",     "reviewer", "/v1/batches/{batch}/review",    r#"{"content": "{content}"}"#, "batch.review"),
    ("/v1/bank/deposits",             "bank",     "/v1/bank/deposits",
     r#"{"account": "2400000000000001", "amount_fen": 900000, "reference": "D0", "value_date": "2026-11-02"}"#, "deposit.book"),
    ("/v1/batches/{code}/release",    "approver", "/v1/batches/{batch}/release",   r#"{"content": "{content}"}"#, "batch.release"),
    ("/v1/batches/{code}/undo",       "approver", "/v1/batches/{batch}/undo",      "{}", "batch.undo"),
    ("/v1/batches/{code}/evidence",   "clerk",    "/v1/batches/{batch}/evidence?kind=other", "a paper", "batch.evidence"),
    ("/v1/batches/{code}/refuse",     "approver", "/v1/batches/{batch}/refuse",    r#"{"reason": "again"}"#, "batch.refuse"),
    ("/v1/batches",                   "clerk",    "/v1/batches?project=P1&month=2026-10", "{sheet}", "batch.submit"),
    ("/v1/batches/{code}/withdraw",   "clerk",    "/v1/batches/{batch}/withdraw",  "{}", "batch.withdraw"),
    ("/v1/doubts/{instruction}/propose", "finance", "/v1/doubts/{instruction}/propose",
     r#"{"verdict": "arrived", "evidence": "{letter}", "reason": "a letter came"}"#, "doubt.propose"),
    ("/v1/doubts/{instruction}/withdraw", "finance", "/v1/doubts/{instruction}/withdraw", r#"{"reason": "another letter came"}"#, "doubt.withdraw"),
    ("/v1/doubts/{instruction}/propose", "finance", "/v1/doubts/{instruction}/propose",
     r#"{"verdict": "not_arrived", "evidence": "{letter}", "reason": "another letter came"}"#, "doubt.propose"),
    ("/v1/doubts/{instruction}/confirm", "approver", "/v1/doubts/{instruction}/confirm",
     r#"{"verdict": "not_arrived", "evidence": "{letter}"}"#, "doubt.confirm"),
    ("/v1/bank/returns",              "bank",     "/v1/bank/returns",              "junk", "return.push"),
    ("/v1/bank/deposits",             "bank",     "/v1/bank/deposits",
     r#"{"account": "2400000000000001", "amount_fen": 1, "reference": "D1", "value_date": "2026-11-02"}"#, "deposit.book"),
    ("/v1/principals",                "operator", "/v1/principals",
     r#"{"uri": "wagegate://user/newcomer", "role": "clerk", "projects": ["P1"]}"#, "principal.admit"),
    ("/v1/principals/{name}/suspend", "operator", "/v1/principals/newcomer/suspend", "", "principal.suspend"),
    ("/v1/principals/{name}/restore", "operator", "/v1/principals/newcomer/restore", "", "principal.restore"),
    ("/v1/principals/{name}/scope",   "operator", "/v1/principals/newcomer/scope", r#"{"projects": ["P2"]}"#, "principal.scope"),
    ("/v1/certificates/revoke",       "operator", "/v1/certificates/revoke",       r#"{"pem": {pem}, "reason": "left"}"#, "certificate.revoke"),
    ("/v1/webhooks",                  "finance",  "/v1/webhooks",                  r#"{"url": "https://127.0.0.1:9/"}"#, "webhook.create"),
    ("/v1/webhooks/{id}/pause",       "finance",  "/v1/webhooks/{webhook}/pause",  "", "webhook.pause"),
    ("/v1/webhooks/{id}/rotate",      "finance",  "/v1/webhooks/{webhook}/rotate", "", "webhook.rotate"),
    ("/v1/webhooks/{id}/test",        "finance",  "/v1/webhooks/{webhook}/test",   "", "webhook.test"),
    ("/v1/webhooks/{id}/replay",      "finance",  "/v1/webhooks/{webhook}/replay", r#"{"since": "2026-11-02T00:00:00Z"}"#, "webhook.replay"),
    ("/v1/webhooks/{id}/resume",      "finance",  "/v1/webhooks/{webhook}/resume", "", "webhook.resume"),
];

/// Doors that change nothing.
const NO_ACTS: &[&str] = &["/v1/batches/check"];

/// Doors whose acts need a second key: tests/sealed/key_rotation.rs looks for them in the log.
const ACTS_ON_KEYS: &[&str] = &["/v1/keys/rotate", "/v1/keys/{key}/remove"];

#[tokio::test]
async fn every_act_is_in_the_log_with_who_did_it() {
    let silent: Vec<_> = DOORS
        .iter()
        .filter(|door| door.method == "POST" && !NO_ACTS.contains(&door.path))
        .filter(|door| !ACTS_ON_KEYS.contains(&door.path))
        .filter(|door| ACTS.iter().all(|act| act.0 != door.path))
        .map(|door| door.path)
        .collect();
    assert!(
        silent.is_empty(),
        "no line in ACTS says how these are audited: {silent:?}"
    );
    let house = House::open().await;
    house.issue("newcomer");
    let pem = std::fs::read_to_string(house.file("user-newcomer.pem")).unwrap();
    let doubtful = house.batch_of("2026-05", &sheet(3)).await;
    let instruction = house.in_doubt(doubtful["code"].as_str().unwrap()).await;
    let worker = house.enrol("P1", &roster(3..=4)).await;
    let letter = house.as_user("finance");
    let letter = letter
        .post("/v1/evidence?project=P1", "the bank's letter")
        .await
        .json();
    let mut batch = json!({});
    let mut webhook = String::new();
    for (door, user, path, body, action) in ACTS {
        let before = newest(&house).await["number"].as_i64().unwrap();
        let put = |text: &str| {
            text.replace("{batch}", batch["code"].as_str().unwrap_or_default())
                .replace("{content}", batch["content"].as_str().unwrap_or_default())
                .replace("{webhook}", &webhook)
                .replace("{instruction}", &instruction.to_string())
                .replace("{letter}", letter["hash"].as_str().unwrap())
                .replace("{worker}", &worker["id"].to_string())
                .replace("{card}", &worker["card"]["id"].to_string())
                .replace("{new_card}", &card(8))
                .replace("{roster}", &roster(0..=1).to_string())
                .replace("{sheet}", &sheet(2))
                .replace("{pem}", &json!(pem).to_string())
        };
        let client = match *user {
            "bank" => house.as_bank("qingshan"),
            user => house.as_user(user),
        };
        let body = put(body);
        let kind = [("content-type", "application/json")];
        let kind = if body.starts_with(['[', '{']) {
            &kind[..]
        } else {
            &[]
        };
        let answer = client.ask_with("POST", &put(path), kind, body).await;
        assert!((200..300).contains(&answer.status), "{door}: {answer:?}");
        let told = answer.json();
        if told["content"].is_string() {
            batch = told.clone();
        }
        webhook = told["webhook"]["id"]
            .as_str()
            .map_or(webhook, str::to_owned);
        let log = house
            .as_user("operator")
            .get("/v1/audit?limit=5")
            .await
            .json();
        let act = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|act| act["number"].as_i64() > Some(before) && act["action"] == *action);
        let act = act.unwrap_or_else(|| panic!("{door}: {log}"));
        assert!(act["who"].as_str().unwrap().contains(user), "{act}");
        assert!(
            act["after"].is_string() || act["object"] == told["hash"],
            "{door} tells nothing of what it made: {act}"
        );
    }
}

async fn newest(house: &House) -> Value {
    let page = house
        .as_user("operator")
        .get("/v1/audit?limit=1")
        .await
        .json();
    page["items"][0].clone()
}
