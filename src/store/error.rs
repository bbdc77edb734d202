//! Why a store did not do what was asked: the engine failed, the worker is late, or a rule of the trade stands against it.

use wagegate_domain::attempt::Forbidden;
use wagegate_domain::batch::NotNow;

use super::{DoubtRefused, Step};

use super::enrolment::Elsewhere;
use super::register::ProjectFlaw;

/// A store could not do what was asked; unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed or the schema is newer than this program.
    #[error("the database schema cannot be used: {0}")]
    Schema(String),
    /// No such thing.
    #[error("there is no {what} {key}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was looked for.
        key: String,
    },
    /// Somebody else holds the task now: this worker is late and must do nothing.
    #[error("this worker's lease ran out and another has taken the task")]
    Stale,
    /// The database knows fewer sends than were made: it went back in time, and nothing is sent before it was looked at.
    #[error(
        "the database knows sends up to {found}, and {witnessed} were made: it went back in time"
    )]
    WentBack {
        /// The newest send that it knows.
        found: i64,
        /// The newest that was made.
        witnessed: i64,
    },
    /// The domain forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The rules of batches and approvals forbid it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// What is stored contradicts itself: stop and look.
    #[error("the store contradicts itself: {0}")]
    Broken(String),
}

/// A rule of the trade that stands against a request; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Workers who already have a wage for this project and month.
    #[error("{count} workers already have a wage for this project and month; the first is in row {} (also in batch {})", first.row, first.other_batch)]
    AlreadyOwed {
        /// How many rows.
        count: u64,
        /// The first of them.
        first: OwedTwice,
        /// Up to a thousand of them.
        rows: Vec<OwedTwice>,
    },
    /// The rows did not add up to the head.
    #[error("the rows stored do not add up to the rows read: try again")]
    RowsDiffer,
    /// The batch does not stand where this can be done to it.
    #[error("the batch is {}: this cannot be done to it now", .0.state.code())]
    NotNow(NotNow),
    /// Three steps need three people (invariant 17).
    #[error("who did `{}` in this round may not take another step: somebody else must", had.code())]
    SamePerson {
        /// What they did.
        had: Step,
    },
    /// Part of it may have been sent.
    #[error("the batch has instructions: what was sent of it cannot be refused")]
    HasInstructions,
    /// The approver saw something else (invariant 5).
    #[error("the batch's content is not what you approve: read it again")]
    ContentDiffers,
    /// Projects that cannot be taken as they are stated: every one of them.
    #[error("{} projects cannot be taken; {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    ProjectsRefused(Vec<ProjectFlaw>),
    /// Cards that are another worker's.
    #[error("{count} cards are another worker's")]
    CardOfAnother {
        /// How many.
        count: u64,
        /// Rows of the roster, up to a thousand; none where there is no roster.
        rows: Vec<u32>,
    },
    /// Workers who are on the site of a project that is not the speaker's: their name and their verified card are not the speaker's to change.
    #[error("{count} changes are of workers who are on another project's site")]
    OnSiteElsewhere {
        /// How many.
        count: u64,
        /// Rows of the roster with what each would change, up to a thousand; none where there is no roster.
        rows: Vec<(u32, Elsewhere)>,
    },
    /// A card that was refused stands otherwise again only on evidence.
    #[error("this card was refused: what shows that it works now is missing")]
    EvidenceMissing,
    /// Only another card replaces a card.
    #[error("a card is replaced by naming another one")]
    ReplacedByHand,
    /// Somebody has this name.
    #[error("{uri} is known already")]
    AlreadyKnown {
        /// Whose name it is.
        uri: String,
    },
    /// Nobody would be left who can let others in.
    #[error("the last active operator cannot be suspended")]
    LastOperator,
    /// Some gateway could not open what is sealed with this key.
    #[error("sealing key {id} is not known to {}", gateways.join(", "))]
    KeyUnknown {
        /// The key.
        id: u32,
        /// Who does not have it.
        gateways: Vec<String>,
    },
    /// Something still needs this key.
    #[error("sealing key {id} cannot be removed: {why}")]
    KeyNeeded {
        /// The key.
        id: u32,
        /// What needs it.
        why: String,
    },
    /// A rule of the desk of two people.
    #[error(transparent)]
    Doubt(#[from] DoubtRefused),
    /// The same reference came before with other content.
    #[error("reference {reference} came before with another amount or account")]
    ReferenceReused {
        /// The bank's reference.
        reference: String,
    },
}

/// A row whose worker already has a wage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedTwice {
    /// Row in the sheet.
    pub row: u32,
    /// The batch that has it.
    pub other_batch: String,
}

impl StoreError {
    /// True where the database's disk has no room.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                // SQLITE_FULL, and PostgreSQL's disk_full.
                error
                    .code()
                    .is_some_and(|code| code == "13" || code == "53100")
            }
            Self::Database(sqlx::Error::Io(error)) => {
                error.kind() == std::io::ErrorKind::StorageFull
            }
            Self::Database(_)
            | Self::Schema(_)
            | Self::NotFound { .. }
            | Self::Stale
            | Self::WentBack { .. }
            | Self::Forbidden(_)
            | Self::Conflict(_)
            | Self::Broken(_) => false,
        }
    }

    /// No batch has this code.
    pub(super) fn no_batch(code: &str) -> Self {
        Self::NotFound {
            what: "batch",
            key: code.to_owned(),
        }
    }
}

impl Conflict {
    /// The refusal of rows whose card is another worker's, where there are any.
    pub(super) fn of_shared(mut rows: Vec<u32>, named: usize) -> Option<Self> {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        // Row 0 is no row: the card was not in a roster.
        rows.retain(|row| *row > 0);
        rows.sort_unstable();
        rows.truncate(named);
        (count > 0).then_some(Self::CardOfAnother { count, rows })
    }

    /// The refusal of rows that would change what is another project's, where there are any.
    pub(super) fn of_elsewhere(mut rows: Vec<(u32, Elsewhere)>, named: usize) -> Option<Self> {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        rows.sort_unstable_by_key(|(row, _)| *row);
        rows.truncate(named);
        (count > 0).then_some(Self::OnSiteElsewhere { count, rows })
    }

    /// The same for one card, without a roster.
    pub(super) const fn by_hand() -> Self {
        Self::OnSiteElsewhere {
            count: 1,
            rows: Vec::new(),
        }
    }
}
