//! Wages that failed or came back in one piece of a document, summed up by batch and reason: what may be told of them without their people.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wagegate_domain::Fen;
use wagegate_domain::outcome::{Outcome, Place};
use wagegate_domain::reason::Reason;

use super::moves::Moves;
use super::notice::{Details, NoticeKind, details};

/// Count and sum by batch, place and reason.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<(i64, Place, Reason), (u64, Fen)>);

impl Troubles {
    /// Takes a new outcome of a wage.
    pub(super) fn add(&mut self, batch: i64, outcome: Outcome, amount: Fen) {
        let (place, reason) = match outcome {
            Outcome::Failed(reason) => (Place::Failed, reason),
            Outcome::Returned(reason) => (Place::Returned, reason),
            Outcome::Open | Outcome::Paid | Outcome::Contradicted => return,
        };
        let (count, sum) = self.0.entry((batch, place, reason)).or_default();
        *count += 1;
        // A batch's total fits 64 bits, so a part of it does.
        *sum = sum.checked_add(amount).unwrap_or(Fen::new(i64::MAX));
    }

    /// One notice for each batch and kind.
    pub(super) fn notices(&self) -> Vec<(i64, NoticeKind, Details)> {
        let mut notices = BTreeMap::new();
        for ((batch, place, reason), (count, sum)) in &self.0 {
            let kind = match place {
                Place::Failed => NoticeKind::WageFailed,
                Place::Returned => NoticeKind::WageReturned,
                Place::Held | Place::InFlight | Place::InDoubt | Place::Paid => continue,
            };
            let card = reason.lies_in_card().then_some(NoticeKind::CardInvalid);
            for kind in [Some(kind), card].into_iter().flatten() {
                let (_, figures): &mut (_, Figures) = notices
                    .entry((*batch, kind.code()))
                    .or_insert((kind, Figures::default()));
                figures.add(*reason, *count, *sum);
            }
        }
        notices
            .into_iter()
            .map(|((batch, _), (kind, figures))| (batch, kind, figures.told()))
            .collect()
    }
}

#[derive(Default)]
struct Figures {
    count: u64,
    fen: i64,
    reasons: BTreeMap<&'static str, u64>,
}

impl Figures {
    fn add(&mut self, reason: Reason, count: u64, sum: Fen) {
        self.count += count;
        self.fen = self.fen.saturating_add(sum.get());
        *self.reasons.entry(reason.code()).or_default() += count;
    }

    fn told(self) -> Details {
        details([
            ("count", json!(self.count)),
            ("fen", json!(self.fen)),
            ("reasons", Value::from_iter(self.reasons)),
        ])
    }
}

/// The batches whose wages had no final word before these moves and may all have one now.
pub(super) fn perhaps_settled(moves: &Moves) -> Vec<i64> {
    let mut batches: Vec<_> = moves
        .keys()
        .filter(|(_, from, _)| OPEN.contains(from))
        .map(|(batch, ..)| *batch)
        .collect();
    batches.dedup();
    batches
}

/// Where a wage waits for a word.
const OPEN: [Place; 3] = [Place::Held, Place::InFlight, Place::InDoubt];

/// Batch, place, count and sum of one line of a tally.
pub(super) type Figure = (i64, Place, u64, Fen);

/// The batches of which no wage is in an open place, with their places; the lines of a batch stand together.
pub(super) fn settled(figures: &[Figure]) -> Vec<(i64, Details)> {
    figures
        .chunk_by(|one, next| one.0 == next.0)
        .filter(|tally| {
            let waits = |(_, place, count, _): &&Figure| OPEN.contains(place) && *count > 0;
            tally.iter().find(waits).is_none()
        })
        .filter_map(|tally| {
            let place = |(_, place, count, sum): &Figure| {
                let figures = json!({"count": count, "fen": sum.get()});
                (place.code().to_owned(), figures)
            };
            let places = tally.iter().map(place).collect();
            Some((
                tally.first()?.0,
                details([("places", Value::Object(places))]),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_summed_by_batch_and_those_of_cards_told_apart() {
        let mut troubles = Troubles::default();
        for (batch, outcome, fen) in [
            (1, Outcome::Failed(Reason::Closed), 100),
            (1, Outcome::Failed(Reason::Closed), 50),
            (1, Outcome::Failed(Reason::Channel), 7),
            (1, Outcome::Paid, 1_000),
            (2, Outcome::Returned(Reason::Window), 9),
        ] {
            troubles.add(batch, outcome, Fen::new(fen));
        }
        let told: Vec<_> = troubles
            .notices()
            .into_iter()
            .map(|(batch, kind, data)| (batch, kind.code(), Value::Object(data)))
            .collect();
        assert_eq!(
            told,
            [
                (
                    1,
                    "card.invalid",
                    json!({"count": 2, "fen": 150, "reasons": {"CLOSED": 2}})
                ),
                (
                    1,
                    "wage.failed",
                    json!({"count": 3, "fen": 157, "reasons": {"CLOSED": 2, "CHANNEL": 1}})
                ),
                (
                    2,
                    "wage.returned",
                    json!({"count": 1, "fen": 9, "reasons": {"WINDOW": 1}})
                ),
            ]
        );
    }
}
