//! The bank's ledger: every debit and every credit-back, in order, never changed. It may be copied to a journal file.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::money::Fen;

/// Which way the money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Out of the special account to a payee.
    Debit,
    /// Back onto the special account.
    Return,
}

/// One line of the ledger.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the ledger, from 1.
    pub seq: u64,
    /// Which way.
    pub kind: EntryKind,
    /// The instruction's reference.
    pub reference: String,
    /// `EndToEndId`, or the row number as the text file writes it.
    pub row_ref: String,
    /// The special account.
    pub account: String,
    /// The payee's card or account.
    pub payee_account: String,
    /// Amount, always positive.
    pub amount_fen: Fen,
    /// When, China time.
    pub at: String,
}

// A payee's account stays out of logs and panics.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("seq", &self.seq)
            .field("kind", &self.kind)
            .field("reference", &self.reference)
            .field("row_ref", &self.row_ref)
            .field("amount_fen", &self.amount_fen)
            .finish_non_exhaustive()
    }
}

/// Totals of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Instructions taken.
    pub instructions: u64,
    /// Debits.
    pub debits: u64,
    /// Their sum.
    pub debit_fen: Fen,
    /// Credits back.
    pub returns: u64,
    /// Their sum.
    pub return_fen: Fen,
    /// Debits less returns.
    pub net_fen: Fen,
    /// Rows (reference and row reference) debited more than once.
    pub references_twice: u64,
}

/// The entries, with the journal they are copied to.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    journal: Option<BufWriter<File>>,
}

impl Ledger {
    /// A ledger that copies each entry to a new journal file.
    ///
    /// # Errors
    /// The file cannot be created, or holds entries of an earlier run: the bank remembers nothing of those, and going on
    /// would mix two ledgers.
    pub fn with_journal(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create(true).open(path)?;
        if file.metadata()?.len() > 0 {
            let text = format!(
                "the journal {} is of an earlier run; name a new file",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(Self {
            entries: Vec::new(),
            journal: Some(BufWriter::new(file)),
        })
    }

    /// Appends one entry and numbers it.
    pub fn post(&mut self, entry: Entry) {
        let seq = self.entries.len() as u64 + 1;
        let entry = Entry {
            seq,
            at: Stamp::now().date_time(),
            ..entry
        };
        let written = self
            .journal
            .as_mut()
            .map_or(Ok(()), |journal| write_line(journal, &entry));
        if let Err(error) = written {
            tracing::error!(seq, %error, "the journal did not take an entry; GET /ledger still has it");
        }
        self.entries.push(entry);
    }

    /// Hands what was posted to the journal file.
    pub fn flush(&mut self) {
        let flushed = self.journal.as_mut().map_or(Ok(()), Write::flush);
        if let Err(error) = flushed {
            tracing::error!(%error, "the journal could not be written; GET /ledger still has all entries");
        }
    }

    /// Up to `most` entries after the first `skip`, as JSON lines; empty at the end.
    #[must_use]
    pub fn lines(&self, skip: usize, most: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        for entry in self.entries.iter().skip(skip).take(most) {
            write_line(&mut lines, entry).expect("writing plain fields to memory cannot fail");
        }
        lines
    }

    /// All entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Totals; `instructions` is known to the bank, not to the ledger.
    #[must_use]
    pub fn summary(&self, instructions: u64) -> Summary {
        let mut summary = Summary {
            instructions,
            ..Summary::default()
        };
        let mut seen: HashMap<(&str, &str), bool> = HashMap::new();
        for entry in &self.entries {
            let (count, sum) = match entry.kind {
                EntryKind::Debit => (&mut summary.debits, &mut summary.debit_fen),
                EntryKind::Return => (&mut summary.returns, &mut summary.return_fen),
            };
            *count += 1;
            *sum = Fen(sum.0.saturating_add(entry.amount_fen.0));
            if entry.kind == EntryKind::Debit {
                seen.entry((&entry.reference, &entry.row_ref))
                    .and_modify(|twice| *twice = true)
                    .or_default();
            }
        }
        summary.net_fen = Fen(summary.debit_fen.0.saturating_sub(summary.return_fen.0));
        summary.references_twice = seen.values().filter(|twice| **twice).count() as u64;
        summary
    }
}

fn write_line(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    serde_json::to_writer(&mut *out, entry)?;
    out.write_all(b"\n")
}
