//! Asks a bank what became of an instruction, until every payment in it has a final word.

use jiff::{SignedDuration, Timestamp};
use wagegate_domain::{
    adapter::{Answer, Operation},
    attempt::{Event, State},
    profile::Polling,
};

use super::{
    StepError,
    send::{happening, read_task},
    subject_id,
    talk::{Heard, record_reply, talk},
};
use crate::{
    gateway::Gateway,
    killpoints::{answered, killpoint},
    store::{Claim, Happening, InstructionView, Next, ReadTask},
};

/// Between two queries at most.
const RAREST: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn query(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let view = gateway.store.instruction(subject_id(claim)?).await?;
    let settled = match view.state {
        State::InDoubt => false,
        State::Accepted => view.open == 0,
        State::Planned | State::Sending | State::Refused => true,
    };
    if settled {
        return Ok(gateway.store.finish(claim, Next::Done).await?);
    }
    let bank = gateway.banks.find(&view.bank)?;
    let ask = Operation::Query {
        bank_key: view.bank_key.clone(),
    };
    let heard = talk(gateway, bank, ask, None).await?;
    let polling = bank.adapter.profile().polling;
    let next = Next::Again(next_query(polling, view.planned_at, gateway.clock.now()));
    let origin = (view.bank.as_str(), "query");
    match heard {
        Heard::Answer { answer, reply } => {
            let answer = document_if_refused_late(answer, view.state);
            let raw = record_reply(
                gateway,
                origin,
                Some(view.id),
                reply.as_ref(),
                read_task(&answer),
            );
            let raw = raw.await?.map(|(raw, _)| raw);
            let told = told(gateway, answer, raw);
            killpoint("before_event");
            let state = gateway
                .store
                .record_event(claim, view.id, &told, next)
                .await?;
            answered(|| format!("event {} {}", view.id, state.code()));
            killpoint("after_event");
            if view.state == State::InDoubt && state != State::InDoubt {
                tracing::info!(instruction = view.id, bank = %view.bank, state = state.code(), "the bank was asked and has cleared the doubt");
            }
            tracing::debug!(instruction = view.id, state = state.code(), event = ?told.event, "a bank was asked");
            Ok(())
        }
        Heard::BrokenOff { reply, why } => {
            record_reply(
                gateway,
                origin,
                Some(view.id),
                reply.as_ref(),
                ReadTask::NotWanted,
            )
            .await?;
            unanswered(gateway, claim, &view, &why, next).await
        }
        Heard::Silence { why, .. } => unanswered(gateway, claim, &view, &why, next).await,
        // A bank that cannot be asked reports by itself, or two people find out.
        Heard::Unable => Ok(gateway.store.finish(claim, Next::Done).await?),
    }
}

/// Asking moved no money and no answer came: nothing has changed.
async fn unanswered(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    why: &str,
    next: Next,
) -> Result<(), StepError> {
    tracing::warn!(instruction = view.id, bank = %view.bank, %why, "a bank did not answer a query");
    Ok(gateway.store.finish(claim, next).await?)
}

/// A bank that had accepted may still reject all of it: that is a report about its payments, to be read like any other.
fn document_if_refused_late(answer: Answer, state: State) -> Answer {
    match (answer, state) {
        (Answer::Refused { .. }, State::Accepted) => Answer::Document { next_cursor: None },
        (answer, _) => answer,
    }
}

fn told(gateway: &Gateway, answer: Answer, raw: Option<i64>) -> Happening {
    match answer {
        Answer::Accepted | Answer::InProgress | Answer::Document { .. } => {
            happening(gateway, Event::Known, raw)
        }
        Answer::Refused { reason, bank } if raw.is_some() => Happening {
            refusal: Some((reason, bank)),
            ..happening(gateway, Event::Refused, raw)
        },
        Answer::NotKnown => happening(gateway, Event::NotKnown, raw),
        Answer::Refused { .. } | Answer::Duplicate | Answer::Nothing | Answer::Unclear { .. } => {
            happening(gateway, Event::Unclear, raw)
        }
    }
}

/// Asks often at first and ever more rarely: an eighth of the instruction's age, within the profile's pace and an hour.
fn next_query(polling: Polling, since: Timestamp, now: Timestamp) -> Timestamp {
    let pace = SignedDuration::from_secs(polling.every_s.into());
    let age = now.duration_since(since);
    now + (age / 8).min(RAREST).max(pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_is_asked_ever_more_rarely_but_never_less_than_hourly() {
        let polling = Polling {
            first_after_s: 5,
            every_s: 30,
            collect_every_s: 60,
        };
        let start: Timestamp = "2026-11-02T01:00:00Z".parse().unwrap();
        for (age_s, wait_s) in [
            (0, 30),
            (240, 30),
            (800, 100),
            (7_200, 900),
            (999_999, 3_600),
        ] {
            let now = start + SignedDuration::from_secs(age_s);
            let wait = next_query(polling, start, now).duration_since(now);
            assert_eq!(wait.as_secs(), wait_s, "{age_s}");
        }
    }
}
