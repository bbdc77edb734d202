//! The links of the audit chain: each entry's hash covers its own fields and the hash before it, so that no entry can be changed, dropped or
//! put in without breaking every later one.

use sha2::{Digest, Sha256};

use super::{AuditEntry, ChainCheck};

/// What stands before the first entry.
pub(super) const START: [u8; 32] = [0; 32];

/// The hash of an entry that follows `previous`; lengths stand before texts, so that no two entries give the same bytes.
pub(super) fn link(previous: &[u8; 32], entry: &AuditEntry) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(previous);
    digest.update(entry.number.to_be_bytes());
    digest.update(entry.at.as_millisecond().to_be_bytes());
    for text in [&entry.who, &entry.action, &entry.subject, &entry.detail] {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

/// Walks over the entries as they are stored, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Walk {
    entries: u64,
    previous: [u8; 32],
}

impl Walk {
    pub(super) const fn new() -> Self {
        Self {
            entries: 0,
            previous: START,
        }
    }

    /// Takes the next entry with the two hashes stored beside it; an answer means that it does not follow from the one before.
    pub(super) fn step(
        &mut self,
        entry: &AuditEntry,
        previous: &[u8; 32],
        hash: &[u8; 32],
    ) -> Option<ChainCheck> {
        self.entries += 1;
        let follows = u64::try_from(entry.number) == Ok(self.entries)
            && *previous == self.previous
            && *hash == link(previous, entry);
        self.previous = *hash;
        (!follows).then_some(ChainCheck::BrokenAt {
            number: entry.number,
        })
    }

    /// No entry is left, and none was broken.
    pub(super) const fn end(self) -> ChainCheck {
        ChainCheck::Whole {
            entries: self.entries,
        }
    }
}
