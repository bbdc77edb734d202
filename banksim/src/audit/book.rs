//! The audit's own book: what each instructed row moved at its bank, and which outcome owns it.

use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;
use std::path::Path;

use super::csv::Records;
use super::{AuditError, Report};
use crate::ledger::{Entry, EntryKind};
use crate::money::Fen;

/// Ledgers and outcomes, matched row by row.
#[derive(Debug, Default)]
pub struct Book {
    banks: BTreeSet<String>,
    positions: HashMap<Key, Position>,
    items: HashMap<(String, String), Item>,
    report: Report,
}

type Key = (String, String, String);

#[derive(Debug, Default)]
struct Position {
    debits: u32,
    returns: u32,
    net: Fen,
    owned: bool,
}

#[derive(Debug, Default)]
struct Item {
    unreturned: u32,
    counted: bool,
}

struct Outcome {
    item: (String, String),
    key: Key,
    sequence: String,
    amount: Fen,
    word: String,
}

impl Book {
    /// Reads one bank's ledger, JSON lines.
    ///
    /// # Errors
    /// A line that is not a ledger entry, or sums that cannot be counted.
    pub fn read_ledger(
        &mut self,
        code: &str,
        file: &Path,
        lines: impl BufRead,
    ) -> Result<(), AuditError> {
        self.banks.insert(code.to_owned());
        for (line, record) in lines.lines().zip(1_u64..) {
            let line = line.map_err(|error| AuditError::File(file.to_owned(), error))?;
            let entry: Entry = serde_json::from_str(&line).map_err(|error| AuditError::Line {
                file: file.to_owned(),
                record,
                what: error.to_string(),
            })?;
            self.post(code, entry)?;
        }
        Ok(())
    }

    fn post(&mut self, code: &str, entry: Entry) -> Result<(), AuditError> {
        let position = self
            .positions
            .entry((code.to_owned(), entry.reference, entry.row_ref))
            .or_default();
        let amount = match entry.kind {
            EntryKind::Debit => {
                position.debits += 1;
                entry.amount_fen
            }
            EntryKind::Return => {
                position.returns += 1;
                Fen::ZERO.minus(entry.amount_fen).ok_or(AuditError::Sum)?
            }
        };
        position.net = position.net.plus(amount).ok_or(AuditError::Sum)?;
        self.report.bank_paid_fen = self
            .report
            .bank_paid_fen
            .plus(amount)
            .ok_or(AuditError::Sum)?;
        Ok(())
    }

    /// Reads the outcomes, CSV; every ledger must have been read before.
    ///
    /// # Errors
    /// A missing column, a line that is not understood, or a bank without a ledger.
    pub fn read_outcomes(&mut self, file: &Path, text: impl BufRead) -> Result<(), AuditError> {
        let wrong = |record, what: String| AuditError::Line {
            file: file.to_owned(),
            record,
            what,
        };
        let mut records = Records::new(text).map_err(|error| wrong(1, error.to_string()))?;
        let columns = columns(&records).map_err(|what| wrong(1, what))?;
        loop {
            let fields = records
                .next()
                .map_err(|error| wrong(records.read, error.to_string()))?;
            let Some(fields) = fields else { return Ok(()) };
            let outcome = outcome(&fields, &columns).map_err(|what| wrong(records.read, what))?;
            if !outcome.key.1.is_empty() && !self.banks.contains(&outcome.key.0) {
                return Err(wrong(
                    records.read,
                    format!("no ledger was given for bank {}", outcome.key.0),
                ));
            }
            self.own(outcome)
                .map_err(|what| wrong(records.read, what))?;
        }
    }

    fn own(&mut self, outcome: Outcome) -> Result<(), String> {
        let (bank, key, reference) = &outcome.key;
        let label = format!("{bank}/{key}/{reference}");
        let by_number = || {
            (
                bank.clone(),
                key.clone(),
                format!("{:0>7}", outcome.sequence),
            )
        };
        let found = if self.positions.contains_key(&outcome.key) {
            outcome.key.clone()
        } else {
            by_number()
        };
        let mut net = Fen::ZERO;
        if let Some(position) = self.positions.get_mut(&found) {
            if std::mem::replace(&mut position.owned, true) {
                self.report
                    .lost
                    .add(|| format!("{label}: two outcomes own one payment"));
            }
            net = position.net;
            let item = self.items.entry(outcome.item).or_default();
            item.unreturned += position.debits.saturating_sub(position.returns);
            if (item.unreturned > 1 || position.debits > 1)
                && !std::mem::replace(&mut item.counted, true)
            {
                self.report.double_paid.add(|| label.clone());
            }
        }
        self.judge(&outcome.word, outcome.amount, net, &label)
    }

    fn judge(&mut self, word: &str, amount: Fen, net: Fen, label: &str) -> Result<(), String> {
        let expected = match word {
            "paid" => {
                let sum = self.report.our_paid_fen.plus(amount);
                self.report.our_paid_fen = sum.ok_or("the sums exceed what can be counted")?;
                amount
            }
            "failed" | "returned" | "held" => Fen::ZERO,
            "in_flight" | "in_doubt" => {
                self.report.unsettled += 1;
                return Ok(());
            }
            other => return Err(format!("unknown outcome {other:?}")),
        };
        if net != expected {
            self.report.lost.add(|| {
                format!("{label}: outcome {word} over {amount} fen, the bank's net is {net} fen")
            });
        }
        Ok(())
    }

    /// The findings, with the payments that no outcome owns.
    #[must_use]
    pub fn report(mut self) -> Report {
        let mut unowned: Vec<_> = self
            .positions
            .iter()
            .filter(|(_, position)| !position.owned)
            .collect();
        unowned.sort_by_key(|(key, _)| *key);
        for ((bank, key, row), position) in unowned {
            let label = format!("{bank}/{key}/{row}");
            self.report.lost.add(|| {
                format!(
                    "{label}: no outcome owns it, the bank's net is {} fen",
                    position.net
                )
            });
            if position.debits > 1 {
                self.report.double_paid.add(|| label.clone());
            }
        }
        self.report
    }
}

const COLUMNS: [&str; 8] = [
    "batch",
    "row",
    "bank",
    "bank_key",
    "sequence",
    "reference",
    "amount_fen",
    "outcome",
];

fn columns<R: BufRead>(records: &Records<R>) -> Result<[usize; 8], String> {
    let mut places = [0; 8];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = records
            .column(name)
            .ok_or_else(|| format!("the column {name} is missing"))?;
    }
    Ok(places)
}

fn outcome(fields: &[String], columns: &[usize; 8]) -> Result<Outcome, String> {
    let [
        batch,
        row,
        bank,
        bank_key,
        sequence,
        reference,
        amount,
        word,
    ] = columns.map(|place| fields[place].clone());
    let amount =
        Fen::from_fen(&amount).ok_or_else(|| format!("amount_fen {amount:?} is not whole fen"))?;
    Ok(Outcome {
        item: (batch, row),
        key: (bank, bank_key, reference),
        sequence,
        amount,
        word,
    })
}
