//! `[worker]`: how many steps run side by side and how long one may take.

use std::time::Duration;

use serde::Deserialize;

use super::Wrong;

/// The gateway's dispatch workers; what is not written keeps its default.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerEntry {
    /// Workers in this process; 0 serves requests only.
    pub workers: u32,
    /// How long a claimed step is its worker's; above the longest call to any bank.
    pub lease_ms: i64,
    /// How long an idle worker sleeps at most.
    pub tick_ms: u64,
}

impl Default for WorkerEntry {
    fn default() -> Self {
        Self {
            workers: 4,
            lease_ms: 120_000,
            tick_ms: 1_000,
        }
    }
}

impl WorkerEntry {
    /// How long an idle worker sleeps at most.
    pub const fn tick(&self) -> Duration {
        Duration::from_millis(self.tick_ms)
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        if self.lease_ms < 1_000 {
            return Err(Wrong::new(
                "worker.lease_ms",
                "a step needs time to finish",
                "write 1000 or more",
            ));
        }
        if !(10..=60_000).contains(&self.tick_ms) {
            return Err(Wrong::new(
                "worker.tick_ms",
                "outside 10 to 60000",
                "write how many milliseconds an idle worker sleeps, such as 1000",
            ));
        }
        Ok(())
    }
}
