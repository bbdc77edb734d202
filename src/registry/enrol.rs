//! The use case: a roster becomes evidence, is checked, and is registered whole, or nothing but its problems comes back.

use std::{
    io::{self, BufRead},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    task::{JoinError, spawn_blocking},
};
use wagegate_domain::roster::{CardClaim, RosterRow};

use super::forms::{self, FormKind, FormsError, Read, RosterExpectation};
use crate::{
    clock::china_date,
    evidence::{Evidence, EvidenceError, Kept},
    gateway::Gateway,
    security::seal::{Vault, VaultError},
    store::{CardView, Registered, RosterSource, SealedWorker, Speaker, StoreError, Within},
    transport::https::ByteStream,
};

const CHUNK: usize = 1_000;
const CHUNKS_AHEAD: usize = 2;

/// A roster as it comes.
#[expect(missing_debug_implementations, reason = "its bytes have no debug form")]
pub struct Upload<'a> {
    /// Project code.
    pub project: &'a str,
    /// Its form.
    pub kind: FormKind,
    /// Its bytes.
    pub bytes: ByteStream,
    /// How many of them are taken.
    pub most: u64,
    /// Who sends it.
    pub by: &'a str,
    /// The projects that are the sender's.
    pub within: &'a Within,
}

/// A roster that was registered.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// What it came to, in workers.
    pub registered: Registered,
    /// What was read, with what is odd.
    pub read: Read,
}

/// Nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Forms(#[from] FormsError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("a blocking task ended early: {0}")]
    Ended(#[from] JoinError),
}

/// Registers a project's workers.
///
/// # Errors
/// Every problem of the roster, a conflict with what is registered, or a failure of our own; in each case nothing is registered.
pub async fn enrol(gateway: &Arc<Gateway>, upload: Upload<'_>) -> Result<Enrolled, EnrolError> {
    let roster = gateway
        .evidence
        .keep_stream(upload.bytes, upload.most)
        .await?;
    let reading = Reading {
        gateway: Arc::clone(gateway),
        project: upload.project.to_owned(),
        kind: upload.kind,
        roster,
    };
    let (to, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let reading = spawn_blocking(move || reading.run(&to));
    let mut source = Chunks { chunks, next: None };
    // A roster with problems never reaches the store, which would hold everybody else up meanwhile.
    source.wait().await;
    if source.next.is_none() {
        reading.await??;
        return Err(FormsError::Unreadable("no workers in it".into()).into());
    }
    let speaker = speaker(gateway, upload.by, upload.within);
    let stored = gateway
        .store
        .import_roster(upload.project, &mut source, &speaker)
        .await;
    drop(source);
    match (reading.await?, stored) {
        // The store wanted no more: it knows why.
        (Err(FormsError::Stopped), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error.into()),
        (Ok(read), stored) => Ok(Enrolled {
            registered: stored?,
            read,
        }),
    }
}

/// Makes a worker's wages go to another card, in the worker's registered name.
///
/// # Errors
/// The worker is not on the project, the card is somebody else's, or a failure of our own.
pub async fn rename_card(
    gateway: &Gateway,
    (project, worker): (&str, i64),
    claim: &CardClaim,
    (by, within): (&str, &Within),
) -> Result<CardView, EnrolError> {
    let known = gateway.store.worker(project, worker).await?.view;
    let profile = known.profile.ok_or_else(|| {
        StoreError::Broken("a worker on the roster has no registered name".into())
    })?;
    let (name, _) = gateway.vault.open_profile(&known.id_number.0, &profile)?;
    let card = gateway.vault.seal_card(&name, claim);
    let speaker = speaker(gateway, by, within);
    Ok(gateway
        .store
        .replace_card(project, worker, &card, &speaker)
        .await?)
}

fn speaker<'a>(gateway: &Gateway, by: &'a str, within: &'a Within) -> Speaker<'a> {
    let at = gateway.clock.now();
    Speaker {
        by,
        within,
        today: china_date(at),
        at,
    }
}

/// Reads the roster on a blocking thread: first for its problems, then for its rows, which are sealed as they come.
struct Reading {
    gateway: Arc<Gateway>,
    project: String,
    kind: FormKind,
    roster: Kept,
}

type Sender = mpsc::Sender<Option<Vec<SealedWorker>>>;

impl Reading {
    fn run(&self, to: &Sender) -> Result<Read, FormsError> {
        let expect = RosterExpectation {
            project: &self.project,
            today: china_date(self.gateway.clock.now()),
        };
        let secret = self.gateway.national.of(&self.project);
        let mut chunk = Vec::with_capacity(CHUNK);
        let open = || open(&self.gateway.evidence, &self.roster);
        let read = forms::read(self.kind, &open, secret, &expect, &mut |row| {
            self.pass_on(&mut chunk, &row, to)
        })?;
        // What is left, and then the end: without it the store takes the roster for one that broke off.
        send(to, Some(chunk))?;
        send(to, None)?;
        Ok(read)
    }

    fn pass_on(
        &self,
        chunk: &mut Vec<SealedWorker>,
        row: &RosterRow,
        to: &Sender,
    ) -> Result<(), FormsError> {
        let vault: &Vault = &self.gateway.vault;
        chunk.push(vault.seal_worker(row));
        if chunk.len() < CHUNK {
            return Ok(());
        }
        send(to, Some(std::mem::take(chunk)))
    }
}

fn open(evidence: &Evidence, roster: &Kept) -> io::Result<Box<dyn BufRead + Send>> {
    match evidence.reader(&roster.hash) {
        Ok(reader) => Ok(Box::new(reader)),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn send(to: &Sender, piece: Option<Vec<SealedWorker>>) -> Result<(), FormsError> {
    if piece.as_ref().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    to.blocking_send(piece).map_err(|_| FormsError::Stopped)
}

/// Sealed workers on their way to the store; `None` on the channel is the end.
struct Chunks {
    chunks: mpsc::Receiver<Option<Vec<SealedWorker>>>,
    next: Option<Vec<SealedWorker>>,
}

impl Chunks {
    async fn wait(&mut self) {
        self.next = self.chunks.recv().await.flatten();
    }
}

#[async_trait]
impl RosterSource for Chunks {
    async fn next_chunk(&mut self) -> Result<Vec<SealedWorker>, StoreError> {
        if let Some(first) = self.next.take() {
            return Ok(first);
        }
        match self.chunks.recv().await {
            Some(Some(chunk)) => Ok(chunk),
            Some(None) => Ok(Vec::new()),
            None => Err(StoreError::Broken("the roster's rows ended early".into())),
        }
    }
}
