//! One worker's entry to a checked row, or to everything that is wrong with it.

use jiff::civil::Date;
use wagegate_domain::{
    PayMonth,
    ids::{AccountWarning, IdNumber, PersonName},
    roster::{CardClaim, CardKind, Phone, RosterRow, WorkRole},
};

use super::{
    entry::{Entry, Field, Said},
    flaw::RosterFlaw,
};
use crate::intake::{
    Flaw,
    cells::Cell,
    header::half_width,
    row::{Flawed, account, cnaps, id_number, name},
};

const TEAM_MAX: usize = 100;

/// What could be read of an entry. `None` outside is what could not be read, inside what was not given.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) name: Option<PersonName>,
    pub(super) id_number: Option<IdNumber>,
    pub(super) phone: Option<Option<Phone>>,
    pub(super) role: Option<WorkRole>,
    pub(super) team: Option<String>,
    pub(super) entered_on: Option<Date>,
    pub(super) left_on: Option<Option<Date>>,
    pub(super) attendance: Vec<(PayMonth, u8)>,
    pub(super) card: Option<Option<CardClaim>>,
}

impl Parts {
    /// The row, where all of it could be read.
    pub(super) fn whole(self, row: u32) -> Option<RosterRow> {
        Some(RosterRow {
            row,
            name: self.name?,
            id_number: self.id_number?,
            phone: self.phone?,
            role: self.role?,
            team: self.team?,
            entered_on: self.entered_on?,
            left_on: self.left_on?,
            attendance: self.attendance,
            card: self.card?,
        })
    }
}

/// Reads what can be read of an entry, and says everything that is wrong or odd with it.
pub(super) fn parse(entry: &Entry) -> (Parts, Vec<Flawed>) {
    let mut reading = Reading {
        entry,
        flaws: entry.flaws.clone(),
    };
    let parts = Parts {
        name: reading.needed(Field::Name, name),
        id_number: reading.needed(Field::IdNumber, id_number),
        phone: reading.optional(Field::Phone, phone),
        role: Some(reading.role()),
        team: reading
            .optional(Field::Team, team)
            .map(Option::unwrap_or_default),
        entered_on: reading.needed(Field::EnteredOn, entry_date),
        left_on: reading.optional(Field::LeftOn, date),
        card: reading.card(),
        attendance: reading.attendance(),
    };
    (parts, reading.flaws)
}

struct Reading<'a> {
    entry: &'a Entry,
    flaws: Vec<Flawed>,
}

impl Reading<'_> {
    fn flaw(&mut self, column: String, flaw: Flaw) {
        self.flaws.push((column, flaw));
    }

    fn needed<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&Cell) -> Result<T, Flaw>,
    ) -> Option<T> {
        // What a reader could not get at has its flaw already.
        if self
            .entry
            .flaws
            .iter()
            .any(|(column, _)| *column == self.entry.column(field))
        {
            return None;
        }
        let cell = self.entry.cell(field);
        let value = if *cell == Cell::Error {
            Err(Flaw::CellError)
        } else {
            parse(cell)
        };
        value
            .map_err(|flaw| self.flaw(self.entry.column(field), flaw))
            .ok()
    }

    fn optional<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&Cell) -> Result<T, Flaw>,
    ) -> Option<Option<T>> {
        match self.entry.filled(field) {
            Some(_) => self.needed(field, parse).map(Some),
            None => Some(None),
        }
    }

    /// 岗位 where it is given, else 工种, of which only 管理人员 matters.
    fn role(&mut self) -> WorkRole {
        let manages = |cell: &Cell| {
            let text = cell.text().trim().to_lowercase();
            text.contains("管理") || ["manager", "10"].contains(&text.as_str())
        };
        let role = |manager| {
            if manager {
                WorkRole::Manager
            } else {
                WorkRole::Worker
            }
        };
        let Some(said) = self.entry.filled(Field::Role) else {
            return role(manages(self.entry.cell(Field::Trade)));
        };
        let known = ["建筑工人", "工人", "worker", "20"];
        let text = said.cell.text().trim().to_lowercase();
        if !manages(&said.cell) && !known.contains(&text.as_str()) {
            self.flaw(said.column.clone(), RosterFlaw::RoleUnknown.into());
        }
        role(manages(&said.cell))
    }

    /// The card with its bank and kind; what is said of a card without its number is looked at and left.
    fn card(&mut self) -> Option<Option<CardClaim>> {
        let account = self.optional(Field::Card, account);
        let cnaps = self.optional(Field::Cnaps, cnaps);
        let kind = self.optional(Field::CardKind, card_kind);
        if let Some(Some((_, Some(AccountWarning::Luhn)))) = account {
            self.flaw(self.entry.column(Field::Card), Flaw::CardLuhn);
        }
        let (cnaps, kind) = (cnaps?, kind?.unwrap_or(CardKind::Unknown));
        Some(account?.map(|(account, _)| CardClaim {
            account,
            cnaps,
            kind,
        }))
    }

    fn attendance(&mut self) -> Vec<(PayMonth, u8)> {
        let mut months: Vec<(PayMonth, u8)> = Vec::new();
        let entry = self.entry;
        for (said_month, said_days) in &entry.attendance {
            let Some((month, days)) = self.month_and_days(said_month, said_days) else {
                continue;
            };
            if months.iter().any(|(other, _)| *other == month) {
                self.flaw(said_month.column.clone(), RosterFlaw::MonthTwice.into());
            } else {
                months.push((month, days));
            }
        }
        months.sort_unstable();
        months
    }

    fn month_and_days(&mut self, month: &Said, days: &Said) -> Option<(PayMonth, u8)> {
        match (month.cell.is_blank(), days.cell.is_blank()) {
            (true, true) => return None,
            (true, false) => self.flaw(month.column.clone(), RosterFlaw::MonthMissing.into()),
            (false, true) => self.flaw(days.column.clone(), RosterFlaw::DaysMissing.into()),
            (false, false) => {}
        }
        let mut value = |said: &Said, flaw: Option<Flaw>| {
            if let Some(flaw) = flaw.filter(|_| !said.cell.is_blank()) {
                self.flaw(said.column.clone(), flaw);
            }
        };
        let read_month = pay_month(&month.cell);
        value(
            month,
            read_month.is_none().then(|| RosterFlaw::MonthForm.into()),
        );
        let counted = whole_number(&days.cell);
        value(days, counted.is_none().then(|| RosterFlaw::DaysForm.into()));
        let (read_month, counted) = (read_month?, counted?);
        let length = first_day(read_month)?.days_in_month().unsigned_abs();
        if counted > length {
            value(days, Some(RosterFlaw::DaysTooMany.into()));
            return None;
        }
        Some((read_month, counted))
    }
}

