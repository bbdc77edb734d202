//! The banks of this gateway: how the line to each is, what it takes and until when, and how long our certificate there lasts.

use actix_web::HttpResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wagegate_domain::{link::Link, profile::BankProfile};

use super::{
    ask::Ask,
    problem::Problem,
    wire::{self, AfterCode, Page, ok},
};
use crate::security::access::Target;

/// One bank.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BankWire {
    pub code: String,
    pub name: String,
    /// `well`; `away` while nobody calls it because it did not answer; `tried` while one call at a time looks whether it does again; `new` before
    /// its first answer.
    pub line: String,
    /// Calls in a row without an answer.
    pub failures: u32,
    pub away_since: Option<String>,
    /// When it is called again.
    pub away_until: Option<String>,
    pub last_success: Option<String>,
    pub last_failure: Option<String>,
    /// What that call came to.
    pub last_error: Option<String>,
    /// The bank's clock less ours, as its last answers told.
    pub clock_skew_ms: Option<i64>,
    /// Calls at one time, over all gateways.
    pub calls_max: u32,
    /// Until when, by the clock in China, it works what it takes the same day.
    pub cut_off: Option<String>,
    pub rows_max: u32,
    pub total_fen_max: Option<i64>,
    pub item_fen_max: Option<i64>,
    /// Our certificate there.
    pub certificate_ends: Option<String>,
    /// Whole days left; negative when it has run out.
    pub certificate_days: Option<i64>,
}

/// The banks of this gateway, by code.
#[utoipa::path(
    get, path = "/v1/banks", params(AfterCode), responses((status = 200, body = Page<BankWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let paging: AfterCode = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let links = ask.store().links().await?;
    let after = paging.after.unwrap_or_default();
    let codes = ask
        .api
        .gateway
        .banks
        .codes()
        .filter(|code| *code > after.as_str());
    let of = |code: &str| {
        let bank = ask.api.gateway.banks.find(code).ok()?;
        let link = links.iter().find(|view| view.bank == code);
        let link = link.map(|view| view.link.clone()).unwrap_or_default();
        Some(wire(&ask, bank.adapter.profile(), link))
    };
    let found = codes.filter_map(of).take(limit as usize + 1).collect();
    Ok(ok(&Page::<BankWire>::of(
        found,
        limit,
        |bank: &BankWire| bank.code.clone(),
    )))
}

fn wire(ask: &Ask, profile: &BankProfile, link: Link) -> BankWire {
    let now = ask.now();
    let own = ask
        .api
        .dated
        .iter()
        .find(|dated| dated.is_for(&profile.code));
    let own = own.map(|dated| dated.look(now));
    let text = |at: Timestamp| at.to_string();
    let line = line(&link, now).to_owned();
    BankWire {
        code: profile.code.clone(),
        name: profile.name.clone(),
        line,
        failures: link.failures,
        away_since: link.open.map(|open| text(open.since)),
        away_until: link.open.map(|open| text(open.until)),
        last_success: link.last_success.map(text),
        last_failure: link.last_failure.as_ref().map(|(at, _)| text(*at)),
        last_error: link.last_failure.map(|(_, why)| why),
        clock_skew_ms: link.skew.map(|skew| skew.ms),
        calls_max: profile.calls_max.get(),
        cut_off: profile
            .cut_off
            .map(|time| time.strftime("%H:%M").to_string()),
        rows_max: profile.limits.rows_max,
        total_fen_max: profile.limits.total_fen_max,
        item_fen_max: profile.limits.item_fen_max,
        certificate_days: own.as_ref().and_then(|own| own.days),
        certificate_ends: own.and_then(|own| own.at),
    }
}

fn line(link: &Link, now: Timestamp) -> &'static str {
    match link.open {
        Some(open) if now < open.until => "away",
        Some(_) => "tried",
        None if link.last_success.is_none() => "new",
        None => "well",
    }
}
