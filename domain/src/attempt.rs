//! The life of an instruction and of the attempts in it: what may follow what.
//!
//! An attempt is one wage item in one instruction; it has no life of its own before the bank's facts ([`crate::outcome`]), so the
//! states here are the instruction's. There is no arrow from [`State::InDoubt`] to [`State::Sending`] (invariant 8): the one road between them leads
//! through the bank's own final word that it has nothing, and only at a bank that pays nothing twice under one key.

use crate::outcome::{Outcome, Place};

/// What an instruction awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Its rows are fixed; it awaits its turn to be sent.
    Planned,
    /// Intent is committed with bytes and hash: a byte may have left at any moment since.
    Sending,
    /// The bank may or may not have it: awaits the bank's answer to a query, or two people.
    InDoubt,
    /// The bank has it: awaits its results.
    Accepted,
    /// The bank refused it whole, or two people found that it never arrived: its attempts have ended.
    Refused,
}

/// What can happen to an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Intent was committed.
    Intent,
    /// No byte left this house, provably: no connection, or a certificate refused before the request.
    NothingLeft,
    /// Time-out, reset, nonsense, 5xx, a lease that ran out, or "duplicate": it may be there.
    Unclear,
    /// The bank has no record of it, now. Not yet proof: it may still be on its way.
    NotKnown,
    /// The bank has no record of it after all that left us must have turned up, and refuses a second one under the same key
    /// ([`crate::profile::Arrival`]): the same bytes may go again.
    NeverArrived,
    /// The bank has what this store never sent: the store went back in time, or another one sent it.
    Found,
    /// The bank says that it has it, or reports on its payments.
    Known,
    /// The bank refused it whole with an explicit code.
    Refused,
    /// Two people decided, on evidence, that it never arrived.
    DecidedNotArrived,
    /// Two people decided, on evidence, that the bank has it.
    DecidedArrived,
}

