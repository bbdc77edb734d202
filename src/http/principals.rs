//! Who is known and which certificates count: what operators see and change, and what everybody may know of themselves.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, http::StatusCode, web};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    body,
    problem::Problem,
    refusal::{not_there, unprocessable},
    wire::{self, AfterCode, Page, ok},
};
use crate::{
    security::{
        access::{Action, Target},
        principal::{DirectoryError, Identity, Kind, PeerUri, PrincipalEntry, Role, Scope},
        revocation::{Fingerprint, Serial},
    },
    store::{
        Recorded, Within,
        identities::{
            CertificateKey, CertificateView, PrincipalChange, PrincipalView, Revocation,
            RevocationReason,
        },
    },
};

/// Largest body: a certificate or a list of projects.
const BODY: usize = 64 << 10;

/// Somebody known, as they stand.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PrincipalWire {
    /// `wagegate://user/NAME` or `wagegate://bank/CODE`.
    pub uri: String,
    pub role: Role,
    pub projects: Vec<String>,
    /// The part of a GB/T 2260 code that says something.
    pub region: Option<String>,
    /// `active` or `suspended`.
    pub state: String,
    pub version: u32,
    /// Who made this version.
    pub by: String,
    pub at: String,
}

/// Where somebody works from now on.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeWire {
    /// Project codes, for clerk, reviewer, approver and finance.
    #[serde(default)]
    pub projects: Vec<String>,
    /// GB/T 2260 code, for a supervisor.
    pub region: Option<String>,
}

/// A certificate that came, was revoked, or both.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CertificateWire {
    /// SHA-256 of the authority's name in DER, hex.
    pub issuer: String,
    /// Hex.
    pub serial: String,
    /// Whose it is; absent for one that was revoked before it ever came.
    pub uri: Option<String>,
    pub not_after: Option<String>,
    pub first_seen: Option<String>,
    /// True to the hour.
    pub last_seen: Option<String>,
    pub revoked: Option<RevokedWire>,
}

/// Who revoked a certificate, when and why.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RevokedWire {
    pub reason: String,
    pub by: String,
    pub at: String,
}

/// Which certificate no longer counts: by `issuer` and `serial`, or by the certificate itself.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeWire {
    pub issuer: Option<String>,
    pub serial: Option<String>,
    /// The certificate, PEM.
    pub pem: Option<String>,
    /// `key-compromise`, `left`, `superseded` or `unspecified`.
    pub reason: String,
}

/// What was done with a revocation.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RevokeDoneWire {
    pub issuer: String,
    pub serial: String,
    /// False when it was revoked before.
    pub new: bool,
}

/// The caller, as the gateway sees them.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MeWire {
    pub uri: String,
    pub role: Role,
    pub projects: Vec<String>,
    pub region: Option<String>,
    pub bank: Option<String>,
    /// Codes of all that the role may do inside its scope.
    pub actions: Vec<String>,
    /// When the certificate runs out.
    pub not_after: Option<String>,
    /// Its serial number, hex.
    pub serial: Option<String>,
}

/// Who may ask for what.
#[utoipa::path(get, path = "/v1/principals", params(AfterCode), responses((status = 200, body = Page<PrincipalWire>)))]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let AfterCode { after, limit } = ask.query()?;
    let limit = wire::size(limit)?;
    let after = after.unwrap_or_default();
    let found = ask.store().principals(&after, limit + 1).await?;
    Ok(ok(&Page::<PrincipalWire>::of(found, limit, |one| {
        one.principal.name.clone()
    })))
}

/// One principal in every version, the newest last.
#[utoipa::path(get, path = "/v1/principals/{name}", responses((status = 200, body = Vec<PrincipalWire>)))]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let uri = named(&ask)?;
    ask.store().principal(&uri).await?;
    let history = ask.store().principal_history(&uri).await?;
    Ok(ok(&history
        .into_iter()
        .map(PrincipalWire::from)
        .collect::<Vec<_>>()))
}

/// Admits a principal.
#[utoipa::path(post, path = "/v1/principals", request_body = PrincipalEntry, responses((status = 201, body = PrincipalWire)))]
pub(super) async fn admit(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let entry: PrincipalEntry = body::json(payload, BODY).await?;
    let principal = entry.principal().map_err(misfit)?;
    scope_is_there(&ask, &principal.scope).await?;
    let admitted = ask
        .store()
        .admit(&principal, &ask.caller.name, ask.now())
        .await?;
    Ok(wire::with(
        StatusCode::CREATED,
        &PrincipalWire::from(admitted),
    ))
}

