//! Payments that succeed and come back: planned when the row is paid, credited when they fall due, told in numbered notices.

use std::collections::BTreeMap;

use super::Bank;
use super::working::entry;
use crate::instruction::{Instruction, Row};
use crate::ledger::EntryKind;
use crate::money::Fen;
use crate::push::{Push, PushPath};
use crate::reason::Reason;

/// One payment that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The instruction's reference.
    pub reference: String,
    /// The row as it was instructed.
    pub row: Row,
    /// Why.
    pub reason: Reason,
}

/// Payments that came back onto one account together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number, from 1; the cursor of whoever collects.
    pub number: u64,
    /// The special account credited.
    pub account: String,
    /// The payments.
    pub returns: Vec<Returned>,
}

impl Notice {
    /// The sum credited.
    #[must_use]
    pub fn total(&self) -> Fen {
        Fen::sum(self.returns.iter().map(|returned| returned.row.amount))
            .expect("no more comes back than was debited")
    }
}

#[derive(Debug)]
pub(super) struct Due {
    polls_left: u32,
    debtor: String,
    returned: Returned,
}

impl Bank {
    /// The first notice after number `after`, if any; asking is itself a step towards the next ones.
    pub fn collect(&mut self, after: u64) -> Option<Notice> {
        self.execute_ready();
        let found = self
            .notices
            .iter()
            .find(|notice| notice.number > after)
            .cloned();
        self.pass(1);
        found
    }

    pub(super) fn plan_return(&mut self, instruction: &Instruction, row: &Row) {
        let settled = self
            .behaviour
            .payee
            .iter()
            .find(|payee| payee.account == row.account)
            .map(|payee| payee.reason);
        let drawn = || {
            self.chance(&instruction.reference).reason(
                "return",
                row.number,
                &self.behaviour.late_return,
            )
        };
        if let Some(reason) = settled.or_else(drawn) {
            let returned = Returned {
                reference: instruction.reference.clone(),
                row: row.clone(),
                reason,
            };
            let polls_left = self.behaviour.returns_after_polls;
            self.due.push(Due {
                polls_left,
                debtor: instruction.debtor.clone(),
                returned,
            });
        }
    }

    /// Counts `polls` steps down and credits what has fallen due: one notice for each account.
    pub(super) fn pass(&mut self, polls: u32) {
        let mut fallen: BTreeMap<String, Vec<Returned>> = BTreeMap::new();
        for mut due in std::mem::take(&mut self.due) {
            due.polls_left = due.polls_left.saturating_sub(polls);
            if due.polls_left == 0 {
                fallen.entry(due.debtor).or_default().push(due.returned);
            } else {
                self.due.push(due);
            }
        }
        for (account, returns) in fallen {
            self.credit(account, returns);
        }
    }

    fn credit(&mut self, account: String, returns: Vec<Returned>) {
        for returned in &returns {
            if let Some(kept) = self.accounts.get_mut(&account) {
                kept.balance_fen = kept
                    .balance_fen
                    .plus(returned.row.amount)
                    .unwrap_or(kept.balance_fen);
            }
            self.ledger.post(entry(
                EntryKind::Return,
                &returned.reference,
                &account,
                &returned.row,
            ));
        }
        self.ledger.flush();
        let number = self.notices.len() as u64 + 1;
        let notice = Notice {
            number,
            account,
            returns,
        };
        if self.pushes && self.behaviour.push_returns {
            let body = self.dialect.notice(&notice);
            self.send(Push {
                path: PushPath::Returns,
                content_type: self.dialect.content_type(),
                body,
            });
        }
        self.notices.push(notice);
    }
}
