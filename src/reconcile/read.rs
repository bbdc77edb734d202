//! Reads one kept document into facts. Decoding and storing run side by side with two chunks between them, so that a document of a
//! million rows is never held; after a crash the reading goes on behind what was recorded.

use std::{io::BufRead, sync::Arc};

use tokio::{sync::mpsc, task::spawn_blocking};
use wagegate_domain::{
    adapter::{Adapter, DecodeError},
    fact::{ItemRefs, Told},
};

use super::words::without_people;
use crate::{
    dispatch::{StepError, subject_id},
    gateway::Gateway,
    killpoints::{self, answered, killpoint},
    security::seal::Vault,
    store::{Claim, RawView, Saying, Taken},
};

/// Sayings in one commit, and chunks decoded ahead of the store.
const CHUNK: usize = 1_000;
const CHUNKS_AHEAD: usize = 2;

/// Does a [`crate::store::TaskKind::Read`] task.
pub(crate) async fn read(gateway: &Gateway, claim: &Claim) -> Result<(), StepError> {
    let raw = gateway.store.raw(subject_id(claim)?).await?;
    let adapter = Arc::clone(&gateway.banks.find(&raw.bank)?.adapter);
    let input = gateway.evidence.open_reader(raw.hash).await?;
    let (to, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
    let teller = Teller {
        vault: Arc::clone(&gateway.vault),
        skip: raw.next_ordinal,
        ordinal: 0,
        chunk: Vec::new(),
        to,
    };
    let asked = raw.asked.clone();
    let decoding = spawn_blocking(move || teller.decode(&*adapter, asked.as_deref(), input));
    let mut taken = Taken::default();
    while let Some(chunk) = chunks.recv().await {
        killpoint("before_facts");
        let part = gateway
            .store
            .record_facts(claim, raw.id, &chunk, gateway.clock.now())
            .await?;
        gateway.vitals.facts(part.facts);
        answered(|| {
            let last = chunk.last().map_or(0, |saying| saying.ordinal);
            format!("facts {} {last}", raw.id)
        });
        killpoint("after_facts");
        taken.facts += part.facts;
        taken.changed += part.changed;
        taken.suspense += part.suspense;
    }
    let broken = match decoding.await? {
        Ok(()) => None,
        Err(DecodeError::Io(error)) => return Err(StepError::Reading(error)),
        Err(error @ DecodeError::Malformed { .. }) => Some(error.to_string()),
    };
    report(&raw, taken, broken.as_deref());
    killpoint("before_read_end");
    gateway
        .store
        .finish_raw(claim, raw.id, broken.as_deref())
        .await?;
    killpoint("after_read_end");
    Ok(())
}

fn report(raw: &RawView, taken: Taken, broken: Option<&str>) {
    let Taken {
        facts,
        changed,
        suspense,
    } = taken;
    match broken {
        None => {
            tracing::info!(raw = raw.id, bank = %raw.bank, facts, changed, suspense, "a document was read")
        }
        Some(why) => {
            tracing::warn!(raw = raw.id, bank = %raw.bank, facts, changed, suspense, why, "a document could not be read to its end")
        }
    }
}

/// Numbers what the adapter tells and hands it over in chunks.
struct Teller {
    vault: Arc<Vault>,
    skip: u64,
    ordinal: u64,
    chunk: Vec<Saying>,
    to: mpsc::Sender<Vec<Saying>>,
}

impl Teller {
    fn decode(
        mut self,
        adapter: &dyn Adapter,
        asked: Option<&str>,
        mut input: impl BufRead,
    ) -> Result<(), DecodeError> {
        let ended = adapter.decode(asked, &mut input, &mut |told| self.tell(told));
        self.hand_over();
        ended
    }

    fn tell(&mut self, mut told: Told) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        if ordinal < self.skip {
            return;
        }
        let account = account_of(&mut told);
        leave_out_people(&mut told);
        let account_blind = account.and_then(|account| self.vault.blind_account(&account));
        self.chunk.push(Saying {
            ordinal,
            told,
            account_blind,
        });
        if self.chunk.len() == killpoints::chunk(CHUNK) {
            self.hand_over();
        }
    }

    /// Nobody listens any more only when the store refused a chunk; that error is the one reported.
    fn hand_over(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        if !chunk.is_empty() && self.to.blocking_send(chunk).is_err() {
            self.skip = u64::MAX;
        }
    }
}

/// Takes the account out: from here on only its blind index exists (invariant 18).
fn account_of(told: &mut Told) -> Option<String> {
    match told {
        Told::Item { refs, .. } | Told::Parked { refs, .. } => {
            let ItemRefs { account, .. } = refs;
            account.take()
        }
        Told::Whole { .. } | Told::Rest { .. } | Told::Remark(_) => None,
    }
}

/// The bank's own words are kept in clear without whoever they name; the document keeps them all.
fn leave_out_people(told: &mut Told) {
    match told {
        Told::Item { bank, .. }
        | Told::Whole { bank, .. }
        | Told::Rest { bank, .. }
        | Told::Parked { bank, .. } => bank.text = without_people(&bank.text),
        Told::Remark(_) => {}
    }
}