/// Lets a principal do nothing any more, at once.
#[utoipa::path(post, path = "/v1/principals/{name}/suspend", responses((status = 200, body = PrincipalWire)))]
pub(super) async fn suspend(ask: Ask) -> Result<HttpResponse, Problem> {
    change(&ask, &PrincipalChange::Suspend).await
}

/// Lets a suspended principal in again.
#[utoipa::path(post, path = "/v1/principals/{name}/restore", responses((status = 200, body = PrincipalWire)))]
pub(super) async fn restore(ask: Ask) -> Result<HttpResponse, Problem> {
    change(&ask, &PrincipalChange::Restore).await
}

/// Gives a principal another scope.
#[utoipa::path(post, path = "/v1/principals/{name}/scope", request_body = ScopeWire, responses((status = 200, body = PrincipalWire)))]
pub(super) async fn rescope(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let scope: ScopeWire = body::json(payload, BODY).await?;
    let uri = named(&ask)?;
    let entry = PrincipalEntry {
        role: ask.store().principal(&uri).await?.principal.role,
        uri,
        projects: scope.projects,
        region: scope.region,
    };
    let principal = entry.principal().map_err(misfit)?;
    scope_is_there(&ask, &principal.scope).await?;
    change(&ask, &PrincipalChange::Rescope(principal.scope)).await
}

/// A slip of the pen in a code would give somebody nothing, and look like success.
async fn scope_is_there(ask: &Ask, scope: &Scope) -> Result<(), Problem> {
    let missing = match scope {
        Scope::Projects(codes) => {
            let most = u32::try_from(codes.len()).unwrap_or(u32::MAX);
            let within = Within::Projects(codes.clone());
            let found = ask.store().project_page(&within, None, most).await?;
            let found: BTreeSet<_> = found.iter().map(|project| &project.code).collect();
            let mut missing = codes.iter().filter(|code| !found.contains(code));
            missing.next().map(|code| format!("project {code}"))
        }
        Scope::Region(prefix) => {
            let regions = ask.store().regions().await?;
            let mut codes = regions.iter().map(|region| region.code.to_string());
            let known = codes.any(|code| code.starts_with(prefix.as_str()));
            (!known).then(|| format!("region {prefix}"))
        }
        Scope::All | Scope::Bank(_) => None,
    };
    missing.map_or(Ok(()), |missing| {
        let detail = format!("there is no {missing}: import it first, or correct the code");
        Err(unprocessable(detail, vec![]))
    })
}

async fn change(ask: &Ask, change: &PrincipalChange) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let changed = ask
        .store()
        .change_principal(&named(ask)?, change, &ask.caller.name, ask.now())
        .await?;
    Ok(ok(&PrincipalWire::from(changed)))
}

/// Certificates that came by, and those that were revoked here.
#[utoipa::path(get, path = "/v1/certificates", params(AfterCode), responses((status = 200, body = Page<CertificateWire>)))]
pub(super) async fn certificates(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let AfterCode { after, limit } = ask.query()?;
    let limit = wire::size(limit)?;
    let after = match after {
        Some(after) => Some(
            after
                .split_once(':')
                .and_then(|(issuer, serial)| key(issuer, serial))
                .ok_or_else(|| unprocessable("after is the `next` of the page before", vec![]))?,
        ),
        None => None,
    };
    let found = ask.store().certificates(after.as_ref(), limit + 1).await?;
    Ok(ok(&Page::<CertificateWire>::of(found, limit, |one| {
        let (issuer, serial) = shown(&one.key);
        format!("{issuer}:{serial}")
    })))
}

/// Revokes a certificate, at once, on open connections too.
#[utoipa::path(post, path = "/v1/certificates/revoke", request_body = RevokeWire, responses((status = 200, body = RevokeDoneWire)))]
pub(super) async fn revoke(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let wire: RevokeWire = body::json(payload, BODY).await?;
    let reason = RevocationReason::from_code(&wire.reason).ok_or_else(|| {
        let known = RevocationReason::ALL.map(RevocationReason::code).join(", ");
        unprocessable(format!("reason is one of {known}"), vec![])
    })?;
    let key = meant(&wire)?;
    // A slip of the pen in the issuer would revoke nothing and look like success.
    if ask
        .gate()
        .is_none_or(|gate| !gate.revocations().knows(&key.issuer))
    {
        return Err(unprocessable(
            "the issuer is not an authority of this gateway: take it from GET /v1/certificates, or send the certificate as pem",
            vec![],
        ));
    }
    let revocation = Revocation {
        key: key.clone(),
        reason,
        by: ask.caller.name.clone(),
        at: ask.now(),
    };
    let recorded = ask.store().revoke_certificate(&revocation).await?;
    let (issuer, serial) = shown(&key);
    Ok(ok(&RevokeDoneWire {
        issuer,
        serial,
        new: recorded == Recorded::New,
    }))
}

