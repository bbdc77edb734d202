//! Every flaw there is, in a table: a bad value, and the code, sheet, row, column and words that somebody gets for it. `intake_flaws.tsv` holds the
//! words as a clerk reads them; a flaw without a line fails the test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, Cursor},
    path::Path,
};

use rust_xlsxwriter::Workbook;
use wagegate::{
    intake::{
        Answer, Declared, Expectation, Flaw, IntakeError, LeaveOut, National, Problem, Records,
        Words, check, rows as rows_of,
    },
    store::Standing,
};
use wagegate_domain::{Fen, PayMonth, batch::WageRow, ids::PersonName, roster::CardStatus};

const HEADER: &str = "姓名,身份证号,银行卡号,联行号,实发工资\n";
const GOOD: &str = "李晓明,11010519491231002X,6225881414207430,313731010015,5432.10\n";
const OTHER: &str = "王芳,440524188001010014,6225881414207448,,100.00\n";

/// The same is known about every worker.
struct Known(Standing);

impl Records for Known {
    fn begin(&self, rows: &[WageRow]) -> Answer {
        let all = vec![self.0.clone(); rows.len()];
        Box::new(move || Ok(all))
    }

    fn name_blind(&self, _: &PersonName) -> [u8; 16] {
        [1; 16]
    }
}

/// Opens whatever begins with `sealed:`; registered is one name.
struct Platform;

impl National for Platform {
    fn open(&self, sealed: &str) -> Option<String> {
        sealed.strip_prefix("sealed:").map(str::to_owned)
    }

    fn name(&self, _: &str, _: &str) -> Option<(String, Option<String>)> {
        Some(("李晓明".into(), None))
    }
}

fn expectation() -> Expectation<'static> {
    Expectation {
        contractor_uscc: "91530902MA6K004010",
        national: Some(&Platform),
        ..Expectation::alone(
            ["P1", "滨河片区安置房项目"],
            "530000000001",
            PayMonth::parse("2026-10").unwrap(),
            jiff::civil::date(2026, 11, 2),
        )
    }
}

fn said(bytes: &[u8], expect: &Expectation<'_>) -> Vec<Problem> {
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
    match check(&open, expect) {
        Ok(checked) => checked.warnings,
        Err(IntakeError::Refused(refused)) => [refused.problems, refused.warnings].concat(),
        Err(error) => panic!("{error}"),
    }
}

/// One row of the sheet, with one cell replaced.
fn with(column: usize, value: &str) -> Vec<u8> {
    let mut cells: Vec<&str> = GOOD.trim_end().split(',').collect();
    cells[column] = value;
    format!("{HEADER}{}\n", cells.join(",")).into_bytes()
}

fn rows(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}{}", rows.concat()).into_bytes()
}

/// A workbook of two sheets; the second may be hidden.
fn workbook(second: &str, hidden: bool) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, text) in [
        ("一队", format!("{HEADER}{GOOD}")),
        ("二队", second.to_owned()),
    ] {
        let sheet = workbook.add_worksheet().set_name(name).unwrap();
        for (row, line) in (0..).zip(text.lines()) {
            for (column, cell) in (0..)
                .zip(line.split(','))
                .filter(|(_, cell)| !cell.is_empty())
            {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
        sheet.set_hidden(hidden && name == "二队");
    }
    workbook.save_to_buffer().unwrap()
}

fn formula_error() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("工资表").unwrap();
    for (row, line) in (0..).zip([HEADER, GOOD]) {
        for (column, cell) in (0..).zip(line.trim_end().split(',')) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    let formula = rust_xlsxwriter::Formula::new("1/0").set_result("#DIV/0!");
    sheet.write_formula(1, 4, formula).unwrap();
    workbook.save_to_buffer().unwrap()
}

fn national(project: &str, id_number: &str, back_pay: u8) -> Vec<u8> {
    format!(
        r#"{{"projectCode":"{project}","corpCode":"91530902MA6K004010","corpName":"总包","teamSysNo":7,"payMonth":"2026-10",
            "detailList":[{{"idCardType":"01","idCardNumber":"{id_number}","payRollBankCardNumber":"sealed:6225881414207430",
            "totalPayAmount":"6000.00","actualAmount":5432.10,"isBackPay":{back_pay},"balanceDate":"2026-11-01"}}]}}"#
    )
    .into_bytes()
}

