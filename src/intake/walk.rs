//! Walks a file and says what each row is: title, header, worker, total, signature or nothing. What a worker's cells hold is not judged here.

use std::{io::Read as _, rc::Rc};

use wagegate_domain::Fen;

use super::{
    IntakeError, National, OpenSheet,
    cells::{Cell, Line, Tab},
    declared::Declared,
    header::{Columns, Found, find, joined},
    json,
    place::{Place, SHEETS_MAX},
    remark,
    row::Flawed,
    text, xlsx,
};

/// A header stands within so many rows with something in them.
const HEADER_WITHIN: u32 = 30;
/// Rows that a spreadsheet can have.
const ROWS_MAX: u32 = 1_048_576;

/// What a row is.
#[derive(Debug)]
pub(super) enum Seen {
    /// A sheet with workers begins.
    Sheet(Rc<Tab>),
    /// A text above the header.
    Title(Line),
    /// Two columns of the header have one name.
    HeaderTwice { line: Line, header: String },
    /// A worker.
    Row {
        line: Line,
        columns: Rc<Columns>,
        place: Place,
    },
    /// A row of a document that is nobody's wage, whatever else it says.
    RowFlaw {
        line: Line,
        columns: Rc<Columns>,
        place: Place,
        flaw: Flawed,
    },
    /// Count and sum that a document states over its rows; told after them.
    Declared(Declared),
    /// A field of the head of the national form.
    Form { field: &'static str, stated: String },
    /// A total.
    Total { line: Line, columns: Rc<Columns> },
}

/// A sheet with something in it and no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unheaded {
    pub(super) tab: Rc<Tab>,
    /// Row that came nearest to a header.
    pub(super) row: u32,
    /// What that row lacks; everything, where no row came near.
    pub(super) missing: Vec<&'static str>,
}

/// What a walk found beside what it told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Sheets with a header.
    pub(super) sheets: u32,
    /// Sheets that were not read.
    pub(super) unheaded: Vec<Unheaded>,
}

/// Reads the file, whatever it is, and calls `visit` for what matters in it.
pub(super) fn walk(
    open: OpenSheet<'_>,
    national: Option<&dyn National>,
    visit: &mut dyn FnMut(Seen) -> Result<(), IntakeError>,
) -> Result<Walked, IntakeError> {
    let mut walker = Walker {
        visit,
        tab: Rc::default(),
        last_row: 0,
        columns: None,
        above: Above::default(),
        walked: Walked::default(),
    };
    let unreadable = |why: &str| Err(IntakeError::Unreadable(why.into()));
    let mut magic = Vec::new();
    open()?.take(4).read_to_end(&mut magic)?;
    match magic.as_slice() {
        [] => return unreadable("it is empty"),
        b"PK\x03\x04" => xlsx::read(open()?, &mut |line| walker.line(line))?,
        [0xD0, 0xCF, 0x11, 0xE0] => {
            return unreadable(
                "it is an old .xls workbook, or one with a password: save it as .xlsx without a password",
            );
        }
        start if json::begins(start) => {
            json::read(open()?, national, walker.visit)?;
            walker.walked.sheets = 1;
        }
        _ => text::read(open, &mut |line| walker.line(line))?,
    }
    walker.leave();
    Ok(walker.walked)
}

struct Walker<'a> {
    visit: &'a mut dyn FnMut(Seen) -> Result<(), IntakeError>,
    tab: Rc<Tab>,
    last_row: u32,
    columns: Option<Rc<Columns>>,
    above: Above,
    walked: Walked,
}

/// What stands above the header, as far as it was read.
#[derive(Default)]
struct Above {
    rows: u32,
    /// The row before, where it has some of a header's names.
    before: Option<Line>,
    nearest: Option<(u32, Vec<&'static str>)>,
}

impl Walker<'_> {
    fn line(&mut self, line: Line) -> Result<(), IntakeError> {
        if self.tab != line.tab {
            self.leave();
            (self.tab, self.last_row, self.columns) = (Rc::clone(&line.tab), 0, None);
        }
        if line.row > ROWS_MAX {
            return Err(IntakeError::TooLarge);
        }
        // A row that comes twice would be one wage item twice.
        if line.row <= self.last_row {
            return Err(IntakeError::Unreadable(format!(
                "row {} comes twice, or after a later one: save the file anew with a spreadsheet program",
                line.row
            )));
        }
        self.last_row = line.row;
        match self.columns.clone() {
            _ if line.is_blank() => Ok(()),
            Some(columns) => self.below(line, columns),
            None if self.above.rows < HEADER_WITHIN => self.above(line),
            None => Ok(()),
        }
    }

