//! Whether the audit log is whole: its chain in the store, compared with the heads that were witnessed outside it. Acts are appended by the
//! store itself, in the transaction of the act.

mod witness;

pub use witness::{Witness, WitnessError, WitnessedHeads};

use crate::{
    gateway::Gateway,
    store::{ChainCheck, StoreError},
};

/// What a check of the audit log found.
#[derive(Debug)]
pub struct Verdict {
    /// The chain, and the witnessed heads beside it.
    pub chain: ChainCheck,
    /// What was witnessed.
    pub witnessed: WitnessedHeads,
}

impl Verdict {
    /// True when nothing was changed, neither the chain nor what witnesses it.
    pub fn is_whole(&self) -> bool {
        matches!(self.chain, ChainCheck::Whole { .. }) && self.witnessed.broken_line.is_none()
    }
}

/// Why the audit log cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error("a blocking task ended early: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// Walks the whole chain and holds it against every head that was witnessed.
///
/// # Errors
/// The store or the witness cannot be read.
pub async fn verify(gateway: &Gateway) -> Result<Verdict, AuditError> {
    // Before the chain is read: what is witnessed later may be about entries that this walk does not see.
    let witness = gateway.witness.clone();
    let witnessed = tokio::task::spawn_blocking(move || witness.heads()).await??;
    let chain = gateway.store.check_audit_against(&witnessed.heads).await?;
    Ok(Verdict { chain, witnessed })
}
