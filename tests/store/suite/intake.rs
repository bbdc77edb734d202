//! Sheets come in whole or not at all, and nobody is owed twice.

use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;
use wagegate::store::{Conflict, OwedTwice, RowSource, SealedRow, Store, StoreError};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::{Source, at, counts, head, row, wages};

pub(crate) async fn a_sheet_is_stored_whole_and_stands_held(bench: Bench) {
    bench.settle().await;
    let rows = (1..=2_345).map(|n| row(n + 4, n, i64::from(n))).collect();
    let batch = bench.submit("B1", "P1", rows).await.unwrap();
    assert_eq!(batch.state, BatchState::AwaitingReview);
    assert_eq!(counts(&batch), [0, 0, 0, 0, 0, 2_345]);
    assert_eq!(
        (batch.rows, batch.total),
        (2_345, Fen::new(2_345 * 2_346 / 2))
    );
    let items = bench.items("B1").await;
    assert_eq!(items.len(), 2_345);
    assert!(
        items
            .iter()
            .zip(1..)
            .all(|(item, n)| item.row == n + 4 && item.amount == Fen::new(i64::from(n)))
    );
    bench.adds_up().await;
}

async fn leaves_nothing(bench: &Bench) {
    assert!(bench.store.batches(None).await.unwrap().is_empty());
    for table in [
        "batch",
        "wage_item",
        "wage_slot",
        "tally",
        "worker",
        "binding",
    ] {
        let found = bench.sql(&format!("DELETE FROM {table}")).await;
        assert_eq!(found, Ok(0), "{table}");
    }
}

pub(crate) async fn a_source_that_fails_midway_leaves_nothing(bench: Bench) {
    bench.settle().await;
    let rows = wages(&[100; 2_500]);
    let head = head("B1", "P1", &rows);
    for chunk in [100, 1_000] {
        let mut source = Source::that_breaks(rows.clone(), chunk);
        let refused = bench.store.accept_batch(&head, &mut source).await;
        assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
        leaves_nothing(&bench).await;
    }
    bench.submit("B1", "P1", rows).await.unwrap();
}

/// Hands over one chunk, rings, and never comes back.
struct Stuck {
    rows: Vec<SealedRow>,
    bell: Arc<Notify>,
}

#[async_trait]
impl RowSource for Stuck {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        if self.rows.is_empty() {
            self.bell.notify_one();
            pending::<()>().await;
        }
        Ok(std::mem::take(&mut self.rows))
    }
}

pub(crate) async fn a_sheet_given_up_midway_leaves_nothing(bench: Bench) {
    bench.settle().await;
    let rows = wages(&[100; 500]);
    let head = head("B1", "P1", &rows);
    let bell = Arc::new(Notify::new());
    let mut stuck = Stuck {
        rows: rows.clone(),
        bell: Arc::clone(&bell),
    };
    tokio::select! {
        accepted = bench.store.accept_batch(&head, &mut stuck) => panic!("{accepted:?}"),
        () = bell.notified() => {}
    }
    leaves_nothing(&bench).await;
    bench.submit("B1", "P1", rows).await.unwrap();
    bench.adds_up().await;
}

/// Looks at the store between its chunks.
struct Looking {
    store: Arc<dyn Store>,
    rows: std::vec::IntoIter<SealedRow>,
    seen: Vec<usize>,
}

#[async_trait]
impl RowSource for Looking {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        self.seen.push(self.store.batches(None).await?.len());
        Ok(self.rows.by_ref().take(1_000).collect())
    }
}

pub(crate) async fn a_sheet_on_its_way_in_hides_nothing_and_shows_nothing(bench: Bench) {
    bench.settle().await;
    bench.submit("B1", "P2", wages(&[100])).await.unwrap();
    let rows = wages(&[100; 2_000]);
    let head = head("B2", "P1", &rows);
    let mut looking = Looking {
        store: Arc::clone(&bench.store),
        rows: rows.into_iter(),
        seen: Vec::new(),
    };
    bench.store.accept_batch(&head, &mut looking).await.unwrap();
    assert_eq!(looking.seen, [1, 1, 1], "readers see what was there before");
    assert_eq!(bench.store.batches(None).await.unwrap().len(), 2);
}

