//! A bank's business days on the command line.

use clap::Args;

use super::{Failure, Out, client::Client, words};
use crate::http::calendar::{CalendarWire, HolidayWire};

#[derive(Debug, Args)]
pub(super) struct CalendarOf {
    /// Bank code.
    #[arg(long)]
    bank: String,
    /// The day on which wages are due, such as 2026-10-01; today where not given.
    #[arg(long, value_name = "DAY")]
    pay_day: Option<String>,
}

pub(super) async fn show(client: &Client, of: &CalendarOf, out: Out) -> Result<(), Failure> {
    let day = of.pay_day.as_deref().map(|day| ("day", day));
    let query: Vec<_> = day.into_iter().collect();
    let day: CalendarWire = client.get(&["banks", &of.bank, "calendar"], &query).await?;
    out.show(&day, shown)
}

fn shown(day: &CalendarWire) -> String {
    let works = if day.business_day {
        "营业 business day"
    } else {
        "不营业 no business day"
    };
    let make_up = match day.make_up_days.as_slice() {
        [] => "—".into(),
        days => days.join(", "),
    };
    format!(
        "银行 bank                 {} {}\n发薪日 pay day            {} {works}：{}\n依据 notice               {}\n\
         不晚于 pay by             {}\n最迟批准 release before   {}\n银行处理日 worked on      {}\n营业时间 hours            {}\n\
         到账 arrives              处理日后 {} 个营业日 business days after\n可收回 can be taken back  {} 秒 s\n本月调休 make-up days     {make_up}",
        day.bank,
        day.bank_name,
        day.day,
        why(day),
        notice(day),
        day.pay_by,
        words::moment(&day.release_before),
        day.worked_on,
        hours(day),
        day.arrival_days,
        day.hold_s,
    )
}

fn why(day: &CalendarWire) -> String {
    let named = day.holiday.as_ref().map(holiday).unwrap_or_default();
    match day.kind.as_str() {
        "weekday" => "周一至周五 Monday to Friday".into(),
        "weekend" => "周末 weekend".into(),
        "holiday" => named,
        "make_up" => format!("调休上班 worked to make up for {named}"),
        other => other.to_owned(),
    }
}

/// A holiday with its days.
pub(super) fn holiday(holiday: &HolidayWire) -> String {
    let HolidayWire {
        name,
        english,
        from,
        to,
    } = holiday;
    format!("{name} {english} {from}–{to}")
}

fn notice(day: &CalendarWire) -> String {
    match (&day.notice, day.known) {
        (Some(notice), true) => notice.clone(),
        (_, _) => UNKNOWN.into(),
    }
}

/// What is said where a year is not there.
pub(super) const UNKNOWN: &str =
    "该年放假通知尚未录入，只计周末 the year's notice is not known here: only weekends are counted";

fn hours(day: &CalendarWire) -> String {
    let weekend = match day.weekend.as_str() {
        "works" => "周末营业 works at weekends",
        _ => "周末休息 rests at weekends",
    };
    let takes = match day.takes.as_str() {
        "in_window" => "只在营业时间收单 takes instructions in these hours only",
        _ => "随时收单 takes instructions at any time",
    };
    format!(
        "{}–{}；{weekend}；{takes}",
        day.opens.as_deref().unwrap_or("00:00"),
        day.cut_off.as_deref().unwrap_or("24:00")
    )
}
