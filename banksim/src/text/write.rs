//! Writes the text bank's short replies, result files and refund files.

use std::fmt::Write;

use encoding_rs::GB18030;

use crate::bank::{Notice, Outcome, Progress, RowState, Taking};
use crate::dialect::Reply;
use crate::instruction::Refusal;

/// The reply to an instruction file: one line with a code.
#[must_use]
pub fn taking(taking: &Taking) -> Reply {
    let (status, code, words) = match taking {
        Taking::Taken => (200, "0000", "受理成功"),
        Taking::Duplicate => (200, "0106", "批次号重复"),
        Taking::Refused(Refusal::Unreadable(_)) => (422, "0099", "文件格式错误"),
        Taking::Refused(Refusal::Count) => (422, "0112", "笔数不符"),
        Taking::Refused(Refusal::Sum) => (422, "0113", "金额不符"),
        Taking::Refused(Refusal::Funds) => (422, "0201", "余额不足"),
        Taking::Refused(Refusal::UnknownAccount) => (422, "0202", "账户不存在"),
    };
    line(status, code, words)
}

/// The reply to a status query: a result file, or one line.
#[must_use]
pub fn progress(progress: &Progress) -> Reply {
    match progress {
        Progress::Unknown => line(404, "0404", "无此批次"),
        Progress::Waiting | Progress::Working => line(202, "0002", "处理中"),
        Progress::Done(outcome) => Reply::new(200, result(outcome)),
    }
}

/// A result file, one line a row.
#[must_use]
pub fn result(outcome: &Outcome) -> Vec<u8> {
    let (rows, sum) = outcome.tally(|_| true);
    let (paid, paid_sum) = outcome.tally(|state| state == RowState::Paid);
    let mut text = format!(
        "R|{}|{rows}|{sum}|{paid}|{paid_sum}|\r\n",
        outcome.reference
    );
    for (row, state) in &outcome.rows {
        let (code, words) = match state {
            RowState::Paid => ("S000", "成功"),
            RowState::Failed(reason) => (reason.result_code(), reason.words()),
            RowState::Working => ("P001", "处理中"),
        };
        push(
            &mut text,
            format_args!(
                "{}|{}|{}|{}|{code}|{words}|",
                row.row_ref, row.account, row.name, row.amount
            ),
        );
    }
    close(text)
}

/// A refund file, one line a payment that came back.
#[must_use]
pub fn notice(notice: &Notice) -> Vec<u8> {
    let mut text = format!("T|{}|{}|\r\n", notice.returns.len(), notice.total());
    for returned in &notice.returns {
        let (row, (code, words)) = (&returned.row, returned.reason.refund_code());
        let batch = &returned.reference;
        push(
            &mut text,
            format_args!(
                "{batch}|{}|{}|{}|{code}|{words}|",
                row.row_ref, row.account, row.amount
            ),
        );
    }
    close(text)
}

// Short replies are one line; the closing line belongs to files.
fn line(status: u16, code: &str, words: &str) -> Reply {
    Reply::new(status, encode(&format!("{code}|{words}|\r\n")))
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    write!(text, "{line}\r\n").expect("writing to a string cannot fail");
}

fn close(mut text: String) -> Vec<u8> {
    text.push_str("########\r\n");
    encode(&text)
}

fn encode(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}
