//! Special wage accounts: what they hold by our books and what of it is reserved.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{ask::Ask, problem::Problem, wire::ok};

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

/// `GET /v1/accounts`
#[utoipa::path(
    get, path = "/v1/accounts", responses((status = 200, body = Vec<AccountWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let projects = ask.store().projects().await?;
    let mine: BTreeSet<&str> = projects
        .iter()
        .filter(|project| ask.may_project(&project.code, project.region).is_ok())
        .map(|project| project.code.as_str())
        .collect();
    let accounts = ask.store().accounts().await?;
    let accounts = accounts
        .into_iter()
        .filter(|account| mine.contains(account.project.as_str()))
        .map(|account| AccountWire {
            balance_fen: account.balance.get(),
            reserved_fen: account.reserved.get(),
            free_fen: account.balance.get().saturating_sub(account.reserved.get()),
            overdrawn_fen: account.overdrawn.get(),
            deposited_fen: account.deposited.get(),
            project: account.project,
            bank: account.bank,
            account: account.account,
        });
    Ok(ok(&accounts.collect::<Vec<_>>()))
}
