//! The workbook that goes back to the clerk: every cell where it was, bad ones coloured, the reasons at the end of each bad row, ready to fix
//! and to upload again. A text file comes back as a sheet.
//!
//! Texts are written as texts, so that nothing in them is ever a formula.

use std::{
    collections::{BTreeMap, HashMap},
    io::Cursor,
};

use bytes::Bytes;
use calamine::{DataRef, DataType as _};
use rust_xlsxwriter::{Color, Format, Workbook, Worksheet, XlsxError};

use super::{
    IntakeError, PROBLEMS,
    cells::{Cell, REASON, is_reason},
    declared::names_people,
    json,
    problem::Problem,
    remark::names_total,
    text, xlsx,
};

/// Cells that a returned workbook can have: it is made in memory.
const CELLS_MAX: usize = 2_000_000;
/// Characters in a cell of a spreadsheet, at most: Excel's limit.
const CELL_MAX: usize = 32_767;
/// Characters in a sheet's name, at most: Excel's limit.
const TAB_MAX: usize = 31;
/// Where the column of reasons is named.
const HEADER: [&str; 2] = [
    "【问题】改好后本表可直接再次提交",
    "【reason】mend these and submit this very sheet",
];
/// How a hint begins among the reasons: it stops nothing.
const HINT: [&str; 2] = ["（提示，不影响提交）", "(a hint, stops nothing) "];
/// Width of a column, wide enough for an identity number.
const WIDTH: u16 = 20;
/// A text file's only sheet.
const SHEET: &str = "工资表";

/// No workbook comes back.
#[derive(Debug, thiserror::Error)]
pub enum ReturnError {
    /// The upload is no sheet.
    #[error("problems of a JSON document come back as JSON: leave `answer` out")]
    NoSheet,
    /// It would not fit in memory.
    #[error("the sheet has more than {CELLS_MAX} cells: split it to get it back as a workbook")]
    TooLarge,
    /// The upload cannot be read again.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The workbook cannot be made.
    #[error("the workbook cannot be made: {0}")]
    Xlsx(#[from] XlsxError),
}

/// Makes the workbook.
///
/// # Errors
/// The upload is no sheet, or too large.
pub fn returned(upload: &Bytes, problems: &[Problem]) -> Result<Vec<u8>, ReturnError> {
    let mut copy = Copy::new(problems)?;
    if upload.starts_with(b"PK\x03\x04") {
        xlsx::cells(
            Cursor::new(upload.clone()),
            &mut |tab, row, column, value| {
                let copied = copy.data((&tab.name, row, column), value);
                copy.or_stop(copied)
            },
        )
        .map_err(|error| copy.failed.take().unwrap_or(ReturnError::Intake(error)))?;
    } else if json::begins(upload) {
        return Err(ReturnError::NoSheet);
    } else {
        let bytes = upload.clone();
        let open = move || -> std::io::Result<Box<dyn std::io::BufRead + Send>> {
            Ok(Box::new(Cursor::new(bytes.clone())))
        };
        text::read(&open, &mut |line| {
            for (column, cell) in line.cells.iter().enumerate() {
                if let Cell::Text(text) = cell {
                    let copied = copy.text((SHEET, line.row, column), text);
                    copy.or_stop(copied)?;
                }
            }
            Ok(())
        })
        .map_err(|error| copy.failed.take().unwrap_or(ReturnError::Intake(error)))?;
    }
    copy.finish(problems)
}

/// Sheet, row from 1, column from 0.
type Spot<'a> = (&'a str, u32, usize);

/// What is known of a sheet on its way into the copy.
struct Sheet {
    worksheet: Worksheet,
    /// First column behind everything.
    width: u16,
    /// Where the headers that problems name stand.
    headers: HashMap<String, (u32, u16)>,
    /// The row of a total, from where it says so.
    total: Option<u32>,
}

struct Copy<'a> {
    sheets: Vec<(String, Sheet)>,
    cells: usize,
    /// Headers that problems name.
    wanted: Vec<&'a str>,
    /// Bad cells by sheet and row.
    bad: HashMap<(&'a str, u32), Vec<&'a str>>,
    plain: Format,
    day: Format,
    red: Format,
    reason: Format,
    failed: Option<ReturnError>,
}

