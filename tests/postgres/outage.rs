//! Connections that end and a database that goes away: nothing is sent twice for it, requests hear of it in time, and work goes on when it is back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::timeout;
use wagegate::store::postgres::PostgresStore;
use wagegate::store::{Happening, Links as _, Next, Store, StoreError, TaskKind};
use wagegate_domain::attempt::{Event, State};

use crate::fresh_postgres::fresh_postgres;
use crate::house::{AT, LEASE_MS, approve, claim, deposit, gateways_of, happening, split, submit};
use crate::lists::Lists as _;

const BATCHES: usize = 12;

/// Does what a sender does; whatever the database does not take is found by whoever takes the task next.
async fn step(store: &PostgresStore, now: Timestamp) -> Result<bool, StoreError> {
    let Some(claim) = store.claim_step(now, LEASE_MS).await? else {
        return Ok(false);
    };
    assert_eq!(claim.kind, TaskKind::Send);
    let id = claim.subject.parse().unwrap();
    let event = match store.instruction(id).await?.state {
        State::Planned => {
            store
                .record_intent(&claim, id, ([7; 32], 100), 0, now)
                .await?;
            Event::Known
        }
        State::Sending => Event::Unclear,
        State::InDoubt | State::Accepted | State::Refused => {
            store.finish(&claim, Next::Done).await?;
            return Ok(true);
        }
    };
    let happened = Happening {
        query_at: Some("2100-01-01T00:00:00Z".parse().unwrap()),
        ..happening(event)
    };
    store
        .record_event(&claim, id, &happened, Next::Done)
        .await?;
    Ok(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_lose_nothing_and_send_nothing_twice() {
    let url = fresh_postgres().await;
    let stores = gateways_of(&url, 2).await;
    deposit(&stores[0], 1, 1_000).await;
    let mut instructions = Vec::new();
    for number in 0..BATCHES {
        let (code, month) = (format!("B{number}"), format!("2026-{:02}", number + 1));
        submit(&stores[0], &code, 1, &month, 3).await.unwrap();
        approve(&stores[0], &code).await.unwrap();
        let plan = claim(&stores[0]).await;
        instructions.push(plan);
    }
    for plan in &instructions {
        split(&stores[0], plan).await;
    }
    let clock = Arc::new(AtomicI64::new(0));
    let working = Arc::new(AtomicUsize::new(4));
    let mut workers = JoinSet::new();
    for worker in 0..4 {
        let store = Arc::clone(&stores[worker % 2]);
        let (clock, working) = (Arc::clone(&clock), Arc::clone(&working));
        workers.spawn(async move {
            let mut broken = 0;
            loop {
                let now = AT + SignedDuration::from_secs(clock.load(Ordering::SeqCst));
                match step(&store, now).await {
                    Ok(true) | Err(StoreError::Stale | StoreError::Forbidden(_)) => {}
                    Err(StoreError::Database(_)) => broken += 1,
                    Err(other) => panic!("{other}"),
                    Ok(false) => match store.figures(now).await {
                        Ok(figures) if figures.tasks.iter().all(|of| of.kind != TaskKind::Send) => {
                            break;
                        }
                        // What somebody holds who lost it is free when its lease has run out.
                        Ok(_) | Err(_) => drop(clock.fetch_add(20, Ordering::SeqCst)),
                    },
                }
            }
            working.fetch_sub(1, Ordering::SeqCst);
            broken
        });
    }
    let mut server = PgConnection::connect(&url).await.unwrap();
    let mut ended = 0_i64;
    while working.load(Ordering::SeqCst) > 0 {
        let more: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(&mut server)
        .await
        .unwrap();
        ended += more;
        if ended > 40 {
            break;
        }
        yield_now().await;
    }
    workers.join_all().await;
    assert!(ended > 0, "no connection was ended");
    for number in 0..BATCHES {
        let found = stores[1].instructions(&format!("B{number}")).await.unwrap();
        let states: Vec<_> = found.iter().map(|of| of.state).collect();
        assert!(
            matches!(states[..], [State::Accepted | State::InDoubt]),
            "{states:?}"
        );
    }
    let recount = stores[1].recount().await.unwrap();
    assert_eq!(recount.differences, Vec::<String>::new());
    assert_eq!(stores[0].batches(None).await.unwrap().len(), BATCHES);
}

/// A way to the cluster's socket that can be closed.
fn way(from: &Path, to: &Path) -> JoinHandle<()> {
    let listener = UnixListener::bind(from).unwrap();
    let to = to.to_owned();
    tokio::spawn(async move {
        // Dropped with this task, the connections end.
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(&to).await.unwrap();
            connections.spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_within_seconds_and_used_again_when_it_is_back() {
    let url = fresh_postgres().await;
    let options: PgConnectOptions = url.parse().unwrap();
    let database = options.get_database().unwrap();
    let cluster = std::env::var("WAGEGATE_TEST_POSTGRES").unwrap();
    let (_, cluster) = cluster.split_once("host=").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join(".s.PGSQL.5432");
    let real = Path::new(cluster).join(".s.PGSQL.5432");
    let open = way(&socket, &real);
    let there = format!(
        "postgres://postgres@localhost/{database}?host={}",
        folder.path().display()
    );
    let store = PostgresStore::open(&there).await.unwrap();
    store.ensure_task(TaskKind::Read, "1", AT).await.unwrap();
    open.abort();
    drop(open.await);
    std::fs::remove_file(&socket).unwrap();
    let asked = timeout(Duration::from_secs(8), store.claim_step(AT, LEASE_MS)).await;
    let told = asked.expect("whoever asks is told within seconds");
    assert!(matches!(told, Err(StoreError::Database(_))), "{told:?}");
    let open = way(&socket, &real);
    let back = store.claim_step(AT, LEASE_MS).await.unwrap();
    assert_eq!(back.map(|claim| claim.subject), Some("1".into()));
    store.close().await;
    open.abort();
}
