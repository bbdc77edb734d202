//! Why a wage did not arrive, in one vocabulary for all banks, and whose task it is to mend it.
//!
//! Banks' own codes are mapped here by the code table of each profile and are kept beside, raw. A code that no table knows is [`Reason::Unmapped`].

use std::fmt;

use serde::Deserialize;

/// The cause of a failure or a return; the groups are those that bank code tables have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// 户名账号不符: the name is not the one on the account.
    NameMismatch,
    /// 无此账户: no such account or card.
    NoAccount,
    /// 已销户: the account was closed.
    Closed,
    /// 账户冻结: frozen by the bank or by order.
    Frozen,
    /// 挂失: the card was reported lost.
    Lost,
    /// 状态异常: stopped, dormant or otherwise not in use.
    StatusAbnormal,
    /// 账户类型不支持: the kind of account cannot take a wage.
    TypeNotAllowed,
    /// 超限额: over the account's or the channel's limit.
    OverLimit,
    /// 行名行号不符: card and bank number do not belong together.
    BankMismatch,
    /// 专户余额不足: the special wage account does not hold enough.
    SourceShort,
    /// 重复: the bank has seen this reference.
    Duplicate,
    /// 总分不符: count or sum differ from the rows.
    TotalMismatch,
    /// 非受理时间: outside the bank's hours.
    Window,
    /// 证书验签: certificate, signature or permission refused.
    Security,
    /// 系统忙: the bank's or the interbank system failed.
    Channel,
    /// 报文格式: the bank could not read what was sent.
    Format,
    /// 原因未说明: the bank names no cause.
    Unspecified,
    /// 未登记的代码: a definite refusal with a code that the profile's table does not hold; a person reads the bank's text.
    Unmapped,
    /// 从未到达银行: two people found, on evidence, that the instruction never arrived. No bank's code means this, and whatever cause a bank names
    /// goes before it.
    #[serde(skip_deserializing)]
    NeverArrived,
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixBy {
    /// The labour officer corrects name, number or bank in the real-name data.
    LabourOfficer,
    /// The worker needs another card.
    NewCard,
    /// The worker asks their bank.
    WorkerAtBank,
    /// The contractor puts money on the special account.
    Contractor,
    /// The operator of this gateway.
    Operator,
    /// Nobody: ask the bank, or wait for its next window.
    Time,
}

impl Reason {
    /// Every reason, in the order in which lists show them.
    pub const ALL: [Self; 19] = [
        Self::NameMismatch,
        Self::NoAccount,
        Self::Closed,
        Self::Frozen,
        Self::Lost,
        Self::StatusAbnormal,
        Self::TypeNotAllowed,
        Self::OverLimit,
        Self::BankMismatch,
        Self::SourceShort,
        Self::Duplicate,
        Self::TotalMismatch,
        Self::Window,
        Self::Security,
        Self::Channel,
        Self::Format,
        Self::Unspecified,
        Self::Unmapped,
        Self::NeverArrived,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::NoAccount => "NO_ACCOUNT",
            Self::Closed => "CLOSED",
            Self::Frozen => "FROZEN",
            Self::Lost => "LOST",
            Self::StatusAbnormal => "STATUS_ABNORMAL",
            Self::TypeNotAllowed => "TYPE_NOT_ALLOWED",
            Self::OverLimit => "OVER_LIMIT",
            Self::BankMismatch => "BANK_MISMATCH",
            Self::SourceShort => "SOURCE_SHORT",
            Self::Duplicate => "DUPLICATE",
            Self::TotalMismatch => "TOTAL_MISMATCH",
            Self::Window => "WINDOW",
            Self::Security => "SECURITY",
            Self::Channel => "CHANNEL",
            Self::Format => "FORMAT",
            Self::Unspecified => "UNSPECIFIED",
            Self::Unmapped => "UNMAPPED",
            Self::NeverArrived => "NEVER_ARRIVED",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The words that people in the trade use.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::NameMismatch => "户名账号不符",
            Self::NoAccount => "无此账户",
            Self::Closed => "已销户",
            Self::Frozen => "账户冻结",
            Self::Lost => "已挂失",
            Self::StatusAbnormal => "账户状态异常",
            Self::TypeNotAllowed => "账户类型不支持",
            Self::OverLimit => "超限额",
            Self::BankMismatch => "行名行号不符",
            Self::SourceShort => "专户余额不足",
            Self::Duplicate => "重复",
            Self::TotalMismatch => "总分不符",
            Self::Window => "非受理时间",
            Self::Security => "证书或验签",
            Self::Channel => "银行系统故障",
            Self::Format => "报文格式",
            Self::Unspecified => "原因未说明",
            Self::Unmapped => "未登记的代码",
            Self::NeverArrived => "从未到达银行",
        }
    }

    /// Whose task the repair is.
    pub const fn fix_by(self) -> FixBy {
        match self {
            Self::NameMismatch
            | Self::NoAccount
            | Self::BankMismatch
            | Self::Unspecified
            | Self::Unmapped => FixBy::LabourOfficer,
            Self::Closed | Self::TypeNotAllowed | Self::OverLimit => FixBy::NewCard,
            Self::Frozen | Self::Lost | Self::StatusAbnormal => FixBy::WorkerAtBank,
            Self::SourceShort => FixBy::Contractor,
            Self::TotalMismatch | Self::Security | Self::Format => FixBy::Operator,
            Self::Duplicate | Self::Window | Self::Channel | Self::NeverArrived => FixBy::Time,
        }
    }

    /// True where the same card would fail again: what has to be mended is the card or what is registered of it.
    pub const fn lies_in_card(self) -> bool {
        match self.fix_by() {
            FixBy::LabourOfficer | FixBy::NewCard | FixBy::WorkerAtBank => true,
            FixBy::Contractor | FixBy::Operator | FixBy::Time => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_back_from_its_code() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code("NAME"), None);
    }

    #[test]
    fn a_card_is_to_blame_only_for_what_another_day_or_more_money_would_not_mend() {
        assert!(Reason::Closed.lies_in_card() && Reason::NameMismatch.lies_in_card());
        assert!(Reason::Lost.lies_in_card());
        for elsewhere in [
            Reason::SourceShort,
            Reason::Format,
            Reason::Channel,
            Reason::NeverArrived,
        ] {
            assert!(!elsewhere.lies_in_card(), "{elsewhere}");
        }
    }
}
