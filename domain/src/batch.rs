//! A batch: one project, one pay month, one submission; and the hash that approvals bind (invariant 5).

use sha2::{Digest, Sha256};

use crate::ids::{BankAccount, Cnaps, IdNumber, PersonName};
use crate::money::Fen;
use crate::period::PayMonth;

/// One worker's line of a wage sheet, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WageRow {
    /// Row in the sheet, counted from 1 as the spreadsheet shows it; the batch's key for the item.
    pub row: u32,
    /// Name as on the bank account.
    pub name: PersonName,
    /// Identity number.
    pub id_number: IdNumber,
    /// Where the wage goes.
    pub account: BankAccount,
    /// The payee bank's number; absent where the sheet does not give one.
    pub cnaps: Option<Cnaps>,
    /// Net wage owed.
    pub amount: Fen,
}

/// Where a batch stands before its wages are sent; afterwards it is what its rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Stored whole; awaits the reviewer (劳资专管员).
    AwaitingReview,
    /// Reviewed; awaits the general contractor's release (总包).
    AwaitingRelease,
    /// Released, and its special account holds too little: nothing is reserved; awaits the money.
    AwaitingFunds,
    /// Released, funds reserved; awaits being split into instructions.
    Released,
    /// Split into instructions.
    Planned,
    /// Its rows are no longer those that were released: nothing more of it is sent, and people must look.
    ContentDiffers,
    /// A reviewer or releaser said no: nothing of it will be sent.
    Refused,
    /// Taken back by the clerks before it was released.
    Withdrawn,
    /// Nobody released it in time.
    Expired,
}

/// What can be done to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A second person finds the wages right.
    Review,
    /// A third person lets them go to the bank.
    Release,
    /// The special account covers it, and the sum is reserved: at once with the release, or when the money has come.
    Fund,
    /// One of the two says no.
    Refuse,
    /// The clerks take it back.
    Withdraw,
    /// A release is taken back.
    Undo,
    /// The time for a release has run out.
    Expire,
    /// It is split into instructions.
    Plan,
    /// Its rows were found to be others than those released.
    Differ,
}

/// An act that must not happen to a batch where it stands: nothing is changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{act:?} cannot happen to a batch that is {}", state.code())]
pub struct NotNow {
    /// Where it stands.
    pub state: BatchState,
    /// What was to be done.
    pub act: Act,
}

