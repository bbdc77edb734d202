//! Documents read by several gateways at the same moment, and words that PostgreSQL cannot hold.

use crate::house::{AT, COUNT, LEASE_MS, WAGE, happening, read_task, two_sent_batches};
use crate::lists::Lists as _;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::task::JoinSet;
use wagegate::store::postgres::PostgresStore;
use wagegate::store::{Claim, Happening, ItemFilter, Next, Saying, Store, StoreError, TaskKind};
use wagegate_domain::Fen;
use wagegate_domain::attempt::{Event, Forbidden, State};
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::reference;
use wagegate_domain::reason::Reason;

const ROUNDS: u64 = 8;

/// What one document of a round says: every document tells of every row of both instructions, in its own order and with its own words.
fn document(round: u64, number: u64, keys: &[String; 2]) -> Vec<Saying> {
    let mut said: Vec<Told> = Vec::new();
    let order = if number == 0 { [0, 1] } else { [1, 0] };
    for instruction in order {
        for row in 1..=COUNT {
            let row = if number == 0 { row } else { COUNT + 1 - row };
            said.push(Told::Item {
                refs: ItemRefs {
                    reference: Some(reference(&keys[instruction], row)),
                    ..ItemRefs::default()
                },
                verdict: verdict(round, number, u64::from(row)),
                amount: Some(Fen::new(WAGE)),
                bank: BankCode::default(),
            });
        }
    }
    (0..)
        .zip(said)
        .map(|(ordinal, told)| Saying {
            ordinal,
            told,
            account_blind: None,
        })
        .collect()
}

fn verdict(round: u64, number: u64, row: u64) -> Verdict {
    match (round * 7 + number * 3 + row) % 5 {
        0 => Verdict::InProgress,
        1 | 2 => Verdict::Paid,
        3 => Verdict::Failed(Reason::Closed),
        _ => Verdict::Returned(Reason::Frozen),
    }
}
/// Reads a document in chunks, as a worker does.
async fn read(store: Arc<PostgresStore>, raw: i64, claim: Claim, said: Vec<Saying>) {
    for chunk in said.chunks(100) {
        store.record_facts(&claim, raw, chunk, AT).await.unwrap();
    }
    store.finish_raw(&claim, raw, None).await.unwrap();
}

/// Where every item stands.
async fn places(store: &PostgresStore) -> Vec<(String, u32, Place, Option<Reason>)> {
    let items = store
        .items(&ItemFilter::default(), None, 10_000)
        .await
        .unwrap();
    items
        .into_iter()
        .map(|(_, item)| (item.batch, item.row, item.place, item.reason))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_about_the_same_rows_read_at_once_come_to_the_same_end() {
    let (stores, sent) = two_sent_batches(3).await;
    let keys = sent.clone().map(|(_, key)| key);
    let (alone, sent_alone) = two_sent_batches(1).await;
    let keys_alone = sent_alone.map(|(_, key)| key);
    for round in 0..ROUNDS {
        let mut workers = JoinSet::new();
        for number in 0..2 {
            let store = Arc::clone(&stores[usize::try_from(number).unwrap()]);
            let (raw, claim) = read_task(&store, round, number).await;
            workers.spawn(read(store, raw, claim, document(round, number, &keys)));
        }
        // A third gateway hears from the bank about both instructions meanwhile.
        for (id, _) in sent.clone() {
            workers.spawn(ask(Arc::clone(&stores[2]), id));
        }
        workers.join_all().await;
        for number in 0..2 {
            let (raw, claim) = read_task(&alone[0], round, number).await;
            read(
                Arc::clone(&alone[0]),
                raw,
                claim,
                document(round, number, &keys_alone),
            )
            .await;
        }
        assert_eq!(
            places(&stores[0]).await,
            places(&alone[0]).await,
            "round {round}"
        );
        assert_eq!(
            stores[0].accounts().await.unwrap(),
            alone[0].accounts().await.unwrap(),
            "round {round}"
        );
        assert_eq!(
            stores[0].recount().await.unwrap().differences,
            Vec::<String>::new(),
            "round {round}"
        );
    }
    for (id, _) in sent {
        assert_eq!(
            stores[0].instruction(id).await.unwrap().state,
            State::Accepted
        );
    }
}

/// A query whose answer says that the bank has the instruction, asked again and again.
async fn ask(store: Arc<PostgresStore>, instruction: i64) {
    let later: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    for _ in 0..5 {
        store
            .ensure_task(TaskKind::Collect, &instruction.to_string(), AT)
            .await
            .unwrap();
        let Some(claim) = store.claim_step(AT, LEASE_MS).await.unwrap() else {
            continue;
        };
        let known = Happening {
            query_at: Some(later),
            ..happening(Event::Known)
        };
        match store
            .record_event(&claim, instruction, &known, Next::Done)
            .await
        {
            Ok(state) => assert_eq!(state, State::Accepted),
            Err(StoreError::Forbidden(Forbidden { .. })) => {
                panic!("a known instruction is never refused")
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_banks_text_that_postgresql_cannot_hold_is_taken_all_the_same() {
    let (stores, [(_, key), _]) = two_sent_batches(1).await;
    let store = &stores[0];
    let (raw, claim) = read_task(store, 0, 0).await;
    let words = |text: &str| BankCode {
        list: text.into(),
        code: text.into(),
        text: text.into(),
    };
    let item = Told::Item {
        refs: ItemRefs {
            reference: Some(reference(&key, 1)),
            ..ItemRefs::default()
        },
        verdict: Verdict::Failed(Reason::Closed),
        amount: None,
        bank: words("户\0名"),
    };
    let strange_key = Told::Whole {
        instruction: "\0".into(),
        verdict: Verdict::Paid,
        bank: words(""),
    };
    let parked = Told::Parked {
        refs: ItemRefs::default(),
        amount: None,
        why: "line\0".into(),
        bank: words("\0"),
    };
    let said = [item, strange_key, parked, Told::Remark("\0".into())];
    let said: Vec<Saying> = (0..)
        .zip(said)
        .map(|(ordinal, told)| Saying {
            ordinal,
            told,
            account_blind: None,
        })
        .collect();
    let taken = store.record_facts(&claim, raw, &said, AT).await.unwrap();
    assert_eq!((taken.facts, taken.suspense), (1, 2));
    store.finish_raw(&claim, raw, Some("\0")).await.unwrap();
    let item = store.items(&ItemFilter::default(), None, 1).await.unwrap();
    assert_eq!(
        item[0].1.bank_code,
        Some(("户\u{FFFD}名".into(), "户\u{FFFD}名".into()))
    );
}
