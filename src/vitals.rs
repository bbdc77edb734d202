//! What this process counted since it started, and when it last found a disk full: for metrics and health. Nothing decides by it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use wagegate_domain::adapter::Operation;

use crate::store::TaskKind;

/// How long a full disk is spoken of after it was last found full.
const FULL_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Counters of one process; they begin at nought with it.
#[derive(Debug)]
pub struct Vitals {
    sends: AtomicU64,
    queries: AtomicU64,
    collects: AtomicU64,
    facts: AtomicU64,
    steps_failed: [AtomicU64; TaskKind::ALL.len()],
    /// Milliseconds; [`i64::MIN`] where it never was.
    full_at: AtomicI64,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            sends: AtomicU64::default(),
            queries: AtomicU64::default(),
            collects: AtomicU64::default(),
            facts: AtomicU64::default(),
            steps_failed: Default::default(),
            full_at: AtomicI64::new(i64::MIN),
        }
    }
}

impl Vitals {
    /// A talk with a bank begins.
    pub fn talk(&self, operation: &Operation) {
        let counter = match operation {
            Operation::Submit { .. } => &self.sends,
            Operation::Query { .. } => &self.queries,
            Operation::Collect { .. } => &self.collects,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Facts were recorded.
    pub fn facts(&self, count: u64) {
        self.facts.fetch_add(count, Ordering::Relaxed);
    }

    /// A step failed on our side.
    pub fn step_failed(&self, kind: TaskKind) {
        let counters = TaskKind::ALL.iter().zip(&self.steps_failed);
        for (_, counter) in counters.filter(|(other, _)| **other == kind) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The disk of the evidence or of the database had no room.
    pub fn disk_full(&self, at: Timestamp) {
        self.full_at.store(at.as_millisecond(), Ordering::Relaxed);
    }

    /// When the disk was last found full, if that was a short while ago.
    pub fn full_lately(&self, now: Timestamp) -> Option<Timestamp> {
        let at = Timestamp::from_millisecond(self.full_at.load(Ordering::Relaxed)).ok()?;
        (now.duration_since(at) < FULL_FOR).then_some(at)
    }

    /// Sends, queries, looks for returns and facts so far, by name.
    pub fn counts(&self) -> [(&'static str, u64); 4] {
        [
            ("sends", &self.sends),
            ("queries", &self.queries),
            ("collects", &self.collects),
            ("facts", &self.facts),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }

    /// Failed steps so far by kind.
    pub fn failed_steps(&self) -> impl Iterator<Item = (TaskKind, u64)> {
        let counted = self.steps_failed.iter();
        let counted = counted.map(|counter| counter.load(Ordering::Relaxed));
        TaskKind::ALL.into_iter().zip(counted)
    }
}
