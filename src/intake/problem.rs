//! What is wrong with a sheet, in the words of the one who has to mend it: sheet, row, column, what, and how to fix it.
//!
//! No problem holds what a cell says: names, numbers and cards of people stay out of answers and logs.

use wagegate_domain::ids::{AccountError, CnapsError, IdNumberError, NameError};
use wagegate_domain::money::MoneyError;

use super::place::Place;
use crate::registry::forms::RosterFlaw;

/// One problem of one cell, or of a sheet where `row` is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the sheet; empty for a text file.
    pub sheet: String,
    /// Row as the spreadsheet shows it, from 1; 0 for the sheet as a whole.
    pub row: u32,
    /// The column's header as it stands in the sheet; empty where no column is meant.
    pub column: String,
    /// What it is.
    pub flaw: Flaw,
}

/// Kinds of problems; each has a code for programs and words in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    NameMissing,
    NameBad,
    NameTooLong,
    IdMissing,
    IdForm,
    IdBirthDate,
    IdCheck,
    UnderAge,
    CardMissing,
    CardDigits,
    CardLength,
    CardScientific,
    CardLuhn,
    CnapsForm,
    CnapsCheck,
    AmountMissing,
    AmountNotNumber,
    AmountBelowFen,
    AmountZero,
    AmountNegative,
    AmountTooLarge,
    AmountUnusual,
    CellError,
    /// Where the worker stands already.
    WorkerTwice {
        first: Place,
    },
    /// Where the card stands already.
    CardOfTwo {
        first: Place,
    },
    /// The sum of the rows above, in yuan.
    TotalDiffers {
        counted: String,
    },
    /// The month that the title names.
    MonthDiffers {
        title: String,
    },
    /// The batch in which this worker has a wage already.
    AlreadyOwed {
        batch: String,
    },
    /// The bank's field and why the text does not fit it.
    UnfitForBank {
        field: String,
        why: String,
    },
    /// The headers that were looked for and not found.
    NoHeader {
        missing: String,
    },
    HeaderTwice,
    NoRows,
    /// The title gives another project's code.
    ProjectDiffers,
    /// The title gives a name that is not like the project's.
    ProjectUnlike,
    /// Workers stand in a sheet that is not shown.
    SheetHidden,
    /// A sheet with something in it was passed over.
    SheetUnread,
    /// What only a roster can have.
    Roster(RosterFlaw),
}

