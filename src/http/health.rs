//! Whether the gateway is well: its store, its oldest doubt, and everything that runs out.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{ask::Ask, problem::Problem, wire};
use crate::{
    evidence::EvidenceError,
    security::{principal::Role, revocation::Authority, watched::Watched},
    store::{AccountFigures, LinkView, Post, StoreError},
    transport::tls::{OwnCertificate, ends},
};

/// Days before its end at which a certificate is worth a word: a new one takes weeks to be had.
const CERTIFICATE_DAYS: i64 = 30;
/// The same of a revocation list, which its authority renews by itself.
const LIST_DAYS: i64 = 2;
/// Between a bank's clock and ours.
const SKEW_MAX_MS: u64 = 60_000;
/// Failing tasks that are counted; from here on it is the same news.
const FAILING_COUNTED: u32 = 1_000;
/// How long the store may take before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the gateway is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HealthWire {
    /// `ok`; `attention` when something runs out soon, is in doubt, waits for money or cannot be reached; `down` when the store does not answer.
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
    /// Special accounts that lack money for what was released, the longest wait first; a hundred at most.
    pub accounts_short: Vec<ShortAccountWire>,
    /// Deliveries of webhooks that wait, and those that were given up: their receivers did not take them.
    pub webhooks_waiting: u64,
    pub webhooks_given_up: u64,
    /// Banks that do not answer: nobody calls them for a while, then one call at a time.
    pub banks_away: Vec<BankAway>,
    /// Banks whose clock and ours differ by more than a minute: one of them is wrong, and what depends on a date may be too.
    pub clocks_apart: Vec<ClockApart>,
    /// Tasks whose steps failed more than three times in a row; `GET /v1/tasks` lists them.
    pub failing_tasks: u64,
    /// When the disk of the evidence or of the database was last found full, in the last minutes.
    pub disk_full_at: Option<String>,
    pub runs_out: Vec<RunsOut>,
}

/// A bank that does not answer.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BankAway {
    pub bank: String,
    pub since: String,
    /// When it is called again.
    pub until: String,
    /// Calls in a row without an answer.
    pub failures: u32,
    /// What the last one came to.
    pub why: String,
}

/// A bank whose clock is another than ours.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClockApart {
    pub bank: String,
    /// The bank's clock less ours.
    pub skew_ms: i64,
    /// When it was seen.
    pub at: String,
}

/// A special account that lacks money for what was released.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShortAccountWire {
    pub project: String,
    pub bank: String,
    /// What is missing for all that waits.
    pub missing_fen: i64,
    /// When the first release fell short.
    pub since: String,
    /// How many batches wait.
    pub batches: u64,
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
    Whole(Box<HealthWire>),
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
    bank: Option<String>,
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
            bank: None,
            warn_days: CERTIFICATE_DAYS,
            fault: fault_of(&own),
            ends: Box::new(move || ends(&own.current())),
        }
    }

    /// The revocation list of an authority.
    pub fn list(what: impl Into<String>, authority: Arc<Watched<Authority>>) -> Self {
        Self {
            what: what.into(),
            bank: None,
            warn_days: LIST_DAYS,
            fault: fault_of(&authority),
            ends: Box::new(move || Some(authority.current().list_ends())),
        }
    }

    /// The same, as what a bank is shown.
    pub fn at_bank(self, code: &str) -> Self {
        Self {
            bank: Some(code.to_owned()),
            ..self
        }
    }

    /// True for what the bank with this code is shown.
    pub fn is_for(&self, code: &str) -> bool {
        self.bank.as_deref() == Some(code)
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
    let told = in_time(look(&ask)).await;
    let evidence_fault = evidence_fault(&ask).await;
    let store_reachable = told.is_some();
    let told = told.unwrap_or_default();
    let runs_out: Vec<RunsOut> = ask.api.dated.iter().map(|dated| dated.look(now)).collect();
    let mut dated = ask.api.dated.iter().zip(&runs_out);
    let soon = dated.any(|(dated, seen)| dated.is_pressing(seen));
    let mut health = HealthWire {
        status: String::new(),
        at: now.to_string(),
        engine: ask.store().engine().into(),
        store_reachable,
        next_due: told.next_due.map(|at| at.to_string()),
        oldest_in_doubt: told.oldest_in_doubt.map(|at| at.to_string()),
        content_differs: told.differing.len() as u64,
        content_differs_in: told.differing,
        accounts_short: told.short.into_iter().filter_map(short_account).collect(),
        webhooks_waiting: told.post.waiting,
        webhooks_given_up: told.post.given_up,
        banks_away: told.links.iter().filter_map(away).collect(),
        clocks_apart: told.links.iter().filter_map(apart).collect(),
        failing_tasks: told.failing,
        evidence_reachable: evidence_fault.is_none(),
        evidence_fault,
        disk_full_at: ask
            .api
            .gateway
            .vitals
            .full_lately(now)
            .map(|at| at.to_string()),
        runs_out,
    };
    let (status, code) = match (store_reachable, soon || health.wants_a_look()) {
        (false, _) => ("down", StatusCode::SERVICE_UNAVAILABLE),
        (true, true) => ("attention", StatusCode::OK),
        (true, false) => ("ok", StatusCode::OK),
    };
    if ask.caller.role != Role::Operator {
        let well = WellWire {
            well: store_reachable,
        };
        return Ok(wire::with(code, &HealthAnswer::Well(well)));
    }
    health.status = status.into();
    Ok(wire::with(code, &HealthAnswer::Whole(Box::new(health))))
}

