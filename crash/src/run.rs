//! A run: one set of books, one life after another over it, and the proof at its end.

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use wagegate::{
    clock::{Clock as _, ManualClock, SystemClock},
    killpoints::POINTS,
};

use crate::{
    Failure,
    bank::BankProcess,
    child,
    cluster::Cluster,
    desk::{self, LATER},
    dice::Dice,
    disk::Disk,
    house::House,
    io_errors,
    life::{Death, End, Life, Lived, Start},
    memory::Memory,
    options::{self, Engine},
    proof::{Proof, prove},
    trouble::{RECOVERS, SmallDisk, Trouble, pause},
    whole,
};

/// Both fail some rows and send some back later; only the first looks for instructions that come twice.
const QINGSHAN: &str = "returns_after_polls = 2\nwork_polls = 1\nresult_order = \"shuffled\"\n[fail]\nname_mismatch = 60\nclosed = 30\n[late_return]\nno_account = 40\n";
const BISHUI: &str = "deduplicates = false\nreturns_after_polls = 3\nwork_polls = 2\n[fail]\nname_mismatch = 40\nover_limit = 20\n[late_return]\nclosed = 30\n";
const LEASE_MS: i64 = child::LEASE_S * 1_000;
const MINUTE_MS: i64 = 60_000;
/// Until the first life has shown it.
const STARTUP: Duration = Duration::from_millis(100);
/// Longer than anything takes when nothing is killed.
const PATIENCE: Duration = Duration::from_secs(600);
/// A life that is to die at a place gets this many times the usual.
const TO_ITS_PLACE: u32 = 8;

/// Runs what the command line asks for; says whether it was clean.
pub(crate) fn run(options: &options::Run) -> Result<bool, Failure> {
    let begun = Instant::now();
    let mut run = Run::open(options)?;
    run.whole_gateways()?;
    run.lives()?;
    let proof = run.finish()?;
    let clean = run.is_clean(&proof);
    if !clean {
        run.tell(&proof);
    }
    println!("{}", run.line(&proof, clean, begun.elapsed()));
    Ok(clean)
}

struct Run {
    options: options::Run,
    dice: Dice,
    house: House,
    memory: Memory,
    start: Start,
    counts: Counts,
    /// How long a life takes to come to its first work, lately.
    startup: Duration,
    cluster: Option<Cluster>,
    disk: Option<Disk>,
    _small_disk: Option<SmallDisk>,
    _banks: Vec<BankProcess>,
    /// Removed with everything in it, unless the folder was given.
    _folder: Option<TempDir>,
}

#[derive(Debug, Default)]
struct Counts {
    kills: BTreeMap<&'static str, u32>,
    troubles: BTreeMap<&'static str, u32>,
    /// Lives that did not go on when their trouble was over.
    stuck: u32,
    power_cuts: u32,
    /// Steps that failed, by what failed.
    failed: BTreeMap<String, u32>,
    /// Lives that could not open the books.
    unable: u32,
    /// Lives that found something gone.
    gone: u32,
    /// Lives that ended otherwise, which none should.
    odd: u32,
    /// Instructions that two people found never to have arrived.
    decided: u32,
}

