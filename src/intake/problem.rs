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
    /// Where the very same row stands already.
    RowTwice {
        first: Place,
    },
    /// Where the worker stands already, with the same card.
    WorkerTwice {
        first: Place,
    },
    /// Where the worker stands already, with another card.
    TwoCards {
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
    /// How many rows there are.
    CountDiffers {
        counted: u64,
    },
    /// The month that the title names.
    MonthDiffers {
        title: String,
    },
    /// The batch in which this worker has a wage already.
    AlreadyOwed {
        batch: String,
    },
    /// The batch of another project that has a wage of this worker for the month.
    OwedElsewhere {
        batch: String,
    },
    /// The batch that was made from this very file.
    SheetTwice {
        batch: String,
    },
    NotRegistered,
    NotOnSite,
    /// Nobody is registered on the project.
    NoRoster,
    NameDiffers,
    /// The registry says that the account is another worker's.
    CardOfAnother,
    /// The worker has another card in the registry, which a bank has taken.
    CardDisplaced,
    /// The worker has another card in the registry, which nobody has checked.
    CardChanged,
    /// Why a bank refused this card, in both languages.
    CardRefused {
        why: Words,
    },
    /// More than three times last month's wage, or less than a third of it.
    AmountFar {
        more: bool,
    },
    MonthFuture,
    MonthOld,
    BackPay,
    /// A field of the national form that does not agree with the submission.
    FormDiffers {
        field: &'static str,
    },
    /// A sealed field of the national form that does not open.
    FieldSealed,
    /// A row that was to be left out is not there.
    LeaveUnknown,
    /// A row that was to be left out has no problem.
    LeaveSound,
    /// The bank's field and why the text does not fit it.
    UnfitForBank {
        field: String,
        why: Words,
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

/// One table of what every flaw is called and whether it stops a sheet; a variant that is missing here does not compile.
macro_rules! codes {
    (@ stops) => { true };
    (@ warns) => { false };
    ($($variant:ident $code:literal $weight:ident,)+) => {
        impl Flaw {
            /// Every name there is.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// A stable name for programs.
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)+
                    Self::Roster(flaw) => flaw.code(),
                }
            }

            /// False for what is shown and does not stop a sheet.
            pub const fn stops(&self) -> bool {
                match self {
                    $(Self::$variant { .. } => codes!(@ $weight),)+
                    Self::Roster(flaw) => flaw.stops(),
                }
            }
        }
    };
}

#[rustfmt::skip]
codes! {
    NameMissing      "name_missing"       stops,
    NameBad          "name_bad"           stops,
    NameTooLong      "name_too_long"      stops,
    IdMissing        "id_missing"         stops,
    IdForm           "id_form"            stops,
    IdBirthDate      "id_birth_date"      stops,
    IdCheck          "id_check"           stops,
    UnderAge         "under_age"          stops,
    CardMissing      "card_missing"       stops,
    CardDigits       "card_digits"        stops,
    CardLength       "card_length"        stops,
    CardScientific   "card_scientific"    stops,
    CardLuhn         "card_luhn"          warns,
    CnapsForm        "cnaps_form"         stops,
    CnapsCheck       "cnaps_check"        stops,
    AmountMissing    "amount_missing"     stops,
    AmountNotNumber  "amount_not_number"  stops,
    AmountBelowFen   "amount_below_fen"   stops,
    AmountZero       "amount_zero"        stops,
    AmountNegative   "amount_negative"    stops,
    AmountTooLarge   "amount_too_large"   stops,
    AmountUnusual    "amount_unusual"     warns,
    CellError        "cell_error"         stops,
    WorkerTwice      "worker_twice"       stops,
    CardOfTwo        "card_of_two"        stops,
    TotalDiffers     "total_differs"      stops,
    MonthDiffers     "month_differs"      stops,
    AlreadyOwed      "already_owed"       stops,
    UnfitForBank     "unfit_for_bank"     stops,
    NoHeader         "no_header"          stops,
    HeaderTwice      "header_twice"       stops,
    NoRows           "no_rows"            stops,
    ProjectDiffers   "project_differs"    stops,
    ProjectUnlike    "project_unlike"     warns,
    SheetHidden      "sheet_hidden"       warns,
    SheetUnread      "sheet_unread"       warns,
    RowTwice         "row_twice"          stops,
    TwoCards         "two_cards"          stops,
    CountDiffers     "count_differs"      stops,
    OwedElsewhere    "owed_elsewhere"     warns,
    SheetTwice       "sheet_twice"        stops,
    NotRegistered    "not_registered"     stops,
    NotOnSite        "not_on_site"        stops,
    NoRoster         "no_roster"          warns,
    NameDiffers      "name_differs"       stops,
    CardOfAnother    "card_of_another"    stops,
    CardDisplaced    "card_displaced"     stops,
    CardChanged      "card_changed"       warns,
    CardRefused      "card_refused"       stops,
    AmountFar        "amount_far"         warns,
    MonthFuture      "month_future"       stops,
    MonthOld         "month_old"          warns,
    BackPay          "back_pay"           stops,
    FormDiffers      "form_differs"       stops,
    FieldSealed      "field_sealed"       stops,
    LeaveUnknown     "leave_unknown"      stops,
    LeaveSound       "leave_sound"        stops,
}

