//! What may have left this house: every send by its number, and what follows when a database knows fewer of them than were made (invariant 14).

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Claim, Next, StoreError};

/// For so long after a restore whatever is planned is asked about before it is sent: a sheet that was lost with the database is handed in again in
/// the same or the next pay month.
const ASK_FIRST_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

/// What happened before this moment is out of a restore's reach, in milliseconds.
pub(super) fn within_reach(at: Timestamp) -> i64 {
    at.saturating_sub(ASK_FIRST_FOR)
        .unwrap_or(Timestamp::MIN)
        .as_millisecond()
}

/// A database that went back in time, and what of it is not cleared up yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When it was found.
    pub at: Timestamp,
    /// The highest send that the database knew.
    pub found: i64,
    /// The highest that had been made.
    pub witnessed: i64,
    /// Instructions that the bank must be asked about before they may be sent.
    pub asking: u64,
}

/// Sends and the questions about them.
#[async_trait]
pub trait Sends {
    /// The number of the newest send; 0 where there was none.
    async fn last_send(&self) -> Result<i64, StoreError>;
    /// Makes a database that knows fewer sends than were `witnessed` hold back: whatever it may have sent is asked about first, whatever the bank may have
    /// told since is asked for again, and new sends are numbered from beyond. Nothing happens where it knows them by now.
    async fn went_back(&self, witnessed: i64, at: Timestamp) -> Result<(), StoreError>;
    /// The last time that the database went back in time.
    async fn restored(&self) -> Result<Option<Restored>, StoreError>;
    /// Notes that the bank is about to be asked about an instruction, before it is: a bank that answers five times is not asked a sixth time after a crash.
    async fn record_query(&self, claim: &Claim, instruction: i64) -> Result<(), StoreError>;
    /// The bank has an instruction that this store never sent: it is taken for accepted, with the bytes that it would have been sent with, and what the
    /// bank said of it before is read again.
    async fn record_found(
        &self,
        claim: &Claim,
        instruction: i64,
        bytes: ([u8; 32], u64),
        at: Timestamp,
        next: Next,
    ) -> Result<(), StoreError>;
    /// The bank never had an instruction that had to be asked about first: it may be sent.
    async fn clear_to_send(
        &self,
        claim: &Claim,
        instruction: i64,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
