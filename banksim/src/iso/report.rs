//! Writes pain.002.001.10: taken, refused, in progress, and the result with its counts by status.

use std::sync::atomic::{AtomicU64, Ordering};

use super::xml::Xml;
use crate::bank::{Outcome, Progress, RowState, Taking};
use crate::behaviour::Listing;
use crate::clock::Stamp;
use crate::dialect::Reply;
use crate::instruction::{Refusal, Row};
use crate::money::Fen;
use crate::reason::Reason;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10";
const INSTRUCTION: &str = "pain.001.001.09";
// AddtlInf is Max105Text in the schema.
const LONGEST_WORDS: usize = 105;

/// The reply to an instruction.
#[must_use]
pub fn taking(reference: &str, taking: &Taking) -> Reply {
    match taking {
        Taking::Taken => Reply::new(202, group(reference, "ACTC", None)),
        Taking::Duplicate => Reply::new(
            409,
            group(reference, "RJCT", Some(("DU01", "this MsgId came before"))),
        ),
        Taking::Refused(refusal) => {
            let code = match refusal {
                Refusal::Unreadable(_) => "FF01",
                Refusal::Count => "AM18",
                Refusal::Sum => "AM10",
                Refusal::Funds => "AM04",
                Refusal::UnknownAccount => "AC01",
            };
            Reply::new(422, group(reference, "RJCT", Some((code, refusal.words()))))
        }
    }
}

/// The reply to a status query.
#[must_use]
pub fn progress(reference: &str, progress: &Progress, listing: Listing) -> Reply {
    match progress {
        Progress::Unknown => Reply::new(404, Vec::new()),
        Progress::Waiting => Reply::new(200, group(reference, "PDNG", None)),
        Progress::Working => Reply::new(200, group(reference, "ACSP", None)),
        Progress::Done(outcome) => Reply::new(200, result(outcome, listing)),
    }
}

/// The result, whole or one part of it. A part lists all its own rows and counts the others as pending.
#[must_use]
pub fn result(outcome: &Outcome, listing: Listing) -> Vec<u8> {
    let counts: Vec<_> = STATUSES
        .iter()
        .map(|(code, is)| (*code, outcome.tally(is)))
        .filter(|(_, (n, _))| *n > 0)
        .collect();
    let status = match counts.as_slice() {
        [(only, _)] => only,
        _several => "PART",
    };
    let partial = counts.iter().any(|(code, _)| *code == "PDNG");
    let total = outcome.tally(|_| true);
    document(|xml| {
        xml.within("OrgnlGrpInfAndSts", |xml| {
            xml.text("OrgnlMsgId", &outcome.reference)
                .text("OrgnlMsgNmId", &outcome.message_name);
            totals(xml, total).text("GrpSts", status);
        });
        xml.within("OrgnlPmtInfAndSts", |xml| {
            xml.text("OrgnlPmtInfId", &outcome.reference);
            totals(xml, total).text("PmtInfSts", status);
            for (code, (rows, sum)) in &counts {
                xml.within("NbOfTxsPerSts", |xml| {
                    xml.text("DtldNbOfTxs", rows)
                        .text("DtldSts", code)
                        .text("DtldCtrlSum", sum.yuan());
                });
            }
            for (row, state) in &outcome.rows {
                transaction(xml, row, *state, listing == Listing::All || partial);
            }
        });
    })
}

type Status = (&'static str, fn(RowState) -> bool);

const STATUSES: [Status; 3] = [
    ("ACSC", |state| matches!(state, RowState::Paid)),
    ("RJCT", |state| matches!(state, RowState::Failed(_))),
    ("PDNG", |state| matches!(state, RowState::Working)),
];

fn transaction(xml: &mut Xml, row: &Row, state: RowState, list_paid: bool) {
    match state {
        RowState::Paid if list_paid => listed(xml, row, "ACSC", None),
        RowState::Failed(reason) => listed(xml, row, "RJCT", Some(reason)),
        RowState::Paid | RowState::Working => {}
    }
}

fn listed(xml: &mut Xml, row: &Row, status: &str, reason: Option<Reason>) {
    xml.within("TxInfAndSts", |xml| {
        xml.text("OrgnlEndToEndId", &row.row_ref)
            .text("TxSts", status);
        if let Some(reason) = reason {
            status_reason(xml, reason.iso_code(), reason.words());
        }
    });
}

fn group(reference: &str, status: &str, reason: Option<(&str, &str)>) -> Vec<u8> {
    document(|xml| {
        xml.within("OrgnlGrpInfAndSts", |xml| {
            xml.text("OrgnlMsgId", reference)
                .text("OrgnlMsgNmId", INSTRUCTION)
                .text("GrpSts", status);
            if let Some((code, words)) = reason {
                status_reason(xml, code, words);
            }
        });
    })
}

fn document(fill: impl FnOnce(&mut Xml)) -> Vec<u8> {
    Xml::document(NAMESPACE, |xml| {
        xml.within("CstmrPmtStsRpt", |xml| {
            let now = Stamp::now();
            xml.within("GrpHdr", |xml| {
                xml.text("MsgId", message_id(now))
                    .text("CreDtTm", now.date_time());
            });
            fill(xml);
        });
    })
}

/// Never the same twice, even within a second: a receiver may know a report by it.
fn message_id(now: Stamp) -> String {
    static WRITTEN: AtomicU64 = AtomicU64::new(1);
    format!(
        "STS{}{:010}",
        now.digits(),
        WRITTEN.fetch_add(1, Ordering::Relaxed)
    )
}

fn totals(xml: &mut Xml, (rows, sum): (usize, Fen)) -> &mut Xml {
    xml.text("OrgnlNbOfTxs", rows)
        .text("OrgnlCtrlSum", sum.yuan())
}

fn status_reason(xml: &mut Xml, code: &str, words: &str) {
    xml.within("StsRsnInf", |xml| {
        xml.text("Rsn/Cd", code).text(
            "AddtlInf",
            words.chars().take(LONGEST_WORDS).collect::<String>(),
        );
    });
}
