//! One world: gateways, banks, people and time, all from one seed. Single-threaded in what it decides; the same seed makes the same events.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use wagegate::{
    clock::ManualClock,
    dispatch::Worker,
    gateway::Gateway,
    store::{Store, sqlite::SqliteStore},
};

use crate::{
    auditor::{Auditor, Finding},
    bank::Bank,
    chance::{Chance, Draw},
    faults::{Chosen, Faults, Kind, Mark, Site},
    house::{Beside, Failure, Fittings, House, NATURES, START, Waiting},
    hub::Hub,
    restore::{Copied, open},
    slot::{Slot, Work},
};

/// No gateway's clock is further from the world's, in milliseconds.
pub const SKEW_MAX: i64 = 120_000;
/// So long a worker holds a task.
pub const LEASE: Duration = Duration::from_secs(60);
/// The same in the world's milliseconds.
pub const LEASE_MS: i64 = 60_000;
/// No world needs more steps to come to rest.
const STEPS_MAX: u64 = 1_500;
/// Nor more time.
const REST_WITHIN: i64 = 4 * 86_400_000;

/// Which world, and how it is looked at.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Its seed.
    pub seed: u64,
    /// Only these faults, where set.
    pub only: Option<BTreeSet<Mark>>,
    /// Whether its story is kept.
    pub told: bool,
}

/// What a world came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What must never be; empty when all is well.
    pub findings: Vec<Finding>,
    /// Injected faults by kind.
    pub counts: BTreeMap<Kind, u64>,
    /// Where they were.
    pub injected: Vec<Mark>,
    /// Steps of workers.
    pub steps: u64,
    /// The events in order, where they were to be told.
    pub story: Vec<String>,
    /// A mark that two runs of the same world share.
    pub print: u64,
}

/// Something that happens at its time.
#[derive(Debug)]
pub enum Event {
    /// People release a batch.
    Release(usize),
    /// A piece of the money arrives on a batch's account.
    Deposit(usize, u32),
    /// Somebody copies the database.
    Copy(Chosen),
    /// The copy takes the database's place.
    PutBack,
    /// Two people sit down at the desk of doubts.
    Desk,
    /// A request arrives that its sender has given up.
    Arrive {
        /// The bank's place.
        bank: usize,
        /// What it asks.
        ask: crate::calls::Ask,
        /// Its bytes.
        body: bytes::Bytes,
        /// How many requests had left before it.
        number: u64,
    },
    /// A bank pushes a document again.
    PushAgain(usize, Vec<u8>),
}

/// One gateway of the world.
#[derive(Debug)]
pub struct Gate {
    /// It.
    pub gateway: Arc<Gateway>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// How far its clock is before the world's, milliseconds.
    pub skew: i64,
}

/// The world.
#[derive(Debug)]
pub struct World {
    pub(crate) fittings: Arc<Fittings>,
    pub(crate) beside: Beside,
    pub(crate) path: PathBuf,
    pub(crate) copied: Option<Copied>,
    /// How often it will still be put back.
    pub(crate) restores_left: u32,
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) auditor: Auditor,
    pub(crate) banks: Vec<Bank>,
    pub(crate) batches: Vec<Waiting>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) events: BTreeMap<(i64, u64), Event>,
    pub(crate) now: i64,
    /// Requests that left, and the newest of them that arrived, by bank.
    pub(crate) left: u64,
    pub(crate) arrived: BTreeMap<usize, u64>,
    /// Looks for returns whose answer was silently cut: bank and number.
    pub(crate) cut: BTreeSet<(usize, u64)>,
    chance: Chance,
    drawn: u64,
    planned: u64,
    steps: u64,
    told: bool,
    story: Vec<String>,
    print: u64,
}

const SCHEDULE: u64 = 100;

