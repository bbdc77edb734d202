//! Wage sheets as contractors write them: the samples are taken to the fen, every planted mistake is named at its row and column, and no
//! hostile file does more than get a clear refusal.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, Cursor, Write as _},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use serde::Deserialize;
use wagegate::intake::{Checked, Expectation, IntakeError, LeaveOut, Refused, check, rows};
use wagegate_domain::{Fen, PayMonth, batch::ContentHasher};

const HEADER: &str = "姓名,身份证号,银行卡号,联行号,实发工资\n";
const WORKER: &str = "李晓明,11010519491231002X,6225881414207430,313731010015,5432.10\n";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn checked(bytes: &[u8]) -> Result<Checked, IntakeError> {
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
    check(&open, &expectation())
}

fn expectation() -> Expectation<'static> {
    Expectation::alone(
        ["P1", "滨河片区安置房项目"],
        "530000000001",
        PayMonth::parse("2026-10").unwrap(),
        jiff::civil::date(2026, 11, 2),
    )
}

fn refused(bytes: &[u8]) -> Refused {
    match checked(bytes) {
        Err(IntakeError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

/// Row, column and code of each problem.
fn pointed(refused: &Refused) -> BTreeSet<(u32, String, &'static str)> {
    refused
        .problems
        .iter()
        .map(|problem| (problem.row, problem.column.clone(), problem.flaw.code()))
        .collect()
}

#[derive(Deserialize)]
struct Sheet {
    file: String,
    rows: u64,
    total_fen: i64,
}

#[derive(Deserialize)]
struct Planted {
    sheet: String,
    row: u32,
    column: String,
    code: String,
}

fn listed<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    serde_json::from_slice(&fs::read(examples().join(file)).unwrap()).unwrap()
}

#[test]
fn every_sample_sheet_is_taken_to_the_fen_and_reads_the_same_twice() {
    let sheets: Vec<Sheet> = listed("sheets.json");
    let workers: u64 = sheets.iter().map(|sheet| sheet.rows).sum();
    assert!(workers >= 2_000, "{workers}");
    for sheet in sheets {
        let bytes = fs::read(examples().join(&sheet.file)).unwrap();
        let content = match checked(&bytes) {
            Ok(checked) => checked.content,
            Err(IntakeError::Refused(refused)) => panic!("{}: {:?}", sheet.file, refused.problems),
            Err(error) => panic!("{}: {error}", sheet.file),
        };
        assert_eq!(
            (content.rows, content.total),
            (sheet.rows, Fen::new(sheet.total_fen)),
            "{}",
            sheet.file
        );
        let expect = expectation();
        let mut again = ContentHasher::new(expect.project, expect.special_account, expect.month);
        let open =
            || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
        rows(&open, None, &LeaveOut::none(), &mut |row| {
            again.add(&row).unwrap();
            Ok(())
        })
        .unwrap();
        assert_eq!(again.finish(), content, "{}", sheet.file);
    }
}

#[test]
fn every_planted_mistake_is_named_at_its_row_and_column_and_nothing_else_is() {
    let bytes = fs::read(examples().join("mistakes.xlsx")).unwrap();
    let planted: Vec<Planted> = listed("mistakes.json");
    let planted: BTreeSet<_> = planted
        .into_iter()
        .map(|mistake| (mistake.sheet, mistake.row, mistake.column, mistake.code))
        .collect();
    let found: BTreeSet<_> = refused(&bytes)
        .problems
        .into_iter()
        .map(|problem| {
            let code = problem.flaw.code().to_owned();
            (problem.sheet, problem.row, problem.column, code)
        })
        .collect();
    assert_eq!(found, planted);
}

#[test]
fn what_is_wrong_with_a_cell_is_said_in_its_row_and_column() {
    for (row, column, code) in [
        (
            ",11010519491231002X,6225881414207430,,1\n",
            "姓名",
            "name_missing",
        ),
        (
            "张*明,11010519491231002X,6225881414207430,,1\n",
            "姓名",
            "name_bad",
        ),
        ("李明,,6225881414207430,,1\n", "身份证号", "id_missing"),
        (
            "李明,1101051949,6225881414207430,,1\n",
            "身份证号",
            "id_form",
        ),
        (
            "李明,110105194913310021,6225881414207430,,1\n",
            "身份证号",
            "id_birth_date",
        ),
        (
            "李明,110105194912310021,6225881414207430,,1\n",
            "身份证号",
            "id_check",
        ),
        ("李明,11010519491231002X,,,1\n", "银行卡号", "card_missing"),
        (
            "李明,11010519491231002X,6.22588E+15,,1\n",
            "银行卡号",
            "card_scientific",
        ),
        (
            "李明,11010519491231002X,6225****7430,,1\n",
            "银行卡号",
            "card_digits",
        ),
        (
            "李明,11010519491231002X,6225,,1\n",
            "银行卡号",
            "card_length",
        ),
        (
            "李明,11010519491231002X,6225881414207430,3137,1\n",
            "联行号",
            "cnaps_form",
        ),
        (
            "李明,11010519491231002X,6225881414207430,313731010016,1\n",
            "联行号",
            "cnaps_check",
        ),
        (
            "李明,11010519491231002X,6225881414207430,,\n",
            "实发工资",
            "amount_missing",
        ),
        (
            "李明,11010519491231002X,6225881414207430,,五千\n",
            "实发工资",
            "amount_not_number",
        ),
        (
            "李明,11010519491231002X,6225881414207430,,1.234\n",
            "实发工资",
            "amount_below_fen",
        ),
        (
            "李明,11010519491231002X,6225881414207430,,0\n",
            "实发工资",
            "amount_zero",
        ),
        (
            "李明,11010519491231002X,6225881414207430,,-5\n",
            "实发工资",
            "amount_negative",
        ),
    ] {
        let text = format!("{HEADER}{row}");
        assert_eq!(
            pointed(&refused(text.as_bytes())),
            BTreeSet::from([(2, column.to_owned(), code)]),
            "{row}"
        );
    }
}

#[test]
fn what_rows_and_sheet_say_together_is_checked() {
    let other = "王芳,440524188001010014,6225881414207430,,1\n";
    for (text, expected) in [
        (
            format!("{HEADER}{WORKER}{WORKER}"),
            (3, "身份证号", "row_twice"),
        ),
        (
            format!("{HEADER}{WORKER}{other}"),
            (3, "银行卡号", "card_of_two"),
        ),
        (
            format!("{HEADER}{WORKER}合计,,,,5432.11\n"),
            (3, "实发工资", "total_differs"),
        ),
        // What cannot be read cannot be added up: there is one mistake to mend, not two.
        (
            format!(
                "{HEADER}{}合计,1人,,,5432.11\n",
                WORKER.replace("5432.10", "若干")
            ),
            (2, "实发工资", "amount_not_number"),
        ),
        (
            format!("2026年9月工资表\n{HEADER}{WORKER}"),
            (1, "", "month_differs"),
        ),
        ("姓名,身份证号,银行卡号\n".to_owned(), (0, "", "no_header")),
        ("你好\n".to_owned(), (0, "", "no_header")),
        (HEADER.to_owned(), (0, "", "no_rows")),
        (
            format!("姓名,身份证号,银行卡号,实发工资,实发工资\n{WORKER}"),
            (1, "实发工资", "header_twice"),
        ),
    ] {
        let (row, column, code) = expected;
        assert_eq!(
            pointed(&refused(text.as_bytes())),
            BTreeSet::from([(row, column.to_owned(), code)]),
            "{text}"
        );
    }
}

#[test]
fn titles_totals_signatures_and_blank_rows_are_understood() {
    let text = format!(
        "某某项目农民工工资表,,,,\n,,,,\n工资月份：2026年10月,,,,\n序号{HEADER}1{WORKER}\n,,,,\n合计,,,,\"5,432.10\"\n{HEADER}制表人：甲,,审核：乙,,2026年11月1日\n"
    )
    .replace("序号", "")
    .replace("1李", "李");
    let content = checked(text.as_bytes()).unwrap().content;
    assert_eq!((content.rows, content.total), (1, Fen::new(543_210)));
}

#[test]
fn every_encoding_and_delimiter_that_spreadsheets_write_is_read() {
    let text = format!("{HEADER}{}", WORKER.replace("李晓明", "赵䶮·买买提"));
    let (gb, _, lossy) = encoding_rs::GB18030.encode(&text);
    assert!(!lossy);
    let expected = checked(text.as_bytes()).unwrap().content;
    for (what, bytes) in [
        (
            "UTF-8 with mark",
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        ),
        ("GB18030", gb.into_owned()),
        ("tabs", text.replace(',', "\t").into_bytes()),
        ("semicolons", text.replace(',', ";").into_bytes()),
        ("CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("no last line end", text.trim_end().as_bytes().to_vec()),
        (
            "quotes",
            text.replace("6225881414207430", "\"6225881414207430\"")
                .into_bytes(),
        ),
    ] {
        assert_eq!(checked(&bytes).unwrap().content, expected, "{what}");
    }
}

#[test]
fn a_card_that_fails_luhn_only_warns() {
    let text = format!("{HEADER}{}", WORKER.replace("7430", "7431"));
    let taken = checked(text.as_bytes()).unwrap();
    let codes: Vec<_> = taken
        .warnings
        .iter()
        .map(|warning| (warning.row, warning.flaw.code()))
        .collect();
    assert_eq!(codes, [(2, "card_luhn")]);
}

fn workbook(cells: &[(u32, u16, &str)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, column, text) in cells {
        sheet.write_string(*row, *column, *text).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

/// One part that unpacks to half a gigabyte and more of nothing.
fn bomb() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("xl/workbook.xml", zip::write::SimpleFileOptions::default())
        .unwrap();
    let nothing = vec![b' '; 1 << 20];
    for _ in 0..520 {
        zip.write_all(&nothing).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn hostile_files_get_a_clear_refusal() {
    let good = workbook(&[(0, 0, "姓名")]);
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("one cell", b"x".to_vec()),
        ("one cell of a workbook", workbook(&[(0, 0, "x")])),
        ("a workbook cut short", good[..good.len() / 2].to_vec()),
        ("a zip of nothing", b"PK\x03\x04".to_vec()),
        ("an old workbook", b"\xD0\xCF\x11\xE0rest".to_vec()),
        ("neither encoding", vec![0xFF; 100]),
        ("zeros", vec![0; 100]),
        (
            "a quotation mark left open",
            format!("{HEADER}\"{}", "x".repeat(200_000)).into_bytes(),
        ),
        ("a bomb", bomb()),
    ] {
        match checked(&bytes) {
            Err(IntakeError::Unreadable(_) | IntakeError::TooLarge | IntakeError::Refused(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn the_list_of_problems_ends_and_their_number_does_not() {
    let text = HEADER.to_owned() + &"李明,1,6225881414207430,,1\n".repeat(1_500);
    let refused = refused(text.as_bytes());
    // Every identity number is wrong, and all cards but the first have been seen.
    assert_eq!((refused.problems.len(), refused.total), (1_000, 2_999));
}

#[test]
fn no_problem_repeats_what_a_cell_says() {
    let text = format!(
        "{HEADER}张*三丰,11010519491231002Z,62258814142074300000000000000000000001,1,壹佰\n"
    );
    let words = format!("{:?}", refused(text.as_bytes()).problems);
    for secret in ["三丰", "1101051949", "622588", "壹佰"] {
        assert!(!words.contains(secret), "{words}");
    }
}

proptest! {
    #[test]
    fn no_soup_of_cells_brings_it_down(cells in prop::collection::vec("[姓名身份证号银行卡实发工资0-9.,\"\n\t|=+ -]{0,12}", 0..40)) {
        let text = cells.join(",");
        drop(checked(text.as_bytes()));
        drop(checked(format!("{HEADER}{text}").as_bytes()));
    }
}
