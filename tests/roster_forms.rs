//! Rosters in all their forms: the same people come out of each, every mistake is named at its row and column, and what is hostile gets a
//! clear refusal.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Cursor},
};

use jiff::civil::date;
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};
use wagegate::{
    registry::forms::{self, FormKind, FormsError, Read, RosterExpectation},
    security::national::NationalSecret,
};
use wagegate_domain::roster::{CardKind, RosterRow, WorkRole};

const SECRET: &str = "0123456789abcdefGHIJKLMNopqrst+/";
const LI: &str = "11010519491231002X";
const WANG: &str = "530900199001010010";
const YOUNG: &str = "530900201201010015";
const CARD: &str = "6225881414207430";
const OTHER_CARD: &str = "6299000012345678905";
const HEADER: &str = "姓名,身份证号,手机号,岗位,班组,进场日期,退场日期,银行卡号,开户行联行号,卡类型,考勤月份,考勤天数\n";

fn secret() -> NationalSecret {
    NationalSecret::parse(SECRET).unwrap()
}

fn read_with(
    kind: FormKind,
    bytes: &[u8],
    secret: Option<&NationalSecret>,
) -> Result<(Read, Vec<RosterRow>), FormsError> {
    let open =
        || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
    let expect = RosterExpectation {
        project: "P1",
        today: date(2026, 11, 2),
    };
    let mut rows = Vec::new();
    let read = forms::read(kind, &open, secret, &expect, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((read, rows))
}

fn read(kind: FormKind, bytes: &[u8]) -> Result<(Read, Vec<RosterRow>), FormsError> {
    read_with(kind, bytes, Some(&secret()))
}

/// Row, column and code of everything that is said; `!` before what stops the roster.
fn said(kind: FormKind, bytes: &[u8]) -> Vec<String> {
    let problems = match read(kind, bytes) {
        Ok((read, _)) => read.warnings,
        Err(FormsError::Refused(refused)) => refused.problems,
        Err(error) => panic!("{error}"),
    };
    let told = |problem: &wagegate::intake::Problem| {
        let mark = if problem.flaw.stops() { "!" } else { "" };
        let code = problem.flaw.code();
        format!("{mark}{} {} {code}", problem.row, problem.column)
    };
    problems.iter().map(told).collect()
}

fn csv(rows: &str) -> Vec<u8> {
    format!("{HEADER}{rows}").into_bytes()
}

fn good_csv() -> Vec<u8> {
    csv(&format!(
        "李晓明,{LI},138 0000 0001,管理人员,木工班,2026-03-01,,{CARD},313731010015,云建宝卡,2026-10,22\n\
         王芳,{WANG},,建筑工人,钢筋班,2026/3/1,20261020,{OTHER_CARD},,他行卡,2026年10月,14\n"
    ))
}

fn good_json() -> Vec<u8> {
    serde_json::to_vec(&json!([
        {"name": "李晓明", "id_number": LI, "phone": "13800000001", "role": "manager", "team": "木工班", "entered_on": "2026-03-01",
         "card": CARD, "cnaps": "313731010015", "card_kind": "yunjianbao", "attendance": [{"month": "2026-10", "days": 22}]},
        {"name": "王芳", "id_number": WANG, "phone": null, "role": "worker", "team": "钢筋班", "entered_on": "2026-03-01",
         "left_on": "2026-10-20", "card": OTHER_CARD, "card_kind": "other_bank", "attendance": [{"month": "2026-10", "days": 14}]},
    ]))
    .unwrap()
}

fn good_xlsx() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let guidance = workbook.add_worksheet();
    guidance.set_name("填写说明").unwrap();
    guidance.write(0, 0, "姓名").unwrap();
    guidance.write(0, 1, "与身份证一致").unwrap();
    let sheet = workbook.add_worksheet();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write(0, 0, "滨河片区安置房项目 花名册").unwrap();
    sheet.write(1, 0, "项目编码：P1").unwrap();
    let headers = [
        "序号",
        "退场时间",
        "考勤天数",
        "考勤月份",
        "身份证号码",
        "工人姓名*",
        "工种/岗位（管理人员/建筑工人）",
        "联系电话",
        "进场日期",
        "班组",
        "卡类型",
        "工资卡号",
        "联行号",
    ];
    for (at, header) in (0..).zip(headers) {
        sheet.write(3, at, header).unwrap();
    }
    let rows = [
        [
            "1",
            "",
            "22",
            "2026-10",
            LI,
            "李晓明",
            "管理人员",
            "13800000001",
            "",
            "木工班",
            "云建宝卡",
            CARD,
            "313731010015",
        ],
        [
            "2",
            "2026.10.20",
            "14天",
            "2026/10",
            WANG,
            "王芳",
            "钢筋工",
            "",
            "",
            "钢筋班",
            "他行卡",
            OTHER_CARD,
            "",
        ],
    ];
    for (row, cells) in (4..).zip(rows) {
        for (at, cell) in (0..).zip(cells) {
            sheet.write(row, at, cell).unwrap();
        }
        let entered = ExcelDateTime::from_ymd(2026, 3, 1).unwrap();
        sheet.write_with_format(row, 8, &entered, &day).unwrap();
    }
    sheet.write(6, 0, "合计").unwrap();
    sheet.write(6, 2, "36").unwrap();
    sheet.write(8, 0, "制表人：").unwrap();
    sheet.write(8, 5, "段晓样").unwrap();
    workbook.save_to_buffer().unwrap()
}

