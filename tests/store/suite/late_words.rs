//! What the bank says after two people decided that an instruction never arrived: whatever would pay the same wages again is held.

use wagegate::store::{DoubtRefused, Next, Question, ReadTask, StoreError, TaskKind, Within};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::Verdict;

use super::doubts::{ARRIVED, LETTER, NEVER, proposing, refusal};
use crate::engines::Bench;
use crate::world::{BANK, CLOSED, at, document, happening, item, taken};

pub(crate) async fn a_payment_that_shows_late_stops_what_would_pay_again(bench: Bench) {
    let old = bench.doubtful("B1").await;
    bench.decided(old.id, NEVER).await;
    let new = bench.newest("B1").await;
    // Somebody is just about to send it.
    let sender = bench.claim(TaskKind::Send).await;
    assert_eq!(
        bench
            .hears(vec![item(&old.bank_key, 1, Verdict::Paid)])
            .await,
        taken(1, 1, 1)
    );
    let late = bench
        .store
        .record_intent(&sender, new.id, ([7; 32], 99), 0, at(22))
        .await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    let held = bench.store.instruction(new.id).await.unwrap();
    assert_eq!(
        (held.state, held.held_since, held.bytes),
        (State::Planned, Some(at(21)), None)
    );
    assert_eq!(bench.desk().await, [(new.id, Some(Question::Held))]);
    let wages = bench
        .store
        .contradicted_page(&Within::All, None, 10)
        .await
        .unwrap();
    assert_eq!(wages.len(), 1);
    assert_eq!(
        (wages[0].row, wages[0].attempt, wages[0].latest),
        (1, 1, false)
    );
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
    // Whoever puts down a task to send it all the same does not send it.
    bench
        .store
        .ensure_task(TaskKind::Send, &new.id.to_string(), at(0))
        .await
        .unwrap();
    let sender = bench.claim(TaskKind::Send).await;
    let late = bench
        .store
        .record_intent(&sender, new.id, ([7; 32], 99), 0, at(23))
        .await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    // Only the word that the earlier one did not arrive after all lets it go.
    assert_eq!(
        refusal(bench.says(new.id, "finance", proposing(ARRIVED)).await),
        DoubtRefused::StaysHeld
    );
    bench.decided(new.id, NEVER).await;
    assert_eq!(bench.intend().await.1, new.id);
}

pub(crate) async fn any_word_of_the_bank_but_a_failure_stops_it(bench: Bench) {
    let old = bench.doubtful("B1").await;
    bench.decided(old.id, NEVER).await;
    bench.hears(vec![item(&old.bank_key, 2, CLOSED)]).await;
    assert!(
        bench.desk().await.is_empty(),
        "a failure there is no payment there"
    );
    bench
        .hears(vec![item(&old.bank_key, 1, Verdict::InProgress)])
        .await;
    let new = bench.newest("B1").await;
    assert_eq!(bench.desk().await, [(new.id, Some(Question::Held))]);
}

pub(crate) async fn what_is_on_its_way_and_comes_back_is_held_too(bench: Bench) {
    let old = bench.doubtful("B1").await;
    bench.decided(old.id, NEVER).await;
    let (claim, new) = bench.intend().await;
    bench
        .hears(vec![item(&old.bank_key, 1, Verdict::Paid)])
        .await;
    let nothing = happening(Event::NothingLeft);
    bench
        .store
        .record_event(&claim, new, &nothing, Next::Again(at(0)))
        .await
        .unwrap();
    let sender = bench.claim(TaskKind::Send).await;
    let late = bench
        .store
        .record_intent(&sender, new, ([7; 32], 99), 0, at(23))
        .await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    assert_eq!(bench.desk().await, [(new, Some(Question::Held))]);
}

pub(crate) async fn the_banks_own_bytes_may_be_the_evidence(bench: Bench) {
    let view = bench.doubtful("B1").await;
    // The very bytes are known as an answer to a query.
    let known = wagegate::store::NewRaw {
        origin: "query",
        instruction: Some(view.id),
        hash: LETTER.0,
        ..document(BANK)
    };
    bench
        .store
        .record_raw(&known, ReadTask::NotWanted)
        .await
        .unwrap();
    bench.decided(view.id, NEVER).await;
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
}
