//! The talk with a bank: which request to make, and what a reply proves. It never pays or fails a worker; documents do.
//!
//! A reply proves something only if its body is a whole report about the instruction that was asked for. Everything else is unclear, and unclear
//! is asked again under the same key.

use wagegate_domain::adapter::{Answer, Held, Method, Operation, Reply, Request, Step};
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::plan::parse_reference;
use wagegate_domain::profile::{Paths, with_dates};
use wagegate_domain::reason::Reason;

use crate::decode::{Message, decode, recognise};
use crate::entries::Rules;
use crate::status::{STATUS, Status, status};

/// A head of this size may be the beginning of a longer body; a shorter one is all there is.
const HEAD: usize = 64 * 1024;
/// Codes have four characters; what is much longer is none and is not repeated whole.
const LONGEST_CODE: usize = 35;
const XML: &str = "application/xml";

pub(crate) fn begin(paths: &Paths, operation: Operation) -> Option<Step> {
    let (method, path) = match &operation {
        Operation::Submit { bank_key } => (Method::Post, filled(&paths.submit, "{key}", bank_key)),
        Operation::Query { bank_key, from, to } => {
            let path = with_dates(paths.query.as_deref()?, *from, *to);
            (Method::Get, filled(&path, "{key}", bank_key))
        }
        Operation::Collect { after } => (
            Method::Get,
            filled(paths.collect.as_deref()?, "{after}", after),
        ),
    };
    let request = Request {
        method,
        path,
        content_type: XML,
    };
    let held = Held {
        operation,
        round: 1,
    };
    Some(Step::Send { request, held })
}

pub(crate) fn resume(rules: Rules<'_>, held: &Held, reply: &Reply<'_>) -> Step {
    Step::Done(match &held.operation {
        Operation::Submit { bank_key } => submitted(rules, bank_key, reply),
        Operation::Query { bank_key, .. } => queried(rules, bank_key, reply),
        Operation::Collect { .. } => collected(rules, reply),
    })
}

/// Cursors are the bank's text: what is not plain is written as `%XX`.
fn filled(path: &str, place: &str, value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                plain.push(char::from(byte));
            }
            other => plain.push_str(&format!("%{other:02X}")),
        }
    }
    path.replace(place, &plain)
}

fn submitted(rules: Rules<'_>, key: &str, reply: &Reply<'_>) -> Answer {
    let said = match reply.status {
        200..=202 | 409 | 422 => Said::read(rules, key, reply.head),
        _ => Err(reply_of(reply.status)),
    };
    match (reply.status, said) {
        (_, Err(why)) => unclear(why),
        (_, Ok(Said::Duplicate)) => Answer::Duplicate,
        (200..=202, Ok(Said::Taken)) => Answer::Accepted,
        (200..=202, Ok(Said::More)) => Answer::Document { next_cursor: None },
        (422, Ok(Said::Refused { reason, bank })) if bank.list != STATUS => {
            Answer::Refused { reason, bank }
        }
        (_, Ok(Said::Strange { code })) => unclear(strange(&code)),
        (status, Ok(Said::Taken | Said::More | Said::Refused { .. })) => {
            unclear(format!("HTTP {status} and the report with it do not agree"))
        }
    }
}

fn queried(rules: Rules<'_>, key: &str, reply: &Reply<'_>) -> Answer {
    match reply.status {
        200 => {}
        404 if reply.head.trim_ascii().is_empty() => return Answer::NotKnown,
        404 => {
            return unclear(
                "HTTP 404 with a body: it may not come from the bank's own system".to_owned(),
            );
        }
        other => return unclear(reply_of(other)),
    }
    match Said::read(rules, key, reply.head) {
        Err(why) => unclear(why),
        Ok(Said::Taken) => Answer::InProgress,
        Ok(Said::Duplicate) => Answer::Duplicate,
        Ok(Said::Strange { code }) => unclear(strange(&code)),
        Ok(Said::More | Said::Refused { .. }) => Answer::Document { next_cursor: None },
    }
}

