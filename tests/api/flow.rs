//! A sheet and what is shown of it, and what banks push: each step as its user takes it.

use serde_json::{Value, json};

use crate::house::{House, passing, sheet};

const P1_ACCOUNT: &str = "2400000000000001";

#[tokio::test]
async fn a_sheet_with_mistakes_is_refused_whole_with_pointers_to_its_rows() {
    let house = House::open().await;
    let bad = sheet(3).replace("李二", "").replace("4000.02", "4000.021");
    let answer = house
        .as_user("clerk")
        .post("/v1/batches?project=P1&month=2026-10", bad)
        .await;
    assert_eq!(
        (answer.status, answer.kind.as_str()),
        (422, "application/problem+json"),
        "{answer:?}"
    );
    let rows: Vec<_> = answer.json()["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, [3, 4], "{answer:?}");
    for field in [
        "column",
        "code",
        "message_zh",
        "message_en",
        "fix_zh",
        "fix_en",
    ] {
        assert!(
            !answer.json()["rows"][0][field].as_str().unwrap().is_empty(),
            "{field}: {answer:?}"
        );
    }
    assert_eq!(
        house.as_user("clerk").get("/v1/batches").await.json()["items"].take(),
        json!([])
    );
}

#[tokio::test]
async fn items_come_in_pages_and_people_are_masked() {
    let house = House::open().await;
    let code = house.batch(5).await["code"].as_str().unwrap().to_owned();
    let clerk = house.as_user("clerk");
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let answer = clerk
            .get(&format!("/v1/batches/{code}/items?limit=2{after}"))
            .await;
        assert!(
            !answer.text.contains("李一") && !answer.text.contains("622588000"),
            "{answer:?}"
        );
        let page = answer.json();
        rows.extend(page["items"].as_array().unwrap().iter().map(|item| {
            (
                item["row"].as_u64().unwrap(),
                item["name"].clone(),
                item["place"].clone(),
            )
        }));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    let expected: Vec<_> = (2..7)
        .map(|row| (row, json!("李**"), json!("held")))
        .collect();
    assert_eq!(rows, expected);
    let paid = clerk
        .get(&format!("/v1/batches/{code}/items?place=paid"))
        .await
        .json();
    assert_eq!(paid, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_deposit_counts_once_however_often_it_is_told() {
    let house = House::open().await;
    let bank = house.as_bank("qingshan");
    let deposit = |fen: i64, account: &str| {
        json!({"account": account, "amount_fen": fen, "reference": "R1", "value_date": "2026-11-02"}).to_string()
    };
    for (body, status, expected) in [
        (deposit(500, P1_ACCOUNT), 202, json!({"new": true})),
        (deposit(500, P1_ACCOUNT), 202, json!({"new": false})),
    ] {
        let answer = bank.post("/v1/bank/deposits", body).await;
        assert_eq!((answer.status, answer.json()), (status, expected));
    }
    for (body, status) in [
        (deposit(501, P1_ACCOUNT), 409),
        (deposit(0, P1_ACCOUNT), 422),
        (deposit(5, "2400000000000002").replace("R1", "R2"), 404),
        (
            deposit(5, P1_ACCOUNT).replace("2026-11-02", "yesterday"),
            422,
        ),
        ("{}".into(), 422),
    ] {
        let answer = bank.post("/v1/bank/deposits", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let accounts = house.as_user("finance").get("/v1/accounts").await.json()["items"].take();
    assert_eq!(
        (&accounts[0]["balance_fen"], &accounts[0]["deposited_fen"]),
        (&json!(500), &json!(500))
    );
}

#[tokio::test]
async fn a_pushed_document_is_taken_once_and_an_empty_one_not_at_all() {
    let house = House::open().await;
    let bank = house.as_bank("qingshan");
    for (body, status, expected) in [
        ("<x/>", 202, json!({"new": true})),
        ("<x/>", 202, json!({"new": false})),
    ] {
        let answer = bank.post("/v1/bank/returns", body).await;
        assert_eq!((answer.status, answer.json()), (status, expected));
    }
    assert_eq!(bank.post("/v1/bank/returns", "").await.status, 422);
}

#[tokio::test]
async fn rates_show_silent_prefectures_too_and_add_up_to_the_total() {
    let house = House::open().await;
    let batch = house.batch(4).await;
    let rates = |user: &'static str, level: &'static str| {
        let house = &house;
        async move {
            house
                .as_user(user)
                .get(&format!("/v1/rates?month=2026-10&level={level}"))
                .await
                .json()
        }
    };
    let mine = rates("supervisor", "prefecture").await;
    assert_eq!(
        (
            &mine["lines"][0]["code"],
            &mine["lines"][0]["base_projects"],
            &mine["total"]["all"]["count"],
            &mine["total"]["awaiting"]["count"]
        ),
        (&json!("530100"), &json!(10), &json!(0), &json!(4))
    );
    assert_eq!(mine["lines"].as_array().unwrap().len(), 1);
    let silent = rates("supervisor2", "prefecture").await;
    assert_eq!(
        (
            &silent["lines"][0]["code"],
            &silent["lines"][0]["all"]["count"]
        ),
        (&json!("530300"), &json!(0))
    );
    assert_eq!(silent["lines"][0]["rate_by_count"], Value::Null);
    house.deposit("qingshan", P1_ACCOUNT, 2_000_000).await;
    for (who, path, word) in passing(&batch) {
        assert_eq!(house.as_user(who).post(&path, word).await.status, 200);
    }
    let project = rates("approver", "project").await;
    assert_eq!(
        (
            &project["lines"][0]["code"],
            &project["lines"][0]["rate_by_count"]
        ),
        (&json!("P1"), &json!("0.00"))
    );
    assert!(
        project["definition"]
            .as_str()
            .unwrap()
            .contains("version 2")
    );
}

#[tokio::test]
async fn the_books_are_whole_and_the_gateway_is_well() {
    let house = House::open().await;
    house.batch(2).await;
    let operator = house.as_user("operator");
    assert_eq!(
        operator.get("/v1/recount").await.json(),
        json!({"adds_up": true, "batches": 1, "differences": []})
    );
    assert_eq!(
        operator.get("/v1/audit/check").await.json()["whole"],
        json!(true)
    );
    assert_eq!(
        operator.get("/v1/suspense").await.json()["items"].take(),
        json!([])
    );
    assert_eq!(
        house.as_bank("bishui").get("/v1/health").await.json(),
        json!({"well": true})
    );
    assert_eq!(
        house.as_user("clerk").get("/v1/health").await.json(),
        json!({"well": true})
    );
    let health = operator.get("/v1/health").await.json();
    assert_eq!(
        (&health["status"], &health["store_reachable"]),
        (&json!("ok"), &json!(true))
    );
    assert_eq!(health["runs_out"].as_array().unwrap().len(), 6);
}
