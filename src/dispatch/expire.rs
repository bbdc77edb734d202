//! Ends batches that nobody released in time, so that their workers can be on another sheet.

use crate::{gateway::Gateway, store::Claim};

use super::StepError;

pub(super) async fn expire(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let now = gateway.clock.now();
    let state = gateway.store.expire_batch(claim, now).await?;
    tracing::info!(batch = %claim.subject, state = state.code(), "the time for a release was looked at");
    Ok(())
}
