//! Walks a sheet and says what each row is: title, header, worker, total, signature or nothing. What a worker's cells hold is not judged here.

use std::{io::Read as _, rc::Rc};

use wagegate_domain::{Fen, ids::PersonName};

use super::{
    IntakeError, OpenSheet,
    cells::{Cell, Line},
    header::{Columns, Found, find},
    text, xlsx,
};

/// A header stands within so many rows with something in them.
const HEADER_WITHIN: u32 = 30;
/// Rows with a worker that one file can hold.
const ROWS_MAX: u32 = 1_048_576;

/// What a row is.
#[derive(Debug)]
pub(super) enum Seen {
    /// A sheet with workers begins.
    Sheet,
    /// A text above the header.
    Title(Line),
    /// Two columns of the header have one name.
    HeaderTwice { line: Line, header: String },
    /// A worker.
    Row { line: Line, columns: Rc<Columns> },
    /// A total, with what it says.
    Total {
        line: Line,
        columns: Rc<Columns>,
        amount: Option<Fen>,
    },
}

/// What a walk found beside what it told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Sheets with a header.
    pub(super) sheets: u32,
    /// The fewest header names that a row lacked, where no row had all.
    pub(super) missing: Option<Vec<&'static str>>,
}

/// Reads the sheet, whatever it is, and calls `visit` for what matters in it.
pub(super) fn walk(
    open: OpenSheet<'_>,
    visit: &mut dyn FnMut(Seen) -> Result<(), IntakeError>,
) -> Result<Walked, IntakeError> {
    let mut walker = Walker {
        visit,
        place: None,
        columns: None,
        seen: 0,
        walked: Walked::default(),
    };
    let mut magic = Vec::new();
    open()?.take(4).read_to_end(&mut magic)?;
    match magic.as_slice() {
        [] => return Err(IntakeError::Unreadable("it is empty".into())),
        b"PK\x03\x04" => xlsx::read(open()?, &mut |line| walker.line(line))?,
        [0xD0, 0xCF, 0x11, 0xE0] => {
            return Err(IntakeError::Unreadable(
                "it is an old .xls workbook: save it as .xlsx".into(),
            ));
        }
        _ => text::read(open, &mut |line| walker.line(line))?,
    }
    Ok(walker.walked)
}

struct Walker<'a> {
    visit: &'a mut dyn FnMut(Seen) -> Result<(), IntakeError>,
    place: Option<u32>,
    columns: Option<Rc<Columns>>,
    seen: u32,
    walked: Walked,
}

impl Walker<'_> {
    fn line(&mut self, line: Line) -> Result<(), IntakeError> {
        if self.place != Some(line.place) {
            self.place = Some(line.place);
            self.columns = None;
            self.seen = 0;
        }
        if line.row > ROWS_MAX {
            return Err(IntakeError::TooLarge);
        }
        if line.is_blank() {
            return Ok(());
        }
        match self.columns.clone() {
            Some(columns) => self.below(line, columns),
            None if self.seen < HEADER_WITHIN => self.above(line),
            None => Ok(()),
        }
    }

    fn above(&mut self, line: Line) -> Result<(), IntakeError> {
        self.seen += 1;
        match find(&line) {
            Found::Header(columns) => {
                self.columns = Some(Rc::from(columns));
                self.walked.sheets += 1;
                (self.visit)(Seen::Sheet)
            }
            Found::Twice(header) => {
                self.walked.sheets += 1;
                self.seen = HEADER_WITHIN;
                (self.visit)(Seen::HeaderTwice { line, header })
            }
            Found::Partly(missing) => {
                let fewer = |had: &Vec<&str>| had.len() > missing.len();
                if self.walked.missing.as_ref().is_none_or(fewer) {
                    self.walked.missing = Some(missing);
                }
                (self.visit)(Seen::Title(line))
            }
            Found::Nothing => (self.visit)(Seen::Title(line)),
        }
    }

    fn below(&mut self, line: Line, columns: Rc<Columns>) -> Result<(), IntakeError> {
        let [name, id_number, card] =
            [&columns.name, &columns.id_number, &columns.card].map(|column| line.cell(column.at));
        let amount = line.cell(columns.amount.at);
        let nobody = id_number.is_blank() && card.is_blank();
        if nobody && is_total(&line) {
            let amount = Fen::parse_yuan(amount.text()).ok();
            return (self.visit)(Seen::Total {
                line,
                columns,
                amount,
            });
        }
        let digits = |cell: &Cell| cell.text().chars().filter(char::is_ascii_digit).count();
        let names_nobody =
            digits(id_number) < 15 && digits(card) < 8 && Fen::parse_yuan(amount.text()).is_err();
        let nothing = nobody && amount.is_blank() && name.is_blank();
        let lone = (name.is_blank() || PersonName::parse(name.text()).is_err())
            && line.cells.iter().filter(|cell| !cell.is_blank()).count() == 1;
        if nothing
            || (names_nobody && (lone || is_signed(&line)))
            || matches!(find(&line), Found::Header(_))
        {
            return Ok(());
        }
        (self.visit)(Seen::Row { line, columns })
    }
}

fn is_total(line: &Line) -> bool {
    line.cells.iter().any(|cell| {
        let text: String = cell.text().split_whitespace().collect();
        ["合计", "总计", "小计", "共计"]
            .iter()
            .any(|word| text.starts_with(word))
    })
}

/// Who made, checked and signed the sheet, and remarks under it; whichever columns they were typed into.
fn is_signed(line: &Line) -> bool {
    const WORDS: [&str; 16] = [
        "制表",
        "编制",
        "审核",
        "复核",
        "审批",
        "签字",
        "签名",
        "签章",
        "盖章",
        "负责人",
        "劳资专管员",
        "经办",
        "项目经理",
        "日期",
        "说明",
        "注:",
    ];
    line.cells.iter().any(|cell| {
        let text: String = cell
            .text()
            .split_whitespace()
            .collect::<String>()
            .replace('：', ":");
        WORDS.iter().any(|word| text.contains(word))
    })
}
