//! The bank itself: special accounts, instructions taken, the ledger, and documents waiting to be pushed.
//! It knows no wire and no clock; `server` and `control` drive it.

mod returning;
mod taking;
mod working;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::behaviour::Behaviour;
use crate::clock::Stamp;
use crate::dialect::Dialect;
use crate::instruction::{Instruction, Refusal};
use crate::ledger::{Ledger, Summary};
use crate::money::Fen;
use crate::push::{Push, PushPath};
use crate::reason::Reason;

pub use returning::{Notice, Returned};
pub use working::{Outcome, RowState};

/// One bank with all its state.
#[derive(Debug)]
pub struct Bank {
    /// Which bank it is: `qingshan`, `bishui`, or any other code.
    pub code: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// What it does when.
    pub behaviour: Behaviour,
    /// What was paid.
    pub ledger: Ledger,
    /// Documents waiting to be pushed, oldest first.
    pub outbox: VecDeque<Push>,
    seed: u64,
    pushes: bool,
    accounts: BTreeMap<String, Account>,
    taken: Vec<Taken>,
    latest: HashMap<String, usize>,
    due: Vec<returning::Due>,
    notices: Vec<Notice>,
    today: Option<String>,
}

/// A special account kept at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Account number.
    pub account: String,
    /// Name of the holder, a firm or project.
    pub name: String,
    /// Money on it.
    pub balance_fen: Fen,
    /// The part of it that instructions not yet worked on will need.
    #[serde(default, skip_deserializing)]
    pub held_fen: Fen,
}

/// Money arriving on a special account, as it is told to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// Account number.
    pub account: String,
    /// Amount, above zero.
    pub amount_fen: Fen,
    /// Unique at this bank.
    pub reference: String,
    /// `2026-11-02`; today when the caller leaves it out.
    #[serde(default)]
    pub value_date: String,
}

/// Why an account or a deposit is not accepted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AccountError {
    /// The number is in use.
    #[error("the account is already open")]
    Open,
    /// There is no such account.
    #[error("the bank keeps no such account; open it with POST /accounts")]
    Unknown,
    /// Nought, negative, or past what can be counted.
    #[error("the amount must be above zero fen and keep the balance countable")]
    Amount,
}

/// What became of an instruction on arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking {
    /// Taken: every row will be worked on.
    Taken,
    /// The reference came before; nothing new is done.
    Duplicate,
    /// Refused whole; nothing is debited and no record is kept.
    Refused(Refusal),
}

/// The days between which a bank shall look for an instruction, both included, such as `2026-11-02`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// The first.
    pub from: String,
    /// The last.
    pub to: String,
}

impl Between {
    /// Days written so are in order when their texts are.
    fn has(&self, day: &str) -> bool {
        (self.from.as_str()..=self.to.as_str()).contains(&day)
    }
}

/// What the bank says about an instruction.
#[derive(Clone, Debug)]
pub enum Progress {
    /// No record of it.
    Unknown,
    /// Taken, the work has not begun.
    Waiting,
    /// The work has begun.
    Working,
    /// Finished.
    Done(Outcome),
}

#[derive(Debug)]
struct Taken {
    instruction: Instruction,
    total: Fen,
    polls_left: u32,
    ready_at: Instant,
    /// The bank's day on which it came.
    on: String,
    results: Option<Vec<Option<Reason>>>,
}

impl Bank {
    /// A bank without accounts. With `pushes` it fills the outbox.
    #[must_use]
    pub fn new(
        code: String,
        dialect: Dialect,
        behaviour: Behaviour,
        seed: u64,
        pushes: bool,
    ) -> Self {
        Self {
            code,
            dialect,
            behaviour,
            ledger: Ledger::default(),
            outbox: VecDeque::new(),
            seed,
            pushes,
            accounts: BTreeMap::new(),
            taken: Vec::new(),
            latest: HashMap::new(),
            due: Vec::new(),
            notices: Vec::new(),
            today: None,
        }
    }

    /// Says which day it is at the bank, such as `2026-11-02`, until it is told another; before that it is the wall clock's.
    pub fn set_today(&mut self, day: String) {
        self.today = Some(day);
    }

    fn today(&self) -> String {
        self.today.clone().unwrap_or_else(|| Stamp::now().date())
    }

    /// Opens an account; its opening balance, if any, is told as a deposit.
    ///
    /// # Errors
    /// The number is in use or the balance negative.
    pub fn open(&mut self, account: Account) -> Result<(), AccountError> {
        if self.accounts.contains_key(&account.account) {
            return Err(AccountError::Open);
        }
        if account.balance_fen < Fen::ZERO {
            return Err(AccountError::Amount);
        }
        if account.balance_fen > Fen::ZERO {
            let reference = format!("OPEN{}", account.account);
            let (account, amount_fen) = (account.account.clone(), account.balance_fen);
            self.tell(&Deposit {
                account,
                amount_fen,
                reference,
                value_date: Stamp::now().date(),
            });
        }
        self.accounts.insert(account.account.clone(), account);
        Ok(())
    }

    /// Puts money on an account and tells the gateway.
    ///
    /// # Errors
    /// There is no such account, or the amount makes no sense.
    pub fn deposit(&mut self, mut deposit: Deposit) -> Result<(), AccountError> {
        let account = self
            .accounts
            .get_mut(&deposit.account)
            .ok_or(AccountError::Unknown)?;
        if deposit.amount_fen <= Fen::ZERO {
            return Err(AccountError::Amount);
        }
        account.balance_fen = account
            .balance_fen
            .plus(deposit.amount_fen)
            .ok_or(AccountError::Amount)?;
        if deposit.value_date.is_empty() {
            deposit.value_date = Stamp::now().date();
        }
        self.tell(&deposit);
        Ok(())
    }

    /// The accounts, by number.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Totals of the ledger.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.ledger.summary(self.taken.len() as u64)
    }

    fn tell(&mut self, deposit: &Deposit) {
        let body = serde_json::to_vec(deposit).expect("plain fields always become JSON");
        self.send(Push {
            path: PushPath::Deposits,
            content_type: "application/json",
            body,
        });
    }

    fn send(&mut self, push: Push) {
        if self.pushes {
            self.outbox.push_back(push);
        }
    }
}
