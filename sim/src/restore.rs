//! A database that goes back in time: it is copied at one moment and put back at a later one, as a backup or a fail-over does it. What lies beside it
//! lives on: the evidence, the mark of sends, the banks, and the people, who say again what was lost of their words.

use std::{fs, path::Path, sync::Arc};

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use wagegate::{
    dispatch::{Worker, restored},
    store::{Sends as _, Store, sqlite::SqliteStore},
};
use wagegate_domain::batch::BatchState;

use crate::{
    bank::Bank,
    faults::{Chosen, Kind, Site},
    house::{Failure, url},
    hub::Hub,
    slot::Work,
    world::{Event, LEASE, World, clear},
};

/// A copy of the database.
#[derive(Debug)]
pub struct Copied {
    bytes: Vec<u8>,
    chosen: Chosen,
}

impl World {
    /// Whether, and when, somebody copies the database and puts the copy back.
    pub(crate) fn plan_restore(&mut self) {
        let kinds = &[(Kind::Restored, 1)];
        let chosen = self.hub.state().faults.choose(Site::Start, 600, kinds);
        let Some(mut chosen) = chosen else { return };
        let copy = self.now + chosen.draw.between(0, 120_000);
        let mut back = copy;
        self.plan(copy, Event::Copy(chosen));
        for _ in 0..chosen.draw.between(1, 2) {
            back += match chosen.draw.below(3) {
                0 => chosen.draw.between(1_000, 60_000),
                1 => chosen.draw.between(60_000, 1_200_000),
                _ => chosen.draw.between(1_200_000, 5_400_000),
            };
            self.restores_left += 1;
            self.plan(back, Event::PutBack);
        }
    }

    /// Somebody copies the database, as it is while all work goes on.
    pub(crate) async fn copy(&mut self, chosen: Chosen) -> Result<(), Failure> {
        let path = self.path.with_extension("copy");
        clear(&path);
        let options = SqliteConnectOptions::new().filename(&self.path);
        let mut books = SqliteConnection::connect_with(&options).await?;
        sqlx::query("VACUUM INTO $1")
            .bind(path.display().to_string())
            .execute(&mut books)
            .await?;
        books.close().await?;
        let bytes = fs::read(&path)?;
        clear(&path);
        self.tell(|| "the database is copied".into());
        self.copied = Some(Copied { bytes, chosen });
        Ok(())
    }

    /// All gateways stop, the copy takes the place of the database, and they are started again.
    pub(crate) async fn put_back(&mut self) -> Result<(), Failure> {
        self.restores_left = self.restores_left.saturating_sub(1);
        let Some(copied) = self.copied.take() else {
            return Ok(());
        };
        for slot in &mut self.slots {
            slot.work = Work::Rests(None);
        }
        self.store.close().await;
        clear(&self.path);
        fs::write(&self.path, &copied.bytes)?;
        self.store = open(&self.path, &self.hub).await?;
        self.auditor.reopen(&self.path).await?;
        let lost = self.beside.newest_send() - self.store.last_send().await?;
        self.tell(|| format!("the copy is put back; {lost} sends are not in it"));
        if lost > 0 {
            self.inject(copied.chosen);
        }
        self.copied = Some(copied);
        for gate in 0..self.gates.len() {
            self.start_again(gate).await?;
        }
        self.say_again().await
    }

    async fn start_again(&mut self, gate: usize) -> Result<(), Failure> {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let clock = Arc::clone(&self.gates[gate].clock);
        let gateway = self
            .fittings
            .gateway(store, &self.hub, clock, &self.beside)?;
        restored::check(&gateway).await?;
        for slot in self.slots.iter_mut().filter(|slot| slot.gate == gate) {
            slot.worker = Worker::new(Arc::clone(&gateway), LEASE);
        }
        self.gates[gate].gateway = gateway;
        Ok(())
    }

    /// People look and find that their words and their money are not in the books.
    async fn say_again(&mut self) -> Result<(), Failure> {
        for batch in 0..self.batches.len() {
            let code = self.batches[batch].code.clone();
            self.deposit_again(batch);
            let waits = match self.store.batch(&code).await?.state {
                BatchState::AwaitingReview | BatchState::AwaitingRelease => true,
                BatchState::AwaitingFunds
                | BatchState::Released
                | BatchState::Planned
                | BatchState::ContentDiffers
                | BatchState::Refused
                | BatchState::Withdrawn
                | BatchState::Expired => false,
            };
            if waits && !self.is_coming(batch) {
                let at = self.now + self.draw().between(0, 600_000);
                self.plan(at, Event::Release(batch));
            }
        }
        // Documents that were pushed and lost come again only by what the gateway asks for.
        self.banks.iter_mut().for_each(Bank::forget_strangers);
        Ok(())
    }

    fn deposit_again(&mut self, batch: usize) {
        for piece in 0..self.batches[batch].pieces {
            let coming = |event: &Event| matches!(event, Event::Deposit(of, which) if (*of, *which) == (batch, piece));
            if !self.events.values().any(coming) {
                self.plan(self.now, Event::Deposit(batch, piece));
            }
        }
    }

    fn is_coming(&self, batch: usize) -> bool {
        let released = |event: &Event| matches!(event, Event::Release(of) if *of == batch);
        self.events.values().any(released)
    }
}

/// Opens the database of a world, with a hub that is asked before each commit.
///
/// # Errors
/// It cannot be opened.
pub async fn open(path: &Path, hub: &Arc<Hub>) -> Result<Arc<SqliteStore>, Failure> {
    let (watch, url) = (Arc::clone(hub), url(path));
    let opened = SqliteStore::open_watched(&url, Arc::new(move || watch.may_commit()));
    Ok(Arc::new(opened.await?))
}
