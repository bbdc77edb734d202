//! Reads workbooks cell by cell. The compressed file is in memory, up to a cap; what it unpacks to is counted before it is parsed.

use std::{
    io::{self, BufReader, Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use calamine::{
    DataRef, ExcelDateTime, Reader as _, Sheet, SheetType, SheetVisible, Xlsx, XlsxError,
};
use jiff::civil::Date;
use quick_xml::events::Event;
use rust_decimal::Decimal;
use zip::ZipArchive;

use super::{
    IntakeError,
    cells::{Cell, Line, Tab, is_reason},
};

/// Largest workbook, bytes as uploaded.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// Most that a workbook may unpack to, bytes; 100,000 rows are a tenth of it.
const UNPACKED_MAX: u64 = 512 * 1024 * 1024;
/// Most that the table of texts may unpack to, which is in memory whole.
const TEXTS_MAX: u64 = 128 * 1024 * 1024;
/// Most that a list of formats, sheets or parts may unpack to: each of its short elements becomes a large value in memory.
const LISTS_MAX: u64 = 4 * 1024 * 1024;
const PARTS_MAX: usize = 2_000;
/// Columns beyond this are not read.
const COLUMNS_MAX: usize = 256;
/// A cell with more characters is no name, number or amount.
const CELL_MAX: usize = 512;

/// Calls `each` for every row with something in it, sheet by sheet.
pub(crate) fn read(
    input: impl Read,
    each: &mut dyn FnMut(Line) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let mut line: Option<Line> = None;
    cells(input, &mut |tab, row, column, value| {
        let next = |line: &Line| line.row != row || !Rc::ptr_eq(&line.tab, tab);
        if line.as_ref().is_some_and(next)
            && let Some(whole) = line.take()
        {
            each(whole)?;
        }
        let line = line.get_or_insert_with(|| Line {
            tab: Rc::clone(tab),
            row,
            cells: Vec::new(),
        });
        if line.cells.len() <= column {
            line.cells.resize(column + 1, Cell::Empty);
        }
        if let Some(slot) = line.cells.get_mut(column) {
            *slot = convert(value);
        }
        Ok(())
    })?;
    line.map_or(Ok(()), each)
}

/// What is done with a cell: its sheet, row from 1, column from 0, and value.
pub(super) type EachCell<'a> =
    &'a mut dyn FnMut(&Rc<Tab>, u32, usize, &DataRef<'_>) -> Result<(), IntakeError>;

/// Calls `each` for every cell, sheet by sheet.
pub(super) fn cells(input: impl Read, each: EachCell<'_>) -> Result<(), IntakeError> {
    let mut file = Vec::new();
    input.take(FILE_MAX + 1).read_to_end(&mut file)?;
    if u64::try_from(file.len()).unwrap_or(u64::MAX) > FILE_MAX {
        return Err(IntakeError::TooLarge);
    }
    measure(&file)?;
    let mut workbook: Xlsx<_> = guarded(|| Xlsx::new(Cursor::new(file)))?;
    let sheets = workbook.sheets_metadata().to_vec();
    for (sheet, place) in sheets.iter().zip(0..) {
        // Sheets are opened by name: of two with one name, the second would never be read.
        if sheets
            .iter()
            .filter(|other| other.name == sheet.name)
            .count()
            > 1
        {
            return unreadable("two of its sheets have the same name: rename one");
        }
        if sheet.typ == SheetType::WorkSheet {
            read_sheet(&mut workbook, sheet, place, each)?;
        }
    }
    Ok(())
}

/// Calls into the reader of workbooks, which may panic over nonsense that no spreadsheet program writes.
fn guarded<T>(call: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, IntakeError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => unreadable(error),
        Err(_) => unreadable("it is damaged: open it, and save it anew as .xlsx"),
    }
}

fn unreadable<T>(why: impl ToString) -> Result<T, IntakeError> {
    Err(IntakeError::Unreadable(why.to_string()))
}

