//! Logs: to standard error, as text for people or as JSON lines for machines. What may be logged is decided where it is logged.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// The server library tells of each of its threads; that is of use to nobody.
const DEFAULT: &str = "info,actix_server=warn";

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging; `RUST_LOG` chooses what, this gateway's own words from `info` on unless set. A second call changes nothing.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(filter);
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging had started before");
    }
}
