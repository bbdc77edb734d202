//! Reads pain.002, the bank's report on an instruction, in any of its versions; rows are told as they come, the rest at the end.

use wagegate_domain::adapter::DecodeError;
use wagegate_domain::fact::{ItemRefs, Told, Verdict};

use crate::level::{Counted, Level};
use crate::status::{Cause, Reasons, Status, status};
use crate::values::{Amount, account, fen, push_cause, reference};
use crate::xml::Xml;

/// More counts by status than any code list has statuses.
const MOST_COUNTS: usize = 64;

/// Reads one report to its end.
pub(crate) fn read(
    xml: &mut Xml<'_>,
    asked: Option<&str>,
    reasons: &Reasons,
    tell: &mut dyn FnMut(Told),
) -> Result<(), DecodeError> {
    let mut report = Report {
        asked,
        reasons,
        tell,
        group: Level::default(),
        message: None,
        spoken: false,
        heading: false,
        rows: 0,
    };
    while xml.child()? {
        match xml.name() {
            "GrpHdr" => {
                report.heading = true;
                xml.skip()?;
            }
            "OrgnlGrpInfAndSts" => report.group(xml)?,
            "OrgnlPmtInfAndSts" => report.payment_group(xml)?,
            "TxInfAndSts" => report.row(xml, &mut Level::default())?,
            _ => xml.skip()?,
        }
    }
    report.finish();
    Ok(())
}

struct Report<'a> {
    asked: Option<&'a str>,
    reasons: &'a Reasons,
    tell: &'a mut dyn FnMut(Told),
    /// The message as a whole.
    group: Level,
    /// `OrgnlMsgId`.
    message: Option<String>,
    /// A payment group has said something about payments that are not listed.
    spoken: bool,
    heading: bool,
    rows: u64,
}

#[derive(Default)]
struct Row {
    /// Only the second version names the instruction here.
    instruction: Option<String>,
    end_to_end: Option<String>,
    instruction_id: Option<String>,
    bank_reference: Option<String>,
    account: Option<String>,
    amount: Amount,
    status: String,
    causes: Vec<Cause>,
}

impl Report<'_> {
    fn group(&mut self, xml: &mut Xml<'_>) -> Result<(), DecodeError> {
        self.conclude_group();
        self.group = Level::default();
        self.message = None;
        while xml.child()? {
            match xml.name() {
                "OrgnlMsgId" => self.message = reference(xml.text()?),
                _ => level_part(xml, &mut self.group)?,
            }
        }
        self.group.instruction.clone_from(&self.message);
        Ok(())
    }

    fn payment_group(&mut self, xml: &mut Xml<'_>) -> Result<(), DecodeError> {
        let mut level = Level {
            instruction: self.message.clone(),
            ..Level::default()
        };
        while xml.child()? {
            match xml.name() {
                "OrgnlPmtInfId" => level.instruction = self.key(reference(xml.text()?)),
                "TxInfAndSts" => self.row(xml, &mut level)?,
                _ => level_part(xml, &mut level)?,
            }
        }
        let counted_above = !self.group.counts.is_empty() && level.counts.is_empty();
        let partly = status(&level.status) == Status::Part;
        if !(counted_above && partly) {
            self.spoken |= level.conclude(self.reasons, self.tell);
        }
        Ok(())
    }

    /// Our instructions have one payment group of the same name as the message; of the two names the one that was asked for counts.
    fn key(&self, payment_group: Option<String>) -> Option<String> {
        let asked = |name: &Option<String>| name.is_some() && name.as_deref() == self.asked;
        if payment_group.is_none() || (asked(&self.message) && !asked(&payment_group)) {
            self.message.clone()
        } else {
            payment_group
        }
    }

    fn row(&mut self, xml: &mut Xml<'_>, level: &mut Level) -> Result<(), DecodeError> {
        let mut row = Row::default();
        while xml.child()? {
            match xml.name() {
                "OrgnlPmtInfId" => row.instruction = self.key(reference(xml.text()?)),
                "OrgnlEndToEndId" => row.end_to_end = reference(xml.text()?),
                "OrgnlInstrId" => row.instruction_id = reference(xml.text()?),
                "AcctSvcrRef" => row.bank_reference = reference(xml.text()?),
                "TxSts" => xml.text()?.clone_into(&mut row.status),
                "StsRsnInf" => push_cause(xml, &mut row.causes)?,
                "OrgnlTxRef" => original(xml, &mut row)?,
                _ => xml.skip()?,
            }
        }
        self.rows += 1;
        if row.status.is_empty() {
            row.status = self.inherited(level);
        }
        level.listed.add(&row.status);
        self.group.listed.add(&row.status);
        self.tell_row(row, level);
        Ok(())
    }

    /// A row without a status has the one above it, unless that one pays: nobody is paid by inheritance.
    fn inherited(&self, level: &Level) -> String {
        let above = if level.status.is_empty() {
            &self.group.status
        } else {
            &level.status
        };
        match status(above) {
            Status::Absent | Status::Part | Status::Other(Verdict::Paid) => String::new(),
            Status::Refused | Status::Other(_) => above.clone(),
        }
    }

    fn tell_row(&mut self, row: Row, level: &Level) {
        let causes = [&row.causes, &level.causes, &self.group.causes];
        let above = [&row.status, &level.status, &self.group.status];
        // The reason above explains a row only where the same status stands there.
        let causes = causes
            .into_iter()
            .zip(above)
            .find(|(causes, of)| !causes.is_empty() && **of == row.status)
            .map_or(&row.causes, |(causes, _)| causes);
        let (verdict, bank) = self.reasons.of_status(&row.status, causes);
        let named = row.instruction.or_else(|| level.instruction.clone());
        let instruction = named.or_else(|| self.message.clone());
        let refs = ItemRefs {
            instruction: instruction.or_else(|| self.asked.map(str::to_owned)),
            reference: row.end_to_end.or(row.instruction_id),
            sequence: None,
            account: row.account,
            bank_reference: row.bank_reference,
        };
        let fault = match row.amount {
            Amount::Odd => Some("its amount is not one of whole fen in yuan"),
            Amount::Absent | Amount::Fen(_) => nameless(&refs, row.amount),
        };
        let amount = row.amount.fen();
        (self.tell)(match fault {
            None => Told::Item {
                refs,
                verdict,
                amount,
                bank,
            },
            Some(why) => Told::Parked {
                refs,
                amount,
                why: format!("row {} of the report: {why}", self.rows),
                bank,
            },
        });
    }

    fn finish(mut self) {
        if !self.heading {
            (self.tell)(Told::Remark("the report has no GrpHdr".to_owned()));
        }
        if self.message.is_none() {
            (self.tell)(Told::Remark("the report names no OrgnlMsgId".to_owned()));
        }
        self.conclude_group();
    }

    /// The message level speaks where no payment group has spoken of payments that are not listed.
    fn conclude_group(&mut self) {
        if !self.spoken {
            self.group.conclude(self.reasons, self.tell);
        }
        self.spoken = false;
    }
}

