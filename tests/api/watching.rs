//! What operators see of the flow: banks that do not answer, clocks apart, tasks that fail, and figures for Prometheus.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wagegate::{
    clock::{Clock as _, SystemClock},
    store::{Links as _, StepFailure, Store as _, TaskKind, sqlite::SqliteStore},
};
use wagegate_domain::link::{Call, Came};

use crate::house::House;

/// The gateway's own store, as another gateway of it would have it.
async fn store(house: &House) -> SqliteStore {
    let file = house.file_of_the_gateway("wagegate.db");
    SqliteStore::open(&format!("sqlite://{}", file.display()))
        .await
        .unwrap()
}

/// A bank that does not answer, one whose clock is wrong, and a task that fails.
async fn trouble(house: &House) -> Timestamp {
    let store = store(house).await;
    // To the millisecond, as it is stored.
    let now = Timestamp::from_millisecond(SystemClock.now().as_millisecond()).unwrap();
    for _ in 0..5 {
        let why = "no connection".into();
        let came = Came::Nothing { why };
        let call = Call { at: now, came };
        store.note_call("qingshan", &call).await.unwrap();
    }
    let came = Came::Answer {
        skew_ms: Some(90_000),
    };
    let call = Call { at: now, came };
    store.note_call("bishui", &call).await.unwrap();
    store
        .ensure_task(TaskKind::Plan, "B-lost", now)
        .await
        .unwrap();
    for _ in 0..4 {
        let claim = loop {
            let claim = store.claim_step(now, 60_000).await.unwrap().unwrap();
            if claim.kind == TaskKind::Plan {
                break claim;
            }
        };
        let failed = StepFailure {
            at: now,
            why: "there is no batch B-lost".into(),
        };
        store.give_back(&claim, now, &failed).await.unwrap();
    }
    now
}

#[tokio::test]
async fn health_names_what_does_not_go_as_it_should() {
    let house = House::open().await;
    let operator = house.as_user("operator");
    let before = operator.get("/v1/health").await.json();
    assert_eq!(
        (&before["banks_away"], &before["failing_tasks"]),
        (&json!([]), &json!(0))
    );
    let now = trouble(&house).await;
    let health = operator.get("/v1/health").await.json();
    assert_eq!(health["status"], "attention");
    let until = now + SignedDuration::from_secs(30);
    let away = json!([{"bank": "qingshan", "since": now.to_string(), "until": until.to_string(), "failures": 5, "why": "no connection"}]);
    assert_eq!(health["banks_away"], away);
    assert_eq!(health["clocks_apart"][0]["bank"], "bishui");
    assert_eq!(health["clocks_apart"][0]["skew_ms"], 90_000);
    assert_eq!(health["failing_tasks"], 1);
    assert_eq!(
        (&health["evidence_fault"], &health["disk_full_at"]),
        (&json!(null), &json!(null))
    );

    let tasks = operator.get("/v1/tasks").await.json();
    let task = &tasks["items"][0];
    assert_eq!(
        (&task["kind"], &task["subject"], &task["failures"]),
        (&json!("plan"), &json!("B-lost"), &json!(4))
    );
    assert_eq!(task["last_error"], "there is no batch B-lost");
    let shown = house.command("operator", &["health"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for words in [
        "qingshan does not answer",
        "the clock of bishui",
        "1 tasks fail",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test]
async fn each_bank_is_shown_with_its_line_its_limits_and_our_certificate() {
    let house = House::open().await;
    trouble(&house).await;
    let banks = house.as_user("operator").get("/v1/banks").await.json();
    let [bishui, qingshan] = &banks["items"].as_array().unwrap()[..] else {
        panic!("{banks}")
    };
    assert_eq!(
        (&bishui["code"], &bishui["line"]),
        (&json!("bishui"), &json!("well"))
    );
    assert_eq!(
        (&qingshan["code"], &qingshan["line"]),
        (&json!("qingshan"), &json!("away"))
    );
    assert_eq!(
        (&qingshan["cut_off"], &qingshan["calls_max"]),
        (&json!("17:00"), &json!(4))
    );
    assert!(
        qingshan["certificate_days"].as_i64().unwrap() > 0,
        "{banks}"
    );
    assert!(qingshan["rows_max"].as_u64().unwrap() > 0, "{banks}");
    let page = house
        .as_user("operator")
        .get("/v1/banks?limit=1")
        .await
        .json();
    assert_eq!(page["next"], "bishui");
}

#[tokio::test]
async fn figures_for_prometheus_are_told_to_operators() {
    let house = House::open().await;
    trouble(&house).await;
    let answer = house.as_user("operator").get("/v1/metrics").await;
    assert_eq!(answer.kind, "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "wagegate_store_reachable 1",
        "wagegate_evidence_reachable 1",
        "wagegate_tasks{kind=\"plan\",state=\"failing\"} 1",
        "wagegate_instructions{state=\"in_doubt\"} 0",
        "wagegate_bank_away{bank=\"qingshan\"} 1",
        "wagegate_bank_failures{bank=\"qingshan\"} 5",
        "wagegate_bank_clock_skew_seconds{bank=\"bishui\"} 90.000",
        "wagegate_steps_failed_total{kind=\"send\"} 0",
        "wagegate_suspense_open 0",
    ] {
        assert!(
            answer.text.lines().any(|told| told == line),
            "{line}: {}",
            answer.text
        );
    }
    assert!(
        answer
            .text
            .contains("wagegate_certificate_days_left{what=\"gateway at bishui\"} ")
    );
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("wagegate_") && value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
}
