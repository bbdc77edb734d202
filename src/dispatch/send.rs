//! Sends one instruction, once: bytes made and checked, intent committed, one request, and what came of it recorded (invariants 7 and 8).

use jiff::{SignedDuration, Timestamp};
use wagegate_domain::{
    adapter::{Answer, Operation},
    attempt::{Event, State},
    fact::BankCode,
    profile::Polling,
    reason::Reason,
    sabotage::{self, Switch},
};

use super::{
    StepError,
    build::{BuildError, bytes},
    plan::hold,
    restored, subject_id,
    talk::{Handed, Heard, record_reply, talk},
    wages::released_part,
    window,
};
use crate::{
    banks::Bank,
    evidence::Kept,
    gateway::Gateway,
    killpoints::{self, killpoint},
    store::{Claim, Happening, InstructionView, Next, ReadTask, StoreError},
    transport::https::BytesLeft,
};

/// All that leaves of a send has left by then, counted from its intent. No call lasts longer (`bank.call_ms`), and a sender that was paused breaks off.
pub const SEND_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How long to wait before trying a bank that could not be reached at all.
const UNREACHABLE: SignedDuration = SignedDuration::from_secs(20);

pub(super) async fn send(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let mut view = gateway.store.instruction(subject_id(claim)?).await?;
    if sabotage::on(Switch::NewKeyPerSend) {
        view.bank_key = format!("{}{}", &view.bank_key[1..], claim.fence % 10);
    }
    let bank = gateway.banks.find(&view.bank)?;
    match view.state {
        // A database that was lost may have sent it: its query task says when it may go. What is held waits for two people.
        State::Planned if view.ask_first_since.is_some() || view.held_since.is_some() => {
            Ok(gateway.store.finish(claim, Next::Done).await?)
        }
        State::Planned => send_planned(gateway, claim, &view, bank).await,
        // Intent without a recorded end: whoever had this task may have sent it. Only the bank can tell (invariant 8).
        State::Sending => {
            let why = "its sender did not come back";
            let happening = in_doubt(gateway, &view, None, gateway.clock.now(), why);
            record(gateway, claim, &view, &happening, Next::Done).await
        }
        // A push may have shown that it arrived before its sender could say so: then nobody has put down a query yet.
        State::InDoubt | State::Accepted => {
            let known = match view.state {
                State::Accepted => Event::Known,
                State::InDoubt | State::Planned | State::Sending | State::Refused => Event::Unclear,
            };
            let asked = Happening {
                query_at: Some(gateway.clock.now()),
                ..happening(gateway, known, None)
            };
            record(gateway, claim, &view, &asked, Next::Done).await
        }
        State::Refused => Ok(gateway.store.finish(claim, Next::Done).await?),
    }
}

async fn send_planned(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    bank: &Bank,
) -> Result<(), StepError> {
    // Before anything is fixed: a bank that is closed is waited for.
    let Some(view) = &window::timely(gateway, claim, view, bank).await? else {
        return Ok(());
    };
    let released = match released_part(gateway, view).await? {
        Ok(released) => released,
        Err(difference) => return hold(gateway, claim, &view.batch, &difference).await,
    };
    let bytes = match bytes(gateway, &bank.adapter, view, released).await {
        Ok(bytes) => bytes,
        Err(BuildError::ContentDiffers(difference)) => {
            let difference = format!("part {}: {difference}", view.part);
            return hold(gateway, claim, &view.batch, &difference).await;
        }
        Err(source) => {
            let instruction = view.id;
            return Err(StepError::Build {
                instruction,
                source,
            });
        }
    };
    let submit = Operation::Submit {
        bank_key: view.bank_key.clone(),
    };
    let intent_at = gateway.clock.now();
    let handed = Handed {
        bytes: &bytes,
        until: intent_at + SEND_WITHIN,
    };
    if sabotage::on(Switch::SendBeforeIntent) {
        talk(gateway, bank, submit.clone(), Some(handed)).await?;
    }
    killpoint("before_intent");
    let number = intend(gateway, claim, view, &bytes, intent_at).await?;
    killpoints::answered(|| format!("intent {} {}", view.id, hex::encode(bytes.hash)));
    killpoint("after_intent");
    if let Err(error) = gateway.mark.note(number).await {
        tracing::error!(instruction = view.id, %error, "a send could not be noted outside the database; nothing left");
        let nothing = happening(gateway, Event::NothingLeft, None);
        let later = Next::Again(gateway.clock.now() + UNREACHABLE);
        return record(gateway, claim, view, &nothing, later).await;
    }
    killpoint("after_mark");
    let heard = talk(gateway, bank, submit, Some(handed)).await?;
    conclude(gateway, claim, view, bank, heard).await
}

/// Commits intent in a database that knows every send there was; gives the number of this one.
async fn intend(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    bytes: &Kept,
    at: Timestamp,
) -> Result<i64, StepError> {
    let content = (bytes.hash, bytes.size);
    let witnessed = gateway.mark.newest();
    let intent = gateway
        .store
        .record_intent(claim, view.id, content, witnessed, at)
        .await;
    match intent {
        Err(error @ StoreError::WentBack { .. }) => Err(restored::found(gateway, error).await),
        intent => Ok(intent?),
    }
}

