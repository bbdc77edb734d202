//! The store on PostgreSQL: for several gateways at once. Rows arrive by COPY, sets travel as arrays, tasks are claimed past each other's locks.
//!
//! Every transaction takes its locks in one order, so that none waits in a circle: its task, raw document, other tasks by key, batches by key,
//! special accounts by key, the audit chain. What a lock protects is read after it is held: each statement sees what was committed before it began.

mod accounts;
mod appends;
mod approval;
mod audit;
mod batches;
mod cards;
mod changes;
mod columns;
mod copy;
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
mod standing;
mod standings;
mod tallies;
mod tasks;
mod versions;
mod webhooks;
mod workers;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use wagegate_domain::PayMonth;
use wagegate_domain::attempt::State;

use crate::store::*;

/// Connections that one gateway keeps; a cluster's default limit of 100 leaves room for several gateways.
const CONNECTIONS: u32 = 8;

/// How long to wait for a connection, to a database that may be away: whoever asks meanwhile is told so within seconds.
const TURN: Duration = Duration::from_secs(5);

/// How long a transaction may stand still between two statements. None does so for a second; the server's default is for ever.
const STILL: &str = "30s";

/// A store in one PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects to the database of a `postgres://` URL and brings its schema up to this program's.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        // Whatever the server's default: a commit that was answered must be on disk, or a payment could be sent twice after a crash.
        let options = PgConnectOptions::from_str(url)?
            .application_name("wagegate")
            .options([
                ("synchronous_commit", "on"),
                // What is read after a lock must be what was committed before it was given.
                ("default_transaction_isolation", "read committed"),
                // A gateway that stands still or was cut off in mid-transaction holds rows that the others need: its transaction ends.
                ("idle_in_transaction_session_timeout", STILL),
                ("tcp_keepalives_idle", "20"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "3"),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(TURN)
            .connect_with(options)
            .await?;
        schema::migrate(&pool).await?;
        Ok(Self { pool })
    }

    /// Closes the connections when what runs on them is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn engine(&self) -> &'static str {
        "postgres"
    }

    async fn import_regions(
        &self,
        regions: &[RegionEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        register::import_regions(&self.pool, regions, by, at).await
    }
    async fn regions(&self) -> Result<Vec<RegionEntry>, StoreError> {
        register::regions(&self.pool).await
    }
    async fn import_projects(
        &self,
        projects: &[ProjectEntry],
        by: &str,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        register::import_projects(&self.pool, projects, by, at).await
    }
    async fn project(&self, code: &str) -> Result<ProjectEntry, StoreError> {
        register::project(&self.pool, code).await
    }
    async fn record_deposit(
        &self,
        deposit: &Deposit,
        at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        accounts::record_deposit(&self.pool, deposit, at).await
    }

    async fn accept_batch(
        &self,
        batch: &NewBatch,
        rows: &mut dyn RowSource,
    ) -> Result<BatchView, StoreError> {
        batches::accept(&self.pool, batch, rows).await
    }
    async fn batch(&self, code: &str) -> Result<BatchView, StoreError> {
        batches::view(&mut *self.pool.acquire().await?, code).await
    }

    async fn ensure_task(
        &self,
        kind: TaskKind,
        subject: &str,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        tasks::ensure(&mut *self.pool.acquire().await?, kind, subject, due).await
    }
    async fn claim_step(&self, now: Timestamp, lease_ms: i64) -> Result<Option<Claim>, StoreError> {
        tasks::claim_step(&self.pool, false, now, lease_ms).await
    }
    async fn renew(&self, claim: &Claim, until: Timestamp) -> Result<(), StoreError> {
        tasks::renew(&self.pool, claim, until).await
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        tasks::next_due(&self.pool, false).await
    }
    async fn finish(&self, claim: &Claim, next: Next) -> Result<(), StoreError> {
        tasks::settle(&mut *self.pool.acquire().await?, claim, next).await
    }

    async fn plan_batch(&self, claim: &Claim, plan: &Plan<'_>) -> Result<u32, StoreError> {
        plans::plan_batch(&self.pool, claim, plan).await
    }
    async fn redate(&self, claim: &Claim, instruction: i64, day: Date) -> Result<(), StoreError> {
        plans::redate(&self.pool, claim, instruction, day).await
    }
    async fn instruction(&self, id: i64) -> Result<InstructionView, StoreError> {
        instructions::one(&mut *self.pool.acquire().await?, id).await
    }
    async fn instructions(&self, batch: &str) -> Result<Vec<InstructionView>, StoreError> {
        instructions::of_batch(&self.pool, batch).await
    }
    async fn oldest_in_doubt(&self) -> Result<Option<Timestamp>, StoreError> {
        instructions::oldest_in_doubt(&self.pool).await
    }
    async fn payments(
        &self,
        instruction: i64,
        after: u32,
        limit: u32,
    ) -> Result<Vec<SealedPayment>, StoreError> {
        instructions::payments(&self.pool, instruction, after, limit).await
    }
    async fn record_intent(
        &self,
        claim: &Claim,
        instruction: i64,
        bytes: ([u8; 32], u64),
        witnessed: i64,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        instructions::record_intent(&self.pool, claim, instruction, bytes, (witnessed, at)).await
    }
    async fn record_event(
        &self,
        claim: &Claim,
        instruction: i64,
        happening: &Happening,
        next: Next,
    ) -> Result<State, StoreError> {
        events::record_event(&self.pool, claim, instruction, happening, next).await
    }

    async fn record_raw(
        &self,
        raw: &NewRaw,
        read: ReadTask,
    ) -> Result<(i64, Recorded), StoreError> {
        raws::record_raw(&self.pool, raw, read).await
    }
    async fn raw(&self, id: i64) -> Result<RawView, StoreError> {
        raws::raw(&self.pool, id).await
    }
    async fn record_facts(
        &self,
        claim: &Claim,
        raw: i64,
        sayings: &[Saying],
        at: Timestamp,
    ) -> Result<Taken, StoreError> {
        let source = facts::Source { raw, at };
        facts::record_facts(&self.pool, claim, source, sayings).await
    }
    async fn finish_raw(
        &self,
        claim: &Claim,
        raw: i64,
        broken: Option<&str>,
    ) -> Result<(), StoreError> {
        raws::finish_raw(&self.pool, claim, raw, broken).await
    }
    async fn cursor(&self, bank: &str) -> Result<String, StoreError> {
        raws::cursor(&self.pool, bank).await
    }
    async fn move_cursor(
        &self,
        claim: &Claim,
        bank: &str,
        after: &str,
        next: Next,
    ) -> Result<(), StoreError> {
        raws::move_cursor(&self.pool, claim, bank, after, next).await
    }

    async fn rates(&self, month: PayMonth, level: Level) -> Result<Vec<RateLine>, StoreError> {
        reports::rates(&self.pool, month, level).await
    }
    async fn items(
        &self,
        filter: &ItemFilter,
        after: Option<ItemCursor>,
        limit: u32,
    ) -> Result<Vec<(ItemCursor, ItemView)>, StoreError> {
        items::items(&self.pool, filter, after, limit).await
    }
    async fn attempts(
        &self,
        within: &Within,
        month: Option<PayMonth>,
        after: Option<(ItemCursor, u32)>,
        limit: u32,
    ) -> Result<Vec<((ItemCursor, u32), ItemView)>, StoreError> {
        items::attempts(&self.pool, (within, month), after, limit).await
    }
    async fn recount(&self) -> Result<Recount, StoreError> {
        recount::recount(&self.pool).await
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
        audit::audit(&self.pool, &act).await
    }
}
