//! A contractor's wage sheet to checked rows, or to every problem in it. A sheet is taken whole or not at all.
//!
//! It is read twice: [`check`] finds what is wrong, or count, sum and content hash; [`rows`] streams the same rows to be sealed. Between the
//! two lies the evidence store, so that both passes see the same bytes. `submit` is the use case over both.

mod bank;
pub(crate) mod cells;
pub(crate) mod check;
mod declared;
pub(crate) mod header;
mod json;
mod judge;
mod leave;
mod lookup;
pub(crate) mod place;
mod problem;
pub(crate) mod remark;
mod report;
mod returned;
pub(crate) mod row;
mod sightings;
mod source;
mod submit;
mod template;
pub(crate) mod text;
pub(crate) mod title;
mod walk;
pub(crate) mod xlsx;

use std::io::{self, BufRead};

use jiff::civil::Date;
use wagegate_domain::{PayMonth, batch::WageRow, ids::PersonName};

use crate::store::{Standing, StoreError};

pub use check::{Checked, LISTED, Refused, check};
pub use declared::Declared;
pub use leave::{LeaveOut, NotRows};
pub use place::Place;
pub use problem::{Flaw, Problem, Words};
pub use returned::{ReturnError, returned};
pub use submit::{Desk, Looked, Submission, SubmitError, Submitted, dry_check, submit};
pub use template::{TemplateError, template};

/// Opens the sheet's bytes from their beginning; each pass does it anew.
pub type OpenSheet<'a> = &'a dyn Fn() -> io::Result<Box<dyn BufRead + Send>>;

/// Says which of some rows the paying bank cannot take: the row's place among them, the bank's field, and why not in both languages.
pub type FitsBank<'a> = &'a dyn Fn(&[WageRow]) -> Vec<(usize, String, Words)>;

/// What the national form leaves to its reader.
pub trait National {
    /// Opens a sealed field; `None` where it does not open.
    fn open(&self, sealed: &str) -> Option<String>;
    /// The form names nobody: the name on the worker's registered card, and the number of its bank where it is this very account.
    fn name(&self, id_number: &str, account: &str) -> Option<(String, Option<String>)>;
}

/// What was asked of the records, to be called for when it is needed.
pub type Answer = Box<dyn FnOnce() -> Result<Vec<Standing>, IntakeError>>;

/// Knows how workers and cards stand.
pub trait Records {
    /// Begins to look some rows up, and does not wait for the end of it.
    fn begin(&self, rows: &[WageRow]) -> Answer;
    /// The blind index of a name, as the registry has it.
    fn name_blind(&self, name: &PersonName) -> [u8; 16];
}

/// Name of the template's sheet that explains the other one.
pub(crate) const GUIDANCE: &str = "填写说明";
/// Name of the sheet that lists the problems in a returned workbook.
const PROBLEMS: &str = "问题清单";

/// What the sheet must agree with.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "it holds functions and lives for one call"
)]
pub struct Expectation<'a> {
    /// Project code.
    pub project: &'a str,
    /// Project name, for what the title says.
    pub project_name: &'a str,
    /// The contractor's code, for what the national form says.
    pub contractor_uscc: &'a str,
    /// The account that pays.
    pub special_account: &'a str,
    /// Month that the wages are owed for.
    pub month: PayMonth,
    /// The day of submission, for ages.
    pub today: Date,
    /// What the submission says beside the sheet.
    pub declared: Declared,
    /// Rows left out by name.
    pub leave_out: &'a LeaveOut,
    /// The batch that this very file is already.
    pub seen_as: Option<&'a str>,
    /// Somebody's presence on the project is registered.
    pub has_roster: bool,
    /// How many problems, and how many warnings, are listed at most.
    pub listed_max: usize,
    /// The paying bank's own rules.
    pub fits: FitsBank<'a>,
    /// Registry and earlier batches; `None` checks the sheet alone.
    pub records: Option<&'a dyn Records>,
    /// The project's secret of the national platform.
    pub national: Option<&'a dyn National>,
}

impl<'a> Expectation<'a> {
    /// Nothing but the sheet itself is looked at, and every bank takes every row.
    pub fn alone(
        project: [&'a str; 2],
        special_account: &'a str,
        month: PayMonth,
        today: Date,
    ) -> Self {
        const NOTHING: &LeaveOut = &LeaveOut::none();
        let [project, project_name] = project;
        Self {
            project,
            project_name,
            contractor_uscc: "",
            special_account,
            month,
            today,
            declared: Declared::default(),
            leave_out: NOTHING,
            seen_as: None,
            has_roster: false,
            listed_max: LISTED,
            fits: &|_| Vec::new(),
            records: None,
            national: None,
        }
    }
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
    /// The records could not be asked.
    #[error("looking up the sheet's workers failed: {0}")]
    Records(#[from] StoreError),
    /// Whoever takes the rows wants no more.
    #[error("the rows were not taken to their end")]
    Stopped,
}

/// Second pass: calls `each` with every row that is not left out, in the order and with the numbers of the first.
///
/// # Errors
/// The bytes cannot be read, or `each` stops.
pub fn rows(
    open: OpenSheet<'_>,
    national: Option<&dyn National>,
    leave_out: &LeaveOut,
    each: &mut dyn FnMut(WageRow) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    walk::walk(open, national, &mut |seen| match seen {
        walk::Seen::Row { line, place, .. } | walk::Seen::RowFlaw { line, place, .. }
            if leave_out.names(&line.tab.name, place.sheet <= 1, line.row) =>
        {
            Ok(())
        }
        walk::Seen::Row {
            line,
            columns,
            place,
        } => {
            let (parts, _) = row::parse(&line, &columns);
            each(parts.whole(place.number()).ok_or_else(changed)?)
        }
        walk::Seen::RowFlaw { .. } => Err(changed()),
        walk::Seen::Title(_)
        | walk::Seen::Total { .. }
        | walk::Seen::Sheet(_)
        | walk::Seen::Declared(_)
        | walk::Seen::Form { .. }
        | walk::Seen::HeaderTwice { .. } => Ok(()),
    })
    .map(|_| ())
}

/// The second pass saw something else than the first.
fn changed() -> IntakeError {
    IntakeError::Unreadable("it is not the sheet that was checked".into())
}
