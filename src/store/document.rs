//! What a bank sent, raw and by hash, what was read in it, and what of that nobody can place yet.

use jiff::Timestamp;
use wagegate_domain::Fen;
use wagegate_domain::fact::Told;

/// A raw document to keep.
#[derive(Clone, Debug)]
pub struct NewRaw {
    /// Bank code.
    pub bank: String,
    /// How it came: `reply`, `query`, `collect` or `push`.
    pub origin: &'static str,
    /// The instruction that was asked about.
    pub instruction: Option<i64>,
    /// Hash of the bytes, in the evidence store.
    pub hash: [u8; 32],
    /// Their number.
    pub size: u64,
    /// When.
    pub at: Timestamp,
}

/// Whether a raw document is to be read into facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTask {
    /// It is a document: read it as soon as possible.
    Wanted,
    /// It is an answer that the talk has understood: keep it only.
    NotWanted,
}

/// A raw document as kept.
#[derive(Clone, Debug)]
pub struct RawView {
    /// Store key.
    pub id: i64,
    /// Bank code.
    pub bank: String,
    /// Key of the instruction that was asked about.
    pub asked: Option<String>,
    /// Hash of the bytes.
    pub hash: [u8; 32],
    /// How many things said in it are recorded already.
    pub next_ordinal: u64,
}

/// One thing said, with its place in the document; the account, if any, only as blind index.
#[derive(Clone, Debug)]
pub struct Saying {
    /// Place in the document, from 0.
    pub ordinal: u64,
    /// What was said; `refs.account` is empty by now.
    pub told: Told,
    /// Blind index of the account that it named.
    pub account_blind: Option<[u8; 16]>,
}

/// How a chunk of sayings was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Facts that found their attempt.
    pub facts: u64,
    /// Outcomes that changed.
    pub changed: u64,
    /// Sayings that went to suspense.
    pub suspense: u64,
}

/// Something in suspense.
#[derive(Clone, Debug)]
pub struct SuspenseView {
    /// Store key.
    pub id: i64,
    /// Bank code.
    pub bank: String,
    /// Raw document's hash.
    pub raw: [u8; 32],
    /// Place in the document.
    pub ordinal: u64,
    /// Why nothing matched.
    pub why: String,
    /// Amount named.
    pub amount: Option<Fen>,
    /// Since when.
    pub at: Timestamp,
}
