//! The schema that gateways share: laid down once, and refused where it is another program's.

use crate::fresh_postgres::fresh_postgres;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use wagegate::store::postgres::PostgresStore;

#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_start_together_lay_the_schema_down_once() {
    let url = fresh_postgres().await;
    let mut starts = JoinSet::new();
    for _ in 0..4 {
        let url = url.clone();
        starts.spawn(async move { PostgresStore::open(&url).await.map(drop) });
    }
    for started in starts.join_all().await {
        started.unwrap();
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    for (change, words) in [
        (
            "INSERT INTO schema_migration VALUES (999, 'later', '')",
            "use the newer program",
        ),
        (
            "UPDATE schema_migration SET hash = '' WHERE number = 1",
            "made by another build",
        ),
    ] {
        let url = fresh_postgres().await;
        drop(PostgresStore::open(&url).await.unwrap());
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::query(change).execute(&mut connection).await.unwrap();
        let error = PostgresStore::open(&url).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
