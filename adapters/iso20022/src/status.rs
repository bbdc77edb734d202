//! What a bank's codes mean: statuses, and reasons by list, because the same letters mean different things in different lists.
//!
//! From ISO 20022's external code sets, with a profile's own words over them. Nothing here pays on a code that is not listed.

use std::collections::BTreeMap;

use serde::Deserialize;
use wagegate_domain::fact::{BankCode, Verdict};
use wagegate_domain::reason::Reason;

/// Statuses of pain.002.
pub(crate) const STATUS: &str = "pain.002 status";
const STATUS_REASON: &str = "pain.002 status reason";
const STATUS_REASON_OWN: &str = "pain.002 proprietary reason";
const RETURN_REASON: &str = "camt return reason";
const RETURN_REASON_OWN: &str = "camt proprietary return reason";
/// Bank transaction codes of camt, where a return says nothing else.
const TRANSACTION_CODE: &str = "camt bank transaction code";

/// A bank's free text is kept up to here, and says so.
const LONGEST_WORDS: usize = 8 * 1024;

/// One bank's own words over the standard's lists: code to reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reasons {
    /// Status reasons (`StsRsnInf/Rsn/Cd`).
    status: BTreeMap<String, Reason>,
    /// Return reasons (`RtrInf/Rsn/Cd`).
    returns: BTreeMap<String, Reason>,
    /// The bank's own codes (`Rsn/Prtry`), in either place.
    proprietary: BTreeMap<String, Reason>,
}

/// One `StsRsnInf` or `RtrInf`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) code: String,
    pub(crate) proprietary: bool,
    /// All `AddtlInf`, joined.
    pub(crate) text: String,
}

/// What a status stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// None given.
    Absent,
    /// A mixture: one level down it says more.
    Part,
    /// Refused.
    Refused,
    /// Anything else, as a verdict.
    Other(Verdict),
}

pub(crate) fn status(code: &str) -> Status {
    match code {
        "" => Status::Absent,
        "PART" => Status::Part,
        "RJCT" => Status::Refused,
        "ACSC" | "ACCC" => Status::Other(Verdict::Paid),
        "RCVD" | "ACTC" => Status::Other(Verdict::Accepted),
        "ACCP" | "ACSP" | "ACWC" | "PDNG" => Status::Other(Verdict::InProgress),
        _unknown => Status::Other(Verdict::Unknown),
    }
}

impl Reasons {
    /// Reads a status with its causes. A refusal as duplicate says that the payment arrived before (invariant 9): it never fails anybody.
    pub(crate) fn of_status(&self, code: &str, causes: &[Cause]) -> (Verdict, BankCode) {
        let refused = match status(code) {
            Status::Refused => true,
            Status::Absent | Status::Part | Status::Other(_) => false,
        };
        let reason_of = |cause: &Cause| self.reason(cause, &self.status, STATUS_REASONS);
        let told = clearest(causes, reason_of).filter(|_| refused);
        let verdict = match (status(code), told.map(reason_of)) {
            (Status::Refused, Some(Reason::Duplicate)) => Verdict::Unknown,
            (Status::Refused, reason) => Verdict::Failed(reason.unwrap_or(Reason::Unspecified)),
            (Status::Other(verdict), _) => verdict,
            (Status::Absent | Status::Part, _) => Verdict::Unknown,
        };
        let (list, code) = match told {
            Some(cause) if cause.proprietary => (STATUS_REASON_OWN, cause.code.as_str()),
            Some(cause) => (STATUS_REASON, cause.code.as_str()),
            None => (STATUS, code),
        };
        (verdict, bank_code(list, code, causes, told))
    }

    /// Reads the causes of a return; `transaction` is the entry's bank transaction code, kept where there is no cause.
    pub(crate) fn of_return(&self, causes: &[Cause], transaction: &str) -> (Verdict, BankCode) {
        let reason_of = |cause: &Cause| self.reason(cause, &self.returns, RETURN_REASONS);
        let told = clearest(causes, reason_of);
        let (list, code) = match told {
            Some(cause) if cause.proprietary => (RETURN_REASON_OWN, cause.code.as_str()),
            Some(cause) => (RETURN_REASON, cause.code.as_str()),
            None => (TRANSACTION_CODE, transaction),
        };
        let reason = told.map_or(Reason::Unspecified, reason_of);
        (
            Verdict::Returned(reason),
            bank_code(list, code, causes, told),
        )
    }

    /// True where a refusal says that the bank has seen this before.
    pub(crate) fn says_duplicate(&self, bank: &BankCode) -> bool {
        let cause = Cause {
            code: bank.code.clone(),
            proprietary: bank.list == STATUS_REASON_OWN,
            text: String::new(),
        };
        bank.list != STATUS
            && self.reason(&cause, &self.status, STATUS_REASONS) == Reason::Duplicate
    }

    fn reason(
        &self,
        cause: &Cause,
        own: &BTreeMap<String, Reason>,
        standard: &[(&str, Reason)],
    ) -> Reason {
        let known = if cause.proprietary {
            self.proprietary.get(&cause.code).copied()
        } else {
            own.get(&cause.code).copied().or_else(|| {
                let code = cause.code.as_str();
                standard
                    .iter()
                    .find(|(known, _)| *known == code)
                    .map(|(_, reason)| *reason)
            })
        };
        known.unwrap_or(Reason::Unmapped)
    }
}

