//! Projects, sheets and sent batches that the tests speak of, and the gateways that see them.

use crate::fresh_postgres::fresh_postgres;
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use wagegate::store::postgres::PostgresStore;
use wagegate::store::{
    Approvals as _, Claim, Decision, Deposit, Happening, NewBatch, NewRaw, Next, Plan,
    ProjectEntry, ReadTask, RegionEntry, RowSource, Says, SealedRow, Store, StoreError, TaskKind,
};
use wagegate_domain::attempt::Event;
use wagegate_domain::batch::{BatchState, Content, ContentHash};
use wagegate_domain::ids::Region;
use wagegate_domain::plan::{KeyAlphabet, KeyRule, Limits};
use wagegate_domain::seating::Part;
use wagegate_domain::{Fen, PayMonth};

/// Rows of one sheet.
pub(crate) const COUNT: u32 = 300;
pub(crate) const AT: Timestamp = Timestamp::UNIX_EPOCH;
pub(crate) const LEASE_MS: i64 = 60_000;
pub(crate) const BANK: &str = "bishui";
pub(crate) const WAGE: i64 = 500_000;

pub(crate) struct Rows(std::vec::IntoIter<SealedRow>);

#[async_trait]
impl RowSource for Rows {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        Ok(self.0.by_ref().take(1_000).collect())
    }
}

/// People of one project, the same ones whenever it is asked.
pub(crate) fn rows(project: u8, count: u32) -> Rows {
    let row = |number: u32| {
        let mut blind = [project; 16];
        blind[..4].copy_from_slice(&number.to_be_bytes());
        SealedRow {
            row: number,
            worker_blind: blind,
            worker_sealed: vec![1; 40],
            binding_blind: blind,
            account_blind: blind,
            binding_sealed: vec![2; 80],
            cnaps: None,
            amount: Fen::new(WAGE),
        }
    };
    Rows((1..=count).map(row).collect::<Vec<_>>().into_iter())
}

/// A database with two projects that bank with one bank, seen by as many gateways as are asked for.
pub(crate) async fn gateways(count: usize) -> Vec<Arc<PostgresStore>> {
    gateways_of(&fresh_postgres().await, count).await
}

/// The same on a database that was made before.
pub(crate) async fn gateways_of(url: &str, count: usize) -> Vec<Arc<PostgresStore>> {
    let mut stores = Vec::new();
    for _ in 0..count {
        stores.push(Arc::new(PostgresStore::open(url).await.unwrap()));
    }
    let county = Region::parse("530902").unwrap();
    let region = RegionEntry {
        code: county,
        name: "临翔区".into(),
        base_projects: None,
    };
    stores[0]
        .import_regions(&[region], "operator", AT)
        .await
        .unwrap();
    let project = |number: u8| ProjectEntry {
        code: format!("P{number}"),
        name: format!("项目{number}"),
        region: county,
        contractor_uscc: "91530000MA6K000000".into(),
        contractor: "总包".into(),
        bank: BANK.into(),
        account: format!("90{number}"),
        account_name: "农民工工资专用账户".into(),
        aliases: vec![],
    };
    stores[0]
        .import_projects(&[project(1), project(2)], "operator", AT)
        .await
        .unwrap();
    stores
}

pub(crate) async fn deposit(store: &PostgresStore, project: u8, wages: i64) {
    deposit_as(store, &format!("in-{project}"), project, wages).await;
}

/// The same under a reference of its own.
pub(crate) async fn deposit_as(store: &PostgresStore, reference: &str, project: u8, wages: i64) {
    let deposit = Deposit {
        bank: BANK.into(),
        account: format!("90{project}"),
        reference: reference.into(),
        amount: Fen::new(WAGE * wages),
        value_date: "2026-10-20".parse().unwrap(),
    };
    store.record_deposit(&deposit, AT).await.unwrap();
}

pub(crate) async fn submit(
    store: &PostgresStore,
    code: &str,
    project: u8,
    month: &str,
    count: u32,
) -> Result<(), StoreError> {
    let batch = NewBatch {
        code: code.into(),
        project: format!("P{project}"),
        month: PayMonth::parse(month).unwrap(),
        sheet: [1; 32],
        content: content(code),
        rows: count.into(),
        total: Fen::new(WAGE * i64::from(count)),
        prepared_by: "clerk".into(),
        at: AT,
        expires_at: "2100-01-01T00:00:00Z".parse().unwrap(),
        remarks: wagegate::store::Remarks::default(),
    };
    store
        .accept_batch(&batch, &mut rows(project, count))
        .await
        .map(drop)
}

