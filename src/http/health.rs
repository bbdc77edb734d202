//! Whether the gateway is well: its store, its oldest doubt, and everything that runs out.

use std::{fmt, sync::Arc};

use actix_web::{HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::{ask::Ask, problem::Problem, wire};
use crate::{
    security::{principal::Role, revocation::Authority, watched::Watched},
    store::StoreError,
    transport::tls::OwnCertificate,
};

/// Days before its end at which a certificate is worth a word: a new one takes weeks to be had.
const CERTIFICATE_DAYS: i64 = 30;
/// The same of a revocation list, which its authority renews by itself.
const LIST_DAYS: i64 = 2;

/// How the gateway is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HealthWire {
    /// `ok`; `attention` when something runs out soon or is in doubt, or the evidence cannot be reached; `down` when the store does not answer.
    pub status: String,
    pub at: String,
    pub engine: String,
    pub store_reachable: bool,
    /// Whether the place of the evidence answers; what is wrong and what to do, where it does not. What needs it waits meanwhile.
    pub evidence_reachable: bool,
    pub evidence_fault: Option<String>,
    /// When the next work is due.
    pub next_due: Option<String>,
    /// When the oldest instruction in doubt was planned.
    pub oldest_in_doubt: Option<String>,
    /// Batches whose rows are not what was released: nothing more of them is sent until people have looked.
    pub content_differs: u64,
    /// Which.
    pub content_differs_in: Vec<String>,
    /// Deliveries of webhooks that wait, and those that were given up: their receivers did not take them.
    pub webhooks_waiting: u64,
    pub webhooks_given_up: u64,
    pub runs_out: Vec<RunsOut>,
}

/// A certificate or revocation list, and its end.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunsOut {
    pub what: String,
    pub at: Option<String>,
    /// Whole days left; negative when it has run out.
    pub days: Option<i64>,
    /// Why its file, as it is now, cannot be used; the version before it stays in force.
    pub fault: Option<String>,
}

/// The whole for operators, one word for everybody else.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum HealthAnswer {
    Whole(HealthWire),
    Well(WellWire),
}

/// All that anybody but an operator is told: counts of the whole gateway and its links to banks are the operator's.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WellWire {
    pub well: bool,
}

/// Something watched that runs out.
pub struct Dated {
    what: String,
    warn_days: i64,
    ends: Box<dyn Fn() -> Option<Timestamp> + Send + Sync>,
    fault: Box<dyn Fn() -> Option<String> + Send + Sync>,
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
            warn_days: CERTIFICATE_DAYS,
            fault: fault_of(&own),
            ends: Box::new(move || certificate_ends(&own.current())),
        }
    }

    /// The revocation list of an authority.
    pub fn list(what: impl Into<String>, authority: Arc<Watched<Authority>>) -> Self {
        Self {
            what: what.into(),
            warn_days: LIST_DAYS,
            fault: fault_of(&authority),
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
            fault: (self.fault)(),
        }
    }

    /// True for what is worth a word: its file cannot be used, or it ends soon.
    pub fn is_pressing(&self, seen: &RunsOut) -> bool {
        seen.fault.is_some() || seen.days.is_none_or(|days| days < self.warn_days)
    }
}

fn fault_of<T: Send + Sync + 'static>(
    watched: &Arc<Watched<T>>,
) -> Box<dyn Fn() -> Option<String> + Send + Sync> {
    let watched = Arc::clone(watched);
    Box::new(move || watched.fault())
}

fn certificate_ends(key: &CertifiedKey) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(key.cert.first()?).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Whether the gateway is well; 503 when the store does not answer. Who is no operator is told whether all is well, and no more.
#[utoipa::path(
    get, path = "/v1/health",
    responses(
        (status = 200, description = "Who is no operator is told `well` and no more", body = HealthAnswer),
        (status = 503, description = "The store does not answer", body = HealthAnswer),
    )
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let now = ask.now();
    let asked = async {
        Ok::<_, StoreError>((
            ask.store().next_due().await?,
            ask.store().oldest_in_doubt().await?,
            ask.store().differing_batches().await?,
            ask.store().post().await?,
        ))
    }
    .await;
    let asked = asked.inspect_err(|error| tracing::error!(%error, "the store does not answer"));
    let store_reachable = asked.is_ok();
    let (next_due, doubt, differing, post) = asked.unwrap_or_default();
    let runs_out: Vec<RunsOut> = ask.api.dated.iter().map(|dated| dated.look(now)).collect();
    let mut dated = ask.api.dated.iter().zip(&runs_out);
    let soon = dated.any(|(dated, seen)| dated.is_pressing(seen));
    let code = match store_reachable {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    if ask.caller.role != Role::Operator {
        let well = WellWire {
            well: store_reachable,
        };
        return Ok(wire::with(code, &HealthAnswer::Well(well)));
    }
    let evidence_fault = evidence_fault(&ask).await;
    let pressing = soon || doubt.is_some() || !differing.is_empty() || evidence_fault.is_some();
    let status = match (store_reachable, pressing) {
        (false, _) => "down",
        (true, true) => "attention",
        (true, false) => "ok",
    };
    let health = HealthWire {
        status: status.into(),
        at: now.to_string(),
        engine: ask.store().engine().into(),
        store_reachable,
        evidence_reachable: evidence_fault.is_none(),
        evidence_fault,
        next_due: next_due.map(|at| at.to_string()),
        oldest_in_doubt: doubt.map(|at| at.to_string()),
        content_differs: differing.len() as u64,
        content_differs_in: differing,
        webhooks_waiting: post.waiting,
        webhooks_given_up: post.given_up,
        runs_out,
    };
    Ok(wire::with(code, &HealthAnswer::Whole(health)))
}

/// Why the evidence cannot be reached, where it cannot.
async fn evidence_fault(ask: &Ask) -> Option<String> {
    let evidence = ask.api.gateway.evidence.clone();
    let reached = web::block(move || evidence.reach()).await;
    let fault = match reached {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    fault.inspect(|error| tracing::error!(%error, "the evidence cannot be reached"))
}
