//! What every part that acts shares: the store, the evidence, the keys, the banks and the time. It does nothing by itself.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{
    audit::Witness,
    banks::Banks,
    clock::Clock,
    config::ApprovalEntry,
    dispatch::Mark,
    evidence::Evidence,
    rotation::Duty,
    security::{national::NationalSecrets, seal::Vault},
    store::Store,
    vitals::Vitals,
    webhooks::Courier,
};

/// One gateway's hands; cheap to clone through the `Arc` it lives in.
#[derive(Debug)]
pub struct Gateway {
    /// What must not be forgotten.
    pub store: Arc<dyn Store>,
    /// Bytes that came and went.
    pub evidence: Evidence,
    /// Keys of people's data.
    pub vault: Arc<Vault>,
    /// Its part in the change of those keys.
    pub keys: Duty,
    /// Heads of the audit log, witnessed outside the store.
    pub witness: Witness,
    /// The newest send, noted outside the store.
    pub mark: Mark,
    /// Whom we talk to.
    pub banks: Arc<Banks>,
    /// Secrets shared with the national platform, by project.
    pub national: Arc<NationalSecrets>,
    /// The times of an approval.
    pub approval: ApprovalEntry,
    /// Carries notices to those who subscribed.
    pub courier: Courier,
    /// What this process counts.
    pub vitals: Vitals,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Rung when new work was put into the store, so that workers need not wait for their next look.
    pub work: Notify,
}
