//! The contract of a bank format family: instructions to bytes, bytes to facts, and the talk around them. No I/O, no clock.
//!
//! Six methods, none with a default: what a bank cannot do is absent from its profile. Both directions stream; an adapter never holds
//! the rows of an instruction or of a return.

use std::io::{BufRead, Write};

use jiff::civil::{Date, DateTime};

use crate::fact::{BankCode, Told};
use crate::ids::{BankAccount, Cnaps, PersonName};
use crate::money::Fen;
use crate::profile::BankProfile;
use crate::reason::Reason;

/// What stands over the payments of one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The key under which the bank knows it.
    pub bank_key: String,
    /// When it was made, China time: an argument, so that the same order gives the same bytes.
    pub created: DateTime,
    /// The day on which the bank shall pay.
    pub value_date: Date,
    /// The special wage account, and the name on it.
    pub account: BankAccount,
    /// Account name; longer than a person's.
    pub account_name: String,
    /// Number of payments; the payments must agree.
    pub count: u32,
    /// Their sum; the payments must agree.
    pub total: Fen,
}

/// One wage to pay, in clear: the only form that reaches a bank file (invariant 18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Row number in the instruction, from 1.
    pub sequence: u32,
    /// The payment's own reference ([`crate::plan::reference`]).
    pub reference: String,
    /// Name on the payee's account.
    pub name: PersonName,
    /// The payee's account.
    pub account: BankAccount,
    /// The payee bank's number, where known.
    pub cnaps: Option<Cnaps>,
    /// What is paid.
    pub amount: Fen,
    /// What the worker reads on the statement, such as `2026-10工资`.
    pub remark: String,
}

/// Bytes could not be made; none of what was written may be sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A text does not fit the bank's field.
    #[error("payment {sequence}: {field} does not fit this bank: {why}")]
    Unfit {
        /// Row number in the instruction.
        sequence: u32,
        /// Which field.
        field: &'static str,
        /// What is wrong, without the text itself.
        why: String,
    },
    /// The payments do not add up to the order.
    #[error(
        "the order says {expected_count} payments of {expected_total} yuan, but {count} of {total} came"
    )]
    Totals {
        /// What the order says.
        expected_count: u32,
        /// What the order says.
        expected_total: Fen,
        /// What came.
        count: u32,
        /// What came.
        total: Fen,
    },
    /// The writer failed.
    #[error("writing the instruction failed")]
    Io(#[from] std::io::Error),
}

/// Bytes could not be read to their end; what was told before stays told.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not a document of this family, or broken beyond `place`.
    #[error("{place}: {why}")]
    Malformed {
        /// Line, byte or element.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The reader failed.
    #[error("reading the document failed")]
    Io(#[from] std::io::Error),
}

/// What one payment of a built instruction says when it is read back, to be compared with the batch before it may be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// Row number in the instruction.
    pub sequence: u32,
    /// Payee's account as it stands in the bytes.
    pub account: String,
    /// Payee's name as it stands in the bytes.
    pub name: String,
    /// What is paid.
    pub amount: Fen,
}

/// People never reach a log: the derived form would print one.
impl std::fmt::Debug for ReadBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadBack")
            .field("sequence", &self.sequence)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// What a built instruction says of itself when it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBackOrder {
    /// Its key.
    pub bank_key: String,
    /// The account that pays.
    pub account: String,
    /// The number of payments that it states.
    pub count: u64,
    /// The sum that it states.
    pub total: Fen,
}

/// What the gateway wants of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Hand in an instruction; the body is the stored bytes.
    Submit {
        /// The instruction's key.
        bank_key: String,
    },
    /// Ask what became of an instruction.
    Query {
        /// The instruction's key.
        bank_key: String,
        /// The first day on which the bank may have taken it, by either side's clock; told where the profile's path has a place for it.
        from: Date,
        /// The last such day.
        to: Date,
    },
    /// Ask for returns newer than the cursor.
    Collect {
        /// Where the last look ended; `0` at first.
        after: String,
    },
}

/// A request to a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// Path and query, relative to the bank's base address.
    pub path: String,
    /// Media type of the body.
    pub content_type: &'static str,
}

/// The only two methods that banks use. A [`Method::Post`] carries the instruction's stored bytes, a [`Method::Get`] nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Ask.
    Get,
    /// Hand in.
    Post,
}

/// The bank's reply, as far as the talk needs it; the whole body is in the evidence store by now (invariant 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// The cursor for the next look, where the bank gave one.
    pub next_cursor: Option<&'a str>,
    /// The first bytes of the body, up to 64 KiB.
    pub head: &'a [u8],
}

/// The next move of a talk. A bank that needs several rounds gives several `Send`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, then resume with the reply.
    Send {
        /// What to send.
        request: Request,
        /// The talk, held until the reply comes.
        held: Held,
    },
    /// The talk is over.
    Done(Answer),
}

/// A talk that waits for a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is about.
    pub operation: Operation,
    /// Which round it is in, from 1.
    pub round: u8,
}

/// What a talk ended with. Nothing here pays anybody: only documents do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The bank has the instruction.
    Accepted,
    /// The bank refused the whole instruction with an explicit code; nothing of it will be paid.
    Refused {
        /// Our reading of the code.
        reason: Reason,
        /// The bank's words.
        bank: BankCode,
    },
    /// The bank saw this key before: evidence that it arrived (invariant 9).
    Duplicate,
    /// The bank has no record of this key, now.
    NotKnown,
    /// The bank is at work on it.
    InProgress,
    /// The body is a document about what was asked: decode it. It proves that the bank has the instruction.
    Document {
        /// The cursor for the next look, after a [`Operation::Collect`].
        next_cursor: Option<String>,
    },
    /// Nothing new, after a [`Operation::Collect`].
    Nothing,
    /// Nothing that can be relied on: a 5xx, a body that is not the bank's, a reply about something else.
    Unclear {
        /// What was odd.
        why: String,
    },
}

/// A bank format family, with one bank's profile in it.
pub trait Adapter: Send + Sync + std::fmt::Debug {
    /// The bank's profile.
    fn profile(&self) -> &BankProfile;

    /// Writes the instruction; the same arguments give the same bytes.
    fn encode(
        &self,
        order: &Order,
        payments: &mut dyn Iterator<Item = Payment>,
        out: &mut dyn Write,
    ) -> Result<(), EncodeError>;

    /// Reads what [`Self::encode`] wrote, from the bytes alone, calling `each` for every payment in order.
    fn read_back(
        &self,
        input: &mut dyn BufRead,
        each: &mut dyn FnMut(ReadBack),
    ) -> Result<ReadBackOrder, DecodeError>;

    /// Reads any document of the bank, calling `tell` for each thing said. `asked` is the key of the instruction that the document
    /// answers, where it answers one. After an error, what was told before still counts.
    fn decode(
        &self,
        asked: Option<&str>,
        input: &mut dyn BufRead,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), DecodeError>;

    /// Opens a talk with the bank. `None` for what the bank cannot do.
    fn begin(&self, operation: Operation) -> Option<Step>;

    /// Goes on with a talk.
    fn resume(&self, held: Held, reply: &Reply<'_>) -> Step;
}
