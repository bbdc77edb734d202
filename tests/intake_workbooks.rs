//! Workbooks and text files whose shape could make a wage vanish, move or count twice: each is read right or refused in words.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{self, BufRead, Cursor, Read as _, Write as _};

use proptest::prelude::*;
use rust_xlsxwriter::{Format, Formula, Workbook};
use wagegate::intake::{Checked, Expectation, IntakeError, LeaveOut, check};
use wagegate_domain::{Fen, PayMonth};

const HEADER: [&str; 5] = ["序号", "姓名", "身份证号", "银行卡号", "实发工资"];
const WORKERS: [[&str; 5]; 2] = [
    [
        "1",
        "李晓明",
        "11010519491231002X",
        "6225881414207430",
        "5432.10",
    ],
    ["2", "王芳", "440524188001010014", "12345678", "100.00"],
];

fn checked(bytes: &[u8]) -> Result<Checked, IntakeError> {
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
    let expect = Expectation::alone(
        ["530902202610001", "临翔区滨河片区安置房项目"],
        "530000000001",
        PayMonth::parse("2026-10").unwrap(),
        jiff::civil::date(2026, 11, 2),
    );
    check(&open, &expect)
}

/// Sheet, row and code of everything that is said, warnings after problems.
fn said(bytes: &[u8]) -> Vec<(String, u32, &'static str)> {
    let problems = match checked(bytes) {
        Ok(checked) => checked.warnings,
        Err(IntakeError::Refused(refused)) => refused.problems,
        Err(error) => panic!("{error}"),
    };
    problems
        .into_iter()
        .map(|problem| (problem.sheet, problem.row, problem.flaw.code()))
        .collect()
}

