//! Regions, projects and their special wage accounts, as imported and as they stand.

use std::collections::BTreeMap;

use jiff::civil::Date;
use wagegate_domain::Fen;
use wagegate_domain::ids::Region;

use super::columns::{Columns, broken};
use super::{ContractorEntry, StoreError, Waiting};

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
    /// Other names of the special account, where its own is too long for a field; in an import, none leaves those that are known.
    pub aliases: Vec<String>,
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
    /// Released batches that wait for money on it.
    pub waiting: Option<Waiting>,
}

impl AccountFigures {
    /// What may still be reserved; below nought where the bank's word has taken more.
    pub fn free(&self) -> Fen {
        Fen::new(self.balance.get().saturating_sub(self.reserved.get()))
    }
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

// Rows of either engine, by the same column names.

impl RegionEntry {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            code: row.parsed("code", |text| Region::parse(text).ok())?,
            name: row.text("name")?,
            base_projects: row.maybe_number("base_projects")?,
        })
    }
}

impl ContractorEntry {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            uscc: row.text("uscc")?,
            name: row.text("name")?,
        })
    }

    /// The contractors of some projects, each once.
    pub fn of(projects: &[ProjectEntry]) -> Vec<Self> {
        let names: BTreeMap<_, _> = projects
            .iter()
            .map(|project| (&project.contractor_uscc, &project.contractor))
            .collect();
        let entry = |(uscc, name): (&String, &String)| Self {
            uscc: uscc.clone(),
            name: name.clone(),
        };
        names.into_iter().map(entry).collect()
    }
}

impl ProjectEntry {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let aliases = row.text("aliases")?;
        Ok(Self {
            code: row.text("code")?,
            name: row.text("name")?,
            region: row.parsed("region", |text| Region::parse(text).ok())?,
            contractor_uscc: row.text("contractor_uscc")?,
            contractor: row.text("contractor")?,
            bank: row.text("bank")?,
            account: row.text("number")?,
            account_name: row.text("account_name")?,
            aliases: serde_json::from_str(&aliases).map_err(|_| broken("aliases", &aliases))?,
        })
    }
}
