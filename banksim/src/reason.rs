//! Why a bank does not pay a row, or sends it back later, with each sample bank's code and words for it.

use serde::{Deserialize, Serialize};

/// Why a row failed or was returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The name does not belong to the account.
    NameMismatch,
    /// There is no such account.
    NoAccount,
    /// The account was closed.
    Closed,
    /// The account is frozen or blocked.
    Frozen,
    /// The card or passbook is reported lost.
    ReportedLost,
    /// The account's state does not allow it, for no stated cause.
    Abnormal,
    /// This type of account cannot take the payment.
    WrongType,
    /// The amount is over a limit.
    OverLimit,
    /// The bank number is wrong.
    WrongBank,
}

impl Reason {
    /// The ISO 20022 external status or return reason code. The page has no code of its own for a lost card (blocked stands
    /// for it) nor for an abnormal state (not specified).
    #[must_use]
    pub fn iso_code(self) -> &'static str {
        match self {
            Self::NameMismatch => "BE01",
            Self::NoAccount => "AC01",
            Self::Closed => "AC04",
            Self::Frozen | Self::ReportedLost => "AC06",
            Self::Abnormal => "MS03",
            Self::WrongType => "AG01",
            Self::OverLimit => "AM02",
            Self::WrongBank => "RC01",
        }
    }

    /// The row code of the text bank's result file.
    #[must_use]
    pub fn result_code(self) -> &'static str {
        match self {
            Self::NameMismatch => "F001",
            Self::NoAccount => "F002",
            Self::Closed => "F003",
            Self::Frozen => "F004",
            Self::ReportedLost => "F005",
            Self::Abnormal => "F006",
            Self::WrongType => "F007",
            Self::OverLimit => "F008",
            Self::WrongBank => "F009",
        }
    }

    /// The row code and text of the text bank's refund file, which knows four causes only.
    #[must_use]
    pub fn refund_code(self) -> (&'static str, &'static str) {
        match self {
            Self::NameMismatch => ("T001", Self::NameMismatch.words()),
            Self::NoAccount | Self::WrongBank => ("T002", Self::NoAccount.words()),
            Self::Closed => ("T003", Self::Closed.words()),
            Self::Frozen
            | Self::ReportedLost
            | Self::Abnormal
            | Self::WrongType
            | Self::OverLimit => ("T006", Self::Abnormal.words()),
        }
    }

    /// The text a bank prints beside its code.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NameMismatch => "户名不符",
            Self::NoAccount => "无此账户",
            Self::Closed => "已销户",
            Self::Frozen => "账户冻结",
            Self::ReportedLost => "挂失",
            Self::Abnormal => "状态异常",
            Self::WrongType => "账户类型不支持",
            Self::OverLimit => "超限额",
            Self::WrongBank => "行名行号不符",
        }
    }
}