async fn conclude(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    bank: &Bank,
    heard: Heard,
) -> Result<(), StepError> {
    let polling = bank.adapter.profile().polling;
    let soon = gateway.clock.now() + first_query(polling);
    let keep = async |reply: Option<&Kept>, read| {
        let origin = (view.bank.as_str(), "reply");
        let kept = record_reply(gateway, origin, Some(view.id), reply, read).await?;
        Ok::<_, StepError>(kept.map(|(raw, _)| raw))
    };
    let (happening, next) = match heard {
        Heard::Answer { answer, reply } => {
            let raw = keep(reply.as_ref(), read_task(&answer)).await?;
            (answered(gateway, view, answer, raw, soon), Next::Done)
        }
        Heard::BrokenOff { reply, why } => {
            let raw = keep(reply.as_ref(), ReadTask::NotWanted).await?;
            (in_doubt(gateway, view, raw, soon, &why), Next::Done)
        }
        Heard::Silence {
            left: BytesLeft::Maybe,
            why,
        } => (in_doubt(gateway, view, None, soon, &why), Next::Done),
        Heard::Silence {
            left: BytesLeft::No,
            why,
        } => {
            tracing::warn!(instruction = view.id, bank = %view.bank, %why, "nothing left; the same bytes are sent later");
            let nothing = happening(gateway, Event::NothingLeft, None);
            (nothing, Next::Again(gateway.clock.now() + UNREACHABLE))
        }
        Heard::Unable => {
            tracing::error!(instruction = view.id, bank = %view.bank, "this bank's profile takes no instructions");
            let nothing = happening(gateway, Event::NothingLeft, None);
            (
                nothing,
                Next::Again(gateway.clock.now() + SignedDuration::from_hours(1)),
            )
        }
    };
    record(gateway, claim, view, &happening, next).await
}

fn answered(
    gateway: &Gateway,
    view: &InstructionView,
    answer: Answer,
    raw: Option<i64>,
    soon: Timestamp,
) -> Happening {
    let spoiled = (answer == Answer::Duplicate && sabotage::on(Switch::DuplicateIsRefused))
        || (matches!(answer, Answer::Unclear { .. }) && sabotage::on(Switch::UnclearIsRefused));
    if spoiled && raw.is_some() {
        return Happening {
            refusal: Some((Reason::Format, BankCode::default())),
            ..happening(gateway, Event::Refused, raw)
        };
    }
    match answer {
        Answer::Accepted | Answer::InProgress | Answer::Document { .. } => Happening {
            query_at: (!sabotage::on(Switch::NobodyAsks)).then_some(soon),
            ..happening(gateway, Event::Known, raw)
        },
        // A refusal is a fact about every payment in it, and a fact needs its document.
        Answer::Refused { reason, bank } if raw.is_some() => Happening {
            refusal: Some((reason, bank)),
            ..happening(gateway, Event::Refused, raw)
        },
        Answer::Refused { .. } => in_doubt(gateway, view, raw, soon, "a refusal without words"),
        // Evidence that it arrived, once: ask what became of it (invariant 9).
        Answer::Duplicate => in_doubt(
            gateway,
            view,
            raw,
            soon,
            "the bank says that it came before",
        ),
        Answer::NotKnown | Answer::Nothing => in_doubt(
            gateway,
            view,
            raw,
            soon,
            "an answer that answers something else",
        ),
        Answer::Unclear { why } => in_doubt(gateway, view, raw, soon, &why),
    }
}

/// Answers that are documents about payments are read; the others have been understood by the talk.
pub(super) fn read_task(answer: &Answer) -> ReadTask {
    match answer {
        Answer::Document { .. } => ReadTask::Wanted,
        Answer::Accepted
        | Answer::Refused { .. }
        | Answer::Duplicate
        | Answer::NotKnown
        | Answer::InProgress
        | Answer::Nothing
        | Answer::Unclear { .. } => ReadTask::NotWanted,
    }
}

fn in_doubt(
    gateway: &Gateway,
    view: &InstructionView,
    raw: Option<i64>,
    query_at: Timestamp,
    why: &str,
) -> Happening {
    tracing::warn!(instruction = view.id, bank = %view.bank, %why, "an instruction is in doubt; the bank is asked");
    Happening {
        query_at: Some(query_at),
        ..happening(gateway, Event::Unclear, raw)
    }
}

pub(super) fn happening(gateway: &Gateway, event: Event, raw: Option<i64>) -> Happening {
    Happening {
        event,
        raw,
        refusal: None,
        query_at: None,
        send_at: None,
        at: gateway.clock.now(),
    }
}

async fn record(
    gateway: &Gateway,
    claim: &Claim,
    view: &InstructionView,
    happening: &Happening,
    next: Next,
) -> Result<(), StepError> {
    killpoint("before_event");
    let state = gateway
        .store
        .record_event(claim, view.id, happening, next)
        .await?;
    killpoints::answered(|| format!("event {} {}", view.id, state.code()));
    killpoint("after_event");
    tracing::info!(instruction = view.id, bank = %view.bank, state = state.code(), "an instruction moved on");
    Ok(())
}

fn first_query(polling: Polling) -> SignedDuration {
    SignedDuration::from_secs(polling.first_after_s.into())
}
