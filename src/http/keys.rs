//! Sealing keys, for operators: how they stand, which one is current, which may go. No key is ever shown.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    body,
    problem::Problem,
    refusal::{internal, not_there},
    wire::ok,
};
use crate::{
    rotation::{self, KeyStanding, RotationError, Status},
    security::access::Target,
};

/// Largest body.
const BODY: usize = 4 << 10;

/// How sealing keys stand.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeysWire {
    /// Number of the key that seals now.
    pub current: u32,
    pub since: String,
    /// Who made it current: somebody, or the first gateway.
    pub by: String,
    pub keys: Vec<KeyWire>,
    pub gateways: Vec<GatewayKeysWire>,
    /// Values and files in a form that this program does not know.
    pub unknown: u64,
    /// Absent where no key was ever changed.
    pub resealing: Option<ResealingWire>,
    /// Why this gateway's key file as it is now is not in use.
    pub fault: Option<String>,
}

/// One sealing key.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyWire {
    pub id: u32,
    /// Values sealed with it, by table; tables without any are not named.
    pub rows: BTreeMap<String, u64>,
    /// Files of evidence sealed with it.
    pub files: u64,
    /// Running gateways that have it.
    pub known_by: Vec<String>,
    pub removable: bool,
    /// Why not.
    pub needed: Option<String>,
}

/// What one gateway said of its keys last.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GatewayKeysWire {
    pub gateway: String,
    /// The key it seals with.
    pub seals: Option<u32>,
    pub known: Vec<u32>,
    pub seen: String,
    /// False for one that was not heard for a minute.
    pub running: bool,
}

/// How far sealing anew has come.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResealingWire {
    /// Sealed anew since the current key became so.
    pub rows: u64,
    pub files: u64,
    /// Where it stands.
    pub place: String,
    /// Values and files that other keys sealed.
    pub left: u64,
}

/// Which key becomes current.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWire {
    /// The newest in the key file where not given.
    #[schema(minimum = 1)]
    pub key: Option<u32>,
}

/// A key that may go.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemoveWire {
    pub key: u32,
    /// What the key file begins with without it.
    pub current: u32,
}

/// Which sealing key is current, who has which, and what each still seals.
#[utoipa::path(get, path = "/v1/keys", responses((status = 200, body = KeysWire)))]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let status = rotation::status(&ask.api.gateway).await?;
    Ok(ok(&KeysWire::from(status)))
}

/// Makes a key current when every running gateway has it; what others sealed is sealed anew.
#[utoipa::path(post, path = "/v1/keys/rotate", request_body = RotateWire, responses((status = 200, body = KeysWire)))]
pub(super) async fn rotate(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let RotateWire { key } = body::json(payload, BODY).await?;
    rotation::rotate(&ask.api.gateway, key, &ask.caller.name).await?;
    let status = rotation::status(&ask.api.gateway).await?;
    Ok(ok(&KeysWire::from(status)))
}

/// Notes that a key goes, if nothing needs it; whoever asks takes it out of the key file.
#[utoipa::path(post, path = "/v1/keys/{key}/remove", params(("key" = u32, Path, description = "Its number in the key file")), responses((status = 200, body = RemoveWire)))]
pub(super) async fn remove(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let key = ask.part("key").parse();
    let key = key.map_err(|_| not_there("a key is named by its number in the key file"))?;
    let current = rotation::remove(&ask.api.gateway, key, &ask.caller.name).await?;
    Ok(ok(&RemoveWire { key, current }))
}

impl From<RotationError> for Problem {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Store(error) => error.into(),
            RotationError::Vault(_)
            | RotationError::Evidence(_)
            | RotationError::OtherBlindKeys
            | RotationError::Ended(_) => internal(&error),
        }
    }
}

impl From<Status> for KeysWire {
    fn from(status: Status) -> Self {
        let left = status.left();
        Self {
            current: status.current.key.id,
            since: status.current.since.to_string(),
            by: status.current.by,
            keys: status.keys.into_iter().map(KeyWire::from).collect(),
            gateways: status
                .gateways
                .into_iter()
                .map(|(one, running)| GatewayKeysWire {
                    gateway: one.gateway,
                    seals: one.seals,
                    known: one.known.iter().map(|key| key.id).collect(),
                    seen: one.seen.to_string(),
                    running,
                })
                .collect(),
            unknown: status.unknown,
            resealing: status.resealing.map(|stands| ResealingWire {
                rows: stands.rows,
                files: stands.files,
                place: stands.place,
                left,
            }),
            fault: status.fault,
        }
    }
}

impl From<KeyStanding> for KeyWire {
    fn from(key: KeyStanding) -> Self {
        let rows = key.rows.into_iter();
        Self {
            id: key.id,
            rows: rows
                .map(|(place, count)| (place.to_owned(), count))
                .collect(),
            files: key.files,
            known_by: key.known_by,
            removable: key.needed.is_none(),
            needed: key.needed,
        }
    }
}
