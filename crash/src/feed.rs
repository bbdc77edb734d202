//! New work: one sheet after another is submitted, reviewed and released by three people. Each step may be the last of its life, so each looks first.

use bytes::Bytes;
use futures_util::stream;
use std::collections::BTreeSet;
use wagegate::{
    gateway::Gateway,
    intake::{Desk, Submission, submit},
    killpoints::answered,
    store::{BatchView, Decision, Says, Within},
};
use wagegate_domain::batch::BatchState;

use crate::{Failure, wages::Sheet};

/// Takes a sheet as far as its release, from wherever an earlier life left it.
pub(crate) async fn release(gateway: &Gateway, sheet: Sheet) -> Result<(), Failure> {
    let mut batch = match found(gateway, sheet).await? {
        Some(batch) => batch,
        None => submitted(gateway, sheet).await?,
    };
    let content = batch.content;
    if batch.state == BatchState::AwaitingReview {
        batch = decide(gateway, &batch, "reviewer", Says::Review { content }).await?;
    }
    if batch.state == BatchState::AwaitingRelease {
        let plan_at = gateway.clock.now();
        let says = Says::Release { content, plan_at };
        decide(gateway, &batch, "approver", says).await?;
    }
    Ok(())
}

async fn found(gateway: &Gateway, sheet: Sheet) -> Result<Option<BatchView>, Failure> {
    let within = Within::Projects(BTreeSet::from([sheet.project()]));
    let month = Some(sheet.month()?);
    let mut page = gateway.store.batch_page(&within, month, None, 10).await?;
    Ok(page.pop())
}

async fn submitted(gateway: &Gateway, sheet: Sheet) -> Result<BatchView, Failure> {
    let upload = stream::iter([Ok(Bytes::from(sheet.text()))]);
    let submission = Submission::plain(&sheet.project(), sheet.month()?, "wagegate://user/clerk");
    let submitted = submit(&Desk::of(gateway), Box::pin(upload), &submission).await?;
    Ok(submitted.batch)
}

async fn decide(
    gateway: &Gateway,
    batch: &BatchView,
    who: &str,
    says: Says,
) -> Result<BatchView, Failure> {
    let decision = Decision {
        batch: batch.code.clone(),
        says,
        by: format!("wagegate://user/{who}"),
        at: gateway.clock.now(),
    };
    gateway.store.decide(&decision).await?;
    answered(|| format!("{who} {}", batch.code));
    Ok(gateway.store.batch(&batch.code).await?)
}