impl HealthWire {
    fn wants_a_look(&self) -> bool {
        self.oldest_in_doubt.is_some()
            || self.content_differs > 0
            || !self.accounts_short.is_empty()
            || !self.banks_away.is_empty()
            || !self.clocks_apart.is_empty()
            || self.failing_tasks > 0
            || self.evidence_fault.is_some()
            || self.disk_full_at.is_some()
    }
}

/// What the store says of all this.
#[derive(Default)]
struct Told {
    next_due: Option<Timestamp>,
    oldest_in_doubt: Option<Timestamp>,
    differing: Vec<String>,
    short: Vec<AccountFigures>,
    post: Post,
    links: Vec<LinkView>,
    failing: u64,
}

async fn look(ask: &Ask) -> Result<Told, StoreError> {
    let store = ask.store();
    let failing = store.failing_tasks(None, FAILING_COUNTED).await?;
    Ok(Told {
        next_due: store.next_due().await?,
        oldest_in_doubt: store.oldest_in_doubt().await?,
        differing: store.differing_batches().await?,
        short: store.short_accounts().await?,
        post: store.post().await?,
        links: store.links().await?,
        failing: failing.len() as u64,
    })
}

/// What the store says, if it says so within a few seconds: whoever asks how the gateway is must be told that the store is silent.
pub(super) async fn in_time<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(told)) => Some(told),
        Ok(Err(error)) => {
            tracing::error!(%error, "the store does not answer");
            None
        }
        Err(_) => {
            tracing::error!("the store does not answer in time");
            None
        }
    }
}

/// Why nothing can be kept now, tried by keeping something; a full disk is remembered.
pub(super) async fn evidence_fault(ask: &Ask) -> Option<String> {
    let evidence = ask.api.gateway.evidence.clone();
    let tried = web::block(move || evidence.reach()).await;
    let error = match tried {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(error) => return Some(error.to_string()),
    };
    if matches!(error, EvidenceError::Full { .. }) {
        ask.api.gateway.vitals.disk_full(ask.now());
    }
    Some(error.to_string())
}

fn away(view: &LinkView) -> Option<BankAway> {
    let open = view.link.open?;
    let why = view.link.last_failure.as_ref().map(|(_, why)| why.clone());
    Some(BankAway {
        bank: view.bank.clone(),
        since: open.since.to_string(),
        until: open.until.to_string(),
        failures: view.link.failures,
        why: why.unwrap_or_default(),
    })
}

fn apart(view: &LinkView) -> Option<ClockApart> {
    let skew = view
        .link
        .skew
        .filter(|skew| skew.ms.unsigned_abs() > SKEW_MAX_MS)?;
    Some(ClockApart {
        bank: view.bank.clone(),
        skew_ms: skew.ms,
        at: skew.at.to_string(),
    })
}

fn short_account(account: AccountFigures) -> Option<ShortAccountWire> {
    let waiting = account.waiting?;
    Some(ShortAccountWire {
        missing_fen: waiting.missing(account.free()).get(),
        since: waiting.since.to_string(),
        batches: waiting.batches,
        project: account.project,
        bank: account.bank,
    })
}
