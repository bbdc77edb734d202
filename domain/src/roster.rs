//! A project's workers as registered: who they are, when they were on site, and the card they want their wages on.

use jiff::civil::Date;

use crate::PayMonth;
use crate::ids::{BankAccount, Cnaps, IdNumber, PersonName};

/// One worker on one project, as an import states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterRow {
    /// Row in the sheet or place in the list, from 1.
    pub row: u32,
    /// Registered name.
    pub name: PersonName,
    /// Identity number.
    pub id_number: IdNumber,
    /// Telephone number, digits only; absent where not given.
    pub phone: Option<Phone>,
    /// Manager or worker.
    pub role: WorkRole,
    /// Team (班组); empty where not given.
    pub team: String,
    /// First day on site.
    pub entered_on: Date,
    /// Last day on site; absent while there.
    pub left_on: Option<Date>,
    /// Days attended, by month, as the employer counts them.
    pub attendance: Vec<(PayMonth, u8)>,
    /// The card the worker named; absent where none is known yet.
    pub card: Option<CardClaim>,
}

/// A card as a worker names it; nobody may be forced to one kind (人社部发〔2021〕53号, article 20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardClaim {
    /// Where wages are to go.
    pub account: BankAccount,
    /// The card's bank; absent where not given.
    pub cnaps: Option<Cnaps>,
    /// What sort of card.
    pub kind: CardKind,
}

/// 工人类型 of the national data standard: 10 manager, 20 worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkRole {
    /// 管理人员.
    Manager,
    /// 建筑工人.
    Worker,
}

/// What sort of card a wage goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardKind {
    /// Nobody said.
    Unknown,
    /// 本行卡: of the bank that holds the special account.
    OwnBank,
    /// 他行卡.
    OtherBank,
    /// 社会保障卡.
    SocialSecurity,
    /// 云建宝卡.
    Yunjianbao,
}

/// How a card stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardStatus {
    /// Nobody has checked it.
    Unverified,
    /// A bank took a wage on it or confirmed it.
    Verified,
    /// A bank refused it for a reason that lies in the card.
    Invalid,
    /// The worker named another one since.
    Replaced,
}

/// A telephone number of 7 to 15 digits; its clear text is for sealing only.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

/// The text is no telephone number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a telephone number has 7 to 15 digits")]
pub struct PhoneError;

impl WorkRole {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Manager, Self::Worker];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }

    /// The words that people in the trade use.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Manager => "管理人员",
            Self::Worker => "建筑工人",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}

impl CardKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Unknown,
        Self::OwnBank,
        Self::OtherBank,
        Self::SocialSecurity,
        Self::Yunjianbao,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::OwnBank => "own_bank",
            Self::OtherBank => "other_bank",
            Self::SocialSecurity => "social_security",
            Self::Yunjianbao => "yunjianbao",
        }
    }

    /// The words that people in the trade use.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Unknown => "未说明",
            Self::OwnBank => "本行卡",
            Self::OtherBank => "他行卡",
            Self::SocialSecurity => "社会保障卡",
            Self::Yunjianbao => "云建宝卡",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl CardStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Unverified,
        Self::Verified,
        Self::Invalid,
        Self::Replaced,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Verified => "verified",
            Self::Invalid => "invalid",
            Self::Replaced => "replaced",
        }
    }

    /// The words that people in the trade use.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Unverified => "未核验",
            Self::Verified => "已核验",
            Self::Invalid => "不可用",
            Self::Replaced => "已更换",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

impl Phone {
    /// Takes digits; blanks, dashes and a leading plus are dropped.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let digits: String = super::ids::squeezed(text)
            .chars()
            .filter(|character| !matches!(character, '+' | '-'))
            .collect();
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits {
            Ok(Self(digits))
        } else {
            Err(PhoneError)
        }
    }

    /// The clear text.
    pub fn clear(&self) -> &str {
        &self.0
    }

    /// Stars and the last two digits.
    pub fn masked(&self) -> String {
        let last = self.0.get(self.0.len().saturating_sub(2)..);
        format!("****{}", last.unwrap_or_default())
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(…)")
    }
}
