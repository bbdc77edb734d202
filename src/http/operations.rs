//! What operators ask of the books: suspense and the recount.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    problem::Problem,
    wire::{self, AfterId, Page, ok},
};
use crate::{
    security::access::Target,
    store::{ChainCheck, SuspenseView},
};

/// Something that a bank said and that matches nothing.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SuspenseWire {
    pub id: i64,
    pub bank: String,
    /// SHA-256 of the document.
    pub document: String,
    /// Place in the document, from 0.
    pub ordinal: u64,
    pub why: String,
    pub amount_fen: Option<i64>,
    pub since: String,
}

/// What a recount from the rows found beside the kept figures.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecountWire {
    pub adds_up: bool,
    pub batches: u64,
    pub differences: Vec<String>,
}

/// What banks said that matches nothing, oldest first.
#[utoipa::path(
    get, path = "/v1/suspense", params(AfterId), responses((status = 200, body = Page<SuspenseWire>))
)]
pub(super) async fn suspense(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let paging: AfterId = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let after = wire::key(paging.after)?;
    let found = ask.store().suspense_page(after, limit + 1).await?;
    Ok(ok(&Page::<SuspenseWire>::of(found, limit, |view| {
        view.id.to_string()
    })))
}

/// Walks the audit chain.
#[utoipa::path(
    get, path = "/v1/audit/check", responses((status = 200, body = AuditWire))
)]
pub(super) async fn check_audit(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    Ok(ok(&match ask.store().check_audit().await? {
        ChainCheck::Whole { entries } => AuditWire {
            whole: true,
            entries: Some(entries),
            broken_at: None,
        },
        ChainCheck::BrokenAt { number } => AuditWire {
            whole: false,
            entries: None,
            broken_at: Some(number),
        },
    }))
}

/// Counts everything again from the rows and compares with the kept figures.
#[utoipa::path(
    get, path = "/v1/recount", responses((status = 200, body = RecountWire))
)]
pub(super) async fn recount(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let recount = ask.store().recount().await?;
    Ok(ok(&RecountWire {
        adds_up: recount.differences.is_empty(),
        batches: recount.batches,
        differences: recount.differences,
    }))
}

impl From<SuspenseView> for SuspenseWire {
    fn from(view: SuspenseView) -> Self {
        Self {
            id: view.id,
            bank: view.bank,
            document: hex::encode(view.raw),
            ordinal: view.ordinal,
            why: view.why,
            amount_fen: view.amount.map(wagegate_domain::Fen::get),
            since: view.at.to_string(),
        }
    }
}
