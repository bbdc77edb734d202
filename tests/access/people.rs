//! How somebody gets in, is moved, and is thrown out; and that certificates and the store are heard at once.

use std::fs;

use serde_json::{Value, json};

use crate::house::{Client, House};

async fn me(client: &Client<'_>) -> (u16, Value) {
    let answer = client.get("/v1/me").await;
    (answer.status, answer.json())
}

async fn act(house: &House, act: &str, body: Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let operator = house.as_user("operator");
    let answer = operator.post(&format!("/v1/principals/{act}"), body).await;
    assert_eq!(answer.status, 200, "{act}: {answer:?}");
    answer.json()
}

#[tokio::test]
async fn somebody_is_admitted_moved_suspended_restored_and_thrown_out() {
    let house = House::open().await;
    house
        .admit("newcomer", json!({"role": "clerk", "projects": ["P1"]}))
        .await;
    let newcomer = house.as_user("newcomer");
    let (status, told) = me(&newcomer).await;
    assert_eq!(
        (status, &told["role"], &told["projects"]),
        (200, &json!("clerk"), &json!(["P1"]))
    );
    let actions = told["actions"].as_array().unwrap();
    assert!(
        actions.contains(&json!("prepare-batch")) && !actions.contains(&json!("approve-batch"))
    );

    act(&house, "newcomer/scope", json!({"projects": ["P2"]})).await;
    assert_eq!(me(&newcomer).await.1["projects"], json!(["P2"]));
    act(&house, "newcomer/suspend", Value::Null).await;
    let (status, told) = me(&newcomer).await;
    assert_eq!(
        (status, &told["type"]),
        (403, &json!("urn:wagegate:suspended"))
    );
    act(&house, "newcomer/restore", Value::Null).await;
    assert_eq!(me(&newcomer).await.0, 200);

    let pem = fs::read_to_string(house.file("user-newcomer.pem")).unwrap();
    let revoke = json!({"pem": pem, "reason": "left"}).to_string();
    for new in [true, false] {
        let answer = house
            .as_user("operator")
            .post("/v1/certificates/revoke", revoke.clone())
            .await;
        assert_eq!((answer.status, &answer.json()["new"]), (200, &json!(new)));
    }
    assert_eq!(me(&newcomer).await.0, 401);

    let history = house
        .as_user("operator")
        .get("/v1/principals/newcomer")
        .await
        .json();
    let states: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states, ["active", "active", "suspended", "active"]);
    let chain = house
        .as_user("operator")
        .get("/v1/audit/check")
        .await
        .json();
    assert_eq!(chain["whole"], json!(true));
}

#[tokio::test]
async fn the_store_rules_after_a_restart_whatever_the_configuration_lists() {
    let house = House::open().await;
    act(&house, "clerk/suspend", Value::Null).await;
    act(&house, "bank:qingshan/suspend", Value::Null).await;
    act(&house, "approver/scope", json!({"projects": ["P2"]})).await;
    let house = house.restarted();
    assert_eq!(me(&house.as_user("clerk")).await.0, 403);
    assert_eq!(me(&house.as_bank("qingshan")).await.0, 403);
    assert_eq!(me(&house.as_bank("bishui")).await.0, 200);
    assert_eq!(
        me(&house.as_user("approver")).await.1["projects"],
        json!(["P2"])
    );
}

