//! The audit log from outside: who did what, and what an operator is told when somebody went at the database.

use serde_json::Value;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use crate::house::House;

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
        listed.contains("batch.submit") && !listed.contains("regions.import"),
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
