//! The talk: what each reply proves, and above all what it does not.

mod common;

use common::{KEY, bailu, group, notification, qingshan, report};
use jiff::civil::date;
use wagegate_domain::adapter::{Adapter, Answer, Held, Method, Operation, Reply, Step};
use wagegate_domain::reason::Reason;

fn submit() -> Operation {
    Operation::Submit {
        bank_key: KEY.to_owned(),
    }
}

fn query() -> Operation {
    Operation::Query {
        bank_key: KEY.to_owned(),
        from: date(2026, 11, 1),
        to: date(2026, 11, 3),
    }
}

fn collect() -> Operation {
    Operation::Collect {
        after: "0".to_owned(),
    }
}

fn answer(operation: Operation, status: u16, head: &str) -> Answer {
    let reply = Reply {
        status,
        next_cursor: Some("7"),
        head: head.as_bytes(),
    };
    match qingshan().resume(
        Held {
            operation,
            round: 1,
        },
        &reply,
    ) {
        Step::Done(answer) => answer,
        Step::Send { .. } => panic!("one round is enough"),
    }
}

fn said(status: &str, reason: &str) -> String {
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!("<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>")
    };
    report(&group(status, &reason))
}

fn rows(count: usize) -> String {
    let rows: String = (1..=count).map(|n| format!("<TxInfAndSts><OrgnlEndToEndId>{KEY}{n:07}</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>")).collect();
    report(&format!(
        "{}<OrgnlPmtInfAndSts><OrgnlPmtInfId>{KEY}</OrgnlPmtInfId>{rows}</OrgnlPmtInfAndSts>",
        group("PART", "")
    ))
}

/// The variant's name, with the reason of a refusal.
fn short(answer: &Answer) -> String {
    match answer {
        Answer::Accepted => "accepted".to_owned(),
        Answer::Refused { reason, .. } => format!("refused {reason}"),
        Answer::Duplicate => "duplicate".to_owned(),
        Answer::NotKnown => "not known".to_owned(),
        Answer::InProgress => "in progress".to_owned(),
        Answer::Document { .. } => "document".to_owned(),
        Answer::Nothing => "nothing".to_owned(),
        Answer::Unclear { .. } => "unclear".to_owned(),
    }
}

