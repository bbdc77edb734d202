//! The built-in years against the published dates, day by day; the rules on every day and over the ends of years.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Weekdays that are holidays and weekend days that are worked, month and day, as PyPI `chinesecalendar` 1.11.0 and npm `chinese-days` 1.5.7
/// have them, which agree on every day of both years.
const PUBLISHED: [(i16, &str, &str); 2] = [
    (
        2025,
        "0101 0128 0129 0130 0131 0203 0204 0404 0501 0502 0505 0602 1001 1002 1003 1006 1007 1008",
        "0126 0208 0427 0928 1011",
    ),
    (
        2026,
        "0101 0102 0216 0217 0218 0219 0220 0223 0406 0501 0504 0505 0619 0925 1001 1002 1005 1006 1007",
        "0104 0214 0228 0509 0920 1010",
    ),
];

fn days(year: i16) -> impl Iterator<Item = Date> {
    let first = Date::constant(year, 1, 1);
    first
        .series(1.day())
        .take_while(move |day| day.year() == year)
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn resting(calendar: &Calendar) -> BusinessDays<'_> {
    calendar.business_days(WeekendRule::Rests)
}

#[test]
fn every_day_of_the_built_in_years_is_what_was_published() {
    let calendar = Calendar::default();
    assert!(calendar.known_years().eq(PUBLISHED.map(|(year, ..)| year)));
    for (year, off, worked) in PUBLISHED {
        let (off, worked): (BTreeSet<_>, BTreeSet<_>) = (
            off.split(' ').map(str::to_owned).collect(),
            worked.split(' ').map(str::to_owned).collect(),
        );
        for day in days(year) {
            let name = day.strftime("%m%d").to_string();
            let expected = (!is_weekend(day) && !off.contains(&name)) || worked.contains(&name);
            assert_eq!(resting(&calendar).is_business_day(day), expected, "{day}");
        }
        let business = days(year).filter(|day| resting(&calendar).is_business_day(*day));
        assert_eq!(business.count(), 248, "{year}");
    }
}

#[test]
fn a_holiday_is_told_by_its_name_and_its_notice() {
    let calendar = Calendar::default();
    for (text, code, name) in [
        ("2026-10-03", "holiday", Some("国庆节")),
        ("2026-10-10", "make_up", Some("国庆节")),
        ("2026-02-14", "make_up", Some("春节")),
        ("2026-04-04", "holiday", Some("清明节")),
        ("2026-10-08", "weekday", None),
        ("2026-10-11", "weekend", None),
    ] {
        let kind = calendar.kind(day(text));
        let found = match kind {
            DayKind::Holiday(holiday) | DayKind::MakeUp(holiday) => Some(holiday.name.as_str()),
            DayKind::Weekday | DayKind::Weekend => None,
        };
        assert_eq!((kind.code(), found), (code, name), "{text}");
    }
    let year = calendar.year_of(day("2026-10-01")).unwrap();
    assert_eq!(year.notice, "国办发明电〔2025〕7号");
    for (text, next) in [
        ("2026-09-30", Some("2026-10-01")),
        ("2026-10-07", Some("2026-10-01")),
        ("2025-10-09", Some("2026-01-01")),
        ("2026-10-08", None),
    ] {
        let found = calendar.holiday_from(day(text));
        assert_eq!(
            found.map(|it| it.from.to_string()).as_deref(),
            next,
            "{text}"
        );
    }
}

#[test]
fn pay_day_moves_before_a_holiday_and_work_on_past_it() {
    let calendar = Calendar::default();
    for (text, before, after) in [
        ("2026-10-01", "2026-09-30", "2026-10-08"),
        ("2026-02-20", "2026-02-14", "2026-02-24"),
        ("2026-01-03", "2025-12-31", "2026-01-04"),
        ("2026-09-20", "2026-09-20", "2026-09-20"),
        ("2026-11-15", "2026-11-13", "2026-11-16"),
        ("2027-01-02", "2027-01-01", "2027-01-04"),
    ] {
        let days = resting(&calendar);
        assert_eq!(days.on_or_before(day(text)), day(before), "{text}");
        assert_eq!(days.on_or_after(day(text)), day(after), "{text}");
    }
}

