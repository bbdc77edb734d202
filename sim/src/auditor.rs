//! Holds the gateway's books against the banks' ledgers: cheap checks after every step, all of them at the end. It decides nothing and mends nothing.

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use wagegate::{
    dispatch::SEND_WITHIN,
    store::{ItemView, Store, Within},
};
use wagegate_domain::{
    attempt::State,
    outcome::{Outcome, Place},
    reason::Reason,
};

use crate::{
    bank::{Bank, Fate, Nature},
    house::{ARRIVES_WITHIN_S, Failure, Waiting},
    world::SKEW_MAX,
};

/// All that leaves of a send must have left so long after its intent, in milliseconds.
const SEND_WITHIN_MS: i64 = SEND_WITHIN.as_secs() * 1_000;
/// The same bytes never go more often by one database.
const SENDS_MAX: u32 = 3;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// A worker was paid twice.
    DoublePaid,
    /// A worker counts as paid and was not.
    Lost,
    /// The books say another thing than the ledger, or changed in a way that nothing allows.
    WrongOutcome,
    /// Something never comes to its end.
    Stuck,
}

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub harm: Harm,
    /// What was seen.
    pub what: String,
}

/// An instruction as it stood.
#[derive(Clone, Debug)]
struct Stood {
    bank: String,
    key: String,
    state: State,
}

/// What was seen after the last step.
#[derive(Debug, Default)]
struct Snapshot {
    instructions: BTreeMap<i64, Stood>,
    outcomes: BTreeMap<(i64, i64), Outcome>,
    fences: BTreeMap<i64, (i64, bool)>,
}

/// One wage as it should become one credit.
#[derive(Clone, Copy, Debug, Default)]
struct Wage {
    fen: i64,
    credits: u32,
    returns: u32,
}

/// What went to a bank under one key.
#[derive(Debug, Default)]
struct Sent {
    /// Of its bytes, as these books have them.
    hash: Option<Vec<u8>>,
    /// How often it may have left by these books.
    times: u32,
    /// When it last did, in the world's milliseconds.
    last_ms: i64,
}

/// Watches one world.
#[derive(Debug)]
pub struct Auditor {
    books: SqliteConnection,
    last: Snapshot,
    wages: BTreeMap<String, Wage>,
    read: BTreeMap<&'static str, usize>,
    sent: BTreeMap<(&'static str, String), Sent>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Auditor {
    /// Opens the books of a world and knows what each of its workers is owed.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn new(database: &Path, batches: &[Waiting]) -> Result<Self, Failure> {
        let owed = batches.iter().flat_map(|batch| &batch.wages);
        let wage = |fen| Wage {
            fen,
            ..Wage::default()
        };
        Ok(Self {
            books: open(database).await?,
            last: Snapshot::default(),
            wages: owed.map(|(card, fen)| (card.clone(), wage(*fen))).collect(),
            read: BTreeMap::new(),
            sent: BTreeMap::new(),
            findings: Vec::new(),
        })
    }

