//! A database that went back in time: found out by the mark outside it, before anything is sent.

use super::StepError;
use crate::{gateway::Gateway, store::StoreError};

/// Compares the database with the mark, and has it hold back whatever it may have sent where it knows less.
///
/// # Errors
/// The database does not answer; then nothing may be sent.
pub async fn check(gateway: &Gateway) -> Result<(), StoreError> {
    let witnessed = gateway.mark.newest();
    let found = gateway.store.last_send().await?;
    if found >= witnessed {
        return Ok(());
    }
    tracing::error!(
        found,
        witnessed,
        "the database went back in time: it knows sends up to the one and the other was made; whatever it may have sent is asked about first"
    );
    gateway
        .store
        .went_back(witnessed, gateway.clock.now())
        .await
}

/// The same in the middle of work: the step is given up, and whatever it was about is asked about before it is taken up again.
pub(super) async fn found(gateway: &Gateway, error: StoreError) -> StepError {
    match check(gateway).await {
        Ok(()) => error.into(),
        Err(second) => second.into(),
    }
}
