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
    /// What an approval may still reserve.
    pub free_fen: i64,
    /// What the bank's word has taken beyond what was free; nothing is reserved while it stands.
    pub overdrawn_fen: i64,
    /// Everything ever deposited.
    pub deposited_fen: i64,
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
        Self {
            balance_fen: account.balance.get(),
            reserved_fen: account.reserved.get(),
            free_fen: account.balance.get().saturating_sub(account.reserved.get()),
            overdrawn_fen: account.overdrawn.get(),
            deposited_fen: account.deposited.get(),
            project: account.project,
            bank: account.bank,
            account: account.account,
        }
    }
}
