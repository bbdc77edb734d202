//! Special wage accounts: what they hold by our books and what of it is reserved.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    problem::Problem,
    wire::{self, AfterCode, Page, ok},
};
use crate::store::AccountFigures;

/// One special account's figures.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountWire {
    pub project: String,
    pub bank: String,
    pub account: String,
    pub balance_fen: i64,
    /// Of the balance, reserved for approved wages.
    pub reserved_fen: i64,
    /// What a release may still reserve.
    pub free_fen: i64,
    /// What the bank's word has taken beyond what was free; nothing is reserved while it stands.
    pub overdrawn_fen: i64,
    /// Everything ever deposited.
    pub deposited_fen: i64,
    /// What is missing for all released batches that wait for money on it; nought where none does.
    pub short_fen: i64,
    /// When the first of them fell short.
    pub short_since: Option<String>,
    /// How many of them there are.
    pub short_batches: u64,
}

/// Special accounts in scope, by project.
#[utoipa::path(
    get, path = "/v1/accounts", params(AfterCode), responses((status = 200, body = Page<AccountWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let paging: AfterCode = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let after = paging.after.as_deref();
    let found = ask
        .store()
        .account_page(&ask.sees()?, after, limit + 1)
        .await?;
    Ok(ok(&Page::<AccountWire>::of(found, limit, |account| {
        account.project.clone()
    })))
}

impl From<AccountFigures> for AccountWire {
    fn from(account: AccountFigures) -> Self {
        let free = account.free();
        let waiting = account.waiting;
        Self {
            balance_fen: account.balance.get(),
            reserved_fen: account.reserved.get(),
            free_fen: free.get(),
            overdrawn_fen: account.overdrawn.get(),
            deposited_fen: account.deposited.get(),
            short_fen: waiting.map_or(0, |waiting| waiting.missing(free).get()),
            short_since: waiting.map(|waiting| waiting.since.to_string()),
            short_batches: waiting.map_or(0, |waiting| waiting.batches),
            project: account.project,
            bank: account.bank,
            account: account.account,
        }
    }
}