fn national_messages() -> Vec<(&'static str, Value)> {
    let seal = |clear: &str| secret().seal(clear);
    let passage = |id: &str, day: u8, time: &str, direction: &str| json!({"idCardType": "01", "idCardNumber": seal(id), "date": format!("2026-10-{day:02} {time}"), "direction": direction});
    let days = |id: &'static str, last: u8| {
        (1..=last).flat_map(move |day| {
            [
                passage(id, day, "07:30:00", "01"),
                passage(id, day, "11:30:00", "02"),
                passage(id, day, "13:30:00", "01"),
            ]
        })
    };
    let passages: Vec<Value> = days(LI, 22).chain(days(WANG, 14)).collect();
    let workers = |team: &str, worker: Value| {
        json!({"projectCode": "P1", "corpCode": "91530902MA6K004010", "corpName": "样例劳务", "teamSysNo": 7,
               "teamName": team, "workerList": [worker]})
    };
    vec![
        (
            "WorkerAttendance.Add",
            json!({"projectCode": "P1", "teamSysNo": 7, "dataList": passages}),
        ),
        (
            "ProjectWorker.Add",
            workers(
                "木工班",
                json!({
            "workerName": "李晓明", "isTeamLeader": 1, "idCardType": "01", "idCardNumber": seal(LI), "workType": "900",
            "workRole": "10", "cellPhone": "13800000001", "payRollBankCardNumber": seal(CARD),
            "bankLinkNumber": "313731010015", "headImage": "A".repeat(60_000), "nation": "汉"}),
            ),
        ),
        (
            "ProjectWorker.Add",
            workers(
                "钢筋班",
                json!({
            "workerName": "王芳", "idCardType": "01", "idCardNumber": seal(WANG), "workType": "020", "workRole": 20,
            "payRollBankCardNumber": seal(OTHER_CARD)}),
            ),
        ),
        (
            "WorkerEntryExit",
            json!({"projectCode": "P1", "workerList": [
            {"idCardType": "01", "idCardNumber": seal(LI), "date": "2026-03-01", "type": 1},
            {"idCardType": "01", "idCardNumber": seal(WANG), "date": "2026-10-20", "type": 0},
            {"idCardType": "01", "idCardNumber": seal(WANG), "date": "2026-03-01", "type": 1}]}),
        ),
        ("ProjectTraining.Add", json!({"projectCode": "P1"})),
    ]
}

fn good_national() -> Vec<u8> {
    let messages: Vec<Value> = national_messages()
        .into_iter()
        .map(|(method, data)| json!({"method": method, "data": data}))
        .collect();
    serde_json::to_vec(&messages).unwrap()
}

