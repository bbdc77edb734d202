//! The reply table of 碧水农商银行, line by line from its interface page, and what is near it but not in it.

use encoding_rs::GB18030;
use wagegate_domain::adapter::{Adapter, Answer, Held, Operation, Reply, Step};

use crate::common::{BISHUI, bank};

const RESULT: &str = "R|B1|1|100|1|100|\r\n";
const REFUND: &str = "T|1|100|\r\n";

fn answer(operation: Operation, status: u16, body: &str) -> Answer {
    let head = GB18030.encode(body).0;
    let reply = Reply {
        status,
        next_cursor: Some("9"),
        head: &head,
    };
    match bank(BISHUI).resume(
        Held {
            operation,
            round: 1,
        },
        &reply,
    ) {
        Step::Done(answer) => answer,
        Step::Send { request, .. } => panic!("{request:?}"),
    }
}

fn gist(answer: &Answer) -> String {
    match answer {
        Answer::Accepted => "accepted".to_owned(),
        Answer::Refused { reason, bank } => format!("refused {reason} {} {}", bank.code, bank.text),
        Answer::Duplicate => "duplicate".to_owned(),
        Answer::NotKnown => "not known".to_owned(),
        Answer::InProgress => "in progress".to_owned(),
        Answer::Document { next_cursor } => format!("document {next_cursor:?}"),
        Answer::Nothing => "nothing".to_owned(),
        Answer::Unclear { .. } => "unclear".to_owned(),
    }
}

#[test]
fn a_submission_is_answered_by_code_and_status_together() {
    for (status, body, expected) in [
        (200, "0000|受理成功|\r\n", "accepted"),
        (200, "0106|批次号重复|\r\n", "duplicate"),
        (
            422,
            "0099|文件格式错误|\r\n",
            "refused FORMAT 0099 文件格式错误",
        ),
        (
            422,
            "0112|笔数不符|\r\n",
            "refused TOTAL_MISMATCH 0112 笔数不符",
        ),
        (
            422,
            "0113|金额不符|\r\n",
            "refused TOTAL_MISMATCH 0113 金额不符",
        ),
        (
            422,
            "0201|余额不足|\r\n",
            "refused SOURCE_SHORT 0201 余额不足",
        ),
        (
            422,
            "0202|账户不存在|\r\n",
            "refused SECURITY 0202 账户不存在",
        ),
        (200, "0201|余额不足|\r\n", "unclear"),
        (422, "0000|受理成功|\r\n", "unclear"),
        (400, "0201|余额不足|\r\n", "unclear"),
        (503, "0201|余额不足|\r\n", "unclear"),
        (202, "0002|处理中|\r\n", "unclear"),
        (404, "0404|无此批次|\r\n", "unclear"),
        (200, "0000|受理成功|", "unclear"),
        (200, "0000|受理成功|\r\n0201|余额不足|\r\n", "unclear"),
        (200, RESULT, "unclear"),
    ] {
        let submit = Operation::Submit {
            bank_key: "B1".to_owned(),
        };
        assert_eq!(
            gist(&answer(submit, status, body)),
            expected,
            "{status} {body}"
        );
    }
}

#[test]
fn a_query_is_answered_by_a_result_or_a_line_and_never_by_a_refusal() {
    for (status, body, expected) in [
        (200, RESULT, "document None"),
        (202, "0002|处理中|\r\n", "in progress"),
        (404, "0404|无此批次|\r\n", "not known"),
        (404, "", "unclear"),
        (200, "0404|无此批次|\r\n", "unclear"),
        (422, "0201|余额不足|\r\n", "unclear"),
        (200, "0000|受理成功|\r\n", "unclear"),
        (200, REFUND, "unclear"),
        (200, "R|B2|1|100|1|100|\r\n", "unclear"),
        (206, RESULT, "unclear"),
        (500, RESULT, "unclear"),
    ] {
        let query = Operation::Query {
            bank_key: "B1".to_owned(),
            from: "2026-11-01".parse().unwrap(),
            to: "2026-11-03".parse().unwrap(),
        };
        assert_eq!(
            gist(&answer(query, status, body)),
            expected,
            "{status} {body}"
        );
    }
}

#[test]
fn a_look_for_returns_is_answered_by_a_refund_file_or_by_nothing() {
    for (status, body, expected) in [
        (200, REFUND, "document Some(\"9\")"),
        (204, "", "nothing"),
        (200, RESULT, "unclear"),
        (200, "", "unclear"),
        (404, "0404|无此批次|\r\n", "unclear"),
        (500, REFUND, "unclear"),
    ] {
        let collect = Operation::Collect {
            after: "8".to_owned(),
        };
        assert_eq!(
            gist(&answer(collect, status, body)),
            expected,
            "{status} {body}"
        );
    }
}