fn sound() -> Standing {
    Standing {
        registered_name: Some([1; 16]),
        on_site: true,
        ..Standing::default()
    }
}

/// What the registry says that makes the flaw.
fn known(code: &str) -> Option<Standing> {
    let standing = match code {
        "not_registered" | "no_roster" => Standing::default(),
        "not_on_site" => Standing {
            on_site: false,
            ..sound()
        },
        "name_differs" => Standing {
            registered_name: Some([2; 16]),
            ..sound()
        },
        "already_owed" => Standing {
            owed_here: Some("B-2026-10-AA".into()),
            ..sound()
        },
        "owed_elsewhere" => Standing {
            owed_elsewhere: Some("B-2026-10-BB".into()),
            ..sound()
        },
        "card_of_another" => Standing {
            account_of_another: true,
            ..sound()
        },
        "card_displaced" => Standing {
            other_card: Some(CardStatus::Verified),
            ..sound()
        },
        "card_changed" => Standing {
            other_card: Some(CardStatus::Unverified),
            ..sound()
        },
        "card_refused" => Standing {
            refused_for: Some("CLOSED".into()),
            ..sound()
        },
        "amount_far" => Standing {
            last_month: Some(Fen::new(100_000)),
            ..sound()
        },
        _ => return None,
    };
    Some(standing)
}

/// The upload that makes the flaw.
fn bad(code: &str) -> Vec<u8> {
    match code {
        "name_missing" => with(0, ""),
        "name_bad" => with(0, "李*明"),
        "name_too_long" => with(0, &"李".repeat(61)),
        "id_missing" => with(1, ""),
        "id_form" => with(1, "1101051949"),
        "id_birth_date" => with(1, "110105194913310021"),
        "id_check" => with(1, "110105194912310021"),
        "under_age" => with(1, "110105201512310023"),
        "card_missing" => with(2, ""),
        "card_digits" => with(2, "6225****7430"),
        "card_length" => with(2, "6225"),
        "card_scientific" => with(2, "6.22588E+15"),
        "card_luhn" => with(2, "6225881414207431"),
        "cnaps_form" => with(3, "3137"),
        "cnaps_check" => with(3, "313731010016"),
        "amount_missing" => with(4, ""),
        "amount_not_number" => with(4, "五千"),
        "amount_below_fen" => with(4, "1.234"),
        "amount_zero" => with(4, "0"),
        "amount_negative" => with(4, "-5"),
        "amount_too_large" => rows(&[
            &GOOD.replace("5432.10", "90000000000000000"),
            &OTHER.replace("100.00", "90000000000000000"),
        ]),
        "amount_unusual" => with(4, "50000.01"),
        "cell_error" => formula_error(),
        "row_twice" => rows(&[GOOD, GOOD]),
        "worker_twice" => rows(&[GOOD, &GOOD.replace("5432.10", "1.00")]),
        "two_cards" => rows(&[GOOD, &GOOD.replace("7430", "7448")]),
        "card_of_two" => rows(&[GOOD, &OTHER.replace("7448", "7430")]),
        "total_differs" => rows(&[GOOD, "合计,,,,5432.11\n"]),
        "count_differs" => rows(&[GOOD, "合计,2人,,,5432.10\n"]),
        "month_differs" => format!("2026年9月工资表\n{HEADER}{GOOD}").into_bytes(),
        "project_differs" => format!("项目编码：P2\n{HEADER}{GOOD}").into_bytes(),
        "project_unlike" => format!("项目名称：茶山小学\n{HEADER}{GOOD}").into_bytes(),
        "no_header" => b"\xE5\xA7\x93\xE5\x90\x8D,x\n1,2\n".to_vec(),
        "header_twice" => HEADER.replace("联行号", "实发工资").into_bytes(),
        "no_rows" => HEADER.into(),
        "sheet_hidden" => workbook(&format!("{HEADER}{OTHER}"), true),
        "sheet_unread" => workbook("说明\n每人一行\n", false),
        "back_pay" => national("P1", "sealed:11010519491231002X", 1),
        "form_differs" => national("P2", "sealed:11010519491231002X", 0),
        "field_sealed" => national("P1", "11010519491231002X", 0),
        _ => rows(&[GOOD]),
    }
}