/// One signed request a line, as a contractor's program sends them.
fn envelopes(secret: &NationalSecret, change: impl Fn(&mut BTreeMap<&str, &str>)) -> Vec<u8> {
    let mut lines = String::new();
    for (method, data) in national_messages() {
        let (data, nonce) = (data.to_string(), "0A".repeat(16));
        let fields = BTreeMap::from([
            ("appid", "P1"),
            ("data", &data),
            ("format", "json"),
            ("method", method),
            ("nonce", &nonce),
            ("timestamp", "20261102080000"),
            ("version", "1.0"),
        ]);
        let sign = secret.signature(&fields);
        let mut sent = fields;
        change(&mut sent);
        let mut request = form_urlencoded::Serializer::new(String::new());
        request.extend_pairs(sent).append_pair("sign", &sign);
        lines.push_str(&request.finish());
        lines.push_str("\r\n");
    }
    lines.into_bytes()
}

/// The rows without their places; the kind of card, which the national platform does not tell, aside.
fn people(rows: Vec<RosterRow>, with_kind: bool) -> Vec<RosterRow> {
    let plain = |mut row: RosterRow| {
        row.row = 0;
        if let Some(card) = row.card.as_mut().filter(|_| !with_kind) {
            card.kind = CardKind::Unknown;
        }
        row
    };
    rows.into_iter().map(plain).collect()
}

#[test]
fn the_same_people_come_out_of_every_form() {
    let (csv, rows) = read(FormKind::Sheet, &good_csv()).unwrap();
    assert_eq!((csv.rows, csv.warnings_total), (2, 0));
    let [li, wang] = rows.as_slice() else {
        panic!("two workers");
    };
    assert_eq!(
        (li.row, li.role, li.entered_on),
        (2, WorkRole::Manager, date(2026, 3, 1))
    );
    assert_eq!(
        (wang.row, wang.role, wang.left_on),
        (3, WorkRole::Worker, Some(date(2026, 10, 20)))
    );
    assert_eq!(wang.attendance.len(), 1);
    let expected = people(rows, true);
    let gb18030 = encoding_rs::GB18030
        .encode(str::from_utf8(&good_csv()).unwrap())
        .0
        .into_owned();
    let marked = [b"\xEF\xBB\xBF".as_slice(), &good_csv()].concat();
    for (form, kind, bytes) in [
        ("GB18030", FormKind::Sheet, gb18030),
        ("BOM", FormKind::Sheet, marked),
        ("xlsx", FormKind::Sheet, good_xlsx()),
        ("JSON", FormKind::Json, good_json()),
    ] {
        let (_, rows) = read(kind, &bytes).unwrap();
        assert_eq!(people(rows, true), expected, "{form}");
    }
    let expected = people(expected, false);
    for (form, kind, bytes) in [
        ("national", FormKind::National, good_national()),
        ("envelope", FormKind::Envelope, envelopes(&secret(), |_| {})),
    ] {
        let (national, rows) = read(kind, &bytes).unwrap();
        assert_eq!(people(rows, false), expected, "{form}");
        let codes: Vec<_> = national.warnings.iter().map(|w| w.flaw.code()).collect();
        assert_eq!(codes, ["method_unread"], "{form}");
    }
}