fn collected(rules: Rules<'_>, reply: &Reply<'_>) -> Answer {
    match reply.status {
        204 => return Answer::Nothing,
        200 => {}
        other => return unclear(reply_of(other)),
    }
    let read = recognise(&mut &*reply.head).and_then(|_: Message| match reply.head.len() {
        HEAD.. => Ok(()),
        // A cursor that moves past a half document would lose what the other half says.
        _ => decode(None, &mut &*reply.head, rules, &mut |_| {}),
    });
    match read {
        Ok(()) => Answer::Document {
            next_cursor: reply.next_cursor.map(str::to_owned),
        },
        Err(error) => unclear(error.to_string()),
    }
}

/// What a report says of the instruction that was asked for.
enum Said {
    /// Taken, or being worked on; nothing more.
    Taken,
    /// Seen before.
    Duplicate,
    /// Refused whole.
    Refused { reason: Reason, bank: BankCode },
    /// A code about the whole instruction that decides nothing.
    Strange { code: String },
    /// Something to decode.
    More,
}

impl Said {
    /// Reads the head of a body; the error says why it proves nothing.
    fn read(rules: Rules<'_>, key: &str, head: &[u8]) -> Result<Self, String> {
        match recognise(&mut &*head).map_err(|error| error.to_string())? {
            Message::Report => {}
            Message::Entries => return Err("the answer is not a pain.002".to_owned()),
        }
        let mut said = None;
        let read = decode(None, &mut &*head, rules, &mut |told| {
            let one = Self::of(rules, key, told);
            said = match (said.take(), one) {
                (before, None) => before,
                (None, Some(one)) => Some(one),
                (Some(_), Some(_)) => Some(Self::More),
            };
        });
        match (read, said) {
            (Err(error), _) if head.len() < HEAD => Err(error.to_string()),
            (_, Some(said)) => Ok(said),
            (_, None) => Err("the report is not about this instruction".to_owned()),
        }
    }

    /// `None` for what is not about the instruction.
    fn of(rules: Rules<'_>, key: &str, told: Told) -> Option<Self> {
        match told {
            Told::Whole {
                instruction,
                verdict,
                bank,
            } if instruction == key => Some(match verdict {
                Verdict::Accepted | Verdict::InProgress => Self::Taken,
                Verdict::Failed(reason) => Self::Refused { reason, bank },
                Verdict::Unknown | Verdict::Paid | Verdict::Returned(_) => Self::More,
            }),
            Told::Parked { refs, bank, .. } if is_about(&refs, key) => {
                let whole = refs.reference.is_none() && refs.bank_reference.is_none();
                Some(if whole {
                    Self::of_whole(rules, bank)
                } else {
                    Self::More
                })
            }
            Told::Item { refs, .. } if is_about(&refs, key) => Some(Self::More),
            Told::Rest { instruction, .. } if instruction == key => Some(Self::More),
            Told::Whole { .. }
            | Told::Parked { .. }
            | Told::Item { .. }
            | Told::Rest { .. }
            | Told::Remark(_) => None,
        }
    }

    /// A statement about the whole instruction that decoding parks.
    fn of_whole(rules: Rules<'_>, bank: BankCode) -> Self {
        let unknown = bank.list == STATUS && status(&bank.code) == Status::Other(Verdict::Unknown);
        if rules.reasons.says_duplicate(&bank) {
            Self::Duplicate
        } else if unknown {
            Self::Strange { code: bank.code }
        } else {
            Self::More
        }
    }
}

/// The instruction that is named decides; a reference of ours only where none is.
fn is_about(refs: &ItemRefs, key: &str) -> bool {
    match (&refs.instruction, &refs.reference) {
        (Some(instruction), _) => instruction == key,
        (None, Some(reference)) => parse_reference(reference).is_some_and(|(of, _)| of == key),
        (None, None) => false,
    }
}

fn reply_of(status: u16) -> String {
    format!("HTTP {status}, which says nothing about the instruction")
}

fn strange(code: &str) -> String {
    let code: String = code.chars().take(LONGEST_CODE).collect();
    format!("the status {code} is in no table of ours")
}

const fn unclear(why: String) -> Answer {
    Answer::Unclear { why }
}