impl Flaw {
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
            Self::RowTwice { first } => [format!("该行与{}完全相同", first.zh()), format!("this row is the same as {first}"), "删除其中一行".into(), "take one of them out".into()],
            Self::TwoCards { first } => [format!("该工人在{}用的是另一张银行卡", first.zh()), format!("this worker has another card in {first}"), "一名工人一张工资卡：核对本人的卡号，合并为一行".into(), "one worker, one card: ask the worker which it is, and join the rows".into()],
            Self::WorkerTwice { first } => [format!("该工人已在{}出现", first.zh()), format!("this worker stands in {first} already"), "一名工人一个月只能有一行，合并或删除其中一行".into(), "one worker has one row a month: join them or take one out".into()],
            Self::CardOfTwo { first } => [format!("该银行卡号已在{}用于另一名工人", first.zh()), format!("this card stands in {first} for another worker"), "工资只能发到本人银行卡，核对两人的卡号".into(), "a wage goes to the worker's own card: check both numbers".into()],
            Self::TotalDiffers { counted } => [format!("合计与各行之和 {counted} 元不符"), format!("the total is not the sum of the rows, which is {counted} yuan"), "核对合计与各行金额".into(), "check the total and the rows".into()],
            Self::CountDiffers { counted } => [format!("申报人数与实际行数 {counted} 不符"), format!("the count declared is not the number of rows, which is {counted}"), "核对人数与各行，是否有漏行或多行".into(), "check the count and look for a row that is missing or too many".into()],
            Self::MonthDiffers { title } => [format!("表头月份为 {title}，与申报月份不一致"), format!("the title says {title}, which is not the month that you submit"), "核对月份，改正表头或申报月份".into(), "correct the title or the month".into()],
            Self::AlreadyOwed { batch } => [format!("该工人本月工资已在批次 {batch} 中"), format!("this worker has a wage for this project and month in batch {batch} already"), "删除该行；如该批次有误且尚未批准，请先撤回该批次（wagegate withdraw）".into(), "take the row out; if that batch is wrong and not released yet, withdraw it first (wagegate withdraw)".into()],
            Self::OwedElsewhere { batch } => [format!("该工人本月在另一项目的批次 {batch} 中也有工资"), format!("this worker has a wage for this month in batch {batch} of another project too"), "核对该工人本月是否在两个项目上工；确认无误可忽略".into(), "ask whether the worker was on both sites this month; if so, go on".into()],
            Self::SheetTwice { batch } => [format!("同一文件已提交为批次 {batch}"), format!("this very file was submitted already, as batch {batch}"), "查看该批次；要重新提交，请先撤回该批次（wagegate withdraw）".into(), "look at that batch; to submit the file again, withdraw it first (wagegate withdraw)".into()],
            Self::NotRegistered => fixed(["该工人未实名登记", "this worker is not registered", "先在项目花名册中登记该工人，再发放工资", "register the worker on the project's roster first"]),
            Self::NotOnSite => fixed(["该工人本月不在本项目在场名单中", "this worker was not on this project's site in the pay month", "核对进退场日期，更正花名册或删除该行", "check entry and exit: correct the roster, or take the row out"]),
            Self::NoRoster => fixed(["本项目尚无花名册，未核对工人是否登记和在场", "this project has no roster: nobody was checked for being registered and on site", "导入花名册后，系统会逐人核对", "import the roster, and every row is checked"]),
            Self::NameDiffers => fixed(["姓名与实名登记的姓名不一致", "the name is not the registered name of this identity number", "核对身份证上的姓名，更正本行或花名册", "look at the identity card: correct this row, or the roster"]),
            Self::CardOfAnother => fixed(["该银行卡已登记在另一名工人名下", "this card is another worker's in the registry", "工资只能发到本人银行卡，核对卡号", "a wage goes to the worker's own card: check the number"]),
            Self::CardDisplaced => fixed(["该工人已登记另一张已核实的工资卡", "this worker has another card in the registry, which is verified", "核对卡号；如已换卡，先在花名册中更换工资卡", "check the number; if the worker has a new card, change it in the registry first"]),
            Self::CardChanged => fixed(["银行卡与登记的工资卡不同", "the card is not the one in the registry", "核对卡号；确认换卡可忽略，审批人会看到", "check the number; if it is a new card, go on: approvers see it"]),
            Self::CardRefused { why } => [format!("该银行卡上次发放失败，尚未更正：{}", why.zh), format!("a wage to this card failed last time, and it was not fixed: {}", why.en), "更换银行卡，或更正姓名、卡号后再提交".into(), "name another card, or correct name and number".into()],
            Self::AmountFar { more: true } => fixed(["金额超过上月的3倍", "the amount is more than three times last month's", "核对金额；确认无误可忽略", "look at it again; if it is right, go on"]),
            Self::AmountFar { more: false } => fixed(["金额不到上月的三分之一", "the amount is less than a third of last month's", "核对金额；确认无误可忽略", "look at it again; if it is right, go on"]),
            Self::MonthFuture => fixed(["工资月份尚未到来", "the pay month has not begun", "核对申报月份", "check the month that you submit"]),
            Self::MonthOld => fixed(["工资月份距今超过12个月", "the pay month is more than 12 months ago", "核对申报月份；确认补发旧月工资可忽略", "check the month; if wages of so long ago are owed, go on"]),
            Self::BackPay => fixed(["该行为补发（isBackPay=1），暂不支持随工资表提交", "this row is back pay (isBackPay=1), which is not taken with a wage sheet", "从本表删除该行；补发目前只能在本系统之外办理", "take the row out of this list; back pay is not paid through this gateway yet"]),
            Self::FormDiffers { field } => [format!("{field} 与申报的项目、企业或月份不一致"), format!("{field} does not agree with the project, contractor or month that you submit for"), "核对接口报文头与申报参数".into(), "check the head of the document and what you submit".into()],
            Self::FieldSealed => fixed(["加密字段无法解密", "the encrypted field does not open", "用本项目的平台密钥加密后重新提交", "encrypt it with this project's secret of the platform, and send it again"]),
            Self::LeaveUnknown => fixed(["要剔除的行不存在", "a row to be left out is not there", "按表格显示的行号填写，第二张表起写作 表名:行号", "name rows as the spreadsheet counts them; in later sheets as sheet:row"]),
            Self::LeaveSound => fixed(["要剔除的行没有问题", "a row to be left out has no problem", "只能剔除有错误的行；不发的行请从表中删除", "only rows with problems can be left out; take others out of the sheet"]),
            Self::UnfitForBank { field, why } => [format!("代发银行无法接收该行的{}：{}", chinese(field), why.zh), format!("the paying bank cannot take this row's {field}: {}", why.en), "按银行要求更正该栏".into(), "correct it as the bank wants it".into()],
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

/// A field of a bank's form as a clerk calls it.
fn chinese(field: &str) -> &str {
    match field {
        "name" => "姓名",
        "account" => "银行卡号",
        "cnaps" => "联行号",
        "amount" => "金额",
        "special account" => "专户账号",
        "account name" => "专户户名",
        "remark" => "附言",
        "row" => "内容",
        other => other,
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
