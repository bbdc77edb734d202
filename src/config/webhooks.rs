//! `[webhooks]`: how notices are delivered, and which addresses beside the public ones they may go to.

use std::time::Duration;

use serde::Deserialize;

use super::Wrong;
use crate::webhooks::{Allowed, Courier};

/// What is not written keeps its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksEntry {
    /// Workers that deliver; 0 leaves it to other gateways of the store.
    pub couriers: u32,
    /// Ranges inside the network that may be delivered to, such as `10.1.2.0/24`; public addresses always may.
    pub allow: Vec<String>,
    /// Time to resolve a name, connect and finish the handshake.
    pub connect_ms: u64,
    /// Time for a whole try.
    pub whole_ms: u64,
}

impl Default for WebhooksEntry {
    fn default() -> Self {
        Self {
            couriers: 2,
            allow: Vec::new(),
            connect_ms: 5_000,
            whole_ms: 10_000,
        }
    }
}

impl WebhooksEntry {
    /// As deliveries take it.
    pub fn courier(&self) -> Courier {
        Courier {
            // Checked when the file was read.
            allowed: Allowed::parse(&self.allow).unwrap_or_default(),
            connect: Duration::from_millis(self.connect_ms),
            whole: Duration::from_millis(self.whole_ms),
        }
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        Allowed::parse(&self.allow).map_err(|error| {
            Wrong::new(
                "webhooks.allow",
                error.to_string(),
                "write ranges, such as [\"10.1.2.0/24\"]",
            )
        })?;
        if self.connect_ms == 0 || !(1..=60_000).contains(&self.whole_ms) {
            return Err(Wrong::new(
                "webhooks.whole_ms",
                "a try needs time, and no more than a minute",
                "write milliseconds, such as 10000",
            ));
        }
        Ok(())
    }
}
