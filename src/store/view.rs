//! What is read of many rows: the payment rate, wage items in pages, and the recount of every kept figure.

use std::fmt;

use wagegate_domain::ids::Region;
use wagegate_domain::indicator::Tally;
use wagegate_domain::outcome::Place;
use wagegate_domain::reason::Reason;
use wagegate_domain::{Fen, PayMonth};

/// What grouping a report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One line for each prefecture.
    Prefecture,
    /// One line for each county.
    County,
    /// One line for each project.
    Project,
}

/// One line of the payment-rate report.
#[derive(Clone, Debug)]
pub struct RateLine {
    /// Region code, or project code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Region of the line.
    pub region: Region,
    /// Projects with a released batch in the month.
    pub projects: u64,
    /// Base of the prefecture.
    pub base_projects: Option<u32>,
    /// Count and sum of wages on sheets that await review or release: not owed by a release yet, and in no rate.
    pub awaiting: (u64, Fen),
    /// Released wage items by place.
    pub tally: Tally,
}

/// A wage item with where it stands; sealed where it names a person.
#[derive(Clone)]
pub struct ItemView {
    /// Batch code.
    pub batch: String,
    /// Row in the sheet.
    pub row: u32,
    /// Project code.
    pub project: String,
    /// Pay month.
    pub month: PayMonth,
    /// Region of the project.
    pub region: Region,
    /// Bank code; empty where never planned.
    pub bank: String,
    /// Instruction's key; empty where never planned.
    pub bank_key: String,
    /// Row number in the instruction; 0 where never planned.
    pub sequence: u32,
    /// Attempt number; 0 where never planned.
    pub attempt: u32,
    /// What is owed.
    pub amount: Fen,
    /// Where it stands.
    pub place: Place,
    /// Cause of a failure or return.
    pub reason: Option<Reason>,
    /// The bank's raw code and text for that cause.
    pub bank_code: Option<(String, String)>,
    /// Blind index that the binding was sealed under.
    pub binding_blind: [u8; 16],
    /// Name and account, sealed.
    pub binding_sealed: Vec<u8>,
}

impl fmt::Debug for ItemView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemView")
            .field("batch", &self.batch)
            .field("row", &self.row)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Which items a list shows.
#[derive(Clone, Debug, Default)]
pub struct ItemFilter {
    /// Of one batch.
    pub batch: Option<String>,
    /// Of one pay month.
    pub month: Option<PayMonth>,
    /// In these places only; empty for all.
    pub places: Vec<Place>,
}

/// Where a page of items ended: batch id and row.
pub type ItemCursor = (i64, u32);

/// What a recount from the rows found beside the kept figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recount {
    /// Batches counted.
    pub batches: u64,
    /// Differences, in words; empty when everything adds up.
    pub differences: Vec<String>,
}
