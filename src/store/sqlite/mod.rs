//! The store on SQLite: the embedded default, for one gateway. One connection writes, several read; a commit that was answered is on disk.
//!
//! Every write begins with the lock (`BEGIN IMMEDIATE`), so that what it reads stays true until its commit and nothing has to be locked by row.
//! Rows go in by the thousand in one statement, which costs a fifth of a statement for each.

mod accounts;
mod appends;
mod approval;
mod audit;
mod batches;
mod cards;
mod changes;
mod doubts;
mod events;
mod facts;
mod funds;
mod identities;
mod instructions;
mod items;
mod kept;
mod links;
mod notices;
mod pages;
mod people;
mod plans;
mod raws;
mod recount;
mod register;
mod registry;
mod reports;
mod requests;
mod roster;
mod rotation;
mod schema;
mod sends;
mod sheets;
mod standing;
mod standings;
mod tallies;
mod tasks;
mod versions;
mod watching;
mod webhooks;
mod workers;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use wagegate_domain::PayMonth;
use wagegate_domain::attempt::State;

pub use watching::Watch;

use crate::store::*;

/// Rows in one statement.
const CHUNK: usize = 1_000;
/// Connections that read beside the one that writes.
const READERS: u32 = 4;
/// How long a write waits for its turn: a sheet of a million rows before it takes a minute on a slow disk.
const TURN: Duration = Duration::from_secs(600);
/// How long to wait for another process that holds the file, such as a backup.
const BUSY: Duration = Duration::from_secs(30);

/// A store in one SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file of a `sqlite://` URL, makes it where it is missing, and brings its schema up to this program's.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_watched(url, Arc::new(|| true)).await
    }

    /// The same, and asks `watch` before every commit; where it says no, the commit becomes a rollback.
    pub async fn open_watched(url: &str, watch: Watch) -> Result<Self, StoreError> {
        // FULL: under a power cut NORMAL loses commits that were answered, and a payment could be sent twice.
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("journal_size_limit", "67108864")
            .pragma("cache_size", "-65536");
        make_for_owner(options.get_filename()).map_err(sqlx::Error::Io)?;
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(TURN)
            .before_acquire(|writer, _| Box::pin(watching::is_usable(writer)))
            .after_connect(move |writer, _| watching::watched(writer, Arc::clone(&watch)))
            .connect_with(options.clone())
            .await?;
        schema::migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(TURN)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self { writer, readers })
    }

    /// Closes the connections when what runs on them is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes a missing database file that nobody but its owner can open; the files that SQLite puts beside it take its permissions.