#[tokio::test]
async fn the_last_operator_stays_and_what_is_not_meant_is_refused() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    #[rustfmt::skip]
    let refusals = [
        ("/v1/principals/operator/suspend", json!(null), 409, "last active operator"),
        ("/v1/principals/nobody/suspend",   json!(null), 404, "wagegate://user/nobody"),
        ("/v1/principals/gateway:x/suspend", json!(null), 404, "bank:CODE"),
        ("/v1/principals/bank:qingshan/scope", json!({"projects": ["P1"]}), 422, "banks come from the bank list"),
        ("/v1/principals/clerk/scope",      json!({"region": "53"}), 422, "needs projects"),
        ("/v1/principals", json!({"uri": "wagegate://user/clerk", "role": "clerk", "projects": ["P1"]}), 409, "known already"),
        ("/v1/principals", json!({"uri": "wagegate://user/x", "role": "supervisor"}), 422, "needs region"),
        ("/v1/certificates/revoke", json!({"reason": "left"}), 422, "either issuer and serial, or pem"),
        ("/v1/certificates/revoke", json!({"reason": "bored", "issuer": "00", "serial": "01"}), 422, "key-compromise"),
        ("/v1/certificates/revoke", json!({"reason": "left", "issuer": "0".repeat(64), "serial": "01"}), 422, "not an authority"),
    ];
    for (path, body, status, words) in refusals {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = operator.post(path, body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.text.contains(words), "{path}: {answer:?}");
    }
    house.admit("second", json!({"role": "operator"})).await;
    act(&house, "operator/suspend", Value::Null).await;
    assert_eq!(me(&operator).await.0, 403);
}

#[tokio::test]
async fn a_broken_certificate_or_list_is_told_in_health_and_the_one_before_serves() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    for (file, what) in [
        ("gateway.pem", "gateway"),
        ("people.crl.pem", "people, revocation list"),
        ("gateway-at-qingshan.key", "gateway at qingshan"),
        ("bank-bishui-ca.pem", "bishui, revocation list"),
    ] {
        let good = fs::read(house.file(file)).unwrap();
        fs::write(house.file(file), "junk").unwrap();
        let told = house.as_user("operator").get("/v1/health").await.json();
        assert_eq!(faulty(&told), [what], "{file}: {told}");
        assert_eq!(told["status"], "attention");
        fs::write(house.file(file), good).unwrap();
        let told = operator.get("/v1/health").await.json();
        assert_eq!(faulty(&told), Vec::<&str>::new(), "{file}");
    }
}

fn faulty(health: &Value) -> Vec<&str> {
    let items = health["runs_out"].as_array().unwrap().iter();
    items
        .filter(|item| !item["fault"].is_null())
        .map(|item| item["what"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn operators_do_the_same_on_the_command_line() {
    let house = House::open().await;
    house.issue("newcomer");
    let pem = house.file("user-newcomer.pem").display().to_string();
    #[rustfmt::skip]
    let steps: [(&str, &[&str], i32, &str); 10] = [
        ("newcomer", &["whoami"], 1, "no such principal"),
        ("operator", &["principal", "add", "newcomer", "--role", "clerk", "--project", "P1"], 0, "newcomer"),
        ("newcomer", &["whoami"], 0, "经办 clerk"),
        ("operator", &["principal", "scope", "newcomer", "--project", "P1", "--project", "P2"], 0, "P1 P2"),
        ("operator", &["principal", "suspend", "newcomer"], 0, "停用 suspended"),
        ("newcomer", &["whoami"], 1, "suspended"),
        ("operator", &["principal", "restore", "newcomer"], 0, "有效 active"),
        ("operator", &["principal", "show", "newcomer"], 0, "停用 suspended"),
        ("operator", &["principals"], 0, "bank:qingshan"),
        ("operator", &["certificate", "revoke", "--pem", &pem, "--reason", "left"], 0, "已吊销 revoked"),
    ];
    for (user, arguments, code, words) in steps {
        let done = house.command(user, arguments);
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        let widest = said.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100) || code != 0, "{arguments:?}: {said}");
    }
    let thrown_out = house.command("newcomer", &["whoami"]);
    assert_eq!(thrown_out.status.code(), Some(1), "{thrown_out:?}");
    let listed = house.command("operator", &["certificates", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let revoked: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| !one["revoked"].is_null())
        .collect();
    assert_eq!(revoked.len(), 1, "{listed}");
}
