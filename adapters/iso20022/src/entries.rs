//! Reads camt.054, and camt.053 and camt.052 alike: of all bookings only returns concern a wage, and a return is a booked credit.
//!
//! Deposits and debits are counted in a remark and not told: the gateway learns of deposits elsewhere.

use wagegate_domain::adapter::DecodeError;
use wagegate_domain::fact::{BankCode, ItemRefs, Told};

use crate::detail::{Detail, Side, batch, detail, transaction_code};
use crate::held::{Return, Returns};
use crate::profile::Returning;
use crate::status::{Cause, Reasons, join};
use crate::values::{Amount, account, reference};
use crate::xml::Xml;

/// What reading entries needs from the bank's profile.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) reasons: &'a Reasons,
    pub(crate) returning: &'a Returning,
}

/// Reads one message (`BkToCstmrDbtCdtNtfctn`, `BkToCstmrStmt`, `BkToCstmrAcctRpt`) to its end.
pub(crate) fn read(
    xml: &mut Xml<'_>,
    rules: Rules<'_>,
    tell: &mut dyn FnMut(Told),
) -> Result<(), DecodeError> {
    let mut heading = false;
    let mut entries = Entries {
        rules,
        tell,
        own_account: None,
        number: 0,
        ordinary: 0,
        unbooked: 0,
    };
    while xml.child()? {
        match xml.name() {
            "GrpHdr" => {
                heading = true;
                xml.skip()?;
            }
            "Ntfctn" | "Stmt" | "Rpt" => entries.statement(xml)?,
            _ => xml.skip()?,
        }
    }
    if !heading {
        (entries.tell)(Told::Remark("the notification has no GrpHdr".to_owned()));
    }
    Ok(())
}

struct Entries<'a> {
    rules: Rules<'a>,
    tell: &'a mut dyn FnMut(Told),
    /// The account that the statement is about.
    own_account: Option<String>,
    /// Of the entry being read, from 1.
    number: u64,
    /// Transactions that are no returns.
    ordinary: u64,
    /// Transactions that are not booked.
    unbooked: u64,
}

/// What stands over the details of an entry.
#[derive(Default)]
struct Entry {
    amount: Amount,
    side: Option<Side>,
    reversal: bool,
    status: String,
    bank_reference: Option<String>,
    transaction_code: String,
    text: String,
    details: u64,
    /// `Btch`: which instruction the details belong to.
    instruction: Option<String>,
}