/// Everything that is said when the flaw with this code was made.
fn provoked(code: &str) -> Vec<Problem> {
    let records = known(code).map(Known);
    let month = match code {
        "month_future" => "2026-12",
        "month_old" => "2025-10",
        _ => "2026-10",
    };
    let leave_out = match code {
        "leave_unknown" => "9",
        "leave_sound" => "2",
        _ => "",
    };
    let unfit = |rows: &[WageRow]| {
        let text = |text: &str| text.to_owned();
        vec![(
            rows.len() - 1,
            text("name"),
            Words {
                zh: text("含有该行编码中没有的字"),
                en: text("not in the bank's character set"),
            },
        )]
    };
    let everything = |_: &[WageRow]| Vec::new();
    let expect = Expectation {
        month: PayMonth::parse(month).unwrap(),
        declared: Declared::default(),
        leave_out: &leave_out.parse().unwrap(),
        seen_as: (code == "sheet_twice").then_some("B-2026-10-AA"),
        has_roster: records.is_some() && code != "no_roster",
        records: records.as_ref().map(|records| -> &dyn Records { records }),
        fits: if code == "unfit_for_bank" {
            &unfit
        } else {
            &everything
        },
        ..expectation()
    };
    said(&bad(code), &expect)
}

/// A line of the table.
fn line(problem: &Problem) -> String {
    let (what, fix) = (problem.flaw.what(), problem.flaw.fix());
    [
        problem.flaw.code(),
        &problem.sheet,
        &problem.row.to_string(),
        &problem.column,
        &what.zh,
        &what.en,
        &fix.zh,
        &fix.en,
    ]
    .join("\t")
}

#[test]
fn every_flaw_is_provoked_and_said_at_its_place_in_both_languages() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/intake_flaws.tsv");
    let table = fs::read_to_string(path).unwrap_or_default();
    let mut expected: BTreeSet<&str> = table.lines().skip(1).collect();
    let (mut missing, mut found) = (Vec::new(), Vec::new());
    for code in Flaw::CODES {
        match provoked(code)
            .iter()
            .find(|problem| problem.flaw.code() == *code)
        {
            Some(problem) => found.push(line(problem)),
            None => missing.push(*code),
        }
    }
    assert!(
        missing.is_empty(),
        "no row of the table makes these: {missing:?}"
    );
    let new: Vec<_> = found
        .iter()
        .filter(|line| !expected.remove(line.as_str()))
        .collect();
    assert!(
        new.is_empty(),
        "said, but not in the table:\n{}",
        new.iter()
            .map(|line| line.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(
        expected.is_empty(),
        "in the table, but not said: {expected:?}"
    );
}

#[test]
fn nothing_but_the_flaw_itself_is_said() {
    // Some values cannot be wrong alone.
    let together = ["amount_too_large", "no_header", "header_twice"];
    for code in Flaw::CODES.iter().filter(|code| !together.contains(code)) {
        let codes: BTreeSet<_> = provoked(code)
            .iter()
            .map(|problem| problem.flaw.code())
            .collect();
        assert_eq!(codes, BTreeSet::from([*code]), "{code}");
    }
}

#[test]
fn the_national_form_is_taken_with_the_registered_name_and_the_amount_that_is_paid() {
    let bytes = national("P1", "sealed:11010519491231002X", 0);
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
    let checked = check(&open, &expectation()).unwrap();
    assert_eq!(
        (checked.content.rows, checked.content.total),
        (1, Fen::new(543_210))
    );
    let mut names = Vec::new();
    rows_of(&open, Some(&Platform), &LeaveOut::none(), &mut |row| {
        names.push((row.row, row.name.clear().to_owned()));
        Ok(())
    })
    .unwrap();
    assert_eq!(names, [(1, "李晓明".to_owned())]);
}
