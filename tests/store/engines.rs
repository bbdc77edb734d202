//! The engines that the suite runs on: each test gets a database of its own.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use wagegate::store::Store;
use wagegate::store::postgres::PostgresStore;
use wagegate::store::sqlite::SqliteStore;

use crate::fresh_postgres::fresh_postgres;

/// An empty store, and a way past it to its database.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    database: Database,
}

enum Database {
    Sqlite { file: PathBuf, _folder: TempDir },
    Postgres { url: String },
}

pub(crate) async fn sqlite() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wagegate.db");
    let store = SqliteStore::open(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    Bench {
        store: Arc::new(store),
        database: Database::Sqlite {
            file,
            _folder: folder,
        },
    }
}

pub(crate) async fn postgres() -> Bench {
    let url = fresh_postgres().await;
    let store = PostgresStore::open(&url).await.unwrap();
    Bench {
        store: Arc::new(store),
        database: Database::Postgres { url },
    }
}

impl Bench {
    /// Opens the same database once more, as another gateway or a restarted one does.
    pub(crate) async fn again(&self) -> Arc<dyn Store> {
        match &self.database {
            Database::Sqlite { file, .. } => Arc::new(
                SqliteStore::open(&format!("sqlite://{}", file.display()))
                    .await
                    .unwrap(),
            ),
            Database::Postgres { url } => Arc::new(PostgresStore::open(url).await.unwrap()),
        }
    }

    /// Goes at the database behind the store's back; gives the number of rows touched, or what the database says.
    pub(crate) async fn sql(&self, statement: &str) -> Result<u64, String> {
        let statement = AssertSqlSafe(statement.to_owned());
        let touched = match &self.database {
            Database::Sqlite { file, .. } => {
                let mut connection: SqliteConnection = SqliteConnectOptions::new()
                    .filename(file)
                    .foreign_keys(true)
                    .connect()
                    .await
                    .unwrap();
                let done = sqlx::query(statement).execute(&mut connection).await;
                connection.close().await.unwrap();
                done.map(|done| done.rows_affected())
            }
            Database::Postgres { url } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let done = sqlx::query(statement).execute(&mut connection).await;
                connection.close().await.unwrap();
                done.map(|done| done.rows_affected())
            }
        };
        touched.map_err(|error| error.to_string())
    }
}
