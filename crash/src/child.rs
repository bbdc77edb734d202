//! One life of the gateway: it looks whether everything it had been told is still there, and then works until it is killed.
//!
//! Two workers and a courier take steps; when nothing is due the next sheet is released and the clock goes on to what is due next. It never waits.

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use wagegate::{
    clock::{Clock as _, ManualClock},
    dispatch::{Progress, StepError, Worker},
    gateway::Gateway,
    killpoints,
    store::Within,
};
use wagegate_domain::outcome::Place;

use crate::{Failure, feed, house::House, memory::Memory, options::Child, wages::Sheet};

/// Something that was answered for is gone.
pub(crate) const MISSING: u8 = 3;
/// The books could not be opened, or not be worked with: no verdict.
pub(crate) const UNABLE: u8 = 4;
/// How long a worker holds a task, by the run's own clock.
pub(crate) const LEASE_S: i64 = 60;
const LEASE: Duration = Duration::from_secs(LEASE_S.unsigned_abs());
/// Sayings in one commit.
const CHUNK: usize = 3;
/// Between two tries of what failed.
const BREATH: Duration = Duration::from_millis(5);
/// Longer than a bank in doubt is left unasked.
const QUIET: SignedDuration = SignedDuration::from_mins(65);
/// How far the clock goes at once when nothing is under way.
const STRIDE: SignedDuration = SignedDuration::from_mins(5);

pub(crate) fn main(options: &Child) -> ExitCode {
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_writer(io::stderr)
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .init();
    }
    if let Err(error) = killpoints::arm() {
        eprintln!("crash: {error}");
        return ExitCode::from(2);
    }
    killpoints::hear(say);
    killpoints::shrink(CHUNK);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(live(options)))
    {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::from(UNABLE)
        }
    }
}

/// One line to the parent, in one write: a line is there whole or not at all.
fn say(line: &str) {
    let line = format!("{line}\n");
    // Whoever does not listen any more is about to kill us.
    io::stdout().lock().write_all(line.as_bytes()).ok();
}

async fn live(options: &Child) -> Result<u8, Failure> {
    let house = House::read(&options.house)?;
    let now = Timestamp::from_millisecond(options.now)?;
    let clock = Arc::new(ManualClock::new(now));
    let gateway = house.gateway(&clock).await?;
    if let Some(file) = &options.remembered {
        let mut memory = Memory::default();
        for line in fs::read_to_string(file)?.lines() {
            memory.take(line)?;
        }
        let missing = memory.missing(&gateway).await?;
        if !missing.is_empty() {
            eprintln!("crash: answered for and gone: {}", missing.join("; "));
            return Ok(MISSING);
        }
    }
    say("ready");
    let life = Life {
        workers: [0, 1].map(|_| Worker::new(Arc::clone(&gateway), LEASE)),
        courier: Worker::courier(Arc::clone(&gateway), LEASE),
        gateway,
        clock,
    };
    if options.drain {
        life.drain(options.sheet).await
    } else {
        life.work(options.sheet).await
    }
}

struct Life {
    gateway: Arc<Gateway>,
    clock: Arc<ManualClock>,
    workers: [Worker; 2],
    courier: Worker,
}

impl Life {
    /// Works for ever.
    async fn work(&self, mut sheet: u32) -> Result<u8, Failure> {
        loop {
            let due = self.until_idle().await;
            match feed::release(&self.gateway, Sheet(sheet)).await {
                Ok(()) => {
                    sheet += 1;
                    say(&format!("sheet {sheet}"));
                }
                Err(error) => failed("feed", &*error).await,
            }
            self.go_on_to(due);
        }
    }

    /// Works until no wage is under way and no bank was left unasked since. The last sheet may have been left half-way.
    async fn drain(&self, sheet: u32) -> Result<u8, Failure> {
        feed::release(&self.gateway, Sheet(sheet)).await?;
        let mut quiet_since = None;
        loop {
            let due = self.until_idle().await;
            if self.in_flight().await? > 0 {
                quiet_since = None;
            } else {
                let since = *quiet_since.get_or_insert(self.clock.now());
                let now = self.clock.now();
                if now.duration_since(since) > QUIET {
                    return Ok(0);
                }
                self.clock.set(now + STRIDE);
            }
            self.go_on_to(due);
        }
    }

    /// Takes steps side by side until nothing is due; says when something is.
    async fn until_idle(&self) -> Option<Timestamp> {
        loop {
            let [one, other] = &self.workers;
            let (one, other, courier) = tokio::join!(one.step(), other.step(), self.courier.step());
            let mut due = None;
            let mut idle = true;
            for step in [one, other, courier] {
                match step {
                    Ok(Progress::Did(_)) => idle = false,
                    Ok(Progress::Idle(at)) => due = [due, at].into_iter().flatten().min(),
                    Err(error) => failed(kind(&error), &error).await,
                }
            }
            if idle {
                return due;
            }
        }
    }

    /// A step that failed gave its task back for a while: without it nothing may be due for long, so the clock never stands still.
    fn go_on_to(&self, due: Option<Timestamp>) {
        let soon = self.clock.now() + SignedDuration::from_secs(15);
        let now = due.map_or(soon, |due| due.min(soon)).max(self.clock.now());
        self.clock.set(now);
        say(&format!("clock {}", now.as_millisecond()));
    }

    async fn in_flight(&self) -> Result<u64, Failure> {
        let store = &self.gateway.store;
        let batches = store
            .batch_page(&Within::All, None, None, u32::MAX >> 1)
            .await?;
        let places = [Place::InFlight, Place::Held];
        let count = |tally: &wagegate_domain::indicator::Tally| -> u64 {
            places.iter().map(|place| tally.at(*place).0).sum()
        };
        Ok(batches.iter().map(|batch| count(&batch.tally)).sum())
    }
}

fn kind(error: &StepError) -> &'static str {
    match error {
        StepError::Store(_) => "store",
        StepError::Evidence(_) | StepError::Reading(_) => "evidence",
        StepError::Build { .. } => "build",
        StepError::Vault(_)
        | StepError::Bank(_)
        | StepError::Subject(_)
        | StepError::Keys(_)
        | StepError::Ended(_) => "other",
    }
}

/// Tells of it, and takes a breath: a database that is away is not asked a thousand times a second.
async fn failed(what: &str, error: &(dyn std::error::Error + Send + Sync)) {
    eprintln!("crash: {what}: {error}");
    say(&format!("failed {what}"));
    tokio::time::sleep(BREATH).await;
}