impl BatchState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::AwaitingReview,
        Self::AwaitingRelease,
        Self::AwaitingFunds,
        Self::Released,
        Self::Planned,
        Self::ContentDiffers,
        Self::Refused,
        Self::Withdrawn,
        Self::Expired,
    ];

    /// What the act makes of it. The whole approval is this table: no road leads to [`Self::AwaitingFunds`] but from a review, none to
    /// [`Self::Released`] but over money that is reserved, and none to [`Self::Planned`] but from there.
    pub const fn on(self, act: Act) -> Result<Self, NotNow> {
        match (self, act) {
            (Self::AwaitingReview, Act::Review)
            | (Self::AwaitingFunds | Self::Released, Act::Undo) => Ok(Self::AwaitingRelease),
            (Self::AwaitingRelease, Act::Release) => Ok(Self::AwaitingFunds),
            (Self::AwaitingFunds, Act::Fund) => Ok(Self::Released),
            (Self::Released, Act::Plan) => Ok(Self::Planned),
            (Self::AwaitingFunds | Self::Released | Self::Planned, Act::Differ) => {
                Ok(Self::ContentDiffers)
            }
            (Self::AwaitingReview | Self::AwaitingRelease | Self::ContentDiffers, Act::Refuse) => {
                Ok(Self::Refused)
            }
            (Self::AwaitingReview | Self::AwaitingRelease, Act::Withdraw) => Ok(Self::Withdrawn),
            (Self::AwaitingReview | Self::AwaitingRelease, Act::Expire) => Ok(Self::Expired),
            (
                Self::AwaitingReview,
                Act::Release | Act::Fund | Act::Undo | Act::Plan | Act::Differ,
            )
            | (
                Self::AwaitingRelease,
                Act::Review | Act::Fund | Act::Undo | Act::Plan | Act::Differ,
            )
            | (
                Self::AwaitingFunds,
                Act::Review | Act::Release | Act::Refuse | Act::Withdraw | Act::Expire | Act::Plan,
            )
            | (
                Self::Released,
                Act::Review | Act::Release | Act::Fund | Act::Refuse | Act::Withdraw | Act::Expire,
            )
            | (
                Self::Planned,
                Act::Review
                | Act::Release
                | Act::Fund
                | Act::Refuse
                | Act::Withdraw
                | Act::Undo
                | Act::Expire
                | Act::Plan,
            )
            | (
                Self::ContentDiffers,
                Act::Review
                | Act::Release
                | Act::Fund
                | Act::Withdraw
                | Act::Undo
                | Act::Expire
                | Act::Plan
                | Act::Differ,
            )
            | (
                Self::Refused | Self::Withdrawn | Self::Expired,
                Act::Review
                | Act::Release
                | Act::Fund
                | Act::Refuse
                | Act::Withdraw
                | Act::Undo
                | Act::Expire
                | Act::Plan
                | Act::Differ,
            ) => Err(NotNow { state: self, act }),
        }
    }

    /// True while its wages are owed by a release: they count in the rates. Funds are reserved for them too, unless it still awaits those.
    pub const fn is_released(self) -> bool {
        match self {
            Self::AwaitingFunds | Self::Released | Self::Planned | Self::ContentDiffers => true,
            Self::AwaitingReview
            | Self::AwaitingRelease
            | Self::Refused
            | Self::Withdrawn
            | Self::Expired => false,
        }
    }

    /// True while it may still be released.
    pub const fn awaits(self) -> bool {
        match self {
            Self::AwaitingReview | Self::AwaitingRelease => true,
            Self::AwaitingFunds
            | Self::Released
            | Self::Planned
            | Self::ContentDiffers
            | Self::Refused
            | Self::Withdrawn
            | Self::Expired => false,
        }
    }

    /// True when nothing of it is owed, and nothing will happen to it any more.
    pub const fn is_closed(self) -> bool {
        !self.is_released() && !self.awaits()
    }

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AwaitingReview => "awaiting_review",
            Self::AwaitingRelease => "awaiting_release",
            Self::AwaitingFunds => "awaiting_funds",
            Self::Released => "released",
            Self::Planned => "planned",
            Self::ContentDiffers => "content_differs",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::Review,
        Self::Release,
        Self::Fund,
        Self::Refuse,
        Self::Withdraw,
        Self::Undo,
        Self::Expire,
        Self::Plan,
        Self::Differ,
    ];
}

/// SHA-256 over everything that will be paid, in row order: what an approver approves.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Takes the rows of a batch one by one and gives count, sum and hash at the end; never holds the rows.
#[derive(Clone, Debug)]
pub struct ContentHasher {
    digest: Sha256,
    rows: u64,
    total: Fen,
}

/// What a [`ContentHasher`] ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Number of wage items.
    pub rows: u64,
    /// Their sum.
    pub total: Fen,
    /// What approvals bind.
    pub hash: ContentHash,
}

impl ContentHasher {
    /// Begins with what stands over the rows: the project's code, the account that pays, and the month.
    pub fn new(project: &str, special_account: &str, month: PayMonth) -> Self {
        let mut hasher = Self {
            digest: Sha256::new(),
            rows: 0,
            total: Fen::ZERO,
        };
        hasher.field(b"wagegate batch content, version 1");
        hasher.field(project.as_bytes());
        hasher.field(special_account.as_bytes());
        hasher.field(month.to_string().as_bytes());
        hasher
    }

    /// Adds the next row; `None` when the sum leaves 64 bits.
    pub fn add(&mut self, row: &WageRow) -> Option<()> {
        self.total = self.total.checked_add(row.amount)?;
        self.rows += 1;
        self.digest.update(row.row.to_be_bytes());
        self.field(row.id_number.clear().as_bytes());
        self.field(row.name.clear().as_bytes());
        self.field(row.account.clear().as_bytes());
        self.field(row.cnaps.as_ref().map_or("", Cnaps::as_str).as_bytes());
        self.digest.update(row.amount.get().to_be_bytes());
        Some(())
    }

