//! Splits an approved batch into instructions by its bank's limits.

use crate::{clock::china_date, gateway::Gateway, store::Claim};

use super::StepError;

pub(super) async fn plan(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let batch = gateway.store.batch(&claim.subject).await?;
    let bank = gateway.banks.find(&batch.bank)?;
    let profile = bank.adapter.profile();
    let now = gateway.clock.now();
    let parts = gateway
        .store
        .plan_batch(
            claim,
            profile.limits,
            profile.key,
            profile.own_cnaps_prefix(),
            now,
            china_date(now),
        )
        .await?;
    tracing::info!(batch = %batch.code, parts, "a batch was split into instructions");
    Ok(())
}