impl Run {
    fn open(options: &options::Run) -> Result<Self, Failure> {
        let made = match options.folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("crash-").tempdir()?),
        };
        let given = options.folder.clone();
        let folder = given
            .or(made.as_ref().map(|made| made.path().to_owned()))
            .ok_or("no folder")?;
        let certificates = House::make_certificates(&folder)?;
        let banks = [
            BankProcess::start(&folder, &certificates, ("qingshan", "iso20022"), QINGSHAN)?,
            BankProcess::start(&folder, &certificates, ("bishui", "textfile"), BISHUI)?,
        ];
        let data = folder.join("data");
        fs::create_dir(&data)?;
        let disk = (options.power_cuts > 0)
            .then(|| Disk::mount(&data, options))
            .transpose()?;
        let small_disk = (options.disk_fulls > 0)
            .then(|| SmallDisk::mount(&data))
            .transpose()?;
        let cluster = (options.engine == Engine::Postgres)
            .then(Cluster::start)
            .transpose()?;
        let store = match &cluster {
            Some(cluster) => cluster.url.clone(),
            None => format!("sqlite://{}", data.join("wagegate.db").display()),
        };
        let house = House {
            folder: folder.clone(),
            data,
            store,
            certificates,
            banks: banks.iter().map(|bank| bank.at.clone()).collect(),
        };
        house.write()?;
        let now = SystemClock.now();
        block_on(house.set_up(now))?;
        if let Some(disk) = &disk {
            disk.settle();
        }
        let faults = if options.io_errors {
            io_errors::environment()?
        } else {
            Vec::new()
        };
        Ok(Self {
            options: options.clone(),
            dice: Dice::new(options.seed),
            house,
            memory: Memory::default(),
            start: Start {
                now: now.as_millisecond(),
                sheet: 0,
                drain: false,
                faults,
            },
            counts: Counts::default(),
            startup: STARTUP,
            cluster,
            disk,
            _small_disk: small_disk,
            _banks: banks.into(),
            _folder: made,
        })
    }

    fn lives(&mut self) -> Result<(), Failure> {
        let troubles = self.troubles();
        let deaths = self.options.kills.max(self.options.power_cuts);
        let wanted = deaths.max(u32::try_from(troubles.len())?);
        fs::write(self.house.folder.join("remembered"), "")?;
        let mut befallen = 0;
        for n in 1..=wanted {
            // Spread evenly over the lives.
            let due = troubles.len() * n as usize / wanted as usize;
            let trouble = (befallen < due).then(|| troubles.get(befallen)).flatten();
            befallen = due;
            self.one_life(trouble.copied())?;
            if self.disk.is_some() {
                self.cut_power()?;
            }
            if n % 500 == 0 {
                let commits = self.memory.commits;
                eprintln!("crash: {n} of {wanted} lives, {commits} commits answered for");
            }
        }
        Ok(())
    }

    /// These live by the machine's clock; whoever comes after them starts behind their leases.
    fn whole_gateways(&mut self) -> Result<(), Failure> {
        let times = self.options.gateways;
        if times == 0 {
            return Ok(());
        }
        self.start.sheet = whole::kill(&self.house, times, &mut self.dice)?;
        self.counts.kills.insert("whole_gateway", times);
        self.start.now = SystemClock.now().as_millisecond() + MINUTE_MS;
        Ok(())
    }

    fn troubles(&self) -> Vec<Trouble> {
        let options = &self.options;
        let wanted = [
            (Trouble::Restart, options.restarts),
            (Trouble::Freeze, options.freezes),
            (Trouble::DiskFull, options.disk_fulls),
        ];
        let each = wanted
            .into_iter()
            .map(|(trouble, count)| vec![trouble; count as usize]);
        each.flatten().collect()
    }

    /// One life, and its death. One that could not even begin is not counted as a kill, and another takes its place.
    fn one_life(&mut self, trouble: Option<Trouble>) -> Result<(), Failure> {
        for _ in 0..1_000 {
            let death = self.death(trouble);
            let life = Life::start(&self.house, &self.start, Some(death))?;
            let lived = match trouble {
                Some(trouble) => self.troubled(life, trouble)?,
                None => life.end(self.within(death))?,
            };
            self.remember([&lived])?;
            if self.count(death, lived.end) {
                return Ok(());
            }
        }
        Err("a thousand lives in a row could not open the books; see lives.log".into())
    }

    /// Lets the trouble befall it in the middle of its work, and looks whether it goes on by itself.
    fn troubled(&mut self, mut life: Life, trouble: Trouble) -> Result<Lived, Failure> {
        let into = Duration::from_millis(self.dice.below(self.options.life_ms));
        pause(self.startup + into);
        let mut other = self.start.clone();
        other.now += LEASE_MS + MINUTE_MS;
        let after = trouble.befall(&life, &self.house, self.cluster.as_ref(), &other)?;
        life.wait_for_word_since(after.over, RECOVERS);
        let lived = life.end(self.life())?;
        if let Some(other) = &after.other {
            self.remember([other])?;
        }
        *self.counts.troubles.entry(trouble.name()).or_default() += 1;
        let went_on =
            |(at, line): &(Instant, String)| *at > after.over && line.starts_with("sheet");
        if !lived.lines.iter().any(went_on) {
            self.counts.stuck += 1;
        }
        Ok(lived)
    }

    fn within(&self, death: Death) -> Duration {
        match death {
            Death::After(after) => after,
            Death::At(..) => self.startup + self.life() * TO_ITS_PLACE,
        }
    }

    fn death(&mut self, trouble: Option<Trouble>) -> Death {
        if trouble.is_none() && self.dice.below(3) > 0 {
            let place = *self.dice.pick(POINTS);
            let hits = if place.ends_with("_claim") { 12 } else { 4 };
            return Death::At(place, u32::try_from(self.dice.below(hits)).unwrap_or(0) + 1);
        }
        // One in eight while it is still opening its books.
        if self.dice.below(8) == 0 {
            let micros = u64::try_from(self.startup.as_micros()).unwrap_or(u64::MAX);
            return Death::After(Duration::from_micros(self.dice.below(micros)));
        }
        let into = Duration::from_millis(1 + self.dice.below(self.options.life_ms));
        Death::After(self.startup + into)
    }

    fn life(&self) -> Duration {
        Duration::from_millis(self.options.life_ms)
    }

    fn cut_power(&mut self) -> Result<(), Failure> {
        let chance = self.dice.below(u64::MAX);
        if let Some(disk) = &mut self.disk {
            disk.cut_power(chance)?;
            self.counts.power_cuts += 1;
        }
        Ok(())
    }

    /// Keeps what the life said, for the next one to look for and for the proof.
    fn remember<const N: usize>(&mut self, lives: [&Lived; N]) -> Result<(), Failure> {
        for startup in lives.iter().filter_map(|lived| lived.startup) {
            self.startup = (self.startup * 7 + startup) / 8;
        }
        let mut commits = String::new();
        for (_, line) in lives.iter().flat_map(|lived| &lived.lines) {
            if self.memory.take(line)? {
                commits.push_str(line);
                commits.push('\n');
            }
            match line.split_once(' ') {
                Some(("clock", at)) => self.start.now = self.start.now.max(at.parse()?),
                Some(("sheet", next)) => self.start.sheet = self.start.sheet.max(next.parse()?),
                Some(("failed", what)) => {
                    *self.counts.failed.entry(what.to_owned()).or_default() += 1;
                }
                Some(_) | None => {}
            }
        }
        // Later than every lease that it may have held.
        self.start.now += LEASE_MS + 1_000;
        Ok(fs::write(self.house.folder.join("remembered"), commits)?)
    }

    /// Says whether it was a death of the wanted sort.
    fn count(&mut self, death: Death, end: End) -> bool {
        let kind = match (end, death) {
            (End::AtItsPlace, Death::At(place, _)) => place,
            (End::AnyMoment, _) => "any_moment",
            (End::AtItsPlace, Death::After(_)) => "any_moment",
            (End::ByItself(code), _) => {
                match code.map(u8::try_from) {
                    Some(Ok(child::MISSING)) => self.counts.gone += 1,
                    Some(Ok(child::UNABLE)) => self.counts.unable += 1,
                    _ => self.counts.odd += 1,
                }
                return false;
            }
        };
        *self.counts.kills.entry(kind).or_default() += 1;
        true
    }

    /// Works everything off, has two people decide on what a bank that promises nothing never got, works that off, and compares.
    fn finish(&mut self) -> Result<Proof, Failure> {
        self.start.drain = true;
        self.start.faults.clear();
        self.work_off()?;
        self.start.now += i64::try_from(LATER.as_millis())?;
        let clock = ManualClock::new(Timestamp::from_millisecond(self.start.now)?);
        self.counts.decided = block_on(async {
            let gateway = self.house.gateway(&Arc::new(clock)).await?;
            desk::decide(&self.house, &gateway).await
        })?;
        if self.counts.decided > 0 {
            self.work_off()?;
        }
        let clock = ManualClock::new(Timestamp::from_millisecond(self.start.now)?);
        block_on(async {
            let gateway = self.house.gateway(&Arc::new(clock)).await?;
            prove(&self.house, &gateway, &self.memory).await
        })
    }

    /// Twice, the second time after the banks sent back what is late.
    fn work_off(&mut self) -> Result<(), Failure> {
        self.drain()?;
        for bank in &self.house.banks {
            bank.control("settle", &json!({}))?;
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Failure> {
        let lived = Life::start(&self.house, &self.start, None)?.end(PATIENCE)?;
        self.remember([&lived])?;
        match lived.end {
            End::ByItself(Some(0)) => Ok(()),
            End::ByItself(Some(code)) if code == i32::from(child::MISSING) => {
                self.counts.gone += 1;
                let again = Life::start(&self.house, &self.start, None)?.end(PATIENCE)?;
                self.remember([&again])
            }
            end => Err(format!("what is under way could not be worked off: {end:?}").into()),
        }
    }

    /// A step fails only where something outside was broken on purpose.
    fn is_clean(&self, proof: &Proof) -> bool {
        let broken_on_purpose = self.options.io_errors || !self.counts.troubles.is_empty();
        let failures = self.counts.unable + self.counts.failed.values().sum::<u32>();
        proof.report.agrees()
            && proof.differences.is_empty()
            && proof.missing.is_empty()
            && proof.report.unsettled == 0
            && self.counts.gone == 0
            && self.counts.odd == 0
            && self.counts.stuck == 0
            && (broken_on_purpose || failures == 0)
    }

    fn tell(&self, proof: &Proof) {
        eprintln!("crash: not clean: {:?}", proof.report);
        for line in proof.differences.iter().chain(&proof.missing) {
            eprintln!("crash: {line}");
        }
        let log = fs::read_to_string(self.house.folder.join("lives.log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        tail.iter().rev().for_each(|line| eprintln!("{line}"));
    }

    fn line(&self, proof: &Proof, clean: bool, took: Duration) -> serde_json::Value {
        let counts = &self.counts;
        let troubles = |one: Trouble| counts.troubles.get(one.name()).copied().unwrap_or(0);
        let io_errors = if self.options.io_errors {
            counts.unable + counts.failed.values().sum::<u32>()
        } else {
            0
        };
        json!({
            "clean": clean,
            "engine": format!("{:?}", self.options.engine).to_lowercase(),
            "seed": self.options.seed,
            "kills": counts.kills.values().sum::<u32>(),
            "kills_by_point": counts.kills,
            "restarts": troubles(Trouble::Restart),
            "freezes": troubles(Trouble::Freeze),
            "disk_fulls": troubles(Trouble::DiskFull),
            "stuck": counts.stuck,
            "power_cuts": counts.power_cuts,
            "io_errors": io_errors,
            "failed_steps": counts.failed,
            "could_not_open": counts.unable,
            "batches": proof.batches,
            "wages": proof.wages,
            "paid_fen_bank": proof.report.bank_paid_fen,
            "paid_fen_ours": proof.report.our_paid_fen,
            "double_paid": proof.report.double_paid.count,
            "lost": proof.report.lost.count,
            "unsettled": proof.report.unsettled,
            "decided_by_two_people": counts.decided,
            "differences": proof.differences.len(),
            "acknowledged": self.memory.commits,
            "acknowledged_lost": proof.missing.len(),
            "lives_that_found_loss": counts.gone,
            "startup_ms": u64::try_from(self.startup.as_millis()).unwrap_or(u64::MAX),
            "seconds": took.as_secs(),
        })
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(work)
}