pub(crate) fn content(code: &str) -> ContentHash {
    let mut hash = [0; 32];
    hash[..code.len()].copy_from_slice(code.as_bytes());
    ContentHash(hash)
}

/// Reviewed and released; gives where it stands then.
pub(crate) async fn approve(store: &PostgresStore, code: &str) -> Result<BatchState, StoreError> {
    let content = content(code);
    let said = |by: &str, says| Decision {
        batch: code.into(),
        says,
        by: by.into(),
        at: AT,
    };
    let reviewed = said("reviewer", Says::Review { content });
    store.decide(&reviewed).await?;
    let plan_at = AT;
    let released = said("approver", Says::Release { content, plan_at });
    store.decide(&released).await.map(|batch| batch.state)
}

pub(crate) async fn claim(store: &PostgresStore) -> Claim {
    store.claim_step(AT, LEASE_MS).await.unwrap().unwrap()
}

/// Splits a released batch; gives its one instruction's store key and bank key.
pub(crate) async fn split(store: &PostgresStore, plan: &Claim) -> (i64, String) {
    let limits = Limits {
        rows_max: 10_000,
        total_fen_max: None,
        item_fen_max: None,
        own_bank_apart: false,
    };
    let key = KeyRule {
        length: 20,
        alphabet: KeyAlphabet::Digits,
    };
    let code = &plan.subject;
    let batch = store.batch(code).await.unwrap();
    let part = Part {
        number: 1,
        content: Content {
            rows: batch.rows,
            total: batch.total,
            hash: batch.content,
        },
        apart: false,
        first_row: 1,
        last_row: 1,
    };
    let whole = Plan {
        limits,
        key,
        bank_cnaps_prefix: "402",
        at: AT,
        value_date: "2026-11-02".parse().unwrap(),
        send_at: AT,
        parts: &[part],
    };
    assert_eq!(store.plan_batch(plan, &whole).await.unwrap(), 1);
    let instruction = store.instructions(code).await.unwrap().remove(0);
    (instruction.id, instruction.bank_key)
}

/// Splits, sends and loses the answer of one approved batch; gives its one instruction's store key and bank key.
pub(crate) async fn in_doubt(store: &PostgresStore, code: &str) -> (i64, String) {
    approve(store, code).await.unwrap();
    let (instruction, bank_key) = split(store, &claim(store).await).await;
    let send = claim(store).await;
    assert_eq!(
        (send.kind, send.subject.clone()),
        (TaskKind::Send, instruction.to_string())
    );
    store
        .record_intent(&send, instruction, ([7; 32], 100), 0, AT)
        .await
        .unwrap();
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    let lost = Happening {
        query_at: Some(later),
        ..happening(Event::Unclear)
    };
    store
        .record_event(&send, instruction, &lost, Next::Done)
        .await
        .unwrap();
    (instruction, bank_key)
}

pub(crate) const fn happening(event: Event) -> Happening {
    Happening {
        event,
        raw: None,
        refusal: None,
        query_at: None,
        send_at: None,
        at: AT,
    }
}

pub(crate) async fn read_task(store: &PostgresStore, round: u64, number: u64) -> (i64, Claim) {
    let mut hash = [9; 32];
    hash[0] = u8::try_from(round * 2 + number).unwrap();
    let raw = NewRaw {
        bank: BANK.into(),
        origin: "push",
        instruction: None,
        hash,
        size: 1,
        at: AT,
    };
    let (id, _) = store.record_raw(&raw, ReadTask::Wanted).await.unwrap();
    let claim = claim(store).await;
    assert_eq!(
        (claim.kind, claim.subject.clone()),
        (TaskKind::Read, id.to_string())
    );
    (id, claim)
}

pub(crate) async fn two_sent_batches(
    count: usize,
) -> (Vec<Arc<PostgresStore>>, [(i64, String); 2]) {
    let stores = gateways(count).await;
    let mut sent = Vec::new();
    for project in [1, 2] {
        let code = format!("B{project}");
        deposit(&stores[0], project, i64::from(COUNT)).await;
        submit(&stores[0], &code, project, "2026-10", COUNT)
            .await
            .unwrap();
        sent.push(in_doubt(&stores[0], &code).await);
    }
    (stores, sent.try_into().unwrap())
}