pub(crate) async fn rows_that_do_not_add_up_to_their_head_leave_nothing(bench: Bench) {
    bench.settle().await;
    let rows = wages(&[100, 200, 300]);
    let mut fewer = head("B1", "P1", &rows);
    fewer.rows = 2;
    let mut richer = head("B1", "P1", &rows);
    richer.total = Fen::new(601);
    for wrong in [fewer, richer] {
        let refused = bench
            .store
            .accept_batch(&wrong, &mut Source::of(rows.clone()))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(Conflict::RowsDiffer))),
            "{refused:?}"
        );
        leaves_nothing(&bench).await;
    }
}

pub(crate) async fn a_sheet_for_an_unknown_project_is_refused(bench: Bench) {
    bench.settle().await;
    let refused = bench.submit("B1", "P0", wages(&[100])).await;
    assert!(matches!(
        refused,
        Err(StoreError::NotFound {
            what: "project",
            ..
        })
    ));
}

fn owed(error: StoreError) -> (u64, Vec<OwedTwice>) {
    match error {
        StoreError::Conflict(Conflict::AlreadyOwed { count, first, rows }) => {
            assert_eq!(rows.first(), Some(&first));
            (count, rows)
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_second_wage_for_a_worker_is_refused_with_every_row_named(bench: Bench) {
    bench.settle().await;
    bench
        .submit("B1", "P1", wages(&[100; 1_500]))
        .await
        .unwrap();
    let again = (1_400..1_600).map(|n| row(n, n, 100)).collect();
    let (count, rows) = owed(bench.submit("B2", "P1", again).await.unwrap_err());
    assert_eq!((count, rows.len()), (101, 101));
    assert!(
        rows.iter()
            .zip(1_400..)
            .all(|(row, n)| row.row == n && row.other_batch == "B1")
    );
    let (count, rows) = owed(
        bench
            .submit("B2", "P1", wages(&[1; 1_500]))
            .await
            .unwrap_err(),
    );
    assert_eq!((count, rows.len()), (1_500, 1_000), "a thousand are named");
    // Another project, and the same people there, is another wage.
    bench.submit("B3", "P2", wages(&[100; 10])).await.unwrap();
    let batches = bench.store.batches(None).await.unwrap();
    let codes: Vec<_> = batches.iter().map(|batch| batch.code.as_str()).collect();
    assert_eq!(
        codes,
        ["B3", "B1"],
        "newest first, and nothing of the refused ones"
    );
    bench.adds_up().await;
}

pub(crate) async fn a_worker_twice_in_one_sheet_is_refused(bench: Bench) {
    bench.settle().await;
    let mut rows = wages(&[100; 1_200]);
    rows.push(row(2_000, 7, 100));
    let (count, rows) = owed(bench.submit("B1", "P1", rows).await.unwrap_err());
    assert_eq!((count, rows[0].row), (1, 2_000));
    assert_eq!(rows[0].other_batch, "B1");
    leaves_nothing(&bench).await;
}

pub(crate) async fn a_rejected_sheet_gives_its_workers_back(bench: Bench) {
    bench.settle().await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    let rejected = bench.refuse("B1").await;
    assert_eq!(rejected.state, BatchState::Refused);
    assert_eq!(counts(&rejected), [0; 6]);
    assert_eq!(bench.account("P1").await, (0, 0, 0));
    bench.submit("B2", "P1", wages(&[100, 200])).await.unwrap();
    assert_eq!(
        bench.store.next_due().await.unwrap(),
        Some(at(100_000)),
        "nothing is planned; only its time runs"
    );
    bench.adds_up().await;
}

pub(crate) async fn people_are_kept_once_and_another_card_is_another_version(bench: Bench) {
    bench.settle().await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    let mut rows = wages(&[100, 200]);
    rows[1].binding_blind = [77; 16];
    rows[1].binding_sealed = vec![7; 30];
    bench.submit("B2", "P2", rows).await.unwrap();
    assert_eq!(bench.items("B1").await[1].binding_sealed, vec![2; 80]);
    let changed = &bench.items("B2").await[1];
    assert_eq!(changed.binding_blind, [77; 16]);
    assert_eq!(changed.binding_sealed, vec![7; 30]);
    let touched = |table| bench.sql(table);
    assert_eq!(touched("UPDATE worker SET sealed = sealed").await, Ok(2));
    assert_eq!(touched("UPDATE binding SET sealed = sealed").await, Ok(3));
}
