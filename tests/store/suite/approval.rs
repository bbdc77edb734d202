//! A second person decides, on what was seen, once, and only over money that is there.

use wagegate::store::{Conflict, Decision, StoreError, TaskKind};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;

use crate::engines::Bench;
use crate::world::{content, counts, decision, wages};

async fn waiting(bench: &Bench) {
    bench.settle().await;
    bench.deposit("P1", 1_000).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
}

async fn refuses(bench: &Bench, decision: &Decision, expected: Conflict) {
    match bench.store.decide_batch(decision).await {
        Err(StoreError::Conflict(conflict)) => assert_eq!(conflict, expected),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn approving_reserves_the_funds_and_asks_for_a_plan(bench: Bench) {
    waiting(&bench).await;
    let approved = bench.approve("B1").await.unwrap();
    assert_eq!(approved.state, BatchState::Approved);
    assert_eq!(counts(&approved), [0, 0, 0, 0, 0, 2]);
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    let claim = bench.claim(TaskKind::Plan).await;
    assert_eq!((claim.subject.as_str(), claim.taken_over), ("B1", false));
    let newest = &bench.store.audit_tail(1).await.unwrap()[0];
    assert_eq!(
        (
            newest.who.as_str(),
            newest.action.as_str(),
            newest.subject.as_str()
        ),
        ("approver", "batch.approve", "B1")
    );
    assert!(newest.detail.contains(&content("B1").to_string()));
    bench.adds_up().await;
}

pub(crate) async fn nobody_approves_what_they_prepared(bench: Bench) {
    waiting(&bench).await;
    for approve in [true, false] {
        let own = Decision {
            by: "clerk".into(),
            ..decision("B1", approve)
        };
        refuses(&bench, &own, Conflict::SamePerson).await;
    }
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
}

pub(crate) async fn an_approval_of_other_content_is_refused(bench: Bench) {
    waiting(&bench).await;
    let other = Decision {
        content: content("other"),
        ..decision("B1", true)
    };
    refuses(&bench, &other, Conflict::ContentDiffers).await;
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
}

pub(crate) async fn a_batch_is_decided_once(bench: Bench) {
    waiting(&bench).await;
    bench.approve("B1").await.unwrap();
    for approve in [true, false] {
        let state = BatchState::Approved;
        refuses(
            &bench,
            &decision("B1", approve),
            Conflict::NotAwaiting { state },
        )
        .await;
    }
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    assert!(matches!(
        bench.approve("B9").await,
        Err(StoreError::NotFound { what: "batch", .. })
    ));
}

pub(crate) async fn an_account_that_holds_too_little_refuses_the_approval(bench: Bench) {
    waiting(&bench).await;
    let more: Vec<_> = (10..20).map(|n| crate::world::row(n, n, 80)).collect();
    bench.submit("B2", "P1", more).await.unwrap();
    bench.approve("B1").await.unwrap();
    let short = Conflict::FundsShort {
        short: Fen::new(100),
        available: Fen::new(700),
    };
    refuses(&bench, &decision("B2", true), short).await;
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    bench.deposit("P1", 100).await;
    bench.approve("B2").await.unwrap();
    assert_eq!(bench.account("P1").await, (1_100, 1_100, 0));
    bench.adds_up().await;
}
