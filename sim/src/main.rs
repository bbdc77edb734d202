//! `sim`: worlds by the thousand, or one of them told.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use sim::{
    house::{Failure, House},
    runs::{Many, Sum, live, runtime, shrink},
    sabotage,
    world::{Settings, Verdict},
};

/// Lives through seeded worlds with the real gateway in them, and holds its books against the banks' ledgers.
#[derive(Debug, Parser)]
struct Args {
    /// How many worlds.
    #[arg(long, default_value_t = 1_000)]
    worlds: u64,
    /// What the worlds' seeds come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the last line, for programs.
    #[arg(long)]
    json: bool,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Begin no world after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Live through the one world with this seed and tell its story.
    #[arg(long)]
    world: Option<u64>,
    /// Switch guards of the gateway off, one at a time: all, or those named with commas between, until the worlds find out.
    #[arg(long)]
    sabotage: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match (args.world, &args.sabotage) {
        (_, Some(switch)) => sabotage::run(switch, args.many()),
        (Some(seed), None) => one(seed),
        (None, None) => many(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sim: {error}");
            ExitCode::from(2)
        }
    }
}

impl Args {
    fn many(&self) -> Many {
        Many {
            worlds: self.worlds,
            seed: self.seed,
            jobs: self.jobs,
            within: self.seconds.map(Duration::from_secs),
            failures_max: 20,
        }
    }
}

fn many(args: &Args) -> Result<bool, Failure> {
    let sum = args.many().run()?;
    if !args.json {
        table(&sum);
    }
    for failed in &sum.failed {
        println!("world {}:", failed.seed);
        for finding in &failed.findings {
            println!("  {:?}: {}", finding.harm, finding.what);
        }
    }
    if let Some(first) = sum.failed.first() {
        let mut house = House::new()?;
        let (faults, verdict) =
            runtime()?.block_on(shrink(&mut house, first.seed, &first.injected))?;
        println!(
            "\nworld {} with {} of its {} faults:",
            first.seed,
            faults.len(),
            first.injected.len()
        );
        story(&verdict);
    }
    println!("{}", sum.report());
    Ok(sum.failed.is_empty())
}

fn one(seed: u64) -> Result<bool, Failure> {
    let mut house = House::new()?;
    let settings = Settings {
        seed,
        told: true,
        only: None,
    };
    let verdict = runtime()?.block_on(live(&mut house, &settings))?;
    story(&verdict);
    Ok(verdict.findings.is_empty())
}

fn story(verdict: &Verdict) {
    for event in &verdict.story {
        println!("  {event}");
    }
    for finding in &verdict.findings {
        println!("  {:?}: {}", finding.harm, finding.what);
    }
}

fn table(sum: &Sum) {
    println!(
        "{} worlds, {} steps, {} faults",
        sum.worlds,
        sum.steps,
        sum.faults_total()
    );
    for (kind, count) in &sum.faults {
        println!("  {:<28}{count:>12}", kind.code());
    }
}
