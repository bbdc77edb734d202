//! Change of sealing keys while gateways run: each says which keys it has; one that all have becomes current; what others sealed is sealed anew;
//! and when nothing needs a key any more, it may go. Keys themselves never leave the vault.

mod reseal;
mod status;

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::reseal::reseal;
pub use self::status::{KeyStanding, Status, remove, status};
use crate::{
    evidence::EvidenceError,
    gateway::Gateway,
    security::seal::VaultError,
    store::{CurrentKey, KeyReport, StoreError},
};

/// How often a gateway says which keys it has.
pub const EVERY: std::time::Duration = std::time::Duration::from_secs(5);
/// A gateway not heard for so long is not waited for when another key becomes current.
const LIVE: SignedDuration = SignedDuration::from_mins(1);
/// So long it may come back, sealing as when it was heard last: what it said is kept, and the key it sealed with stays.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What one gateway brings to the change of keys.
#[derive(Debug)]
pub struct Duty {
    /// Its name among the gateways of one store.
    pub name: String,
    /// How long after a change of keys something may still be written with the key before: the longest upload and the longest batch.
    pub quiet: SignedDuration,
    /// Why the key file as it is now is not in use.
    fault: Mutex<Option<String>>,
}

impl Duty {
    /// The duty of a gateway with this name.
    pub const fn new(name: String, quiet: SignedDuration) -> Self {
        Self {
            name,
            quiet,
            fault: Mutex::new(None),
        }
    }

    /// Why the key file as it is now is not in use.
    pub fn fault(&self) -> Option<String> {
        let fault = self.fault.lock();
        fault.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, read: Result<(), VaultError>) {
        let found = read.err().map(|error| error.to_string());
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = found.as_ref().filter(|_| *fault != found) {
            tracing::error!(%error, "the key file cannot be used as it is now; the keys in use stay");
        }
        *fault = found;
    }
}

impl Default for Duty {
    fn default() -> Self {
        Self::new("gateway".into(), SignedDuration::ZERO)
    }
}

/// Keys could not be changed; those in use stay.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A blind index made with other keys finds nobody.
    #[error(
        "the keys under [blind] in the key file are not those that this database was begun with: put the right key file there"
    )]
    OtherBlindKeys,
    #[error("a blocking task ended early: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

impl RotationError {
    /// True where a gateway cannot go on: what it sealed from now on others could not open, or nobody would find.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::OtherBlindKeys
            | Self::Vault(VaultError::NoKey { .. } | VaultError::Foreign { .. }) => true,
            Self::Vault(
                VaultError::Exists { .. }
                | VaultError::Exposed { .. }
                | VaultError::Unusable { .. }
                | VaultError::Malformed { .. }
                | VaultError::Current { .. }
                | VaultError::Form { .. }
                | VaultError::Damaged,
            )
            | Self::Store(_)
            | Self::Evidence(_)
            | Self::Ended(_) => false,
        }
    }
}

/// Reads the key file again, says which keys this gateway has, and takes the current one into use.
///
/// # Errors
/// The current key is not in the key file, or the store failed.
pub async fn report(gateway: &Gateway) -> Result<CurrentKey, RotationError> {
    let (vault, now) = (&gateway.vault, gateway.clock.now());
    gateway.keys.note(vault.reread());
    loop {
        let report = KeyReport {
            gateway: gateway.keys.name.clone(),
            seals: vault.current_key().id,
            known: vault.known_keys(),
            blind: vault.blind_print(),
        };
        let current = gateway.store.report_keys(&report, now, now - KEPT).await?;
        if current.blind != report.blind {
            return Err(RotationError::OtherBlindKeys);
        }
        vault.make_current(current.key)?;
        if current.key.id == report.seals {
            return Ok(current);
        }
        // Said again, so that the others see that this gateway has changed over.
        tracing::info!(key = current.key.id, "another sealing key is in use");
    }
}

/// Makes a key of the key file current, the newest where none is named; once every gateway has it.
///
/// # Errors
/// `NotFound` where the key file has no such key, `Conflict` where a gateway lacks it.
pub async fn rotate(gateway: &Gateway, id: Option<u32>, by: &str) -> Result<(), RotationError> {
    report(gateway).await?;
    let known = gateway.vault.known_keys();
    let key = match id {
        Some(id) => known.iter().find(|key| key.id == id),
        None => known.last(),
    };
    let key = *key.ok_or_else(|| StoreError::NotFound {
        what: "sealing key",
        key: id.unwrap_or_default().to_string(),
    })?;
    let now = gateway.clock.now();
    gateway
        .store
        .make_key_current(key, by, now, live_since(now))
        .await?;
    report(gateway).await?;
    gateway.work.notify_one();
    Ok(())
}

/// A gateway heard since then is running.
fn live_since(now: Timestamp) -> Timestamp {
    now - LIVE
}
