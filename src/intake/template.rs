//! The sheet to fill in: headers that intake knows, cells that keep what is typed, a total that adds itself up, and guidance in both languages.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DataValidationRule, Format, FormatAlign,
    FormatBorder, Formula, Workbook, Worksheet, XlsxError,
};
use wagegate_domain::PayMonth;

use super::GUIDANCE;
use crate::{
    security::seal::{Vault, VaultError},
    store::{ProjectEntry, Store, StoreError},
};

/// Rows of a template without a roster.
const EMPTY_ROWS: u32 = 200;
/// Empty rows under the workers of a roster.
const SPARE_ROWS: u32 = 30;
/// Workers that are filled in at most.
const FILLED_MAX: usize = 20_000;
const PAGE: u32 = 1_000;
const HEADERS: [(&str, u16); 7] = [
    ("序号", 6),
    ("姓名", 14),
    ("身份证号", 22),
    ("银行卡号", 24),
    ("联行号", 16),
    ("实发工资（元）", 16),
    ("备注", 24),
];
/// Row of the headers, from 0; what is above is title.
const HEADER_ROW: u32 = 2;
const AMOUNT: u16 = 5;
const NOTE: u16 = 6;
/// What reviewers ask about most; nothing is computed from a note.
const NOTES: [&str; 6] = ["正常出勤", "新进场", "离场结清", "病事假", "换卡", "含加班"];

/// No template can be made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the workbook cannot be made: {0}")]
    Xlsx(#[from] XlsxError),
}

/// A template, and how many people it names.
#[derive(Debug)]
pub struct Template {
    /// The workbook.
    pub workbook: Vec<u8>,
    /// Workers filled in: whoever looks at them is written down.
    pub people: usize,
}

/// Makes the template of a project and month; with `vault`, the workers on the project's roster are filled in.
///
/// # Errors
/// The store, or a sealed value that does not open.
pub async fn template(
    store: &dyn Store,
    project: &ProjectEntry,
    month: PayMonth,
    vault: Option<&Vault>,
) -> Result<Template, TemplateError> {
    let people = match vault {
        Some(vault) => people(store, vault, &project.code, month).await?,
        None => Vec::new(),
    };
    let mut workbook = Workbook::new();
    workbook.push_worksheet(wages(project, month, &people)?);
    workbook.push_worksheet(guidance(&project.code, month)?);
    Ok(Template {
        workbook: workbook.save_to_buffer()?,
        people: people.len(),
    })
}

/// Name, identity number, account, bank number; what is not registered is left for the clerk.
type Person = [String; 4];

async fn people(
    store: &dyn Store,
    vault: &Vault,
    project: &str,
    month: PayMonth,
) -> Result<Vec<Person>, TemplateError> {
    let (mut people, mut after) = (Vec::new(), 0);
    while people.len() < FILLED_MAX {
        let page = store.roster_page(project, month, after, PAGE).await?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.worker;
        for worker in &page {
            let (blind, sealed) = &worker.id_number;
            let id_number = vault.open_id_number(blind, sealed)?.clear().to_owned();
            let registered = match &worker.profile {
                None => None,
                Some(sealed) => Some(vault.open_profile(blind, sealed)?.0.clear().to_owned()),
            };
            people.push(match &worker.card {
                None => {
                    let name = registered.unwrap_or_default();
                    [name, id_number, String::new(), String::new()]
                }
                Some((blind, sealed, cnaps)) => {
                    let (name, account) = vault.open_binding(blind, sealed)?;
                    let name = registered.unwrap_or_else(|| name.clear().to_owned());
                    let (account, cnaps) = (account.clear().to_owned(), cnaps.clone());
                    [name, id_number, account, cnaps.unwrap_or_default()]
                }
            });
        }
    }
    Ok(people)
}

fn wages(
    project: &ProjectEntry,
    month: PayMonth,
    people: &[Person],
) -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name("工资表")?;
    let title = Format::new().set_bold().set_font_size(14);
    sheet.write_string_with_format(0, 0, format!("农民工工资表 工资月份：{month}"), &title)?;
    sheet.write_string(
        1,
        0,
        format!("项目编码：{} 项目名称：{}", project.code, project.name),
    )?;
    let header = Format::new()
        .set_bold()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::Center);
    for (column, (name, width)) in (0..).zip(HEADERS) {
        sheet.write_string_with_format(HEADER_ROW, column, name, &header)?;
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(HEADER_ROW + 1, 2)?;
    let filled = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let rows = if filled == 0 {
        EMPTY_ROWS
    } else {
        filled.saturating_add(SPARE_ROWS)
    };
    let last = HEADER_ROW + rows;
    rows_to_fill(&mut sheet, people, last)?;
    amounts(&mut sheet, last)?;
    total(&mut sheet, last)?;
    Ok(sheet)
}

/// Texts stay texts: a card number that becomes a number loses its last digits.
fn rows_to_fill(sheet: &mut Worksheet, people: &[Person], last: u32) -> Result<(), XlsxError> {
    let text = Format::new()
        .set_num_format("@")
        .set_border(FormatBorder::Thin);
    let money = Format::new()
        .set_num_format("0.00")
        .set_border(FormatBorder::Thin);
    let mut people = people.iter();
    for row in HEADER_ROW + 1..=last {
        let person = people.next();
        sheet.write_blank(row, 0, &text)?;
        for (column, at) in (1_u16..).zip(0..4) {
            match person.and_then(|person| person.get(at)) {
                Some(value) if !value.is_empty() => {
                    sheet.write_string_with_format(row, column, value, &text)?
                }
                Some(_) | None => sheet.write_blank(row, column, &text)?,
            };
        }
        sheet.write_blank(row, AMOUNT, &money)?;
        sheet.write_blank(row, NOTE, &text)?;
    }
    Ok(())
}

