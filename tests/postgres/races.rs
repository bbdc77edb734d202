//! Claims, approvals, sheets and audit entries of several gateways at the same moment.

use crate::fresh_postgres::fresh_postgres;
use crate::house::{
    AT, LEASE_MS, WAGE, approve, deposit, deposit_as, gateways, gateways_of, submit,
};
use crate::lists::Lists as _;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use wagegate::store::postgres::PostgresStore;
use wagegate::store::{
    Approvals as _, Auditing, ChainCheck, Conflict, Decision, Says, Store, StoreError, TaskKind,
};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_never_get_the_same_task() {
    let stores = gateways(4).await;
    for number in 0..200 {
        stores[0]
            .ensure_task(TaskKind::Read, &number.to_string(), AT)
            .await
            .unwrap();
    }
    let start = Arc::new(Barrier::new(stores.len()));
    let mut workers = JoinSet::new();
    for store in stores {
        let start = Arc::clone(&start);
        workers.spawn(async move {
            start.wait().await;
            let mut claimed = Vec::new();
            while let Some(claim) = store.claim_step(AT, LEASE_MS).await.unwrap() {
                claimed.push(claim);
            }
            claimed
        });
    }
    let claims = workers.join_all().await.concat();
    let tasks: BTreeSet<i64> = claims.iter().map(|claim| claim.task).collect();
    assert_eq!((claims.len(), tasks.len()), (200, 200));
    assert!(
        claims
            .iter()
            .all(|claim| claim.fence == 1 && !claim.taken_over)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvals_cannot_reserve_the_same_money() {
    let stores = gateways(2).await;
    deposit(&stores[0], 1, 15).await;
    for month in ["2026-08", "2026-09", "2026-10", "2026-11"] {
        submit(&stores[0], &format!("B{month}"), 1, month, 10)
            .await
            .unwrap();
    }
    let start = Arc::new(Barrier::new(4));
    let mut approvals = JoinSet::new();
    for (number, month) in ["2026-08", "2026-09", "2026-10", "2026-11"]
        .into_iter()
        .enumerate()
    {
        let (store, start) = (Arc::clone(&stores[number % 2]), Arc::clone(&start));
        approvals.spawn(async move {
            start.wait().await;
            approve(&store, &format!("B{month}")).await
        });
    }
    let (mut approved, mut waiting) = (0, 0);
    for result in approvals.join_all().await {
        match result.unwrap() {
            BatchState::Released => approved += 1,
            BatchState::AwaitingFunds => waiting += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((approved, waiting), (1, 3));
    let figures = stores[0].accounts().await.unwrap().remove(0);
    assert_eq!(figures.reserved, Fen::new(10 * WAGE));
    assert_eq!(
        stores[0].recount().await.unwrap().differences,
        Vec::<String>::new()
    );
}

/// Looks for money wherever it is due, so many times; a look that somebody took back meanwhile is nothing.
async fn look(store: Arc<PostgresStore>, now: Timestamp, times: u32) {
    for _ in 0..times {
        let Some(claim) = store.claim_step(now, LEASE_MS).await.unwrap() else {
            tokio::task::yield_now().await;
            continue;
        };
        if claim.kind == TaskKind::Fund {
            match store.fund_batch(&claim, now, now).await {
                Ok(_) | Err(StoreError::Stale) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

async fn undo(store: &PostgresStore, code: &str) {
    let (reason, expires_at) = (None, AT + SignedDuration::from_hours(1_000));
    let back = Decision {
        batch: code.into(),
        says: Says::Undo { reason, expires_at },
        by: "approver".into(),
        at: AT,
    };
    store.decide(&back).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_while_others_release_and_take_back_is_given_out_once() {
    let stores = gateways(4).await;
    let codes: Vec<String> = (1..=8).map(|month| format!("B2026-0{month}")).collect();
    for code in &codes {
        submit(&stores[0], code, 1, &code[1..], 10).await.unwrap();
    }
    for code in &codes[..4] {
        let state = approve(&stores[0], code).await.unwrap();
        assert_eq!(state, BatchState::AwaitingFunds);
    }
    let mut work = JoinSet::new();
    let store = Arc::clone(&stores[0]);
    work.spawn(async move {
        for number in 0..10 {
            deposit_as(&store, &format!("top-up {number}"), 1, 5).await;
        }
    });
    let (store, released) = (Arc::clone(&stores[1]), codes[4..].to_vec());
    work.spawn(async move {
        for code in &released {
            approve(&store, code).await.unwrap();
        }
        undo(&store, &released[0]).await;
    });
    let (store, back) = (Arc::clone(&stores[2]), codes[0].clone());
    work.spawn(async move { undo(&store, &back).await });
    work.spawn(look(Arc::clone(&stores[2]), AT, 100));
    work.spawn(look(Arc::clone(&stores[3]), AT, 100));
    work.join_all().await;
    // The money covers five of the six that are left; whoever was not woken is looked at in time.
    look(
        Arc::clone(&stores[0]),
        AT + SignedDuration::from_hours(1),
        50,
    )
    .await;
    let batches = stores[0].batches(None).await.unwrap();
    let count = |state| batches.iter().filter(|batch| batch.state == state).count();
    assert_eq!(
        [
            BatchState::Released,
            BatchState::AwaitingFunds,
            BatchState::AwaitingRelease
        ]
        .map(count),
        [5, 1, 2]
    );
    let figures = stores[0].accounts().await.unwrap().remove(0);
    assert_eq!(
        (figures.balance, figures.reserved),
        (Fen::new(50 * WAGE), Fen::new(50 * WAGE))
    );
    let differences = stores[0].recount().await.unwrap().differences;
    assert_eq!(differences, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sheets_with_the_same_workers_at_once_leave_one() {
    let stores = gateways(4).await;
    let start = Arc::new(Barrier::new(stores.len()));
    let mut submits = JoinSet::new();
    for (number, store) in stores.iter().cloned().enumerate() {
        let start = Arc::clone(&start);
        submits.spawn(async move {
            start.wait().await;
            submit(&store, &format!("B{number}"), 1, "2026-10", 2_000).await
        });
    }
    let results = submits.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        match error {
            StoreError::Conflict(Conflict::AlreadyOwed { count, rows, .. }) => {
                assert_eq!((count, rows.len()), (2_000, 1_000))
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(stores[0].batches(None).await.unwrap().len(), 1);
    assert_eq!(
        stores[0].recount().await.unwrap().differences,
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_entries_of_many_gateways_make_one_chain_without_a_gap() {
    one_chain(gateways(4).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_own_idea_of_isolation_changes_nothing() {
    let url = fresh_postgres().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let serializable = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$";
    sqlx::query(serializable)
        .execute(&mut connection)
        .await
        .unwrap();
    one_chain(gateways_of(&url, 4).await).await;
}

async fn one_chain(stores: Vec<Arc<PostgresStore>>) {
    let mut writers = JoinSet::new();
    for store in &stores {
        let store = Arc::clone(store);
        writers.spawn(async move {
            for number in 0..25 {
                store
                    .audit(AT, "operator", "test", &number.to_string(), "")
                    .await
                    .unwrap();
            }
        });
    }
    // Whoever looks meanwhile sees a whole chain each time.
    while !writers.is_empty() {
        let check = stores[0].check_audit_against(&[]).await.unwrap();
        assert!(matches!(check, ChainCheck::Whole { .. }), "{check:?}");
        drop(writers.try_join_next());
    }
    // Two more came with the imports.
    assert_eq!(
        stores[0].check_audit_against(&[]).await.unwrap(),
        ChainCheck::Whole { entries: 102 }
    );
}
