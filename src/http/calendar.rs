//! A bank's business days: whether it works on a day, why, and until when wages must be released to be on the cards by then.

use actix_web::HttpResponse;
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};
use wagegate_domain::{
    calendar::{Calendar, DayKind, Holiday},
    profile::BankProfile,
};

use super::{
    ask::Ask,
    problem::Problem,
    refusal::not_there,
    wire::{self, ok},
};
use crate::{
    banks::Bank,
    clock::china_date,
    config::ApprovalEntry,
    dispatch::moment,
    gateway::Gateway,
    security::access::{Denied, Target},
};

/// Projects that are looked at in one query.
const PAGE: u32 = 1_000;
/// How far ahead an approver is told of a holiday.
const AHEAD_DAYS: i32 = 14;

/// One day at one bank.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CalendarWire {
    pub bank: String,
    pub bank_name: String,
    /// The pay day that was asked about.
    pub day: String,
    /// Whether the bank works on it.
    pub business_day: bool,
    /// What it is before the bank's own rule for weekends: weekday, weekend, holiday or make_up.
    pub kind: String,
    /// The holiday that it lies in or makes up for.
    pub holiday: Option<HolidayWire>,
    /// False where the State Council's notice for one of the days is not known here: then only weekends are counted.
    pub known: bool,
    /// The notice for the year of the day.
    pub notice: Option<String>,
    /// The bank's hours, by the clock in China; absent where it works from midnight, and until midnight.
    pub opens: Option<String>,
    pub cut_off: Option<String>,
    /// What it does on Saturdays and Sundays: rests or works.
    pub weekend: String,
    /// When it takes instructions: always or in_window.
    pub takes: String,
    /// Business days from the day on which it works an instruction to the day on which the wages are on the cards.
    pub arrival_days: u8,
    /// The day itself, or the last business day before it: wages come before a holiday and not after it.
    pub pay_by: String,
    /// The business day on which the bank must work the instruction.
    pub worked_on: String,
    /// Seconds between a release and the making of instructions.
    pub hold_s: u32,
    /// A release before this moment is in time.
    pub release_before: String,
    /// Weekend days of the same month that are worked to make up for a holiday.
    pub make_up_days: Vec<String>,
}

/// A holiday with its first and last day.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HolidayWire {
    pub name: String,
    pub english: String,
    pub from: String,
    pub to: String,
}

/// What a holiday means for a batch that awaits its release.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BeforeHolidayWire {
    pub holiday: HolidayWire,
    /// The last business day before it.
    pub pay_by: String,
    /// A release before this moment has the wages on the cards by then.
    pub release_before: String,
    /// That moment is over: the wages come after the holiday has begun.
    pub missed: bool,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Query {
    /// A pay day, such as 2026-10-01; today in China where not given.
    #[param(value_type = Option<String>, format = Date, example = "2026-10-01")]
    #[serde(default, deserialize_with = "wire::day_if_any")]
    day: Option<Date>,
}

