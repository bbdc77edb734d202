//! An approved batch becomes instructions, by the bank's limits and always the same ones.

use std::collections::BTreeSet;

use wagegate::store::{Plan, StoreError, TaskKind};
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;
use wagegate_domain::batch::BatchState;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{Limits, bank_key};

use crate::engines::Bench;
use crate::world::{BANK, KEYS, WIDE, at, content, counts, plan, row, wages};

async fn approved(bench: &Bench, fen: &[i64]) {
    bench.settle().await;
    bench.deposit("P1", fen.iter().sum()).await;
    bench.submit("B1", "P1", wages(fen)).await.unwrap();
    bench.approve("B1").await.unwrap();
}

pub(crate) async fn rows_are_split_by_the_banks_limits(bench: Bench) {
    approved(&bench, &[100, 100, 100, 500, 600]).await;
    let limits = Limits {
        rows_max: 2,
        total_fen_max: Some(1_000),
        ..WIDE
    };
    let parts = bench.plan(limits).await;
    let shape: Vec<_> = parts
        .iter()
        .map(|part| (part.part, part.rows, part.total.get(), part.open))
        .collect();
    assert_eq!(shape, [(1, 2, 200, 2), (2, 2, 600, 2), (3, 1, 600, 1)]);
    for part in &parts {
        assert_eq!(part.bank_key, bank_key(&content("B1"), part.part, 1, KEYS));
        assert_eq!((part.state, part.bytes), (State::Planned, None));
        assert_eq!((part.bank.as_str(), part.account.as_str()), (BANK, "90-P1"));
        assert_eq!(
            (part.planned_at, part.value_date.to_string().as_str()),
            (at(2), "2026-10-22")
        );
    }
    let second = bench.store.payments(parts[1].id, 0, 10).await.unwrap();
    let amounts: Vec<_> = second
        .iter()
        .map(|pay| (pay.sequence, pay.amount.get()))
        .collect();
    assert_eq!(amounts, [(1, 100), (2, 500)]);
    assert_eq!(second[0].row.binding_blind, row(3, 3, 1).binding_blind);
    let batch = bench.store.batch("B1").await.unwrap();
    assert_eq!(batch.state, BatchState::Planned);
    assert_eq!(counts(&batch), [0, 0, 0, 5, 0, 0]);
    let subjects: BTreeSet<_> = [
        bench.claim(TaskKind::Send).await.subject,
        bench.claim(TaskKind::Send).await.subject,
        bench.claim(TaskKind::Send).await.subject,
    ]
    .into();
    assert_eq!(
        subjects,
        parts.iter().map(|part| part.id.to_string()).collect()
    );
    assert!(matches!(
        bench.store.instruction(9_999).await,
        Err(StoreError::NotFound {
            what: "instruction",
            ..
        })
    ));
    bench.adds_up().await;
}

pub(crate) async fn a_row_that_fits_no_instruction_stays_held(bench: Bench) {
    approved(&bench, &[100, 900, 200]).await;
    let limits = Limits {
        item_fen_max: Some(500),
        ..WIDE
    };
    let parts = bench.plan(limits).await;
    assert_eq!((parts.len(), parts[0].total), (1, Fen::new(300)));
    let places: Vec<_> = bench
        .items("B1")
        .await
        .iter()
        .map(|item| item.place)
        .collect();
    assert_eq!(places, [Place::InFlight, Place::Held, Place::InFlight]);
    assert_eq!(bench.account("P1").await, (1_200, 1_200, 0));
    bench.adds_up().await;
}

pub(crate) async fn own_cards_travel_apart_where_the_bank_wants_it(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 400).await;
    let mut rows = wages(&[100; 4]);
    for (row, cnaps) in rows
        .iter_mut()
        .zip([Some("313731000018"), None, Some("402731000018")])
    {
        row.cnaps = cnaps.map(str::to_owned);
    }
    bench.submit("B1", "P1", rows).await.unwrap();
    bench.approve("B1").await.unwrap();
    let limits = Limits {
        own_bank_apart: true,
        ..WIDE
    };
    let rows: Vec<_> = bench
        .plan(limits)
        .await
        .iter()
        .map(|part| part.rows)
        .collect();
    assert_eq!(rows, [1, 3]);
}

pub(crate) async fn a_plan_of_many_pages_seats_every_row_once(bench: Bench) {
    let fen: Vec<i64> = (1..=25_000).collect();
    approved(&bench, &fen).await;
    let limits = Limits {
        rows_max: 7_001,
        ..WIDE
    };
    let parts = bench.plan(limits).await;
    let rows: Vec<_> = parts.iter().map(|part| part.rows).collect();
    assert_eq!(rows, [7_001, 7_001, 7_001, 3_997]);
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = bench
            .store
            .payments(parts[3].id, after, 1_000)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = last.sequence;
        seen.extend(page.iter().map(|pay| pay.amount.get()));
    }
    assert_eq!(seen, (21_004..=25_000).collect::<Vec<i64>>());
    bench.adds_up().await;
}

pub(crate) async fn a_batch_that_is_not_released_is_not_planned(bench: Bench) {
    bench.settle().await;
    bench.submit("B1", "P1", wages(&[100])).await.unwrap();
    bench
        .store
        .ensure_task(TaskKind::Plan, "B1", at(0))
        .await
        .unwrap();
    let claim = bench.claim(TaskKind::Plan).await;
    let parts = bench.parts("B1", WIDE).await;
    let refused = bench.store.plan_batch(&claim, &plan(WIDE, &parts)).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    assert!(bench.store.instructions("B1").await.unwrap().is_empty());
}

pub(crate) async fn instructions_of_a_bank_that_is_closed_are_sent_when_it_opens(bench: Bench) {
    approved(&bench, &[100]).await;
    let parts = bench.parts("B1", WIDE).await;
    let claim = bench.claim(TaskKind::Plan).await;
    let closed = Plan {
        send_at: at(500),
        ..plan(WIDE, &parts)
    };
    bench.store.plan_batch(&claim, &closed).await.unwrap();
    assert_eq!(bench.store.claim_step(at(499), 1).await.unwrap(), None);
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(500)));
    let claim = bench.store.claim_step(at(500), 1).await.unwrap();
    assert_eq!(claim.unwrap().kind, TaskKind::Send);
}

pub(crate) async fn a_day_of_payment_moves_until_bytes_are_fixed(bench: Bench) {
    approved(&bench, &[100]).await;
    let id = bench.plan(WIDE).await[0].id;
    let claim = bench.claim(TaskKind::Send).await;
    let day = async || {
        let view = bench.store.instruction(id).await.unwrap();
        (view.value_date.to_string(), view.intent_at)
    };
    let tomorrow = "2026-10-23".parse().unwrap();
    bench.store.redate(&claim, id, tomorrow).await.unwrap();
    assert_eq!(day().await, ("2026-10-23".into(), None));
    let late = wagegate::store::Claim {
        fence: claim.fence - 1,
        ..claim.clone()
    };
    let refused = bench.store.redate(&late, id, tomorrow).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    let intent = bench
        .store
        .record_intent(&claim, id, ([7; 32], 9), 0, at(3));
    intent.await.unwrap();
    let refused = bench
        .store
        .redate(&claim, id, "2026-10-24".parse().unwrap());
    let refused = refused.await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(day().await, ("2026-10-23".into(), Some(at(3))));
}