fn phone(cell: &Cell) -> Result<Phone, Flaw> {
    Phone::parse(cell.text()).map_err(|_| RosterFlaw::PhoneForm.into())
}

fn team(cell: &Cell) -> Result<String, Flaw> {
    let text = cell.text().trim();
    if text.chars().count() > TEAM_MAX {
        return Err(RosterFlaw::TeamTooLong.into());
    }
    if text.chars().any(char::is_control) {
        return Err(RosterFlaw::TeamForm.into());
    }
    Ok(text.to_owned())
}

fn entry_date(cell: &Cell) -> Result<Date, Flaw> {
    if cell.is_blank() {
        return Err(RosterFlaw::EntryMissing.into());
    }
    date(cell)
}

/// A date as a spreadsheet keeps it or as people type it: `2026-03-01`, `2026/3/1`, `2026.3.1`, `2026年3月1日`, `20260301`; a time of day
/// behind it is left out.
pub(super) fn date(cell: &Cell) -> Result<Date, Flaw> {
    if let Cell::Date(date) = cell {
        return plausible(*date);
    }
    let text: String = cell.text().trim().chars().map(half_width).collect();
    let parts: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .collect();
    let number = |text: &str| text.parse::<i16>().ok();
    let parsed = match parts.as_slice() {
        [joined] if joined.len() == 8 && text.len() == 8 => {
            Some([&joined[..4], &joined[4..6], &joined[6..]])
        }
        [year, month, day, ..] if year.len() == 4 && text.starts_with(year) => {
            Some([*year, *month, *day])
        }
        _ => None,
    };
    parsed
        .and_then(|[year, month, day]| {
            let (month, day) = (
                number(month)?.try_into().ok()?,
                number(day)?.try_into().ok()?,
            );
            Date::new(number(year)?, month, day).ok()
        })
        .ok_or_else(|| RosterFlaw::DateForm.into())
        .and_then(plausible)
}

/// No project of today began in another century.
fn plausible(date: Date) -> Result<Date, Flaw> {
    if (2000..2200).contains(&date.year()) {
        Ok(date)
    } else {
        Err(RosterFlaw::DateForm.into())
    }
}

fn card_kind(cell: &Cell) -> Result<CardKind, Flaw> {
    let text: String = cell.text().split_whitespace().collect();
    let kind = match text.as_str() {
        "本行卡" | "本行" => Some(CardKind::OwnBank),
        "他行卡" | "他行" => Some(CardKind::OtherBank),
        "社保卡" | "社会保障卡" => Some(CardKind::SocialSecurity),
        "云建宝卡" | "云建宝" => Some(CardKind::Yunjianbao),
        other => CardKind::from_code(other),
    };
    kind.ok_or_else(|| RosterFlaw::CardKindUnknown.into())
}

fn pay_month(cell: &Cell) -> Option<PayMonth> {
    match cell {
        Cell::Date(date) => PayMonth::of(*date).ok(),
        other => PayMonth::parse(&other.text().chars().map(half_width).collect::<String>()).ok(),
    }
}

/// The first day of a month.
pub(super) fn first_day(month: PayMonth) -> Option<Date> {
    format!("{month}-01").parse().ok()
}

fn whole_number(cell: &Cell) -> Option<u8> {
    let text: String = cell.text().trim().chars().map(half_width).collect();
    text.trim_end_matches('天').parse().ok()
}