impl Entries<'_> {
    fn statement(&mut self, xml: &mut Xml<'_>) -> Result<(), DecodeError> {
        self.own_account = None;
        while xml.child()? {
            match xml.name() {
                "Acct" => self.own_account = account(xml)?,
                "Ntry" => self.entry(xml)?,
                _ => xml.skip()?,
            }
        }
        self.remark(
            self.ordinary,
            "transactions are bookings that return no wage",
        );
        self.remark(
            self.unbooked,
            "transactions are announced and not booked yet",
        );
        (self.ordinary, self.unbooked) = (0, 0);
        Ok(())
    }

    fn remark(&mut self, count: u64, what: &str) {
        if count > 0 {
            (self.tell)(Told::Remark(format!("{count} {what}")));
        }
    }

    fn entry(&mut self, xml: &mut Xml<'_>) -> Result<(), DecodeError> {
        self.number += 1;
        let mut entry = Entry::default();
        let mut returns = Returns::default();
        while xml.child()? {
            match xml.name() {
                "NtryDtls" => self.details(xml, &mut entry, &mut returns)?,
                // The first version has no NtryDtls around them.
                "TxDtls" => {
                    let side = entry.side;
                    self.one_detail(xml, &mut entry, side, &mut returns)?;
                }
                _ => entry_part(xml, &mut entry)?,
            }
        }
        if entry.details == 0 {
            self.bare(entry);
        } else {
            returns.finish(entry.amount, entry.details, self.tell);
        }
        Ok(())
    }

    fn details(
        &mut self,
        xml: &mut Xml<'_>,
        entry: &mut Entry,
        returns: &mut Returns,
    ) -> Result<(), DecodeError> {
        let mut side = entry.side;
        while xml.child()? {
            match xml.name() {
                "Btch" => {
                    let batch = batch(xml)?;
                    side = batch.side.or(side);
                    entry.instruction = batch.instruction;
                }
                "TxDtls" => self.one_detail(xml, entry, side, returns)?,
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn one_detail(
        &mut self,
        xml: &mut Xml<'_>,
        entry: &mut Entry,
        side: Option<Side>,
        returns: &mut Returns,
    ) -> Result<(), DecodeError> {
        let detail = detail(xml)?;
        entry.details += 1;
        let side = detail.side.or(side);
        returns.count(detail.amount, side == entry.side);
        let code = if detail.transaction_code.is_empty() {
            &entry.transaction_code
        } else {
            &detail.transaction_code
        };
        let is_return = detail.returned || entry.reversal || self.rules.returning.holds(code);
        match (is_return, booked(&entry.status)) {
            (false, true) => self.ordinary += 1,
            (_, false) => self.unbooked += 1,
            (true, true) => {
                let told = self.told(&detail, entry, side);
                returns.hold(told, entry.amount, self.tell);
            }
        }
        Ok(())
    }

    fn told(&self, detail: &Detail, entry: &Entry, side: Option<Side>) -> Return {
        let code = if detail.transaction_code.is_empty() {
            &entry.transaction_code
        } else {
            &detail.transaction_code
        };
        let (verdict, mut bank) = self.rules.reasons.of_return(&detail.causes, code);
        join(&mut bank.text, &detail.text);
        let fault = match side {
            Some(Side::Credit) => None,
            Some(Side::Debit) => Some("a return that takes money from the account"),
            None => Some("a return that does not say whether money came or went"),
        };
        Return {
            refs: self.refs(detail, entry),
            verdict,
            amount: detail.amount,
            bank,
            fault,
            place: format!("entry {}, detail {}", self.number, entry.details),
        }
    }

    fn refs(&self, detail: &Detail, entry: &Entry) -> ItemRefs {
        // In a return some banks keep the roles of the payment, others turn them round: the payee is the side that is not us.
        let payee = [&detail.creditor, &detail.debtor]
            .into_iter()
            .find(|one| one.is_some() && **one != self.own_account);
        ItemRefs {
            instruction: detail
                .instruction
                .clone()
                .or_else(|| entry.instruction.clone()),
            reference: detail.reference.clone(),
            sequence: None,
            account: payee.cloned().flatten(),
            bank_reference: detail
                .bank_reference
                .clone()
                .or_else(|| entry.bank_reference.clone()),
        }
    }

    /// An entry without details: a return that names nobody waits for a person.
    fn bare(&mut self, entry: Entry) {
        let is_return = entry.reversal || self.rules.returning.holds(&entry.transaction_code);
        match (is_return, booked(&entry.status)) {
            (false, true) => self.ordinary += 1,
            (_, false) => self.unbooked += 1,
            (true, true) => (self.tell)(Told::Parked {
                refs: ItemRefs {
                    instruction: entry.instruction,
                    bank_reference: entry.bank_reference,
                    ..ItemRefs::default()
                },
                amount: entry.amount.fen(),
                why: format!(
                    "entry {}: a return without details of what is returned",
                    self.number
                ),
                bank: BankCode {
                    text: entry.text,
                    ..self
                        .rules
                        .reasons
                        .of_return(&[] as &[Cause], &entry.transaction_code)
                        .1
                },
            }),
        }
    }
}

/// Announced (`PDNG`), informative (`INFO`) and future (`FUTR`) entries move no money; one without a status is not known to.
fn booked(status: &str) -> bool {
    status == "BOOK"
}

fn entry_part(xml: &mut Xml<'_>, entry: &mut Entry) -> Result<(), DecodeError> {
    match xml.name() {
        "Amt" => entry.amount = Amount::read(xml)?,
        "CdtDbtInd" => entry.side = Side::read(xml.text()?),
        "RvslInd" => entry.reversal = matches!(xml.text()?, "true" | "1"),
        "Sts" => entry.status = entry_status(xml)?,
        "AcctSvcrRef" => {
            entry.bank_reference = reference(xml.text()?).or(entry.bank_reference.take())
        }
        "NtryRef" => entry.bank_reference = entry.bank_reference.take().or(reference(xml.text()?)),
        "BkTxCd" => entry.transaction_code = transaction_code(xml)?,
        "AddtlNtryInf" => join(&mut entry.text, xml.text()?),
        _ => xml.skip()?,
    }
    Ok(())
}

/// `Sts` holds the code up to version 06 and an element with it later.
fn entry_status(xml: &mut Xml<'_>) -> Result<String, DecodeError> {
    let mut inner = None;
    while xml.child()? {
        match xml.name() {
            "Cd" => inner = reference(xml.text()?),
            _ => xml.skip()?,
        }
    }
    Ok(inner.unwrap_or_else(|| xml.rest_of_text().to_owned()))
}
