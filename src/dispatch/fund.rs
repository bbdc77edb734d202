//! Looks whether the money has come that a released batch waits for; with it, the batch goes on by itself.

use crate::{
    gateway::Gateway,
    store::{Claim, Funding},
};

use super::StepError;

pub(super) async fn fund(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let now = gateway.clock.now();
    // As after a release: so long it can be taken back.
    let plan_at = gateway.approval.plan_at(now);
    let batch = &claim.subject;
    match gateway.store.fund_batch(claim, plan_at, now).await? {
        Funding::Funded => tracing::info!(batch, "the money has come; the batch goes on"),
        Funding::Short(missing) => {
            tracing::info!(batch, %missing, "a released batch waits for money");
        }
        Funding::NotWaiting => tracing::info!(batch, "nothing waits for money any more"),
    }
    Ok(())
}