fn make_for_owner(file: &Path) -> io::Result<()> {
    if file.to_str().is_some_and(|name| name.contains(":memory:")) {
        return Ok(());
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Begins a write: no other can begin before it ends.
async fn write(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    Ok(writer.begin_with("BEGIN IMMEDIATE").await?)
}

#[async_trait]
impl Store for SqliteStore {
    fn engine(&self) -> &'static str {
        "sqlite"
    }

    async fn import_regions(
        &self,
        regions: &[RegionEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        register::import_regions(&self.writer, regions, by, at).await
    }
    async fn regions(&self) -> Result<Vec<RegionEntry>, StoreError> {
        register::regions(&self.readers).await
    }
    async fn import_projects(
        &self,
        projects: &[ProjectEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        register::import_projects(&self.writer, projects, by, at).await
    }
    async fn project(&self, code: &str) -> Result<ProjectEntry, StoreError> {
        register::project(&self.readers, code).await
    }
    async fn record_deposit(
        &self,
        deposit: &Deposit,
        at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        accounts::record_deposit(&self.writer, deposit, at).await
    }

    async fn accept_batch(
        &self,
        batch: &NewBatch,
        rows: &mut dyn RowSource,
    ) -> Result<BatchView, StoreError> {
        sheets::accept(&self.writer, batch, rows).await
    }
    async fn batch(&self, code: &str) -> Result<BatchView, StoreError> {
        batches::view(&mut *self.readers.acquire().await?, code).await
    }

    async fn ensure_task(
        &self,
        kind: TaskKind,
        subject: &str,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        tasks::ensure(&mut *self.writer.acquire().await?, kind, subject, due).await
    }
    async fn claim_step(&self, now: Timestamp, lease_ms: i64) -> Result<Option<Claim>, StoreError> {
        tasks::claim_step(&self.writer, false, now, lease_ms).await
    }
    async fn renew(&self, claim: &Claim, until: Timestamp) -> Result<(), StoreError> {
        tasks::renew(&self.writer, claim, until).await
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        tasks::next_due(&self.readers, false).await
    }
    async fn finish(&self, claim: &Claim, next: Next) -> Result<(), StoreError> {
        tasks::settle(&mut *self.writer.acquire().await?, claim, next).await
    }

    async fn plan_batch(&self, claim: &Claim, plan: &Plan<'_>) -> Result<u32, StoreError> {
        plans::plan_batch(&self.writer, claim, plan).await
    }
    async fn redate(&self, claim: &Claim, instruction: i64, day: Date) -> Result<(), StoreError> {
        plans::redate(&self.writer, claim, instruction, day).await
    }
    async fn instruction(&self, id: i64) -> Result<InstructionView, StoreError> {
        instructions::one(&mut *self.readers.acquire().await?, id).await
    }
    async fn instructions(&self, batch: &str) -> Result<Vec<InstructionView>, StoreError> {
        instructions::of_batch(&self.readers, batch).await
    }
    async fn oldest_in_doubt(&self) -> Result<Option<Timestamp>, StoreError> {
        instructions::oldest_in_doubt(&self.readers).await
    }
    async fn payments(
        &self,
        instruction: i64,
        after: u32,
        limit: u32,
    ) -> Result<Vec<SealedPayment>, StoreError> {
        instructions::payments(&self.readers, instruction, after, limit).await
    }
    async fn record_intent(
        &self,
        claim: &Claim,
        instruction: i64,
        bytes: ([u8; 32], u64),
        witnessed: i64,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        instructions::record_intent(&self.writer, claim, instruction, bytes, (witnessed, at)).await
    }
    async fn record_event(
        &self,
        claim: &Claim,
        instruction: i64,
        happening: &Happening,
        next: Next,
    ) -> Result<State, StoreError> {
        events::record_event(&self.writer, claim, instruction, happening, next).await
    }

    async fn record_raw(
        &self,
        raw: &NewRaw,
        read: ReadTask,
    ) -> Result<(i64, Recorded), StoreError> {
        raws::record_raw(&self.writer, raw, read).await
    }
    async fn raw(&self, id: i64) -> Result<RawView, StoreError> {
        raws::raw(&self.readers, id).await
    }
    async fn record_facts(
        &self,
        claim: &Claim,
        raw: i64,
        sayings: &[Saying],
        at: Timestamp,
    ) -> Result<Taken, StoreError> {
        let source = facts::Source { raw, at };
        facts::record_facts(&self.writer, claim, source, sayings).await
    }
    async fn finish_raw(
        &self,
        claim: &Claim,
        raw: i64,
        broken: Option<&str>,
    ) -> Result<(), StoreError> {
        raws::finish_raw(&self.writer, claim, raw, broken).await
    }
    async fn cursor(&self, bank: &str) -> Result<String, StoreError> {
        raws::cursor(&self.readers, bank).await
    }
    async fn move_cursor(
        &self,
        claim: &Claim,
        bank: &str,
        after: &str,
        next: Next,
    ) -> Result<(), StoreError> {
        raws::move_cursor(&self.writer, claim, bank, after, next).await
    }

    async fn rates(&self, month: PayMonth, level: Level) -> Result<Vec<RateLine>, StoreError> {
        reports::rates(&self.readers, month, level).await
    }
    async fn items(
        &self,
        filter: &ItemFilter,
        after: Option<ItemCursor>,
        limit: u32,
    ) -> Result<Vec<(ItemCursor, ItemView)>, StoreError> {
        items::items(&self.readers, filter, after, limit).await
    }
    async fn attempts(
        &self,
        within: &Within,
        month: Option<PayMonth>,
        after: Option<(ItemCursor, u32)>,
        limit: u32,
    ) -> Result<Vec<((ItemCursor, u32), ItemView)>, StoreError> {
        items::attempts(&self.readers, (within, month), after, limit).await
    }
    async fn recount(&self) -> Result<Recount, StoreError> {
        recount::recount(&self.readers).await
    }

    async fn audit(
        &self,
        at: Timestamp,
        who: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let act = chain::Act::plain(at, who, action, subject, detail);
        audit::audit(&self.writer, &act).await
    }
}