/// An event that must not happen in a state: nothing is changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to an instruction that is {state:?}")]
pub struct Forbidden {
    /// Where it stood.
    pub state: State,
    /// What was claimed to have happened.
    pub event: Event,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Planned,
        Self::Sending,
        Self::InDoubt,
        Self::Accepted,
        Self::Refused,
    ];

    /// What the event makes of it. The whole protocol is this table.
    pub fn on(self, event: Event) -> Result<Self, Forbidden> {
        match (self, event) {
            (Self::Planned, Event::Intent) => Ok(Self::Sending),
            (Self::Sending, Event::NothingLeft) | (Self::InDoubt, Event::NeverArrived) => {
                Ok(Self::Planned)
            }
            (Self::Sending | Self::InDoubt, Event::Unclear) | (Self::InDoubt, Event::NotKnown) => {
                Ok(Self::InDoubt)
            }
            (Self::Sending | Self::InDoubt | Self::Accepted, Event::Known)
            | (Self::Planned | Self::Sending | Self::InDoubt | Self::Accepted, Event::Found)
            | (Self::InDoubt, Event::DecidedArrived)
            // A bank that reports while our own call is still under way has it, whatever that call then brings: a refusal is told of its
            // payments, and the fold shows where it contradicts.
            | (
                Self::Accepted,
                Event::Unclear
                | Event::NotKnown
                | Event::NeverArrived
                | Event::NothingLeft
                | Event::Refused,
            ) => Ok(Self::Accepted),
            (Self::Sending | Self::InDoubt | Self::Refused, Event::Refused)
            | (Self::InDoubt, Event::DecidedNotArrived) => Ok(Self::Refused),
            (
                Self::Planned,
                Event::NothingLeft
                | Event::Unclear
                | Event::NotKnown
                | Event::NeverArrived
                | Event::Known
                | Event::Refused
                | Event::DecidedNotArrived
                | Event::DecidedArrived,
            )
            | (
                Self::Sending,
                Event::Intent
                | Event::NotKnown
                | Event::NeverArrived
                | Event::DecidedNotArrived
                | Event::DecidedArrived,
            )
            | (Self::InDoubt, Event::Intent | Event::NothingLeft)
            | (
                Self::Accepted,
                Event::Intent | Event::DecidedNotArrived | Event::DecidedArrived,
            )
            | (
                Self::Refused,
                Event::Intent
                | Event::NothingLeft
                | Event::Unclear
                | Event::NotKnown
                | Event::NeverArrived
                | Event::Known
                | Event::Found
                | Event::DecidedNotArrived
                | Event::DecidedArrived,
            ) => Err(Forbidden { state: self, event }),
        }
    }

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::InDoubt => "in_doubt",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Where a wage item stands whose latest attempt is in this instruction.
    ///
    /// A refused instruction's attempts carry failed facts, so [`Outcome::Open`] there means that the facts are still being written: in doubt.
    pub const fn place(self, outcome: Outcome) -> Place {
        match (outcome, self) {
            (Outcome::Paid, _) => Place::Paid,
            (Outcome::Failed(_), _) => Place::Failed,
            (Outcome::Returned(_), _) => Place::Returned,
            (Outcome::Contradicted, _) | (Outcome::Open, Self::InDoubt | Self::Refused) => {
                Place::InDoubt
            }
            (Outcome::Open, Self::Planned | Self::Sending | Self::Accepted) => Place::InFlight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 10] = [
        Event::Intent,
        Event::NothingLeft,
        Event::Unclear,
        Event::NotKnown,
        Event::NeverArrived,
        Event::Found,
        Event::Known,
        Event::Refused,
        Event::DecidedNotArrived,
        Event::DecidedArrived,
    ];

    /// Every state that these events lead to from one in doubt.
    fn reached(events: &[Event]) -> Vec<State> {
        let mut reached = vec![State::InDoubt];
        let mut next = 0;
        while next < reached.len() {
            for event in events {
                if let Ok(state) = reached[next].on(*event)
                    && !reached.contains(&state)
                {
                    reached.push(state);
                }
            }
            next += 1;
        }
        reached
    }

    #[test]
    fn no_road_leads_from_in_doubt_back_to_sending_without_the_banks_last_word() {
        let without: Vec<Event> = EVENTS
            .into_iter()
            .filter(|event| *event != Event::NeverArrived)
            .collect();
        let reached = reached(&without);
        assert!(
            !reached.contains(&State::Sending) && !reached.contains(&State::Planned),
            "{reached:?}"
        );
    }

    #[test]
    fn no_event_sends_what_is_in_doubt() {
        for event in EVENTS {
            assert_ne!(State::InDoubt.on(event).ok(), Some(State::Sending));
        }
    }

    #[test]
    fn what_may_follow_what_is_this_table() {
        use Event::{
            DecidedArrived, DecidedNotArrived, Found, Intent, Known, NeverArrived, NotKnown,
            NothingLeft, Refused, Unclear,
        };
        for (state, event, expected) in [
            (State::Planned, Intent, Some(State::Sending)),
            (State::Planned, Known, None),
            (State::Planned, Found, Some(State::Accepted)),
            (State::Planned, NeverArrived, None),
            (State::InDoubt, NeverArrived, Some(State::Planned)),
            (State::InDoubt, DecidedArrived, Some(State::Accepted)),
            (State::Sending, NeverArrived, None),
            (State::Accepted, NeverArrived, Some(State::Accepted)),
            (State::Accepted, DecidedArrived, None),
            (State::Refused, NeverArrived, None),
            (State::Refused, Found, None),
            (State::Sending, Known, Some(State::Accepted)),
            (State::Sending, Refused, Some(State::Refused)),
            (State::Sending, Unclear, Some(State::InDoubt)),
            (State::Sending, NothingLeft, Some(State::Planned)),
            (State::Sending, Intent, None),
            (State::Sending, NotKnown, None),
            (State::InDoubt, NotKnown, Some(State::InDoubt)),
            (State::InDoubt, NothingLeft, None),
            (State::InDoubt, Known, Some(State::Accepted)),
            (State::InDoubt, DecidedNotArrived, Some(State::Refused)),
            (State::Accepted, Unclear, Some(State::Accepted)),
            (State::Accepted, DecidedNotArrived, None),
            (State::Accepted, Refused, Some(State::Accepted)),
            (State::Accepted, NothingLeft, Some(State::Accepted)),
            (State::Accepted, Intent, None),
            (State::Refused, Known, None),
        ] {
            assert_eq!(state.on(event).ok(), expected, "{state:?} {event:?}");
        }
    }
}
