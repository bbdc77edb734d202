//! A sheet as rows of cells, whatever file it came in. What a cell means is not known here.

use std::rc::Rc;

use jiff::civil::Date;

/// How a reason begins that a returned workbook gives, in Chinese and in English: nobody's cell, whatever row and column it stands in.
pub(super) const REASON: [&str; 2] = ["【问题】", "【reason】"];

/// True for a reason of a returned workbook that was not taken out.
pub(super) fn is_reason(text: &str) -> bool {
    REASON.iter().any(|mark| text.starts_with(mark))
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cell {
    #[default]
    Empty,
    /// As typed.
    Text(String),
    /// A number as the spreadsheet shows it: 15 significant digits, no exponent.
    Number(String),
    /// A number with more digits than a spreadsheet keeps: some are lost.
    Rounded,
    /// A formula without a value.
    Error,
    /// A day; the time of day is dropped.
    Date(Date),
    /// A time or a truth value.
    Other,
}

/// A sheet of a workbook; a text file is one without a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tab {
    pub(crate) name: String,
    /// Which sheet of the file, from 0.
    pub(crate) place: u32,
    /// Not shown to whoever opens the workbook.
    pub(crate) hidden: bool,
}

/// One row with something in it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) tab: Rc<Tab>,
    /// Row as the spreadsheet shows it, from 1.
    pub(crate) row: u32,
    /// Cells from the first column on.
    pub(crate) cells: Vec<Cell>,
}

impl Cell {
    /// The text of a text or number; nothing for the rest.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Empty | Self::Rounded | Self::Error | Self::Date(_) | Self::Other => "",
        }
    }

    /// True where there is nothing to see.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) | Self::Number(text) => text
                .trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}')
                .is_empty(),
            Self::Rounded | Self::Error | Self::Date(_) | Self::Other => false,
        }
    }
}

impl Line {
    /// The cell in a column; empty beyond the row's end.
    pub(crate) fn cell(&self, column: usize) -> &Cell {
        const EMPTY: &Cell = &Cell::Empty;
        self.cells.get(column).unwrap_or(EMPTY)
    }

    /// True for rows that only format the sheet.
    pub(crate) fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }
}