#[test]
fn every_mistake_of_a_sheet_is_named_at_its_row_and_column() {
    for (row, expected) in [
        (
            format!("李晓明,{LI},123,管理人员,,2026-03-01"),
            "!2 手机号 phone_form",
        ),
        (
            format!("李晓明,{LI},,包工头,,2026-03-01"),
            "2 岗位 role_unknown",
        ),
        (
            format!("李晓明,{LI},,,{},2026-03-01", "班".repeat(101)),
            "!2 班组 team_too_long",
        ),
        (format!("李晓明,{LI},,,,"), "!2 进场日期 entry_missing"),
        (
            format!("李晓明,{LI},,,,2026-02-30"),
            "!2 进场日期 date_form",
        ),
        (format!("李晓明,{LI},,,,45943"), "!2 进场日期 date_form"),
        (
            format!("李晓明,{LI},,,,1926-02-03"),
            "!2 进场日期 date_form",
        ),
        (
            format!("李晓明,{LI},,,,2026-11-03"),
            "!2 进场日期 date_future",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-02,2026-03-01"),
            "!2 退场日期 left_before_entered",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,313731010016"),
            "!2 开户行联行号 cnaps_check",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,6225881414207431"),
            "2 银行卡号 card_luhn",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,6.2E+18"),
            "!2 银行卡号 card_scientific",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,{CARD},,信用卡"),
            "!2 卡类型 card_kind_unknown",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,,,,22"),
            "!2 考勤月份 month_missing",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,,,十月,22"),
            "!2 考勤月份 month_form",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,,,2026-12,22"),
            "!2 考勤月份 month_future",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,,,2026-10,"),
            "!2 考勤天数 days_missing",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,,,2026-10,21.5"),
            "!2 考勤天数 days_form",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,,,,2026-09,31"),
            "!2 考勤天数 days_too_many",
        ),
        (
            "李晓明,110105194912310021,,,,2026-03-01".into(),
            "!2 身份证号 id_check",
        ),
        (format!(",{LI},,,,2026-03-01"), "!2 姓名 name_missing"),
        ("李晓明,,,,,2026-03-01".into(), "!2 身份证号 id_missing"),
        (
            format!("李晓明,{YOUNG},,,,2026-03-01"),
            "!2 身份证号 under_age",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01\n李明,{LI},,,,2026-03-01"),
            "!3 身份证号 worker_twice",
        ),
        (
            format!("李晓明,{LI},,,,2026-03-01,,{CARD}\n王芳,{WANG},,,,2026-03-01,,{CARD}"),
            "!3 银行卡号 card_of_two",
        ),
        (String::new(), "!0  no_rows"),
    ] {
        assert_eq!(said(FormKind::Sheet, &csv(&row)), [expected], "{row}");
    }
    for (file, expected) in [
        (format!("姓名,身份证号\n李晓明,{LI}\n"), "!1  no_header"),
        ("序号,名称\n1,2\n".into(), "!0  no_header"),
        (
            format!("项目编码：P2\n姓名,身份证号,进场日期\n李晓明,{LI},20260301\n"),
            "!1  project_differs",
        ),
        (
            format!("姓名,身份证号,进场日期,姓名\n李晓明,{LI},20260301,李\n"),
            "!1 姓名 header_twice",
        ),
    ] {
        let said = said(FormKind::Sheet, file.as_bytes());
        assert_eq!(said.first().map(String::as_str), Some(expected), "{file}");
    }
}

#[test]
fn every_mistake_of_a_list_is_named_at_its_place_and_key() {
    for (worker, expected) in [
        (json!([1]), "!1  not_a_worker"),
        (json!([{"nmae": "x"}]), "!1 nmae field_unknown"),
        (json!([{"attendance": 3}]), "!1 attendance field_unknown"),
        (
            json!([{"attendance": [{"month": "2026-10", "days": 1}, {"month": "202610", "days": 2}]}]),
            "!1 attendance.month month_twice",
        ),
        (
            json!([{"id_number": 11010519491231.5}]),
            "!1 id_number id_form",
        ),
        (json!([{"card": {"number": 1}}]), "!1 card card_digits"),
        (json!({"name": "李晓明"}), "!1 id_number id_missing"),
        (json!([]), "!0  no_rows"),
    ] {
        let said = said(FormKind::Json, worker.to_string().as_bytes());
        assert!(
            said.iter().any(|said| said == expected),
            "{worker}: {said:?}"
        );
    }
}

/// The messages with one of them changed, read as they stand.
fn national_said(change: impl Fn(&mut Value)) -> Vec<String> {
    let mut messages: Value = serde_json::from_slice(&good_national()).unwrap();
    change(&mut messages);
    said(FormKind::National, messages.to_string().as_bytes())
}

