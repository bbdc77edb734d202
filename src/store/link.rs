//! How work flows: the line to each bank as all gateways know it, tasks that fail again and again, and the figures that tell how much waits.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use wagegate_domain::attempt::State;
use wagegate_domain::link::{Call, Link, Open, Skew};

use super::columns::Columns;
use super::{Claim, StoreError, TaskKind};

/// Failed steps in a row after which people are told of a task.
pub const FAILING: u32 = 3;
/// Characters that are kept of why a step failed or a call got no answer.
const WORDS: usize = 300;

/// Banks' lines and the flow of tasks.
#[async_trait]
pub trait Links: Send + Sync {
    /// Fixes how many tasks may call a bank at one time, over all gateways of the store; the last word stands.
    async fn set_calls_max(&self, bank: &str, calls_max: u32) -> Result<(), StoreError>;
    /// Notes what a call to a bank came to; an answer like those of the last seconds is not written.
    async fn note_call(&self, bank: &str, call: &Call) -> Result<(), StoreError>;
    /// The line to every bank that was ever called, by code.
    async fn links(&self) -> Result<Vec<LinkView>, StoreError>;
    /// Gives a task back whose step failed on our side; it is due again at the moment given.
    async fn give_back(
        &self,
        claim: &Claim,
        again: Timestamp,
        failed: &StepFailure,
    ) -> Result<(), StoreError>;
    /// Tasks whose steps failed more than [`FAILING`] times in a row, by key.
    async fn failing_tasks(
        &self,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<FailingTask>, StoreError>;
    /// How much waits, and for how long.
    async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError>;
}

/// A bank's line, and how many may call there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The bank's code.
    pub bank: String,
    /// What calls came to.
    pub link: Link,
    /// Tasks that may call at one time, over all gateways.
    pub calls_max: u32,
}

/// A step that failed on our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// When.
    pub at: Timestamp,
    /// Why, without people.
    pub why: String,
}

/// A task that does not get done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingTask {
    /// Store key of the task.
    pub id: i64,
    /// What it is to do.
    pub kind: TaskKind,
    /// About what.
    pub subject: String,
    /// The bank that it calls.
    pub bank: Option<String>,
    /// Failed steps in a row.
    pub failures: u32,
    /// Why the last one failed.
    pub last_error: String,
    /// When the last one failed.
    pub failed_at: Option<Timestamp>,
    /// When it is tried again.
    pub due: Timestamp,
}

/// How much waits, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// By kind; a kind of which there is no task is left out.
    pub tasks: Vec<TaskFigures>,
    /// Instructions by state; a state in which there is none is left out.
    pub instructions: Vec<(State, u64)>,
    /// When the oldest instruction in doubt was planned.
    pub oldest_in_doubt: Option<Timestamp>,
    /// What banks said that matches nothing: how much, and the oldest.
    pub suspense: (u64, Option<Timestamp>),
    /// Special accounts of which a bank took more than they held.
    pub overdrawn_accounts: u64,
}

/// Tasks of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFigures {
    /// Which.
    pub kind: TaskKind,
    /// In nobody's hands, due or not.
    pub waiting: u64,
    /// In some worker's hands.
    pub leased: u64,
    /// Of all of them, those that failed more than [`FAILING`] times in a row.
    pub failing: u64,
    /// Since when the oldest is due that nobody has in hand.
    pub oldest_due: Option<Timestamp>,
}

/// How long a task waits after its steps failed so often in a row: 15 seconds, doubling to an hour.
pub fn rest_after(failures: u32) -> SignedDuration {
    let rests = backon::ExponentialBuilder::new()
        .with_min_delay(std::time::Duration::from_secs(15))
        .with_max_delay(std::time::Duration::from_secs(60 * 60))
        .without_max_times();
    let nth = failures.saturating_sub(1).min(16) as usize;
    let rest = backon::BackoffBuilder::build(rests).nth(nth);
    rest.and_then(|rest| SignedDuration::try_from(rest).ok())
        .unwrap_or(SignedDuration::from_hours(1))
}

/// As much of an explanation as is kept.
pub(super) fn words(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(WORDS).collect()
}

impl LinkView {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            bank: row.text("bank")?,
            link: link(row)?,
            calls_max: row.number("calls_max")?,
        })
    }
}

/// The columns of a bank's line.
pub(super) fn link(row: &impl Columns) -> Result<Link, StoreError> {
    let (since, until) = (
        row.maybe_moment("open_since")?,
        row.maybe_moment("open_until")?,
    );
    let rest = SignedDuration::from_millis(row.int("rest_ms")?);
    let skew = row
        .maybe_int("clock_skew_ms")?
        .zip(row.maybe_moment("skew_at")?);
    Ok(Link {
        failures: row.number("failures")?,
        open: since
            .zip(until)
            .map(|(since, until)| Open { since, until, rest }),
        last_success: row.maybe_moment("last_success_at")?,
        last_failure: row
            .maybe_moment("last_failure_at")?
            .zip(row.maybe_text("last_failure")?),
        skew: skew.map(|(ms, at)| Skew { ms, at }),
    })
}

impl FailingTask {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int("id")?,
            kind: row.parsed("kind", TaskKind::from_code)?,
            subject: row.text("subject")?,
            bank: row.maybe_text("bank")?,
            failures: row.number("failures")?,
            last_error: row.maybe_text("last_error")?.unwrap_or_default(),
            failed_at: row.maybe_moment("failed_at")?,
            due: row.moment("due_at")?,
        })
    }
}

impl TaskFigures {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            kind: row.parsed("kind", TaskKind::from_code)?,
            waiting: row.number("waiting")?,
            leased: row.number("leased")?,
            failing: row.number("failing")?,
            oldest_due: row.maybe_moment("oldest_due")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_is_tried_ever_more_rarely_but_never_less_than_hourly() {
        for (failures, seconds) in [
            (0, 15),
            (1, 15),
            (2, 30),
            (3, 60),
            (8, 1_920),
            (9, 3_600),
            (u32::MAX, 3_600),
        ] {
            assert_eq!(rest_after(failures).as_secs(), seconds, "{failures}");
        }
    }
}
