//! The audit log as it is read: its entries in pages, its head, and whether anybody changed it behind the gateway's back.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// One entry of the audit chain.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Gap-free number, from 1.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Principal, or `gateway`.
    pub who: String,
    /// Verb, such as `batch.approve`.
    pub action: String,
    /// Of what.
    pub subject: String,
    /// More, without any person's data.
    pub detail: String,
    /// SHA-256 of what the object was before; `None` where it was not there, or the act changes nothing.
    pub before: Option<[u8; 32]>,
    /// SHA-256 of what the object was after.
    pub after: Option<[u8; 32]>,
}

/// The newest entry's number and hash; number 0 before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub number: i64,
    pub hash: [u8; 32],
}

/// Which entries a page shows.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of one object only.
    pub subject: Option<String>,
    /// Of one principal only.
    pub who: Option<String>,
}

/// What a walk over the audit chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainCheck {
    /// Every entry follows from the one before, to the head and through every head that was witnessed.
    Whole {
        /// Number of entries.
        entries: u64,
    },
    /// The first entry that does not.
    Broken {
        /// Its number.
        number: i64,
        /// What is wrong with it.
        fault: ChainFault,
    },
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// It is not what was written.
    Edited,
    /// It is not there, and later ones are.
    Missing,
    /// Another entry stands in its place.
    OutOfOrder,
    /// It and all after it are gone.
    CutTail,
    /// The head that is kept beside the entries is another.
    HeadDiffers,
    /// The head that was witnessed outside the database is another: this entry, or one since the witness before it, was written anew.
    WitnessDiffers,
}

impl ChainFault {
    /// Every fault.
    pub const ALL: [Self; 6] = [
        Self::Edited,
        Self::Missing,
        Self::OutOfOrder,
        Self::CutTail,
        Self::HeadDiffers,
        Self::WitnessDiffers,
    ];

    /// As it is shown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::OutOfOrder => "out-of-order",
            Self::CutTail => "cut-tail",
            Self::HeadDiffers => "head-differs",
            Self::WitnessDiffers => "witness-differs",
        }
    }

    /// The fault of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }
}

/// Reads the audit chain.
#[async_trait]
pub trait Auditing: Send + Sync {
    /// Walks the chain, and compares it with heads that were witnessed outside the database, in the order of their numbers.
    async fn check_audit_against(&self, witnessed: &[AuditHead]) -> Result<ChainCheck, StoreError>;
    /// The newest entry's number and hash.
    async fn audit_head(&self) -> Result<AuditHead, StoreError>;
    /// Entries below a number, newest first, at most `limit`.
    async fn audit_page(
        &self,
        filter: &AuditFilter,
        below: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}
