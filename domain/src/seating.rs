//! A batch's rows in one pass: the hash of all, and each part that they are split into with the hash of its own rows. What is previewed, what is
//! planned and what is built are compared by these.

use std::collections::BTreeMap;

use crate::batch::{Content, ContentHasher, WageRow};
use crate::money::Fen;
use crate::period::PayMonth;
use crate::plan::{Limits, Splitter, is_own};

/// Takes the rows of a batch one by one, in row order; holds none of them.
#[derive(Debug)]
pub struct Seating<'a> {
    prefix: &'a str,
    limits: Limits,
    splitter: Splitter,
    empty: ContentHasher,
    whole: ContentHasher,
    open: BTreeMap<u32, OpenPart>,
    closed: Vec<Part>,
    unseated: (u64, Fen),
}

#[derive(Debug)]
struct OpenPart {
    apart: bool,
    first_row: u32,
    last_row: u32,
    hasher: ContentHasher,
}

/// One part of a batch: what one instruction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// Count, sum and hash of its rows alone.
    pub content: Content,
    /// True for the paying bank's own cards, where they travel apart.
    pub apart: bool,
    /// Its first and last row: between them lie rows of the other lane only.
    pub first_row: u32,
    /// See `first_row`.
    pub last_row: u32,
}

/// A batch as it is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seated {
    /// Of all rows.
    pub content: Content,
    /// In the order of their numbers.
    pub parts: Vec<Part>,
    /// Count and sum of the rows that fit no instruction of the bank: they stay held.
    pub unseated: (u64, Fen),
}

impl<'a> Seating<'a> {
    /// Begins with what stands over the rows, the bank's limits, and how the numbers of its own cards begin.
    pub fn new(
        (project, special_account, month): (&str, &str, PayMonth),
        limits: Limits,
        own_prefix: &'a str,
    ) -> Self {
        let empty = ContentHasher::new(project, special_account, month);
        Self {
            prefix: own_prefix,
            limits,
            splitter: Splitter::new(limits),
            whole: empty.clone(),
            empty,
            open: BTreeMap::new(),
            closed: Vec::new(),
            unseated: (0, Fen::ZERO),
        }
    }

    /// Adds the next row; `None` when a sum leaves 64 bits.
    pub fn add(&mut self, row: &WageRow) -> Option<()> {
        self.whole.add(row)?;
        let own = is_own(row.cnaps.as_ref().map(|cnaps| cnaps.as_str()), self.prefix);
        let Ok(seat) = self.splitter.seat(row.amount, own) else {
            self.unseated = (
                self.unseated.0 + 1,
                self.unseated.1.checked_add(row.amount)?,
            );
            return Some(());
        };
        if !self.open.contains_key(&seat.part) {
            self.begin(seat.part, self.limits.own_bank_apart && own, row.row);
        }
        let part = self.open.get_mut(&seat.part)?;
        part.last_row = row.row;
        part.hasher.add(row)
    }

    /// A new part of a lane closes the one before it.
    fn begin(&mut self, number: u32, apart: bool, first_row: u32) {
        let before = self.open.iter().find(|(_, part)| part.apart == apart);
        if let Some(before) = before.map(|(number, _)| *number) {
            self.close(before);
        }
        let part = OpenPart {
            apart,
            first_row,
            last_row: first_row,
            hasher: self.empty.clone(),
        };
        self.open.insert(number, part);
    }

    fn close(&mut self, number: u32) {
        if let Some(part) = self.open.remove(&number) {
            self.closed.push(Part {
                number,
                content: part.hasher.finish(),
                apart: part.apart,
                first_row: part.first_row,
                last_row: part.last_row,
            });
        }
    }

    /// No row is left.
    pub fn finish(mut self) -> Seated {
        while let Some((number, _)) = self.open.first_key_value() {
            self.close(*number);
        }
        self.closed.sort_by_key(|part| part.number);
        Seated {
            content: self.whole.finish(),
            parts: self.closed,
            unseated: self.unseated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BankAccount, Cnaps, IdNumber, PersonName};
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        rows_max: 3,
        total_fen_max: Some(1_000),
        item_fen_max: None,
        own_bank_apart: true,
    };

    fn row(number: u32, fen: i64, own: bool) -> WageRow {
        WageRow {
            row: number,
            name: PersonName::parse("李晓明").unwrap(),
            id_number: IdNumber::parse("11010519491231002X").unwrap(),
            account: BankAccount::parse("6225881414207430").unwrap().0,
            cnaps: own.then(|| Cnaps::parse("402731000018").unwrap()),
            amount: Fen::new(fen),
        }
    }

    fn head() -> (&'static str, &'static str, PayMonth) {
        ("P1", "1234567890", PayMonth::parse("2026-10").unwrap())
    }

    fn seated(rows: &[WageRow], limits: Limits) -> Seated {
        let mut seating = Seating::new(head(), limits, "402731000018");
        rows.iter().for_each(|row| seating.add(row).unwrap());
        seating.finish()
    }

    proptest! {
        /// Every row is in one part or in none because it is too large, and a part's content is that of a batch with its rows alone.
        #[test]
        fn a_part_is_what_a_batch_of_its_rows_would_be(wages in prop::collection::vec((1_i64..1_200, any::<bool>()), 1..40)) {
            let rows: Vec<_> = (1..).zip(&wages).map(|(number, (fen, own))| row(number, *fen, *own)).collect();
            let whole = seated(&rows, LIMITS);
            let (mut count, mut total) = whole.unseated;
            for part in &whole.parts {
                let own: Vec<_> = rows
                    .iter()
                    .filter(|row| (part.first_row..=part.last_row).contains(&row.row) && row.cnaps.is_some() == part.apart && LIMITS.takes(row.amount))
                    .cloned()
                    .collect();
                let wide = Limits { rows_max: 1_000, total_fen_max: None, ..LIMITS };
                prop_assert_eq!(seated(&own, wide).content, part.content);
                count += part.content.rows;
                total = total.checked_add(part.content.total).unwrap();
            }
            prop_assert_eq!((count, total), (whole.content.rows, whole.content.total));
        }
    }
}
