//! Many worlds on several threads, each with a house and a runtime of its own, and what they came to together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    auditor::{Finding, Harm},
    chance::Chance,
    faults::{Kind, Mark},
    house::{Failure, House},
    world::{Settings, Verdict, World},
};

/// How many worlds, which, and for how long at most.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// Worlds.
    pub worlds: u64,
    /// What their seeds come from.
    pub seed: u64,
    /// Threads.
    pub jobs: usize,
    /// No world begins later than this.
    pub within: Option<Duration>,
    /// No world begins once so many have failed.
    pub failures_max: usize,
}

/// A world that went wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its seed.
    pub seed: u64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The faults that it met.
    pub injected: Vec<Mark>,
}

/// What many worlds came to.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// Worlds lived through.
    pub worlds: u64,
    /// Steps of workers.
    pub steps: u64,
    /// Injected faults by kind.
    pub faults: BTreeMap<Kind, u64>,
    /// Findings by harm.
    pub harms: BTreeMap<Harm, u64>,
    /// Worlds that went wrong, by seed.
    pub failed: Vec<Failed>,
    /// How long it took.
    pub took: Duration,
}

impl Many {
    /// The seed of the `n`th world: its own, so that any number of threads makes the same worlds.
    pub const fn seed_of(&self, n: u64) -> u64 {
        Chance::new(self.seed).at(7, n).number() >> 16
    }

    /// Lives through them.
    ///
    /// # Errors
    /// A house failed.
    pub fn run(&self) -> Result<Sum, Failure> {
        let begun = Instant::now();
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let run = || self.one_thread(&next, &stop, begun);
        let sums = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.jobs.max(1)).map(|_| scope.spawn(run)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.collect::<Vec<_>>()
        });
        let mut all = Sum::default();
        for sum in sums {
            all.add(sum.map_err(|_| "a thread of worlds panicked")??);
        }
        all.failed.sort_by_key(|failed| failed.seed);
        all.took = begun.elapsed();
        Ok(all)
    }

    fn one_thread(
        &self,
        next: &AtomicU64,
        stop: &AtomicBool,
        begun: Instant,
    ) -> Result<Sum, Failure> {
        let runtime = runtime()?;
        let mut house = House::new()?;
        let mut sum = Sum::default();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let late = self.within.is_some_and(|within| begun.elapsed() > within);
            if n >= self.worlds || late || stop.load(Ordering::Relaxed) {
                return Ok(sum);
            }
            let seed = self.seed_of(n);
            let settings = Settings {
                seed,
                ..Settings::default()
            };
            let verdict = runtime.block_on(live(&mut house, &settings))?;
            sum.count(seed, verdict);
            if sum.failed.len() >= self.failures_max {
                stop.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// A runtime whose one thread decides everything.
///
/// # Errors
/// The system gives none.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Lives through one world.
///
/// # Errors
/// The house failed.
pub async fn live(house: &mut House, settings: &Settings) -> Result<Verdict, Failure> {
    World::new(house, settings).await?.live().await
}

impl Sum {
    fn count(&mut self, seed: u64, verdict: Verdict) {
        self.worlds += 1;
        self.steps += verdict.steps;
        for (kind, count) in verdict.counts {
            *self.faults.entry(kind).or_default() += count;
        }
        for finding in &verdict.findings {
            *self.harms.entry(finding.harm).or_default() += 1;
        }
        if !verdict.findings.is_empty() {
            let Verdict {
                findings, injected, ..
            } = verdict;
            self.failed.push(Failed {
                seed,
                findings,
                injected,
            });
        }
    }

    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.steps += other.steps;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (harm, count) in other.harms {
            *self.harms.entry(harm).or_default() += count;
        }
        self.failed.extend(other.failed);
    }

    /// Injected faults of all kinds.
    pub fn faults_total(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Findings of one harm.
    pub fn harm(&self, harm: Harm) -> u64 {
        self.harms.get(&harm).copied().unwrap_or(0)
    }

    /// One object with every figure.
    pub fn report(&self) -> Value {
        let faults: serde_json::Map<_, _> = Kind::ALL
            .iter()
            .map(|kind| {
                (
                    kind.code().to_owned(),
                    json!(self.faults.get(kind).unwrap_or(&0)),
                )
            })
            .collect();
        json!({
            "worlds": self.worlds,
            "steps": self.steps,
            "faults": faults,
            "faults_total": self.faults_total(),
            "double_paid": self.harm(Harm::DoublePaid),
            "lost": self.harm(Harm::Lost),
            "wrong_outcome": self.harm(Harm::WrongOutcome),
            "stuck": self.harm(Harm::Stuck),
            "seconds": self.took.as_secs(),
        })
    }
}

/// Leaves faults out as long as the world still goes wrong: halves first, then ever smaller pieces, then one by one.
///
/// # Errors
/// The house failed.
pub async fn shrink(
    house: &mut House,
    seed: u64,
    injected: &[Mark],
) -> Result<(BTreeSet<Mark>, Verdict), Failure> {
    let mut faults: Vec<Mark> = injected.to_vec();
    let told = |only: &[Mark]| Settings {
        seed,
        only: Some(only.iter().copied().collect()),
        told: true,
    };
    let mut verdict = live(house, &told(&faults)).await?;
    let mut piece = faults.len().div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < faults.len() {
            let mut fewer = faults.clone();
            fewer.drain(from..(from + piece).min(faults.len()));
            let tried = live(house, &told(&fewer)).await?;
            if tried.findings.is_empty() {
                from += piece;
            } else {
                (faults, verdict) = (fewer, tried);
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    Ok((faults.into_iter().collect(), verdict))
}
