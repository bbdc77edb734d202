//! Looks for money that came back: asks each bank for what is newer than the last look.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::task::spawn_blocking;
use wagegate_domain::{
    adapter::{Answer, DecodeError, Operation},
    sabotage::{self, Switch},
};

use super::{
    StepError,
    talk::{Heard, record_reply, talk},
};
use crate::{
    banks::Bank,
    evidence::Kept,
    gateway::Gateway,
    killpoints::{answered, killpoint},
    store::{Claim, Next, ReadTask, Recorded},
};

pub(super) async fn collect(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let bank = gateway.banks.find(&claim.subject)?;
    let after = gateway.store.cursor(&claim.subject).await?;
    let look = Operation::Collect {
        after: after.clone(),
    };
    let heard = talk(gateway, bank, look, None).await?;
    let now = gateway.clock.now();
    let pace = SignedDuration::from_secs(bank.adapter.profile().polling.collect_every_s.into());
    let later = Next::Again(now + pace);
    let origin = (claim.subject.as_str(), "collect");
    match heard {
        Heard::Answer {
            answer: Answer::Document { next_cursor },
            reply: Some(reply),
        } => {
            if let (true, Some(cursor)) = (sabotage::on(Switch::CursorBeforeDocument), &next_cursor)
            {
                let next = Next::Again(now);
                gateway
                    .store
                    .move_cursor(claim, &claim.subject, cursor, next)
                    .await?;
            }
            // Written down first: a crash before the cursor moves brings the same bytes again, which change nothing.
            let wanted = ReadTask::Wanted;
            let recorded = record_reply(gateway, origin, None, Some(&reply), wanted).await?;
            let seen = recorded.is_some_and(|(_, recorded)| recorded == Recorded::Seen);
            match next_cursor.filter(|cursor| *cursor != after) {
                // A document that breaks off is asked for again; broken alike a second time it is the bank's own fault, waits in suspense,
                // and must not stand before all that came back after it.
                Some(cursor) if is_whole(gateway, bank, &reply).await? || seen => {
                    let at_once = Next::Again(now);
                    killpoint("before_cursor");
                    gateway
                        .store
                        .move_cursor(claim, &claim.subject, &cursor, at_once)
                        .await?;
                    answered(|| format!("cursor {} {cursor}", claim.subject));
                    killpoint("after_cursor");
                }
                Some(_) | None => gateway.store.finish(claim, later).await?,
            }
        }
        Heard::Unable => gateway.store.finish(claim, Next::Done).await?,
        Heard::Answer {
            answer: Answer::Nothing,
            ..
        } => gateway.store.finish(claim, later).await?,
        Heard::Answer { reply, answer } => {
            let why = format!("{answer:?}");
            unusable(gateway, claim, reply.as_ref(), &why, later).await?;
        }
        Heard::BrokenOff { reply, why } => {
            unusable(gateway, claim, reply.as_ref(), &why, later).await?;
        }
        Heard::Silence { why, .. } => unusable(gateway, claim, None, &why, later).await?,
    }
    Ok(())
}

/// Keeps what came, and looks again later.
async fn unusable(
    gateway: &Gateway,
    claim: &Claim,
    reply: Option<&Kept>,
    why: &str,
    later: Next,
) -> Result<(), StepError> {
    tracing::warn!(bank = %claim.subject, why, "a look for returns brought nothing usable");
    let origin = (claim.subject.as_str(), "collect");
    record_reply(gateway, origin, None, reply, ReadTask::NotWanted).await?;
    Ok(gateway.store.finish(claim, later).await?)
}

/// Reads a document to its end without taking anything from it.
async fn is_whole(gateway: &Gateway, bank: &Bank, reply: &Kept) -> Result<bool, StepError> {
    if sabotage::on(Switch::HalfIsWhole) {
        return Ok(true);
    }
    let mut input = gateway.evidence.open_reader(reply.hash).await?;
    let adapter = Arc::clone(&bank.adapter);
    match spawn_blocking(move || adapter.decode(None, &mut input, &mut drop)).await? {
        Ok(()) => Ok(true),
        Err(DecodeError::Io(error)) => Err(StepError::Reading(error)),
        Err(error @ DecodeError::Malformed { .. }) => {
            tracing::warn!(%error, "what a bank gave for a look at returns breaks off");
            Ok(false)
        }
    }
}
