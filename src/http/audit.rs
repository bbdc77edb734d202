//! The audit log: its entries in pages, and whether anybody changed it.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    problem::Problem,
    refusal::{bad_request, internal},
    wire::{self, Page, ok},
};
use crate::{
    audit::{self, AuditError, Verdict},
    security::access::Target,
    store::{AuditEntry, AuditFilter, ChainCheck},
};

/// What a walk over the audit chain found.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditWire {
    /// True when no entry was changed, removed or moved, and the witness says so too.
    pub whole: bool,
    /// How many entries, when whole.
    pub entries: Option<u64>,
    /// The first entry that is not as it was written.
    pub broken_at: Option<i64>,
    /// What is wrong with it: `edited`, `missing`, `out-of-order`, `cut-tail`, `head-differs` or `witness-differs`.
    pub fault: Option<String>,
    /// The newest entry that was witnessed outside the database, and when.
    pub witnessed: Option<i64>,
    pub witnessed_at: Option<String>,
    /// The first line of the witness file that the gateway did not write.
    pub witness_broken_line: Option<u64>,
}

/// One act.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntryWire {
    pub number: i64,
    pub at: String,
    /// Principal, or what acted by itself.
    pub who: String,
    pub action: String,
    /// What it was done to.
    pub object: String,
    pub detail: String,
    /// SHA-256 of what the object was before; absent where it was not there.
    pub before: Option<String>,
    /// SHA-256 of what it was after.
    pub after: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Of one object only, such as a batch's code.
    #[param(max_length = 200)]
    object: Option<String>,
    /// Of one principal only, by URI.
    #[param(max_length = 200)]
    who: Option<String>,
    /// The `next` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,17}$")]
    after: Option<String>,
    /// Entries on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Acts, newest first.
#[utoipa::path(get, path = "/v1/audit", params(Wanted), responses((status = 200, body = Page<AuditEntryWire>)))]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let wanted: Wanted = ask.query()?;
    let limit = wire::size(wanted.limit)?;
    let below = wanted.after.map(|after| after.parse::<i64>()).transpose();
    let below = below
        .ok()
        .filter(|below| below.is_none_or(|below| below > 0))
        .ok_or_else(|| bad_request("`after` is the `next` of the page before"))?;
    let filter = AuditFilter {
        subject: wanted.object,
        who: wanted.who,
    };
    let mut entries = ask.store().audit_page(&filter, below, limit + 1).await?;
    let more = entries.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        entries.pop();
    }
    let next = entries
        .last()
        .filter(|_| more)
        .map(|last| last.number.to_string());
    let items = entries.into_iter().map(AuditEntryWire::from).collect();
    Ok(ok(&Page { items, next }))
}

/// Walks the audit chain and compares it with its head and its witness.
#[utoipa::path(
    get, path = "/v1/audit/check", responses((status = 200, body = AuditWire))
)]
pub(super) async fn check(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let verdict = audit::verify(&ask.api.gateway).await.map_err(unverified)?;
    Ok(ok(&AuditWire::from(verdict)))
}

fn unverified(error: AuditError) -> Problem {
    match error {
        AuditError::Store(error) => error.into(),
        AuditError::Witness(_) | AuditError::Ended(_) => internal(&error),
    }
}

impl From<Verdict> for AuditWire {
    fn from(verdict: Verdict) -> Self {
        let whole = verdict.is_whole();
        let (entries, broken_at, fault) = match verdict.chain {
            ChainCheck::Whole { entries } => (Some(entries), None, None),
            ChainCheck::Broken { number, fault } => {
                (None, Some(number), Some(fault.code().to_owned()))
            }
        };
        let witnessed = verdict.witnessed;
        Self {
            whole,
            entries,
            broken_at,
            fault,
            witnessed: witnessed.heads.last().map(|head| head.number),
            witnessed_at: witnessed.last_at.map(|at| at.to_string()),
            witness_broken_line: witnessed.broken_line,
        }
    }
}

impl From<AuditEntry> for AuditEntryWire {
    fn from(entry: AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            who: entry.who,
            action: entry.action,
            object: entry.subject,
            detail: entry.detail,
            before: entry.before.map(hex::encode),
            after: entry.after.map(hex::encode),
        }
    }
}
