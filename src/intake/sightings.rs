//! Who and which card stood in the sheet before. A million rows must fit: a few bytes are kept of each, and none of them is a name.

use std::collections::{HashMap, hash_map::Entry};

use sha2::{Digest, Sha256};
use wagegate_domain::{Fen, ids::IdNumber};

use super::{header::Field, place::Place, problem::Flaw, row::Parts};

/// Where a worker stood first, and with what amount.
#[derive(Clone, Copy)]
struct First {
    row: u32,
    /// In fen; whatever does not fit is one value, which no wage is.
    amount: u32,
}

/// What was seen of a sheet so far.
#[derive(Default)]
pub(super) struct Sightings {
    workers: HashMap<u64, First>,
    cards: HashMap<[u8; 16], u32>,
}

impl Sightings {
    /// What of a row stood in the sheet before. A row that is left out is looked at and not remembered.
    pub(super) fn see(
        &mut self,
        parts: &Parts,
        place: Place,
        remember: bool,
    ) -> Vec<(Field, Flaw)> {
        let worker = parts.id_number.as_ref().and_then(|id_number| {
            let seen = First {
                row: place.number(),
                amount: short(parts.amount),
            };
            earlier(&mut self.workers, number(id_number), seen, remember).map(|first| (first, seen))
        });
        let card = parts.account.as_ref().and_then(|account| {
            earlier(
                &mut self.cards,
                digest(account.clear()),
                place.number(),
                remember,
            )
        });
        match (worker, card) {
            (None, None) => Vec::new(),
            (None, Some(row)) => vec![(
                Field::Card,
                Flaw::CardOfTwo {
                    first: Place::of(row),
                },
            )],
            (Some((first, seen)), card) => vec![(Field::IdNumber, again(first, seen, parts, card))],
        }
    }
}

/// The same worker again: the same row, another wage, or another card.
fn again(before: First, now: First, parts: &Parts, card: Option<u32>) -> Flaw {
    let first = Place::of(before.row);
    if parts.account.is_some() && card != Some(before.row) {
        Flaw::TwoCards { first }
    } else if card.is_some() && before.amount == now.amount && parts.name.is_some() {
        Flaw::RowTwice { first }
    } else {
        Flaw::WorkerTwice { first }
    }
}

/// What stood under the key before; what is seen now is kept where nothing did.
fn earlier<K: std::hash::Hash + Eq, V: Copy>(
    seen: &mut HashMap<K, V>,
    key: K,
    now: V,
    remember: bool,
) -> Option<V> {
    match seen.entry(key) {
        Entry::Occupied(before) => Some(*before.get()),
        Entry::Vacant(free) => {
            if remember {
                free.insert(now);
            }
            None
        }
    }
}

/// The seventeen digits; the eighteenth follows from them.
fn number(id_number: &IdNumber) -> u64 {
    let digits = id_number.clear().get(..17).unwrap_or_default();
    digits.parse().unwrap_or_default()
}

/// Half a SHA-256: enough to tell a million rows apart, small enough to keep for each.
pub(crate) fn digest(text: &str) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(text).into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// Where the same number stood first, if it did.
pub(crate) fn first(
    seen: &mut HashMap<[u8; 16], u32>,
    number: &str,
    place: Place,
) -> Option<Place> {
    earlier(seen, digest(number), place.number(), true).map(Place::of)
}

fn short(amount: Option<Fen>) -> u32 {
    amount
        .and_then(|amount| u32::try_from(amount.get()).ok())
        .unwrap_or(u32::MAX)
}
