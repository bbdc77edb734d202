//! The outcome is the fold of the facts, whatever their order, and the money follows it.

use wagegate::store::{Funding, ItemView, Next, Saying, TaskKind};
use wagegate_domain::Fen;
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::Verdict;
use wagegate_domain::outcome::Place;
use wagegate_domain::reason::Reason;

use crate::engines::Bench;
use crate::world::{BACK, BANK, CLOSED, WIDE, at, happening, item, row, said, taken, wages};

pub(crate) async fn a_return_brings_the_money_back(bench: Bench) {
    bench.settle().await;
    let instruction = bench.sent("B1", &[100, 200]).await;
    let key = &instruction.bank_key;
    bench
        .hears(vec![
            item(key, 1, Verdict::Paid),
            item(key, 2, Verdict::Paid),
        ])
        .await;
    assert_eq!(bench.places("B1").await, [2, 0, 0, 0, 0, 0]);
    assert_eq!(bench.account("P1").await, (0, 0, 0));
    assert_eq!(
        bench.store.instruction(instruction.id).await.unwrap().open,
        0
    );
    let heard = bench.hears(vec![item(key, 2, BACK)]).await;
    assert_eq!(heard, taken(1, 1, 0));
    assert_eq!(bench.places("B1").await, [1, 0, 1, 0, 0, 0]);
    assert_eq!(bench.account("P1").await, (200, 0, 0));
    let back = &bench.items("B1").await[1];
    assert_eq!(
        (back.place, back.reason),
        (Place::Returned, Some(Reason::NameMismatch))
    );
    assert_eq!(
        back.bank_code,
        Some(("returned".into(), "text of returned".into()))
    );
}

pub(crate) async fn a_contradiction_is_in_doubt_and_keeps_the_funds_reserved(bench: Bench) {
    bench.settle().await;
    let instruction = bench.sent("B1", &[100, 200]).await;
    let key = &instruction.bank_key;
    bench
        .hears(vec![item(key, 1, CLOSED), item(key, 2, Verdict::Paid)])
        .await;
    assert_eq!(bench.places("B1").await, [1, 1, 0, 0, 0, 0]);
    assert_eq!(bench.account("P1").await, (100, 0, 0));
    bench
        .hears(vec![item(key, 1, Verdict::Paid), item(key, 2, CLOSED)])
        .await;
    assert_eq!(bench.places("B1").await, [0, 0, 0, 0, 2, 0]);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    assert_eq!(
        bench.store.instruction(instruction.id).await.unwrap().open,
        2
    );
    bench.hears(vec![item(key, 1, BACK)]).await;
    assert_eq!(bench.places("B1").await, [0, 0, 1, 0, 1, 0]);
    assert_eq!(bench.account("P1").await, (300, 200, 0));
}

pub(crate) async fn a_report_proves_that_a_doubtful_instruction_arrived(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
    let key = bench.plan(WIDE).await[0].bank_key.clone();
    let (claim, id) = bench.intend().await;
    bench
        .store
        .record_event(&claim, id, &happening(Event::Unclear), Next::Done)
        .await
        .unwrap();
    assert_eq!(bench.places("B1").await, [0, 0, 0, 0, 2, 0]);
    bench.hears(vec![item(&key, 1, Verdict::Paid)]).await;
    assert_eq!(
        bench.store.instruction(id).await.unwrap().state,
        State::Accepted
    );
    assert_eq!(bench.places("B1").await, [1, 0, 0, 1, 0, 0]);
}

pub(crate) async fn sayings_already_recorded_are_passed_over(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200, 300]).await.bank_key;
    let told = said((1..=3).map(|n| item(&key, n, Verdict::Paid)).collect());
    let raw = crate::world::document(BANK);
    let read = wagegate::store::ReadTask::Wanted;
    let (raw, _) = bench.store.record_raw(&raw, read).await.unwrap();
    let claim = bench.claim(TaskKind::Read).await;
    let record = async |sayings: &[Saying]| {
        let moment = at(30);
        bench
            .store
            .record_facts(&claim, raw, sayings, moment)
            .await
            .unwrap()
    };
    assert_eq!(record(&told[..2]).await, taken(2, 2, 0));
    assert_eq!(record(&told[..2]).await, taken(0, 0, 0));
    assert_eq!(record(&told).await, taken(1, 1, 0));
    assert_eq!(record(&[]).await, taken(0, 0, 0));
    assert_eq!(bench.store.raw(raw).await.unwrap().next_ordinal, 3);
    assert_eq!(bench.places("B1").await, [3, 0, 0, 0, 0, 0]);
}

