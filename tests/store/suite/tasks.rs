//! Work is claimed under a lease; a late worker's writes are refused, all of them.

use std::sync::Arc;

use tokio::task::JoinSet;
use wagegate::store::{Claim, Next, ReadTask, StoreError, TaskKind};
use wagegate_domain::attempt::{Event, State};

use crate::engines::Bench;
use crate::world;
use crate::world::{BANK, LEASE_MS, WIDE, at, document, happening, item, said, wages};

async fn add(bench: &Bench, kind: TaskKind, subject: &str, due: i64) {
    bench
        .store
        .ensure_task(kind, subject, at(due))
        .await
        .unwrap();
}

async fn take(bench: &Bench, now: i64) -> Option<Claim> {
    bench.store.claim_step(at(now), LEASE_MS).await.unwrap()
}

pub(crate) async fn what_may_clear_doubt_is_taken_before_what_may_pay(bench: Bench) {
    add(&bench, TaskKind::Plan, "B1", 0).await;
    add(&bench, TaskKind::Fund, "B0", 0).await;
    add(&bench, TaskKind::Send, "2", 0).await;
    add(&bench, TaskKind::Collect, BANK, 0).await;
    add(&bench, TaskKind::Query, "8", 5).await;
    add(&bench, TaskKind::Query, "7", 4).await;
    add(&bench, TaskKind::Read, "9", 6).await;
    add(&bench, TaskKind::Read, "10", 11).await;
    let mut taken = Vec::new();
    while let Some(claim) = take(&bench, 10).await {
        assert!(!claim.taken_over);
        taken.push((claim.kind, claim.subject));
    }
    let expected = [
        (TaskKind::Read, "9"),
        (TaskKind::Query, "7"),
        (TaskKind::Query, "8"),
        (TaskKind::Collect, BANK),
        (TaskKind::Send, "2"),
        (TaskKind::Fund, "B0"),
        (TaskKind::Plan, "B1"),
    ];
    let expected: Vec<_> = expected.map(|(kind, s)| (kind, s.to_owned())).into();
    assert_eq!(
        taken, expected,
        "by kind, then by due time; what is not due waits"
    );
}

pub(crate) async fn a_task_is_held_by_one_worker_until_its_lease_runs_out(bench: Bench) {
    add(&bench, TaskKind::Send, "1", 0).await;
    let first = take(&bench, 0).await.unwrap();
    assert_eq!(take(&bench, 59).await, None);
    let second = take(&bench, 60).await.unwrap();
    assert!(second.taken_over && !first.taken_over);
    assert!(second.fence > first.fence && second.task == first.task);
    let late = bench.store.finish(&first, Next::Done).await;
    assert!(matches!(late, Err(StoreError::Stale)));
    bench
        .store
        .finish(&second, Next::Again(at(500)))
        .await
        .unwrap();
    assert_eq!(take(&bench, 499).await, None);
    let third = take(&bench, 500).await.unwrap();
    assert!(!third.taken_over, "it was given back, not lost");
    bench.store.finish(&third, Next::Done).await.unwrap();
    assert_eq!(take(&bench, 9_999).await, None);
}

pub(crate) async fn a_renewed_lease_lasts_longer(bench: Bench) {
    add(&bench, TaskKind::Read, "1", 0).await;
    let claim = take(&bench, 0).await.unwrap();
    bench.store.renew(&claim, at(200)).await.unwrap();
    assert_eq!(take(&bench, 199).await, None);
    let over = take(&bench, 200).await.unwrap();
    let late = bench.store.renew(&claim, at(900)).await;
    assert!(matches!(late, Err(StoreError::Stale)));
    bench.store.finish(&over, Next::Done).await.unwrap();
    let gone = bench.store.renew(&over, at(900)).await;
    assert!(matches!(gone, Err(StoreError::Stale)));
}

pub(crate) async fn the_next_moment_of_work_counts_leases_too(bench: Bench) {
    assert_eq!(bench.store.next_due().await.unwrap(), None);
    add(&bench, TaskKind::Read, "1", 30).await;
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(30)));
    take(&bench, 40).await.unwrap();
    assert_eq!(
        bench.store.next_due().await.unwrap(),
        Some(at(100)),
        "when the lease runs out, the task can be taken over"
    );
    add(&bench, TaskKind::Read, "2", 70).await;
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(70)));
}

pub(crate) async fn a_task_that_is_there_keeps_its_time(bench: Bench) {
    add(&bench, TaskKind::Collect, BANK, 30).await;
    add(&bench, TaskKind::Collect, BANK, 90).await;
    add(&bench, TaskKind::Collect, "qingshan", 90).await;
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(30)));
    assert_eq!(take(&bench, 30).await.unwrap().subject, BANK);
    assert_eq!(take(&bench, 31).await, None);
}

