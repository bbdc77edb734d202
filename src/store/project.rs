//! Regions, projects and their special wage accounts, as imported and as they stand.

use jiff::civil::Date;
use wagegate_domain::Fen;
use wagegate_domain::ids::Region;

/// A region as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionEntry {
    /// GB/T 2260 code.
    pub code: Region,
    /// Name.
    pub name: String,
    /// Projects under construction there, by the supervising department's count; `None` where not given.
    pub base_projects: Option<u32>,
}

/// A project as imported, with its special wage account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectEntry {
    /// Code on the supervision platform.
    pub code: String,
    /// Name.
    pub name: String,
    /// County.
    pub region: Region,
    /// General contractor's credit code.
    pub contractor_uscc: String,
    /// General contractor's name.
    pub contractor: String,
    /// Code of the bank that holds the special account.
    pub bank: String,
    /// Number of the special account.
    pub account: String,
    /// Name on the special account.
    pub account_name: String,
}

/// A special account's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFigures {
    /// Project it belongs to.
    pub project: String,
    /// Bank code.
    pub bank: String,
    /// Account number.
    pub account: String,
    /// What it holds by our books.
    pub balance: Fen,
    /// Of that, reserved for approved wages.
    pub reserved: Fen,
    /// What the bank's word has taken beyond what was free; nothing is reserved while it stands.
    pub overdrawn: Fen,
    /// Everything ever deposited.
    pub deposited: Fen,
}

/// Money that arrived on a special account, as the bank tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Bank code.
    pub bank: String,
    /// Account number.
    pub account: String,
    /// Unique at the bank.
    pub reference: String,
    /// What arrived.
    pub amount: Fen,
    /// The bank's value date.
    pub value_date: Date,
}

/// Whether something was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was, and is kept now.
    New,
    /// The same came before: nothing was changed.
    Seen,
}
