//! Finds out which message a document holds, by local name, and hands it to its reader. What is odd about the document as a whole is a remark.

use std::io::BufRead;

use wagegate_domain::adapter::DecodeError;
use wagegate_domain::fact::Told;

use crate::entries::{self, Rules};
use crate::report;
use crate::xml::Xml;

const LONGEST_NAMESPACE: usize = 120;
const STANDARD: &str = "urn:iso:std:iso:20022:tech:xsd:";

/// A message that this family reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// pain.002: the report on an instruction.
    Report,
    /// camt.054, 053 or 052: bookings.
    Entries,
}

/// Reads all messages of a document and calls `tell` for what they say.
pub(crate) fn decode(
    asked: Option<&str>,
    input: &mut dyn BufRead,
    rules: Rules<'_>,
    tell: &mut dyn FnMut(Told),
) -> Result<(), DecodeError> {
    let mut xml = Xml::new(input)?;
    let mut found = find(&mut xml)?;
    loop {
        remark_on_namespace(xml.namespace(), found, tell);
        match found {
            Message::Report => report::read(&mut xml, asked, rules.reasons, tell)?,
            Message::Entries => entries::read(&mut xml, rules, tell)?,
        }
        match next(&mut xml)? {
            Some(another) => found = another,
            None => return Ok(()),
        }
    }
}

/// Which message the document begins with.
pub(crate) fn recognise(input: &mut dyn BufRead) -> Result<Message, DecodeError> {
    find(&mut Xml::new(input)?)
}

fn find(xml: &mut Xml<'_>) -> Result<Message, DecodeError> {
    match next(xml)? {
        Some(found) => Ok(found),
        None => Err(xml.broken("neither a pain.002 nor a camt.052, 053 or 054")),
    }
}

/// Goes to the next message, through `Document` and whatever envelope is around it; `None` at the end of the document.
fn next(xml: &mut Xml<'_>) -> Result<Option<Message>, DecodeError> {
    while xml.seek()? {
        // The first versions append theirs (`…NtfctnV01`), or are called by the message's number.
        let name = xml.name();
        let name = name.split_once('V').map_or(name, |(name, _)| name);
        match name {
            "CstmrPmtStsRpt" => return Ok(Some(Message::Report)),
            name if name.starts_with("pain.002.") => return Ok(Some(Message::Report)),
            "BkToCstmrDbtCdtNtfctn" | "BkToCstmrStmt" | "BkToCstmrAcctRpt" => {
                return Ok(Some(Message::Entries));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// A third of real reports do not validate, so the schema's verdict warns and refuses nothing.
fn remark_on_namespace(namespace: &str, message: Message, tell: &mut dyn FnMut(Told)) {
    let expected: &[&str] = match message {
        Message::Report => &["pain.002.001."],
        Message::Entries => &["camt.052.001.", "camt.053.001.", "camt.054.001."],
    };
    let standard = namespace
        .strip_prefix(STANDARD)
        .filter(|name| expected.iter().any(|start| name.starts_with(start)))
        .filter(|name| name.len() == "pain.002.001.10".len());
    if namespace.is_empty() {
        tell(Told::Remark("the document has no namespace".to_owned()));
    } else if standard.is_none() {
        let shown: String = namespace.chars().take(LONGEST_NAMESPACE).collect();
        tell(Told::Remark(format!(
            "the document's namespace is not the standard's: {shown}"
        )));
    }
}
