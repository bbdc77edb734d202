//! A clerk's sheet before it is a batch: template, dry check, the workbook that comes back, rows left out, warnings kept.

use std::{
    fs,
    io::{Cursor, Read as _, Write as _},
    path::Path,
};

use calamine::{Data, Reader as _, Xlsx, open_workbook};
use serde_json::{Value, json};

use crate::house::{House, roster, sheet};

const SUBMIT: &str = "/v1/batches?project=P1&month=2026-10";
const CHECK: &str = "/v1/batches/check?project=P1&month=2026-10";

fn codes(problems: &Value) -> Vec<(u64, &str)> {
    let problems = problems.as_array().unwrap();
    problems
        .iter()
        .map(|problem| {
            (
                problem["row"].as_u64().unwrap(),
                problem["code"].as_str().unwrap(),
            )
        })
        .collect()
}

/// The workbook with the text of one part rewritten.
fn rewritten(workbook: &[u8], part: &str, rewrite: impl Fn(String) -> String) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        to.start_file(&*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        let text = if name == part { rewrite(text) } else { text };
        to.write_all(text.as_bytes()).unwrap();
    }
    to.finish().unwrap().into_inner()
}

/// Types a text into a cell that the template left empty.
fn typed(sheet: String, cell: &str, text: &str) -> String {
    let start = sheet.find(&format!("<c r=\"{cell}\"")).unwrap();
    let end = start + sheet[start..].find("/>").unwrap();
    format!(
        "{} t=\"inlineStr\"><is><t>{text}</t></is></c>{}",
        &sheet[..end],
        &sheet[end + 2..]
    )
}

fn texts(file: &Path) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = open_workbook(file).unwrap();
    let range = workbook.worksheet_range("工资表").unwrap();
    range
        .rows()
        .map(|row| row.iter().map(Data::to_string).collect())
        .collect()
}

fn command(house: &House, line: &str, files: &[(&str, &Path)]) -> (i32, String) {
    let words: Vec<String> = line
        .split(' ')
        .map(|word| {
            let file = files.iter().find(|(name, _)| *name == word);
            file.map_or_else(|| word.to_owned(), |(_, path)| path.display().to_string())
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = house.command("clerk", &words);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), text.concat())
}

