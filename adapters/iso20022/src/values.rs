//! The small values inside a bank's document: amounts exactly, references without placeholders, causes.

use rust_decimal::Decimal;
use wagegate_domain::Fen;
use wagegate_domain::adapter::DecodeError;

use crate::status::{Cause, join};
use crate::xml::Xml;

/// The only currency of wages.
pub(crate) const CURRENCY: &str = "CNY";

/// More reasons for one status than any bank gives.
const MOST_CAUSES: usize = 64;

/// An amount as a document gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Amount {
    /// None given.
    #[default]
    Absent,
    /// Whole fen.
    Fen(Fen),
    /// Something that is no amount of whole fen in yuan.
    Odd,
}

impl Amount {
    /// Reads the amount element that was found; where it names no currency, the document's own is meant.
    pub(crate) fn read(xml: &mut Xml<'_>) -> Result<Self, DecodeError> {
        let ours = matches!(xml.currency(), "" | CURRENCY);
        let fen = fen(xml.text()?);
        Ok(fen.filter(|_| ours).map_or(Self::Odd, Self::Fen))
    }

    pub(crate) const fn fen(self) -> Option<Fen> {
        match self {
            Self::Fen(fen) => Some(fen),
            Self::Absent | Self::Odd => None,
        }
    }

    /// This one, or where it is absent the other.
    pub(crate) const fn or(self, other: Self) -> Self {
        match self {
            Self::Absent => other,
            Self::Fen(_) | Self::Odd => self,
        }
    }
}

/// Reads an `xs:decimal` of yuan exactly: `1559.54`, `+1559.54000`, `.5`; no sign below nought, no exponent, no fraction of a fen.
pub(crate) fn fen(text: &str) -> Option<Fen> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let decimal = Decimal::from_str_exact(digits).ok().filter(|_| plain)?;
    Fen::from_yuan(decimal).ok()
}

/// A reference, or `None` where the bank writes a placeholder instead.
pub(crate) fn reference(text: &str) -> Option<String> {
    let empty = text.is_empty() || text.chars().all(|c| c == '-' || c == '0' || c == '/');
    let placeholder = ["NOTPROVIDED", "NOT PROVIDED", "NONREF", "N/A", "NA"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    (!empty && !placeholder).then(|| text.to_owned())
}

/// Reads a `StsRsnInf` or `RtrInf` and keeps it, if there are not too many.
pub(crate) fn push_cause(xml: &mut Xml<'_>, causes: &mut Vec<Cause>) -> Result<(), DecodeError> {
    let cause = cause(xml)?;
    if causes.len() < MOST_CAUSES {
        causes.push(cause);
    }
    Ok(())
}

/// The first versions call its parts by longer names.
fn cause(xml: &mut Xml<'_>) -> Result<Cause, DecodeError> {
    let mut cause = Cause::default();
    while xml.child()? {
        match xml.name() {
            "Rsn" | "StsRsn" | "RtrRsn" => reason(xml, &mut cause)?,
            "AddtlInf" | "AddtlStsRsnInf" | "AddtlRtrRsnInf" => join(&mut cause.text, xml.text()?),
            _ => xml.skip()?,
        }
    }
    Ok(cause)
}

fn reason(xml: &mut Xml<'_>, cause: &mut Cause) -> Result<(), DecodeError> {
    while xml.child()? {
        cause.proprietary = xml.name() == "Prtry";
        xml.text()?.clone_into(&mut cause.code);
    }
    Ok(())
}

/// Reads the number inside an account element: `Id/IBAN`, `Id/Othr/Id` or, in the first versions, `Id/PrtryAcct/Id`.
pub(crate) fn account(xml: &mut Xml<'_>) -> Result<Option<String>, DecodeError> {
    let mut number = None;
    while xml.child()? {
        match xml.name() {
            "Id" => number = identification(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(number)
}

fn identification(xml: &mut Xml<'_>) -> Result<Option<String>, DecodeError> {
    let mut number = None;
    while xml.child()? {
        match xml.name() {
            "IBAN" | "BBAN" => number = Some(xml.text()?.to_owned()),
            "Othr" | "PrtryAcct" => number = only(xml, "Id")?,
            _ => xml.skip()?,
        }
    }
    Ok(number)
}

/// Reads an element of which one child matters, and gives that one's text as it stands.
pub(crate) fn only(xml: &mut Xml<'_>, name: &str) -> Result<Option<String>, DecodeError> {
    let mut text = None;
    while xml.child()? {
        if xml.name() == name {
            text = Some(xml.text()?.to_owned());
        } else {
            xml.skip()?;
        }
    }
    Ok(text)
}
