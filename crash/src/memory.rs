//! What the store has answered for, in the words of the one who was told: kept outside the gateway's process, and looked for in the store.

use std::{collections::BTreeMap, io::Read as _};

use wagegate::{gateway::Gateway, store::StoreError};
use wagegate_domain::{attempt::State, batch::BatchState};

use crate::Failure;

/// Every answered commit, as far as a later one does not say more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Hash of the bytes, and the state told last.
    instructions: BTreeMap<i64, (Option<String>, Option<State>)>,
    /// Hash, and the last saying of which the facts are in.
    raws: BTreeMap<i64, (Option<String>, Option<u64>)>,
    batches: BTreeMap<String, Batch>,
    cursors: BTreeMap<String, u64>,
    /// Commits told of.
    pub(crate) commits: u64,
}

#[derive(Clone, Debug, Default)]
struct Batch {
    content: Option<String>,
    reviewed: bool,
    released: bool,
    parts: Option<usize>,
}

impl Memory {
    /// Takes a line; says whether it was about a commit.
    ///
    /// # Errors
    /// A line that is none of ours.
    pub(crate) fn take(&mut self, line: &str) -> Result<bool, Failure> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["intent", id, hash] => {
                let known = self.instructions.entry(id.parse()?).or_default();
                *known = (Some((*hash).to_owned()), Some(State::Sending));
            }
            ["event", id, state] => {
                let state = State::from_code(state).ok_or("no state")?;
                self.instructions.entry(id.parse()?).or_default().1 = Some(state);
            }
            ["raw", id, hash] => {
                self.raws.entry(id.parse()?).or_default().0 = Some((*hash).to_owned());
            }
            ["facts", id, last] => {
                let known = &mut self.raws.entry(id.parse()?).or_default().1;
                *known = (*known).max(Some(last.parse()?));
            }
            ["batch", code, content] => {
                self.batch(code).content = Some((*content).to_owned());
            }
            ["reviewer", code] => self.batch(code).reviewed = true,
            ["approver", code] => self.batch(code).released = true,
            ["plan", code, parts] => self.batch(code).parts = Some(parts.parse()?),
            ["cursor", bank, after] => {
                let known = self.cursors.entry((*bank).to_owned()).or_default();
                *known = (*known).max(after.parse()?);
            }
            ["clock" | "sheet" | "failed" | "ready", ..] => return Ok(false),
            _ => return Err(format!("a life said {line:?}").into()),
        }
        self.commits += 1;
        Ok(true)
    }

    fn batch(&mut self, code: &str) -> &mut Batch {
        self.batches.entry(code.to_owned()).or_default()
    }

    /// What is missing in the store or the evidence of all that was answered.
    ///
    /// # Errors
    /// The store could not be asked.
    pub(crate) async fn missing(&self, gateway: &Gateway) -> Result<Vec<String>, Failure> {
        let mut missing = Vec::new();
        for (id, (hash, state)) in &self.instructions {
            missing.extend(instruction(gateway, *id, hash.as_deref(), *state).await?);
        }
        for (id, (hash, last)) in &self.raws {
            missing.extend(raw(gateway, *id, hash.as_deref(), *last).await?);
        }
        for (code, known) in &self.batches {
            missing.extend(batch(gateway, code, known).await?);
        }
        for (bank, after) in &self.cursors {
            let found: u64 = gateway.store.cursor(bank).await?.parse().unwrap_or(0);
            if found < *after {
                missing.push(format!("cursor {bank} is {found}, was {after}"));
            }
        }
        Ok(missing)
    }
}

async fn instruction(
    gateway: &Gateway,
    id: i64,
    hash: Option<&str>,
    state: Option<State>,
) -> Result<Option<String>, Failure> {
    let Some(view) = found(gateway.store.instruction(id).await)? else {
        return Ok(Some(format!("instruction {id}")));
    };
    if let Some(hash) = hash {
        if view.bytes.map(|(found, _)| hex::encode(found)).as_deref() != Some(hash) {
            return Ok(Some(format!("the intent of instruction {id}")));
        }
        if let Some(broken) = evidence(gateway, hash).await? {
            return Ok(Some(format!("the bytes of instruction {id}: {broken}")));
        }
    }
    let kept = state.is_none_or(|told| may_follow(told, view.state));
    Ok((!kept).then(|| format!("instruction {id} is {}, was {state:?}", view.state.code())))
}

/// Whether the store may show `now` after `told`: what was not told of may have been committed too.
fn may_follow(told: State, now: State) -> bool {
    match told {
        State::Planned | State::Sending => true,
        State::InDoubt => now != State::Sending,
        State::Accepted => now == State::Accepted,
        State::Refused => now == State::Refused,
    }
}

async fn raw(
    gateway: &Gateway,
    id: i64,
    hash: Option<&str>,
    last: Option<u64>,
) -> Result<Option<String>, Failure> {
    let Some(view) = found(gateway.store.raw(id).await)? else {
        return Ok(Some(format!("document {id}")));
    };
    if last.is_some_and(|last| view.next_ordinal <= last) {
        return Ok(Some(format!("facts of document {id} to {last:?}")));
    }
    match hash {
        Some(hash) if hex::encode(view.hash) != hash => Ok(Some(format!("document {id}"))),
        Some(hash) => Ok(evidence(gateway, hash)
            .await?
            .map(|broken| format!("the bytes of document {id}: {broken}"))),
        None => Ok(None),
    }
}

async fn batch(gateway: &Gateway, code: &str, known: &Batch) -> Result<Option<String>, Failure> {
    let Some(view) = found(gateway.store.batch(code).await)? else {
        return Ok(Some(format!("batch {code}")));
    };
    let content = known.content.as_ref();
    if content.is_some_and(|content| *content != view.content.to_string()) {
        return Ok(Some(format!("the content of batch {code}")));
    }
    let went_back = match view.state {
        BatchState::AwaitingReview => known.reviewed || known.released,
        BatchState::AwaitingRelease => known.released,
        _ => false,
    };
    if went_back {
        return Ok(Some(format!("a decision on batch {code}")));
    }
    let Some(parts) = known.parts else {
        return Ok(None);
    };
    // What two people plan anew is a later generation.
    let found = gateway.store.instructions(code).await?;
    let found = found.iter().filter(|one| one.generation == 1).count();
    Ok((found != parts).then(|| format!("batch {code} has {found} instructions, had {parts}")))
}

/// A row that is not there is what is looked for; a store that cannot be asked is not.
fn found<T>(asked: Result<T, StoreError>) -> Result<Option<T>, Failure> {
    match asked {
        Ok(view) => Ok(Some(view)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads kept bytes to their end, which compares them with their hash; says what is wrong.
async fn evidence(gateway: &Gateway, hash: &str) -> Result<Option<String>, Failure> {
    let hash: [u8; 32] = hex::decode(hash)?
        .try_into()
        .map_err(|_| "no hash of 32 bytes")?;
    let evidence = gateway.evidence.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut reader = evidence.reader(&hash).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        read.map(|_| ()).map_err(|error| error.to_string())
    });
    Ok(read.await?.err())
}
