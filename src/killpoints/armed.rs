//! The places when they are armed: counted, and deadly for one of them.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use rustix::process::{Signal, getpid, kill_process};

/// Every place, in the order of a wage's way.
pub const POINTS: &[&str] = &[
    "before_claim",
    "after_claim",
    "before_evidence_sync",
    "before_evidence_name",
    "before_evidence_folder_sync",
    "after_sheet_kept",
    "after_batch",
    "before_plan",
    "before_plan_commit",
    "after_plan",
    "before_intent",
    "before_intent_commit",
    "after_intent",
    "after_mark",
    "before_send",
    "after_send",
    "after_reply_kept",
    "after_raw",
    "before_event",
    "before_event_commit",
    "after_event",
    "before_facts",
    "before_facts_commit",
    "after_facts",
    "before_read_end",
    "after_read_end",
    "before_cursor",
    "after_cursor",
];

static WANTED: OnceLock<(&'static str, u32)> = OnceLock::new();
static HITS: AtomicU32 = AtomicU32::new(0);
static CHUNK: AtomicUsize = AtomicUsize::new(usize::MAX);
static LISTENER: OnceLock<fn(&str)> = OnceLock::new();

/// Takes `WAGEGATE_KILL=name:n` from the environment: the process dies when it reaches `name` for the `n`th time.
///
/// # Errors
/// The variable names no place, or no number; the text says so.
pub fn arm() -> Result<(), String> {
    let Ok(text) = std::env::var("WAGEGATE_KILL") else {
        return Ok(());
    };
    let wanted = text.split_once(':').and_then(|(name, hit)| {
        let name = POINTS.iter().find(|point| **point == name)?;
        Some((*name, hit.parse().ok()?))
    });
    let wanted = wanted.ok_or_else(|| format!("WAGEGATE_KILL={text}: not a place and a number"))?;
    // The first one counts; there is one environment.
    WANTED.get_or_init(|| wanted);
    Ok(())
}

/// From here on every answered commit is told to `listener`, in the thread that heard the answer.
pub fn hear(listener: fn(&str)) {
    LISTENER.get_or_init(|| listener);
}

/// Makes the chunks of a document this small.
pub fn shrink(chunk: usize) {
    CHUNK.store(chunk.max(1), Ordering::Relaxed);
}

pub(crate) fn chunk(usual: usize) -> usize {
    usual.min(CHUNK.load(Ordering::Relaxed))
}

pub(super) fn reached(name: &'static str) {
    let Some((wanted, hit)) = WANTED.get() else {
        return;
    };
    if *wanted == name && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *hit {
        // SIGKILL is not handled, so nothing runs after this: no destructor, no flush, and nobody to hear of an error.
        kill_process(getpid(), Signal::KILL).ok();
    }
}

pub(super) fn told(commit: impl FnOnce() -> String) {
    if let Some(listener) = LISTENER.get() {
        listener(&commit());
    }
}
