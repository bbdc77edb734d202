//! Splitting an approved batch into instructions: deterministic, so that a restart plans the same parts under the same keys.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::batch::ContentHash;
use crate::money::Fen;

/// What one instruction to a bank may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Rows in one instruction, at most; above nought.
    pub rows_max: u32,
    /// Sum of one instruction in fen, at most.
    pub total_fen_max: Option<i64>,
    /// One row's amount in fen, at most; a larger wage is refused at intake, never split.
    pub item_fen_max: Option<i64>,
    /// True where the bank takes its own cards and other banks' cards in separate instructions only.
    #[serde(default)]
    pub own_bank_apart: bool,
}

impl Limits {
    /// Whether one row of this amount fits an instruction at all.
    pub fn takes(&self, amount: Fen) -> bool {
        let ceiling = |fen: Option<i64>| Fen::new(fen.unwrap_or(i64::MAX));
        amount <= ceiling(self.total_fen_max) && amount <= ceiling(self.item_fen_max)
    }
}

/// True for a card of the paying bank itself, as far as its bank number says; `prefix` is how the bank's own numbers begin.
pub fn is_own(cnaps: Option<&str>, prefix: &str) -> bool {
    cnaps.is_some_and(|number| number.starts_with(prefix))
}

/// Places rows into parts, in row order, one pass, without holding rows.
#[derive(Clone, Debug)]
pub struct Splitter {
    limits: Limits,
    parts: u32,
    open: [Option<Part>; 2],
}

#[derive(Clone, Copy, Debug)]
struct Part {
    number: u32,
    rows: u32,
    total: Fen,
}

/// Where one row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Part of the batch, from 1.
    pub part: u32,
    /// Row number in the part's instruction, from 1.
    pub sequence: u32,
}

/// A row that fits no instruction of this bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{amount} yuan in one row is more than one instruction of this bank may hold: it cannot be paid through it"
)]
pub struct TooLarge {
    /// The row's amount.
    pub amount: Fen,
}

impl Splitter {
    /// Begins with no part open.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            parts: 0,
            open: [None, None],
        }
    }

    /// Seats the next row; `own_bank` says whether the card is of the paying bank itself.
    pub fn seat(&mut self, amount: Fen, own_bank: bool) -> Result<Seat, TooLarge> {
        if !self.limits.takes(amount) {
            return Err(TooLarge { amount });
        }
        let ceiling = Fen::new(self.limits.total_fen_max.unwrap_or(i64::MAX));
        let [apart, together] = &mut self.open;
        let lane = if self.limits.own_bank_apart && own_bank {
            apart
        } else {
            together
        };
        let fits = |part: &Part| {
            part.rows < self.limits.rows_max
                && part
                    .total
                    .checked_add(amount)
                    .is_some_and(|sum| sum <= ceiling)
        };
        let mut part = match lane.filter(fits) {
            Some(part) => part,
            None => {
                self.parts += 1;
                Part {
                    number: self.parts,
                    rows: 0,
                    total: Fen::ZERO,
                }
            }
        };
        part.rows += 1;
        part.total = part.total.checked_add(amount).ok_or(TooLarge { amount })?;
        *lane = Some(part);
        Ok(Seat {
            part: part.number,
            sequence: part.rows,
        })
    }
}

/// The alphabet and length of a bank's reference field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRule {
    /// Characters in a key: 12–28, so that a payment's reference (key and seven digits) fits the 35 of ISO 20022.
    pub length: usize,
    /// What it may be made of.
    pub alphabet: KeyAlphabet,
}

/// Character sets that banks allow in references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAlphabet {
    /// 0–9 only.
    Digits,
    /// 0–9 and A–Z.
    DigitsAndCapitals,
}

impl KeyAlphabet {
    const fn symbols(self) -> &'static [u8] {
        match self {
            Self::Digits => b"0123456789",
            Self::DigitsAndCapitals => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        }
    }
}

