//! Where a row stands in the file, as one number that is unique in the batch and that a person can still read.
//!
//! Rows of the first sheet with workers have the number that the spreadsheet shows. Rows of the second begin at 20,000,000, of the third at
//! 30,000,000: row 12 of the second sheet is 20,000,012. Sheets without workers do not count.

use std::fmt;

/// Distance between sheets; a spreadsheet has 1,048,576 rows at most.
const SHEET: u32 = 10_000_000;
/// Sheets with workers in one file, at most: their numbers stay within 32 bits.
pub(crate) const SHEETS_MAX: u32 = 400;

/// A row of the file, as a person looks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the sheets with workers, from 1.
    pub sheet: u32,
    /// Row as the spreadsheet shows it, from 1.
    pub row: u32,
}

impl Place {
    /// The row's number in the batch.
    pub const fn number(self) -> u32 {
        match self.sheet {
            0 | 1 => self.row,
            later => later * SHEET + self.row,
        }
    }

    /// Reads back what [`Self::number`] made.
    pub const fn of(number: u32) -> Self {
        let sheet = number / SHEET;
        Self {
            sheet: if sheet == 0 { 1 } else { sheet },
            row: number % SHEET,
        }
    }

    /// What the sheet is called where its own name is not known: nothing for the first, which is mostly the only one.
    pub fn sheet_name(self) -> String {
        match self.sheet {
            1 => String::new(),
            later => format!("第{later}张工资表 (wage sheet {later})"),
        }
    }

    /// In Chinese.
    pub(crate) fn zh(self) -> String {
        match self.sheet {
            1 => format!("第{}行", self.row),
            later => format!("第{later}张工资表第{}行", self.row),
        }
    }
}

/// In English.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sheet {
            1 => write!(f, "row {}", self.row),
            later => write!(f, "row {} of wage sheet {later}", self.row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_the_first_sheets_are_what_the_spreadsheet_shows() {
        for (sheet, row, number) in [
            (1, 1, 1),
            (1, 1_048_576, 1_048_576),
            (2, 12, 20_000_012),
            (SHEETS_MAX, 1_048_576, 4_001_048_576),
        ] {
            let place = Place { sheet, row };
            assert_eq!(place.number(), number);
            assert_eq!(Place::of(number), place);
        }
    }
}
