//! Cards: how each stands and why, another one for a worker, and what shows it.

use std::fmt;

use actix_web::{HttpResponse, http::StatusCode, web};
use jiff::{Span, civil::Date};
use serde::{Deserialize, Serialize};
use wagegate_domain::{
    ids::{BankAccount, Cnaps},
    reason::Reason,
    roster::{CardClaim, CardKind, CardStatus},
};

use super::{
    ask::Ask,
    body, documents,
    problem::Problem,
    refusal::unprocessable,
    roster::{number, of_path},
    wire::{ok, with},
};
use crate::{
    clock::china_date,
    registry,
    security::{
        access::Denied,
        seal::{Vault, VaultError},
    },
    store::{CardRuling, CardView, CardWord},
};

const BODY: usize = 16 << 10;
/// Largest document that shows something: a photographed page is a few MiB.
const EVIDENCE_MAX: u64 = 16 << 20;
/// Wages of the last months may still be owed to who has left.
const LATELY_DAYS: i64 = 180;
const LEFT_LONG_AGO: &str =
    "the worker left this project more than 180 days ago: the card is managed where they work now";

/// A card; the account is masked.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CardWire {
    pub id: i64,
    pub account: String,
    /// The card's bank number.
    pub cnaps: Option<String>,
    /// Wages are to go to this one.
    pub current: bool,
    /// unknown, own_bank, other_bank, social_security or yunjianbao.
    pub kind: String,
    pub kind_zh: String,
    /// unverified, verified, invalid or replaced.
    pub status: String,
    pub status_zh: String,
}

/// A card with every word on it, in order.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CardHistoryWire {
    pub card: CardWire,
    pub words: Vec<CardWordWire>,
}

/// One word on a card.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CardWordWire {
    pub version: u32,
    pub status: String,
    pub status_zh: String,
    pub kind: String,
    /// Why, where it was refused.
    pub reason: Option<String>,
    pub reason_zh: Option<String>,
    /// SHA-256 of what shows it.
    pub evidence: Option<String>,
    pub by: String,
    pub at: String,
}

/// How a card stands from now on.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardRulingWire {
    /// unverified, verified or invalid.
    pub status: String,
    /// Why; needed for invalid: one of the codes of failures, such as CLOSED.
    pub reason: Option<String>,
    /// SHA-256 of an uploaded document (`POST /v1/evidence`), 64 hexadecimal digits; needed where the card was refused.
    pub evidence: Option<String>,
}

/// Another card for a worker, in the worker's registered name. Any kind is taken.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCardWire {
    pub account: String,
    /// The card's bank number, 12 digits.
    pub cnaps: Option<String>,
    /// unknown, own_bank, other_bank, social_security or yunjianbao; unknown where not given.
    pub kind: Option<String>,
}

impl fmt::Debug for NewCardWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCardWire")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A document that was kept.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptWire {
    /// SHA-256, to be named elsewhere.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

/// Rules on a card by hand: verified, invalid with a reason, or unverified again, with evidence.
#[utoipa::path(
    post, path = "/v1/cards/{id}/status", request_body = CardRulingWire,
    params(("id" = i64, Path, description = "The card's number")),
    responses((status = 200, body = CardWire))
)]
pub(super) async fn rule(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let card = number(&ask, "id")?;
    let (_, projects) = ask.within(ask.store().card(card, recently(&ask)).await)?;
    let mut mine = projects
        .iter()
        .map(|(code, region)| ask.may_project(code, *region));
    if !mine.any(|may| may.is_ok()) {
        return Err(Denied::Scope.into());
    }
    let word: CardRulingWire = body::json(payload, BODY).await?;
    let ruling = CardRuling {
        card,
        status: status(&word)?,
        reason: reason(&word)?,
        evidence: evidence(&ask, word.evidence.as_deref()).await?,
        by: ask.caller.name.clone(),
        within: ask.sees()?,
        today: china_date(ask.now()),
        at: ask.now(),
    };
    let card = ask.store().rule_on_card(&ruling).await?;
    Ok(ok(&CardWire::of(&ask.api.gateway.vault, &card)?))
}

/// The first day that counts as lately: who left before it has no card here to manage.
fn recently(ask: &Ask) -> Date {
    let today = china_date(ask.now());
    today.saturating_sub(Span::new().days(LATELY_DAYS))
}

fn status(word: &CardRulingWire) -> Result<CardStatus, Problem> {
    match CardStatus::from_code(&word.status) {
        Some(CardStatus::Replaced) => Err(refused(
            "`status`: a card is replaced by registering the worker's new one",
        )),
        Some(status) => Ok(status),
        None => Err(refused("`status` is one of unverified, verified, invalid")),
    }
}

fn reason(word: &CardRulingWire) -> Result<Option<Reason>, Problem> {
    let read = |code: &str| {
        Reason::from_code(code)
            .ok_or_else(|| refused("`reason` is one of the codes of failures, such as CLOSED"))
    };
    let reason = word.reason.as_deref().map(read).transpose()?;
    if reason.is_none() && word.status == CardStatus::Invalid.code() {
        return Err(refused(
            "`reason` says why the card is invalid: give a code such as CLOSED",
        ));
    }
    Ok(reason)
}