#[test]
fn every_mistake_of_the_national_messages_is_named_at_its_place_and_key() {
    const FIRST: &str = "/1/data/workerList/0";
    type Change = (&'static str, &'static str, Value, &'static str);
    let changes: [Change; 10] = [
        (
            FIRST,
            "idCardType",
            json!("08"),
            "!1 idCardType id_type_unsupported",
        ),
        (FIRST, "idCardNumber", json!(LI), "!1 idCardNumber unopened"),
        (
            FIRST,
            "payRollBankCardNumber",
            json!("AAAA"),
            "!1 payRollBankCardNumber unopened",
        ),
        (
            FIRST,
            "payRollBankCardNumber",
            json!(secret().seal("12")),
            "!1 payRollBankCardNumber card_length",
        ),
        (FIRST, "workerName", json!(["x"]), "!1 workerName name_bad"),
        (FIRST, "workRole", json!("99"), "1 workRole role_unknown"),
        (
            "/1/data",
            "projectCode",
            json!("P2"),
            "!0 projectCode project_differs",
        ),
        (
            "/3/data/workerList/0",
            "date",
            json!("soon"),
            "!1 date date_form",
        ),
        (
            "/3/data/workerList/0",
            "idCardNumber",
            json!(secret().seal(YOUNG)),
            "!1 idCardNumber unlisted",
        ),
        (
            "/0/data/dataList/0",
            "idCardType",
            json!("02"),
            "!1 idCardType id_type_unsupported",
        ),
    ];
    for (place, key, value, expected) in changes {
        let said = national_said(|messages| {
            messages.pointer_mut(place).unwrap()[key] = value.clone();
        });
        assert!(
            said.iter().any(|said| said == expected),
            "{key} {value}: {said:?}"
        );
    }
    let alone = national_said(|messages| *messages = json!([messages[1]]));
    assert_eq!(alone, ["!1 date entry_missing"]);
    let by_the_gate =
        national_said(|messages| *messages = json!([messages[0], messages[1], messages[2]]));
    assert_eq!(by_the_gate, [""; 0], "who passed the gate had entered");
}

#[test]
fn a_request_is_read_only_when_it_is_signed_by_the_project() {
    let other = NationalSecret::parse(&SECRET.replace('0', "9")).unwrap();
    let refused = |bytes: &[u8]| read(FormKind::Envelope, bytes).unwrap_err().to_string();
    assert!(refused(&envelopes(&other, |_| {})).contains("line 1: the signature"));
    for (field, value, expected) in [
        ("data", "{}", "line 1: the signature"),
        ("timestamp", "20261102080001", "line 1: the signature"),
        ("extra", "1", "line 1: a request has appid"),
        ("sign", "0", "line 1: a field comes twice"),
    ] {
        let bytes = envelopes(&secret(), |fields| {
            fields.insert(field, value);
        });
        assert!(
            refused(&bytes).contains(expected),
            "{field}: {}",
            refused(&bytes)
        );
    }
    assert!(refused(b"appid=P1").contains("line 1: the request has no sign"));
    for kind in [FormKind::National, FormKind::Envelope] {
        let error = read_with(kind, b"[]", None).unwrap_err().to_string();
        assert!(error.contains("add a [[national]] entry"), "{error}");
    }
}

#[test]
fn what_is_hostile_or_broken_gets_a_refusal_that_quotes_nobody() {
    let deep = "[".repeat(1_000_000);
    let long = format!("[{{\"name\": \"{}", "李".repeat(100_000));
    for (kind, bytes, expected) in [
        (FormKind::Json, deep.as_bytes(), "line 1, column"),
        (FormKind::Json, long.as_bytes(), "too large"),
        (
            FormKind::Json,
            b"[{\"name\": \"\xE6\x9D\x8E\"} 3]".as_slice(),
            "line 1, column",
        ),
        (FormKind::Json, b"\"\xE6\x9D\x8E\"", "line 1, column"),
        (FormKind::Json, b"", "line 1, column"),
        (
            FormKind::National,
            b"[{\"method\": \"\xE6\x9D\x8E\", \"data\": 3}]",
            "line 1, column",
        ),
        (FormKind::Sheet, b"", "empty"),
        (
            FormKind::Sheet,
            b"PK\x03\x04nonsense",
            "cannot be read as a roster",
        ),
        (FormKind::Envelope, b"\xFF%FF&=&=&", "line 1"),
    ] {
        let error = read(kind, bytes).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('李'), "{error}");
    }
    let open = || -> io::Result<Box<dyn BufRead + Send>> { Err(io::Error::other("gone")) };
    let expect = RosterExpectation {
        project: "P1",
        today: date(2026, 11, 2),
    };
    let error = forms::read(FormKind::Sheet, &open, None, &expect, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, FormsError::Io(_)));
    let stopped = {
        let bytes = good_csv();
        let open =
            || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
        forms::read(FormKind::Sheet, &open, None, &expect, &mut |_| {
            Err(FormsError::Stopped)
        })
    };
    assert!(matches!(stopped, Err(FormsError::Stopped)));
}