/// Words in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Flaw {
    /// False for what is shown and does not stop a sheet.
    pub const fn stops(&self) -> bool {
        if let Self::Roster(flaw) = self {
            return flaw.stops();
        }
        !matches!(
            self,
            Self::CardLuhn
                | Self::AmountUnusual
                | Self::ProjectUnlike
                | Self::SheetHidden
                | Self::SheetUnread
        )
    }

    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NameMissing => "name_missing",
            Self::NameBad => "name_bad",
            Self::NameTooLong => "name_too_long",
            Self::IdMissing => "id_missing",
            Self::IdForm => "id_form",
            Self::IdBirthDate => "id_birth_date",
            Self::IdCheck => "id_check",
            Self::UnderAge => "under_age",
            Self::CardMissing => "card_missing",
            Self::CardDigits => "card_digits",
            Self::CardLength => "card_length",
            Self::CardScientific => "card_scientific",
            Self::CardLuhn => "card_luhn",
            Self::CnapsForm => "cnaps_form",
            Self::CnapsCheck => "cnaps_check",
            Self::AmountMissing => "amount_missing",
            Self::AmountNotNumber => "amount_not_number",
            Self::AmountBelowFen => "amount_below_fen",
            Self::AmountZero => "amount_zero",
            Self::AmountNegative => "amount_negative",
            Self::AmountTooLarge => "amount_too_large",
            Self::AmountUnusual => "amount_unusual",
            Self::CellError => "cell_error",
            Self::WorkerTwice { .. } => "worker_twice",
            Self::CardOfTwo { .. } => "card_of_two",
            Self::TotalDiffers { .. } => "total_differs",
            Self::MonthDiffers { .. } => "month_differs",
            Self::AlreadyOwed { .. } => "already_owed",
            Self::UnfitForBank { .. } => "unfit_for_bank",
            Self::NoHeader { .. } => "no_header",
            Self::HeaderTwice => "header_twice",
            Self::NoRows => "no_rows",
            Self::ProjectDiffers => "project_differs",
            Self::ProjectUnlike => "project_unlike",
            Self::SheetHidden => "sheet_hidden",
            Self::SheetUnread => "sheet_unread",
            Self::Roster(flaw) => flaw.code(),
        }
    }

    /// What is wrong.
    pub fn what(&self) -> Words {
        let [zh, en, ..] = self.words();
        Words { zh, en }
    }

    /// How to mend it.
    pub fn fix(&self) -> Words {
        let [.., zh, en] = self.words();
        Words { zh, en }
    }

    /// What is wrong in Chinese and English, then how to fix it in Chinese and English.
    #[rustfmt::skip]
    fn words(&self) -> [String; 4] {
        let fixed = |words: [&str; 4]| words.map(str::to_owned);
        match self {
            Self::NameMissing => fixed(["姓名为空", "the name is missing", "填写与银行卡一致的姓名", "write the name as on the bank card"]),
            Self::NameBad => fixed(["姓名含有不应出现的字符", "the name has a character that no name has", "按银行卡上的姓名重新录入，不要用星号、数字或符号", "type it as on the bank card, without stars, digits or signs"]),
            Self::NameTooLong => fixed(["姓名超过60个字符", "the name has more than 60 characters", "按银行卡上的姓名重新录入", "type it as on the bank card"]),
            Self::IdMissing => fixed(["身份证号为空", "the identity number is missing", "填写18位身份证号", "write all 18 characters"]),
            Self::IdForm => fixed(["身份证号不是18位", "the identity number does not have 18 characters: 17 digits and a digit or X", "核对身份证，单元格设为文本后重新录入", "look at the card, format the cell as text and type it again"]),
            Self::IdBirthDate => fixed(["身份证号第7至14位不是日期", "positions 7 to 14 of the identity number are not a date of birth", "核对身份证后重新录入", "look at the card and type it again"]),
            Self::IdCheck => fixed(["身份证号校验位不符", "the last character of the identity number does not match the others", "多为录入错误，核对身份证后重新录入", "usually a typing error: look at the card and type it again"]),
            Self::UnderAge => fixed(["该工人未满16周岁", "this worker is under 16", "核对身份证号；未满16周岁不得用工", "check the identity number; nobody under 16 may be employed"]),
            Self::CardMissing => fixed(["银行卡号为空", "the card number is missing", "填写工人本人的银行卡号", "write the number of the worker's own card"]),
            Self::CardDigits => fixed(["银行卡号含有非数字", "the card number has something other than digits", "核对银行卡后重新录入完整卡号", "look at the card and type the whole number"]),
            Self::CardLength => fixed(["银行卡号位数不对", "the card number is too short or too long", "银行卡16至19位，其他账号8至32位，核对后重新录入", "cards have 16 to 19 digits, other accounts 8 to 32: look at it and type it again"]),
            Self::CardScientific => fixed(["银行卡号被表格转成了数值，末几位已丢失", "the spreadsheet turned the card number into a number and its last digits are lost", "将该列设为文本格式后重新录入卡号", "format the column as text and type the number again"]),
            Self::CardLuhn => fixed(["银行卡号校验位不符，可能录入有误", "the card number's last digit does not match: perhaps a typing error", "核对银行卡；确认无误可忽略", "look at the card; if it is right, go on"]),
            Self::CnapsForm => fixed(["联行号不是12位数字", "the bank number does not have 12 digits", "填写开户行12位联行号", "write the 12 digits of the card's bank"]),
            Self::CnapsCheck => fixed(["联行号校验位不符", "the last digit of the bank number does not match the others", "核对开户行联行号后重新录入", "look the number up and type it again"]),
            Self::AmountMissing => fixed(["金额为空", "the amount is missing", "填写实发金额（元）", "write the net wage in yuan"]),
            Self::AmountNotNumber => fixed(["金额不是数字", "the amount is not a number", "只填数字，如 5432.10", "write digits only, such as 5432.10"]),
            Self::AmountBelowFen => fixed(["金额超过两位小数", "the amount has more than two decimals", "金额精确到分，如 5432.10", "an amount ends at the fen, such as 5432.10"]),
            Self::AmountZero => fixed(["金额为零", "the amount is nought", "填写实发金额；不发工资的工人请删除该行", "write what is owed, or take the row out"]),
            Self::AmountNegative => fixed(["金额为负数", "the amount is negative", "扣款应在实发金额中扣除，金额必须大于零", "deductions belong into the net wage, which is above nought"]),
            Self::AmountTooLarge => fixed(["金额超过银行单笔限额", "the amount is above what this bank takes in one payment", "与银行确认限额，或改由其他方式发放", "ask the bank about its limit"]),
            Self::AmountUnusual => fixed(["单人单月超过5万元", "more than 50,000 yuan for one worker in one month", "核对金额；确认无误可忽略", "look at it again; if it is right, go on"]),
            Self::CellError => fixed(["单元格是公式错误", "the cell holds a formula error", "修正公式或直接填写数值", "mend the formula or write the value"]),
            Self::WorkerTwice { first } => [format!("该工人已在{}出现", first.zh()), format!("this worker stands in {first} already"), "一名工人一个月只能有一行，合并或删除其中一行".into(), "one worker has one row a month: join them or take one out".into()],
            Self::CardOfTwo { first } => [format!("该银行卡号已在{}用于另一名工人", first.zh()), format!("this card stands in {first} for another worker"), "工资只能发到本人银行卡，核对两人的卡号".into(), "a wage goes to the worker's own card: check both numbers".into()],
            Self::TotalDiffers { counted } => [format!("合计与各行之和 {counted} 元不符"), format!("the total is not the sum of the rows, which is {counted} yuan"), "核对合计与各行金额".into(), "check the total and the rows".into()],
            Self::MonthDiffers { title } => [format!("表头月份为 {title}，与申报月份不一致"), format!("the title says {title}, which is not the month that you submit"), "核对月份，改正表头或申报月份".into(), "correct the title or the month".into()],
            Self::AlreadyOwed { batch } => [format!("该工人本月工资已在批次 {batch} 中"), format!("this worker has a wage for this project and month in batch {batch} already"), "删除该行；如该批次有误且尚未审批，请先驳回该批次".into(), "take the row out; if that batch is wrong and awaits approval, have it refused first".into()],
            Self::UnfitForBank { field, why } => [format!("代发银行无法接收该行的{field}：{why}"), format!("the paying bank cannot take this row's {field}: {why}"), "按银行要求更正该栏".into(), "correct it as the bank wants it".into()],
            Self::NoHeader { missing } => [format!("没有找到表头：缺少 {missing}"), format!("no header row: {missing} not found in the first rows"), "表头一行写明 姓名、身份证号、银行卡号、实发工资，顺序不限".into(), "write one header row with 姓名, 身份证号, 银行卡号 and 实发工资, in any order".into()],
            Self::HeaderTwice => fixed(["两列表头相同", "two columns have the same header", "改名或删除其中一列", "rename one or take it out"]),
            Self::NoRows => fixed(["表中没有工人", "there is no worker in the sheet", "在表头下逐行填写工人", "write one worker a row under the header"]),
            Self::ProjectDiffers => fixed(["表头的项目编码与申报项目不一致", "the title gives the code of another project", "核对项目，改正表头或申报项目", "correct the title or the project"]),
            Self::ProjectUnlike => fixed(["表头的项目名称与申报项目名称不同", "the title's project name is not like the name of the project you submit for", "核对是否选错项目；确认无误可忽略", "look whether it is the right project; if it is, go on"]),
            Self::SheetHidden => fixed(["该工作表为隐藏状态，其中的工资已一并读取", "this sheet is hidden, and its wages were read with the others", "取消隐藏后核对；不应发放的请删除该工作表", "show it and look at it; delete it if it should not be paid"]),
            Self::SheetUnread => fixed(["该工作表没有工资表头，未读取", "this sheet has no header of a wage sheet and was not read", "如其中有工资，请补全表头；确认无误可忽略", "if it has wages, complete its header; if not, go on"]),
            Self::Roster(flaw) => flaw.words(),
        }
    }
}

