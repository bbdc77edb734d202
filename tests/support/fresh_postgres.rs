//! A PostgreSQL database of one test's own, in the cluster that `WAGEGATE_TEST_POSTGRES` names.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Makes an empty database and gives its URL. It goes with its cluster.
pub(crate) async fn fresh_postgres() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let cluster = std::env::var("WAGEGATE_TEST_POSTGRES").expect(
        "WAGEGATE_TEST_POSTGRES is not set: run `export WAGEGATE_TEST_POSTGRES=$(scripts/postgres start \"$(mktemp -d)\")`, or ./check, which does",
    );
    let name = format!(
        "test_{}_{}",
        process::id(),
        MADE.fetch_add(1, Ordering::SeqCst)
    );
    let options: PgConnectOptions = cluster.parse().expect("scripts/postgres prints a URL");
    let mut server = options.connect().await.expect(
        "the cluster of WAGEGATE_TEST_POSTGRES runs: else start another with scripts/postgres",
    );
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut server)
        .await
        .unwrap();
    server.close().await.unwrap();
    options.database(&name).to_url_lossy().to_string()
}