#[test]
fn a_year_without_a_notice_counts_by_the_week_and_says_so() {
    let calendar = Calendar::default();
    let national_day = day("2027-10-01");
    assert!(!calendar.is_known(national_day) && calendar.is_known(day("2026-12-31")));
    assert_eq!(calendar.kind(national_day), DayKind::Weekday);
    let text = "year = 2027\nnotice = 'made up'\n[[holiday]]\nname = '国庆节'\nenglish = 'National Day'\nfrom = '2027-10-01'\nto = '2027-10-07'\nmake_up = ['2027-10-09']\n";
    let calendar = calendar.with(Year::read(text).unwrap());
    assert!(calendar.is_known(national_day));
    assert_eq!(calendar.kind(national_day).code(), "holiday");
    assert_eq!(calendar.kind(day("2027-10-09")).code(), "make_up");
}

#[test]
fn a_year_that_contradicts_itself_is_refused_with_its_line() {
    let sound = BUILT_IN[1];
    for (right, wrong, line, why) in [
        ("year = 2026", "year = 26", 2, "between 2000 and 2199"),
        (
            "notice = \"国办发明电〔2025〕7号\"",
            "notice = \"\"",
            3,
            "name the notice",
        ),
        ("notice =", "note =", 3, "unknown field `note`"),
        (
            "to = \"2026-01-03\"",
            "to = \"2025-12-31\"",
            9,
            "is not in 2026",
        ),
        ("to = \"2026-01-03\"", "to = \"2026-02-30\"", 9, "is no day"),
        (
            "to = \"2026-02-23\"",
            "to = \"2026-02-14\"",
            16,
            "ends on or after",
        ),
        (
            "to = \"2026-02-23\"",
            "to = \"2026-03-23\"",
            16,
            "37 days cannot be meant",
        ),
        (
            "from = \"2026-02-15\"",
            "from = \"2026-01-03\"",
            16,
            "52 days cannot be meant",
        ),
        (
            "from = \"2026-10-01\"",
            "from = \"2026-09-27\"",
            47,
            "do not overlap",
        ),
        (
            "\"2026-01-04\"",
            "\"2026-01-05\"",
            10,
            "no Saturday or Sunday",
        ),
        ("\"2026-02-28\"", "\"2026-01-04\"", 17, "a second time"),
        ("\"2026-02-28\"", "\"2026-04-04\"", 17, "a day of 清明节"),
    ] {
        let text = sound.replacen(right, wrong, 1);
        assert_ne!(text, sound, "{right}");
        let refused = Year::read(&text).unwrap_err();
        assert!(refused.why.contains(why), "{wrong}: {refused}");
        assert_eq!(refused.line, line, "{wrong}: {refused}");
    }
}

proptest! {
    #[test]
    fn business_days_follow_each_other_both_ways(ordinal in 0i32..3_000, works in any::<bool>(), number in 0u8..40) {
        let calendar = Calendar::default();
        let rule = if works { WeekendRule::Works } else { WeekendRule::Rests };
        let days = calendar.business_days(rule);
        let day = Date::constant(2023, 1, 1).saturating_add(ordinal.days());
        let (before, after) = (days.on_or_before(day), days.on_or_after(day));
        prop_assert!(before <= day && day <= after);
        prop_assert!(days.is_business_day(before) && days.is_business_day(after));
        prop_assert_eq!(days.next(days.previous(after)), after);
        prop_assert_eq!(days.previous(days.next(before)), before);
        prop_assert_eq!(days.subtract_business_days(days.add_business_days(before, number), number), before);
        prop_assert!(days.add_business_days(day, number) >= day);
    }
}
