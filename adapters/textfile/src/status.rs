//! The bank's codes and what they mean here. What no table holds is unknown: it waits, and is never paid or failed.

use std::collections::BTreeMap;

use serde::Deserialize;
use wagegate_domain::adapter::{Answer, Operation};
use wagegate_domain::fact::{BankCode, Verdict};
use wagegate_domain::reason::Reason;
use wagegate_domain::sabotage::{self, Switch};

/// A table of row codes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Codes(BTreeMap<String, Meaning>);

/// What a row code says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenMeaning")]
struct Meaning(Verdict);

impl Codes {
    pub(crate) fn verdict(&self, code: &str) -> Verdict {
        let unknown = match sabotage::on(Switch::UnknownIsFailed) {
            true => Verdict::Failed(Reason::StatusAbnormal),
            false => Verdict::Unknown,
        };
        self.0.get(code).map_or(unknown, |meaning| meaning.0)
    }

    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMeaning {
    verdict: String,
    reason: Option<Reason>,
}

impl TryFrom<WrittenMeaning> for Meaning {
    type Error = String;

    fn try_from(written: WrittenMeaning) -> Result<Self, String> {
        Verdict::from_parts(&written.verdict, written.reason).map(Self).ok_or_else(|| {
            format!(
                "`{}`: a code means accepted, in_progress or paid without a reason, or failed or returned with one",
                written.verdict
            )
        })
    }
}

/// The table of codes in short replies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct ReplyCodes(BTreeMap<String, ReplyRule>);

/// What a reply code says, and with which HTTP status alone it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenRule")]
struct ReplyRule {
    status: u16,
    says: Says,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Accepted,
    Refused(Reason),
    Duplicate,
    InProgress,
    NotKnown,
}

impl ReplyCodes {
    /// The answer in a reply; `None` where the code, or the code with this status to this request, says nothing.
    pub(crate) fn answer(
        &self,
        operation: &Operation,
        status: u16,
        bank: &BankCode,
    ) -> Option<Answer> {
        let rule = self
            .0
            .get(&bank.code)
            .filter(|rule| rule.status == status)?;
        // A refused query is no refused instruction: each saying answers one kind of request only.
        match (operation, rule.says) {
            (Operation::Submit { .. }, Says::Accepted) => Some(Answer::Accepted),
            (Operation::Submit { .. }, Says::Duplicate) => Some(Answer::Duplicate),
            (Operation::Submit { .. }, Says::Refused(reason)) => Some(Answer::Refused {
                reason,
                bank: bank.clone(),
            }),
            (Operation::Query { .. }, Says::InProgress) => Some(Answer::InProgress),
            (Operation::Query { .. }, Says::NotKnown) => Some(Answer::NotKnown),
            (Operation::Submit { .. }, Says::InProgress | Says::NotKnown)
            | (Operation::Query { .. }, Says::Accepted | Says::Duplicate | Says::Refused(_))
            | (Operation::Collect { .. }, _) => None,
        }
    }

    /// True where the table holds the code.
    pub(crate) fn holds(&self, code: &str) -> bool {
        self.0.contains_key(code)
    }

    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    status: u16,
    says: Word,
    reason: Option<Reason>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Accepted,
    Refused,
    Duplicate,
    InProgress,
    NotKnown,
}

impl TryFrom<WrittenRule> for ReplyRule {
    type Error = &'static str;

    fn try_from(written: WrittenRule) -> Result<Self, Self::Error> {
        let says = match (written.says, written.reason) {
            (Word::Accepted, None) => Says::Accepted,
            (Word::Duplicate, None) => Says::Duplicate,
            (Word::InProgress, None) => Says::InProgress,
            (Word::NotKnown, None) => Says::NotKnown,
            (Word::Refused, Some(reason)) => Says::Refused(reason),
            (Word::Refused, None) => return Err("a refusal needs a `reason`"),
            (Word::Accepted | Word::Duplicate | Word::InProgress | Word::NotKnown, Some(_)) => {
                return Err("only a refusal has a `reason`");
            }
        };
        if !(200..500).contains(&written.status) {
            return Err(
                "`status` is an HTTP status of 200 to 499: nothing can be relied on in a server error",
            );
        }
        Ok(Self {
            status: written.status,
            says,
        })
    }
}