    /// Opens books that were put back to an earlier moment: what was seen of the later ones does not bind them.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn reopen(&mut self, database: &Path) -> Result<(), Failure> {
        self.books = open(database).await?;
        self.last = self.snapshot().await?;
        for sent in self.sent.values_mut() {
            (sent.hash, sent.times) = (None, 0);
        }
        Ok(())
    }

    /// Closes the books.
    ///
    /// # Errors
    /// They do not close.
    pub async fn close(self) -> Result<(), Failure> {
        Ok(self.books.close().await?)
    }

    /// Something that must never be.
    pub fn find(&mut self, harm: Harm, what: impl Into<String>) {
        self.findings.push(Finding {
            harm,
            what: what.into(),
        });
    }

    /// Reads what the banks' ledgers have new.
    pub fn read_ledgers(&mut self, banks: &[Bank]) {
        for bank in banks {
            let code = bank.nature.code;
            let from = self.read.insert(code, bank.ledger.len()).unwrap_or(0);
            for entry in &bank.ledger[from..] {
                let Some(wage) = self.wages.get_mut(&entry.card) else {
                    self.find(
                        Harm::WrongOutcome,
                        format!("{code} moved money of nobody: {}", entry.key),
                    );
                    continue;
                };
                let (fen, twice) = (wage.fen, !entry.is_return && wage.credits > wage.returns);
                if entry.is_return {
                    wage.returns += 1;
                } else {
                    wage.credits += 1;
                }
                if twice {
                    self.find(
                        Harm::DoublePaid,
                        format!("{code} paid a wage of {} a second time", entry.key),
                    );
                }
                if fen != entry.fen {
                    self.find(
                        Harm::WrongOutcome,
                        format!("{code} paid {} for a wage of {fen} fen", entry.fen),
                    );
                }
            }
        }
    }

    /// A payment instruction stands on the threshold: its intent must be committed, its bytes those that were committed, and the same as ever.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn on_threshold(
        &mut self,
        bank: &'static str,
        key: &str,
        body: &Bytes,
        held_ms: Option<i64>,
    ) -> Result<(), Failure> {
        let hash = Sha256::digest(body).to_vec();
        let found = sqlx::query(
            "SELECT state, bytes_hash FROM instruction WHERE bank = $1 AND bank_key = $2",
        )
        .bind(bank)
        .bind(key)
        .fetch_optional(&mut self.books)
        .await?;
        let committed = match found {
            Some(row) => {
                // Who was stopped in between may find that others have gone on.
                (held_ms.is_some() || row.try_get::<String, _>(0)? == State::Sending.code())
                    && row.try_get::<Option<Vec<u8>>, _>(1)?.as_ref() == Some(&hash)
            }
            None => false,
        };
        if !committed {
            self.find(
                Harm::WrongOutcome,
                format!("{key} is sent without an intent for these bytes"),
            );
        }
        if held_ms.is_some_and(|held| held > SEND_WITHIN_MS) {
            let what = format!("{key} is sent after all that leaves must have left");
            self.find(Harm::WrongOutcome, what);
        }
        let sent = self.sent.entry((bank, key.to_owned())).or_default();
        if *sent.hash.get_or_insert_with(|| hash.clone()) != hash {
            self.find(
                Harm::WrongOutcome,
                format!("{key} is sent with other bytes than before"),
            );
        }
        Ok(())
    }

    /// It may have left: how often is that now, and may it?
    pub fn may_have_left(&mut self, nature: &Nature, key: &str, now: i64) {
        let sent = self.sent.entry((nature.code, key.to_owned())).or_default();
        let before = std::mem::replace(&mut sent.last_ms, now);
        sent.times += 1;
        let times = sent.times;
        let soon = now < before + ARRIVES_WITHIN_S * 1_000 - 4 * SKEW_MAX;
        if times > 1 && !nature.refuses_duplicates {
            self.find(Harm::WrongOutcome, format!("{key} may have left twice"));
        } else if times > 1 && soon {
            let what = format!("{key} left again before the bank's last word");
            self.find(Harm::WrongOutcome, what);
        } else if times > SENDS_MAX {
            self.find(Harm::WrongOutcome, format!("{key} left {times} times"));
        }
    }

    /// The task that went to a new holder since the last look: task and fence.
    pub fn claimed_since(&self, before: &BTreeMap<i64, (i64, bool)>) -> Option<(i64, i64)> {
        let new = |(task, (fence, held)): (&i64, &(i64, bool))| {
            let old = before.get(task).map_or(0, |(fence, _)| *fence);
            (*held && *fence > old).then_some((*task, *fence))
        };
        self.last.fences.iter().find_map(new)
    }

    /// Fences as last seen.
    pub fn fences(&self) -> BTreeMap<i64, (i64, bool)> {
        self.last.fences.clone()
    }

    /// Whether a claim still holds, as last seen.
    pub fn holds(&self, (task, fence): (i64, i64)) -> bool {
        self.last.fences.get(&task) == Some(&(fence, true))
    }

    /// Looks at the books after a step.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn look(&mut self) -> Result<(), Failure> {
        let now = self.snapshot().await?;
        let before = std::mem::replace(&mut self.last, now);
        self.compare(&before);
        self.tallies().await
    }

    async fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        let mut now = Snapshot::default();
        for row in sqlx::query("SELECT id, fence, lease_until IS NOT NULL FROM task")
            .fetch_all(&mut self.books)
            .await?
        {
            now.fences
                .insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
        }
        for row in sqlx::query("SELECT id, bank, bank_key, state FROM instruction")
            .fetch_all(&mut self.books)
            .await?
        {
            let state: String = row.try_get(3)?;
            let stood = Stood {
                bank: row.try_get(1)?,
                key: row.try_get(2)?,
                state: State::from_code(&state).ok_or("an instruction without a state")?,
            };
            now.instructions.insert(row.try_get(0)?, stood);
        }
        for row in sqlx::query(
            "SELECT instruction_id, sequence, outcome, reason FROM outcome ORDER BY version",
        )
        .fetch_all(&mut self.books)
        .await?
        {
            let (code, reason): (String, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
            let reason = reason.as_deref().and_then(Reason::from_code);
            let outcome = Outcome::from_parts(&code, reason).ok_or("an outcome that is none")?;
            now.outcomes
                .insert((row.try_get(0)?, row.try_get(1)?), outcome);
        }
        Ok(now)
    }

    fn compare(&mut self, before: &Snapshot) {
        let mut found = Vec::new();
        for (id, was) in &before.instructions {
            match self.last.instructions.get(id) {
                Some(is) if !may_become(was.state, is.state) => found.push(format!(
                    "{} at {} went from {} to {}",
                    was.key,
                    was.bank,
                    was.state.code(),
                    is.state.code()
                )),
                Some(_) => {}
                None => found.push(format!("{} is gone", was.key)),
            }
        }
        for (seat, was) in &before.outcomes {
            match self.last.outcomes.get(seat) {
                Some(is) if may_follow(*was, *is) => {}
                is => found.push(format!(
                    "the outcome of {seat:?} went from {was:?} to {is:?}"
                )),
            }
        }
        for (task, (fence, _)) in &before.fences {
            if self
                .last
                .fences
                .get(task)
                .is_some_and(|(now, _)| now < fence)
            {
                found.push(format!("the fence of task {task} went back"));
            }
        }
        for what in found {
            self.find(Harm::WrongOutcome, what);
        }
    }

    async fn tallies(&mut self) -> Result<(), Failure> {
        let wrong: Vec<String> = sqlx::query_scalar(
            "SELECT b.code FROM batch b JOIN tally t ON t.batch_id = b.id GROUP BY b.id
             HAVING sum(t.item_count) <> b.row_count OR sum(t.total_fen) <> b.total_fen",
        )
        .fetch_all(&mut self.books)
        .await?;
        for code in wrong {
            self.find(
                Harm::Lost,
                format!("the places of batch {code} do not add up to it"),
            );
        }
        Ok(())
    }

    /// Everything, at the end: each wage against the ledgers, each kept figure against a recount, each account against the money that moved.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn judge(
        &mut self,
        store: &dyn Store,
        banks: &[Bank],
        batches: &[Waiting],
    ) -> Result<Vec<Finding>, Failure> {
        let mut found = Vec::new();
        let items = store.attempts(&Within::All, None, None, 10_000).await?;
        for batch in batches {
            let mut rows: BTreeMap<u32, &ItemView> = BTreeMap::new();
            // In order of attempts: the last one counts.
            let own = items.iter().map(|(_, item)| item);
            for item in own.filter(|item| item.batch == batch.code) {
                rows.insert(item.row, item);
            }
            if rows.len() != batch.wages.len() {
                let what = format!(
                    "batch {} has {} rows of {}",
                    batch.code,
                    rows.len(),
                    batch.wages.len()
                );
                found.push(Finding {
                    harm: Harm::Lost,
                    what,
                });
            }
            for (item, (card, _)) in rows.values().zip(&batch.wages) {
                found.extend(self.judge_item(item, card, banks));
            }
        }
        let recount = store.recount().await?;
        found.extend(recount.differences.into_iter().map(|what| Finding {
            harm: Harm::WrongOutcome,
            what,
        }));
        if found.is_empty() {
            found.extend(self.judge_accounts(batches).await?);
            found.extend(self.judge_suspense(banks).await?);
        }
        Ok(found)
    }

    fn judge_item(&self, item: &ItemView, card: &str, banks: &[Bank]) -> Option<Finding> {
        let wage = self.wages.get(card).copied().unwrap_or_default();
        let bank = banks.iter().find(|bank| bank.nature.code == item.bank);
        let place = usize::try_from(item.sequence)
            .unwrap_or(0)
            .saturating_sub(1);
        let fate = bank.and_then(|bank| bank.fate(&item.bank_key, place));
        let refused = bank.is_some_and(|bank| bank.has_refused(&item.bank_key));
        let right = match (wage.credits > wage.returns, wage.returns > 0, fate) {
            (true, _, Some(Fate::Corrected(_))) => {
                matches!(item.place, Place::Paid | Place::InDoubt)
            }
            (true, _, _) => item.place == Place::Paid,
            (false, true, _) => item.place == Place::Returned,
            (false, false, Some(_)) => item.place == Place::Failed,
            (false, false, None) => refused && item.place == Place::Failed,
        };
        let harm = match item.place {
            Place::Paid | Place::Returned if wage.credits == 0 => Harm::Lost,
            Place::Paid | Place::Returned | Place::Failed => Harm::WrongOutcome,
            Place::InFlight | Place::InDoubt | Place::Held => Harm::Stuck,
        };
        (!right).then(|| Finding {
            harm,
            what: format!(
                "row {} of {} in {} is {}: credited {} times, returned {} times, the bank says {fate:?}",
                item.row,
                item.batch,
                item.bank_key,
                item.place.code(),
                wage.credits,
                wage.returns
            ),
        })
    }

    async fn judge_accounts(&mut self, batches: &[Waiting]) -> Result<Vec<Finding>, Failure> {
        let mut accounts: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
        for batch in batches {
            let wages = batch.wages.iter();
            let moved = wages.filter_map(|(card, fen)| {
                let wage = self.wages.get(card)?;
                Some(fen * (i64::from(wage.credits) - i64::from(wage.returns)))
            });
            let (left, told) = accounts.entry(&batch.account).or_insert((0, true));
            *left += batch.total - moved.sum::<i64>();
            *told &= self.wages_are_told(batch);
        }
        let mut found = Vec::new();
        for (account, (left, told)) in accounts {
            let balance: i64 =
                sqlx::query_scalar("SELECT balance_fen FROM special_account WHERE number = $1")
                    .bind(account)
                    .fetch_one(&mut self.books)
                    .await?;
            if told && balance != left {
                let what = format!("account {account} holds {balance}, and {left} should be left");
                found.push(Finding {
                    harm: Harm::WrongOutcome,
                    what,
                });
            }
        }
        Ok(found)
    }

    /// What is nobody's must be before people.
    async fn judge_suspense(&mut self, banks: &[Bank]) -> Result<Option<Finding>, Failure> {
        let parked: i64 = sqlx::query_scalar("SELECT count(DISTINCT raw_id) FROM suspense")
            .fetch_one(&mut self.books)
            .await?;
        let strangers: u64 = banks.iter().map(|bank| bank.strangers).sum();
        let what = format!("{strangers} documents were nobody's and {parked} are in suspense");
        let less = u64::try_from(parked).unwrap_or(0) < strangers;
        Ok(less.then_some(Finding {
            harm: Harm::Lost,
            what,
        }))
    }

    /// A contradicted wage stands with its first word in the account until people decide.
    fn wages_are_told(&self, batch: &Waiting) -> bool {
        let contradicted = self
            .last
            .outcomes
            .values()
            .any(|outcome| *outcome == Outcome::Contradicted);
        !contradicted
            && batch
                .wages
                .iter()
                .all(|(card, _)| self.wages.contains_key(card))
    }
}

async fn open(database: &Path) -> Result<SqliteConnection, Failure> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .pragma("query_only", "ON");
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// What an instruction may become in one step: the table's arrows, and several of them in a row.
const fn may_become(was: State, is: State) -> bool {
    match was {
        State::Planned | State::Sending => true,
        State::InDoubt => match is {
            State::InDoubt | State::Accepted | State::Refused => true,
            // At a bank that refuses duplicates, after its last word: judged when it leaves.
            State::Planned | State::Sending => true,
        },
        State::Accepted => matches!(is, State::Accepted),
        State::Refused => matches!(is, State::Refused),
    }
}

/// What the fold may make of an outcome.
const fn may_follow(was: Outcome, is: Outcome) -> bool {
    match was {
        Outcome::Open => true,
        Outcome::Paid => matches!(
            is,
            Outcome::Paid | Outcome::Returned(_) | Outcome::Contradicted
        ),
        Outcome::Failed(_) => matches!(
            is,
            Outcome::Failed(_) | Outcome::Returned(_) | Outcome::Contradicted
        ),
        Outcome::Contradicted => matches!(is, Outcome::Contradicted | Outcome::Returned(_)),
        Outcome::Returned(_) => matches!(is, Outcome::Returned(_)),
    }
}