impl World {
    /// Makes a world on a fresh copy of its database.
    ///
    /// # Errors
    /// The house failed.
    pub async fn new(house: &mut House, settings: &Settings) -> Result<Self, Failure> {
        let chance = Chance::new(settings.seed);
        let template = house.template(settings.seed).await?;
        let mut draw = chance.at(SCHEDULE, 0);
        let permille = [150, 500, 900][draw.index(3)];
        let hub = Hub::new(Faults::new(chance, permille, settings.only.clone()));
        let path = house.database();
        clear(&path);
        fs::write(&path, template.bytes.as_slice())?;
        let store = open(&path, &hub).await?;
        let auditor = Auditor::new(&path, &template.batches).await?;
        let fittings = Arc::clone(&house.fittings);
        let mut world = Self {
            beside: fittings.beside(),
            fittings,
            path,
            copied: None,
            restores_left: 0,
            hub,
            store,
            auditor,
            banks: template
                .banks
                .iter()
                .map(|bank| Bank::new(NATURES[*bank]))
                .collect(),
            batches: template.batches,
            gates: Vec::new(),
            slots: Vec::new(),
            events: BTreeMap::new(),
            now: START,
            left: 0,
            arrived: BTreeMap::new(),
            cut: BTreeSet::new(),
            chance,
            drawn: 0,
            planned: 0,
            steps: 0,
            told: settings.told,
            story: Vec::new(),
            print: 0,
        };
        world.people(&mut draw)?;
        world.plan_restore();
        for _ in 0..3 {
            let at = START + draw.between(4_200_000, 12_000_000);
            world.plan(at, Event::Desk);
            world.plan(at + 60_000, Event::Desk);
        }
        Ok(world)
    }

    /// Gateways with their workers, and what people are going to do.
    fn people(&mut self, draw: &mut Draw) -> Result<(), Failure> {
        for gate in 0..usize::try_from(draw.between(1, 3))? {
            let clock = Arc::new(ManualClock::new(Timestamp::from_millisecond(START)?));
            let store = Arc::clone(&self.store) as Arc<dyn Store>;
            let own = Arc::clone(&clock);
            let gateway = self.fittings.gateway(store, &self.hub, own, &self.beside)?;
            for _ in 0..draw.between(1, 2) {
                self.slots.push(Slot {
                    gate,
                    worker: Worker::new(Arc::clone(&gateway), LEASE),
                    work: Work::Rests(None),
                });
            }
            self.gates.push(Gate {
                gateway,
                clock,
                skew: 0,
            });
        }
        for batch in 0..self.batches.len() {
            let at = self.now + draw.between(0, 60_000);
            self.plan_deposits(batch);
            self.plan(at, Event::Release(batch));
        }
        Ok(())
    }

    /// The money is there when its batch is released, or comes late, or in pieces of which the last ones are late.
    fn plan_deposits(&mut self, batch: usize) {
        const KINDS: &[(Kind, u64)] = &[(Kind::DepositLate, 1), (Kind::DepositInPieces, 1)];
        let mut state = self.hub.state();
        let chosen = state.faults.choose(Site::Start, 600, KINDS);
        if let Some(chosen) = chosen {
            state.faults.inject(chosen);
        }
        drop(state);
        let is = |kind| chosen.is_some_and(|chosen| chosen.kind == kind);
        if is(Kind::DepositInPieces) {
            self.batches[batch].pieces = 3;
        }
        // So late that wages which come back may be there before.
        let late = i64::from(is(Kind::DepositLate)) * 2_000_000;
        for piece in 0..self.batches[batch].pieces {
            let at = self.now + late + i64::from(piece) * 400_000;
            self.plan(at, Event::Deposit(batch, piece));
        }
    }

    /// Lives through the time of faults, heals, comes to rest, and is judged.
    ///
    /// # Errors
    /// The house failed.
    pub async fn live(mut self) -> Result<Verdict, Failure> {
        let ticks = self.draw().between(80, 300);
        for _ in 0..ticks {
            self.tick().await?;
            if !self.auditor.findings.is_empty() {
                break;
            }
        }
        if self.auditor.findings.is_empty() {
            self.heal();
            self.rest().await?;
        }
        self.end().await
    }