fn unreadable(bytes: &[u8]) -> String {
    match checked(bytes) {
        Err(error @ (IntakeError::Unreadable(_) | IntakeError::TooLarge)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn paid(bytes: &[u8]) -> (u64, Fen) {
    let content = checked(bytes).unwrap().content;
    (content.rows, content.total)
}

/// Sheets by name, each with its rows of texts.
fn workbook(sheets: &[(&str, Vec<Vec<&str>>)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, rows) in sheets {
        let sheet = workbook.add_worksheet().set_name(*name).unwrap();
        for (row, cells) in (0..).zip(rows) {
            for (column, text) in (0..).zip(cells).filter(|(_, text)| !text.is_empty()) {
                sheet.write_string(row, column, *text).unwrap();
            }
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn team(header: [&'static str; 5], worker: usize) -> Vec<Vec<&'static str>> {
    vec![header.to_vec(), WORKERS[worker].to_vec()]
}

/// The workbook with one part rewritten; left out where nothing comes back.
fn rewritten(bytes: &[u8], part: &str, rewrite: impl Fn(String) -> Option<String>) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let text = if name == part {
            rewrite(text)
        } else {
            Some(text)
        };
        if let Some(text) = text {
            to.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            to.write_all(text.as_bytes()).unwrap();
        }
    }
    to.finish().unwrap().into_inner()
}

#[test]
fn every_sheet_with_a_header_is_read_and_its_rows_have_numbers_of_their_own() {
    let guidance = vec![vec!["填写说明"], vec!["每人每月一行"]];
    let bytes = workbook(&[
        ("说明", guidance),
        ("一队", team(HEADER, 0)),
        ("二队", team(HEADER, 1)),
    ]);
    assert_eq!(paid(&bytes), (2, Fen::new(553_210)));
    assert_eq!(said(&bytes), [("说明".to_owned(), 1 - 1, "sheet_unread")]);
    let mut numbers = Vec::new();
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
    wagegate::intake::rows(&open, None, &LeaveOut::none(), &mut |row| {
        numbers.push(row.row);
        Ok(())
    })
    .unwrap();
    assert_eq!(numbers, [2, 20_000_002]);
}

#[test]
fn a_team_whose_sheet_is_a_header_short_is_not_left_unpaid_in_silence() {
    let misspelt = ["序号", "姓名", "身份证号", "银行卡号吗", "实发工资"];
    let bytes = workbook(&[("一队", team(HEADER, 0)), ("二队", team(misspelt, 1))]);
    assert_eq!(said(&bytes), [("二队".to_owned(), 1, "no_header")]);
}

#[test]
fn a_worker_without_numbers_is_a_problem_whatever_the_remark_says() {
    let row = ["3", "赵云", "", "", "", "日期待定"].to_vec();
    let mut rows = team(HEADER, 0);
    rows.push(row);
    let codes: Vec<_> = said(&workbook(&[("表", rows)]))
        .into_iter()
        .map(|(_, row, code)| (row, code))
        .collect();
    assert_eq!(
        codes,
        [
            (3, "id_missing"),
            (3, "card_missing"),
            (3, "amount_missing")
        ]
    );
}

#[test]
fn a_header_over_two_rows_is_read() {
    let rows = vec![
        vec!["序号", "姓名", "身份证号", "银行卡号", "工资", "", ""],
        vec!["", "", "", "", "应发", "扣款", "实发"],
        vec![
            "1",
            "李晓明",
            "11010519491231002X",
            "6225881414207430",
            "6000",
            "567.90",
            "5432.10",
        ],
    ];
    assert_eq!(paid(&workbook(&[("表", rows)])), (1, Fen::new(543_210)));
}

#[test]
fn a_header_repeated_in_another_order_is_followed() {
    let mut rows = team(HEADER, 0);
    rows.push(vec!["序号", "姓名", "身份证号", "实发工资", "银行卡号"]);
    rows.push(vec![
        "2",
        "王芳",
        "440524188001010014",
        "100.00",
        "12345678",
    ]);
    assert_eq!(paid(&workbook(&[("表", rows)])), (2, Fen::new(553_210)));
}

#[test]
fn gross_pay_is_never_taken_for_net() {
    let gross = ["序号", "姓名", "身份证号", "银行卡号", "应发金额"];
    assert_eq!(
        said(&workbook(&[("表", team(gross, 0))])),
        [(String::new(), 0, "no_header")]
    );
}

#[test]
fn totals_are_compared_with_their_part_their_sheet_and_the_file() {
    let total = |word: &'static str, amount: &'static str| vec![word, "", "", "", amount];
    let mut first = team(HEADER, 0);
    first.push(total("小 计", "5,432.10"));
    let sheets = |last: Vec<&'static str>| {
        let mut second = team(HEADER, 1);
        second.extend([total("本页合计", "100元"), last]);
        workbook(&[("一", first.clone()), ("二", second)])
    };
    assert_eq!(said(&sheets(total("总计", "¥5532.10"))), []);
    for (amount, code) in [("5532.11", "total_differs"), ("伍仟", "amount_not_number")] {
        let found = said(&sheets(total("总计", amount)));
        assert_eq!(found, [("二".to_owned(), 4, code)], "{amount}");
    }
    assert_eq!(said(&sheets(total("总计", ""))), []);
}

#[test]
fn a_row_says_everything_that_is_wrong_with_it() {
    let mut rows = team(HEADER, 0);
    rows.push(vec![
        "2",
        "李晓明",
        "11010519491231002X",
        "6225881414207430",
        "五千",
    ]);
    let codes: Vec<_> = said(&workbook(&[("表", rows)]))
        .into_iter()
        .map(|(_, row, code)| (row, code))
        .collect();
    assert_eq!(codes, [(3, "amount_not_number"), (3, "worker_twice")]);
}

#[test]
fn titles_of_another_month_or_project_are_noticed() {
    for (title, expected) in [
        ("项目名称：临翔区滨河片区安置房项目", None),
        ("项目名称：滨河片区安置房", None),
        ("项目名称：茶山小学", Some("project_unlike")),
        ("项目编码：530902202610001", None),
        ("项目编码：530926202610001", Some("project_differs")),
        ("工资月份：2026-10", None),
        ("工资月份：2026-09", Some("month_differs")),
        ("2026年9月工资", Some("month_differs")),
        ("制表日期：2026年11月", None),
    ] {
        let rows = [vec![vec![title]], team(HEADER, 0)].concat();
        let codes: Vec<_> = said(&workbook(&[("表", rows)]))
            .into_iter()
            .map(|(.., code)| code)
            .collect();
        assert_eq!(codes, expected.into_iter().collect::<Vec<_>>(), "{title}");
    }
}

#[test]
fn numbers_dates_and_formulas_are_taken_for_what_they_are() {
    let sheet = |write: &dyn Fn(&mut rust_xlsxwriter::Worksheet)| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, cells) in (0..).zip(team(HEADER, 0)) {
            for (column, text) in (0..).zip(cells) {
                sheet.write_string(row, column, text).unwrap();
            }
        }
        write(sheet);
        workbook.save_to_buffer().unwrap()
    };
    let day = Format::new().set_num_format("yyyy-mm-dd");
    for (what, bytes, expected) in [
        (
            "a number",
            sheet(&|s| drop(s.write_number(1, 4, 5432.1))),
            Ok(543_210),
        ),
        (
            "float noise",
            sheet(&|s| drop(s.write_number(1, 4, 5432.1 + 100.2))),
            Ok(553_230),
        ),
        (
            "three decimals",
            sheet(&|s| drop(s.write_number(1, 4, 5432.125))),
            Err("amount_below_fen"),
        ),
        (
            "a date",
            sheet(&|s| drop(s.write_number_with_format(1, 4, 46_000, &day))),
            Err("amount_not_number"),
        ),
        (
            "a truth value",
            sheet(&|s| drop(s.write_boolean(1, 4, true))),
            Err("amount_not_number"),
        ),
        (
            "a formula",
            sheet(&|s| drop(s.write_formula(1, 4, Formula::new("1+1").set_result("2.5")))),
            Ok(250),
        ),
        (
            "a formula's error",
            sheet(&|s| drop(s.write_formula(1, 4, Formula::new("1/0").set_result("#DIV/0!")))),
            Err("cell_error"),
        ),
        (
            "a card as number",
            sheet(&|s| drop(s.write_number(1, 3, 6_225_881_414_207_430_f64))),
            Err("card_scientific"),
        ),
        (
            "an identity as number",
            sheet(&|s| drop(s.write_number(1, 2, 440_524_188_001_010_014_f64))),
            Err("id_form"),
        ),
    ] {
        match expected {
            Ok(fen) => assert_eq!(paid(&bytes), (1, Fen::new(fen)), "{what}"),
            Err(code) => {
                let found: Vec<_> = said(&bytes).into_iter().map(|(.., code)| code).collect();
                assert_eq!(found, [code], "{what}");
            }
        }
    }
}

#[test]
fn a_hidden_sheet_with_workers_is_read_and_named() {
    let bytes = rewritten(
        &workbook(&[("一队", team(HEADER, 0)), ("二队", team(HEADER, 1))]),
        "xl/workbook.xml",
        |text| Some(text.replace("name=\"二队\"", "name=\"二队\" state=\"hidden\"")),
    );
    assert_eq!(paid(&bytes).0, 2);
    assert_eq!(said(&bytes), [("二队".to_owned(), 0, "sheet_hidden")]);
}

#[test]
fn workbooks_that_contradict_themselves_are_refused() {
    let good = workbook(&[("一队", team(HEADER, 0)), ("二队", team(HEADER, 1))]);
    let sheet = "xl/worksheets/sheet1.xml";
    for (what, bytes) in [
        (
            "a sheet that is not there",
            rewritten(&good, "xl/worksheets/sheet2.xml", |_| None),
        ),
        (
            "two sheets of one name",
            rewritten(&good, "xl/workbook.xml", |text| {
                Some(text.replace("二队", "一队"))
            }),
        ),
        (
            "a row that comes twice",
            rewritten(&good, sheet, |text| {
                Some(
                    text.replace("r=\"2\"", "r=\"1\"")
                        .replace("2\" t=", "1\" t="),
                )
            }),
        ),
        (
            "rows that go back",
            rewritten(&good, sheet, |text| {
                Some(
                    text.replace("<row r=\"1\"", "<row r=\"9\"")
                        .replace("1\" t=", "9\" t="),
                )
            }),
        ),
        (
            "a size that runs backwards",
            rewritten(&good, sheet, |text| Some(text.replace("A1:E2", "E9:A1"))),
        ),
        (
            "a table of texts that claims the whole memory",
            rewritten(&good, "xl/sharedStrings.xml", |text| {
                Some(text.replace("uniqueCount=\"", "uniqueCount=\"99999999999999"))
            }),
        ),
        (
            "a list of formats beyond reason",
            rewritten(&good, "xl/styles.xml", |text| {
                Some(text + &" ".repeat(5 << 20))
            }),
        ),
        (
            "a row beyond the last",
            rewritten(&good, sheet, |text| {
                Some(
                    text.replace("r=\"2\"", "r=\"1048577\"")
                        .replace("2\" t=", "1048577\" t="),
                )
            }),
        ),
        (
            "a sheet cut short",
            rewritten(&good, sheet, |text| {
                text.get(..text.len() / 2).map(str::to_owned)
            }),
        ),
    ] {
        assert!(!unreadable(&bytes).is_empty(), "{what}");
        assert_ne!(bytes, good, "{what}");
    }
}

#[test]
fn rows_of_text_are_numbered_as_a_spreadsheet_shows_them() {
    let bad = "王芳,,12345678,1\n";
    for (text, row) in [
        (format!("姓名,身份证号,银行卡号,实发工资\n{bad}"), 2),
        (format!("\n\n姓名,身份证号,银行卡号,实发工资\n\n\n{bad}"), 6),
        (
            format!("姓名,\"身份证\n号\",银行卡号,\"实发\n工资\"\n{bad}"),
            2,
        ),
        (
            format!(
                "姓名,身份证号,银行卡号,实发工资,备注\n李晓明,11010519491231002X,6225881414207430,5,\"一\n二\"\n{bad}"
            ),
            3,
        ),
        (
            format!("姓名,身份证号,银行卡号,实发工资\n{}", bad.trim_end()),
            2,
        ),
    ] {
        let expected = [(String::new(), row, "id_missing")];
        assert_eq!(said(text.as_bytes()), expected, "{text}");
        let dos = text.replace('\n', "\r\n");
        assert_eq!(said(dos.as_bytes()), expected, "{dos:?}");
    }
}

#[test]
fn a_quotation_mark_left_open_is_noticed_before_it_swallows_the_file() {
    let text = format!("姓名,\"身份证号{}", "x,y\n".repeat(200_000));
    assert!(unreadable(text.as_bytes()).contains("quotation mark"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_damage_to_a_workbook_brings_it_down(at in prop::collection::vec((0usize..1_000_000, any::<u8>()), 1..4), part in 0usize..4) {
        let good = workbook(&[("一队", team(HEADER, 0))]);
        let parts = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"];
        let damaged = rewritten(&good, parts[part], |text| {
            let mut bytes = text.into_bytes();
            let length = bytes.len();
            at.iter().for_each(|(place, byte)| bytes[place % length] = *byte);
            Some(String::from_utf8_lossy(&bytes).into_owned())
        });
        drop(checked(&damaged));
        let mut raw = good;
        let length = raw.len();
        at.iter().for_each(|(place, byte)| raw[place % length] = *byte);
        drop(checked(&raw));
    }
}
