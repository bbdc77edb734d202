//! The independent proof: banks' ledgers against the outcomes the gateway reports. It trusts neither and repairs nothing.

mod book;
mod csv;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::cli::Audit;
use crate::money::Fen;

pub use book::Book;

const EXAMPLES: usize = 10;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Debits less returns, over all ledgers.
    pub bank_paid_fen: Fen,
    /// Sum of the rows whose outcome is `paid`.
    pub our_paid_fen: Fen,
    /// Rows whose outcome is not settled: `in_flight`, `in_doubt`.
    pub unsettled: u64,
    /// Wage items paid more than once.
    pub double_paid: Finding,
    /// Money without an owner, or an outcome the ledger does not bear out.
    pub lost: Finding,
}

/// How often something was found, and where first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How often.
    pub count: u64,
    /// The first ten.
    pub examples: Vec<String>,
}

impl Finding {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl Report {
    /// Whether both sides agree to the fen and nothing was found.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.bank_paid_fen == self.our_paid_fen
            && self.double_paid.count == 0
            && self.lost.count == 0
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "bank_paid_fen={}", self.bank_paid_fen)?;
        writeln!(out, "our_paid_fen={}", self.our_paid_fen)?;
        writeln!(out, "unsettled={}", self.unsettled)?;
        for (name, finding) in [("double_paid", &self.double_paid), ("lost", &self.lost)] {
            writeln!(out, "{name}={}", finding.count)?;
            finding
                .examples
                .iter()
                .try_for_each(|example| writeln!(out, "  {example}"))?;
        }
        writeln!(out, "{}", if self.agrees() { "agrees" } else { "DIFFERS" })
    }
}

/// Why an audit cannot be made.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A file is missing or breaks off.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A line is not what it should be.
    #[error("{file}, record {record}: {what}")]
    Line {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        record: u64,
        /// What is wrong.
        what: String,
    },
    /// The sums cannot be counted.
    #[error("the sums exceed what can be counted in whole fen")]
    Sum,
    /// The report could not be written.
    #[error("writing the report: {0}")]
    Output(#[from] io::Error),
}

/// Reads the files, prints the report, and says whether both sides agree.
///
/// # Errors
/// A file that cannot be read to the end, a line that is not understood, or an outcome of a bank without a ledger.
pub fn run(options: &Audit) -> Result<bool, AuditError> {
    let report = audit(&options.ledgers, &options.outcomes)?;
    let mut out = io::stdout().lock();
    if options.json {
        let text = serde_json::to_string(&report).map_err(io::Error::from)?;
        writeln!(out, "{text}")?;
    } else {
        report.print(&mut out)?;
    }
    Ok(report.agrees())
}

/// Compares ledgers (each `code=file` or a file named after its code) with an outcomes file.
///
/// # Errors
/// As [`run`].
pub fn audit(ledgers: &[String], outcomes: &Path) -> Result<Report, AuditError> {
    let mut book = Book::default();
    for ledger in ledgers {
        let (code, path) = named(ledger);
        book.read_ledger(&code, &path, BufReader::new(open(&path)?))?;
    }
    book.read_outcomes(outcomes, BufReader::new(open(outcomes)?))?;
    Ok(book.report())
}

fn named(ledger: &str) -> (String, PathBuf) {
    match ledger.split_once('=') {
        Some((code, path)) => (code.to_owned(), PathBuf::from(path)),
        None => {
            let path = PathBuf::from(ledger);
            (
                path.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                path,
            )
        }
    }
}

fn open(path: &Path) -> Result<File, AuditError> {
    File::open(path).map_err(|error| AuditError::File(path.to_owned(), error))
}