/// The hash, if what it is of was kept here for the caller's projects.
async fn evidence(ask: &Ask, hash: Option<&str>) -> Result<Option<[u8; 32]>, Problem> {
    match hash {
        Some(hash) => Ok(Some(documents::named(ask, "evidence", hash).await?.hash)),
        None => Ok(None),
    }
}

fn refused(why: &str) -> Problem {
    unprocessable(why, Vec::new())
}

/// Registers a worker's new card; the one before is replaced.
#[utoipa::path(
    post, path = "/v1/projects/{code}/workers/{id}/card", request_body = NewCardWire,
    params(("id" = i64, Path, description = "The worker's number")),
    responses((status = 200, body = CardWire))
)]
pub(super) async fn replace(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let project = of_path(&ask).await?;
    let worker = number(&ask, "id")?;
    let record = ask.within(ask.store().worker(&project.code, worker).await)?;
    let since = recently(&ask);
    if !record.stays.iter().any(|stay| stay.lasts_to(since)) {
        return Err(refused(LEFT_LONG_AGO));
    }
    let new: NewCardWire = body::json(payload, BODY).await?;
    let claim = claim(&new)?;
    let gateway = &ask.api.gateway;
    let caller = (&*ask.caller.name, &ask.sees()?);
    let card = registry::rename_card(gateway, (&project.code, worker), &claim, caller).await?;
    Ok(ok(&CardWire::of(&gateway.vault, &card)?))
}

fn claim(new: &NewCardWire) -> Result<CardClaim, Problem> {
    let (account, _) = BankAccount::parse(&new.account)
        .map_err(|error| refused(&format!("`account`: {error}")))?;
    let cnaps = new.cnaps.as_deref().map(Cnaps::parse).transpose();
    let kind = new
        .kind
        .as_deref()
        .map_or(Some(CardKind::Unknown), CardKind::from_code);
    Ok(CardClaim {
        account,
        cnaps: cnaps.map_err(|error| refused(&format!("`cnaps`: {error}")))?,
        kind: kind.ok_or_else(|| {
            refused("`kind` is one of unknown, own_bank, other_bank, social_security, yunjianbao")
        })?,
    })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct About {
    /// Code of the project that the document is about: its people may name the hash then; without it, only the caller may.
    #[param(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    project: Option<String>,
}

/// Keeps a document that shows something, as it is.
#[utoipa::path(
    post, path = "/v1/evidence", params(About),
    request_body(content(("application/octet-stream"), ("application/pdf"), ("image/jpeg"), ("image/png"), ("text/plain"))),
    responses((status = 201, body = KeptWire))
)]
pub(super) async fn keep(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let About { project } = ask.query()?;
    if let Some(code) = &project {
        let project = ask.within(ask.store().project(code).await)?;
        ask.may_project(&project.code, project.region)?;
    }
    let bytes = body::stream(payload, EVIDENCE_MAX);
    let kept = ask
        .api
        .gateway
        .evidence
        .keep_stream(bytes, EVIDENCE_MAX)
        .await?;
    if kept.size == 0 {
        return Err(refused("the document is empty: send its bytes as the body"));
    }
    documents::note(&ask, kept, project.as_deref()).await?;
    let hash = hex::encode(kept.hash);
    ask.store()
        .audit(
            ask.now(),
            &ask.caller.name,
            "evidence.keep",
            &hash,
            &format!("{} bytes", kept.size),
        )
        .await?;
    Ok(with(
        StatusCode::CREATED,
        &KeptWire {
            hash,
            size: kept.size,
        },
    ))
}

impl CardWire {
    /// Opens the card and masks it.
    pub(super) fn of(vault: &Vault, card: &CardView) -> Result<Self, VaultError> {
        let (_, account) = vault.open_binding(&card.blind, &card.sealed)?;
        Ok(Self {
            id: card.id,
            account: account.masked(),
            cnaps: card.cnaps.clone(),
            current: card.current,
            kind: card.kind.code().into(),
            kind_zh: card.kind.chinese().into(),
            status: card.status.code().into(),
            status_zh: card.status.chinese().into(),
        })
    }
}

impl CardHistoryWire {
    /// The card with those of `words` that are about it.
    pub(super) fn of(
        vault: &Vault,
        card: &CardView,
        words: &[CardWord],
    ) -> Result<Self, VaultError> {
        let words = words.iter().filter(|word| word.card == card.id);
        Ok(Self {
            card: CardWire::of(vault, card)?,
            words: words.map(CardWordWire::from).collect(),
        })
    }
}

impl From<&CardWord> for CardWordWire {
    fn from(word: &CardWord) -> Self {
        Self {
            version: word.version,
            status: word.status.code().into(),
            status_zh: word.status.chinese().into(),
            kind: word.kind.code().into(),
            reason: word.reason.map(|reason| reason.code().into()),
            reason_zh: word.reason.map(|reason| reason.chinese().into()),
            evidence: word.evidence.map(hex::encode),
            by: word.by.clone(),
            at: word.at.to_string(),
        }
    }
}
