//! The roster to fill in: headers that the readers know, drop-downs where there is a choice, numbers kept as text, guidance in both
//! languages. It names nobody and is the same for every project.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DataValidationRule, Format, FormatAlign,
    FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::intake::GUIDANCE;

/// Rows that are made ready to be filled in.
const ROWS: u32 = 1_000;
/// What a column's cells hold.
enum Kind {
    Text,
    Choice(&'static [&'static str]),
    Day,
    Number,
}

/// Headers, the first name of each field; needed ones with a star.
const COLUMNS: [(&str, u16, Kind); 13] = [
    ("序号", 6, Kind::Number),
    ("姓名*", 14, Kind::Text),
    ("身份证号*", 22, Kind::Text),
    ("手机号", 14, Kind::Text),
    ("岗位", 12, Kind::Choice(&["建筑工人", "管理人员"])),
    ("班组", 14, Kind::Text),
    ("进场日期*", 13, Kind::Day),
    ("退场日期", 13, Kind::Day),
    ("银行卡号", 24, Kind::Text),
    ("开户行联行号", 16, Kind::Text),
    (
        "卡类型",
        12,
        Kind::Choice(&["本行卡", "他行卡", "社保卡", "云建宝卡"]),
    ),
    ("考勤月份", 12, Kind::Text),
    ("考勤天数", 10, Kind::Number),
];
const IDENTITY: u16 = 2;
const DAYS: u16 = 12;

/// Makes the workbook.
///
/// # Errors
/// The workbook cannot be written.
pub fn template() -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.push_worksheet(roster()?);
    workbook.push_worksheet(guidance()?);
    workbook.save_to_buffer()
}

fn roster() -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name("花名册")?;
    let header = Format::new()
        .set_bold()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::Center);
    for (at, (name, width, kind)) in (0..).zip(COLUMNS) {
        sheet.write_string_with_format(0, at, name, &header)?;
        sheet.set_column_width(at, width)?;
        sheet.set_column_format(at, &format(&kind))?;
        if let Kind::Choice(words) = kind {
            sheet.add_data_validation(1, at, ROWS, at, &choice(words)?)?;
        }
    }
    sheet.set_freeze_panes(1, 2)?;
    numbers(&mut sheet)?;
    Ok(sheet)
}

/// Text stays text: a card number that becomes a number loses its last digits, and a month becomes a day.
fn format(kind: &Kind) -> Format {
    let format = Format::new();
    match kind {
        Kind::Text | Kind::Choice(_) => format.set_num_format("@"),
        Kind::Day => format.set_num_format("yyyy-mm-dd"),
        Kind::Number => format.set_num_format("0"),
    }
}

fn choice(words: &[&str]) -> Result<DataValidation, XlsxError> {
    DataValidation::new()
        .allow_list_strings(words)?
        .set_error_message("请从下拉列表中选择，或留空 choose from the list, or leave it empty")
        .map(|choice| choice.set_error_style(DataValidationErrorStyle::Stop))
}

/// The spreadsheet itself warns of an identity number of another length, and refuses days that no month has.
fn numbers(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let length = DataValidation::new()
        .allow_text_length(DataValidationRule::EqualTo(18_u32))
        .set_error_message("身份证号为18位 18 characters")?
        .set_error_style(DataValidationErrorStyle::Warning);
    sheet.add_data_validation(1, IDENTITY, ROWS, IDENTITY, &length)?;
    let days = DataValidation::new()
        .allow_whole_number(DataValidationRule::Between(0, 31))
        .set_error_message("填写0至31的整数 a whole number up to 31")?
        .set_error_style(DataValidationErrorStyle::Stop);
    sheet.add_data_validation(1, DAYS, ROWS, DAYS, &days)?;
    Ok(())
}

const GUIDE: [[&str; 2]; 9] = [
    [
        "每名工人一行，带 * 的列必填；再次导入同一份花名册不会产生变化，信息有变时改好后整份重新导入。",
        "One row for each worker; columns with a star are needed. The same roster again changes nothing: when something changed, mend it and import it again.",
    ],
    [
        "姓名与身份证、银行卡一致；少数民族姓名中的间隔点写作“·”。",
        "The name is that of identity card and bank card; the dot in a name is ·.",
    ],
    [
        "身份证号、手机号、银行卡号、联行号为文本格式，不要改成数值，否则末几位会丢失。",
        "Numbers of people, telephones and cards are text: as numbers they lose their last digits.",
    ],
    [
        "岗位填“管理人员”或“建筑工人”，不填按建筑工人登记。",
        "岗位 is 管理人员 (manager) or 建筑工人 (worker); empty means worker.",
    ],
    [
        "进场日期、退场日期写作 2026-03-01；在场的工人退场日期留空。",
        "Days are written 2026-03-01; who is on site has no 退场日期.",
    ],
    [
        "银行卡为工人本人的卡；任何银行的卡和社保卡均可，不得强制换卡。",
        "The card is the worker's own; any bank's card and the social security card will do, and nobody may be made to change it.",
    ],
    [
        "开户行联行号是该卡开户行的12位行号，他行卡最好填写；卡类型不清楚可留空。",
        "开户行联行号 is the 12-digit number of the card's bank, best given for another bank's card; 卡类型 may stay empty.",
    ],
    [
        "考勤月份写作 2026-10，考勤天数为当月有考勤的天数，两项同时填写或同时留空。",
        "考勤月份 is written 2026-10; 考勤天数 counts the days attended in it. Give both or neither.",
    ],
    [
        "可以插入行、增加列、调换列的顺序；不要删除表头。有问题的行会逐行说明原因和改法。",
        "Rows may be inserted, columns added and moved; leave the header in. What is wrong is told row by row, with its remedy.",
    ],
];

fn guidance() -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name(GUIDANCE)?;
    let bold = Format::new().set_bold().set_font_size(14);
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.write_string_with_format(0, 0, GUIDANCE, &bold)?;
    sheet.write_string_with_format(0, 1, "How to fill it in", &bold)?;
    for (row, [zh, en]) in (1..).zip(GUIDE) {
        sheet.write_string_with_format(row, 0, zh, &wrapped)?;
        sheet.write_string_with_format(row, 1, en, &wrapped)?;
    }
    sheet.set_column_width(0, 60)?;
    sheet.set_column_width(1, 80)?;
    Ok(sheet)
}
