//! A workbook or separated text: finds the header row by its names in each sheet, and makes an entry of each row under it that is a worker's.

use std::{io::Read as _, rc::Rc};

use super::{
    FormsError, RosterExpectation, Seen,
    entry::{Entry, Field, Said},
    flaw::RosterFlaw,
};
use crate::intake::{
    Flaw, IntakeError, OpenSheet, Place, Problem,
    cells::{Cell, Line, Tab},
    header::plain,
    place::SHEETS_MAX,
    remark::{names_total, stands_for_remark},
    text, title, xlsx,
};

/// A header stands within so many rows with something in them.
const HEADER_WITHIN: u32 = 30;
const NEEDED: [Field; 3] = [Field::Name, Field::IdNumber, Field::EnteredOn];
/// Without any of these a row is nobody's.
const OF_PERSON: [Field; 5] = [
    Field::Name,
    Field::IdNumber,
    Field::Phone,
    Field::EnteredOn,
    Field::Card,
];

/// Where each field stands, with its header as written.
type Columns = Vec<(Field, usize, String)>;

pub(super) fn read(
    open: OpenSheet<'_>,
    expect: &RosterExpectation<'_>,
    visit: &mut dyn FnMut(Seen) -> Result<(), FormsError>,
) -> Result<(), FormsError> {
    let mut walker = Walker {
        expect,
        visit,
        stopped: None,
        tab: Rc::default(),
        last_row: 0,
        columns: None,
        above: Above::default(),
        sheets: 0,
        nearest: NEEDED.to_vec(),
    };
    let mut magic = Vec::new();
    open()?.take(4).read_to_end(&mut magic)?;
    let mut line = |line| walker.line(line);
    let end = match magic.as_slice() {
        [] => Err(unreadable("it is empty")),
        b"PK\x03\x04" => xlsx::read(open()?, &mut line),
        [0xD0, 0xCF, 0x11, 0xE0] => Err(unreadable(
            "it is an old .xls workbook, or one with a password: save it as .xlsx without a password",
        )),
        _ => text::read(open, &mut line),
    };
    if let Some(error) = walker.stopped.take() {
        return Err(error);
    }
    end?;
    walker.close()
}

fn unreadable(why: &str) -> IntakeError {
    IntakeError::Unreadable(why.into())
}

/// What stands above a sheet's header, as far as it was read.
#[derive(Default)]
struct Above {
    rows: u32,
    /// What the row that came nearest to a header lacks, and where it is.
    nearest: Option<(u32, Vec<Field>)>,
}

struct Walker<'a> {
    expect: &'a RosterExpectation<'a>,
    visit: &'a mut dyn FnMut(Seen) -> Result<(), FormsError>,
    /// Why the visitor stopped; the readers of files know only that it did.
    stopped: Option<FormsError>,
    tab: Rc<Tab>,
    last_row: u32,
    columns: Option<Rc<Columns>>,
    above: Above,
    sheets: u32,
    nearest: Vec<Field>,
}