/// The spreadsheet itself refuses what is no amount, and an identity number of another length.
fn amounts(sheet: &mut Worksheet, last: u32) -> Result<(), XlsxError> {
    let amount = DataValidation::new()
        .allow_decimal_number(DataValidationRule::Between(0.01, 9_999_999.99))
        .set_input_message("实发金额，单位元，最多两位小数 net wage in yuan")?
        .set_error_message("金额应大于零，最多两位小数 an amount above nought")?
        .set_error_style(DataValidationErrorStyle::Stop);
    sheet.add_data_validation(HEADER_ROW + 1, AMOUNT, last, AMOUNT, &amount)?;
    let length = DataValidation::new()
        .allow_text_length(DataValidationRule::EqualTo(18_u32))
        .set_error_message("身份证号为18位 18 characters")?
        .set_error_style(DataValidationErrorStyle::Warning);
    sheet.add_data_validation(HEADER_ROW + 1, 2, last, 2, &length)?;
    // What else there is to say may be typed.
    let notes = DataValidation::new()
        .allow_list_strings(&NOTES)?
        .set_input_message("可选择或自行填写 choose, or write your own")?
        .show_error_message(false);
    sheet.add_data_validation(HEADER_ROW + 1, NOTE, last, NOTE, &notes)?;
    Ok(())
}

/// Nothing is kept as the formulas' result: whoever reads the file without a spreadsheet program finds no total, not a wrong one.
fn total(sheet: &mut Worksheet, last: u32) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_border(FormatBorder::Thin);
    let money = bold.clone().set_num_format("0.00");
    let (first, end) = (HEADER_ROW + 2, last + 1);
    sheet.write_string_with_format(last + 1, 0, "合计", &bold)?;
    let count = Formula::new(format!("COUNT(F{first}:F{end})&\"人\"")).set_result(" ");
    sheet.write_formula_with_format(last + 1, 1, count, &bold)?;
    let sum = Formula::new(format!("SUM(F{first}:F{end})")).set_result(" ");
    sheet.write_formula_with_format(last + 1, AMOUNT, sum, &money)?;
    Ok(())
}

const GUIDE: [[&str; 2]; 8] = [
    [
        "每名工人一行，一人一月只填一行。",
        "One row for each worker, one row a month.",
    ],
    [
        "姓名、身份证号、银行卡号、实发工资必填；联行号是收款银行的12位行号，跨行时最好填写。",
        "Name, identity number, card and net wage are needed; 联行号 is the 12-digit number of the card's bank, best given when it is another bank.",
    ],
    [
        "姓名与身份证、银行卡一致；少数民族姓名中的间隔点写作“·”。",
        "The name is that of identity card and bank card; the dot in a name is ·.",
    ],
    [
        "身份证号、银行卡号、联行号为文本格式，不要改成数值，否则末几位会丢失。",
        "Numbers of cards and people are text: as numbers they lose their last digits.",
    ],
    [
        "工资只能发到工人本人的银行卡；任何银行的卡和社保卡均可。",
        "A wage goes to the worker's own card; any bank's card and the social security card will do.",
    ],
    [
        "实发工资以元为单位，大于零，最多两位小数；不发的工人请删除该行。",
        "The wage is in yuan, above nought, with two decimals at most; take out who gets none.",
    ],
    [
        "可以插入行、增加列、调换列的顺序；不要删除表头。",
        "Rows may be inserted, columns added and moved; leave the header in.",
    ],
    [
        "合计行的人数和金额会与各行核对。",
        "Count and sum in the total are compared with the rows.",
    ],
];

/// How to get the sheet back with what is wrong in it, and how to hand it in.
fn commands(project: &str, month: PayMonth) -> [[String; 2]; 2] {
    let of = format!("--project {project} --month {month}");
    [
        [
            format!(
                "提交前先检查，有问题的行连同原因写回同一张表：wagegate errors 工资表.xlsx {of} --xlsx 退回.xlsx"
            ),
            format!(
                "Ask first; what is wrong comes back in the same workbook: wagegate errors SHEET.xlsx {of} --xlsx BACK.xlsx"
            ),
        ],
        [
            format!("改好后提交（可直接用退回的表）：wagegate submit 退回.xlsx {of}"),
            format!("Mend and submit it, the returned one too: wagegate submit BACK.xlsx {of}"),
        ],
    ]
}

fn guidance(project: &str, month: PayMonth) -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name(GUIDANCE)?;
    let bold = Format::new().set_bold().set_font_size(14);
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.write_string_with_format(0, 0, "填写说明", &bold)?;
    sheet.write_string_with_format(0, 1, "How to fill it in", &bold)?;
    let guide = GUIDE.map(|words| words.map(str::to_owned));
    for (row, [zh, en]) in (1..).zip(guide.into_iter().chain(commands(project, month))) {
        sheet.write_string_with_format(row, 0, zh, &wrapped)?;
        sheet.write_string_with_format(row, 1, en, &wrapped)?;
    }
    sheet.set_column_width(0, 60)?;
    sheet.set_column_width(1, 80)?;
    Ok(sheet)
}
