//! What is the same in every bank's profile, whatever its family: who it is, what it takes, when it answers.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::Deserialize;

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
    /// Until when, by the clock in China, what it takes is worked the same day; absent where it works all day.
    #[serde(default, deserialize_with = "time")]
    pub cut_off: Option<Time>,
    /// Working days from the day on which it is worked to the day on which the wages are on the cards.
    #[serde(default)]
    pub arrival_days: u8,
    /// Where to send and ask, relative to the bank's base address; `{key}` and `{after}` are filled in.
    pub paths: Paths,
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

    /// When wages are expected on the cards that the bank takes at this moment in China. Mondays to Fridays are taken for working days;
    /// holidays are not known here, so that this is what to expect and not a promise.
    pub fn expected_arrival(&self, at: DateTime) -> Date {
        let late = self.cut_off.is_some_and(|cut_off| at.time() > cut_off);
        let mut day = at.date();
        if late || !is_working_day(day) {
            day = next_working_day(day);
        }
        (0..self.arrival_days).fold(day, |day, _| next_working_day(day))
    }
}

fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn next_working_day(day: Date) -> Date {
    let next = day.saturating_add(1.day());
    if is_working_day(next) || next == Date::MAX {
        next
    } else {
        next_working_day(next)
    }
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Time::strptime("%H:%M", &text)
        .map(Some)
        .map_err(|_| serde::de::Error::custom("cut_off is a time such as \"16:30\""))
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
        for (more, sent, arrives) in [
            ("", "2026-11-02T23:59", "2026-11-02"),
            ("cut_off = '16:30'", "2026-11-02T16:30", "2026-11-02"),
            ("cut_off = '16:30'", "2026-11-02T16:31", "2026-11-03"),
            ("cut_off = '16:30'", "2026-11-06T17:00", "2026-11-09"),
            ("arrival_days = 1", "2026-11-06T09:00", "2026-11-09"),
            (
                "cut_off = '16:30'\narrival_days = 1",
                "2026-11-07T09:00",
                "2026-11-10",
            ),
        ] {
            let found = profile(more).expected_arrival(sent.parse().unwrap());
            assert_eq!(found.to_string(), arrives, "{more} {sent}");
        }
    }
}
