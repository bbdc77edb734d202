//! Writes pain.001: one payment group for a salary run in CNY, from slices of bytes, in constant memory.
//!
//! What the schema cannot check is checked here: references of capitals and digits, rows in order, count and sum.

use std::io::{BufWriter, Write};

use wagegate_domain::Fen;
use wagegate_domain::adapter::{EncodeError, Order, Payment};

use crate::profile::{Instruction, Profile, Version};

const BUFFER: usize = 64 * 1024;
/// Max35Text, which every reference is.
const LONGEST_REFERENCE: usize = 35;
/// Max140Text, which the debtor's name is.
const LONGEST_ACCOUNT_NAME: usize = 140;
/// For what is wrong above the payments.
const ORDER: u32 = 0;

pub(crate) fn encode(
    profile: &Profile,
    order: &Order,
    payments: &mut dyn Iterator<Item = Payment>,
    out: &mut dyn Write,
) -> Result<(), EncodeError> {
    check_order(profile, order)?;
    let mut out = BufWriter::with_capacity(BUFFER, out);
    write_head(&mut out, profile, order)?;
    let (mut count, mut total, mut last) = (0_u32, Fen::ZERO, 0);
    for payment in payments {
        check_payment(&profile.instruction, &payment, last)?;
        last = payment.sequence;
        count = count.saturating_add(1);
        total = total
            .checked_add(payment.amount)
            .ok_or_else(|| unfit(last, "amount", "the sum is out of range"))?;
        write_payment(&mut out, &payment)?;
    }
    if (count, total) != (order.count, order.total) {
        return Err(EncodeError::Totals {
            expected_count: order.count,
            expected_total: order.total,
            count,
            total,
        });
    }
    out.write_all(b"</PmtInf></CstmrCdtTrfInitn></Document>\n")?;
    Ok(out.flush()?)
}

fn write_head(out: &mut impl Write, profile: &Profile, order: &Order) -> Result<(), EncodeError> {
    let key = &order.bank_key;
    let name = quick_xml::escape::partial_escape(order.account_name.as_str());
    let totals = format!(
        "<NbOfTxs>{}</NbOfTxs><CtrlSum>{}</CtrlSum>",
        order.count, order.total
    );
    let version = profile.instruction.version;
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    write!(
        out,
        r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{}"><CstmrCdtTrfInitn>"#,
        version.name()
    )?;
    writeln!(
        out,
        "<GrpHdr><MsgId>{key}</MsgId><CreDtTm>{}+08:00</CreDtTm>{totals}<InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>",
        order.created.strftime("%Y-%m-%dT%H:%M:%S")
    )?;
    write!(
        out,
        "<PmtInf><PmtInfId>{key}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>{}</BtchBookg>{totals}",
        profile.instruction.batch_booking
    )?;
    write!(
        out,
        "<PmtTpInf><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>"
    )?;
    match version {
        Version::V03 => write!(out, "<ReqdExctnDt>{}</ReqdExctnDt>", order.value_date)?,
        Version::V09 => write!(
            out,
            "<ReqdExctnDt><Dt>{}</Dt></ReqdExctnDt>",
            order.value_date
        )?,
    }
    write!(
        out,
        "<Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><Othr><Id>{}</Id></Othr></Id></DbtrAcct>",
        order.account.clear()
    )?;
    writeln!(
        out,
        "<DbtrAgt>{AGENT_OPENS}{}{AGENT_CLOSES}</DbtrAgt>",
        profile.bank.cnaps
    )?;
    Ok(())
}

const AGENT_OPENS: &str = "<FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>";
const AGENT_CLOSES: &str = "</MmbId></ClrSysMmbId></FinInstnId>";

