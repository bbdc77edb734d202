//! Whether the gateway is well: its store, its oldest doubt, and everything that runs out.

use std::{fmt, sync::Arc};

use actix_web::{HttpResponse, http::StatusCode};
use jiff::Timestamp;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use wagegate_domain::{attempt::State, outcome::Place};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::{ask::Ask, problem::Problem, wire};
use crate::{
    security::{revocation::Authority, watched::Watched},
    store::{Store, StoreError},
    transport::tls::OwnCertificate,
};

/// Days before its end at which something that runs out is worth a word.
const WARN_DAYS: i64 = 2;

/// How the gateway is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HealthWire {
    /// `ok`; `attention` when something runs out soon or is in doubt; `down` when the store does not answer.
    pub status: String,
    pub at: String,
    pub engine: String,
    pub store_reachable: bool,
    /// When the next work is due.
    pub next_due: Option<String>,
    /// When the oldest instruction in doubt was planned.
    pub oldest_in_doubt: Option<String>,
    pub runs_out: Vec<RunsOut>,
}

/// A certificate or revocation list, and its end.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunsOut {
    pub what: String,
    pub at: Option<String>,
    /// Whole days left; negative when it has run out.
    pub days: Option<i64>,
}

/// Something watched that runs out.
pub struct Dated {
    what: String,
    ends: Box<dyn Fn() -> Option<Timestamp> + Send + Sync>,
}

impl fmt::Debug for Dated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dated").field(&self.what).finish()
    }
}

impl Dated {
    /// One of our own certificates.
    pub fn certificate(what: impl Into<String>, own: Arc<OwnCertificate>) -> Self {
        Self {
            what: what.into(),
            ends: Box::new(move || certificate_ends(&own.current())),
        }
    }

    /// The revocation list of an authority.
    pub fn list(what: impl Into<String>, authority: Arc<Watched<Authority>>) -> Self {
        Self {
            what: what.into(),
            ends: Box::new(move || Some(authority.current().list_ends())),
        }
    }

    /// What it is and when it ends, as its file says now.
    pub fn look(&self, now: Timestamp) -> RunsOut {
        let ends = (self.ends)();
        RunsOut {
            what: self.what.clone(),
            at: ends.map(|at| at.to_string()),
            days: ends.map(|at| at.duration_since(now).as_secs().div_euclid(24 * 60 * 60)),
        }
    }
}

fn certificate_ends(key: &CertifiedKey) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(key.cert.first()?).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// `GET /v1/health`; 503 when the store does not answer.
#[utoipa::path(
    get, path = "/v1/health",
    responses((status = 200, body = HealthWire), (status = 503, description = "The store does not answer", body = HealthWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let now = ask.now();
    let asked = async {
        Ok::<_, StoreError>((
            ask.store().next_due().await?,
            oldest_in_doubt(ask.store()).await?,
        ))
    }
    .await;
    let asked = asked.inspect_err(|error| tracing::error!(%error, "the store does not answer"));
    let store_reachable = asked.is_ok();
    let (next_due, doubt) = asked.unwrap_or_default();
    let runs_out: Vec<RunsOut> = ask.api.dated.iter().map(|dated| dated.look(now)).collect();
    let soon = runs_out
        .iter()
        .any(|item| item.days.is_none_or(|days| days < WARN_DAYS));
    let (status, code) = match (store_reachable, soon || doubt.is_some()) {
        (false, _) => ("down", StatusCode::SERVICE_UNAVAILABLE),
        (true, true) => ("attention", StatusCode::OK),
        (true, false) => ("ok", StatusCode::OK),
    };
    let health = HealthWire {
        status: status.into(),
        at: now.to_string(),
        engine: ask.store().engine().into(),
        store_reachable,
        next_due: next_due.map(|at| at.to_string()),
        oldest_in_doubt: doubt.map(|at| at.to_string()),
        runs_out,
    };
    Ok(wire::with(code, &health))
}

async fn oldest_in_doubt(store: &dyn Store) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest = None;
    for batch in store
        .batches(None)
        .await?
        .iter()
        .filter(|batch| batch.tally.at(Place::InDoubt).0 > 0)
    {
        let instructions = store.instructions(&batch.code).await?;
        let doubtful = instructions
            .iter()
            .filter(|instruction| instruction.state == State::InDoubt)
            .map(|instruction| instruction.planned_at);
        oldest = oldest.into_iter().chain(doubtful).min();
    }
    Ok(oldest)
}
