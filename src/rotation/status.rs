//! What is sealed with which key, who has which, and which may go. Rows are counted by a walk of a reader over every row, files by opening each:
//! this is asked a few times a year, and an index would cost at every write.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{KEPT, RotationError, live_since};
use crate::{
    gateway::Gateway,
    store::{Conflict, CurrentKey, GatewayKeys, Resealing, StoreError},
};

/// How one sealing key stands.
#[derive(Debug)]
pub struct KeyStanding {
    pub id: u32,
    /// Values sealed with it, by place; places without any are not named.
    pub rows: BTreeMap<&'static str, u64>,
    /// Files of evidence sealed with it.
    pub files: u64,
    /// Running gateways that have it.
    pub known_by: Vec<String>,
    /// Why it cannot be removed; `None` where it can.
    pub needed: Option<String>,
}

/// How all sealing keys stand.
#[derive(Debug)]
pub struct Status {
    pub current: CurrentKey,
    /// Every gateway heard of late, and whether it runs.
    pub gateways: Vec<(GatewayKeys, bool)>,
    /// By id.
    pub keys: Vec<KeyStanding>,
    /// Values and files in a form that this program does not know.
    pub unknown: u64,
    /// `None` where no key was ever changed.
    pub resealing: Option<Resealing>,
    /// Why the key file as it is now is not in use here.
    pub fault: Option<String>,
}

impl Status {
    /// Values and files that other keys than the current one sealed.
    pub fn left(&self) -> u64 {
        let others = self.keys.iter().filter(|key| key.id != self.current.key.id);
        others
            .map(|key| key.files + key.rows.values().sum::<u64>())
            .sum()
    }
}

/// Counts everything.
///
/// # Errors
/// The store or the evidence folder failed.
pub async fn status(gateway: &Gateway) -> Result<Status, RotationError> {
    let current = super::report(gateway).await?;
    let evidence = gateway.evidence.clone();
    let files = tokio::task::spawn_blocking(move || evidence.files_by_key()).await??;
    let rows = gateway.store.sealed_by_key().await?;
    let (_, gateways) = gateway.store.keyring().await?;
    let now = gateway.clock.now();
    let live = live_since(now);
    let running: Vec<&GatewayKeys> = gateways.iter().filter(|one| one.seen >= live).collect();
    let mut ids: BTreeSet<u32> = files.keys().copied().flatten().collect();
    ids.extend(rows.keys().filter_map(|(_, id)| *id));
    ids.extend(
        running
            .iter()
            .flat_map(|one| one.known.iter().map(|key| key.id)),
    );
    let keys = ids.into_iter().map(|id| {
        let of_key = rows.iter().filter(|((_, key), _)| *key == Some(id));
        let rows = of_key.map(|((place, _), count)| (*place, *count)).collect();
        let files = files.get(&Some(id)).copied().unwrap_or_default();
        let quiet = current.since + gateway.keys.quiet;
        let known_by = running.iter().filter(|one| has(one, id));
        KeyStanding {
            id,
            needed: needed(id, &rows, files, &gateways, &current, (now, quiet)),
            rows,
            files,
            known_by: known_by.map(|one| one.gateway.clone()).collect(),
        }
    });
    Ok(Status {
        keys: keys.collect(),
        unknown: files.get(&None).copied().unwrap_or_default()
            + rows
                .iter()
                .filter(|((_, key), _)| key.is_none())
                .map(|(_, count)| count)
                .sum::<u64>(),
        gateways: gateways
            .iter()
            .map(|one| (one.clone(), one.seen >= live))
            .collect(),
        resealing: gateway.store.resealing().await?,
        fault: gateway.keys.fault(),
        current,
    })
}

fn has(gateway: &GatewayKeys, id: u32) -> bool {
    gateway.known.iter().any(|key| key.id == id)
}

/// Why a key cannot be removed.
fn needed(
    id: u32,
    rows: &BTreeMap<&'static str, u64>,
    files: u64,
    gateways: &[GatewayKeys],
    current: &CurrentKey,
    (now, quiet): (Timestamp, Timestamp),
) -> Option<String> {
    let values: u64 = rows.values().sum();
    // Running or not: one that did not say that it stops may come back before it hears of another key.
    let sealing = gateways.iter().filter(|one| one.seals == Some(id));
    if id == current.key.id {
        Some("it is current".to_owned())
    } else if values > 0 || files > 0 {
        Some(format!(
            "{values} values and {files} files are sealed with it"
        ))
    } else if let Some(one) = sealing.max_by_key(|one| one.seen) {
        Some(still_seals(one, now))
    } else if now < quiet {
        Some(format!(
            "what was on its way when the key changed may still come, until {quiet}"
        ))
    } else {
        None
    }
}

fn still_seals(one: &GatewayKeys, now: Timestamp) -> String {
    let (name, seen) = (&one.gateway, one.seen);
    if seen >= live_since(now) {
        return format!("gateway {name} still seals with it");
    }
    format!(
        "gateway {name} sealed with it when it was last heard, {seen}, and may come back until {}",
        seen + KEPT
    )
}

/// Notes in the audit log that a key is removed, if nothing needs it; the caller then takes it out of the key file. Gives the current key's id.
///
/// # Errors
/// `NotFound`, or `Conflict` with what needs the key.
pub async fn remove(gateway: &Gateway, id: u32, by: &str) -> Result<u32, RotationError> {
    let status = status(gateway).await?;
    let key = status.keys.iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| StoreError::NotFound {
        what: "sealing key",
        key: id.to_string(),
    })?;
    if let Some(why) = &key.needed {
        let why = why.clone();
        return Err(StoreError::from(Conflict::KeyNeeded { id, why }).into());
    }
    let detail = "nothing is sealed with it";
    let now = gateway.clock.now();
    gateway
        .store
        .audit(now, by, "keys.remove", &format!("key {id}"), detail)
        .await?;
    Ok(status.current.key.id)
}