    /// From here on nothing goes wrong: every call is answered, every clock is right, what was delayed arrives.
    fn heal(&mut self) {
        self.tell(|| "all is healed".into());
        self.hub.state().faults.stop();
        for gate in &mut self.gates {
            gate.skew = 0;
        }
        for slot in &mut self.slots {
            if let Work::Waits(waiting) = &mut slot.work {
                waiting.at = waiting.at.min(self.now);
            }
        }
        self.wake_all();
        self.move_to(self.now);
    }

    /// Goes on until all is as it should be. What is not yet so may still become so: only a world that does not come to rest is at fault.
    async fn rest(&mut self) -> Result<(), Failure> {
        let (until, most) = (self.now + REST_WITHIN, self.steps + STEPS_MAX);
        loop {
            while !self.is_quiet() && self.steps < most && self.now < until {
                self.tick().await?;
                if !self.auditor.findings.is_empty() {
                    return Ok(());
                }
            }
            if self.now < until && self.desk().await? {
                continue;
            }
            let judged = self.auditor.judge(&*self.store, &self.banks, &self.batches);
            let found = judged.await?;
            if found.is_empty() {
                return Ok(());
            }
            if self.now >= until || self.steps >= most {
                self.auditor.findings.extend(found);
                return Ok(());
            }
            self.advance();
        }
    }

    /// Nothing is due at this moment and nothing is under way.
    fn is_quiet(&self) -> bool {
        let resting =
            |slot: &Slot| matches!(slot.work, Work::Rests(Some(until)) if until > self.now);
        self.events.is_empty()
            && self.banks.iter().all(Bank::is_done)
            && self.slots.iter().all(resting)
    }

    async fn end(mut self) -> Result<Verdict, Failure> {
        self.slots.clear();
        self.auditor.read_ledgers(&self.banks);
        let findings = std::mem::take(&mut self.auditor.findings);
        self.auditor.close().await?;
        self.store.close().await;
        let state = self.hub.state();
        Ok(Verdict {
            findings,
            counts: state.faults.counts.clone(),
            injected: state.faults.injected.clone(),
            steps: self.steps,
            story: self.story,
            print: self.print,
        })
    }

    /// The numbers of the next decision that is no fault.
    pub(crate) fn draw(&mut self) -> Draw {
        self.drawn += 1;
        self.chance.at(SCHEDULE, self.drawn)
    }

    /// The dice of this world.
    pub(crate) const fn dice(&self) -> Chance {
        self.chance
    }

    /// Lets something happen later.
    pub(crate) fn plan(&mut self, at: i64, event: Event) {
        self.planned += 1;
        self.events.insert((at, self.planned), event);
    }

    /// Adds to the story, if it is told.
    pub(crate) fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.told {
            let after = (self.now - START) / 1_000;
            self.story
                .push(format!("{:>4}:{:02} {}", after / 60, after % 60, what()));
        }
    }

    /// Counts a step, and folds what came of it into the world's mark.
    pub(crate) fn stepped(&mut self, slot: usize, came_to: u64) {
        self.steps += 1;
        let slot = u64::try_from(slot).unwrap_or(u64::MAX);
        let commits = self.hub.state().commits;
        let mut mixed =
            Chance::new(self.print ^ slot).at(came_to, commits ^ self.now.unsigned_abs());
        self.print = mixed.number();
    }

    /// What a gateway's clock shows.
    pub(crate) fn clock_of(&self, gate: usize) -> i64 {
        self.now + self.gates[gate].skew
    }

    /// Everybody looks again.
    pub(crate) fn wake_all(&mut self) {
        for slot in &mut self.slots {
            if let Work::Rests(until) = &mut slot.work {
                *until = None;
            }
        }
    }

    /// Moves the world and every gateway's clock.
    pub(crate) fn move_to(&mut self, now: i64) {
        self.now = now;
        for gate in &self.gates {
            let own = Timestamp::from_millisecond(now + gate.skew).unwrap_or(Timestamp::MAX);
            gate.clock.set(own);
        }
    }
}

/// Takes a database away with what SQLite keeps beside it.
pub fn clear(path: &std::path::Path) {
    for beside in ["", "-wal", "-shm"] {
        // What is not there need not go.
        fs::remove_file(format!("{}{beside}", path.display())).ok();
    }
}
