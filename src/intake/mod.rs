//! A contractor's wage sheet to checked rows, or to every problem in it. A sheet is taken whole or not at all.
//!
//! It is read twice: [`check`] finds what is wrong, or count, sum and content hash; [`rows`] streams the same rows to be sealed. Between the
//! two lies the evidence store, so that both passes see the same bytes. `submit` is the use case over both.

pub(crate) mod cells;
pub(crate) mod check;
pub(crate) mod header;
pub(crate) mod place;
mod problem;
pub(crate) mod remark;
pub(crate) mod row;
mod submit;
pub(crate) mod text;
pub(crate) mod title;
mod walk;
pub(crate) mod xlsx;

use std::io::{self, BufRead};

use jiff::civil::Date;
use wagegate_domain::{PayMonth, batch::WageRow};

pub use check::{Checked, Refused, check};
pub use place::Place;
pub use problem::{Flaw, Problem, Words};
pub use submit::{Desk, SubmitError, Submitted, submit};

/// Opens the sheet's bytes from their beginning; each pass does it anew.
pub type OpenSheet<'a> = &'a dyn Fn() -> io::Result<Box<dyn BufRead + Send>>;

/// Says whether the paying bank can take a row: the bank's field and why not.
pub type FitsBank<'a> = &'a dyn Fn(&WageRow) -> Result<(), (String, String)>;

/// What the sheet must agree with.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "it holds a function and lives for one call"
)]
pub struct Expectation<'a> {
    /// Project code.
    pub project: &'a str,
    /// Project name, for what the title says.
    pub project_name: &'a str,
    /// The account that pays.
    pub special_account: &'a str,
    /// Month that the wages are owed for.
    pub month: PayMonth,
    /// The day of submission, for ages.
    pub today: Date,
    /// The paying bank's own rules.
    pub fits: FitsBank<'a>,
}

/// The sheet could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Problems, all of them.
    #[error("{} problems in the sheet; nothing of it was stored", .0.total)]
    Refused(Refused),
    /// No wage sheet at all.
    #[error("the file cannot be read as a wage sheet: {0}")]
    Unreadable(String),
    /// Larger than a wage sheet can be.
    #[error(
        "the file is too large for a wage sheet: at most 64 MiB as .xlsx, and 1,000,000 rows; split it"
    )]
    TooLarge,
    /// The bytes could not be read.
    #[error("reading the sheet failed: {0}")]
    Io(#[from] io::Error),
    /// Whoever takes the rows wants no more.
    #[error("the rows were not taken to their end")]
    Stopped,
}

/// Second pass: calls `each` with every row, in the order and with the numbers of the first.
///
/// # Errors
/// The bytes cannot be read, or `each` stops.
pub fn rows(
    open: OpenSheet<'_>,
    each: &mut dyn FnMut(WageRow) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    walk::walk(open, &mut |seen| match seen {
        walk::Seen::Row {
            line,
            columns,
            place,
        } => {
            let (parts, _) = row::parse(&line, &columns);
            each(parts.whole(place.number()).ok_or_else(changed)?)
        }
        walk::Seen::Title(_)
        | walk::Seen::Total { .. }
        | walk::Seen::Sheet(_)
        | walk::Seen::HeaderTwice { .. } => Ok(()),
    })
    .map(|_| ())
}

/// The second pass saw something else than the first.
fn changed() -> IntakeError {
    IntakeError::Unreadable("it is not the sheet that was checked".into())
}
