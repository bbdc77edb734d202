//! What the desk of two people needs beside people's word: whether the bank can still be asked, until when something may be on its way, and the bytes of an
//! instruction that a lost database sent. It decides nothing.

use jiff::{SignedDuration, Timestamp};

use super::{
    StepError,
    build::{BuildError, bytes},
    query::is_exhausted,
    send::SEND_WITHIN,
    wages::released_part,
};
use crate::{
    banks::Bank,
    clock::china_date,
    gateway::Gateway,
    store::{Conflict, DoubtView, Finding, InstructionView, Means, Question, StoreError},
};

/// Whether the bank itself may still say what became of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It is asked, ever more rarely.
    Asked,
    /// It has answered as often or as long as it does.
    NoMore,
    /// It cannot be asked, or is no bank of this gateway any more.
    Unable,
}

impl Asking {
    /// The name shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::NoMore => "no_more",
            Self::Unable => "unable",
        }
    }
}

/// How things stand with the bank.
pub fn asking(gateway: &Gateway, view: &InstructionView) -> Asking {
    match gateway.banks.find(&view.bank) {
        Ok(bank) => asking_of(bank, view, gateway.clock.now()),
        Err(_) => Asking::Unable,
    }
}

fn asking_of(bank: &Bank, view: &InstructionView, now: Timestamp) -> Asking {
    let profile = bank.adapter.profile();
    if profile.paths.query.is_none() {
        Asking::Unable
    } else if is_exhausted(profile.polling, view, now) {
        Asking::NoMore
    } else {
        Asking::Asked
    }
}

/// Until when what left may still turn up at the bank; before then nobody can say that it never arrived.
pub fn under_way_until(gateway: &Gateway, doubt: &DoubtView) -> Option<Timestamp> {
    let view = &doubt.instruction;
    let left_at = match doubt.question()? {
        Question::InDoubt => view.intent_at,
        Question::AskFirst => view.ask_first_since,
        Question::Held => None,
    }?;
    let bank = gateway.banks.find(&view.bank).ok();
    let arrival = bank.and_then(|bank| bank.adapter.profile().arrival);
    let within = arrival.map_or(0, |arrival| arrival.within_s);
    let within = SignedDuration::from_secs(within.into());
    left_at.checked_add(SEND_WITHIN + within).ok()
}

/// What a decision needs.
///
/// # Errors
/// The bank is unknown, or the bytes of what a lost database sent cannot be made again: the wages are not what was released, say.
pub async fn means(
    gateway: &Gateway,
    doubt: &DoubtView,
    finding: Finding,
) -> Result<Means, StepError> {
    let (view, now) = (&doubt.instruction, gateway.clock.now());
    let bank = gateway.banks.find(&view.bank)?;
    let asked = asking_of(bank, view, now) == Asking::Asked;
    Ok(Means {
        key: bank.adapter.profile().key,
        value_date: china_date(now),
        under_way_until: under_way_until(gateway, doubt).unwrap_or(Timestamp::MIN),
        query_at: asked.then_some(now),
        bytes: match (doubt.question(), finding) {
            (Some(Question::AskFirst), Finding::Arrived) => {
                Some(bytes_of(gateway, bank, view).await?)
            }
            (Some(Question::AskFirst), Finding::NotArrived)
            | (Some(Question::InDoubt | Question::Held) | None, _) => None,
        },
    })
}

/// The bytes that it would have been sent with.
async fn bytes_of(
    gateway: &Gateway,
    bank: &Bank,
    view: &InstructionView,
) -> Result<([u8; 32], u64), StepError> {
    let differs = || StoreError::from(Conflict::ContentDiffers);
    let released = released_part(gateway, view).await?;
    let released = released.map_err(|_| differs())?;
    match bytes(gateway, &bank.adapter, view, released).await {
        Ok(made) => Ok((made.hash, made.size)),
        Err(BuildError::ContentDiffers(_)) => Err(differs().into()),
        Err(source) => Err(StepError::Build {
            instruction: view.id,
            source,
        }),
    }
}
