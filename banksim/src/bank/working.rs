//! Working on instructions: each row is paid or fails, by chance that repeats; then the result is known and may be pushed.

use std::time::Instant;

use super::{Bank, Between, Progress};
use crate::behaviour::ResultOrder;
use crate::chance::Chance;
use crate::instruction::{Instruction, Row};
use crate::ledger::{Entry, EntryKind};
use crate::money::Fen;
use crate::push::{Push, PushPath};
use crate::reason::Reason;

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// Paid.
    Paid,
    /// Not paid.
    Failed(Reason),
    /// Not told yet, in a result that comes in parts.
    Working,
}

/// An instruction's result, or one part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The instruction's reference.
    pub reference: String,
    /// The message name it came as.
    pub message_name: String,
    /// Every row with its state, in the order the bank lists them.
    pub rows: Vec<(Row, RowState)>,
}

impl Outcome {
    /// Rows in one state and their sum.
    #[must_use]
    pub fn tally(&self, wanted: impl Fn(RowState) -> bool) -> (usize, Fen) {
        let amounts: Vec<Fen> = self
            .rows
            .iter()
            .filter(|(_, state)| wanted(*state))
            .map(|(row, _)| row.amount)
            .collect();
        (
            amounts.len(),
            Fen::sum(amounts).expect("the instruction's sum was counted when it was taken"),
        )
    }

    /// Part `part` of `parts`: the rows of the other parts are shown as being worked on.
    #[must_use]
    fn part(&self, part: u32, parts: u32) -> Self {
        let mut outcome = self.clone();
        for (index, (_, state)) in (0..parts).cycle().zip(&mut outcome.rows) {
            if index != part {
                *state = RowState::Working;
            }
        }
        outcome
    }
}

impl Bank {
    /// Answers a status query; the answer "in progress" is itself a step of the work. Asked about days, the bank has no record of what came on
    /// another.
    pub fn query(&mut self, reference: &str, between: Option<&Between>) -> Progress {
        let Some(index) = self.latest.get(reference).copied() else {
            return Progress::Unknown;
        };
        if between.is_some_and(|days| !days.has(&self.taken[index].on)) {
            return Progress::Unknown;
        }
        self.execute_ready();
        let taken = &mut self.taken[index];
        if let Some(results) = &taken.results {
            return Progress::Done(outcome(
                &taken.instruction,
                results,
                self.seed,
                self.behaviour.result_order,
            ));
        }
        let waiting = taken.polls_left > 1;
        taken.polls_left = taken.polls_left.saturating_sub(1);
        self.execute_ready();
        if waiting {
            Progress::Waiting
        } else {
            Progress::Working
        }
    }

    /// Lets the bank's own time pass by a number of steps: work gets done and returns fall due.
    pub fn advance(&mut self, polls: u32) {
        for taken in &mut self.taken {
            taken.polls_left = taken.polls_left.saturating_sub(polls);
        }
        self.pass(polls);
        self.execute_ready();
    }

    /// Finishes all work and makes every return due, whatever the settings say about time.
    pub fn finish(&mut self) {
        for taken in &mut self.taken {
            taken.polls_left = 0;
            taken.ready_at = Instant::now();
        }
        self.execute_ready();
        self.pass(u32::MAX);
    }

    /// Works on every instruction whose turn has come.
    pub fn execute_ready(&mut self) {
        let now = Instant::now();
        for index in 0..self.taken.len() {
            let taken = &self.taken[index];
            if taken.results.is_none() && taken.polls_left == 0 && taken.ready_at <= now {
                self.execute(index);
            }
        }
    }

    fn execute(&mut self, index: usize) {
        let instruction = self.taken[index].instruction.clone();
        let results: Vec<_> = instruction
            .rows
            .iter()
            .map(|row| self.failure(&instruction, row))
            .collect();
        if let Some(account) = self.accounts.get_mut(&instruction.debtor) {
            account.held_fen = account
                .held_fen
                .minus(self.taken[index].total)
                .unwrap_or_default();
        }
        for (row, result) in instruction.rows.iter().zip(&results) {
            if result.is_none() {
                self.debit(&instruction, row);
                self.plan_return(&instruction, row);
            }
        }
        self.ledger.flush();
        self.push_result(&outcome(
            &instruction,
            &results,
            self.seed,
            self.behaviour.result_order,
        ));
        self.taken[index].results = Some(results);
        self.pass(0);
    }

    fn failure(&self, instruction: &Instruction, row: &Row) -> Option<Reason> {
        if let Some(payee) = self
            .behaviour
            .payee
            .iter()
            .find(|payee| payee.account == row.account)
        {
            return (!payee.late).then_some(payee.reason);
        }
        self.chance(&instruction.reference)
            .reason("fail", row.number, &self.behaviour.fail)
    }

    fn debit(&mut self, instruction: &Instruction, row: &Row) {
        if let Some(account) = self.accounts.get_mut(&instruction.debtor) {
            account.balance_fen = account
                .balance_fen
                .minus(row.amount)
                .expect("the sum was on the account and held");
        }
        self.ledger.post(entry(
            EntryKind::Debit,
            &instruction.reference,
            &instruction.debtor,
            row,
        ));
    }

    fn push_result(&mut self, whole: &Outcome) {
        if !(self.pushes && self.behaviour.push_results) {
            return;
        }
        let parts = self.behaviour.split_results;
        let copies = if self.behaviour.duplicate_results {
            2
        } else {
            1
        };
        for part in (0..parts).rev() {
            let body = self.dialect.result(
                &if parts == 1 {
                    whole.clone()
                } else {
                    whole.part(part, parts)
                },
                self.behaviour.list,
            );
            let push = Push {
                path: PushPath::Returns,
                content_type: self.dialect.content_type(),
                body,
            };
            (0..copies).for_each(|_| self.send(push.clone()));
        }
    }

    pub(super) fn chance<'a>(&self, reference: &'a str) -> Chance<'a> {
        Chance {
            seed: self.seed,
            reference,
        }
    }
}

pub(super) fn entry(kind: EntryKind, reference: &str, debtor: &str, row: &Row) -> Entry {
    Entry {
        seq: 0,
        kind,
        reference: reference.to_owned(),
        row_ref: row.row_ref.clone(),
        account: debtor.to_owned(),
        payee_account: row.account.clone(),
        amount_fen: row.amount,
        at: String::new(),
    }
}

fn outcome(
    instruction: &Instruction,
    results: &[Option<Reason>],
    seed: u64,
    order: ResultOrder,
) -> Outcome {
    let state = |result: &Option<Reason>| result.map_or(RowState::Paid, RowState::Failed);
    let mut rows: Vec<_> = instruction
        .rows
        .iter()
        .cloned()
        .zip(results.iter().map(state))
        .collect();
    let chance = Chance {
        seed,
        reference: &instruction.reference,
    };
    match order {
        ResultOrder::File => {}
        ResultOrder::Shuffled => {
            rows.sort_by_cached_key(|(row, _)| chance.draw("order", row.number))
        }
    }
    let (reference, message_name) = (
        instruction.reference.clone(),
        instruction.message_name.clone(),
    );
    Outcome {
        reference,
        message_name,
        rows,
    }
}
