//! The money of a release: what it waits for where the special account holds too little, and what becomes of the wait.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wagegate_domain::Fen;
use wagegate_domain::batch::BatchState;
use wagegate_domain::ledger::left_over;

use super::columns::Columns;
use super::{BatchView, StoreError};

/// How often a batch that waits for money is looked at where nothing told of any: every road by which money comes wakes it at once, and this
/// is the net below them.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// A released batch that waits for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// When its release fell short.
    pub since: Timestamp,
    /// What the special account has free now.
    pub free: Fen,
}

/// Batches that wait for money on one special account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub batches: u64,
    /// What they owe together.
    pub owed: Fen,
    /// When the release of the first of them fell short.
    pub since: Timestamp,
}

/// What a try to fund a batch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
    /// The sum is reserved, and its plan is due.
    Funded,
    /// The account still lacks so much for it.
    Short(Fen),
    /// It does not wait for money any more.
    NotWaiting,
}

/// What an account lacks for a batch, after those that were released before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    pub(super) missing: Fen,
    pub(super) available: Fen,
}

impl Lack {
    /// `None` where the account covers it.
    pub(super) fn of(
        wanted: Fen,
        free: Fen,
        before: impl IntoIterator<Item = Fen>,
    ) -> Result<Option<Self>, StoreError> {
        let available = left_over(free, before);
        let missing = wanted.checked_sub(available).ok_or_else(|| {
            StoreError::Broken("what the special account lacks passes 64 bits".into())
        })?;
        Ok(missing.is_positive().then_some(Self { missing, available }))
    }

    /// What is kept with the release that it stood against.
    pub(super) fn words(self) -> String {
        let missing = self.missing;
        format!("专户差 {missing} 元 the special account lacks {missing} yuan")
    }
}

impl Shortage {
    /// From the columns `short_since` and `free_fen`.
    pub(super) fn read(row: &impl Columns) -> Result<Option<Self>, StoreError> {
        let free = row.fen("free_fen")?;
        let since = row.maybe_moment("short_since")?;
        Ok(since.map(|since| Self { since, free }))
    }
}

impl Waiting {
    /// From the columns `waiting_count`, `waiting_fen` and `waiting_since`.
    pub(super) fn read(row: &impl Columns) -> Result<Option<Self>, StoreError> {
        let Some(since) = row.maybe_moment("waiting_since")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            batches: row.number("waiting_count")?,
            owed: row.fen("waiting_fen")?,
            since,
        }))
    }

    /// What is missing for all of them, with so much free; nought in the moment between money and release.
    pub fn missing(&self, free: Fen) -> Fen {
        let missing = self.owed.get().saturating_sub(free.get());
        Fen::new(missing.max(0))
    }
}

impl BatchView {
    /// True while its sum is reserved on the special account.
    pub(super) const fn holds_funds(&self) -> bool {
        self.state.is_released() && self.shortage.is_none()
    }

    /// What is reserved for it.
    pub(super) fn reserved(&self) -> Result<Fen, StoreError> {
        if self.holds_funds() {
            self.owed()
        } else {
            Ok(Fen::ZERO)
        }
    }

    /// What the special account lacks for it alone, while it waits for money; nought where the money is there and it goes on in a moment.
    pub fn missing(&self) -> Option<Fen> {
        let shortage = self.shortage?;
        let owed = self.owed().unwrap_or(self.total);
        let missing = owed.get().saturating_sub(shortage.free.get());
        Some(Fen::new(missing.max(0)))
    }

    /// What is kept of its wait when it comes to a state.
    pub(super) fn short_since(&self, next: BatchState, at: Timestamp) -> Option<Timestamp> {
        match next {
            BatchState::AwaitingFunds => Some(at),
            BatchState::ContentDiffers => self.shortage.map(|shortage| shortage.since),
            BatchState::AwaitingReview
            | BatchState::AwaitingRelease
            | BatchState::Released
            | BatchState::Planned
            | BatchState::Refused
            | BatchState::Withdrawn
            | BatchState::Expired => None,
        }
    }
}

/// Batches whose moves of balance and reservations left their account with more that is free.
pub(super) fn freed(by_batch: &BTreeMap<i64, (Fen, Fen)>) -> Vec<i64> {
    let more = |(balance, reserved): &(Fen, Fen)| balance > reserved;
    by_batch
        .iter()
        .filter(|(_, moved)| more(moved))
        .map(|(batch, _)| *batch)
        .collect()
}

/// When a batch that waits for money is looked at again of itself.
pub(super) fn next_look(at: Timestamp) -> Timestamp {
    at.saturating_add(LOOK_EVERY).unwrap_or(Timestamp::MAX)
}
