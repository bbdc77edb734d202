//! One worker's cells to a checked row, or to everything that is wrong with them.

use wagegate_domain::{
    Fen,
    batch::WageRow,
    ids::{AccountWarning, BankAccount, Cnaps, IdNumber, PersonName},
};

use super::{
    cells::{Cell, Line},
    header::{Column, Columns},
    problem::Flaw,
};

/// A flaw with the header of its column.
pub(super) type Flawed = (String, Flaw);

/// Rows of the second sheet with workers begin above the last row that a spreadsheet can have, and so on: numbers stay unique and the first
/// sheet's are what the spreadsheet shows.
const SHEET_ROWS: u32 = 1 << 20;

/// From this amount on, one supervisor's red line: shown, not refused.
const UNUSUAL: Fen = Fen::new(5_000_000);

/// The row's number in the batch; sheets beyond the 4,096th do not exist.
pub(super) fn number(line: &Line) -> u32 {
    (line.place % 4_096) * SHEET_ROWS + line.row
}

/// Reads the row; beside it stand flaws that do not stop it.
pub(super) fn parse(line: &Line, columns: &Columns) -> Result<(WageRow, Vec<Flawed>), Vec<Flawed>> {
    let mut flaws = Vec::new();
    let name = read(line, &columns.name, &mut flaws, name);
    let id_number = read(line, &columns.id_number, &mut flaws, id_number);
    let account = read(line, &columns.card, &mut flaws, account);
    let amount = read(line, &columns.amount, &mut flaws, amount);
    let cnaps = match &columns.cnaps {
        Some(column) if !line.cell(column.at).is_blank() => {
            read(line, column, &mut flaws, cnaps).map(Some)
        }
        Some(_) | None => Some(None),
    };
    match (name, id_number, account, cnaps, amount) {
        (Some(name), Some(id_number), Some((account, luhn)), Some(cnaps), Some(amount)) => {
            let mut odd = Vec::new();
            if luhn.is_some() {
                odd.push((columns.card.header.clone(), Flaw::CardLuhn));
            }
            if amount > UNUSUAL {
                odd.push((columns.amount.header.clone(), Flaw::AmountUnusual));
            }
            let row = number(line);
            Ok((
                WageRow {
                    row,
                    name,
                    id_number,
                    account,
                    cnaps,
                    amount,
                },
                odd,
            ))
        }
        _ => Err(flaws),
    }
}

fn read<T>(
    line: &Line,
    column: &Column,
    flaws: &mut Vec<Flawed>,
    parse: impl Fn(&Cell) -> Result<T, Flaw>,
) -> Option<T> {
    let cell = line.cell(column.at);
    let value = match cell {
        Cell::Error => Err(Flaw::CellError),
        Cell::Empty | Cell::Text(_) | Cell::Number(_) | Cell::Rounded | Cell::Other => parse(cell),
    };
    value
        .map_err(|flaw| flaws.push((column.header.clone(), flaw)))
        .ok()
}

fn name(cell: &Cell) -> Result<PersonName, Flaw> {
    match cell {
        Cell::Number(_) | Cell::Rounded | Cell::Other => Err(Flaw::NameBad),
        Cell::Empty | Cell::Text(_) | Cell::Error => Ok(PersonName::parse(cell.text())?),
    }
}

fn id_number(cell: &Cell) -> Result<IdNumber, Flaw> {
    if cell.is_blank() {
        return Err(Flaw::IdMissing);
    }
    Ok(IdNumber::parse(cell.text())?)
}

fn account(cell: &Cell) -> Result<(BankAccount, Option<AccountWarning>), Flaw> {
    match cell {
        Cell::Rounded => Err(Flaw::CardScientific),
        _ if cell.is_blank() => Err(Flaw::CardMissing),
        Cell::Empty | Cell::Text(_) | Cell::Number(_) | Cell::Error | Cell::Other => {
            Ok(BankAccount::parse(cell.text())?)
        }
    }
}

fn cnaps(cell: &Cell) -> Result<Cnaps, Flaw> {
    Ok(Cnaps::parse(cell.text())?)
}

fn amount(cell: &Cell) -> Result<Fen, Flaw> {
    if cell.is_blank() {
        return Err(Flaw::AmountMissing);
    }
    let text = cell
        .text()
        .trim()
        .trim_start_matches(['¥', '￥'])
        .trim_end_matches('元');
    if let Some(positive) = text.strip_prefix(['-', '－', '−']) {
        return Err(Fen::parse_yuan(positive).map_or_else(Flaw::from, |_| Flaw::AmountNegative));
    }
    let amount = Fen::parse_yuan(text)?;
    if amount.is_positive() {
        Ok(amount)
    } else {
        Err(Flaw::AmountZero)
    }
}