    /// Closes the hash over the rows with their number and sum.
    pub fn finish(mut self) -> Content {
        self.digest.update(self.rows.to_be_bytes());
        self.digest.update(self.total.get().to_be_bytes());
        Content {
            rows: self.rows,
            total: self.total,
            hash: ContentHash(self.digest.finalize().into()),
        }
    }

    /// Length first, so that no two different lists of fields give the same bytes.
    fn field(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One letter an act, in the order of [`Act::ALL`]; the letter names the state that follows, `-` that it may not happen.
    #[test]
    fn the_table_of_what_may_follow() {
        let letter = |state| match state {
            BatchState::AwaitingReview => 'v',
            BatchState::AwaitingRelease => 'a',
            BatchState::AwaitingFunds => 'f',
            BatchState::Released => 'r',
            BatchState::Planned => 'p',
            BatchState::ContentDiffers => 'd',
            BatchState::Refused => 'n',
            BatchState::Withdrawn => 'w',
            BatchState::Expired => 'x',
        };
        //  review, release, fund, refuse, withdraw, undo, expire, plan, differ
        for (state, expected) in BatchState::ALL.into_iter().zip([
            "a--nw-x--",
            "-f-nw-x--",
            "--r--a--d",
            "-----a-pd",
            "--------d",
            "---n-----",
            "---------",
            "---------",
            "---------",
        ]) {
            let found: String = Act::ALL
                .iter()
                .map(|act| state.on(*act).map_or('-', letter))
                .collect();
            assert_eq!(found, expected, "{state:?}");
            assert_eq!(BatchState::from_code(state.code()), Some(state));
        }
    }

    proptest! {
        /// Whatever is tried in whatever order: a batch is planned only over money that was reserved for a release that nobody took back, which came after a review.
        #[test]
        fn nothing_is_planned_that_was_not_reviewed_released_and_funded(acts in prop::collection::vec(prop::sample::select(Act::ALL.to_vec()), 0..40)) {
            let (mut state, mut done) = (BatchState::AwaitingReview, Vec::new());
            for act in acts {
                if let Ok(next) = state.on(act) {
                    prop_assert!(!state.is_closed(), "{:?} after the end", act);
                    state = next;
                    done.push(act);
                }
            }
            let last = |wanted: Act| done.iter().rposition(|act| *act == wanted);
            if let Some(planned) = last(Act::Plan) {
                prop_assert!(last(Act::Review) < last(Act::Release));
                prop_assert_eq!(last(Act::Fund), planned.checked_sub(1));
                prop_assert_eq!(last(Act::Release), planned.checked_sub(2));
            }
            prop_assert_eq!(state.is_released(), last(Act::Release) > last(Act::Undo) && last(Act::Refuse).is_none());
        }
    }

    fn row(number: u32, account: &str, fen: i64) -> WageRow {
        WageRow {
            row: number,
            name: PersonName::parse("李晓明").unwrap(),
            id_number: IdNumber::parse("11010519491231002X").unwrap(),
            account: BankAccount::parse(account).unwrap().0,
            cnaps: None,
            amount: Fen::new(fen),
        }
    }

    fn content(rows: &[WageRow]) -> Content {
        let mut hasher =
            ContentHasher::new("P1", "1234567890", PayMonth::parse("2026-10").unwrap());
        rows.iter().for_each(|row| hasher.add(row).unwrap());
        hasher.finish()
    }

    #[test]
    fn whatever_changes_what_is_paid_changes_the_hash() {
        let base = content(&[
            row(1, "6225881414207430", 100),
            row(2, "6225881414207430", 200),
        ]);
        assert_eq!((base.rows, base.total), (2, Fen::new(300)));
        for other in [
            vec![row(1, "6225881414207430", 100)],
            vec![
                row(1, "6225881414207430", 200),
                row(2, "6225881414207430", 100),
            ],
            vec![
                row(1, "6225881414207430", 100),
                row(3, "6225881414207430", 200),
            ],
            vec![
                row(1, "6225881414207448", 100),
                row(2, "6225881414207430", 200),
            ],
        ] {
            assert_ne!(content(&other).hash, base.hash);
        }
    }
}