impl Walker<'_> {
    fn line(&mut self, line: Line) -> Result<(), IntakeError> {
        self.take(&line).map_err(|error| {
            self.stopped = Some(error);
            IntakeError::Stopped
        })
    }

    fn take(&mut self, line: &Line) -> Result<(), FormsError> {
        if self.tab != line.tab {
            self.leave()?;
            (self.tab, self.last_row, self.columns) = (Rc::clone(&line.tab), 0, None);
        }
        // A row that comes twice would be one worker twice.
        if line.row <= self.last_row {
            let why = "a row comes twice, or after a later one: save the file anew with a spreadsheet program";
            return Err(FormsError::Unreadable(why.into()));
        }
        self.last_row = line.row;
        match self.columns.clone() {
            _ if line.is_blank() => Ok(()),
            Some(columns) => self.below(line, &columns),
            None if self.above.rows < HEADER_WITHIN => self.above(line),
            None => Ok(()),
        }
    }

    fn above(&mut self, line: &Line) -> Result<(), FormsError> {
        self.above.rows += 1;
        let columns = match columns(line) {
            Ok(columns) => columns,
            Err(header) => return self.problem(line.row, header, Flaw::HeaderTwice),
        };
        let has = |field: &Field| columns.iter().any(|(other, ..)| other == field);
        let missing: Vec<Field> = NEEDED.into_iter().filter(|field| !has(field)).collect();
        if missing.is_empty() {
            return self.begin(columns);
        }
        let nearer = |(_, had): &(u32, Vec<Field>)| had.len() > missing.len();
        if columns.len() >= 2 && self.above.nearest.as_ref().is_none_or(nearer) {
            self.above.nearest = Some((line.row, missing));
        }
        if title::project_code(line).is_some_and(|code| code != self.expect.project) {
            return self.problem(line.row, String::new(), Flaw::ProjectDiffers);
        }
        Ok(())
    }

    fn begin(&mut self, columns: Columns) -> Result<(), FormsError> {
        self.above = Above::default();
        self.columns = Some(Rc::new(columns));
        self.sheets += 1;
        if self.sheets > SHEETS_MAX {
            return Err(FormsError::TooLarge);
        }
        if self.tab.hidden {
            return self.problem(0, String::new(), RosterFlaw::SheetHidden.into());
        }
        Ok(())
    }

    fn below(&mut self, line: &Line, found: &Columns) -> Result<(), FormsError> {
        if is_nobody(line, found) {
            return Ok(());
        }
        // The header again, at the top of a page.
        if let Ok(again) = columns(line)
            && NEEDED
                .iter()
                .all(|field| again.iter().any(|(other, ..)| other == field))
        {
            self.columns = Some(Rc::new(again));
            return Ok(());
        }
        let (sheet, row) = (self.sheets, line.row);
        let mut entry = Entry::new(Place { sheet, row }, &line.tab.name);
        for (field, at, header) in found {
            entry.say(*field, header, line.cell(*at).clone());
        }
        let said = |field: Field| Said {
            column: entry.column(field),
            cell: entry.cell(field).clone(),
        };
        entry.attendance = vec![(said(Field::Month), said(Field::Days))];
        (self.visit)(Seen::Worker(entry))
    }

    /// Says what was not read of the sheet just ended: one with some of a header's names may hold workers.
    fn leave(&mut self) -> Result<(), FormsError> {
        let above = std::mem::take(&mut self.above);
        let Some((row, missing)) = above.nearest.filter(|_| self.columns.is_none()) else {
            return Ok(());
        };
        if missing.len() < self.nearest.len() {
            self.nearest.clone_from(&missing);
        }
        match missing.as_slice() {
            [_] => self.problem(row, String::new(), no_header(&missing)),
            _ => self.problem(row, String::new(), RosterFlaw::SheetUnread.into()),
        }
    }

    fn close(&mut self) -> Result<(), FormsError> {
        self.leave()?;
        if self.sheets > 0 {
            return Ok(());
        }
        self.tab = Rc::default();
        match self.nearest.as_slice() {
            // Said already, with its row.
            [_] => Ok(()),
            missing => {
                let flaw = no_header(missing);
                self.problem(0, String::new(), flaw)
            }
        }
    }

    fn problem(&mut self, row: u32, column: String, flaw: Flaw) -> Result<(), FormsError> {
        (self.visit)(Seen::Problem(Problem {
            sheet: self.tab.name.clone(),
            row,
            column,
            flaw,
        }))
    }
}

fn no_header(missing: &[Field]) -> Flaw {
    let names: Vec<&str> = missing.iter().map(|field| field.zh()).collect();
    let missing = names.join("、");
    RosterFlaw::NoHeader { missing }.into()
}

/// The fields that a row names. Two columns with the best name of a needed field are an error: the header.
fn columns(line: &Line) -> Result<Columns, String> {
    let names: Vec<String> = line.cells.iter().map(|cell| plain(cell.text())).collect();
    let mut columns = Columns::new();
    for field in Field::ALL {
        let best = field
            .names()
            .iter()
            .find(|synonym| names.iter().any(|name| name == *synonym));
        let Some(best) = best else { continue };
        let mut places = (0..).zip(&names).filter(|(_, name)| name == best);
        let Some((at, _)) = places.next() else {
            continue;
        };
        let header = line.cell(at).text().split_whitespace().collect::<String>();
        if places.next().is_some() {
            return Err(header);
        }
        columns.push((field, at, header));
    }
    Ok(columns)
}

/// A row of a form that nobody filled in, a total, or signatures.
fn is_nobody(line: &Line, columns: &Columns) -> bool {
    columns
        .iter()
        .filter(|(field, ..)| OF_PERSON.contains(field))
        .all(|(_, at, _)| {
            let cell = line.cell(*at);
            let words = matches!(cell, Cell::Text(_))
                && (names_total(cell.text()) || stands_for_remark(line, *at));
            cell.is_blank() || words
        })
}
