//! The same act under the same Idempotency-Key is done once and answered alike.

use futures_util::stream;
use reqwest::Body;
use serde_json::json;
use tokio::sync::mpsc;

use crate::house::{Answer, Client, House, sheet};

const SUBMIT: &str = "/v1/batches?project=P1&month=2026-10";

async fn post(client: &Client<'_>, key: &str, path: &str, body: impl Into<Body>) -> Answer {
    client
        .ask_with("POST", path, &[("Idempotency-Key", key)], body)
        .await
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotency-replayed")
}

fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.kind, "application/problem+json");
    (
        answer.status,
        answer.json()["type"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn the_same_again_is_answered_as_before_and_done_once() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let first = post(&clerk, "k1", SUBMIT, sheet(3)).await;
    assert_eq!((first.status, replayed(&first)), (201, false), "{first:?}");
    let again = post(&clerk, "k1", SUBMIT, sheet(3)).await;
    assert_eq!(
        (again.status, replayed(&again), &again.kind, &again.text),
        (201, true, &first.kind, &first.text)
    );
    let other = clerk.get("/v1/batches?month=2026-10").await.text;
    assert_eq!(other.matches("\"code\"").count(), 1, "{other}");
}

#[tokio::test]
async fn another_act_under_a_used_key_is_refused() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    post(&clerk, "k1", SUBMIT, sheet(3)).await;
    let reused = (422, "urn:wagegate:idempotency-key-reused".to_owned());
    let other_body = post(&clerk, "k1", SUBMIT, sheet(2)).await;
    assert_eq!(problem(&other_body), reused);
    let other_query = SUBMIT.replace("10", "11");
    let other_query = post(&clerk, "k1", &other_query, sheet(3)).await;
    assert_eq!(problem(&other_query), reused);
    let deposit = json!({"account": "2400000000000001", "amount_fen": 5, "reference": "D5", "value_date": "2026-11-02"});
    let bank = house.as_bank("qingshan");
    let own = post(&bank, "k1", "/v1/bank/deposits", deposit.to_string()).await;
    assert_eq!(own.status, 202, "a key is its caller's own: {own:?}");
}

#[tokio::test]
async fn who_was_moved_elsewhere_is_not_shown_what_they_were_answered_before() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let first = post(&clerk, "k1", SUBMIT, sheet(3)).await;
    assert_eq!(first.status, 201, "{first:?}");
    let moved = json!({"projects": ["P2"]}).to_string();
    let moved = house
        .as_user("operator")
        .post("/v1/principals/clerk/scope", moved)
        .await;
    assert_eq!(moved.status, 200, "{moved:?}");
    let again = post(&clerk, "k1", SUBMIT, sheet(3)).await;
    let refused = (409, "urn:wagegate:answered-before-a-change".to_owned());
    assert_eq!(problem(&again), refused);
    assert!(!again.text.contains("B-"), "{again:?}");
}

#[tokio::test]
async fn a_refusal_changes_nothing_and_leaves_its_key_free() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let bad = post(&clerk, "k1", SUBMIT, sheet(2).replace("李一", "")).await;
    assert_eq!(bad.status, 422, "{bad:?}");
    let mended = post(&clerk, "k1", SUBMIT, sheet(2)).await;
    assert_eq!((mended.status, replayed(&mended)), (201, false));
    let denied = post(&house.as_user("approver"), "k1", SUBMIT, sheet(2)).await;
    assert_eq!(denied.status, 403);
    for key in ["", "two words", &"k".repeat(256)] {
        let answer = post(&clerk, key, SUBMIT, sheet(1)).await;
        assert_eq!(answer.status, 400, "{key}: {answer:?}");
    }
}

#[tokio::test]
async fn while_the_first_is_on_its_way_the_second_waits() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    // The two race to the gateway; a second that comes first is refused for its content, and the next month is tried.
    for month in 1..=12 {
        let path = format!("/v1/batches?project=P1&month=2026-{month:02}");
        let (first, second) = at_once(&house, &path).await;
        if second.status != 409 || first.status != 201 {
            continue;
        }
        let in_progress = (409, "urn:wagegate:request-in-progress".into());
        assert_eq!(problem(&second), in_progress);
        let wait = second.headers["retry-after"].to_str().unwrap();
        assert!((1..=30).contains(&wait.parse().unwrap()), "{wait}");
        assert!(replayed(
            &post(&clerk, &path.replace('/', "-"), &path, sheet(3)).await
        ));
        return;
    }
    panic!("the second always came first");
}

/// A sheet whose end waits until another request under its key was answered.
async fn at_once(house: &House, path: &str) -> (Answer, Answer) {
    let (write, read) = mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = stream::unfold(
        read,
        |mut read| async move { Some((read.recv().await?, read)) },
    );
    let (one, other) = (house.as_user("clerk"), house.as_user("clerk"));
    let key = path.replace('/', "-");
    let first = post(&one, &key, path, Body::wrap_stream(body));
    let second = async {
        let text = sheet(3).into_bytes();
        let (start, end) = text.split_at(text.len() / 2);
        write.send(Ok(start.to_vec())).await.unwrap();
        // There is room for another piece when the start is on the wire.
        write.send(Ok(Vec::new())).await.unwrap();
        let second = post(&other, &key, path, "x").await;
        write.send(Ok(end.to_vec())).await.unwrap();
        drop(write);
        second
    };
    tokio::join!(first, second)
}
