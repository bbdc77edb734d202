//! `wagegate watch`: follows batches to their last worker, with a bar for each.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};
use wagegate_domain::{batch::BatchState, outcome::Place};

use super::{Failure, Out, client::Client, table, words};
use crate::http::{approval::WholeBatchWire, batches::BatchWire};

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Batch codes; without any, all that you may see.
    batches: Vec<String>,
    /// Of one pay month only.
    #[arg(long, conflicts_with = "batches")]
    month: Option<String>,
    /// End when every wage has a final word: nothing awaits approval, is in flight or in doubt.
    #[arg(long)]
    until_settled: bool,
    /// Give up after so many seconds, with exit code 6; until then, go on through outages of the gateway.
    #[arg(long)]
    within_s: Option<u64>,
    /// How often to look.
    #[arg(long, default_value_t = 2_000)]
    every_ms: u64,
}

pub(super) async fn run(client: &Client, watch: &Watch, out: Out) -> Result<(), Failure> {
    let ends = watch
        .within_s
        .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let late = || ends.is_some_and(|ends| Instant::now() >= ends);
    let mut bars = Bars::new(out);
    loop {
        let looked = look(client, watch).await;
        // Who gave a time has the patience for an outage within it.
        if let Err(failure @ (Failure::Unable(_) | Failure::Unreachable(_))) = &looked
            && ends.is_some()
        {
            bars.outage(failure);
            if late() {
                return Err(Failure::TimeOut);
            }
            sleep(Duration::from_millis(watch.every_ms)).await;
            continue;
        }
        let batches = looked?;
        bars.show(&batches);
        if watch.until_settled && batches.is_empty() {
            return Err(Failure::Here(
                "there is no batch to watch: look at the month, and at what you may see".into(),
            ));
        }
        if watch.until_settled && batches.iter().all(settled) {
            bars.end();
            return out.show(&batches, |_| "全部办结 everything is settled".into());
        }
        if late() {
            return Err(Failure::TimeOut);
        }
        sleep(Duration::from_millis(watch.every_ms)).await;
    }
}

async fn look(client: &Client, watch: &Watch) -> Result<Vec<BatchWire>, Failure> {
    if watch.batches.is_empty() {
        let query: Vec<_> = watch
            .month
            .iter()
            .map(|month| ("month", month.as_str()))
            .collect();
        let mut batches: Vec<BatchWire> = client.list(&["batches"], &query).await?;
        batches.reverse();
        return Ok(batches);
    }
    let mut batches = Vec::with_capacity(watch.batches.len());
    for code in &watch.batches {
        let whole: WholeBatchWire = client.get(&["batches", code], &[]).await?;
        batches.push(whole.batch);
    }
    Ok(batches)
}

/// A batch whose wages all have a final word, or were refused whole; what is held in a planned batch waits for people.
fn settled(batch: &BatchWire) -> bool {
    let open = [Place::InFlight, Place::InDoubt]
        .iter()
        .any(|place| words::at(&batch.places, *place).count > 0);
    match BatchState::from_code(&batch.state) {
        Some(BatchState::Refused | BatchState::Withdrawn | BatchState::Expired) => true,
        Some(BatchState::Planned) => !open,
        Some(
            BatchState::AwaitingReview
            | BatchState::AwaitingRelease
            | BatchState::AwaitingFunds
            | BatchState::Released
            | BatchState::ContentDiffers,
        )
        | None => false,
    }
}

/// One bar for each batch on a terminal; elsewhere a line whenever a batch has moved.
struct Bars {
    out: Out,
    all: MultiProgress,
    bars: HashMap<String, (ProgressBar, String)>,
    in_outage: bool,
}

impl Bars {
    fn new(out: Out) -> Self {
        Self {
            out,
            all: MultiProgress::new(),
            bars: HashMap::new(),
            in_outage: false,
        }
    }

    /// Says once that nothing is known at present.
    fn outage(&mut self, failure: &Failure) {
        if !std::mem::replace(&mut self.in_outage, true) {
            self.all
                .suspend(|| eprintln!("wagegate: going on without an answer: {failure}"));
        }
    }

    fn show(&mut self, batches: &[BatchWire]) {
        self.in_outage = false;
        for batch in batches {
            let line = line(batch);
            let (bar, before) = self
                .bars
                .entry(batch.code.clone())
                .or_insert_with(|| (self.all.add(bar(batch)), String::new()));
            if *before == line {
                continue;
            }
            if !self.out.json && !self.out.lively() {
                eprintln!("{} {line}", batch.code);
            }
            bar.set_position(final_words(batch));
            bar.set_message(line.clone());
            *before = line;
        }
    }

    fn end(&self) {
        self.bars.values().for_each(|(bar, _)| bar.abandon());
    }
}

fn bar(batch: &BatchWire) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:24} {pos:>6}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(batch.rows)
        .with_style(style)
        .with_prefix(format!("{} {}", batch.code, batch.project))
}

fn final_words(batch: &BatchWire) -> u64 {
    [Place::Paid, Place::Failed, Place::Returned]
        .iter()
        .map(|place| words::at(&batch.places, *place).count)
        .sum()
}

/// The places that hold something, in the order of the conservation line.
fn line(batch: &BatchWire) -> String {
    let mut line = words::state(&batch.state);
    if let Some(shortage) = &batch.shortage {
        let missing = table::yuan(shortage.missing_fen);
        // Writing to a string cannot fail.
        let _written = write!(line, " · 差 lacks {missing} 元 yuan");
    }
    for place in Place::ALL {
        let count = words::at(&batch.places, place).count;
        if count > 0 {
            // Writing to a string cannot fail.
            let _written = write!(line, " · {} {count}", words::place(place));
        }
    }
    line
}
