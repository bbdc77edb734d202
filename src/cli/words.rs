//! Words that people in the trade use, beside the codes of the API.

use jiff::Timestamp;
use wagegate_domain::{batch::BatchState, outcome::Place, period::CHINA};

use super::table::{Column, Table, yuan};
use crate::{
    http::wire::{Figures, Places},
    security::principal::Role,
    store::{Difference, Step},
};

pub(super) const fn place(place: Place) -> &'static str {
    match place {
        Place::Paid => "已付 paid",
        Place::Failed => "失败 failed",
        Place::Returned => "退票 returned",
        Place::InFlight => "在途 in flight",
        Place::InDoubt => "存疑 in doubt",
        Place::Held => "待发 held",
    }
}

/// A place by its code; codes that a newer gateway may send are shown as they are.
pub(super) fn place_of(code: &str) -> String {
    Place::from_code(code).map(place).unwrap_or(code).to_owned()
}

/// A batch's state; codes that a newer gateway may send are shown as they are.
pub(super) fn state(code: &str) -> String {
    let word = BatchState::from_code(code).map(|state| match state {
        BatchState::AwaitingReview => "待复核 awaiting review",
        BatchState::AwaitingRelease => "待发放审批 awaiting release",
        BatchState::AwaitingFunds => "已批准待资金 awaiting funds",
        BatchState::Released => "已批准 released",
        BatchState::Planned => "已编排 planned",
        BatchState::ContentDiffers => "内容不符，停发 content differs",
        BatchState::Refused => "已驳回 refused",
        BatchState::Withdrawn => "已撤回 withdrawn",
        BatchState::Expired => "已过期 expired",
    });
    word.unwrap_or(code).to_owned()
}

/// A step of an approval; codes that a newer gateway may send are shown as they are.
pub(super) fn step(code: &str) -> String {
    let word = Step::from_code(code).map(|step| match step {
        Step::Prepare => "编制 prepare",
        Step::Review => "复核 review",
        Step::Release => "批准 release",
        Step::Fund => "资金到位 fund",
        Step::Approve => "审批 approve",
        Step::Refuse => "驳回 refuse",
        Step::Withdraw => "撤回 withdraw",
        Step::Undo => "收回批准 undo",
        Step::Expire => "过期 expire",
        Step::Differ => "内容不符 differ",
    });
    word.unwrap_or(code).to_owned()
}

/// How a worker's pay differs.
pub(super) fn difference(code: &str) -> String {
    let word = Difference::from_code(code).map(|kind| match kind {
        Difference::New => "新增 new",
        Difference::Gone => "离开 gone",
        Difference::Amount => "金额 amount",
        Difference::Card => "换卡 card",
    });
    word.unwrap_or(code).to_owned()
}

/// Somebody by the last part of their name.
pub(super) fn person(uri: &str) -> String {
    uri.strip_prefix("wagegate://user/")
        .unwrap_or(uri)
        .to_owned()
}

/// What somebody works at.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "运维 operator",
        Role::Clerk => "经办 clerk",
        Role::Reviewer => "劳资专管员 reviewer",
        Role::Approver => "审批 approver",
        Role::Finance => "财务 finance",
        Role::Supervisor => "监管 supervisor",
        Role::Bank => "银行 bank",
    }
}

/// The day in China of a moment.
pub(super) fn day(text: &str) -> String {
    moment(text).chars().take(10).collect()
}

/// A moment as the clock on the wall in China shows it, to the second.
pub(super) fn moment(text: &str) -> String {
    let at = text.parse::<Timestamp>().ok();
    at.map_or_else(
        || text.to_owned(),
        |at| {
            CHINA
                .to_datetime(at)
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

/// Figures of one place.
pub(super) fn at(places: &Places, place: Place) -> Figures {
    places.get(place.code()).copied().unwrap_or_default()
}

/// A table of places with counts and sums, and what they add up to.
pub(super) fn conservation(places: &Places) -> String {
    let mut table = Table::new([
        Column::Left("去向 place"),
        Column::Right("人次 wages"),
        Column::Right("金额 yuan"),
    ]);
    let mut all = Figures::default();
    for one in Place::ALL {
        let figures = at(places, one);
        all = Figures {
            count: all.count.saturating_add(figures.count),
            fen: all.fen.saturating_add(figures.fen),
        };
        table.row([
            place(one).into(),
            figures.count.to_string(),
            yuan(figures.fen),
        ]);
    }
    table.row(["合计 total".into(), all.count.to_string(), yuan(all.fen)]);
    table.to_string()
}
