//! An instruction as it stands, its payments, and what can be recorded to have happened to it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::BankCode;
use wagegate_domain::reason::Reason;
use wagegate_domain::{Fen, PayMonth};

/// An instruction with what is needed to build, send and ask about it.
#[derive(Clone, Debug)]
pub struct InstructionView {
    /// Store key.
    pub id: i64,
    /// Batch code.
    pub batch: String,
    /// Pay month, for the remark.
    pub month: PayMonth,
    /// Part of the batch, from 1.
    pub part: u32,
    /// Bank code.
    pub bank: String,
    /// The key under which the bank knows it.
    pub bank_key: String,
    /// Where it stands.
    pub state: State,
    /// Rows.
    pub rows: u32,
    /// Their sum.
    pub total: Fen,
    /// When it was planned: the time in its bytes.
    pub planned_at: Timestamp,
    /// Day of payment.
    pub value_date: Date,
    /// The special account.
    pub account: String,
    /// Name on it.
    pub account_name: String,
    /// Hash and size of its bytes, once intent is recorded.
    pub bytes: Option<([u8; 32], u64)>,
    /// How many of its attempts have no final word.
    pub open: u64,
    /// When a bank first had no record of it, while in doubt.
    pub not_known_since: Option<Timestamp>,
}

/// One payment of an instruction, sealed.
#[derive(Clone)]
pub struct SealedPayment {
    /// Row number in the instruction.
    pub sequence: u32,
    /// Blind index that the binding was sealed under.
    pub binding_blind: [u8; 16],
    /// Name and account, sealed.
    pub binding_sealed: Vec<u8>,
    /// Payee bank's number.
    pub cnaps: Option<String>,
    /// What is paid.
    pub amount: Fen,
}

impl fmt::Debug for SealedPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPayment")
            .field("sequence", &self.sequence)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// What happened to an instruction, with what follows from it.
#[derive(Clone, Debug)]
pub struct Happening {
    /// The event.
    pub event: Event,
    /// The raw reply that shows it.
    pub raw: Option<i64>,
    /// For a refusal: our reason and the bank's own words.
    pub refusal: Option<(Reason, BankCode)>,
    /// When a query shall be due because of it.
    pub query_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}