    /// Keeps in mind what was not read of the sheet just ended.
    fn leave(&mut self) {
        let above = std::mem::take(&mut self.above);
        if self.columns.is_none() && above.rows > 0 {
            let (row, missing) = above.nearest.unwrap_or_default();
            self.walked.unheaded.push(Unheaded {
                tab: Rc::clone(&self.tab),
                row,
                missing,
            });
        }
    }

    fn above(&mut self, line: Line) -> Result<(), IntakeError> {
        self.above.rows += 1;
        let mut found = find(&line);
        // A header of two rows: 工资 merged over 应发, 扣款 and 实发.
        if let (Found::Partly(_) | Found::Nothing, Some(before)) = (&found, &self.above.before) {
            match find(&joined(before, &line)) {
                whole @ (Found::Header(_) | Found::Twice(_)) => found = whole,
                Found::Partly(_) | Found::Nothing => {}
            }
        }
        match found {
            Found::Header(columns) => self.begin(columns),
            Found::Twice(header) => {
                self.walked.sheets += 1;
                (self.above, self.columns) = (Above::default(), None);
                self.above.rows = HEADER_WITHIN;
                (self.visit)(Seen::HeaderTwice { line, header })
            }
            Found::Partly(missing) => {
                let nearer = |(_, had): &(u32, Vec<_>)| had.len() > missing.len();
                if self.above.nearest.as_ref().is_none_or(nearer) {
                    self.above.nearest = Some((line.row, missing));
                }
                self.above.before = Some(line.clone());
                (self.visit)(Seen::Title(line))
            }
            Found::Nothing => {
                self.above.before = None;
                (self.visit)(Seen::Title(line))
            }
        }
    }

    fn begin(&mut self, columns: Box<Columns>) -> Result<(), IntakeError> {
        self.above = Above::default();
        self.columns = Some(Rc::from(columns));
        self.walked.sheets += 1;
        if self.walked.sheets > SHEETS_MAX {
            return Err(IntakeError::TooLarge);
        }
        (self.visit)(Seen::Sheet(Rc::clone(&self.tab)))
    }

    fn below(&mut self, line: Line, columns: Rc<Columns>) -> Result<(), IntakeError> {
        if remark::is_total(&line, &columns) {
            return (self.visit)(Seen::Total { line, columns });
        }
        if remark::is_remark(&line, &columns) || is_unfilled(&line, &columns) {
            return Ok(());
        }
        if has_no_numbers(&line, &columns) {
            match find(&line) {
                // The header again, at the top of a page: from here on it says where things stand.
                Found::Header(columns) => {
                    self.columns = Some(Rc::from(columns));
                    return Ok(());
                }
                Found::Twice(header) => return (self.visit)(Seen::HeaderTwice { line, header }),
                Found::Partly(_) | Found::Nothing => {}
            }
        }
        let (sheet, row) = (self.walked.sheets, line.row);
        (self.visit)(Seen::Row {
            line,
            columns,
            place: Place { sheet, row },
        })
    }
}

/// A row of a form that nobody filled in, where a formula says nought: nobody, and nothing to pay.
fn is_unfilled(line: &Line, columns: &Columns) -> bool {
    let amount = line.cell(columns.amount.at);
    columns
        .of_person()
        .all(|column| line.cell(column.at).is_blank())
        && (amount.is_blank() || Fen::parse_yuan(amount.text()) == Ok(Fen::ZERO))
}

fn has_no_numbers(line: &Line, columns: &Columns) -> bool {
    let typed = |cell: &Cell| cell.text().contains(|c: char| c.is_ascii_digit());
    ![&columns.id_number, &columns.card, &columns.amount]
        .iter()
        .any(|column| typed(line.cell(column.at)))
}