/// The first cause with a code whose meaning is known; else the first with a code. A duplicate outranks all: it must not be overlooked.
fn clearest(causes: &[Cause], reason_of: impl Fn(&Cause) -> Reason) -> Option<&Cause> {
    let vagueness = |cause: &&Cause| match reason_of(cause) {
        Reason::Duplicate => 0,
        Reason::Unspecified => 2,
        Reason::Unmapped => 3,
        _named => 1,
    };
    causes
        .iter()
        .filter(|cause| !cause.code.is_empty())
        .min_by_key(vagueness)
}

fn bank_code(list: &str, code: &str, causes: &[Cause], told: Option<&Cause>) -> BankCode {
    let mut text = String::new();
    for cause in causes {
        let other = told.is_none_or(|told| !std::ptr::eq(told, cause)) && !cause.code.is_empty();
        let parts = [cause.code.as_str(), cause.text.as_str()];
        for part in parts.into_iter().skip(usize::from(!other)) {
            join(&mut text, part);
        }
    }
    BankCode {
        list: list.to_owned(),
        code: code.to_owned(),
        text,
    }
}

/// Adds to a text of the bank, up to a size.
pub(crate) fn join(text: &mut String, more: &str) {
    if more.is_empty() || text.ends_with('…') {
        return;
    }
    if !text.is_empty() {
        text.push_str("; ");
    }
    if text.len() + more.len() > LONGEST_WORDS {
        text.push('…');
    } else {
        text.push_str(more);
    }
}

/// ExternalStatusReason1Code, as far as it can concern a wage.
const STATUS_REASONS: &[(&str, Reason)] = &[
    ("AC01", Reason::NoAccount),
    ("AC03", Reason::NoAccount),
    ("AC04", Reason::Closed),
    ("AC06", Reason::Frozen),
    ("AC07", Reason::Closed),
    ("AC14", Reason::TypeNotAllowed),
    ("AC16", Reason::NoAccount),
    ("AG01", Reason::TypeNotAllowed),
    ("AG03", Reason::TypeNotAllowed),
    ("AM02", Reason::OverLimit),
    ("AM04", Reason::SourceShort),
    ("AM05", Reason::Duplicate),
    ("AM07", Reason::Frozen),
    ("AM10", Reason::TotalMismatch),
    ("AM13", Reason::OverLimit),
    ("AM14", Reason::OverLimit),
    ("AM18", Reason::TotalMismatch),
    ("AM19", Reason::TotalMismatch),
    ("AM20", Reason::TotalMismatch),
    ("AM21", Reason::OverLimit),
    ("BE01", Reason::NameMismatch),
    ("BE05", Reason::Security),
    ("BE06", Reason::NameMismatch),
    ("BE22", Reason::NameMismatch),
    ("CH03", Reason::Window),
    ("CH04", Reason::Window),
    ("CH16", Reason::Format),
    ("CH20", Reason::Format),
    ("CH21", Reason::Format),
    ("CNOR", Reason::BankMismatch),
    ("DT01", Reason::Window),
    ("DU01", Reason::Duplicate),
    ("DU02", Reason::Duplicate),
    ("DU03", Reason::Duplicate),
    ("DU04", Reason::Duplicate),
    ("DU05", Reason::Duplicate),
    ("DUPL", Reason::Duplicate),
    ("ED05", Reason::Channel),
    ("FF01", Reason::Format),
    ("FF03", Reason::Format),
    ("FF05", Reason::Format),
    ("FF10", Reason::Channel),
    ("MD07", Reason::StatusAbnormal),
    ("MS02", Reason::Unspecified),
    ("MS03", Reason::Unspecified),
    ("NARR", Reason::Unspecified),
    ("NOAS", Reason::Channel),
    ("RC01", Reason::BankMismatch),
    ("RC04", Reason::BankMismatch),
    ("RR03", Reason::NameMismatch),
    ("RR04", Reason::Frozen),
    ("SL01", Reason::Unspecified),
    ("TA01", Reason::Channel),
    ("TM01", Reason::Window),
];

/// ExternalReturnReason1Code, as far as it can concern a wage. AC01 is a wrong form and AC16 a seizure here.
const RETURN_REASONS: &[(&str, Reason)] = &[
    ("AC01", Reason::NoAccount),
    ("AC03", Reason::NoAccount),
    ("AC04", Reason::Closed),
    ("AC06", Reason::Frozen),
    ("AC07", Reason::Closed),
    ("AC14", Reason::TypeNotAllowed),
    ("AC16", Reason::Frozen),
    ("AC17", Reason::Frozen),
    ("AG01", Reason::TypeNotAllowed),
    ("AG03", Reason::TypeNotAllowed),
    ("AM02", Reason::OverLimit),
    ("AM04", Reason::SourceShort),
    ("AM05", Reason::Duplicate),
    ("AM07", Reason::Frozen),
    ("AM14", Reason::OverLimit),
    ("AM21", Reason::OverLimit),
    ("BE01", Reason::NameMismatch),
    ("BE06", Reason::NameMismatch),
    ("CNOR", Reason::BankMismatch),
    ("ED05", Reason::Channel),
    ("MD07", Reason::StatusAbnormal),
    ("MS02", Reason::Unspecified),
    ("MS03", Reason::Unspecified),
    ("NARR", Reason::Unspecified),
    ("NOAS", Reason::Unspecified),
    ("RC01", Reason::BankMismatch),
    ("RC04", Reason::BankMismatch),
    ("RR03", Reason::NameMismatch),
    ("RR04", Reason::Frozen),
    ("SL01", Reason::Unspecified),
    ("TM01", Reason::Window),
];
