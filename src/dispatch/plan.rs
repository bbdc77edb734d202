//! Splits a released batch into instructions by its bank's limits, after every row of it was found to be what was released (invariant 5).

use crate::{
    gateway::Gateway,
    killpoints::{answered, killpoint},
    store::{BatchView, Claim, Conflict, Plan, StoreError},
};

use super::{StepError, wages, window};

pub(super) async fn plan(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let batch = gateway.store.batch(&claim.subject).await?;
    let found = wages::seat(gateway, &batch).await?;
    let difference = wages::difference(gateway, &batch, &found).await?;
    let (Ok(seated), None) = (found, &difference) else {
        return hold(gateway, claim, &batch.code, &difference.unwrap_or_default()).await;
    };
    let bank = gateway.banks.find(&batch.bank)?;
    let profile = bank.adapter.profile();
    let now = gateway.clock.now();
    let plan = Plan {
        limits: profile.limits,
        key: profile.key,
        bank_cnaps_prefix: profile.own_cnaps_prefix(),
        at: now,
        value_date: window::value_date(gateway, bank, now),
        send_at: window::opening(gateway, bank, now).unwrap_or(now),
        parts: &seated.parts,
    };
    killpoint("before_plan");
    match gateway.store.plan_batch(claim, &plan).await {
        Err(StoreError::Conflict(Conflict::ContentDiffers)) => {
            let difference = "it came to other parts when it was split than when it was read";
            hold(gateway, claim, &batch.code, difference).await
        }
        Err(error) => Err(error.into()),
        Ok(parts) => {
            let BatchView { code, .. } = batch;
            answered(|| format!("plan {code} {parts}"));
            killpoint("after_plan");
            tracing::info!(batch = %code, parts, "a batch was split into instructions");
            Ok(())
        }
    }
}

/// Nothing more of the batch is sent. The task is done: only people can say what happened to the database.
pub(super) async fn hold(
    gateway: &Gateway,
    claim: &Claim,
    batch: &str,
    difference: &str,
) -> Result<(), StepError> {
    tracing::error!(
        batch,
        difference,
        "a batch is not what was released; nothing more of it is sent"
    );
    let now = gateway.clock.now();
    Ok(gateway
        .store
        .hold_differing(claim, batch, difference, now)
        .await?)
}
