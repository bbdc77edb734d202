//! Listens to an adapter's tellings and works out, as the gateway will, what they say of each payment.

use std::io::BufReader;

use wagegate_domain::adapter::{Adapter, DecodeError, Order, Payment};
use wagegate_domain::fact::{ItemRefs, Told, Verdict};
use wagegate_domain::money::Fen;

/// All that one document told, and how it ended.
#[derive(Debug)]
pub struct Heard {
    /// In the document's order.
    pub told: Vec<Told>,
    /// How the reading ended.
    pub end: Result<(), DecodeError>,
}

/// Reads a whole document.
pub fn hear(adapter: &dyn Adapter, asked: Option<&str>, document: &[u8]) -> Heard {
    hear_in_pieces(adapter, asked, document, 8_192)
}

/// Reads a document that arrives in pieces of at most `piece` bytes.
pub fn hear_in_pieces(
    adapter: &dyn Adapter,
    asked: Option<&str>,
    document: &[u8],
    piece: usize,
) -> Heard {
    let mut told = Vec::new();
    let mut input = BufReader::with_capacity(piece, document);
    let end = adapter.decode(asked, &mut input, &mut |one| told.push(one));
    Heard { told, end }
}

impl Heard {
    /// The verdicts that a payment was told, in order; a rest counts only when its number is that of the payments not listed.
    pub fn of(&self, order: &Order, all: &[Payment], payment: &Payment) -> Vec<Verdict> {
        let listed = |one: &Payment| {
            self.told.iter().any(
                |told| matches!(told, Told::Item { refs, amount, .. } if names(refs, *amount, order, one)),
            )
        };
        let unlisted = || all.iter().filter(|one| !listed(one)).count() as u64;
        let mut verdicts = Vec::new();
        for told in &self.told {
            match told {
                Told::Item {
                    refs,
                    verdict,
                    amount,
                    ..
                } if names(refs, *amount, order, payment) => {
                    verdicts.push(*verdict);
                }
                Told::Whole {
                    instruction,
                    verdict,
                    ..
                } if *instruction == order.bank_key => {
                    verdicts.push(*verdict);
                }
                Told::Rest {
                    instruction,
                    verdict,
                    count,
                    ..
                } if *instruction == order.bank_key && !listed(payment) && *count == unlisted() => {
                    verdicts.push(*verdict);
                }
                Told::Item { .. }
                | Told::Whole { .. }
                | Told::Rest { .. }
                | Told::Parked { .. }
                | Told::Remark(_) => {}
            }
        }
        verdicts
    }

    /// True where something is kept for people to look at.
    pub fn parked(&self) -> bool {
        self.told
            .iter()
            .any(|told| matches!(told, Told::Parked { .. }))
    }

    /// True where somebody is told paid.
    pub fn pays(&self) -> bool {
        self.told.iter().any(|told| match told {
            Told::Item { verdict, .. }
            | Told::Whole { verdict, .. }
            | Told::Rest { verdict, .. } => *verdict == Verdict::Paid,
            Told::Parked { .. } | Told::Remark(_) => false,
        })
    }

    /// What would reach a log: error texts, and the reasons and remarks that are not the bank's own words.
    pub fn loggable(&self) -> String {
        let mut text = String::new();
        for told in &self.told {
            match told {
                Told::Parked { why, .. } | Told::Remark(why) => text.push_str(why),
                Told::Item { refs, .. } => text.push_str(&format!("{refs:?}")),
                Told::Whole { .. } | Told::Rest { .. } => {}
            }
        }
        if let Err(error) = &self.end {
            text.push_str(&format!("{error} {error:?}"));
        }
        text
    }
}

/// True where the handles point at this payment: by reference, by row number, or by account and amount within the instruction.
fn names(refs: &ItemRefs, amount: Option<Fen>, order: &Order, payment: &Payment) -> bool {
    if refs
        .instruction
        .as_ref()
        .is_some_and(|key| *key != order.bank_key)
    {
        return false;
    }
    if let Some(reference) = &refs.reference {
        return *reference == payment.reference;
    }
    if refs.instruction.is_none() {
        return false;
    }
    match (refs.sequence, &refs.account) {
        (Some(sequence), _) => sequence == payment.sequence,
        (None, Some(account)) => {
            account == payment.account.clear() && amount == Some(payment.amount)
        }
        (None, None) => false,
    }
}
