//! Every flaw of a roster, in a table for each form: what was typed, and what is said of it.

use serde_json::{Value, json};
use wagegate::registry::forms::FormKind;

use crate::{
    said,
    samples::{CARD, LI, WANG, csv, good_national, secret},
};

/// Born in 2012.
const YOUNG: &str = "530900201201010015";

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
        (
            format!("李晓明,{LI},,,木工\u{7}班,2026-03-01"),
            "!2 班组 team_form",
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
}

#[test]
fn a_sheet_without_its_header_or_of_another_project_is_refused() {
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