#[test]
fn the_template_is_read_as_it_is_made_and_offers_its_choices() {
    let template = wagegate::registry::template().unwrap();
    assert_eq!(said(FormKind::Sheet, &template), ["!0  no_rows"]);
    let mut parts = zip::ZipArchive::new(Cursor::new(template)).unwrap();
    let mut sheet = String::new();
    let mut part = parts.by_name("xl/worksheets/sheet1.xml").unwrap();
    io::Read::read_to_string(&mut part, &mut sheet).unwrap();
    for choice in ["本行卡,他行卡,社保卡,云建宝卡", "建筑工人,管理人员"] {
        assert!(sheet.contains(choice), "{choice}");
    }
}

#[test]
fn the_form_is_named_or_told_by_the_content_type() {
    for kind in FormKind::ALL {
        assert_eq!(FormKind::from_code(kind.code()), Some(kind));
    }
    for (content_type, expected) in [
        ("application/json; charset=utf-8", FormKind::Json),
        ("application/x-www-form-urlencoded", FormKind::Envelope),
        ("text/csv", FormKind::Sheet),
        ("application/octet-stream", FormKind::Sheet),
        ("", FormKind::Sheet),
    ] {
        assert_eq!(FormKind::of_content_type(content_type), expected);
    }
}

#[test]
fn the_sample_rosters_are_taken_with_the_workers_of_their_wage_sheets() {
    for (file, project, workers) in [
        ("530902202610001.xlsx", "530902202610001", 412),
        ("530302202610001.csv", "530302202610001", 307),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/rosters")
            .join(file);
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            Ok(Box::new(io::BufReader::new(std::fs::File::open(&path)?)))
        };
        let expect = RosterExpectation {
            project,
            today: date(2026, 11, 2),
        };
        let mut cards = 0;
        let read = forms::read(FormKind::Sheet, &open, None, &expect, &mut |row| {
            cards += u64::from(row.card.is_some());
            Ok(())
        });
        let read = read.unwrap();
        assert_eq!(
            (read.rows, read.warnings, cards),
            (workers, vec![], workers),
            "{file}"
        );
    }
}

/// A good roster in one of its forms, cut, with bytes changed.
fn damaged() -> impl Strategy<Value = (FormKind, Vec<u8>)> {
    let good = prop_oneof![
        Just((FormKind::Sheet, good_csv())),
        Just((FormKind::Sheet, good_xlsx())),
        Just((FormKind::Json, good_json())),
        Just((FormKind::National, good_national())),
        Just((FormKind::Envelope, envelopes(&secret(), |_| {}))),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (good, changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |((kind, mut bytes), changes, cut, whole)| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if !whole {
                bytes.truncate(cut.index(bytes.len()));
            }
            (kind, bytes)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_damaged_roster_is_read_whole_or_not_at_all((kind, bytes) in damaged()) {
        let mut rows = 0;
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            Ok(Box::new(Cursor::new(bytes.clone())))
        };
        let expect = RosterExpectation { project: "P1", today: date(2026, 11, 2) };
        let done = forms::read(kind, &open, Some(&secret()), &expect, &mut |_| {
            rows += 1;
            Ok(())
        });
        match done {
            Ok(read) => prop_assert_eq!(read.rows, rows),
            Err(error) => prop_assert_eq!(rows, 0, "{}", error),
        }
    }
}

/// What `scripts/fuzz` begins with: good rosters, small ones.
#[test]
fn the_seeds_of_fuzzing_are_good_rosters() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/roster_forms");
    for (name, kind) in [
        ("roster.csv", FormKind::Sheet),
        ("roster.json", FormKind::Json),
        ("messages.json", FormKind::National),
        ("requests.txt", FormKind::Envelope),
    ] {
        let bytes = std::fs::read(seeds.join(name)).unwrap();
        assert_eq!(read(kind, &bytes).unwrap().0.rows, 1, "{name}");
    }
}