/// Why a row cannot be found by what it names; `None` where it can be looked for.
pub(crate) fn nameless(refs: &ItemRefs, amount: Amount) -> Option<&'static str> {
    let last_resort =
        refs.instruction.is_some() && refs.account.is_some() && amount.fen().is_some();
    let named = refs.reference.is_some() || refs.bank_reference.is_some();
    (!named && !last_resort).then_some("it names no payment")
}

fn level_part(xml: &mut Xml<'_>, level: &mut Level) -> Result<(), DecodeError> {
    match xml.name() {
        "OrgnlNbOfTxs" => level.rows = xml.text()?.parse().ok(),
        "OrgnlCtrlSum" => level.total = fen(xml.text()?),
        "GrpSts" | "PmtInfSts" => xml.text()?.clone_into(&mut level.status),
        "StsRsnInf" => push_cause(xml, &mut level.causes)?,
        "NbOfTxsPerSts" => {
            let counted = counted(xml)?;
            if level.counts.len() == MOST_COUNTS {
                return Err(xml.broken("more counts by status than any code list has"));
            }
            level.counts.push(counted);
        }
        _ => xml.skip()?,
    }
    Ok(())
}

fn counted(xml: &mut Xml<'_>) -> Result<Counted, DecodeError> {
    let mut counted = Counted::default();
    while xml.child()? {
        match xml.name() {
            "DtldNbOfTxs" => counted.rows = xml.text()?.parse().ok(),
            "DtldSts" => xml.text()?.clone_into(&mut counted.status),
            "DtldCtrlSum" => counted.total = fen(xml.text()?),
            _ => xml.skip()?,
        }
    }
    Ok(counted)
}

fn original(xml: &mut Xml<'_>, row: &mut Row) -> Result<(), DecodeError> {
    while xml.child()? {
        match xml.name() {
            "Amt" => row.amount = instructed(xml)?,
            "CdtrAcct" => row.account = account(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn instructed(xml: &mut Xml<'_>) -> Result<Amount, DecodeError> {
    let mut amount = Amount::Absent;
    while xml.child()? {
        match xml.name() {
            "InstdAmt" => amount = Amount::read(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(amount)
}