#[test]
fn requests_follow_the_profile() {
    for (operation, method, path) in [
        (submit(), Method::Post, format!("/iso/instructions/{KEY}")),
        (query(), Method::Get, format!("/iso/instructions/{KEY}")),
        (
            Operation::Collect {
                after: "a b/&2".to_owned(),
            },
            Method::Get,
            "/iso/notifications?after=a%20b%2F%262".to_owned(),
        ),
    ] {
        match qingshan().begin(operation.clone()) {
            Some(Step::Send { request, held }) => {
                assert_eq!(
                    (request.method, request.path.as_str(), request.content_type),
                    (method, path.as_str(), "application/xml")
                );
                assert_eq!(
                    held,
                    Held {
                        operation,
                        round: 1
                    }
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bailu().begin(collect()), None, "a bank that only pushes");
}

#[test]
fn a_reply_to_an_instruction_proves_only_what_it_says() {
    let other = said("ACTC", "").replace(KEY, "SOMEBODYELSE00000001");
    let cut = &said("ACTC", "")[..200];
    for (status, head, expected) in [
        (202, said("ACTC", "").as_str(), "accepted"),
        (200, said("RCVD", "").as_str(), "accepted"),
        (202, said("PDNG", "").as_str(), "accepted"),
        (409, said("RJCT", "DU01").as_str(), "duplicate"),
        (422, said("RJCT", "DU01").as_str(), "duplicate"),
        (422, said("RJCT", "AM05").as_str(), "duplicate"),
        (202, said("RJCT", "DU02").as_str(), "duplicate"),
        (422, said("RJCT", "AM04").as_str(), "refused SOURCE_SHORT"),
        (422, said("RJCT", "AM10").as_str(), "refused TOTAL_MISMATCH"),
        (422, said("RJCT", "AM18").as_str(), "refused TOTAL_MISMATCH"),
        (422, said("RJCT", "FF01").as_str(), "refused FORMAT"),
        (422, said("RJCT", "AC01").as_str(), "refused NO_ACCOUNT"),
        (422, said("RJCT", "ZZ99").as_str(), "refused UNMAPPED"),
        (202, rows(2).as_str(), "document"),
        (422, said("RJCT", "").as_str(), "unclear"),
        (422, said("ACTC", "").as_str(), "unclear"),
        (422, "", "unclear"),
        (409, "", "unclear"),
        (409, said("RJCT", "AM04").as_str(), "unclear"),
        (202, said("RJCT", "AM04").as_str(), "unclear"),
        (202, said("XXXX", "").as_str(), "unclear"),
        (202, "", "unclear"),
        (202, other.as_str(), "unclear"),
        (
            422,
            said("RJCT", "AM04")
                .replace(KEY, "SOMEBODYELSE00000001")
                .as_str(),
            "unclear",
        ),
        (
            422,
            said("RJCT", "AM04").replace(KEY, "NOTPROVIDED").as_str(),
            "unclear",
        ),
        (202, cut, "unclear"),
        (202, "<html><body>OK</body></html>", "unclear"),
        (202, notification("").as_str(), "unclear"),
        (500, said("ACTC", "").as_str(), "unclear"),
        (503, said("RJCT", "AM04").as_str(), "unclear"),
        (302, "", "unclear"),
        (404, "", "unclear"),
    ] {
        assert_eq!(
            short(&answer(submit(), status, head)),
            expected,
            "{status} {head}"
        );
    }
}

#[test]
fn a_refusal_keeps_the_banks_words() {
    let body =
        said("RJCT", "AM04").replace("</StsRsnInf>", "<AddtlInf>余额不足</AddtlInf></StsRsnInf>");
    match answer(submit(), 422, &body) {
        Answer::Refused {
            reason: Reason::SourceShort,
            bank,
        } => {
            assert_eq!(
                (bank.list.as_str(), bank.code.as_str(), bank.text.as_str()),
                ("pain.002 status reason", "AM04", "余额不足")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_to_a_query_leads_to_a_document_or_to_patience() {
    for (status, head, expected) in [
        (404, "", "not known"),
        (404, " \r\n", "not known"),
        (404, "<html><body>404</body></html>", "unclear"),
        (200, said("PDNG", "").as_str(), "in progress"),
        (200, said("ACSP", "").as_str(), "in progress"),
        (200, said("ACTC", "").as_str(), "in progress"),
        (200, said("ACSC", "").as_str(), "document"),
        (200, said("RJCT", "AM04").as_str(), "document"),
        (200, said("RJCT", "DU01").as_str(), "duplicate"),
        (200, said("XXXX", "").as_str(), "unclear"),
        (200, said("PART", "").as_str(), "document"),
        (200, rows(3).as_str(), "document"),
        (200, &rows(3)[..rows(3).len() - 20], "unclear"),
        (
            200,
            rows(3).replace(KEY, "SOMEBODYELSE00000001").as_str(),
            "unclear",
        ),
        (200, "", "unclear"),
        (204, "", "unclear"),
        (500, "", "unclear"),
    ] {
        assert_eq!(
            short(&answer(query(), status, head)),
            expected,
            "{status} {head}"
        );
    }
}

#[test]
fn the_head_of_a_long_document_is_enough() {
    let long = rows(2_000);
    assert_eq!(short(&answer(query(), 200, &long[..64 * 1024])), "document");
    assert_eq!(
        short(&answer(query(), 200, &long[..64 * 1024 - 1])),
        "unclear",
        "shorter than a head: it broke off"
    );
}

#[test]
fn a_cursor_moves_only_past_a_whole_document() {
    let whole = notification("");
    assert_eq!(
        answer(collect(), 200, &whole),
        Answer::Document {
            next_cursor: Some("7".to_owned())
        }
    );
    assert_eq!(answer(collect(), 204, ""), Answer::Nothing);
    for (status, head) in [
        (200, &whole[..whole.len() - 3]),
        (200, ""),
        (200, "{}"),
        (404, ""),
        (503, whole.as_str()),
    ] {
        assert_eq!(
            short(&answer(collect(), status, head)),
            "unclear",
            "{status} {head}"
        );
    }
}
