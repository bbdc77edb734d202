//! A database that knows fewer sends than were made, and what the bank says of them.

use wagegate::store::{Claim, Next, StoreError, TaskKind};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::Verdict;

use crate::engines::Bench;
use crate::world::{BANK, WIDE, at, happening, item, taken, wages};

/// A batch of two rows that is planned and was never sent from here.
async fn planned(bench: &Bench, code: &str) -> i64 {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    bench.submit(code, "P1", wages(&[100, 200])).await.unwrap();
    bench.approve(code).await.unwrap();
    bench.plan(WIDE).await[0].id
}

async fn claimed_query(bench: &Bench) -> Claim {
    bench.claim(TaskKind::Query).await
}

pub(crate) async fn every_send_has_a_higher_number(bench: Bench) {
    planned(&bench, "B1").await;
    assert_eq!(bench.store.last_send().await.unwrap(), 0);
    let (claim, id) = bench.intend().await;
    let first = bench.store.last_send().await.unwrap();
    let again = Next::Again(at(0));
    let nothing = happening(Event::NothingLeft);
    bench
        .store
        .record_event(&claim, id, &nothing, again)
        .await
        .unwrap();
    bench.intend().await;
    let second = bench.store.last_send().await.unwrap();
    assert!(0 < first && first < second, "{first} {second}");
    assert_eq!(bench.store.instruction(id).await.unwrap().sends, 2);
}

pub(crate) async fn a_database_behind_the_mark_commits_no_intent(bench: Bench) {
    let id = planned(&bench, "B1").await;
    let claim = bench.claim(TaskKind::Send).await;
    let refused = bench
        .store
        .record_intent(&claim, id, ([7; 32], 99), 5, at(3))
        .await;
    let Err(StoreError::WentBack { found, witnessed }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((found, witnessed), (0, 5));
    let view = bench.store.instruction(id).await.unwrap();
    assert_eq!((view.state, view.bytes), (State::Planned, None));
}

pub(crate) async fn what_a_lost_database_may_have_sent_waits_for_the_banks_word(bench: Bench) {
    let id = planned(&bench, "B1").await;
    bench.store.went_back(5, at(10)).await.unwrap();
    // Found out twice, it is done once.
    bench.store.went_back(5, at(11)).await.unwrap();
    let restored = bench.store.restored().await.unwrap().unwrap();
    assert_eq!(
        (
            restored.at,
            restored.found,
            restored.witnessed,
            restored.asking
        ),
        (at(10), 0, 5, 1)
    );
    assert_eq!(bench.store.last_send().await.unwrap(), 5);
    let claim = claimed_query(&bench).await;
    assert_eq!(claim.subject, id.to_string());
    bench.store.record_query(&claim, id).await.unwrap();
    let view = bench.store.instruction(id).await.unwrap();
    assert_eq!((view.queries, view.ask_first_since), (1, Some(at(10))));
    bench.store.clear_to_send(&claim, id, at(12)).await.unwrap();
    let (_, sent) = bench.intend().await;
    assert_eq!(sent, id);
    assert_eq!(bench.store.last_send().await.unwrap(), 6);
}

pub(crate) async fn what_is_planned_after_a_restore_is_asked_about_first(bench: Bench) {
    planned(&bench, "B1").await;
    bench.intend().await;
    bench.store.went_back(50, at(1)).await.unwrap();
    bench.deposit("P2", 100).await;
    bench.submit("B2", "P2", wages(&[100])).await.unwrap();
    bench.approve("B2").await.unwrap();
    let view = bench.plan(WIDE).await.remove(0);
    assert_eq!(view.ask_first_since, Some(at(1)));
    let claim = claimed_query(&bench).await;
    assert_eq!(claim.subject, view.id.to_string());
}

pub(crate) async fn what_the_bank_has_and_told_of_before_is_read_again_when_it_is_found(
    bench: Bench,
) {
    let id = planned(&bench, "B1").await;
    let key = bench.store.instruction(id).await.unwrap().bank_key;
    let told = vec![item(&key, 1, Verdict::Paid), item(&key, 2, Verdict::Paid)];
    assert_eq!(bench.hears(told).await, taken(0, 0, 2));
    assert_eq!(bench.store.suspense_page(None, 10).await.unwrap().len(), 2);
    // The bank's word alone had it asked about.
    let claim = claimed_query(&bench).await;
    bench
        .store
        .record_found(&claim, id, ([7; 32], 99), at(30), Next::Done)
        .await
        .unwrap();
    let view = bench.store.instruction(id).await.unwrap();
    assert_eq!(
        (view.state, view.bytes, view.ask_first_since, view.sends),
        (State::Accepted, Some(([7; 32], 99)), None, 0)
    );
    let read = bench.claim(TaskKind::Read).await;
    let raw = read.subject.parse().unwrap();
    assert_eq!(bench.store.raw(raw).await.unwrap().next_ordinal, 0);
    let told = crate::world::said(vec![
        item(&key, 1, Verdict::Paid),
        item(&key, 2, Verdict::Paid),
    ]);
    let found = bench.store.record_facts(&read, raw, &told, at(31)).await;
    assert_eq!(found.unwrap(), taken(2, 2, 0));
    bench.store.finish_raw(&read, raw, None).await.unwrap();
    assert!(
        bench
            .store
            .suspense_page(None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(bench.places("B1").await, [2, 0, 0, 0, 0, 0]);
    assert_eq!(view.bank, BANK);
}

pub(crate) async fn the_banks_last_word_brings_the_same_bytes_back_to_be_sent(bench: Bench) {
    planned(&bench, "B1").await;
    let (claim, id) = bench.intend().await;
    let unclear = wagegate::store::Happening {
        query_at: Some(at(0)),
        ..happening(Event::Unclear)
    };
    bench
        .store
        .record_event(&claim, id, &unclear, Next::Done)
        .await
        .unwrap();
    assert_eq!(bench.places("B1").await, [0, 0, 0, 0, 2, 0]);
    let never = wagegate::store::Happening {
        send_at: Some(at(40)),
        ..happening(Event::NeverArrived)
    };
    let query = claimed_query(&bench).await;
    bench
        .store
        .record_event(&query, id, &never, Next::Done)
        .await
        .unwrap();
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
    let send = bench.claim(TaskKind::Send).await;
    let other = bench
        .store
        .record_intent(&send, id, ([8; 32], 99), 0, at(41))
        .await;
    assert!(matches!(other, Err(StoreError::Broken(_))), "{other:?}");
    bench
        .store
        .record_intent(&send, id, ([7; 32], 99), 0, at(41))
        .await
        .unwrap();
}
