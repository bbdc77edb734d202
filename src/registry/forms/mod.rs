//! A roster as uploaded, in any of its forms, to checked rows, or to every problem in it. A roster is taken whole or not at all.
//!
//! Whatever the form, its reader makes an `Entry` of each worker: fields with the cell and the column they came from. `row` makes a
//! [`RosterRow`] of an entry, `check` looks at all of them together. The file is read twice, as a wage sheet is: first for its problems,
//! then for its rows.

mod check;
mod entry;
mod envelope;
mod flaw;
mod json;
mod kind;
mod national;
mod presence;
mod row;
mod sheet;

use std::io;

use jiff::civil::Date;
use wagegate_domain::roster::RosterRow;

pub use flaw::RosterFlaw;
pub use kind::FormKind;

use crate::{
    intake::{IntakeError, OpenSheet, Problem, Refused},
    security::national::NationalSecret,
};
use check::Checker;
use entry::Entry;

/// What the roster must agree with.
#[derive(Clone, Copy, Debug)]
pub struct RosterExpectation<'a> {
    /// Project code.
    pub project: &'a str,
    /// The day of the import, for ages and for dates to come.
    pub today: Date,
}

/// A roster that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Workers.
    pub rows: u64,
    /// What is odd and did not stop it; at most a thousand.
    pub warnings: Vec<Problem>,
    /// How many warnings there are.
    pub warnings_total: u64,
}

/// The roster could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FormsError {
    /// Problems, all of them.
    #[error("{} problems in the roster; nothing of it was taken", .0.total)]
    Refused(Refused),
    /// No roster in this form at all.
    #[error("the file cannot be read as a roster: {0}")]
    Unreadable(String),
    /// Larger than a roster can be.
    #[error(
        "the file is too large for a roster: at most 200,000 workers, 64 MiB as .xlsx or JSON, 16 MiB a message of the national platform and 400 messages that name workers; split it"
    )]
    TooLarge,
    /// The project has no secret to open values and check signatures with.
    #[error(
        "the project's values are sealed and the gateway has no secret for it: have the operator add a [[national]] entry for this project"
    )]
    NoSecret,
    /// A signature that is not that of the project's secret.
    #[error(
        "line {line}: the signature does not match the project's secret: send each request as it was signed, one a line"
    )]
    Unsigned {
        /// Line of the upload, from 1.
        line: u32,
    },
    /// The bytes could not be read.
    #[error("reading the roster failed: {0}")]
    Io(#[from] io::Error),
    /// Whoever takes the rows wants no more.
    #[error("the rows were not taken to their end")]
    Stopped,
}

impl From<IntakeError> for FormsError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Refused(refused) => Self::Refused(refused),
            IntakeError::Unreadable(why) => Self::Unreadable(why),
            IntakeError::TooLarge => Self::TooLarge,
            IntakeError::Io(error) => Self::Io(error),
            IntakeError::Records(error) => Self::Io(io::Error::other(error)),
            IntakeError::Stopped => Self::Stopped,
        }
    }
}

/// What a reader comes upon.
enum Seen {
    /// A worker.
    Worker(Entry),
    /// Something that is wrong with the file, or with what is no worker.
    Problem(Problem),
}

/// Reads the whole roster for its problems, and then once more, calling `each` with every row. `each` is called only when nothing is wrong.
///
/// # Errors
/// [`FormsError::Refused`] with every problem; the file is no roster or cannot be read; or `each` stops.
pub fn read(
    kind: FormKind,
    open: OpenSheet<'_>,
    secret: Option<&NationalSecret>,
    expect: &RosterExpectation<'_>,
    each: &mut dyn FnMut(RosterRow) -> Result<(), FormsError>,
) -> Result<Read, FormsError> {
    let mut checker = Checker::new(expect);
    walk(kind, open, secret, expect, &mut |seen| checker.take(seen))?;
    let read = checker.finish()?;
    walk(kind, open, secret, expect, &mut |seen| match seen {
        Seen::Worker(entry) => {
            let (parts, _) = row::parse(&entry);
            each(parts.whole(entry.place.number()).ok_or_else(changed)?)
        }
        Seen::Problem(_) => Ok(()),
    })?;
    Ok(read)
}

/// One pass over the file in its form.
fn walk(
    kind: FormKind,
    open: OpenSheet<'_>,
    secret: Option<&NationalSecret>,
    expect: &RosterExpectation<'_>,
    visit: &mut dyn FnMut(Seen) -> Result<(), FormsError>,
) -> Result<(), FormsError> {
    let secret = || secret.ok_or(FormsError::NoSecret);
    match kind {
        FormKind::Sheet => sheet::read(open, expect, visit),
        FormKind::Json => json::read(open, visit),
        FormKind::National => {
            let mut messages = |each: national::EachMessage<'_>| national::messages(open, each);
            national::read(&mut messages, secret()?, expect, visit)
        }
        FormKind::Envelope => {
            let secret = secret()?;
            let mut messages =
                |each: national::EachMessage<'_>| envelope::messages(open, secret, each);
            national::read(&mut messages, secret, expect, visit)
        }
    }
}

/// The second pass saw something else than the first.
fn changed() -> FormsError {
    FormsError::Unreadable("it is not the roster that was checked".into())
}
