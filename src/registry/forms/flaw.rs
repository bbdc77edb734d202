//! What can be wrong with a roster and not with a wage sheet, in both languages. As everywhere, no flaw holds what a cell says.

use crate::intake::Place;

/// Kinds of problems that only a roster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterFlaw {
    /// Where the worker stands already.
    WorkerTwice {
        first: Place,
    },
    /// The headers that were looked for and not found.
    NoHeader {
        missing: String,
    },
    SheetUnread,
    SheetHidden,
    PhoneForm,
    RoleUnknown,
    TeamTooLong,
    /// A line break, a tab or another control character.
    TeamForm,
    EntryMissing,
    DateForm,
    DateFuture,
    LeftBeforeEntered,
    CardKindUnknown,
    MonthMissing,
    MonthForm,
    MonthFuture,
    MonthTwice,
    DaysMissing,
    DaysForm,
    DaysTooMany,
    /// A key that no worker has.
    FieldUnknown,
    /// An entry of the list that is not an object.
    NotAWorker,
    IdTypeUnsupported,
    /// A sealed value that the project's secret does not open.
    Unopened,
    /// Presence of somebody whom the upload does not name.
    Unlisted,
    /// A message that says nothing of workers.
    MethodUnread,
}

impl RosterFlaw {
    /// False for what is shown and does not stop a roster.
    pub const fn stops(&self) -> bool {
        !matches!(
            self,
            Self::SheetUnread | Self::SheetHidden | Self::RoleUnknown | Self::MethodUnread
        )
    }

    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WorkerTwice { .. } => "worker_twice",
            Self::NoHeader { .. } => "no_header",
            Self::SheetUnread => "sheet_unread",
            Self::SheetHidden => "sheet_hidden",
            Self::PhoneForm => "phone_form",
            Self::RoleUnknown => "role_unknown",
            Self::TeamTooLong => "team_too_long",
            Self::TeamForm => "team_form",
            Self::EntryMissing => "entry_missing",
            Self::DateForm => "date_form",
            Self::DateFuture => "date_future",
            Self::LeftBeforeEntered => "left_before_entered",
            Self::CardKindUnknown => "card_kind_unknown",
            Self::MonthMissing => "month_missing",
            Self::MonthForm => "month_form",
            Self::MonthFuture => "month_future",
            Self::MonthTwice => "month_twice",
            Self::DaysMissing => "days_missing",
            Self::DaysForm => "days_form",
            Self::DaysTooMany => "days_too_many",
            Self::FieldUnknown => "field_unknown",
            Self::NotAWorker => "not_a_worker",
            Self::IdTypeUnsupported => "id_type_unsupported",
            Self::Unopened => "unopened",
            Self::Unlisted => "unlisted",
            Self::MethodUnread => "method_unread",
        }
    }

    /// What is wrong in Chinese and English, then how to fix it in Chinese and English.
    #[rustfmt::skip]
    pub(crate) fn words(&self) -> [String; 4] {
        let fixed = |words: [&str; 4]| words.map(str::to_owned);
        match self {
            Self::WorkerTwice { first } => [format!("该工人已在{}出现", first.zh()), format!("this worker stands in {first} already"), "花名册中一名工人只能有一行，合并或删除其中一行".into(), "a worker has one row in a roster: join them or take one out".into()],
            Self::NoHeader { missing } => [format!("没有找到表头：缺少 {missing}"), format!("no header row: {missing} not found in the first rows"), "表头一行写明 姓名、身份证号、进场日期，其余列可选，顺序不限".into(), "write one header row with 姓名, 身份证号 and 进场日期, others as you have them, in any order".into()],
            Self::SheetUnread => fixed(["该工作表没有花名册表头，未读取", "this sheet has no header of a roster and was not read", "如其中有工人，请补全表头；确认无误可忽略", "if it has workers, complete its header; if not, go on"]),
            Self::SheetHidden => fixed(["该工作表为隐藏状态，其中的工人已一并读取", "this sheet is hidden, and its workers were read with the others", "取消隐藏后核对；不应登记的请删除该工作表", "show it and look at it; delete it if its workers should not be registered"]),
            Self::PhoneForm => fixed(["手机号不是7至15位数字", "the telephone number does not have 7 to 15 digits", "核对手机号后重新录入，没有可留空", "look it up and type it again, or leave it empty"]),
            Self::RoleUnknown => fixed(["岗位不是管理人员或建筑工人，按建筑工人登记", "the post is neither manager nor worker; taken as worker", "管理人员请填写“管理人员”；确认无误可忽略", "write 管理人员 for a manager; if it is right, go on"]),
            Self::TeamTooLong => fixed(["班组名称超过100个字符", "the team's name has more than 100 characters", "填写班组简称", "write a shorter name"]),
            Self::TeamForm => fixed(["班组名称含换行或其他控制字符", "the team's name has a line break or another control character", "删除换行等字符，写在一行内", "write it on one line, without tabs"]),
            Self::EntryMissing => fixed(["没有进场日期", "the day of entry is missing", "填写进场日期，如 2026-03-01；国家平台报文需附该工人的进场记录", "write the day, such as 2026-03-01; with national messages send the worker's WorkerEntryExit"]),
            Self::DateForm => fixed(["日期无法识别", "this is not a date", "按 2026-03-01 的格式填写", "write it as 2026-03-01"]),
            Self::DateFuture => fixed(["日期晚于今天", "the date is after today", "核对日期；尚未发生的进退场请届时再报", "look at the date; what has not happened is reported when it has"]),
            Self::LeftBeforeEntered => fixed(["退场日期早于进场日期", "the worker left before entering", "核对两个日期", "check both dates"]),
            Self::CardKindUnknown => fixed(["卡类型无法识别", "this kind of card is not known", "填写 本行卡、他行卡、社保卡 或 云建宝卡，不清楚可留空", "write 本行卡, 他行卡, 社保卡 or 云建宝卡, or leave it empty"]),
            Self::MonthMissing => fixed(["填写了考勤天数，但没有考勤月份", "there are days attended and no month", "填写考勤月份，如 2026-10", "write the month, such as 2026-10"]),
            Self::MonthForm => fixed(["考勤月份无法识别", "this is not a month", "按 2026-10 的格式填写", "write it as 2026-10"]),
            Self::MonthFuture => fixed(["考勤月份晚于本月", "the month attended is still to come", "核对考勤月份", "check the month"]),
            Self::MonthTwice => fixed(["同一考勤月份出现两次", "one month of attendance comes twice", "每个月只填一次", "give each month once"]),
            Self::DaysMissing => fixed(["填写了考勤月份，但没有考勤天数", "there is a month and no days attended", "填写考勤天数，或清空考勤月份", "write the days, or leave the month empty"]),
            Self::DaysForm => fixed(["考勤天数不是整数", "the days attended are not a whole number", "填写有考勤记录的天数，只填整数", "write the number of days with attendance"]),
            Self::DaysTooMany => fixed(["考勤天数超过当月天数", "there are more days attended than the month has", "核对考勤天数与月份", "check the days and the month"]),
            Self::FieldUnknown => fixed(["没有这个字段", "there is no such field", "核对字段名，可用字段见接口文档", "look at its spelling; the documentation lists the fields"]),
            Self::NotAWorker => fixed(["这一项不是工人对象", "this entry is not an object", "每名工人一个 JSON 对象", "write one JSON object a worker"]),
            Self::IdTypeUnsupported => fixed(["暂只支持居民身份证（证件类型01）", "only the resident identity card (type 01) is supported so far", "该工人请改用居民身份证登记；其他证件暂不能登记，请从名单中删除", "register the worker by identity card; other documents cannot be registered yet: take the worker out"]),
            Self::Unopened => fixed(["加密字段无法用本项目密钥解密", "the sealed value does not open with this project's secret", "用本项目的 appsecret 按 AES-256-CBC、Base64 重新加密", "seal it anew with this project's appsecret: AES-256-CBC, Base64"]),
            Self::Unlisted => fixed(["该工人不在本次上报的人员中", "this worker is not among those of the upload", "与 ProjectWorker.Add 一并上报该工人", "send the worker's ProjectWorker.Add in the same upload"]),
            Self::MethodUnread => fixed(["该报文与工人登记无关，未读取", "this message says nothing of workers and was not read", "只需上报 ProjectWorker.Add、WorkerEntryExit 和 WorkerAttendance；确认无误可忽略", "ProjectWorker.Add, WorkerEntryExit and WorkerAttendance are read; if nothing is missing, go on"]),
        }
    }
}
