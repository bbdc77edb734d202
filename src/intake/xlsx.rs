//! Reads workbooks cell by cell. The compressed file is in memory, up to a cap; what it unpacks to is counted before it is parsed.

use std::{
    io::{self, Cursor, Read},
    rc::Rc,
};

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};
use rust_decimal::Decimal;
use zip::ZipArchive;

use super::{
    IntakeError,
    cells::{Cell, Line},
};

/// Largest workbook, bytes as uploaded.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// Most that a workbook may unpack to, bytes; 100,000 rows are a tenth of it.
const UNPACKED_MAX: u64 = 512 * 1024 * 1024;
const PARTS_MAX: usize = 2_000;
/// Columns beyond this are not read.
const COLUMNS_MAX: usize = 256;
/// A cell with more characters is no name, number or amount.
const CELL_MAX: usize = 512;

/// Calls `each` for every row with something in it, sheet by sheet.
pub(super) fn read(
    input: impl Read,
    each: &mut dyn FnMut(Line) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let mut file = Vec::new();
    input.take(FILE_MAX + 1).read_to_end(&mut file)?;
    if u64::try_from(file.len()).unwrap_or(u64::MAX) > FILE_MAX {
        return Err(IntakeError::TooLarge);
    }
    measure(&file)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(file)).map_err(unreadable)?;
    for (name, place) in workbook.sheet_names().into_iter().zip(0..) {
        read_sheet(&mut workbook, &name, place, each)?;
    }
    Ok(())
}

/// Unpacks every part into nothing and counts: what a directory of a hostile file says of itself proves nothing.
fn measure(file: &[u8]) -> Result<(), IntakeError> {
    let unreadable = |error: &dyn std::error::Error| IntakeError::Unreadable(error.to_string());
    let mut parts = ZipArchive::new(Cursor::new(file)).map_err(|error| unreadable(&error))?;
    if parts.len() > PARTS_MAX {
        return Err(IntakeError::TooLarge);
    }
    let mut left = UNPACKED_MAX;
    for index in 0..parts.len() {
        let part = parts.by_index(index).map_err(|error| unreadable(&error))?;
        let size = io::copy(&mut part.take(left + 1), &mut io::sink())
            .map_err(|error| unreadable(&error))?;
        left = left.checked_sub(size).ok_or(IntakeError::TooLarge)?;
    }
    Ok(())
}

fn read_sheet(
    workbook: &mut Xlsx<Cursor<Vec<u8>>>,
    name: &str,
    place: u32,
    each: &mut dyn FnMut(Line) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let mut reader = match workbook.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        // A sheet of charts has no cells.
        Err(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_)) => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    let sheet: Rc<str> = name.into();
    let mut line: Option<Line> = None;
    while let Some(cell) = reader.next_cell().map_err(unreadable)? {
        let (row, column) = cell.get_position();
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        let row = row.saturating_add(1);
        if line.as_ref().is_some_and(|line| line.row != row)
            && let Some(whole) = line.take()
        {
            each(whole)?;
        }
        let line = line.get_or_insert_with(|| Line {
            sheet: Rc::clone(&sheet),
            place,
            row,
            cells: Vec::new(),
        });
        if column < COLUMNS_MAX {
            if line.cells.len() <= column {
                line.cells.resize(column + 1, Cell::Empty);
            }
            if let Some(slot) = line.cells.get_mut(column) {
                *slot = convert(cell.get_value());
            }
        }
    }
    line.map_or(Ok(()), each)
}

fn convert(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) => typed(text),
        DataRef::SharedString(text) => typed(text),
        DataRef::Int(whole) => number(&format!("{whole}e0")),
        // Fifteen significant digits are what a spreadsheet keeps and shows; the noise behind them was never typed by anybody.
        DataRef::Float(value) => number(&format!("{value:.14e}")),
        DataRef::Error(_) => Cell::Error,
        DataRef::Bool(_)
        | DataRef::DateTime(_)
        | DataRef::DateTimeIso(_)
        | DataRef::DurationIso(_) => Cell::Other,
    }
}

fn typed(text: &str) -> Cell {
    Cell::Text(text.chars().take(CELL_MAX).collect())
}

fn number(scientific: &str) -> Cell {
    let Ok(exact) = Decimal::from_scientific(scientific) else {
        return Cell::Rounded;
    };
    let text = exact.normalize().to_string();
    if text.bytes().filter(u8::is_ascii_digit).count() > 15 {
        Cell::Rounded
    } else {
        Cell::Number(text)
    }
}

fn unreadable(error: XlsxError) -> IntakeError {
    IntakeError::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_the_spreadsheet_shows_them() {
        for (value, expected) in [
            (DataRef::Float(5432.1), Cell::Number("5432.1".into())),
            (DataRef::Float(5432.0), Cell::Number("5432".into())),
            (
                DataRef::Float(5_432.099_999_999_999),
                Cell::Number("5432.1".into()),
            ),
            (DataRef::Float(0.1 + 0.2), Cell::Number("0.3".into())),
            (DataRef::Float(12.345), Cell::Number("12.345".into())),
            (DataRef::Float(-5.0), Cell::Number("-5".into())),
            (DataRef::Int(12_345_678), Cell::Number("12345678".into())),
            (DataRef::Float(6.225_881_414_207_43e18), Cell::Rounded),
            (DataRef::Float(f64::NAN), Cell::Rounded),
            (DataRef::Bool(true), Cell::Other),
        ] {
            assert_eq!(convert(&value), expected);
        }
    }
}
