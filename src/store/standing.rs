//! How the worker and the card of a wage row stand in the store: what intake asks about every row, a chunk at a time and in sets.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use wagegate_domain::roster::CardStatus;
use wagegate_domain::{Fen, PayMonth};

use super::StoreError;
use super::columns::Columns;

/// The blind indexes of one row, by which its worker and card are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// Of the identity number.
    pub worker_blind: [u8; 16],
    /// Of account, name and bank number together.
    pub binding_blind: [u8; 16],
    /// Of the account alone.
    pub account_blind: [u8; 16],
}

/// What the store knows about one row's worker and card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Blind index of the registered name, where the worker is registered.
    pub registered_name: Option<[u8; 16]>,
    /// The worker has a stay on the project that overlaps the pay month.
    pub on_site: bool,
    /// The batch that holds this worker's wage for the month and project already.
    pub owed_here: Option<String>,
    /// A batch of another project that holds a wage of this worker for the month.
    pub owed_elsewhere: Option<String>,
    /// Another worker has this account: by the registry, or by a wage of this month or the last on this project.
    pub account_of_another: bool,
    /// The registry's card of this worker is on another account: how that card stands.
    pub other_card: Option<CardStatus>,
    /// This very card was refused, and why.
    pub refused_for: Option<String>,
    /// What the worker was owed last month on this project.
    pub last_month: Option<Fen>,
}

/// Where rows are looked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Project code.
    pub project: String,
    /// Pay month.
    pub month: PayMonth,
}

/// A warning that a batch was taken with, as it was said then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Name of the sheet.
    pub sheet: String,
    /// Row as the spreadsheet counts; 0 for the sheet as a whole.
    pub row: u32,
    /// Header of the column.
    pub column: String,
    /// Stable name.
    pub code: String,
    /// What is odd: Chinese, English.
    pub what: [String; 2],
    /// What to do: Chinese, English.
    pub fix: [String; 2],
}

/// A row that was left out by name, with the code of one of its problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The row's number in the batch's counting.
    pub row: u32,
    /// Why it could not be taken.
    pub code: String,
}

/// What a batch keeps of its intake beside its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Warnings, in the order of the sheet.
    pub warnings: Vec<Warning>,
    /// Rows left out, in the order of the sheet.
    pub left_out: Vec<LeftOut>,
}

/// What intake asks of the store and keeps in it.
#[async_trait]
pub trait Standings: Send + Sync {
    /// How the workers and cards of some rows stand, in the order of the keys; at most a thousand.
    async fn standings(&self, asked: &Asked, keys: &[RowKey]) -> Result<Vec<Standing>, StoreError>;
    /// True where somebody's presence on the project was ever registered.
    async fn has_roster(&self, project: &str) -> Result<bool, StoreError>;
    /// The batch of the project that was made from this very file and was not refused.
    async fn sheet_seen(
        &self,
        sheet: [u8; 32],
        project: &str,
    ) -> Result<Option<String>, StoreError>;
    /// What a batch keeps of its intake.
    async fn remarks(&self, batch: &str) -> Result<Remarks, StoreError>;
    /// Keys with which a project's registered workers open: name and identity number, each with its blind index, a page at a time by worker.
    async fn roster_page(
        &self,
        project: &str,
        month: PayMonth,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OnRoster>, StoreError>;
}

/// One worker on a project's roster, sealed, with the card that the registry has.
#[derive(Clone)]
pub struct OnRoster {
    /// Store key, for the next page.
    pub worker: i64,
    /// Identity number: blind index and sealed value.
    pub id_number: ([u8; 16], Vec<u8>),
    /// Registered name and telephone number, sealed to the same blind index.
    pub profile: Option<Vec<u8>>,
    /// Name and account of the current card: blind index, sealed value, bank number.
    pub card: Option<([u8; 16], Vec<u8>, Option<String>)>,
}

impl std::fmt::Debug for OnRoster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnRoster")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// A worker that one of the keys found.
#[derive(Clone, Debug)]
pub(super) struct FoundWorker {
    pub(super) id: i64,
    pub(super) registered_name: Option<[u8; 16]>,
    pub(super) on_site: bool,
    /// Account and standing of the registry's card.
    pub(super) card: Option<([u8; 16], CardStatus)>,
}

/// A wage of one of the workers found, this month or the last.
#[derive(Clone, Debug)]
pub(super) struct FoundWage {
    pub(super) worker: i64,
    pub(super) here: bool,
    pub(super) this_month: bool,
    pub(super) batch: String,
    pub(super) amount: Fen,
}

/// What the few statements of an engine found for a chunk of keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) workers: HashMap<[u8; 16], FoundWorker>,
    pub(super) wages: Vec<FoundWage>,
    /// Reasons by worker and binding of cards that were refused.
    pub(super) refused: HashMap<(i64, [u8; 16]), String>,
    /// Who has an account, by the account.
    pub(super) holders: Vec<([u8; 16], i64)>,
}

