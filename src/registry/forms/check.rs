//! First pass: every problem of every worker, and of all of them together.

use std::collections::HashMap;

use jiff::ToSpan as _;
use wagegate_domain::PayMonth;

use super::{
    FormsError, Read, RosterExpectation, Seen,
    entry::{Entry, Field},
    flaw::RosterFlaw,
    row::{Parts, parse},
};
use crate::intake::{
    Flaw, Problem, Refused,
    check::{AGE_MIN, LISTED, first},
    row::Flawed,
};

/// Workers in one roster, at most: no site has as many.
const ROWS_MAX: u64 = 200_000;

/// Problems up to a limit, and their number.
#[derive(Default)]
struct List {
    listed: Vec<Problem>,
    total: u64,
}

impl List {
    fn push(&mut self, problem: Problem) {
        self.total += 1;
        if self.listed.len() < LISTED {
            self.listed.push(problem);
        }
    }
}

pub(super) struct Checker<'a> {
    expect: &'a RosterExpectation<'a>,
    rows: u64,
    workers: HashMap<[u8; 16], u32>,
    cards: HashMap<[u8; 16], u32>,
    stopping: List,
    odd: List,
}

impl<'a> Checker<'a> {
    pub(super) fn new(expect: &'a RosterExpectation<'a>) -> Self {
        Self {
            expect,
            rows: 0,
            workers: HashMap::new(),
            cards: HashMap::new(),
            stopping: List::default(),
            odd: List::default(),
        }
    }

    pub(super) fn take(&mut self, seen: Seen) -> Result<(), FormsError> {
        match seen {
            Seen::Worker(entry) => self.worker(&entry)?,
            Seen::Problem(problem) => self.list(problem),
        }
        Ok(())
    }

    /// Everything that is wrong with one worker, not only the first thing.
    fn worker(&mut self, entry: &Entry) -> Result<(), FormsError> {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(FormsError::TooLarge);
        }
        let (parts, mut flaws) = parse(entry);
        flaws.extend(self.dates(entry, &parts));
        flaws.extend(self.again(entry, &parts));
        for (column, flaw) in flaws {
            self.list(Problem {
                sheet: entry.sheet.clone(),
                row: entry.place.row,
                column,
                flaw,
            });
        }
        Ok(())
    }

    fn dates(&self, entry: &Entry, parts: &Parts) -> Vec<Flawed> {
        let today = self.expect.today;
        let mut flaws: Vec<(Field, Flaw)> = Vec::new();
        let left_on = parts.left_on.flatten();
        for (field, date) in [
            (Field::EnteredOn, parts.entered_on),
            (Field::LeftOn, left_on),
        ] {
            if date.is_some_and(|date| date > today) {
                flaws.push((field, RosterFlaw::DateFuture.into()));
            }
        }
        if left_on
            .zip(parts.entered_on)
            .is_some_and(|(left, entered)| left < entered)
        {
            flaws.push((Field::LeftOn, RosterFlaw::LeftBeforeEntered.into()));
        }
        if let (Some(id_number), Some(entered_on)) = (&parts.id_number, parts.entered_on) {
            let of_age = id_number.birth_date().saturating_add(AGE_MIN.years());
            if of_age > entered_on {
                flaws.push((Field::IdNumber, Flaw::UnderAge));
            }
        }
        let this_month = PayMonth::of(today).ok();
        if parts
            .attendance
            .iter()
            .any(|(month, _)| Some(*month) > this_month)
        {
            flaws.push((Field::Month, RosterFlaw::MonthFuture.into()));
        }
        let named = |(field, flaw)| (entry.column(field), flaw);
        flaws.into_iter().map(named).collect()
    }

    /// In the roster already, by number or by card.
    fn again(&mut self, entry: &Entry, parts: &Parts) -> Vec<Flawed> {
        let mut flaws = Vec::new();
        let mut same_worker = false;
        if let Some(id_number) = &parts.id_number
            && let Some(first) = first(&mut self.workers, id_number.clear(), entry.place)
        {
            same_worker = true;
            let flaw = RosterFlaw::WorkerTwice { first };
            flaws.push((entry.column(Field::IdNumber), flaw.into()));
        }
        if let Some(Some(card)) = &parts.card
            && let Some(first) = first(&mut self.cards, card.account.clear(), entry.place)
            && !same_worker
        {
            flaws.push((entry.column(Field::Card), Flaw::CardOfTwo { first }));
        }
        flaws
    }

    fn list(&mut self, problem: Problem) {
        if problem.flaw.stops() {
            self.stopping.push(problem);
        } else {
            self.odd.push(problem);
        }
    }

    pub(super) fn finish(mut self) -> Result<Read, FormsError> {
        if self.rows == 0 && self.stopping.total == 0 {
            self.list(Problem {
                sheet: String::new(),
                row: 0,
                column: String::new(),
                flaw: Flaw::NoRows,
            });
        }
        let List { listed, total } = self.stopping;
        if total > 0 {
            return Err(FormsError::Refused(Refused {
                problems: listed,
                total,
                warnings: self.odd.listed,
            }));
        }
        Ok(Read {
            rows: self.rows,
            warnings: self.odd.listed,
            warnings_total: self.odd.total,
        })
    }
}
