//! What happens to an instruction between intent and its results.

use wagegate::store::{Happening, Next, ReadTask, StoreError, TaskKind};
use wagegate_domain::attempt::{Event, Forbidden, State};
use wagegate_domain::outcome::Place;
use wagegate_domain::reason::Reason;

use crate::engines::Bench;
use crate::world::{BANK, LEASE_MS, WIDE, at, code, counts, document, happening, wages};

async fn planned(bench: &Bench) {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
    bench.plan(WIDE).await;
}

async fn standing(bench: &Bench) -> [u64; 6] {
    bench.adds_up().await;
    counts(&bench.store.batch("B1").await.unwrap())
}

pub(crate) async fn intent_fixes_the_bytes(bench: Bench) {
    planned(&bench).await;
    let (claim, id) = bench.intend().await;
    let view = bench.store.instruction(id).await.unwrap();
    assert_eq!(
        (view.state, view.bytes),
        (State::Sending, Some(([7; 32], 99)))
    );
    bench
        .store
        .record_event(
            &claim,
            id,
            &happening(Event::NothingLeft),
            Next::Again(at(50)),
        )
        .await
        .unwrap();
    let view = bench.store.instruction(id).await.unwrap();
    assert_eq!(
        (view.state, view.bytes),
        (State::Planned, Some(([7; 32], 99)))
    );
    let claim = bench.claim(TaskKind::Send).await;
    for (hash, size) in [([8; 32], 99), ([7; 32], 98)] {
        let other = bench
            .store
            .record_intent(&claim, id, (hash, size), 0, at(60))
            .await;
        assert!(matches!(other, Err(StoreError::Broken(_))), "{other:?}");
    }
    bench
        .store
        .record_intent(&claim, id, ([7; 32], 99), 0, at(60))
        .await
        .unwrap();
    assert_eq!(standing(&bench).await, [0, 0, 0, 2, 0, 0]);
}

pub(crate) async fn intent_is_committed_once_for_one_send(bench: Bench) {
    planned(&bench).await;
    let (claim, id) = bench.intend().await;
    let again = bench
        .store
        .record_intent(&claim, id, ([7; 32], 99), 0, at(4))
        .await;
    assert!(
        matches!(
            again,
            Err(StoreError::Forbidden(Forbidden {
                state: State::Sending,
                ..
            }))
        ),
        "the same bytes too: whoever may have sent must not send again"
    );
}

pub(crate) async fn a_sender_that_never_came_back_leaves_it_in_doubt(bench: Bench) {
    planned(&bench).await;
    let (gone, id) = bench.intend().await;
    let over = bench
        .store
        .claim_step(at(2_000), LEASE_MS)
        .await
        .unwrap()
        .unwrap();
    assert!(over.taken_over && over.task == gone.task);
    let unclear = Happening {
        query_at: Some(at(2_030)),
        ..happening(Event::Unclear)
    };
    let state = bench
        .store
        .record_event(&over, id, &unclear, Next::Done)
        .await
        .unwrap();
    assert_eq!(state, State::InDoubt);
    assert_eq!(standing(&bench).await, [0, 0, 0, 0, 2, 0]);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    assert!(
        bench
            .items("B1")
            .await
            .iter()
            .all(|item| item.place == Place::InDoubt)
    );
    let late = bench
        .store
        .record_event(&gone, id, &happening(Event::Known), Next::Done)
        .await;
    assert!(matches!(late, Err(StoreError::Stale)));
    assert_eq!(
        bench.store.next_due().await.unwrap(),
        Some(at(2_030)),
        "only a query is due"
    );
    let query = bench
        .store
        .claim_step(at(2_030), LEASE_MS)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (query.kind, query.subject),
        (TaskKind::Query, id.to_string())
    );
}