impl<'a> Copy<'a> {
    fn new(problems: &'a [Problem]) -> Result<Self, ReturnError> {
        let mut wanted: Vec<&str> = Vec::new();
        let mut bad: HashMap<_, Vec<&str>> = HashMap::new();
        for problem in problems
            .iter()
            .filter(|problem| problem.row > 0 && problem.flaw.stops())
        {
            if !wanted.contains(&problem.column.as_str()) {
                wanted.push(&problem.column);
            }
            bad.entry((name_of(problem), problem.row))
                .or_default()
                .push(&problem.column);
        }
        let text = Format::new().set_num_format("@");
        Ok(Self {
            sheets: Vec::new(),
            cells: 0,
            wanted,
            bad,
            day: Format::new().set_num_format("yyyy-mm-dd"),
            red: text.clone().set_background_color(Color::RGB(0x00FF_C7CE)),
            reason: Format::new()
                .set_font_color(Color::RGB(0x009C_0006))
                .set_text_wrap(),
            plain: text,
            failed: None,
        })
    }

    /// Stops the reader; why is kept here, since readers know no workbooks.
    fn or_stop(&mut self, copied: Result<(), ReturnError>) -> Result<(), IntakeError> {
        copied.map_err(|error| {
            self.failed = Some(error);
            IntakeError::TooLarge
        })
    }

