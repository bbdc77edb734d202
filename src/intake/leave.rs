//! Rows that somebody leaves out of a sheet by name. It is an act: only those rows' own problems are passed over, and what is not there or not wrong cannot be named.

use std::{collections::BTreeMap, str::FromStr};

/// Rows that one submission can leave out.
const MOST: usize = 1_000;

/// Rows by number as the spreadsheet shows it: `12,17`, and in later sheets with the sheet's name, `二队:9`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaveOut(BTreeMap<u32, Vec<Option<String>>>);

/// The list of rows cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "leave_out is a list of at most {MOST} rows such as 12,17 or, in a later sheet, 二队:9; it has {0:?}"
)]
pub struct NotRows(String);

impl LeaveOut {
    /// Nothing is left out.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// True where everything is to be taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True where the row of that sheet is named; a row without a sheet is one of the first sheet with workers.
    pub(super) fn names(&self, sheet: &str, first_sheet: bool, row: u32) -> bool {
        self.0.get(&row).is_some_and(|sheets| {
            sheets
                .iter()
                .any(|named| named.as_deref().map_or(first_sheet, |named| named == sheet))
        })
    }

    /// Every row named: its sheet, and its number.
    pub(super) fn all(&self) -> impl Iterator<Item = (Option<&str>, u32)> {
        self.0
            .iter()
            .flat_map(|(row, sheets)| sheets.iter().map(|sheet| (sheet.as_deref(), *row)))
    }
}

impl FromStr for LeaveOut {
    type Err = NotRows;

    fn from_str(text: &str) -> Result<Self, NotRows> {
        let mut rows: BTreeMap<u32, Vec<Option<String>>> = BTreeMap::new();
        for (said, part) in text
            .split([',', '，'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .enumerate()
        {
            let (sheet, row) = match part.rsplit_once([':', '：']) {
                Some((sheet, row)) => (Some(sheet.trim().to_owned()), row),
                None => (None, part),
            };
            let row: u32 = row
                .trim()
                .parse()
                .map_err(|_| NotRows(part.chars().take(40).collect()))?;
            if row == 0 || said >= MOST {
                return Err(NotRows(part.chars().take(40).collect()));
            }
            let sheets = rows.entry(row).or_default();
            if !sheets.contains(&sheet) {
                sheets.push(sheet);
            }
        }
        Ok(Self(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_by_number_and_in_later_sheets_by_sheet() {
        let leave: LeaveOut = "12, 17,二队:9".parse().unwrap();
        assert!(leave.names("工资表", true, 12) && leave.names("", true, 17));
        assert!(leave.names("二队", false, 9) && !leave.names("三队", false, 9));
        assert!(
            !leave.names("二队", false, 12),
            "a bare number is of the first sheet"
        );
        assert_eq!(leave.all().count(), 3);
        for bad in ["x", "0", "1-3", "二队:"] {
            assert!(bad.parse::<LeaveOut>().is_err(), "{bad}");
        }
        assert!("".parse::<LeaveOut>().unwrap().is_empty());
    }
}
