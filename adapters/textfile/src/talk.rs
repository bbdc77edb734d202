//! The talk with a bank that takes files over HTTPS: one request, one reply, read by the profile's table.

use wagegate_domain::adapter::{Answer, Held, Method, Operation, Reply, Request, Step};
use wagegate_domain::fact::BankCode;
use wagegate_domain::profile::with_dates;

use crate::cells::Cells;
use crate::lines::Lines;
use crate::profile::{Profile, Question};
use crate::walk::Walk;

/// The one request of each operation.
pub(crate) fn begin(profile: &Profile, operation: Operation) -> Option<Step> {
    let paths = &profile.bank.paths;
    let (method, path) = match &operation {
        Operation::Submit { bank_key } => (Method::Post, paths.submit.replace("{key}", bank_key)),
        Operation::Query { bank_key, from, to } => {
            let path = with_dates(paths.query.as_deref()?, *from, *to);
            (Method::Get, path.replace("{key}", bank_key))
        }
        Operation::Collect { after } => (
            Method::Get,
            paths.collect.as_ref()?.replace("{after}", after),
        ),
    };
    let content_type = profile.text.charset.media_type();
    let request = Request {
        method,
        path,
        content_type,
    };
    Some(Step::Send {
        request,
        held: Held {
            operation,
            round: 1,
        },
    })
}

/// The reply ends the talk.
pub(crate) fn resume(profile: &Profile, held: &Held, reply: &Reply<'_>) -> Step {
    Step::Done(
        answer(profile, &held.operation, reply).unwrap_or_else(|why| Answer::Unclear { why }),
    )
}

fn answer(profile: &Profile, operation: &Operation, reply: &Reply<'_>) -> Result<Answer, String> {
    if !(200..500).contains(&reply.status) {
        return Err(format!("HTTP status {}", reply.status));
    }
    match operation {
        Operation::Submit { bank_key } => short(profile, operation, bank_key, reply),
        Operation::Query { bank_key, .. } => {
            match document(profile, Question::Query, Some(bank_key), reply)? {
                true => Ok(Answer::Document { next_cursor: None }),
                false => short(profile, operation, bank_key, reply),
            }
        }
        Operation::Collect { .. } if reply.status == 204 => Ok(Answer::Nothing),
        Operation::Collect { .. } => match document(profile, Question::Collect, None, reply)? {
            true => Ok(Answer::Document {
                next_cursor: reply.next_cursor.map(str::to_owned),
            }),
            false => Err(format!(
                "HTTP status {} without a document of returns",
                reply.status
            )),
        },
    }
}

/// True for a document that answers the question; an error for one about another key.
fn document(
    profile: &Profile,
    question: Question,
    key: Option<&str>,
    reply: &Reply<'_>,
) -> Result<bool, String> {
    let mut head = reply.head;
    let mut lines = Lines::new(&mut head);
    lines.advance().map_err(|error| error.to_string())?;
    let Some((document, form)) = profile.recognise(lines.bytes()) else {
        return Ok(false);
    };
    if reply.status != 200 || document.answers != question {
        return Err(format!(
            "a {} with HTTP status {}, which was not asked for",
            document.name, reply.status
        ));
    }
    let walk = Walk {
        layout: &document.lines,
        form,
        charset: profile.text.charset,
    };
    let stated = walk.header(&mut lines).map_err(|error| error.to_string())?;
    match (stated.key, key) {
        (Some(named), Some(key)) if named != key => {
            Err(format!("a {} about another instruction", document.name))
        }
        _ => Ok(true),
    }
}

fn short(
    profile: &Profile,
    operation: &Operation,
    key: &str,
    reply: &Reply<'_>,
) -> Result<Answer, String> {
    let unclear = |what: &str| format!("HTTP status {}, {what}", reply.status);
    let cells = profile
        .read_reply(reply.head)
        .ok_or_else(|| unclear("not in the form of this bank's replies"))?;
    if cells.key.as_ref().is_some_and(|named| named != key) {
        return Err(unclear("about another instruction"));
    }
    let bank = BankCode {
        list: "reply".to_owned(),
        code: cells.code.unwrap_or_default(),
        text: cells.text.unwrap_or_default(),
    };
    let known = profile.reply.codes.holds(&bank.code);
    profile
        .reply
        .codes
        .answer(operation, reply.status, &bank)
        .ok_or_else(|| {
            unclear(if known {
                "a code that does not answer this"
            } else {
                "a code that the profile does not know"
            })
        })
}

impl Profile {
    /// The columns of a short reply: one whole line, and nothing behind it.
    fn read_reply(&self, head: &[u8]) -> Option<Cells> {
        let mut head = head;
        let mut lines = Lines::new(&mut head);
        let whole = lines.advance().ok()? && lines.fault().is_none();
        let form = self.reply.form.as_ref().unwrap_or(&self.text.form);
        let (cells, fault) = self.reply.line.read(form, self.text.charset, lines.bytes());
        let alone = !lines.advance().ok()?;
        (whole && alone && fault.is_none()).then_some(cells)
    }
}
