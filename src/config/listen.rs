//! `[listen]` and `[listen.limits]`: where the gateway listens, under which certificate, and how much it takes on.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::Wrong;
use crate::{http::serve::Limits, transport::tls::KeyFiles};

/// The gateway's own door.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenEntry {
    /// IP address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// The gateway's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// How much it takes on.
    #[serde(default)]
    pub limits: LimitsEntry,
}

impl ListenEntry {
    /// Certificate and key together.
    pub fn own(&self) -> KeyFiles {
        KeyFiles {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
}

/// Limits of the listener; what is not written keeps its default.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsEntry {
    /// Threads that serve requests.
    pub threads: usize,
    /// Open connections for each thread.
    pub connections: usize,
    /// Handshakes in progress for each thread.
    pub handshakes: usize,
    /// Time for a handshake.
    pub handshake_ms: u64,
    /// Time for the head of a request.
    pub request_head_ms: u64,
    /// Time that an idle connection is kept.
    pub keep_alive_ms: u64,
    /// Time that running requests get after a stop.
    pub shutdown_ms: u64,
    /// Largest wage sheet.
    pub sheet_bytes_max: u64,
    /// How long the answer to a request under an `Idempotency-Key` is kept.
    pub answers_kept_days: u32,
}

impl Default for LimitsEntry {
    fn default() -> Self {
        let limits = Limits::default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            threads: limits.workers,
            connections: limits.connections,
            handshakes: limits.handshakes,
            handshake_ms: millis(limits.handshake),
            request_head_ms: millis(limits.request_head),
            keep_alive_ms: millis(limits.keep_alive),
            shutdown_ms: millis(limits.shutdown),
            sheet_bytes_max: 256 << 20,
            // A payroll is sent again months later, when somebody asks what became of it.
            answers_kept_days: 400,
        }
    }
}

impl LimitsEntry {
    /// As the listener takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            workers: self.threads,
            connections: self.connections,
            handshakes: self.handshakes,
            handshake: Duration::from_millis(self.handshake_ms),
            request_head: Duration::from_millis(self.request_head_ms),
            keep_alive: Duration::from_millis(self.keep_alive_ms),
            shutdown: Duration::from_millis(self.shutdown_ms),
            ..Limits::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        let none = [
            ("threads", self.threads == 0),
            ("connections", self.connections == 0),
            ("handshakes", self.handshakes == 0),
            ("sheet_bytes_max", self.sheet_bytes_max == 0),
            ("answers_kept_days", self.answers_kept_days == 0),
        ]
        .into_iter()
        .find_map(|(key, none)| none.then_some(key));
        match none {
            Some(key) => Err(Wrong::new(
                format!("listen.limits.{key}"),
                "0 would refuse everybody",
                "write 1 or more, or leave it out",
            )),
            None => Ok(()),
        }
    }
}
