//! What is asked before a commit, and what a commit that failed leaves behind.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::{Connection as _, SqliteConnection};

/// Asked before every commit of the writer; `false` makes it a rollback.
pub type Watch = Arc<dyn Fn() -> bool + Send + Sync>;

/// Has a new connection ask before each commit.
pub(super) fn watched(
    writer: &mut SqliteConnection,
    watch: Watch,
) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    async move {
        writer.lock_handle().await?.set_commit_hook(move || watch());
        Ok(())
    }
    .boxed()
}

/// A commit that fails (a full disk, an I/O error) has been rolled back by SQLite itself; sqlx goes on counting the transaction as open and would
/// refuse every later one on that connection. Such a connection is closed, and the next write gets a new one.
pub(super) async fn is_usable(writer: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if writer.is_in_transaction() {
        // A roll-back may only be on its way: this waits behind it.
        writer.ping().await?;
    }
    Ok(!writer.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::store::{Auditing as _, Store as _, sqlite::SqliteStore};

    #[tokio::test]
    async fn a_commit_that_fails_stops_no_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("wagegate.db").display());
        let room = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&room);
        let watch: Watch = Arc::new(move || asked.load(Ordering::SeqCst));
        let store = SqliteStore::open_watched(&url, watch).await.unwrap();
        let write = async |what| {
            store
                .audit(Timestamp::UNIX_EPOCH, "test", what, "disk", "")
                .await
        };
        room.store(false, Ordering::SeqCst);
        for _ in 0..3 {
            write("lost").await.unwrap_err();
        }
        room.store(true, Ordering::SeqCst);
        write("kept").await.unwrap();
        assert_eq!(store.audit_head().await.unwrap().number, 1);
    }
}