pub(crate) async fn a_late_worker_is_refused_whatever_it_writes(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
    let store = bench.store.clone();
    let late = |claim: &Claim| Claim {
        fence: claim.fence - 1,
        ..claim.clone()
    };

    let plan = bench.claim(TaskKind::Plan).await;
    let parts = bench.parts("B1", WIDE).await;
    let whole = world::plan(WIDE, &parts);
    let planned = store.plan_batch(&late(&plan), &whole).await;
    assert!(matches!(planned, Err(StoreError::Stale)), "{planned:?}");
    store.plan_batch(&plan, &whole).await.unwrap();

    let send = bench.claim(TaskKind::Send).await;
    let id = send.subject.parse().unwrap();
    let intent = store
        .record_intent(&late(&send), id, ([7; 32], 99), 0, at(3))
        .await;
    assert!(matches!(intent, Err(StoreError::Stale)), "{intent:?}");
    store
        .record_intent(&send, id, ([7; 32], 99), 0, at(3))
        .await
        .unwrap();
    let known = happening(Event::Known);
    let event = store
        .record_event(&late(&send), id, &known, Next::Done)
        .await;
    assert!(matches!(event, Err(StoreError::Stale)), "{event:?}");
    assert_eq!(store.instruction(id).await.unwrap().state, State::Sending);
    store
        .record_event(&send, id, &known, Next::Done)
        .await
        .unwrap();

    let key = store.instruction(id).await.unwrap().bank_key;
    let (raw, _) = store
        .record_raw(&document(BANK), ReadTask::Wanted)
        .await
        .unwrap();
    let read = bench.claim(TaskKind::Read).await;
    let paid = said(vec![item(&key, 1, wagegate_domain::fact::Verdict::Paid)]);
    let facts = store.record_facts(&late(&read), raw, &paid, at(4)).await;
    assert!(matches!(facts, Err(StoreError::Stale)), "{facts:?}");
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    let end = store.finish_raw(&late(&read), raw, None).await;
    assert!(matches!(end, Err(StoreError::Stale)), "{end:?}");
    store.finish_raw(&read, raw, None).await.unwrap();

    add(&bench, TaskKind::Collect, BANK, 0).await;
    let look = bench.claim(TaskKind::Collect).await;
    let moved = store.move_cursor(&late(&look), BANK, "5", Next::Done).await;
    assert!(matches!(moved, Err(StoreError::Stale)), "{moved:?}");
    assert_eq!(store.cursor(BANK).await.unwrap(), "0");
    bench.adds_up().await;
}

pub(crate) async fn a_worker_that_gave_its_task_back_holds_it_no_more(bench: Bench) {
    add(&bench, TaskKind::Collect, BANK, 0).await;
    let claim = take(&bench, 0).await.unwrap();
    bench
        .store
        .move_cursor(&claim, BANK, "5", Next::Again(at(90)))
        .await
        .unwrap();
    let after = bench.store.move_cursor(&claim, BANK, "4", Next::Done).await;
    assert!(matches!(after, Err(StoreError::Stale)));
    let again = bench.store.finish(&claim, Next::Again(at(1))).await;
    assert!(matches!(again, Err(StoreError::Stale)));
    assert_eq!(bench.store.cursor(BANK).await.unwrap(), "5");
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(90)));
}

pub(crate) async fn a_new_task_never_passes_for_an_old_one(bench: Bench) {
    add(&bench, TaskKind::Query, "1", 0).await;
    let old = take(&bench, 0).await.unwrap();
    let over = take(&bench, 60).await.unwrap();
    bench.store.finish(&over, Next::Done).await.unwrap();
    add(&bench, TaskKind::Query, "1", 61).await;
    let new = take(&bench, 61).await.unwrap();
    assert_ne!(new.task, old.task);
    let late = bench.store.finish(&old, Next::Done).await;
    assert!(matches!(late, Err(StoreError::Stale)));
    bench.store.finish(&new, Next::Done).await.unwrap();
}

pub(crate) async fn workers_at_the_same_moment_never_hold_the_same_task(bench: Bench) {
    for subject in 0..40 {
        add(&bench, TaskKind::Query, &subject.to_string(), 0).await;
    }
    let stores = [Arc::clone(&bench.store), bench.again().await];
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let store = Arc::clone(&stores[worker % 2]);
        workers.spawn(async move {
            let mut held = Vec::new();
            while let Some(claim) = store.claim_step(at(0), LEASE_MS).await.unwrap() {
                held.push(claim.subject);
            }
            held
        });
    }
    let mut held: Vec<u32> = workers
        .join_all()
        .await
        .concat()
        .iter()
        .map(|subject| subject.parse().unwrap())
        .collect();
    held.sort_unstable();
    assert_eq!(held, (0..40).collect::<Vec<_>>());
}
