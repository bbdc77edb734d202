//! Reads a pain.001 of ours from its bytes alone, so that it can be compared with the batch before it may be sent.
//!
//! It shares nothing with the writer and is strict where reading a bank's documents is tolerant: what we would not write is an error.

use std::io::BufRead;

use wagegate_domain::Fen;
use wagegate_domain::adapter::{DecodeError, ReadBack, ReadBackOrder};
use wagegate_domain::plan::parse_reference;

use crate::values::{CURRENCY, account, fen, only};
use crate::xml::Xml;

/// Name, count and sum, as they stand over the message and again over its payment group.
#[derive(Default, PartialEq, Eq)]
struct Heading {
    name: String,
    count: Option<u64>,
    total: Option<Fen>,
}

pub(crate) fn read_back(
    input: &mut dyn BufRead,
    each: &mut dyn FnMut(ReadBack),
) -> Result<ReadBackOrder, DecodeError> {
    let mut xml = Xml::new(input)?;
    let (mut message, mut group) = (Heading::default(), None);
    while xml.seek()? {
        match xml.name() {
            "GrpHdr" => {
                while xml.child()? {
                    heading(&mut xml, "MsgId", &mut message)?;
                }
            }
            "PmtInf" if group.is_none() => group = Some(payment_group(&mut xml, &message, each)?),
            "PmtInf" => return Err(xml.broken("more than one payment group")),
            _ => {}
        }
    }
    match (group, message) {
        (
            Some((group, account)),
            Heading {
                name,
                count: Some(count),
                total: Some(total),
            },
        ) if (&group.name, group.count, group.total) == (&name, Some(count), Some(total)) => {
            Ok(ReadBackOrder {
                bank_key: name,
                account,
                count,
                total,
            })
        }
        _ => Err(xml.broken("the message and its payment group do not say the same")),
    }
}

/// Reads the child that was found, if it belongs to the heading.
fn heading(xml: &mut Xml<'_>, id: &str, heading: &mut Heading) -> Result<(), DecodeError> {
    match xml.name() {
        "NbOfTxs" => heading.count = xml.text()?.parse().ok(),
        "CtrlSum" => heading.total = fen(xml.text()?),
        name if name == id => xml.text()?.clone_into(&mut heading.name),
        _ => xml.skip()?,
    }
    Ok(())
}

fn payment_group(
    xml: &mut Xml<'_>,
    message: &Heading,
    each: &mut dyn FnMut(ReadBack),
) -> Result<(Heading, String), DecodeError> {
    let (mut group, mut debtor) = (Heading::default(), None);
    while xml.child()? {
        match xml.name() {
            "DbtrAcct" => debtor = account(xml)?,
            "CdtTrfTxInf" => each(payment(xml, &message.name)?),
            _ => heading(xml, "PmtInfId", &mut group)?,
        }
    }
    let debtor = debtor.ok_or_else(|| xml.broken("no account that pays"))?;
    Ok((group, debtor))
}

fn payment(xml: &mut Xml<'_>, key: &str) -> Result<ReadBack, DecodeError> {
    let (mut reference, mut payee, mut name, mut amount) = (None, None, None, None);
    while xml.child()? {
        match xml.name() {
            "PmtId" => reference = only(xml, "EndToEndId")?,
            "Amt" => amount = instructed(xml)?,
            "Cdtr" => name = only(xml, "Nm")?,
            "CdtrAcct" => payee = account(xml)?,
            _ => xml.skip()?,
        }
    }
    let sequence = reference
        .as_deref()
        .and_then(parse_reference)
        .filter(|(of, _)| *of == key)
        .map(|(_, sequence)| sequence);
    match (sequence, payee, name, amount) {
        (Some(sequence), Some(account), Some(name), Some(amount)) => Ok(ReadBack {
            sequence,
            account,
            name,
            amount,
        }),
        _ => Err(xml.broken(
            "a payment without a reference of this instruction, an account, a name or an amount",
        )),
    }
}

fn instructed(xml: &mut Xml<'_>) -> Result<Option<Fen>, DecodeError> {
    let mut amount = None;
    while xml.child()? {
        let yuan = xml.name() == "InstdAmt" && xml.currency() == CURRENCY;
        amount = fen(xml.text()?).filter(|_| yuan);
    }
    Ok(amount)
}
