//! An instruction as it stands, its payments, and what can be recorded to have happened to it.

use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::batch::ContentHash;
use wagegate_domain::fact::BankCode;
use wagegate_domain::plan::{KeyRule, Limits};
use wagegate_domain::reason::Reason;
use wagegate_domain::seating::Part;
use wagegate_domain::{Fen, PayMonth};

use super::{Conflict, SealedRow, StoreError};

/// An instruction with what is needed to build, send and ask about it.
#[derive(Clone, Debug)]
pub struct InstructionView {
    /// Store key.
    pub id: i64,
    /// Batch code.
    pub batch: String,
    /// Project code.
    pub project: String,
    /// Pay month, for the remark.
    pub month: PayMonth,
    /// Part of the batch, from 1.
    pub part: u32,
    /// 1, and one more each time that the same part was planned anew.
    pub generation: u32,
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
    /// Day of payment: the bank's business date when it was planned, or when it could first be sent.
    pub value_date: Date,
    /// The special account.
    pub account: String,
    /// Name on it.
    pub account_name: String,
    /// The content of its rows when the batch was found to be what was released; `None` for one planned before that was kept.
    pub content: Option<ContentHash>,
    /// Hash and size of its bytes, once intent is recorded.
    pub bytes: Option<([u8; 32], u64)>,
    /// When intent was last recorded.
    pub intent_at: Option<Timestamp>,
    /// How often it was sent.
    pub sends: u32,
    /// How often the bank was asked about it.
    pub queries: u32,
    /// Since when the bank must be asked before it is sent, because a database that was lost may have sent it.
    pub ask_first_since: Option<Timestamp>,
    /// Since when it is held, because the bank spoke of another instruction for the same wages.
    pub held_since: Option<Timestamp>,
    /// When two people found that it, which must be asked about first, never arrived.
    pub vouched_at: Option<Timestamp>,
    /// How many of its attempts have no final word.
    pub open: u64,
    /// When a bank first had no record of it, while in doubt.
    pub not_known_since: Option<Timestamp>,
}

/// One payment of an instruction, sealed.
#[derive(Clone, Debug)]
pub struct SealedPayment {
    /// Row number in the instruction.
    pub sequence: u32,
    /// The wage that it pays.
    pub row: SealedRow,
    /// What is paid; the wage's amount, unless somebody went at the database.
    pub amount: Fen,
}

/// How a released batch is split.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// What one instruction may hold.
    pub limits: Limits,
    /// Form of the instructions' keys.
    pub key: KeyRule,
    /// Cards whose bank number begins so are the paying bank's own.
    pub bank_cnaps_prefix: &'a str,
    /// When.
    pub at: Timestamp,
    /// Day of payment: the bank's business date at that time.
    pub value_date: Date,
    /// When the instructions shall be sent: at once, or when their bank opens.
    pub send_at: Timestamp,
    /// The parts that were found when the batch was compared with what was released; the split must come to the same.
    pub parts: &'a [Part],
}

impl Plan<'_> {
    /// The content of a part; one that was not found before is a difference.
    pub(super) fn content_of(&self, number: u32) -> Result<ContentHash, StoreError> {
        let part = self.parts.iter().find(|part| part.number == number);
        Ok(part.ok_or(Conflict::ContentDiffers)?.content.hash)
    }

    /// Whether the parts that came of the split, with their rows and sums, are those found before; gives their number.
    pub(super) fn agreed(
        &self,
        split: impl Iterator<Item = (u32, u64, Fen)>,
    ) -> Result<u32, StoreError> {
        let expected = self.parts.iter();
        let expected = expected.map(|part| (part.number, part.content.rows, part.content.total));
        if split.eq(expected) {
            let number = self.parts.len();
            u32::try_from(number).map_err(|_| StoreError::Broken(format!("{number} parts")))
        } else {
            Err(Conflict::ContentDiffers.into())
        }
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
    /// When it shall be sent because of it.
    pub send_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}
