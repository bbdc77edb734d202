//! Good rosters: the same two people in every form.

use std::collections::BTreeMap;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};
use wagegate::security::national::NationalSecret;

pub(crate) const SECRET: &str = "0123456789abcdefGHIJKLMNopqrst+/";
pub(crate) const LI: &str = "11010519491231002X";
pub(crate) const WANG: &str = "530900199001010010";
pub(crate) const CARD: &str = "6225881414207430";
pub(crate) const OTHER_CARD: &str = "6299000012345678905";
pub(crate) const HEADER: &str = "姓名,身份证号,手机号,岗位,班组,进场日期,退场日期,银行卡号,开户行联行号,卡类型,考勤月份,考勤天数\n";

pub(crate) fn secret() -> NationalSecret {
    NationalSecret::parse(SECRET).unwrap()
}

pub(crate) fn csv(rows: &str) -> Vec<u8> {
    format!("{HEADER}{rows}").into_bytes()
}

pub(crate) fn good_csv() -> Vec<u8> {
    csv(&format!(
        "李晓明,{LI},138 0000 0001,管理人员,木工班,2026-03-01,,{CARD},313731010015,云建宝卡,2026-10,22\n\
         王芳,{WANG},,建筑工人,钢筋班,2026/3/1,20261020,{OTHER_CARD},,他行卡,2026年10月,14\n"
    ))
}

pub(crate) fn good_json() -> Vec<u8> {
    serde_json::to_vec(&json!([
        {"name": "李晓明", "id_number": LI, "phone": "13800000001", "role": "manager", "team": "木工班", "entered_on": "2026-03-01",
         "card": CARD, "cnaps": "313731010015", "card_kind": "yunjianbao", "attendance": [{"month": "2026-10", "days": 22}]},
        {"name": "王芳", "id_number": WANG, "phone": null, "role": "worker", "team": "钢筋班", "entered_on": "2026-03-01",
         "left_on": "2026-10-20", "card": OTHER_CARD, "card_kind": "other_bank", "attendance": [{"month": "2026-10", "days": 14}]},
    ]))
    .unwrap()
}

pub(crate) fn good_xlsx() -> Vec<u8> {
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

pub(crate) fn national_messages() -> Vec<(&'static str, Value)> {
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
            "bankLinkNumber": "313731010015", "headImage": "A".repeat(40_000), "nation": "汉"}),
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

pub(crate) fn good_national() -> Vec<u8> {
    let messages: Vec<Value> = national_messages()
        .into_iter()
        .map(|(method, data)| json!({"method": method, "data": data}))
        .collect();
    serde_json::to_vec(&messages).unwrap()
}

/// One signed request a line, as a contractor's program sends them.
pub(crate) fn envelopes(
    secret: &NationalSecret,
    change: impl Fn(&mut BTreeMap<&str, &str>),
) -> Vec<u8> {
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