fn write_payment(out: &mut impl Write, payment: &Payment) -> Result<(), EncodeError> {
    let fen = payment.amount.get();
    write!(
        out,
        r#"<CdtTrfTxInf><PmtId><EndToEndId>{}</EndToEndId></PmtId><Amt><InstdAmt Ccy="CNY">{}.{:02}</InstdAmt></Amt>"#,
        payment.reference,
        fen / 100,
        fen % 100
    )?;
    if let Some(cnaps) = &payment.cnaps {
        for part in [
            "<CdtrAgt>",
            AGENT_OPENS,
            cnaps.as_str(),
            AGENT_CLOSES,
            "</CdtrAgt>",
        ] {
            out.write_all(part.as_bytes())?;
        }
    }
    let name = quick_xml::escape::partial_escape(payment.name.clear());
    for part in [
        "<Cdtr><Nm>",
        &name,
        "</Nm></Cdtr><CdtrAcct><Id><Othr><Id>",
        payment.account.clear(),
        "</Id></Othr></Id></CdtrAcct>",
    ] {
        out.write_all(part.as_bytes())?;
    }
    if !payment.remark.is_empty() {
        let remark = quick_xml::escape::partial_escape(payment.remark.as_str());
        write!(out, "<RmtInf><Ustrd>{remark}</Ustrd></RmtInf>")?;
    }
    out.write_all(b"</CdtTrfTxInf>\n")?;
    Ok(())
}

fn check_order(profile: &Profile, order: &Order) -> Result<(), EncodeError> {
    check_reference(ORDER, "bank key", &order.bank_key)?;
    check_text(
        ORDER,
        "account name",
        &order.account_name,
        LONGEST_ACCOUNT_NAME,
    )?;
    if order.account_name.is_empty() {
        return Err(unfit(ORDER, "account name", "it is empty"));
    }
    check_text(
        ORDER,
        "account",
        order.account.clear(),
        profile.instruction.account_max,
    )
}

fn check_payment(limits: &Instruction, payment: &Payment, last: u32) -> Result<(), EncodeError> {
    let sequence = payment.sequence;
    if sequence <= last {
        return Err(unfit(
            sequence,
            "sequence",
            "rows must come in order, each once",
        ));
    }
    if !payment.amount.is_positive() {
        return Err(unfit(sequence, "amount", "it is not above nought"));
    }
    check_reference(sequence, "reference", &payment.reference)?;
    check_text(sequence, "name", payment.name.clear(), limits.name_max)?;
    check_text(
        sequence,
        "account",
        payment.account.clear(),
        limits.account_max,
    )?;
    check_text(sequence, "remark", &payment.remark, limits.remark_max)
}

/// Capitals and digits: the only characters that every bank takes in a reference and gives back unchanged.
fn check_reference(sequence: u32, field: &'static str, text: &str) -> Result<(), EncodeError> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if plain && (1..=LONGEST_REFERENCE).contains(&text.len()) {
        Ok(())
    } else {
        Err(unfit(sequence, field, "it must be 1 to 35 of A-Z and 0-9"))
    }
}

/// Lengths count characters, not bytes: that is how the schema counts.
fn check_text(
    sequence: u32,
    field: &'static str,
    text: &str,
    most: usize,
) -> Result<(), EncodeError> {
    if text.len() > most && text.chars().count() > most {
        let why = format!("it has more than {most} characters");
        return Err(EncodeError::Unfit {
            sequence,
            field,
            why,
        });
    }
    if text.chars().any(is_no_text) {
        return Err(unfit(
            sequence,
            field,
            "it has a character that no bank file can hold",
        ));
    }
    if text.trim().len() != text.len() {
        return Err(unfit(
            sequence,
            field,
            "it begins or ends with a space, which banks drop",
        ));
    }
    Ok(())
}

/// What XML 1.0 cannot hold, controls that it could, and the sign for a lost character.
const fn is_no_text(c: char) -> bool {
    matches!(c, '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FFFD}'..='\u{FFFF}')
}

fn unfit(sequence: u32, field: &'static str, why: &str) -> EncodeError {
    EncodeError::Unfit {
        sequence,
        field,
        why: why.to_owned(),
    }
}