/// Repeatable shuffling, so that a failure can be tried again.
fn shuffled(mut facts: Vec<(u32, Verdict)>, mut seed: u64) -> Vec<(u32, Verdict)> {
    for last in (1..facts.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        facts.swap(last, (seed >> 33) as usize % (last + 1));
    }
    facts
}

fn standing(items: &[ItemView]) -> Vec<(u32, Place, Option<Reason>)> {
    items
        .iter()
        .map(|item| (item.row, item.place, item.reason))
        .collect()
}

pub(crate) async fn the_same_facts_in_any_order_and_in_any_chunks_come_to_the_same(bench: Bench) {
    use Verdict::{Accepted, Failed, InProgress, Paid, Returned, Unknown};
    bench.settle().await;
    let facts: Vec<(u32, Verdict)> = [
        vec![Accepted, InProgress, Paid],
        vec![Accepted, CLOSED],
        vec![Paid, BACK],
        vec![Paid, CLOSED],
        vec![CLOSED, Failed(Reason::NameMismatch)],
        vec![CLOSED, Paid, Returned(Reason::Closed), BACK],
        vec![Unknown, Accepted],
    ]
    .into_iter()
    .zip(1..)
    .flat_map(|(verdicts, row)| verdicts.into_iter().map(move |verdict| (row, verdict)))
    .collect();
    let mut first = None;
    for seed in 0..8 {
        let batch = format!("B{seed}");
        bench.deposit("P1", 700).await;
        let rows = (1..=7).map(|n| row(n, n + 100 * seed, 100)).collect();
        bench.submit(&batch, "P1", rows).await.unwrap();
        let key = bench.sent_on(&batch).await.bank_key;
        let mut order = shuffled(facts.clone(), seed.into());
        order.extend(shuffled(facts.clone(), u64::from(seed) + 100));
        let told = order
            .iter()
            .map(|(row, verdict)| item(&key, *row, *verdict));
        let (before, after) = order.split_at(order.len() / 3);
        let told: Vec<_> = told.collect();
        let (one, other) = told.split_at(before.len());
        bench
            .hears_in(BANK, &said(one.to_vec()), 1 + seed as usize)
            .await;
        bench
            .hears_in(BANK, &said(other.to_vec()), after.len())
            .await;
        bench.adds_up().await;
        let came = (
            standing(&bench.items(&batch).await),
            bench.places(&batch).await,
        );
        assert_eq!(
            first.get_or_insert_with(|| came.clone()),
            &came,
            "seed {seed}"
        );
    }
    let (_, counts) = first.unwrap();
    assert_eq!(counts, [1, 2, 2, 1, 1, 0]);
}

pub(crate) async fn what_the_bank_takes_beyond_the_account_shows_as_overdrawn(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    bench.hears(vec![item(&key, 1, CLOSED)]).await;
    let rows = vec![row(50, 50, 100)];
    bench.submit("B2", "P1", rows).await.unwrap();
    bench.approve("B2").await.unwrap();
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    bench.hears(vec![item(&key, 1, Verdict::Paid)]).await;
    assert_eq!(
        bench.account("P1").await,
        (300, 400, 100),
        "a fact is never refused"
    );
    bench
        .submit("B3", "P1", vec![row(60, 60, 1)])
        .await
        .unwrap();
    let waits = bench.approve("B3").await.unwrap();
    assert_eq!(waits.missing(), Some(Fen::new(101)));
    bench.adds_up().await;
    bench.deposit("P1", 60).await;
    assert_eq!(bench.account("P1").await, (360, 400, 40));
    bench.deposit("P1", 41).await;
    assert_eq!(bench.account("P1").await, (401, 400, 0));
    let look = bench.claim(TaskKind::Fund).await;
    let funded = bench.store.fund_batch(&look, at(2), at(2)).await;
    assert_eq!(funded.unwrap(), Funding::Funded);
    assert_eq!(bench.account("P1").await, (401, 401, 0));
    bench.adds_up().await;
}