#[tokio::test]
async fn a_dry_check_says_what_a_submission_would_and_stores_nothing() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let good = clerk.post(CHECK, sheet(3)).await.json();
    assert_eq!(
        (&good["good"], &good["rows"], &good["total_fen"]),
        (&json!(true), &json!(3), &json!(1_200_003))
    );
    assert_eq!(codes(&good["warnings"]), [(0, "no_roster")]);
    let bad = clerk
        .post(CHECK, sheet(3).replace("4000.01", "五千"))
        .await
        .json();
    assert_eq!(
        (&bad["good"], &bad["problems_total"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(codes(&bad["problems"]), [(3, "amount_not_number")]);
    assert_eq!(clerk.get("/v1/batches").await.json()["items"], json!([]));
    let foreign = house.as_user("contractor2").post(CHECK, sheet(3)).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn count_and_sum_that_are_declared_must_be_those_of_the_rows() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    for (declared, code) in [
        ("&count=4", "count_differs"),
        ("&sum=12000.04", "total_differs"),
    ] {
        let refused = clerk.post(&format!("{SUBMIT}{declared}"), sheet(3)).await;
        assert_eq!(
            (refused.status, codes(&refused.json()["rows"])),
            (422, vec![(0, code)])
        );
    }
    let taken = clerk
        .post(&format!("{SUBMIT}&count=3&sum=12000.03"), sheet(3))
        .await;
    assert_eq!(taken.status, 201, "{taken:?}");
    let rows: Value = json!({"declared": {"count": 1, "sum": "5432.10"}, "rows": [{"name": "李晓明", "id_number": "11010519491231002X",
        "account": "6225881414207430", "amount": "5432.10"}]});
    let taken = clerk.post(SUBMIT, rows.to_string()).await.json();
    assert_eq!(taken["total_fen"], json!(543_210));
    let wrong = rows.to_string().replace("\"count\":1", "\"count\":2");
    let refused = clerk.post(CHECK, wrong).await.json();
    assert!(
        codes(&refused["problems"]).contains(&(0, "count_differs")),
        "{refused}"
    );
    assert!(
        codes(&refused["problems"]).contains(&(1, "already_owed")),
        "{refused}"
    );
}

#[tokio::test]
async fn the_same_file_is_one_batch_until_that_is_refused() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let code = house.batch(2).await["code"].as_str().unwrap().to_owned();
    let again = clerk.post(SUBMIT, sheet(2)).await;
    let rows = again.json()["rows"].clone();
    assert_eq!(codes(&rows), [(0, "sheet_twice")]);
    assert!(
        rows[0]["message_en"].as_str().unwrap().contains(&code),
        "{rows}"
    );
    let no = json!({"reason": "wrong month"}).to_string();
    let refused = house
        .as_user("approver")
        .post(&format!("/v1/batches/{code}/refuse"), no)
        .await;
    assert_eq!(refused.status, 200, "{refused:?}");
    assert_eq!(clerk.post(SUBMIT, sheet(2)).await.status, 201);
}

#[tokio::test]
async fn rows_are_left_out_only_by_name_and_only_with_a_reason() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let bad = sheet(4).replace("4000.01", "五千").replace("4000.02", "-1");
    for (leave_out, expected) in [
        ("3", vec![(4, "amount_negative")]),
        ("3,5", vec![(4, "amount_negative"), (5, "leave_sound")]),
        ("3,4,9", vec![(9, "leave_unknown")]),
    ] {
        let refused = clerk
            .post(&format!("{SUBMIT}&leave_out={leave_out}"), bad.clone())
            .await;
        assert_eq!(
            (refused.status, codes(&refused.json()["rows"])),
            (422, expected),
            "{leave_out}"
        );
    }
    let taken = clerk
        .post(&format!("{SUBMIT}&leave_out=3,4&count=2"), bad)
        .await
        .json();
    assert_eq!(
        (&taken["rows"], &taken["total_fen"]),
        (&json!(2), &json!(800_003))
    );
    let path = format!("/v1/batches/{}/warnings", taken["code"].as_str().unwrap());
    let kept = house.as_user("approver").get(&path).await.json();
    assert_eq!(codes(&kept["warnings"]), [(0, "no_roster")]);
    assert_eq!(
        kept["left_out"],
        json!([{"sheet": 1, "row": 3, "code": "amount_not_number"}, {"sheet": 1, "row": 4, "code": "amount_negative"}])
    );
    assert_eq!(house.as_user("operator").get(&path).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returned_workbook_is_mended_and_submitted_as_it_is() {
    let house = House::open().await;
    let text = sheet(30)
        .replace("姓名,", "备注,姓名,")
        .replace("\n李", "\n=1+1,李")
        .replace("4000.05", "五千")
        .replace("4000.07", "1.234");
    let (bad, back) = (house.write("bad.csv", text), house.write("back.xlsx", ""));
    let files = [("BAD", bad.as_path()), ("BACK", back.as_path())];
    let (code, said) = command(
        &house,
        "errors BAD --project P1 --month 2026-10 --xlsx BACK",
        &files,
    );
    assert!(code == 3 && said.contains("2 problems"), "{said}");
    let rows = texts(&back);
    assert_eq!(rows[6][0], "=1+1", "a text, not a formula");
    assert!(
        rows[6][5].starts_with("【问题】实发工资：金额不是数字")
            && rows[8][6].contains("more than two decimals"),
        "{rows:?}"
    );
    assert!(
        rows[5].iter().skip(5).all(String::is_empty),
        "a good row has no reason"
    );
    let mended = rewritten(&fs::read(&back).unwrap(), "xl/sharedStrings.xml", |text| {
        text.replace(">五千<", ">4000.05<")
            .replace(">1.234<", ">4000.07<")
    });
    fs::write(&back, mended).unwrap();
    let (code, said) = command(
        &house,
        "submit BACK --project P1 --month 2026-10 --count 30 --sum 120004.35",
        &files,
    );
    assert!(code == 0 && said.contains("120004.35"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_template_goes_through_as_it_is() {
    let house = House::open().await;
    let file = house.write("template.xlsx", "");
    let files = [("FILE", file.as_path())];
    let (code, said) = command(
        &house,
        "template wages FILE --project P1 --month 2026-10",
        &files,
    );
    assert_eq!(code, 0, "{said}");
    let (code, said) = command(&house, "errors FILE --project P1 --month 2026-10", &files);
    assert!(
        code == 3 && said.contains("there is no worker"),
        "an empty one has nobody in it: {said}"
    );
    let filled = rewritten(
        &fs::read(&file).unwrap(),
        "xl/worksheets/sheet1.xml",
        |sheet_xml| {
            (4..)
                .zip(sheet(30).lines().skip(1))
                .fold(sheet_xml, |filling, (row, line)| {
                    let cells: Vec<&str> = line.split(',').collect();
                    ["B", "C", "D", "F"]
                        .iter()
                        .zip(cells)
                        .fold(filling, |filling, (column, cell)| {
                            typed(filling, &format!("{column}{row}"), cell)
                        })
                })
        },
    );
    fs::write(&file, filled).unwrap();
    let (code, said) = command(
        &house,
        "errors FILE --project P1 --month 2026-10 --json",
        &files,
    );
    let checked: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, codes(&checked["warnings"])),
        (0, vec![(0, "no_roster")]),
        "{said}"
    );
    let (code, said) = command(
        &house,
        "submit FILE --project P1 --month 2026-10 --count 30",
        &files,
    );
    assert!(code == 0 && said.contains("120004.35"), "{said}");
}

#[tokio::test]
async fn a_template_names_whoever_is_on_the_roster_with_or_without_a_card() {
    let house = House::open().await;
    let mut workers = roster(1..=2);
    workers[1].as_object_mut().unwrap().remove("card");
    house.enrol("P1", &workers).await;
    let file = house.write("template.xlsx", "");
    let files = [("FILE", file.as_path())];
    let (code, said) = command(
        &house,
        "template wages FILE --project P1 --month 2026-10",
        &files,
    );
    assert_eq!(code, 0, "{said}");
    let mut workbook: Xlsx<_> = open_workbook(&file).unwrap();
    let sheet = workbook.worksheet_range("工资表").unwrap();
    let row = |row: u32| [1, 3].map(|column| sheet.get_value((row, column)).unwrap().to_string());
    let card = workers[0]["card"].as_str().unwrap();
    assert_eq!([row(3), row(4)], [["李二", card], ["李三", ""]]);
}

#[tokio::test]
async fn a_message_of_the_national_platform_is_read_bare_or_in_its_envelope() {
    let house = House::open().await;
    let clerk = house.as_user("clerk");
    let data = json!({"projectCode": "P1", "corpCode": "91530902MA6K004010", "payMonth": "2026-10",
        "detailList": [{"idCardNumber": "not sealed", "payRollBankCardNumber": "not sealed", "actualAmount": 1, "isBackPay": 0}]});
    let message = json!({"method": "Payroll.Add", "data": data});
    let json_kind = [("content-type", "application/json")];
    for body in [data, message] {
        for path in [CHECK, SUBMIT] {
            let answer = clerk.ask_with("POST", path, &json_kind, body.to_string());
            let answer = answer.await.json();
            let problems = answer.get("problems").unwrap_or(&answer["rows"]);
            assert!(
                codes(problems).contains(&(1, "field_sealed")),
                "{path}: {answer}"
            );
        }
    }
    let other = json!({"method": "ProjectWorker.Add", "data": {"detailList": []}});
    let answer = clerk.post(SUBMIT, other.to_string()).await;
    assert_eq!(answer.status, 422, "{answer:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_said_in_both_languages() {
    let house = House::open().await;
    let old = [0xD0, 0xCF, 0x11, 0xE0, 0, 0].to_vec();
    for path in [SUBMIT, CHECK, "/v1/projects/P1/workers"] {
        let answer = house.as_user("clerk").post(path, old.clone()).await;
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        for words in ["旧版 .xls 或设有密码", "old .xls workbook"] {
            assert!(detail.contains(words), "{path}: {detail}");
        }
    }
}
