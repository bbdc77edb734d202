//! What a bank has told us: one fact for one thing said, kept for ever, never judged here.
//!
//! Adapters turn raw documents into [`Told`]; [`crate::outcome`] folds the facts about one attempt into what became of it.

use crate::money::Fen;
use crate::reason::Reason;

/// What a bank says of one payment. Only [`Paid`](Self::Paid), [`Failed`](Self::Failed) and [`Returned`](Self::Returned) are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Taken in; not yet worked on.
    Accepted,
    /// Being worked on, or waiting for the bank's own approval.
    InProgress,
    /// A code that the profile does not know: it waits and is shown.
    Unknown,
    /// Credited, or debited for good on our side.
    Paid,
    /// Refused; nothing was debited.
    Failed(Reason),
    /// Credited, and sent back later: the money is on the special account again.
    Returned(Reason),
}

impl Verdict {
    /// The name kept in the store.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::InProgress => "in_progress",
            Self::Unknown => "unknown",
            Self::Paid => "paid",
            Self::Failed(_) => "failed",
            Self::Returned(_) => "returned",
        }
    }

    /// The cause, where the verdict has one.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Failed(reason) | Self::Returned(reason) => Some(reason),
            Self::Accepted | Self::InProgress | Self::Unknown | Self::Paid => None,
        }
    }

    /// Reads back what [`Self::code`] and [`Self::reason`] gave.
    pub fn from_parts(code: &str, reason: Option<Reason>) -> Option<Self> {
        match (code, reason) {
            ("accepted", None) => Some(Self::Accepted),
            ("in_progress", None) => Some(Self::InProgress),
            ("unknown", None) => Some(Self::Unknown),
            ("paid", None) => Some(Self::Paid),
            ("failed", Some(reason)) => Some(Self::Failed(reason)),
            ("returned", Some(reason)) => Some(Self::Returned(reason)),
            _ => None,
        }
    }
}

/// The bank's own words, kept raw beside our reading of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankCode {
    /// The code list: the same letters mean different things in different lists (ISO 20022 status reasons and return reasons, say).
    pub list: String,
    /// The code as it came.
    pub code: String,
    /// The text as it came, all of it.
    pub text: String,
}

/// Every handle by which a document may name a payment; a bank may give any of them, or none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ItemRefs {
    /// The instruction's bank key (MsgId, PmtInfId, batch number).
    pub instruction: Option<String>,
    /// The payment's reference (EndToEndId, or InstrId where that is all there is).
    pub reference: Option<String>,
    /// The row number in the instruction.
    pub sequence: Option<u32>,
    /// The payee's account in clear, for a match of last resort: only with instruction and amount, and only when unique.
    pub account: Option<String>,
    /// The bank's own reference.
    pub bank_reference: Option<String>,
}

/// Accounts never reach a log: the derived form would print one.
impl std::fmt::Debug for ItemRefs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemRefs")
            .field("instruction", &self.instruction)
            .field("reference", &self.reference)
            .field("sequence", &self.sequence)
            .field("bank_reference", &self.bank_reference)
            .finish_non_exhaustive()
    }
}

/// One thing said in a bank's document, in the document's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Of one payment.
    Item {
        /// By which handles the bank names it.
        refs: ItemRefs,
        /// What it says.
        verdict: Verdict,
        /// The amount it names, where it names one; a difference from ours is shown and never paid over.
        amount: Option<Fen>,
        /// Its own words.
        bank: BankCode,
    },
    /// Of every payment of an instruction, none being listed (a whole file refused, a whole file in progress).
    Whole {
        /// The instruction's bank key.
        instruction: String,
        /// What it says.
        verdict: Verdict,
        /// Its own words.
        bank: BankCode,
    },
    /// Of the payments of an instruction that this document does not list: their number must add up, or nobody gets the verdict.
    Rest {
        /// The instruction's bank key.
        instruction: String,
        /// What it says.
        verdict: Verdict,
        /// How many the bank says there are.
        count: u64,
        /// Their sum, where the bank gives it.
        total: Option<Fen>,
        /// Its own words.
        bank: BankCode,
    },
    /// Something that cannot be read as one of the above, yet must not be lost: it goes to suspense with its place in the document.
    Parked {
        /// Handles found, if any.
        refs: ItemRefs,
        /// Amount found, if any.
        amount: Option<Fen>,
        /// Why it is parked, and where in the document it stands.
        why: String,
        /// The bank's own words.
        bank: BankCode,
    },
    /// A remark on the document itself (a foreign namespace, a missing element), kept with it.
    Remark(String),
}
