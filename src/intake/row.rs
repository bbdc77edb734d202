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
pub(crate) type Flawed = (String, Flaw);

/// From this amount on, one supervisor's red line: shown, not refused.
const UNUSUAL: Fen = Fen::new(5_000_000);

/// What could be read of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) name: Option<PersonName>,
    pub(super) id_number: Option<IdNumber>,
    pub(super) account: Option<BankAccount>,
    /// `Some(None)` where the sheet does not give one.
    pub(super) cnaps: Option<Option<Cnaps>>,
    pub(super) amount: Option<Fen>,
}

impl Parts {
    /// The row, where all of it could be read.
    pub(super) fn whole(self, row: u32) -> Option<WageRow> {
        Some(WageRow {
            row,
            name: self.name?,
            id_number: self.id_number?,
            account: self.account?,
            cnaps: self.cnaps?,
            amount: self.amount?,
        })
    }
}

/// Reads what can be read of a row, and says everything that is wrong or odd with it.
pub(super) fn parse(line: &Line, columns: &Columns) -> (Parts, Vec<Flawed>) {
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
    if let Some((_, Some(AccountWarning::Luhn))) = account {
        flaws.push((columns.card.header.clone(), Flaw::CardLuhn));
    }
    if amount.is_some_and(|amount| amount > UNUSUAL) {
        flaws.push((columns.amount.header.clone(), Flaw::AmountUnusual));
    }
    let parts = Parts {
        name,
        id_number,
        account: account.map(|(account, _)| account),
        cnaps,
        amount,
    };
    (parts, flaws)
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
        Cell::Empty
        | Cell::Text(_)
        | Cell::Number(_)
        | Cell::Rounded
        | Cell::Date(_)
        | Cell::Other => parse(cell),
    };
    value
        .map_err(|flaw| flaws.push((column.header.clone(), flaw)))
        .ok()
}

pub(crate) fn name(cell: &Cell) -> Result<PersonName, Flaw> {
    match cell {
        Cell::Number(_) | Cell::Rounded | Cell::Date(_) | Cell::Other => Err(Flaw::NameBad),
        Cell::Empty | Cell::Text(_) | Cell::Error => Ok(PersonName::parse(cell.text())?),
    }
}

pub(crate) fn id_number(cell: &Cell) -> Result<IdNumber, Flaw> {
    if cell.is_blank() {
        return Err(Flaw::IdMissing);
    }
    Ok(IdNumber::parse(cell.text())?)
}

pub(crate) fn account(cell: &Cell) -> Result<(BankAccount, Option<AccountWarning>), Flaw> {
    match cell {
        Cell::Rounded => Err(Flaw::CardScientific),
        _ if cell.is_blank() => Err(Flaw::CardMissing),
        Cell::Empty
        | Cell::Text(_)
        | Cell::Number(_)
        | Cell::Error
        | Cell::Date(_)
        | Cell::Other => Ok(BankAccount::parse(cell.text())?),
    }
}

pub(crate) fn cnaps(cell: &Cell) -> Result<Cnaps, Flaw> {
    Ok(Cnaps::parse(cell.text())?)
}

fn amount(cell: &Cell) -> Result<Fen, Flaw> {
    let amount = yuan(cell)?;
    if amount.is_positive() {
        Ok(amount)
    } else {
        Err(Flaw::AmountZero)
    }
}

/// An amount as people write it, nought included: `5,432.10`, `¥5432.1`, `5432元`.
pub(super) fn yuan(cell: &Cell) -> Result<Fen, Flaw> {
    if cell.is_blank() {
        return Err(Flaw::AmountMissing);
    }
    if *cell == Cell::Error {
        return Err(Flaw::CellError);
    }
    let text = cell
        .text()
        .trim()
        .trim_start_matches(['¥', '￥'])
        .trim_end_matches('元');
    if let Some(positive) = text.strip_prefix(['-', '－', '−']) {
        return Err(Fen::parse_yuan(positive).map_or_else(Flaw::from, |_| Flaw::AmountNegative));
    }
    Ok(Fen::parse_yuan(text)?)
}
