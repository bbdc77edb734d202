//! Looks for money that came back: asks each bank for what is newer than the last look.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::task::spawn_blocking;
use wagegate_domain::adapter::{Answer, DecodeError, Operation};

use super::{
    StepError,
    talk::{Heard, record_reply, talk},
};
use crate::{
    banks::Bank,
    evidence::Kept,
    gateway::Gateway,
    store::{Claim, Next, ReadTask},
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
    match heard {
        Heard::Answer {
            answer: Answer::Document { next_cursor },
            reply: Some(reply),
        } => {
            // Written down first: a crash before the cursor moves brings the same bytes again, which change nothing.
            record_reply(
                gateway,
                &claim.subject,
                "collect",
                None,
                &reply,
                ReadTask::Wanted,
            )
            .await?;
            let moved = next_cursor.filter(|cursor| *cursor != after);
            match moved {
                Some(cursor) if is_whole(gateway, bank, &reply).await? => {
                    let at_once = Next::Again(now);
                    gateway
                        .store
                        .move_cursor(claim, &claim.subject, &cursor, at_once)
                        .await?;
                }
                // What stands in a document that breaks off is read all the same, and the bank is asked for it again.
                Some(_) | None => gateway.store.finish(claim, later).await?,
            }
        }
        Heard::Unable => gateway.store.finish(claim, Next::Done).await?,
        Heard::Answer {
            answer: Answer::Nothing,
            ..
        } => gateway.store.finish(claim, later).await?,
        odd @ (Heard::Answer { .. } | Heard::BrokenOff { .. } | Heard::Silence { .. }) => {
            tracing::warn!(bank = %claim.subject, heard = ?odd, "a look for returns brought nothing usable");
            gateway.store.finish(claim, later).await?;
        }
    }
    Ok(())
}

/// Reads a document to its end without taking anything from it.
async fn is_whole(gateway: &Gateway, bank: &Bank, reply: &Kept) -> Result<bool, StepError> {
    let mut input = gateway.evidence.reader(&reply.hash)?;
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
