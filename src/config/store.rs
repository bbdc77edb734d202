//! `[store]`: which database.

use std::{fmt, path::Path};

use serde::Deserialize;

use super::Wrong;

/// The database, by URL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreEntry {
    /// `sqlite://file` (made when it is missing) or `postgres://user@host/database`.
    pub url: String,
}

/// A PostgreSQL URL may hold a password: only the kind of database is shown.
impl fmt::Debug for StoreEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreEntry")
            .field("engine", &self.url.split(':').next())
            .finish_non_exhaustive()
    }
}

impl StoreEntry {
    pub(super) fn anchor(&mut self, folder: &Path) -> Result<(), Wrong> {
        if let Some(path) = self
            .url
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
        {
            self.url = format!("sqlite://{}", folder.join(path).display());
            return Ok(());
        }
        let is_postgres =
            self.url.starts_with("postgres://") || self.url.starts_with("postgresql://");
        is_postgres.then_some(()).ok_or_else(|| {
            Wrong::new(
                "store.url",
                "not a database that the gateway knows",
                "write sqlite://wagegate.db or postgres://user@host/database",
            )
        })
    }
}