    fn sheet(&mut self, name: &str) -> Result<&mut Sheet, ReturnError> {
        let at = match self.sheets.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                let mut worksheet = Worksheet::new();
                worksheet.set_name(self.tab(name))?;
                let sheet = Sheet {
                    worksheet,
                    width: 0,
                    headers: HashMap::new(),
                    total: None,
                };
                self.sheets.push((name.to_owned(), sheet));
                self.sheets.len() - 1
            }
        };
        let found = self.sheets.get_mut(at).map(|(_, sheet)| sheet);
        found.ok_or(ReturnError::TooLarge)
    }

    /// A name that every spreadsheet program takes, and that no sheet before it has; other programs allow more than Excel does.
    fn tab(&self, name: &str) -> String {
        let taken = |tab: &str| {
            let mut sheets = self.sheets.iter();
            sheets.any(|(_, sheet)| sheet.worksheet.name().eq_ignore_ascii_case(tab))
        };
        let plain = name.replace(['[', ']', ':', '*', '?', '/', '\\', '\''], " ");
        let cut = |end: &str| {
            let room = TAB_MAX.saturating_sub(end.len());
            let start: String = plain.chars().take(room).collect();
            format!("{start}{end}")
        };
        let mut tab = cut("");
        for number in 2.. {
            if !taken(&tab) {
                break;
            }
            tab = cut(&format!(" {number}"));
        }
        tab
    }

    fn data(&mut self, spot: Spot<'_>, value: &DataRef<'_>) -> Result<(), ReturnError> {
        if spot.0 == PROBLEMS {
            return Ok(());
        }
        match value {
            DataRef::Empty => Ok(()),
            DataRef::String(text) => self.text(spot, text),
            DataRef::SharedString(text) => self.text(spot, text),
            DataRef::Int(whole) => self.text(spot, &whole.to_string()),
            DataRef::Float(_) => self.number(spot, value, None),
            DataRef::DateTime(_) => {
                let day = self.day.clone();
                self.number(spot, value, Some(day))
            }
            DataRef::Bool(truth) => self.text(spot, if *truth { "TRUE" } else { "FALSE" }),
            DataRef::Error(error) => self.text(spot, &error.to_string()),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => self.text(spot, text),
        }
    }

    fn text(&mut self, spot: Spot<'_>, text: &str) -> Result<(), ReturnError> {
        if is_reason(text) {
            return Ok(());
        }
        let squeezed: String = text.split_whitespace().collect();
        let header = self.wanted.contains(&squeezed.as_str());
        let format = self.plain.clone();
        let (name, row, column) = spot;
        let (row, column) = self.place(row, column)?;
        let sheet = self.sheet(name)?;
        sheet.width = sheet.width.max(column + 1);
        if header {
            sheet.headers.entry(squeezed).or_insert((row, column));
        }
        if sheet.total == Some(row) && names_people(text) {
            return Ok(());
        }
        if names_total(text) {
            sheet.total = Some(row);
        }
        let text: String = text.chars().take(CELL_MAX).collect();
        sheet
            .worksheet
            .write_string_with_format(row, column, text, &format)?;
        Ok(())
    }

    fn number(
        &mut self,
        spot: Spot<'_>,
        value: &DataRef<'_>,
        format: Option<Format>,
    ) -> Result<(), ReturnError> {
        let (name, row, column) = spot;
        let (row, column) = self.place(row, column)?;
        let sheet = self.sheet(name)?;
        sheet.width = sheet.width.max(column + 1);
        // A formula comes as its value: what it counted is no longer so when the rows are mended.
        if sheet.total == Some(row) {
            return Ok(());
        }
        let number = value.as_f64().unwrap_or_default();
        match format {
            Some(format) => sheet
                .worksheet
                .write_number_with_format(row, column, number, &format)?,
            None => sheet.worksheet.write_number(row, column, number)?,
        };
        Ok(())
    }

    fn place(&mut self, row: u32, column: usize) -> Result<(u32, u16), ReturnError> {
        self.cells += 1;
        match u16::try_from(column) {
            Ok(column) if self.cells <= CELLS_MAX => Ok((row.saturating_sub(1), column)),
            Ok(_) | Err(_) => Err(ReturnError::TooLarge),
        }
    }

    /// The reasons at the end of the bad rows, the colour on the bad cells, and the list of all problems.
    fn finish(mut self, problems: &[Problem]) -> Result<Vec<u8>, ReturnError> {
        let mut rows: BTreeMap<(&str, u32), [String; 2]> = BTreeMap::new();
        for problem in problems.iter().filter(|problem| problem.row > 0) {
            let said = rows.entry((name_of(problem), problem.row)).or_default();
            let (what, fix) = (problem.flaw.what(), problem.flaw.fix());
            let words = [
                format!("{}：{}；{}", problem.column, what.zh, fix.zh),
                format!("{}: {}; {}", problem.column, what.en, fix.en),
            ];
            for ((text, words), hint) in said.iter_mut().zip(words).zip(HINT) {
                if !text.is_empty() {
                    text.push('\n');
                }
                if !problem.flaw.stops() {
                    text.push_str(hint);
                }
                text.push_str(words.trim_start_matches(['：', ':', ' ']));
            }
        }
        for ((name, row), said) in rows {
            self.reasons(name, row, &said)?;
        }
        let mut workbook = Workbook::new();
        for (_, mut sheet) in self.sheets {
            for column in 0..sheet.width {
                sheet.worksheet.set_column_width(column, WIDTH)?;
            }
            workbook.push_worksheet(sheet.worksheet);
        }
        workbook.push_worksheet(list(problems)?);
        Ok(workbook.save_to_buffer()?)
    }

    fn reasons(&mut self, name: &str, row: u32, said: &[String; 2]) -> Result<(), ReturnError> {
        let (red, reason) = (self.red.clone(), self.reason.clone());
        let columns = self.bad.get(&(name, row)).cloned().unwrap_or_default();
        let sheet = self.sheet(name)?;
        let row = row.saturating_sub(1);
        for (_, column) in columns
            .iter()
            .filter_map(|header| sheet.headers.get(*header))
        {
            sheet.worksheet.set_cell_format(row, *column, &red)?;
        }
        let top = sheet
            .headers
            .values()
            .map(|(row, _)| *row)
            .min()
            .unwrap_or(0);
        for ((at, text), (header, mark)) in (sheet.width..).zip(said).zip(HEADER.iter().zip(REASON))
        {
            if row != top {
                sheet
                    .worksheet
                    .write_string_with_format(top, at, *header, &reason)?;
                sheet.worksheet.set_freeze_panes(top + 1, 0)?;
            }
            let text: String = mark.chars().chain(text.chars()).take(CELL_MAX).collect();
            sheet
                .worksheet
                .write_string_with_format(row, at, text, &reason)?;
            sheet.worksheet.set_column_width(at, 60)?;
        }
        Ok(())
    }
}

