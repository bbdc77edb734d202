//! Reads one `TxDtls` of a booking, and the small elements that it shares with its entry. It judges nothing.

use wagegate_domain::adapter::DecodeError;

use crate::status::{Cause, join};
use crate::values::{Amount, account, only, push_cause, reference};
use crate::xml::Xml;

/// Which way money went, seen from the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It came.
    Credit,
    /// It went.
    Debit,
}

impl Side {
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "CRDT" => Some(Self::Credit),
            "DBIT" => Some(Self::Debit),
            _neither => None,
        }
    }
}

/// One `TxDtls`.
#[derive(Default)]
pub(crate) struct Detail {
    /// `PmtInfId`, else `MsgId`.
    pub(crate) instruction: Option<String>,
    /// `EndToEndId`, else `InstrId`.
    pub(crate) reference: Option<String>,
    pub(crate) bank_reference: Option<String>,
    pub(crate) amount: Amount,
    pub(crate) side: Option<Side>,
    pub(crate) transaction_code: String,
    pub(crate) creditor: Option<String>,
    pub(crate) debtor: Option<String>,
    /// `RtrInf` is there, whatever it says.
    pub(crate) returned: bool,
    pub(crate) causes: Vec<Cause>,
    pub(crate) text: String,
}

/// `Btch`: what is said of all details of an entry.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) side: Option<Side>,
    pub(crate) instruction: Option<String>,
}

pub(crate) fn batch(xml: &mut Xml<'_>) -> Result<Batch, DecodeError> {
    let mut batch = Batch::default();
    let mut message = None;
    while xml.child()? {
        match xml.name() {
            "PmtInfId" => batch.instruction = reference(xml.text()?),
            "MsgId" => message = reference(xml.text()?),
            "CdtDbtInd" => batch.side = Side::read(xml.text()?),
            _ => xml.skip()?,
        }
    }
    batch.instruction = batch.instruction.or(message);
    Ok(batch)
}

pub(crate) fn detail(xml: &mut Xml<'_>) -> Result<Detail, DecodeError> {
    let mut detail = Detail::default();
    let mut other = Amount::Absent;
    while xml.child()? {
        match xml.name() {
            "Refs" => references(xml, &mut detail)?,
            "Amt" => detail.amount = Amount::read(xml)?,
            "AmtDtls" => other = amounts(xml)?,
            "CdtDbtInd" => detail.side = Side::read(xml.text()?),
            "BkTxCd" => detail.transaction_code = transaction_code(xml)?,
            "RltdPties" => parties(xml, &mut detail)?,
            "RtrInf" => {
                detail.returned = true;
                push_cause(xml, &mut detail.causes)?;
            }
            "AddtlTxInf" => join(&mut detail.text, xml.text()?),
            _ => xml.skip()?,
        }
    }
    detail.amount = detail.amount.or(other);
    Ok(detail)
}

fn references(xml: &mut Xml<'_>, detail: &mut Detail) -> Result<(), DecodeError> {
    let (mut message, mut instruction_id) = (None, None);
    while xml.child()? {
        match xml.name() {
            "MsgId" => message = reference(xml.text()?),
            "PmtInfId" => detail.instruction = reference(xml.text()?),
            "InstrId" => instruction_id = reference(xml.text()?),
            "EndToEndId" => detail.reference = reference(xml.text()?),
            "AcctSvcrRef" => detail.bank_reference = reference(xml.text()?),
            _ => xml.skip()?,
        }
    }
    detail.instruction = detail.instruction.take().or(message);
    detail.reference = detail.reference.take().or(instruction_id);
    Ok(())
}

/// `AmtDtls`: what was booked, else what was instructed.
fn amounts(xml: &mut Xml<'_>) -> Result<Amount, DecodeError> {
    let (mut booked, mut instructed) = (Amount::Absent, Amount::Absent);
    while xml.child()? {
        match xml.name() {
            "TxAmt" => booked = inner_amount(xml)?,
            "InstdAmt" => instructed = inner_amount(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(booked.or(instructed))
}

fn inner_amount(xml: &mut Xml<'_>) -> Result<Amount, DecodeError> {
    let mut amount = Amount::Absent;
    while xml.child()? {
        match xml.name() {
            "Amt" => amount = Amount::read(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(amount)
}

fn parties(xml: &mut Xml<'_>, detail: &mut Detail) -> Result<(), DecodeError> {
    while xml.child()? {
        match xml.name() {
            "CdtrAcct" => detail.creditor = account(xml)?,
            "DbtrAcct" => detail.debtor = account(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

/// The code of a booking as `PMNT/ICDT/RRTN`, or the bank's own code where that is all.
pub(crate) fn transaction_code(xml: &mut Xml<'_>) -> Result<String, DecodeError> {
    let (mut domain, mut own) = (String::new(), None);
    while xml.child()? {
        match xml.name() {
            "Domn" => domain = domain_code(xml)?,
            "Prtry" => own = only(xml, "Cd")?,
            _ => xml.skip()?,
        }
    }
    let known = !domain.is_empty();
    Ok(match own {
        Some(own) if known => format!("{domain} {own}"),
        Some(own) => own,
        None => domain,
    })
}

fn domain_code(xml: &mut Xml<'_>) -> Result<String, DecodeError> {
    let mut code = String::new();
    while xml.child()? {
        match xml.name() {
            "Cd" | "SubFmlyCd" => push_code(&mut code, xml.text()?),
            "Fmly" => push_code(&mut code, &domain_code(xml)?),
            _ => xml.skip()?,
        }
    }
    Ok(code)
}

fn push_code(code: &mut String, part: &str) {
    if !code.is_empty() {
        code.push('/');
    }
    code.push_str(part);
}
