//! What a check has to say, as it comes: problems that stop a sheet, what is odd in it, and why rows were left out of it.

use std::rc::Rc;

use super::{
    cells::{Line, Tab},
    header::{Columns, Field},
    place::Place,
    problem::{Flaw, Problem},
    row::Flawed,
};
use crate::store::LeftOut;

/// Where a row stands, for what is said of it now or later.
pub(super) struct Spot {
    pub(super) tab: Rc<Tab>,
    pub(super) columns: Rc<Columns>,
    pub(super) place: Place,
    pub(super) left_out: bool,
    /// Something stands against it already.
    pub(super) flawed: bool,
}

/// Problems up to a limit, and their number.
#[derive(Default)]
struct List {
    listed: Vec<((u32, u32), Problem)>,
    total: u64,
}

impl List {
    fn in_order(mut self) -> (Vec<Problem>, u64) {
        self.listed.sort_by_key(|(at, _)| *at);
        let problems = self.listed.into_iter().map(|(_, problem)| problem);
        (problems.collect(), self.total)
    }
}

/// Everything that was said of a sheet.
pub(super) struct Report {
    listed_max: usize,
    stopping: List,
    odd: List,
    left_out: Vec<LeftOut>,
}

/// A report that is closed: lists in the order of the sheet, and how long they would be.
pub(super) struct Closed {
    pub(super) problems: (Vec<Problem>, u64),
    pub(super) warnings: (Vec<Problem>, u64),
    pub(super) left_out: Vec<LeftOut>,
}

impl Report {
    pub(super) fn new(listed_max: usize) -> Self {
        Self {
            listed_max,
            stopping: List::default(),
            odd: List::default(),
            left_out: Vec::new(),
        }
    }

    /// True as long as nothing stops the sheet.
    pub(super) const fn is_clean(&self) -> bool {
        self.stopping.total == 0
    }

    /// What is wrong with a field of a row.
    pub(super) fn field(&mut self, spot: &mut Spot, (field, flaw): (Field, Flaw)) {
        let column = spot.columns.header(field).to_owned();
        self.row(spot, (column, flaw));
    }

    /// What is wrong with a row; of one that is left out, it is kept as the reason.
    pub(super) fn row(&mut self, spot: &mut Spot, (column, flaw): Flawed) {
        spot.flawed |= flaw.stops();
        if !spot.left_out {
            let (tab, row) = (Rc::clone(&spot.tab), spot.place.row);
            self.list(&tab, row, column, flaw);
        } else if flaw.stops() {
            let (row, code) = (spot.place.number(), flaw.code().to_owned());
            self.left_out.push(LeftOut { row, code });
        }
    }

    /// Everything was said of these rows: one to be left out must have had a problem.
    pub(super) fn settle(&mut self, spots: &[Spot]) {
        for spot in spots.iter().filter(|spot| spot.left_out && !spot.flawed) {
            self.list(&spot.tab, spot.place.row, String::new(), Flaw::LeaveSound);
        }
    }

    /// What is wrong with a line that is no worker's.
    pub(super) fn line(&mut self, line: &Line, (column, flaw): Flawed) {
        self.list(&line.tab, line.row, column, flaw);
    }

    /// What is wrong with a sheet, or with what stands beside all of them.
    pub(super) fn whole(&mut self, sheet: &str, row: u32, column: &str, flaw: Flaw) {
        let tab = Tab {
            name: sheet.to_owned(),
            ..Tab::default()
        };
        self.list(&tab, row, column.to_owned(), flaw);
    }

    fn list(&mut self, tab: &Tab, row: u32, column: String, flaw: Flaw) {
        let list = if flaw.stops() {
            &mut self.stopping
        } else {
            &mut self.odd
        };
        list.total += 1;
        if list.listed.len() < self.listed_max {
            let problem = Problem {
                sheet: tab.name.clone(),
                row,
                column,
                flaw,
            };
            list.listed.push(((tab.place, row), problem));
        }
    }

    pub(super) fn close(self) -> Closed {
        Closed {
            problems: self.stopping.in_order(),
            warnings: self.odd.in_order(),
            left_out: self.left_out,
        }
    }
}