/// Whether a bank works on a day, and until when wages must be released to be on the cards by then.
#[utoipa::path(
    get, path = "/v1/banks/{code}/calendar", params(Query), responses((status = 200, body = CalendarWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let query: Query = ask.query()?;
    let bank = seen(&ask).await?;
    let day = query.day.unwrap_or(china_date(ask.now()));
    Ok(ok(&shown(&ask.api.gateway, bank, day)))
}

/// The bank named in the path, where the caller is of that bank or sees a project that is paid through it.
async fn seen(ask: &Ask) -> Result<&Bank, Problem> {
    let code = ask.part("code");
    if ask.may(Target::Bank(code)).is_err() && !pays_in_scope(ask, code).await? {
        return Err(Denied::Scope.into());
    }
    let bank = ask.api.gateway.banks.find(code);
    bank.map_err(|_| not_there("there is no such bank at this gateway"))
}

async fn pays_in_scope(ask: &Ask, bank: &str) -> Result<bool, Problem> {
    let sees = ask.sees()?;
    let mut after: Option<String> = None;
    loop {
        let page = ask.store().project_page(&sees, after.as_deref(), PAGE);
        let page = page.await?;
        if page.iter().any(|project| project.bank == bank) {
            return Ok(true);
        }
        match page.last() {
            Some(last) => after = Some(last.code.clone()),
            None => return Ok(false),
        }
    }
}

fn shown(gateway: &Gateway, bank: &Bank, day: Date) -> CalendarWire {
    let (calendar, profile) = (gateway.banks.calendar(), bank.adapter.profile());
    let kind = calendar.kind(day);
    let chance = profile.last_chance(calendar, day);
    let release_before = gateway.approval.release_before(moment(chance.before));
    let holiday = match kind {
        DayKind::Holiday(holiday) | DayKind::MakeUp(holiday) => Some(wired(holiday)),
        DayKind::Weekday | DayKind::Weekend => None,
    };
    let clock = |time: Time| time.strftime("%H:%M").to_string();
    CalendarWire {
        bank: profile.code.clone(),
        bank_name: profile.name.clone(),
        day: day.to_string(),
        business_day: profile.business_days(calendar).is_business_day(day),
        kind: kind.code().into(),
        holiday,
        known: calendar.is_known(day) && calendar.is_known(chance.worked),
        notice: calendar.year_of(day).map(|year| year.notice.clone()),
        opens: profile.opens.map(clock),
        cut_off: profile.cut_off.map(clock),
        weekend: profile.weekend.code().into(),
        takes: profile.takes.code().into(),
        arrival_days: profile.arrival_days,
        pay_by: chance.pay_by.to_string(),
        worked_on: chance.worked.to_string(),
        hold_s: gateway.approval.hold_s,
        release_before: release_before.to_string(),
        make_up_days: make_up_days(calendar, day),
    }
}

fn make_up_days(calendar: &Calendar, day: Date) -> Vec<String> {
    let days = day.first_of_month().series(1.day());
    days.take_while(|other| *other <= day.last_of_month())
        .filter(|other| matches!(calendar.kind(*other), DayKind::MakeUp(_)))
        .map(|other| other.to_string())
        .collect()
}

fn wired(holiday: &Holiday) -> HolidayWire {
    HolidayWire {
        name: holiday.name.clone(),
        english: holiday.english.clone(),
        from: holiday.from.to_string(),
        to: holiday.to.to_string(),
    }
}

/// The holiday that wages released now would meet on their way to the cards, or that comes soon.
pub(super) fn before_holiday(
    (calendar, profile): (&Calendar, &BankProfile),
    approval: ApprovalEntry,
    now: Timestamp,
    arrives: Date,
) -> Option<BeforeHolidayWire> {
    let today = china_date(now);
    let ahead = today.saturating_add(AHEAD_DAYS.days()).max(arrives);
    let holiday = calendar.holiday_from(today).filter(|it| it.from <= ahead)?;
    let eve = holiday.from.saturating_sub(1.day());
    let chance = profile.last_chance(calendar, eve);
    let release_before = approval.release_before(moment(chance.before));
    Some(BeforeHolidayWire {
        holiday: wired(holiday),
        pay_by: chance.pay_by.to_string(),
        release_before: release_before.to_string(),
        missed: now >= release_before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approver_is_told_of_a_holiday_before_it_and_warned_when_it_is_too_late() {
        let calendar = Calendar::default();
        let qingshan = include_str!("../../adapters/iso20022/banks/qingshan.toml");
        let adapter = crate::banks::adapter(qingshan).unwrap();
        let of = (&calendar, adapter.profile());
        for (now, told) in [
            // Three weeks before the Mid-Autumn Festival nobody needs to hurry.
            ("2026-09-04T01:00:00Z", None),
            ("2026-09-28T01:00:00Z", Some(("国庆节", false))),
            // 17:00 is the cut-off; the hold of two minutes comes before it.
            ("2026-09-30T08:57:59Z", Some(("国庆节", false))),
            ("2026-09-30T08:58:00Z", Some(("国庆节", true))),
            ("2026-10-03T01:00:00Z", Some(("国庆节", true))),
            ("2026-10-08T01:00:00Z", None),
        ] {
            let now = now.parse().unwrap();
            let arrives = adapter
                .profile()
                .expected_arrival(&calendar, wagegate_domain::period::CHINA.to_datetime(now));
            let before = before_holiday(of, ApprovalEntry::default(), now, arrives);
            let found = before
                .as_ref()
                .map(|before| (before.holiday.name.as_str(), before.missed));
            assert_eq!(found, told, "{now}");
            if let Some(before) = before {
                assert_eq!(before.pay_by, "2026-09-30");
                assert_eq!(before.release_before, "2026-09-30T08:58:00Z");
            }
        }
    }

    #[test]
    fn a_month_shows_the_days_that_make_up() {
        let calendar = Calendar::default();
        for (day, expected) in [
            ("2026-10-31", vec!["2026-10-10"]),
            ("2026-02-01", vec!["2026-02-14", "2026-02-28"]),
            ("2026-11-02", vec![]),
        ] {
            assert_eq!(make_up_days(&calendar, day.parse().unwrap()), expected);
        }
    }
}
