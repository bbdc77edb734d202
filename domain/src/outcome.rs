//! The fold from facts to outcome: any order and any repetition of the same facts gives the same answer.

use crate::fact::Verdict;
use crate::reason::Reason;
use crate::sabotage::{self, Switch};

/// What became of one attempt to pay one wage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// No final word from the bank yet.
    Open,
    /// Paid; a return may still follow.
    Paid,
    /// Refused, nothing debited.
    Failed(Reason),
    /// Paid and sent back.
    Returned(Reason),
    /// The bank has said both paid and failed, and no return: two people find out which.
    Contradicted,
}

impl Outcome {
    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed(_) => "failed",
            Self::Returned(_) => "returned",
            Self::Contradicted => "contradicted",
        }
    }

    /// The cause, where there is one.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Failed(reason) | Self::Returned(reason) => Some(reason),
            Self::Open | Self::Paid | Self::Contradicted => None,
        }
    }

    /// Reads back what [`Self::code`] and [`Self::reason`] gave.
    pub fn from_parts(code: &str, reason: Option<Reason>) -> Option<Self> {
        match (code, reason) {
            ("open", None) => Some(Self::Open),
            ("paid", None) => Some(Self::Paid),
            ("contradicted", None) => Some(Self::Contradicted),
            ("failed", Some(reason)) => Some(Self::Failed(reason)),
            ("returned", Some(reason)) => Some(Self::Returned(reason)),
            _ => None,
        }
    }

    /// True where a new attempt may follow (invariant 3).
    pub const fn ends_attempt(self) -> bool {
        match self {
            Self::Failed(_) | Self::Returned(_) => true,
            Self::Open | Self::Paid | Self::Contradicted => false,
        }
    }
}

/// Adds one more fact to what was known. Associative, commutative and idempotent, so that order and repetition cannot matter.
///
/// A return outranks all: it says that the money went out and came back. Of two causes for the same verdict the first of
/// [`Reason::ALL`] stays, because a choice by order of arrival would make the outcome depend on the post.
pub fn fold(known: Outcome, fact: Verdict) -> Outcome {
    match (known, fact) {
        (Outcome::Open, Verdict::Accepted | Verdict::InProgress)
            if sabotage::on(Switch::AcceptedIsPaid) =>
        {
            Outcome::Paid
        }
        (_, Verdict::Returned(_)) if sabotage::on(Switch::ReturnIgnored) => known,
        (Outcome::Paid, Verdict::Failed(reason)) if sabotage::on(Switch::LastWordWins) => {
            Outcome::Failed(reason)
        }
        (_, Verdict::Accepted | Verdict::InProgress | Verdict::Unknown) => known,
        (Outcome::Returned(one), Verdict::Returned(other)) => Outcome::Returned(one.min(other)),
        (Outcome::Returned(_), Verdict::Paid | Verdict::Failed(_)) => known,
        (_, Verdict::Returned(reason)) => Outcome::Returned(reason),
        (Outcome::Open | Outcome::Paid, Verdict::Paid) => Outcome::Paid,
        (Outcome::Open, Verdict::Failed(reason)) => Outcome::Failed(reason),
        (Outcome::Failed(one), Verdict::Failed(other)) => Outcome::Failed(one.min(other)),
        (Outcome::Paid, Verdict::Failed(_))
        | (Outcome::Failed(_), Verdict::Paid)
        | (Outcome::Contradicted, Verdict::Paid | Verdict::Failed(_)) => Outcome::Contradicted,
    }
}

/// Where one wage item stands: every item is in exactly one place at every moment (invariant 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Not sent: waits for approval, for a new card, or for the next plan.
    Held,
    /// Planned or sent, without a final word.
    InFlight,
    /// Sent perhaps, or contradicted: nobody may send it again.
    InDoubt,
    /// Paid.
    Paid,
    /// Refused by the bank.
    Failed,
    /// Paid and sent back.
    Returned,
}

impl Place {
    /// All places, in the order of the conservation line.
    pub const ALL: [Self; 6] = [
        Self::Paid,
        Self::Failed,
        Self::Returned,
        Self::InFlight,
        Self::InDoubt,
        Self::Held,
    ];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::InFlight => "in_flight",
            Self::InDoubt => "in_doubt",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(facts: &[Verdict]) -> Outcome {
        facts
            .iter()
            .fold(Outcome::Open, |known, fact| fold(known, *fact))
    }

    #[test]
    fn facts_fold_to_one_outcome() {
        use Reason::{Closed, NameMismatch};
        use Verdict::{Accepted, Failed, InProgress, Paid, Returned, Unknown};
        for (facts, expected) in [
            (vec![], Outcome::Open),
            (vec![Accepted, InProgress, Unknown], Outcome::Open),
            (vec![Accepted, Paid], Outcome::Paid),
            (vec![Paid, InProgress], Outcome::Paid),
            (vec![InProgress, Failed(Closed)], Outcome::Failed(Closed)),
            (
                vec![Failed(Closed), Failed(NameMismatch)],
                Outcome::Failed(NameMismatch),
            ),
            (vec![Paid, Returned(Closed)], Outcome::Returned(Closed)),
            (vec![Returned(Closed), Paid], Outcome::Returned(Closed)),
            (vec![Paid, Failed(Closed)], Outcome::Contradicted),
            (
                vec![Failed(Closed), Paid, Returned(Closed)],
                Outcome::Returned(Closed),
            ),
        ] {
            assert_eq!(folded(&facts), expected, "{facts:?}");
        }
    }

    fn any_verdict() -> impl Strategy<Value = Verdict> {
        let reason = prop::sample::select(Reason::ALL.to_vec());
        prop_oneof![
            Just(Verdict::Accepted),
            Just(Verdict::InProgress),
            Just(Verdict::Unknown),
            Just(Verdict::Paid),
            reason.clone().prop_map(Verdict::Failed),
            reason.prop_map(Verdict::Returned),
        ]
    }

    proptest! {
        #[test]
        fn order_and_repetition_of_facts_change_nothing(facts in prop::collection::vec(any_verdict(), 0..8), shuffled in any::<prop::sample::Index>(), again in any::<prop::sample::Index>()) {
            let expected = folded(&facts);
            let mut other = facts.clone();
            if !other.is_empty() {
                other.push(facts[again.index(facts.len())]);
                let at = shuffled.index(other.len());
                other.rotate_left(at);
                prop_assert_eq!(folded(&other), expected);
                other.reverse();
            }
            prop_assert_eq!(folded(&other), expected);
        }

        #[test]
        fn no_fact_but_paid_ever_makes_paid(facts in prop::collection::vec(any_verdict(), 0..8)) {
            if folded(&facts) == Outcome::Paid {
                prop_assert!(facts.contains(&Verdict::Paid));
            }
        }
    }
}