/// Unpacks every part into nothing and counts: what a directory of a hostile file says of itself proves nothing.
fn measure(file: &[u8]) -> Result<(), IntakeError> {
    let mut parts = ZipArchive::new(Cursor::new(file)).or_else(unreadable)?;
    if parts.len() > PARTS_MAX {
        return Err(IntakeError::TooLarge);
    }
    let mut left = UNPACKED_MAX;
    for index in 0..parts.len() {
        let part = parts.by_index(index).or_else(unreadable)?;
        let name = part.name().or_else(unreadable)?.to_lowercase();
        let most = left.min(most(&name));
        let size = io::copy(&mut part.take(most + 1), &mut io::sink()).or_else(unreadable)?;
        if size > most {
            return Err(IntakeError::TooLarge);
        }
        left -= size;
        if is_texts(&name) {
            let part = parts.by_index(index).or_else(unreadable)?;
            count_texts(BufReader::new(part), size)?;
        }
    }
    Ok(())
}

fn is_texts(part: &str) -> bool {
    part.ends_with("sharedstrings.xml")
}

fn most(part: &str) -> u64 {
    const LISTS: [&str; 4] = ["styles.xml", "workbook.xml", ".rels", "[content_types].xml"];
    if is_texts(part) {
        TEXTS_MAX
    } else if LISTS.iter().any(|end| part.ends_with(end)) {
        LISTS_MAX
    } else {
        UNPACKED_MAX
    }
}

/// Room is made for as many texts as their table says it has, before one is read: it may not say more than its bytes can hold.
fn count_texts(part: impl io::BufRead, size: u64) -> Result<(), IntakeError> {
    const SHORTEST: u64 = "<si/>".len() as u64;
    let mut xml = quick_xml::Reader::from_reader(part);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).or_else(unreadable)? {
            Event::Start(table) | Event::Empty(table) if table.local_name().as_ref() == "sst" => {
                let said = table.try_get_attribute("uniqueCount").or_else(unreadable)?;
                let said = said.and_then(|said| said.value.trim().parse().ok());
                return match said {
                    Some(texts) if texts > size / SHORTEST => Err(IntakeError::TooLarge),
                    Some::<u64>(_) | None => Ok(()),
                };
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn read_sheet(
    workbook: &mut Xlsx<Cursor<Vec<u8>>>,
    sheet: &Sheet,
    place: u32,
    each: EachCell<'_>,
) -> Result<(), IntakeError> {
    let mut reader = guarded(|| workbook.worksheet_cells_reader(&sheet.name))?;
    let tab = Rc::new(Tab {
        name: sheet.name.clone(),
        place,
        hidden: sheet.visible != SheetVisible::Visible,
    });
    let mut last = None;
    while let Some(cell) = guarded(|| reader.next_cell())? {
        let (row, column) = cell.get_position();
        // Of a cell that comes twice, one would be paid and the other seen.
        if last.replace((row, column)) >= Some((row, column)) {
            return unreadable(
                "a cell comes twice, or after a later one: save it anew with a spreadsheet program",
            );
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column < COLUMNS_MAX {
            each(&tab, row.saturating_add(1), column, cell.get_value())?;
        }
    }
    Ok(())
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
        DataRef::DateTime(day) if day.is_datetime() => date(day),
        DataRef::DateTimeIso(text) => text
            .get(..10)
            .and_then(|day| day.parse().ok())
            .map_or(Cell::Other, Cell::Date),
        DataRef::Bool(_) | DataRef::DateTime(_) | DataRef::DurationIso(_) => Cell::Other,
    }
}

fn date(day: &ExcelDateTime) -> Cell {
    let (year, month, day, ..) = day.to_ymd_hms_milli();
    let whole = || {
        Date::new(
            year.try_into().ok()?,
            month.try_into().ok()?,
            day.try_into().ok()?,
        )
        .ok()
    };
    whole().map_or(Cell::Other, Cell::Date)
}

fn typed(text: &str) -> Cell {
    if is_reason(text) {
        return Cell::Empty;
    }
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
            (DataRef::Bool(true), Cell::Other),
        ] {
            assert_eq!(convert(&value), expected);
        }
    }
}
