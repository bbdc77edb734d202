//! `[audit]`: where the audit log's head is witnessed outside the database, and how often.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::Wrong;

/// What is not written keeps its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditLogEntry {
    /// A file that only grows; beside the evidence folder or spool where not written. Best on another disk or host than the database.
    pub witness: PathBuf,
    /// Seconds between two looks at the head; it is also witnessed at each orderly stop.
    pub every_s: u64,
}

impl Default for AuditLogEntry {
    fn default() -> Self {
        Self {
            witness: PathBuf::new(),
            every_s: 60,
        }
    }
}

impl AuditLogEntry {
    /// Time between two looks at the head.
    pub const fn every(&self) -> Duration {
        Duration::from_secs(self.every_s)
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        if self.every_s == 0 {
            return Err(Wrong::new(
                "audit.every_s",
                "0 would never rest",
                "write how many seconds lie between two looks, such as 60",
            ));
        }
        Ok(())
    }
}
