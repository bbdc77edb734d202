//! Rules on cards that no engine knows, and workers and cards as rows of either engine say them.

use wagegate_domain::reason::Reason;
use wagegate_domain::roster::{CardKind, CardStatus, WorkRole};

use super::columns::{Columns, broken};
use super::enrolment::NewWord;
use super::registry::{CardRuling, CardView, CardWord, SealedCard, Speaker, Stay, WorkerView};
use super::{Conflict, StoreError};

/// Another card for a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replacement<'a> {
    /// Project on which the worker is registered.
    pub(super) project: &'a str,
    pub(super) worker: i64,
    pub(super) card: &'a SealedCard,
    pub(super) speaker: Speaker<'a>,
}

impl Replacement<'_> {
    /// For the audit log.
    pub(super) fn detail(&self, from: Option<i64>, to: i64) -> String {
        let from = from.map_or_else(|| "none".to_owned(), |from| from.to_string());
        format!("project {}: card {from} to {to}", self.project)
    }
}

impl CardRuling {
    /// The word to append; none where it says what stands already. `words` are those on the card, in order.
    pub(super) fn word(
        &self,
        kind: CardKind,
        words: &[CardWord],
    ) -> Result<Option<NewWord>, Conflict> {
        if self.status == CardStatus::Replaced {
            return Err(Conflict::ReplacedByHand);
        }
        let says_the_same = words
            .last()
            .is_some_and(|last| last.status == self.status && last.reason == self.reason);
        let adds_evidence = self.evidence.is_some()
            && words
                .last()
                .is_some_and(|last| last.evidence != self.evidence);
        if says_the_same && !adds_evidence {
            return Ok(None);
        }
        let in_use = words
            .iter()
            .rev()
            .find(|word| word.status != CardStatus::Replaced);
        let refused = in_use.is_some_and(|word| word.status == CardStatus::Invalid);
        if refused && self.status != CardStatus::Invalid && self.evidence.is_none() {
            return Err(Conflict::EvidenceMissing);
        }
        Ok(Some(NewWord {
            card: self.card,
            kind,
            status: self.status,
            reason: self.reason,
            evidence: self.evidence,
        }))
    }

    /// True where wages no longer go to a card that a bank or somebody with evidence found good.
    pub(super) fn unsettles(&self, before: CardStatus) -> bool {
        before == CardStatus::Verified && self.status != CardStatus::Verified
    }

    /// For the audit log.
    pub(super) fn detail(&self, before: CardStatus) -> String {
        let mut detail = format!("{} to {}", before.code(), self.status.code());
        if let Some(reason) = self.reason {
            detail.push_str(", reason ");
            detail.push_str(reason.code());
        }
        if let Some(evidence) = self.evidence {
            detail.push_str(", evidence ");
            detail.push_str(&hex::encode(evidence));
        }
        detail
    }
}

impl CardWord {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let reason = row.maybe_text("reason")?;
        let read = |code: &str| Reason::from_code(code).ok_or_else(|| broken("reason", code));
        Ok(Self {
            card: row.int("binding_id")?,
            version: row.number("version")?,
            kind: row.parsed("kind", CardKind::from_code)?,
            status: row.parsed("status", CardStatus::from_code)?,
            reason: reason.as_deref().map(read).transpose()?,
            evidence: row.maybe_array("evidence")?,
            by: row.text("by_whom")?,
            at: row.moment("at")?,
        })
    }
}

impl CardView {
    /// The columns `card_id`, `card_worker`, `card_blind`, `card_sealed`, `cnaps`, `is_current` (0 or 1), `kind` and `status`.
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int("card_id")?,
            worker: row.int("card_worker")?,
            blind: row.array("card_blind")?,
            sealed: row.bytes("card_sealed")?,
            cnaps: row.maybe_text("cnaps")?,
            current: row.int("is_current")? != 0,
            kind: row.parsed("kind", CardKind::from_code)?,
            status: row.parsed("status", CardStatus::from_code)?,
        })
    }
}

impl Stay {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let left_on = row.maybe_text("left_on")?;
        let date = |text: &str| text.parse().map_err(|_| broken("left_on", text));
        Ok(Self {
            entered_on: row.parsed("entered_on", |text| text.parse().ok())?,
            left_on: left_on.as_deref().map(date).transpose()?,
            role: row.parsed("work_role", WorkRole::from_code)?,
            team: row.text("team")?,
        })
    }
}

impl WorkerView {
    /// The columns of a stay and of a card, with `worker_id`, `blind`, `sealed` and `profile`.
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let card = row.maybe_int("card_id")?;
        Ok(Self {
            id: row.int("worker_id")?,
            id_number: (row.array("blind")?, row.bytes("sealed")?),
            profile: row.maybe_bytes("profile")?,
            stay: Stay::read(row)?,
            card: card.map(|_| CardView::read(row)).transpose()?,
        })
    }
}
