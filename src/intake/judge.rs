//! What the registry and earlier batches have against a row: a pure function of the row and of how its worker and card stand.

use wagegate_domain::{Fen, reason::Reason, roster::CardStatus};

use super::{
    header::Field,
    problem::{Flaw, Words},
};
use crate::store::Standing;

/// One row before its judge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) amount: Fen,
    /// The name is the registered one; `None` where nobody is registered.
    pub(super) named_alike: Option<bool>,
    pub(super) standing: &'a Standing,
    /// Somebody is registered on the project: who is not is a mistake.
    pub(super) has_roster: bool,
}

/// Everything that stands against the row, by the field that it is about.
pub(super) fn judge(case: &Case<'_>) -> Vec<(Field, Flaw)> {
    let standing = case.standing;
    let person = [
        missing(case),
        (case.named_alike == Some(false)).then_some((Field::Name, Flaw::NameDiffers)),
    ];
    let wages = [
        standing
            .owed_here
            .clone()
            .map(|batch| Flaw::AlreadyOwed { batch }),
        standing
            .owed_elsewhere
            .clone()
            .map(|batch| Flaw::OwedElsewhere { batch }),
    ];
    let card = [
        standing.account_of_another.then_some(Flaw::CardOfAnother),
        standing.other_card.and_then(other_card),
        standing
            .refused_for
            .as_deref()
            .map(|code| Flaw::CardRefused { why: why(code) }),
    ];
    let amount = standing.last_month.and_then(|last| far(case.amount, last));
    person
        .into_iter()
        .flatten()
        .chain(
            wages
                .into_iter()
                .flatten()
                .map(|flaw| (Field::IdNumber, flaw)),
        )
        .chain(card.into_iter().flatten().map(|flaw| (Field::Card, flaw)))
        .chain(amount.map(|flaw| (Field::Amount, flaw)))
        .collect()
}

fn missing(case: &Case<'_>) -> Option<(Field, Flaw)> {
    let flaw = match case {
        Case {
            has_roster: false, ..
        } => return None,
        Case {
            named_alike: None, ..
        } => Flaw::NotRegistered,
        Case { standing, .. } if !standing.on_site => Flaw::NotOnSite,
        Case { .. } => return None,
    };
    Some((Field::IdNumber, flaw))
}

/// A card that no bank refuses is not replaced by a wage sheet; one that a bank refuses is.
const fn other_card(registered: CardStatus) -> Option<Flaw> {
    match registered {
        CardStatus::Verified => Some(Flaw::CardDisplaced),
        CardStatus::Unverified => Some(Flaw::CardChanged),
        CardStatus::Invalid | CardStatus::Replaced => None,
    }
}

fn why(code: &str) -> Words {
    let zh = Reason::from_code(code).map_or("原因未说明", Reason::chinese);
    Words {
        zh: zh.to_owned(),
        en: code.to_lowercase().replace('_', " "),
    }
}

/// More than three times last month's wage, or less than a third of it.
fn far(now: Fen, last: Fen) -> Option<Flaw> {
    let (now, last) = (i128::from(now.get()), i128::from(last.get()));
    if now > last * 3 {
        Some(Flaw::AmountFar { more: true })
    } else if now * 3 < last {
        Some(Flaw::AmountFar { more: false })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Standing {
        Standing {
            registered_name: Some([1; 16]),
            on_site: true,
            ..Standing::default()
        }
    }

    fn codes(
        standing: &Standing,
        named_alike: Option<bool>,
        has_roster: bool,
    ) -> Vec<&'static str> {
        let case = Case {
            amount: Fen::new(30_000),
            named_alike,
            standing,
            has_roster,
        };
        judge(&case).iter().map(|(_, flaw)| flaw.code()).collect()
    }

    #[test]
    fn nobody_is_missed_on_a_project_without_a_roster() {
        let nobody = Standing::default();
        assert_eq!(codes(&nobody, None, false), [""; 0]);
        assert_eq!(codes(&nobody, None, true), ["not_registered"]);
        let away = Standing {
            on_site: false,
            ..sound()
        };
        assert_eq!(codes(&away, Some(true), true), ["not_on_site"]);
        assert_eq!(codes(&sound(), Some(false), false), ["name_differs"]);
    }

    #[test]
    fn a_sheet_replaces_a_card_that_nobody_checked_or_a_bank_refused() {
        for (status, code) in [
            (CardStatus::Verified, vec!["card_displaced"]),
            (CardStatus::Unverified, vec!["card_changed"]),
            (CardStatus::Invalid, vec![]),
            (CardStatus::Replaced, vec![]),
        ] {
            let standing = Standing {
                other_card: Some(status),
                ..sound()
            };
            assert_eq!(codes(&standing, Some(true), true), code, "{status:?}");
        }
    }

    #[test]
    fn a_wage_is_far_from_the_last_beyond_three_times_and_a_third() {
        for (last, code) in [
            (9_999, vec!["amount_far"]),
            (10_000, vec![]),
            (90_000, vec![]),
            (90_001, vec!["amount_far"]),
        ] {
            let standing = Standing {
                last_month: Some(Fen::new(last)),
                ..sound()
            };
            assert_eq!(codes(&standing, Some(true), true), code, "{last}");
        }
    }
}