impl Found {
    /// Keys of the workers found, for the statements after the first.
    pub(super) fn worker_ids(&self) -> Vec<i64> {
        self.workers.values().map(|worker| worker.id).collect()
    }

    /// What was found, for each key in order.
    pub(super) fn standings(&self, keys: &[RowKey]) -> Vec<Standing> {
        let mut wages: BTreeMap<i64, Vec<&FoundWage>> = BTreeMap::new();
        for wage in &self.wages {
            wages.entry(wage.worker).or_default().push(wage);
        }
        let mut holders: HashMap<[u8; 16], Vec<i64>> = HashMap::new();
        for (account, worker) in &self.holders {
            holders.entry(*account).or_default().push(*worker);
        }
        keys.iter()
            .map(|key| {
                let worker = self.workers.get(&key.worker_blind);
                let id = worker.map(|worker| worker.id);
                let account_of_another = holders
                    .get(&key.account_blind)
                    .is_some_and(|holders| holders.iter().any(|holder| Some(*holder) != id));
                let known = Standing {
                    account_of_another,
                    ..Standing::default()
                };
                match worker {
                    None => known,
                    Some(worker) => self.of_worker(key, worker, wages.get(&worker.id), known),
                }
            })
            .collect()
    }

    fn of_worker(
        &self,
        key: &RowKey,
        worker: &FoundWorker,
        wages: Option<&Vec<&FoundWage>>,
        known: Standing,
    ) -> Standing {
        let wage = |here: bool, this_month: bool| {
            wages
                .into_iter()
                .flatten()
                .find(|wage| wage.here == here && wage.this_month == this_month)
        };
        Standing {
            registered_name: worker.registered_name,
            on_site: worker.on_site,
            owed_here: wage(true, true).map(|wage| wage.batch.clone()),
            owed_elsewhere: wage(false, true).map(|wage| wage.batch.clone()),
            other_card: worker
                .card
                .filter(|(account, _)| *account != key.account_blind)
                .map(|(_, status)| status),
            refused_for: self.refused.get(&(worker.id, key.binding_blind)).cloned(),
            last_month: wage(true, false).map(|wage| wage.amount),
            ..known
        }
    }
}

// What rows of either engine say, by the same column names; truth values come as 0 and 1.

impl FoundWorker {
    pub(super) fn read(row: &impl Columns) -> Result<([u8; 16], Self), StoreError> {
        let card = match row.maybe_array("account_blind")? {
            Some(account) => Some((account, row.parsed("status", CardStatus::from_code)?)),
            None => None,
        };
        let found = Self {
            id: row.int("id")?,
            registered_name: row.maybe_array("name_blind")?,
            on_site: row.int("on_site")? != 0,
            card,
        };
        Ok((row.array("blind")?, found))
    }
}

impl FoundWage {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            worker: row.int("worker_id")?,
            here: row.int("here")? != 0,
            this_month: row.int("this_month")? != 0,
            batch: row.text("batch")?,
            amount: row.fen("amount_fen")?,
        })
    }
}

impl OnRoster {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let card = match (
            row.maybe_array("card_blind")?,
            row.maybe_bytes("card_sealed")?,
        ) {
            (Some(blind), Some(sealed)) => Some((blind, sealed, row.maybe_text("cnaps")?)),
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        Ok(Self {
            worker: row.int("id")?,
            id_number: (row.array("blind")?, row.bytes("sealed")?),
            profile: row.maybe_bytes("profile")?,
            card,
        })
    }
}

impl Warning {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            sheet: row.text("sheet")?,
            row: row.number("row_no")?,
            column: row.text("column_name")?,
            code: row.text("code")?,
            what: [row.text("message_zh")?, row.text("message_en")?],
            fix: [row.text("fix_zh")?, row.text("fix_en")?],
        })
    }
}

impl LeftOut {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            row: row.number("row_no")?,
            code: row.text("code")?,
        })
    }
}
