//! What is the same in every bank's profile, whatever its family: who it is, what it takes, when it answers.

use std::num::NonZeroU32;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;

use crate::calendar::{BusinessDays, Calendar, WeekendRule};
use crate::ids::Cnaps;
use crate::plan::{KeyRule, Limits};

/// One bank's profile: data, read from TOML (`[bank]` table), checked when the gateway starts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankProfile {
    /// Short code, as in certificates and configuration.
    pub code: String,
    /// Name as people know it.
    pub name: String,
    /// The bank's own CNAPS number.
    #[serde(deserialize_with = "cnaps")]
    pub cnaps: Cnaps,
    /// What one instruction may hold.
    pub limits: Limits,
    /// Form of the instruction's key.
    pub key: KeyRule,
    /// When to ask.
    pub polling: Polling,
    /// What the bank's document promises about instructions that may not have arrived; absent where it promises nothing.
    #[serde(default)]
    pub arrival: Option<Arrival>,
    /// How many calls it takes at one time, over all gateways.
    #[serde(default = "calls_max")]
    pub calls_max: NonZeroU32,
    /// From when, by the clock in China, it works on a business day; what comes earlier waits. Absent where it works from midnight.
    #[serde(default, deserialize_with = "time")]
    pub opens: Option<Time>,
    /// Until when, by the clock in China, what it takes is worked the same day; what comes in that very minute is worked on the next business
    /// day. Absent where it works all day.
    #[serde(default, deserialize_with = "time")]
    pub cut_off: Option<Time>,
    /// Whether Saturdays and Sundays are business days.
    #[serde(default)]
    pub weekend: WeekendRule,
    /// Whether it takes instructions while it does not work.
    #[serde(default)]
    pub takes: Takes,
    /// Working days from the day on which it is worked to the day on which the wages are on the cards.
    #[serde(default)]
    pub arrival_days: u8,
    /// Where to send and ask, relative to the bank's base address; `{key}` and `{after}` are filled in.
    pub paths: Paths,
}

/// When a bank takes instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// At any time: what comes while it does not work waits there.
    #[default]
    Always,
    /// On its business days from `opens` to `cut_off`: what comes at another time is refused, so that it waits here.
    InWindow,
}

impl Takes {
    /// Code, as in a profile.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::InWindow => "in_window",
        }
    }
}

/// The last chance for wages to be on the cards by a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastChance {
    /// The day itself, or else the last business day before it.
    pub pay_by: Date,
    /// The business day on which the bank must work the instruction.
    pub worked: Date,
    /// The instruction must be at the bank before this moment in China.
    pub before: DateTime,
}

/// When to ask for results, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polling {
    /// First query after the bank took the instruction.
    pub first_after_s: u32,
    /// Between queries.
    pub every_s: u32,
    /// Between looks for returns.
    pub collect_every_s: u32,
    /// For how many days after it was sent the bank answers for an instruction; absent where it does so for ever.
    #[serde(default)]
    pub for_days: Option<u16>,
    /// How often it answers for one instruction; absent where it does not count.
    #[serde(default)]
    pub queries_max: Option<u32>,
}

/// What "we have no record of it" is worth at a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// Seconds after the last byte can have left us in which an instruction turns up at the bank, or never does.
    pub within_s: u32,
    /// A second instruction under the same key is refused or answered as a duplicate, and never paid.
    #[serde(default)]
    pub refuses_duplicates: bool,
}

/// Paths of a bank that is spoken to over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Takes an instruction.
    pub submit: String,
    /// Tells of one instruction; absent where the bank cannot be asked.
    #[serde(default)]
    pub query: Option<String>,
    /// Tells what came back since; absent where the bank only pushes.
    pub collect: Option<String>,
}

impl BankProfile {
    /// How the bank's own numbers begin: three digits where they name one bank, the whole number where many banks share them
    /// (313 city, 314 rural commercial, 317 rural cooperative, 320 village, 401 and 402 credit co-operatives).
    pub fn own_cnaps_prefix(&self) -> &str {
        match self.cnaps.bank_code() {
            "313" | "314" | "317" | "320" | "401" | "402" => self.cnaps.as_str(),
            one_bank => one_bank,
        }
    }