/// Who the caller is, and what they may do.
#[utoipa::path(get, path = "/v1/me", responses((status = 200, body = MeWire)))]
pub(super) async fn me(ask: Ask) -> Result<HttpResponse, Problem> {
    let caller = &ask.caller;
    let (projects, region, bank) = places(&caller.scope);
    let actions = Action::ALL
        .iter()
        .filter(|action| caller.ever_may(**action).is_ok());
    Ok(ok(&MeWire {
        uri: caller.name.clone(),
        role: caller.role,
        projects,
        region,
        bank,
        actions: actions.map(|action| action.code().to_owned()).collect(),
        not_after: ask.identity().map(|own| own.not_after.to_string()),
        serial: ask.identity().map(|own| hex::encode(own.serial.bytes())),
    }))
}

/// The principal in the path: `NAME` is a user, `bank:CODE` a bank.
fn named(ask: &Ask) -> Result<String, Problem> {
    let (kind, name) = ask
        .part("name")
        .split_once(':')
        .unwrap_or(("user", ask.part("name")));
    let uri: Result<PeerUri, _> = format!("wagegate://{kind}/{name}").parse();
    match uri {
        Ok(uri) if uri.kind != Kind::Gateway => Ok(uri.to_string()),
        Ok(_) | Err(_) => Err(not_there(
            "a principal is named NAME for a user or bank:CODE for a bank",
        )),
    }
}

fn meant(wire: &RevokeWire) -> Result<CertificateKey, Problem> {
    match (&wire.issuer, &wire.serial, &wire.pem) {
        (Some(issuer), Some(serial), None) => key(issuer, serial).ok_or_else(|| {
            unprocessable("issuer is 64 hex digits and serial is hex digits", vec![])
        }),
        (None, None, Some(pem)) => CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| unprocessable("pem holds no PEM certificate", vec![]))
            .and_then(|der| {
                Identity::read(&der).map_err(|error| unprocessable(error.to_string(), vec![]))
            })
            .map(|identity| CertificateKey::of(&identity)),
        _ => Err(unprocessable(
            "give either issuer and serial, or pem",
            vec![],
        )),
    }
}

fn key(issuer: &str, serial: &str) -> Option<CertificateKey> {
    let issuer: [u8; 32] = hex::decode(issuer).ok()?.try_into().ok()?;
    let serial = hex::decode(serial).ok()?;
    // RFC 5280: at most 20 bytes, and one more for a sign.
    (1..=21).contains(&serial.len()).then(|| CertificateKey {
        issuer: Fingerprint::from_bytes(issuer),
        serial: Serial::new(&serial),
    })
}

fn shown(key: &CertificateKey) -> (String, String) {
    (
        hex::encode(key.issuer.bytes()),
        hex::encode(key.serial.bytes()),
    )
}

fn misfit(error: DirectoryError) -> Problem {
    unprocessable(format!("{}: {}", error.uri, error.reason), vec![])
}

fn places(scope: &Scope) -> (Vec<String>, Option<String>, Option<String>) {
    match scope {
        Scope::All => (vec![], None, None),
        Scope::Projects(projects) => (projects.iter().cloned().collect(), None, None),
        Scope::Region(region) => (vec![], Some(region.clone()), None),
        Scope::Bank(bank) => (vec![], None, Some(bank.clone())),
    }
}

impl From<PrincipalView> for PrincipalWire {
    fn from(view: PrincipalView) -> Self {
        let (projects, region, _) = places(&view.principal.scope);
        Self {
            uri: view.principal.name,
            role: view.principal.role,
            projects,
            region,
            state: view.standing.code().into(),
            version: view.version,
            by: view.by,
            at: view.at.to_string(),
        }
    }
}

impl From<CertificateView> for CertificateWire {
    fn from(view: CertificateView) -> Self {
        let (issuer, serial) = shown(&view.key);
        let seen = view.seen.as_ref();
        Self {
            issuer,
            serial,
            uri: seen.map(|seen| seen.uri.clone()),
            not_after: seen.map(|seen| seen.not_after.to_string()),
            first_seen: seen.map(|seen| seen.first.to_string()),
            last_seen: seen.map(|seen| seen.last.to_string()),
            revoked: view.revoked.map(|revoked| RevokedWire {
                reason: revoked.reason.code().into(),
                by: revoked.by,
                at: revoked.at.to_string(),
            }),
        }
    }
}