/// A text file has one sheet, which has no name of its own.
fn name_of(problem: &Problem) -> &str {
    match problem.sheet.as_str() {
        "" => SHEET,
        name => name,
    }
}

/// Every problem and warning, those of the whole sheet too.
fn list(problems: &[Problem]) -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name(PROBLEMS)?;
    let bold = Format::new().set_bold();
    for (column, header) in (0..).zip([
        "类别 kind",
        "表 sheet",
        "行 row",
        "列 column",
        "问题",
        "what is wrong",
        "处理",
        "how to fix it",
    ]) {
        sheet.write_string_with_format(0, column, header, &bold)?;
    }
    for (row, problem) in (1..).zip(problems) {
        let (what, fix) = (problem.flaw.what(), problem.flaw.fix());
        let kind = if problem.flaw.stops() {
            "错误 error"
        } else {
            "提示 warning"
        };
        let number = match problem.row {
            0 => "—".to_owned(),
            number => number.to_string(),
        };
        let texts = [
            kind,
            &problem.sheet,
            &number,
            &problem.column,
            &what.zh,
            &what.en,
            &fix.zh,
            &fix.en,
        ];
        for (column, text) in (0..).zip(texts) {
            sheet.write_string(row, column, text)?;
        }
    }
    for (column, width) in (0..).zip([14, 14, 8, 14, 40, 50, 40, 50]) {
        sheet.set_column_width(column, width)?;
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_comes_back_under_a_name_that_excel_takes() {
        let mut copy = Copy::new(&[]).unwrap();
        let long = "二〇二六年十月第三标段钢筋班组农民工工资发放表(含加班及补助明细)";
        for (name, tab) in [
            ("一队[外包]/夜班", "一队 外包  夜班"),
            ("一队 外包  夜班?", "一队 外包  夜班 "),
            (
                long,
                "二〇二六年十月第三标段钢筋班组农民工工资发放表(含加班及补助明",
            ),
            ("A", "A"),
            ("a", "a 2"),
        ] {
            copy.text((name, 4, 0), "张三").unwrap();
            let (known, sheet) = copy.sheets.last().unwrap();
            assert_eq!(
                (known.as_str(), sheet.worksheet.name().as_str()),
                (name, tab)
            );
        }
        assert!(copy.finish(&[]).is_ok());
    }

    #[test]
    fn more_reasons_than_a_cell_holds_are_cut() {
        let problem = |at: u32| Problem {
            sheet: "工资表".into(),
            row: 4,
            column: format!("实发工资{at}"),
            flaw: super::super::problem::Flaw::AmountMissing,
        };
        let problems: Vec<_> = (0..4_000).map(problem).collect();
        let mut copy = Copy::new(&problems).unwrap();
        copy.text((SHEET, 4, 0), "张三").unwrap();
        assert!(copy.finish(&problems).is_ok());
    }

    #[test]
    fn a_total_comes_back_without_what_its_formula_once_counted() {
        let mut copy = Copy::new(&[]).unwrap();
        for (row, label) in [(4, "张三"), (5, "合计")] {
            copy.text((SHEET, row, 0), label).unwrap();
            copy.text((SHEET, row, 1), "30人").unwrap();
            let wage = DataRef::Float(4_000.5);
            copy.data((SHEET, row, 5), &wage).unwrap();
        }
        let bytes = Cursor::new(copy.finish(&[]).unwrap());
        let mut back: calamine::Xlsx<_> = calamine::open_workbook_from_rs(bytes).unwrap();
        let sheet = calamine::Reader::worksheet_range(&mut back, SHEET).unwrap();
        let row =
            |row: u32| [0, 1, 5].map(|at| sheet.get_value((row, at)).map(ToString::to_string));
        let seen = |text: &str| Some(text.to_owned());
        assert_eq!(row(3), [seen("张三"), seen("30人"), seen("4000.5")]);
        assert_eq!(row(4)[0], seen("合计"));
        assert!(row(4)[1..].iter().flatten().all(String::is_empty));
    }
}