/// The key under which a bank knows one instruction: a pure function of what was approved, the part and the generation, so that no
/// restart, and no database that went back in time, can give the same payment a second key.
pub fn bank_key(content: &ContentHash, part: u32, generation: u32, rule: KeyRule) -> String {
    let mut digest = Sha256::new();
    digest.update(b"wagegate bank key, version 1");
    digest.update(content.0);
    digest.update(part.to_be_bytes());
    digest.update(generation.to_be_bytes());
    let mut seed: [u8; 32] = digest.finalize().into();
    let symbols = rule.alphabet.symbols();
    (0..rule.length)
        .map(|_| {
            char::from(
                symbols
                    .get(divide(&mut seed, symbols.len()))
                    .copied()
                    .unwrap_or(b'0'),
            )
        })
        .collect()
}

/// The payment's own reference (EndToEndId): the instruction's key and the row number in seven digits.
pub fn reference(bank_key: &str, sequence: u32) -> String {
    format!("{bank_key}{sequence:07}")
}

/// Takes a reference of ours apart again; `None` for one that we cannot have written.
pub fn parse_reference(reference: &str) -> Option<(&str, u32)> {
    let (key, digits) = reference.split_at_checked(reference.len().checked_sub(7)?)?;
    let ours = !key.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    ours.then(|| digits.parse().ok().map(|sequence| (key, sequence)))
        .flatten()
}

/// Divides a big-endian number in place and gives the remainder: base conversion without bias over 256 bits.
fn divide(number: &mut [u8; 32], by: usize) -> usize {
    number.iter_mut().fold(0, |remainder, byte| {
        let value = remainder * 256 + usize::from(*byte);
        *byte = u8::try_from(value / by).unwrap_or(u8::MAX);
        value % by
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        rows_max: 3,
        total_fen_max: Some(1_000),
        item_fen_max: None,
        own_bank_apart: false,
    };

    #[test]
    fn rows_fill_parts_up_to_rows_and_sum() {
        let mut splitter = Splitter::new(LIMITS);
        let seats: Vec<_> = [100, 100, 100, 500, 600, 1_000]
            .map(|fen| {
                splitter
                    .seat(Fen::new(fen), true)
                    .map(|s| (s.part, s.sequence))
            })
            .into();
        assert_eq!(
            seats,
            [
                Ok((1, 1)),
                Ok((1, 2)),
                Ok((1, 3)),
                Ok((2, 1)),
                Ok((3, 1)),
                Ok((4, 1))
            ]
        );
        assert_eq!(
            splitter.seat(Fen::new(1_001), true),
            Err(TooLarge {
                amount: Fen::new(1_001)
            })
        );
    }

    #[test]
    fn own_cards_travel_apart_where_the_bank_wants_it() {
        let mut splitter = Splitter::new(Limits {
            own_bank_apart: true,
            ..LIMITS
        });
        let seats: Vec<_> = [true, false, true, false]
            .map(|own| {
                splitter
                    .seat(Fen::new(1), own)
                    .map(|s| (s.part, s.sequence))
            })
            .into();
        assert_eq!(seats, [Ok((1, 1)), Ok((2, 1)), Ok((1, 2)), Ok((2, 2))]);
    }

    #[test]
    fn keys_are_repeatable_distinct_and_fit_the_banks_field() {
        let rule = KeyRule {
            length: 20,
            alphabet: KeyAlphabet::DigitsAndCapitals,
        };
        let hash = ContentHash([7; 32]);
        let key = bank_key(&hash, 1, 1, rule);
        assert_eq!(key, bank_key(&hash, 1, 1, rule));
        assert!(
            key.len() == 20
                && key
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        );
        for other in [
            bank_key(&hash, 2, 1, rule),
            bank_key(&hash, 1, 2, rule),
            bank_key(&ContentHash([8; 32]), 1, 1, rule),
        ] {
            assert_ne!(key, other);
        }
        let digits = bank_key(
            &hash,
            1,
            1,
            KeyRule {
                length: 16,
                alphabet: KeyAlphabet::Digits,
            },
        );
        assert!(digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_digit()));
    }

    #[test]
    fn references_come_apart_as_they_were_put_together() {
        assert_eq!(
            parse_reference(&reference("ABC123", 42)),
            Some(("ABC123", 42))
        );
        for foreign in ["", "1234567", "NOTPROVIDED", "短", "ABC12345x7"] {
            assert_eq!(parse_reference(foreign), None, "{foreign}");
        }
    }
}