pub(crate) async fn a_bank_without_a_record_is_remembered_from_the_first_time_on(bench: Bench) {
    planned(&bench).await;
    let (claim, id) = bench.intend().await;
    let unclear = Happening {
        query_at: Some(at(0)),
        ..happening(Event::Unclear)
    };
    bench
        .store
        .record_event(&claim, id, &unclear, Next::Done)
        .await
        .unwrap();
    let since = async || bench.store.instruction(id).await.unwrap().not_known_since;
    for (event, moment, expected) in [
        (Event::NotKnown, 100, Some(at(100))),
        (Event::Unclear, 150, Some(at(100))),
        (Event::NotKnown, 200, Some(at(100))),
        (Event::Known, 300, None),
    ] {
        let claim = bench.claim(TaskKind::Query).await;
        let told = Happening {
            at: at(moment),
            ..happening(event)
        };
        bench
            .store
            .record_event(&claim, id, &told, Next::Again(at(0)))
            .await
            .unwrap();
        assert_eq!(since().await, expected, "{event:?}");
    }
    assert_eq!(standing(&bench).await, [0, 0, 0, 2, 0, 0]);
}

pub(crate) async fn an_accepted_instruction_is_asked_about_when_it_is_due(bench: Bench) {
    planned(&bench).await;
    let (claim, id) = bench.intend().await;
    let known = Happening {
        query_at: Some(at(40)),
        ..happening(Event::Known)
    };
    let state = bench
        .store
        .record_event(&claim, id, &known, Next::Done)
        .await
        .unwrap();
    assert_eq!(state, State::Accepted);
    assert_eq!(standing(&bench).await, [0, 0, 0, 2, 0, 0]);
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(40)));
    let query = bench.claim(TaskKind::Query).await;
    let sooner = Happening {
        query_at: Some(at(20)),
        ..happening(Event::Unclear)
    };
    let state = bench
        .store
        .record_event(&query, id, &sooner, Next::Done)
        .await
        .unwrap();
    assert_eq!(
        state,
        State::Accepted,
        "what the bank has it cannot lose by silence"
    );
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(20)));
}

pub(crate) async fn a_refusal_fails_every_payment_and_frees_the_funds(bench: Bench) {
    planned(&bench).await;
    let (claim, id) = bench.intend().await;
    let (raw, _) = bench
        .store
        .record_raw(&document(BANK), ReadTask::NotWanted)
        .await
        .unwrap();
    let refused = Happening {
        raw: Some(raw),
        refusal: Some((Reason::TotalMismatch, code("E17"))),
        ..happening(Event::Refused)
    };
    let wordless = Happening {
        raw: None,
        ..refused.clone()
    };
    let without = bench
        .store
        .record_event(&claim, id, &wordless, Next::Done)
        .await;
    assert!(
        matches!(without, Err(StoreError::Broken(_))),
        "a fact needs its document"
    );
    assert_eq!(standing(&bench).await, [0, 0, 0, 2, 0, 0]);
    let state = bench
        .store
        .record_event(&claim, id, &refused, Next::Done)
        .await
        .unwrap();
    assert_eq!(state, State::Refused);
    assert_eq!(standing(&bench).await, [0, 2, 0, 0, 0, 0]);
    assert_eq!(bench.account("P1").await, (300, 0, 0));
    for item in bench.items("B1").await {
        assert_eq!(
            (item.place, item.reason),
            (Place::Failed, Some(Reason::TotalMismatch))
        );
        assert_eq!(item.bank_code, Some(("E17".into(), "text of E17".into())));
    }
    assert_eq!(bench.store.instruction(id).await.unwrap().open, 0);
}

pub(crate) async fn what_may_not_happen_changes_nothing(bench: Bench) {
    planned(&bench).await;
    let (claim, id) = bench.intend().await;
    let unclear = happening(Event::Unclear);
    bench
        .store
        .record_event(&claim, id, &unclear, Next::Again(at(0)))
        .await
        .unwrap();
    let claim = bench.claim(TaskKind::Send).await;
    for event in [Event::Intent, Event::NothingLeft] {
        let refused = bench
            .store
            .record_event(&claim, id, &happening(event), Next::Done)
            .await;
        assert!(
            matches!(refused, Err(StoreError::Forbidden(_))),
            "{event:?}"
        );
        assert_eq!(
            bench.store.instruction(id).await.unwrap().state,
            State::InDoubt
        );
    }
    let unknown = bench
        .store
        .record_event(&claim, 9_999, &unclear, Next::Done)
        .await;
    assert!(
        matches!(unknown, Err(StoreError::NotFound { .. })),
        "{unknown:?}"
    );
    assert_eq!(standing(&bench).await, [0, 0, 0, 0, 2, 0]);
    bench.store.finish(&claim, Next::Done).await.unwrap();
}