impl From<RosterFlaw> for Flaw {
    fn from(flaw: RosterFlaw) -> Self {
        Self::Roster(flaw)
    }
}

impl From<NameError> for Flaw {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Empty => Self::NameMissing,
            NameError::TooLong => Self::NameTooLong,
            NameError::BadCharacter => Self::NameBad,
        }
    }
}

impl From<IdNumberError> for Flaw {
    fn from(error: IdNumberError) -> Self {
        match error {
            IdNumberError::Form => Self::IdForm,
            IdNumberError::BirthDate => Self::IdBirthDate,
            IdNumberError::Check => Self::IdCheck,
        }
    }
}

impl From<AccountError> for Flaw {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Scientific => Self::CardScientific,
            AccountError::NotDigits => Self::CardDigits,
            AccountError::Length => Self::CardLength,
        }
    }
}

impl From<CnapsError> for Flaw {
    fn from(error: CnapsError) -> Self {
        match error {
            CnapsError::Form => Self::CnapsForm,
            CnapsError::Check => Self::CnapsCheck,
        }
    }
}

impl From<MoneyError> for Flaw {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::NotANumber | MoneyError::OutOfRange => Self::AmountNotNumber,
            MoneyError::BelowFen => Self::AmountBelowFen,
        }
    }
}