    /// The days on which it works.
    pub const fn business_days<'a>(&self, calendar: &'a Calendar) -> BusinessDays<'a> {
        calendar.business_days(self.weekend)
    }

    /// The bank's business date of what it takes at this moment in China: today before the cut-off of a business day, else the next business day.
    pub fn value_date(&self, calendar: &Calendar, at: DateTime) -> Date {
        let days = self.business_days(calendar);
        if self.cut_off.is_some_and(|cut_off| at.time() >= cut_off) {
            days.next(at.date())
        } else {
            days.on_or_after(at.date())
        }
    }

    /// When wages are expected on the cards that the bank takes at this moment in China. It is what to expect and not a promise.
    pub fn expected_arrival(&self, calendar: &Calendar, at: DateTime) -> Date {
        let worked = self.value_date(calendar, at);
        self.business_days(calendar)
            .add_business_days(worked, self.arrival_days)
    }

    /// When the bank next takes instructions, where it takes none at this moment in China.
    pub fn opening(&self, calendar: &Calendar, at: DateTime) -> Option<DateTime> {
        match self.takes {
            Takes::Always => None,
            Takes::InWindow => {
                let opens = self.opens.unwrap_or(Time::midnight());
                let opening = self.value_date(calendar, at).to_datetime(opens);
                (at < opening).then_some(opening)
            }
        }
    }

    /// Until when an instruction must be at the bank for wages to be on the cards by `day`, or before it where the bank rests on that day.
    pub fn last_chance(&self, calendar: &Calendar, day: Date) -> LastChance {
        let days = self.business_days(calendar);
        let pay_by = days.on_or_before(day);
        let worked = days.subtract_business_days(pay_by, self.arrival_days);
        let before = match self.cut_off {
            Some(cut_off) => worked.to_datetime(cut_off),
            None => worked.saturating_add(1.day()).to_datetime(Time::midnight()),
        };
        LastChance {
            pay_by,
            worked,
            before,
        }
    }

    /// Holds the hours against each other.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_hours(&self) -> Result<(), &'static str> {
        match (self.opens, self.cut_off) {
            (Some(opens), Some(cut_off)) if opens >= cut_off => {
                Err("bank.opens is earlier than bank.cut_off")
            }
            (None, Some(Time::MIN)) => Err(
                "bank.cut_off at midnight leaves no time; leave it out where the bank works all day",
            ),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }
}

/// The path of a query with the days between which the bank shall look: `{from}` and `{to}`, as `2026-11-02`.
pub fn with_dates(path: &str, from: Date, to: Date) -> String {
    path.replace("{from}", &from.to_string())
        .replace("{to}", &to.to_string())
}

const fn calls_max() -> NonZeroU32 {
    // Enough that a slow answer keeps nobody waiting, and few enough for the smallest bank.
    NonZeroU32::MIN.saturating_add(3)
}

/// The path of a query without the places for the days; `None` where it has only one of the two, or one twice.
pub fn without_dates(path: &str) -> Option<String> {
    let places = |place: &str| path.matches(place).count();
    match (places("{from}"), places("{to}")) {
        (0, 0) => Some(path.to_owned()),
        (1, 1) => Some(path.replace("{from}", "").replace("{to}", "")),
        _ => None,
    }
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Time::strptime("%H:%M", &text)
        .map(Some)
        .map_err(|_| serde::de::Error::custom("it is a time such as \"16:30\""))
}

