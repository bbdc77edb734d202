//! A bank's business days over the API and on the command line.

use serde_json::{Value, json};

use crate::house::House;

#[tokio::test]
async fn a_pay_day_in_a_holiday_is_moved_before_it_with_the_last_moment_to_release() {
    let house = House::open().await;
    let path = "/v1/banks/qingshan/calendar?day=2026-10-01";
    let day = house.as_user("clerk").get(path).await.json();
    for (key, value) in [
        ("bank_name", json!("青山银行")),
        ("business_day", json!(false)),
        ("kind", json!("holiday")),
        ("known", json!(true)),
        ("notice", json!("国办发明电〔2025〕7号")),
        ("cut_off", json!("17:00")),
        ("opens", Value::Null),
        ("weekend", json!("rests")),
        ("takes", json!("always")),
        ("pay_by", json!("2026-09-30")),
        ("worked_on", json!("2026-09-30")),
        // 17:00 in China, less the hold of two minutes.
        ("release_before", json!("2026-09-30T08:58:00Z")),
        ("make_up_days", json!(["2026-10-10"])),
    ] {
        assert_eq!(day[key], value, "{key}: {day}");
    }
    assert_eq!(day["holiday"]["name"], "国庆节");
    assert_eq!(day["holiday"]["to"], "2026-10-07");
    let later = house.as_bank("qingshan");
    let later = later
        .get("/v1/banks/qingshan/calendar?day=2031-10-01")
        .await
        .json();
    assert_eq!(
        (&later["known"], &later["kind"], &later["notice"]),
        (&json!(false), &json!("weekday"), &Value::Null)
    );
    for (question, status) in [
        ("", 200),
        ("?day=2026-02-30", 400),
        ("?day=2026-10-1", 400),
        ("?on=2026-10-01", 400),
    ] {
        let path = format!("/v1/banks/qingshan/calendar{question}");
        let answer = house.as_user("operator").get(&path).await;
        assert_eq!(answer.status, status, "{question}: {answer:?}");
    }
}

#[tokio::test]
async fn the_command_line_says_when_to_release() {
    let house = House::open().await;
    let asked = ["calendar", "--bank", "qingshan", "--pay-day", "2026-10-10"];
    let shown = house.command("approver", &asked);
    assert!(shown.status.success(), "{shown:?}");
    let text = String::from_utf8(shown.stdout).unwrap();
    for part in [
        "2026-10-10 营业 business day",
        "调休上班",
        "国庆节 National Day 2026-10-01–2026-10-07",
        "release before   2026-10-10 16:58:00",
        "国办发明电〔2025〕7号",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
