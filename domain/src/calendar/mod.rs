//! Business days in China: Mondays to Fridays, without the State Council's holidays and with the weekend days that make up for them.
//!
//! Each year is a table of facts ([`year`]) under the number of the notice that set it. A year whose notice is not here counts by the week alone,
//! and says so ([`Calendar::is_known`]): what is told of it is an expectation and no promise.

pub mod year;

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::Deserialize;

pub use year::{Holiday, NotAYear, Year};

/// The years that come with the program.
const BUILT_IN: [&str; 2] = [
    include_str!("../../calendars/2025.toml"),
    include_str!("../../calendars/2026.toml"),
];

/// The years that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    years: BTreeMap<i16, Year>,
}

impl Default for Calendar {
    /// The years whose notices were published when the program was built.
    fn default() -> Self {
        let weeks = Self::by_the_week();
        BUILT_IN.into_iter().fold(weeks, |calendar, text| {
            calendar.with(Year::read(text).expect("a test reads every year that is built in"))
        })
    }
}

/// What a day is before a bank has its say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind<'a> {
    /// Monday to Friday, and no holiday.
    Weekday,
    /// Saturday or Sunday, and neither a holiday nor made up for.
    Weekend,
    /// A day of this holiday.
    Holiday(&'a Holiday),
    /// A Saturday or Sunday that is worked because of this holiday (调休上班).
    MakeUp(&'a Holiday),
}

impl DayKind<'_> {
    /// Code for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Weekday => "weekday",
            Self::Weekend => "weekend",
            Self::Holiday(_) => "holiday",
            Self::MakeUp(_) => "make_up",
        }
    }
}

/// What a bank does on Saturdays and Sundays that are no holidays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekendRule {
    /// It rests, but for the days that make up for a holiday.
    #[default]
    Rests,
    /// It works as on other days.
    Works,
}

impl WeekendRule {
    /// Code, as in a profile.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rests => "rests",
            Self::Works => "works",
        }
    }
}

impl Calendar {
    /// Mondays to Fridays, with no year known.
    pub const fn by_the_week() -> Self {
        Self {
            years: BTreeMap::new(),
        }
    }

    /// With one more year; one that is there already is replaced, since a notice may be amended.
    #[must_use]
    pub fn with(mut self, year: Year) -> Self {
        self.years.insert(year.number, year);
        self
    }

    /// The numbers of the years that are known.
    pub fn known_years(&self) -> impl Iterator<Item = i16> {
        self.years.keys().copied()
    }

    /// True where the notice of the day's year is here.
    pub fn is_known(&self, day: Date) -> bool {
        self.years.contains_key(&day.year())
    }

    /// The year of a day, where it is known.
    pub fn year_of(&self, day: Date) -> Option<&Year> {
        self.years.get(&day.year())
    }

    /// What a day is.
    pub fn kind(&self, day: Date) -> DayKind<'_> {
        let year = self.years.get(&day.year());
        let holidays = year.map_or(&[][..], |year| &year.holidays);
        if let Some(holiday) = holidays.iter().find(|holiday| holiday.has(day)) {
            DayKind::Holiday(holiday)
        } else if let Some(holiday) = holidays.iter().find(|it| it.make_up.contains(&day)) {
            DayKind::MakeUp(holiday)
        } else if is_weekend(day) {
            DayKind::Weekend
        } else {
            DayKind::Weekday
        }
    }

    /// The holiday that a day lies in, or else the first one after it.
    pub fn holiday_from(&self, day: Date) -> Option<&Holiday> {
        let mut holidays = self.years.values().flat_map(|year| &year.holidays);
        holidays.find(|holiday| holiday.to >= day)
    }

    /// The business days of a bank that does so at weekends.
    pub const fn business_days(&self, weekend: WeekendRule) -> BusinessDays<'_> {
        BusinessDays {
            calendar: self,
            weekend,
        }
    }
}

/// The days on which one bank works.
#[derive(Clone, Copy, Debug)]
pub struct BusinessDays<'a> {
    calendar: &'a Calendar,
    weekend: WeekendRule,
}

impl BusinessDays<'_> {
    /// True on a day on which the bank works.
    pub fn is_business_day(&self, day: Date) -> bool {
        match (self.calendar.kind(day), self.weekend) {
            (DayKind::Weekday | DayKind::MakeUp(_), _) => true,
            (DayKind::Weekend, WeekendRule::Works) => true,
            (DayKind::Weekend, WeekendRule::Rests) | (DayKind::Holiday(_), _) => false,
        }
    }

    /// The first business day after a day.
    pub fn next(&self, day: Date) -> Date {
        self.on_or_after(day.saturating_add(1.day()))
    }

    /// The last business day before a day.
    pub fn previous(&self, day: Date) -> Date {
        self.on_or_before(day.saturating_sub(1.day()))
    }

    /// The day itself, or else the first business day after it.
    pub fn on_or_after(&self, mut day: Date) -> Date {
        while !self.is_business_day(day) && day < Date::MAX {
            day = day.saturating_add(1.day());
        }
        day
    }

    /// The day itself, or else the last business day before it: wages are paid before a holiday and not after it (Order 724, article 14).
    pub fn on_or_before(&self, mut day: Date) -> Date {
        while !self.is_business_day(day) && day > Date::MIN {
            day = day.saturating_sub(1.day());
        }
        day
    }

    /// So many business days later.
    pub fn add_business_days(&self, day: Date, number: u8) -> Date {
        (0..number).fold(day, |day, _| self.next(day))
    }

    /// So many business days earlier.
    pub fn subtract_business_days(&self, day: Date, number: u8) -> Date {
        (0..number).fold(day, |day, _| self.previous(day))
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests;
