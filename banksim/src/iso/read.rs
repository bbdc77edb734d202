//! Reads a pain.001, version 03 or 09 alike, by the local names of its elements, one event at a time. No document type, no
//! entities but the five of XML itself, no depth without end.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::instruction::{Instruction, Refusal, Row, is_reference};
use crate::money::Fen;

const DEEPEST: usize = 32;
const LONGEST_TEXT: usize = 2_048;
const ROW: &str = "CdtTrfTxInf";

/// Reads an instruction of at most `limit` rows.
///
/// # Errors
/// The first thing that is not as the interface page says; never quotes a payee.
pub fn read(body: &[u8], limit: u32) -> Result<Instruction, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::unreadable("not UTF-8"))?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading {
        limit,
        ..Reading::default()
    };
    loop {
        match reader
            .read_event()
            .map_err(|error| Refusal::unreadable(format!("not XML: {error}")))?
        {
            Event::Start(start) => reading.open(&start)?,
            Event::End(_) => reading.close()?,
            Event::Text(text) => reading.add(&text.xml10_content())?,
            Event::CData(text) => reading.add(&text.xml10_content())?,
            Event::GeneralRef(entity) => reading.add(&resolve(&entity)?)?,
            Event::DocType(_) => {
                return Err(Refusal::unreadable("a document type is not accepted"));
            }
            Event::Eof => return reading.finish(),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn resolve(entity: &BytesRef<'_>) -> Result<String, Refusal> {
    let unknown = || Refusal::unreadable("an entity that XML itself does not know");
    if let Some(character) = entity.resolve_char_ref().map_err(|_| unknown())? {
        return Ok(character.to_string());
    }
    let name = entity.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(unknown)
}

#[derive(Default)]
struct Reading {
    limit: u32,
    path: Vec<String>,
    text: String,
    namespace: String,
    message: String,
    payment: Option<String>,
    debtor: String,
    rows: Vec<Row>,
    row: Draft,
    stated_rows: Vec<u64>,
    stated_sums: Vec<Fen>,
    seen: std::collections::HashSet<String>,
}

#[derive(Default)]
struct Draft {
    reference: String,
    account: String,
    name: String,
    currency: String,
    amount: Option<Fen>,
}

impl Reading {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Refusal> {
        let name = start.local_name().as_ref().to_owned();
        match self.path.len() {
            0 => {
                self.namespace = attribute(start, "xmlns", |name| {
                    name == "xmlns" || name.starts_with("xmlns:")
                })?
            }
            DEEPEST => return Err(Refusal::unreadable("elements nested too deep")),
            _deeper => {}
        }
        if name == "PmtInf" && self.payment.replace(String::new()).is_some() {
            return Err(Refusal::unreadable("more than one PmtInf"));
        }
        if name == "InstdAmt" {
            self.row.currency = attribute(start, "Ccy", |name| name == "Ccy")?;
        }
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), Refusal> {
        self.text.push_str(text);
        if self.text.len() > LONGEST_TEXT {
            Err(Refusal::unreadable("a text too long"))
        } else {
            Ok(())
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let text = std::mem::take(&mut self.text);
        let path: Vec<&str> = self.path.iter().skip(2).map(String::as_str).collect();
        match path.as_slice() {
            ["PmtInf", ROW] => self.row_ends()?,
            ["PmtInf", ROW, inner @ ..] => self.row.take(inner, text.trim()),
            path => take_heading(
                path,
                text.trim(),
                &mut self.message,
                &mut self.payment,
                &mut self.debtor,
            ),
        }
        self.take_total(text.trim())?;
        self.path.pop();
        Ok(())
    }

    fn take_total(&mut self, text: &str) -> Result<(), Refusal> {
        let path: Vec<&str> = self.path.iter().skip(2).map(String::as_str).collect();
        match path.as_slice() {
            ["GrpHdr" | "PmtInf", "NbOfTxs"] => {
                self.stated_rows.push(
                    text.parse()
                        .map_err(|_| Refusal::unreadable("NbOfTxs is not a number"))?,
                );
            }
            ["GrpHdr" | "PmtInf", "CtrlSum"] => {
                let sum = Fen::from_yuan(text)
                    .ok_or_else(|| Refusal::unreadable("CtrlSum is not an amount of yuan"))?;
                self.stated_sums.push(sum);
            }
            _elsewhere => {}
        }
        Ok(())
    }

    fn row_ends(&mut self) -> Result<(), Refusal> {
        let number = u32::try_from(self.rows.len() + 1).unwrap_or(u32::MAX);
        if number > self.limit {
            return Err(Refusal::unreadable(format!(
                "more than {} rows",
                self.limit
            )));
        }
        let row = std::mem::take(&mut self.row).finish(number)?;
        if !self.seen.insert(row.row_ref.clone()) {
            return Err(Refusal::unreadable(format!(
                "row {number}: an EndToEndId that came before"
            )));
        }
        self.rows.push(row);
        Ok(())
    }

    fn finish(self) -> Result<Instruction, Refusal> {
        let name = self.namespace.rsplit(':').next().unwrap_or_default();
        let complaint = if !name.starts_with("pain.001.001.") {
            "not a pain.001"
        } else if !self.path.is_empty() {
            "the document breaks off"
        } else if !is_reference(&self.message, 35) || self.payment.as_ref() != Some(&self.message) {
            "MsgId and PmtInfId must be the same, 1 to 35 of A-Z and 0-9"
        } else if self.stated_rows.is_empty() || self.stated_sums.is_empty() {
            "NbOfTxs or CtrlSum is missing"
        } else if self.rows.is_empty() {
            "no payments"
        } else if self.debtor.is_empty() {
            "no debtor account"
        } else {
            return Ok(Instruction {
                message_name: name.to_owned(),
                reference: self.message,
                debtor: self.debtor,
                stated_rows: self.stated_rows,
                stated_sums: self.stated_sums,
                rows: self.rows,
            });
        };
        Err(Refusal::unreadable(complaint))
    }
}

fn take_heading(
    path: &[&str],
    text: &str,
    message: &mut String,
    payment: &mut Option<String>,
    debtor: &mut String,
) {
    match path {
        ["GrpHdr", "MsgId"] => text.clone_into(message),
        ["PmtInf", "PmtInfId"] => *payment = Some(text.to_owned()),
        ["PmtInf", "DbtrAcct", "Id", "IBAN"] | ["PmtInf", "DbtrAcct", "Id", "Othr", "Id"] => {
            text.clone_into(debtor)
        }
        _elsewhere => {}
    }
}

impl Draft {
    fn take(&mut self, path: &[&str], text: &str) {
        match path {
            ["PmtId", "EndToEndId"] => text.clone_into(&mut self.reference),
            ["Amt", "InstdAmt"] => self.amount = Fen::from_yuan(text),
            ["Cdtr", "Nm"] => text.clone_into(&mut self.name),
            ["CdtrAcct", "Id", "IBAN"] | ["CdtrAcct", "Id", "Othr", "Id"] => {
                text.clone_into(&mut self.account)
            }
            _elsewhere => {}
        }
    }

    fn finish(self, number: u32) -> Result<Row, Refusal> {
        let wrong = |what: &str| Refusal::unreadable(format!("row {number}: {what}"));
        let amount = self
            .amount
            .filter(|amount| *amount > Fen::ZERO)
            .ok_or_else(|| wrong("no amount above nought"))?;
        if self.currency != "CNY" {
            return Err(wrong("the currency is not CNY"));
        }
        let reference = &self.reference;
        if !(1..=35).contains(&reference.chars().count()) || reference.contains(char::is_control) {
            return Err(wrong("EndToEndId must have 1 to 35 printable characters"));
        }
        if self.account.is_empty() || self.name.is_empty() {
            return Err(wrong("payee without account or name"));
        }
        Ok(Row {
            number,
            row_ref: self.reference,
            account: self.account,
            name: self.name,
            amount,
        })
    }
}

fn attribute(
    start: &BytesStart<'_>,
    what: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<String, Refusal> {
    for attribute in start.attributes() {
        let attribute =
            attribute.map_err(|_| Refusal::unreadable(format!("bad attributes beside {what}")))?;
        if wanted(attribute.key.as_ref()) {
            return Ok(attribute.value.to_string());
        }
    }
    Ok(String::new())
}