fn cnaps<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Cnaps, D::Error> {
    Cnaps::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(more: &str) -> BankProfile {
        toml::from_str(&format!(
            "code = 'b'\nname = 'B'\ncnaps = '402731000018'\nlimits = {{ rows_max = 10 }}\nkey = {{ length = 20, alphabet = 'digits' }}\n\
             polling = {{ first_after_s = 1, every_s = 1, collect_every_s = 1 }}\n{more}\n[paths]\nsubmit = '/'\nquery = '/'\n"
        ))
        .unwrap()
    }

    #[test]
    fn wages_arrive_by_cut_off_and_working_days() {
        let calendar = Calendar::default();
        for (more, sent, arrives) in [
            ("", "2026-11-02T23:59", "2026-11-02"),
            ("cut_off = '16:30'", "2026-11-02T16:29:59", "2026-11-02"),
            ("cut_off = '16:30'", "2026-11-02T16:30", "2026-11-03"),
            ("cut_off = '16:30'", "2026-11-02T16:31", "2026-11-03"),
            ("cut_off = '16:30'", "2026-11-06T17:00", "2026-11-09"),
            ("arrival_days = 1", "2026-11-06T09:00", "2026-11-09"),
            (
                "cut_off = '16:30'\narrival_days = 1",
                "2026-11-07T09:00",
                "2026-11-10",
            ),
            ("weekend = 'works'", "2026-11-07T09:00", "2026-11-07"),
            // National Day, and the Saturday that makes up for it.
            ("cut_off = '17:00'", "2026-09-30T16:59", "2026-09-30"),
            ("cut_off = '17:00'", "2026-09-30T17:00", "2026-10-08"),
            ("weekend = 'works'", "2026-10-03T09:00", "2026-10-08"),
            ("arrival_days = 1", "2026-09-30T09:00", "2026-10-08"),
            ("arrival_days = 1", "2026-10-09T09:00", "2026-10-10"),
            ("arrival_days = 2", "2026-10-09T09:00", "2026-10-12"),
            // Over the turn of a year.
            ("arrival_days = 1", "2025-12-31T23:59:59", "2026-01-04"),
        ] {
            let found = profile(more).expected_arrival(&calendar, sent.parse().unwrap());
            assert_eq!(found.to_string(), arrives, "{more} {sent}");
        }
    }

    #[test]
    fn a_bank_with_a_window_is_waited_for_until_it_opens() {
        let calendar = Calendar::default();
        let hours = "opens = '08:30'\ncut_off = '16:30'\ntakes = 'in_window'";
        for (more, at, opening) in [
            (hours, "2026-11-02T08:29:59", Some("2026-11-02T08:30:00")),
            (hours, "2026-11-02T08:30", None),
            (hours, "2026-11-02T16:29:59", None),
            (hours, "2026-11-02T16:30", Some("2026-11-03T08:30:00")),
            (hours, "2026-11-06T16:30", Some("2026-11-09T08:30:00")),
            (hours, "2026-09-30T16:30", Some("2026-10-08T08:30:00")),
            (hours, "2026-10-10T12:00", None),
            ("takes = 'in_window'", "2026-11-06T23:59:59", None),
            (
                "takes = 'in_window'",
                "2026-11-07T00:00",
                Some("2026-11-09T00:00:00"),
            ),
            (
                "opens = '08:30'\ncut_off = '16:30'",
                "2026-11-07T03:00",
                None,
            ),
        ] {
            let found = profile(more).opening(&calendar, at.parse().unwrap());
            let found = found.map(|opening| opening.to_string());
            assert_eq!(found.as_deref(), opening, "{more} {at}");
        }
    }

    #[test]
    fn the_last_chance_before_a_pay_day_is_the_last() {
        let calendar = Calendar::default();
        for (more, day, expected) in [
            (
                "cut_off = '17:00'",
                "2026-10-01",
                ("2026-09-30", "2026-09-30T17:00:00"),
            ),
            (
                "cut_off = '17:00'\narrival_days = 1",
                "2026-10-07",
                ("2026-09-30", "2026-09-29T17:00:00"),
            ),
            ("", "2026-02-20", ("2026-02-14", "2026-02-15T00:00:00")),
            (
                "weekend = 'works'",
                "2026-11-08",
                ("2026-11-08", "2026-11-09T00:00:00"),
            ),
        ] {
            let profile = profile(more);
            let found = profile.last_chance(&calendar, day.parse().unwrap());
            let shown = (found.pay_by.to_string(), found.before.to_string());
            assert_eq!(
                (shown.0.as_str(), shown.1.as_str()),
                expected,
                "{more} {day}"
            );
            let just = found.before.saturating_sub(1.second());
            assert_eq!(profile.expected_arrival(&calendar, just), found.pay_by);
            assert!(profile.expected_arrival(&calendar, found.before) > found.pay_by);
        }
    }

    #[test]
    fn hours_that_leave_no_time_are_refused() {
        for (more, sound) in [
            ("", true),
            ("opens = '08:30'", true),
            ("opens = '08:30'\ncut_off = '16:30'", true),
            ("opens = '16:30'\ncut_off = '16:30'", false),
            ("cut_off = '00:00'", false),
        ] {
            assert_eq!(profile(more).check_hours().is_ok(), sound, "{more}");
        }
    }

    #[test]
    fn the_days_of_a_query_stand_in_its_path_in_a_pair() {
        let days = ["2026-11-01", "2026-11-03"].map(|day| day.parse().unwrap());
        let path = "/q/{key}?a={from}&b={to}";
        assert_eq!(
            with_dates(path, days[0], days[1]),
            "/q/{key}?a=2026-11-01&b=2026-11-03"
        );
        for (path, bare) in [
            (path, Some("/q/{key}?a=&b=")),
            ("/q/{key}", Some("/q/{key}")),
            ("/q/{key}?a={from}", None),
            ("/q/{key}?a={from}&b={to}&c={to}", None),
        ] {
            assert_eq!(without_dates(path).as_deref(), bare, "{path}");
        }
    }
}
