//! Requests under a key of their caller's choice.

use wagegate::store::{Answer, Begun, RequestClaim, RequestKey, StoreError};

use crate::engines::Bench;
use crate::world::at;

const KEY: RequestKey<'static> = RequestKey {
    principal: "wagegate://user/clerk",
    version: 3,
    key: "2026-10-P1",
};

fn answer() -> Answer {
    Answer {
        content: [7; 32],
        status: 201,
        headers: "[]".into(),
        body: Some(b"{}".to_vec()),
    }
}

/// For the version that began.
fn answered(answer: Answer) -> Begun {
    Begun::Answered { answer, version: 3 }
}

/// Begins at a second, for a minute; what is older than a hundred days is forgotten.
async fn begin(bench: &Bench, key: RequestKey<'_>, second: i64) -> Begun {
    let forget = at(second - 100 * 86_400);
    let until = at(second + 60);
    bench
        .store
        .begin_request(key, at(second), until, forget)
        .await
        .unwrap()
}

async fn ours(bench: &Bench, key: RequestKey<'_>, second: i64) -> RequestClaim {
    match begin(bench, key, second).await {
        Begun::Ours(claim) => claim,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_key_is_one_requests_until_it_is_answered(bench: Bench) {
    let claim = ours(&bench, KEY, 0).await;
    assert!(!claim.taken_over);
    assert_eq!(
        begin(&bench, KEY, 1).await,
        Begun::Running { until: at(60) }
    );
    bench.store.hold_request(claim, at(120)).await.unwrap();
    assert_eq!(
        begin(&bench, KEY, 61).await,
        Begun::Running { until: at(120) }
    );
    let other = RequestKey {
        principal: "wagegate://user/approver",
        ..KEY
    };
    ours(&bench, other, 1).await;
    bench.store.answer_request(claim, &answer()).await.unwrap();
    assert_eq!(begin(&bench, KEY, 500).await, answered(answer()));
    let moved = RequestKey { version: 4, ..KEY };
    assert_eq!(begin(&bench, moved, 501).await, answered(answer()));
    let again = bench.store.answer_request(claim, &answer()).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
}

pub(crate) async fn a_key_whose_request_died_is_taken_over_and_the_dead_ones_answer_is_not_kept(
    bench: Bench,
) {
    let dead = ours(&bench, KEY, 0).await;
    let living = ours(&bench, KEY, 60).await;
    assert!(living.taken_over);
    for late in [
        bench.store.answer_request(dead, &answer()).await,
        bench.store.hold_request(dead, at(500)).await,
        bench.store.release_request(dead).await,
    ] {
        assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    }
    let shown_once = Answer {
        body: None,
        ..answer()
    };
    bench
        .store
        .answer_request(living, &shown_once)
        .await
        .unwrap();
    assert_eq!(begin(&bench, KEY, 61).await, answered(shown_once));
}

pub(crate) async fn a_refused_request_gives_its_key_back(bench: Bench) {
    let refused = ours(&bench, KEY, 0).await;
    bench.store.release_request(refused).await.unwrap();
    let next = ours(&bench, KEY, 1).await;
    assert!(!next.taken_over && next != refused);
    let late = bench.store.answer_request(refused, &answer()).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
}

pub(crate) async fn what_is_old_is_forgotten(bench: Bench) {
    let claim = ours(&bench, KEY, 0).await;
    bench.store.answer_request(claim, &answer()).await.unwrap();
    let other = RequestKey { key: "x", ..KEY };
    ours(&bench, other, 99 * 86_400).await;
    assert_eq!(begin(&bench, KEY, 99 * 86_400).await, answered(answer()));
    let fresh = ours(&bench, KEY, 101 * 86_400).await;
    assert!(!fresh.taken_over);
}
