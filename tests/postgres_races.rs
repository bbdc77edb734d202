//! Several gateways on one PostgreSQL: whatever they do at the same moment comes out as if one had done it after the other.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/fresh_postgres.rs"]
mod fresh_postgres;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use fresh_postgres::fresh_postgres;
use jiff::Timestamp;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use wagegate::store::postgres::PostgresStore;
use wagegate::store::{
    ChainCheck, Claim, Conflict, Decision, Deposit, Happening, ItemFilter, NewBatch, NewRaw, Next,
    ProjectEntry, ReadTask, RegionEntry, RowSource, Saying, SealedRow, Store, StoreError, TaskKind,
};
use wagegate_domain::attempt::{Event, Forbidden, State};
use wagegate_domain::batch::ContentHash;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::ids::Region;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{KeyAlphabet, KeyRule, Limits, reference};
use wagegate_domain::reason::Reason;
use wagegate_domain::{Fen, PayMonth};

const AT: Timestamp = Timestamp::UNIX_EPOCH;
const LEASE_MS: i64 = 60_000;
const BANK: &str = "bishui";
const WAGE: i64 = 500_000;

struct Rows(std::vec::IntoIter<SealedRow>);

#[async_trait]
impl RowSource for Rows {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        Ok(self.0.by_ref().take(1_000).collect())
    }
}

/// People of one project, the same ones whenever it is asked.
fn rows(project: u8, count: u32) -> Rows {
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
async fn gateways(count: usize) -> Vec<Arc<PostgresStore>> {
    let url = fresh_postgres().await;
    let mut stores = Vec::new();
    for _ in 0..count {
        stores.push(Arc::new(PostgresStore::open(&url).await.unwrap()));
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
    };
    stores[0]
        .import_projects(&[project(1), project(2)], "operator", AT)
        .await
        .unwrap();
    stores
}

async fn deposit(store: &PostgresStore, project: u8, wages: i64) {
    let deposit = Deposit {
        bank: BANK.into(),
        account: format!("90{project}"),
        reference: format!("in-{project}"),
        amount: Fen::new(WAGE * wages),
        value_date: "2026-10-20".parse().unwrap(),
    };
    store.record_deposit(&deposit, AT).await.unwrap();
}

async fn submit(
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
    };
    store
        .accept_batch(&batch, &mut rows(project, count))
        .await
        .map(drop)
}

fn content(code: &str) -> ContentHash {
    let mut hash = [0; 32];
    hash[..code.len()].copy_from_slice(code.as_bytes());
    ContentHash(hash)
}

async fn approve(store: &PostgresStore, code: &str) -> Result<(), StoreError> {
    let decision = Decision {
        batch: code.into(),
        content: content(code),
        approve: true,
        by: "approver".into(),
        at: AT,
    };
    store.decide_batch(&decision).await.map(drop)
}

async fn claim(store: &PostgresStore) -> Claim {
    store.claim_step(AT, LEASE_MS).await.unwrap().unwrap()
}

/// Splits, sends and loses the answer of one approved batch; gives its one instruction's store key and bank key.
async fn in_doubt(store: &PostgresStore, code: &str) -> (i64, String) {
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
    approve(store, code).await.unwrap();
    let plan = claim(store).await;
    let value_date = "2026-11-02".parse().unwrap();
    assert_eq!(
        store
            .plan_batch(&plan, limits, key, "402", AT, value_date)
            .await
            .unwrap(),
        1
    );
    let instruction = store.instructions(code).await.unwrap().remove(0);
    let send = claim(store).await;
    assert_eq!(
        (send.kind, send.subject.clone()),
        (TaskKind::Send, instruction.id.to_string())
    );
    store
        .record_intent(&send, instruction.id, [7; 32], 100, AT)
        .await
        .unwrap();
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    let lost = Happening {
        query_at: Some(later),
        ..happening(Event::Unclear)
    };
    store
        .record_event(&send, instruction.id, &lost, Next::Done)
        .await
        .unwrap();
    (instruction.id, instruction.bank_key)
}

const fn happening(event: Event) -> Happening {
    Happening {
        event,
        raw: None,
        refusal: None,
        query_at: None,
        at: AT,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_never_get_the_same_task() {
    let stores = gateways(4).await;
    for number in 0..200 {
        stores[0]
            .ensure_task(TaskKind::Read, &number.to_string(), AT)
            .await
            .unwrap();
    }
    let start = Arc::new(Barrier::new(stores.len()));
    let mut workers = JoinSet::new();
    for store in stores {
        let start = Arc::clone(&start);
        workers.spawn(async move {
            start.wait().await;
            let mut claimed = Vec::new();
            while let Some(claim) = store.claim_step(AT, LEASE_MS).await.unwrap() {
                claimed.push(claim);
            }
            claimed
        });
    }
    let claims = workers.join_all().await.concat();
    let tasks: BTreeSet<i64> = claims.iter().map(|claim| claim.task).collect();
    assert_eq!((claims.len(), tasks.len()), (200, 200));
    assert!(
        claims
            .iter()
            .all(|claim| claim.fence == 1 && !claim.taken_over)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvals_cannot_reserve_the_same_money() {
    let stores = gateways(2).await;
    deposit(&stores[0], 1, 15).await;
    for month in ["2026-08", "2026-09", "2026-10", "2026-11"] {
        submit(&stores[0], &format!("B{month}"), 1, month, 10)
            .await
            .unwrap();
    }
    let start = Arc::new(Barrier::new(4));
    let mut approvals = JoinSet::new();
    for (number, month) in ["2026-08", "2026-09", "2026-10", "2026-11"]
        .into_iter()
        .enumerate()
    {
        let (store, start) = (Arc::clone(&stores[number % 2]), Arc::clone(&start));
        approvals.spawn(async move {
            start.wait().await;
            approve(&store, &format!("B{month}")).await
        });
    }
    let mut approved = 0;
    for result in approvals.join_all().await {
        match result {
            Ok(()) => approved += 1,
            Err(StoreError::Conflict(Conflict::FundsShort { short, available })) => {
                assert_eq!((short, available), (Fen::new(5 * WAGE), Fen::new(5 * WAGE)));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(approved, 1);
    let figures = stores[0].accounts().await.unwrap().remove(0);
    assert_eq!(figures.reserved, Fen::new(10 * WAGE));
    assert_eq!(
        stores[0].recount().await.unwrap().differences,
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sheets_with_the_same_workers_at_once_leave_one() {
    let stores = gateways(4).await;
    let start = Arc::new(Barrier::new(stores.len()));
    let mut submits = JoinSet::new();
    for (number, store) in stores.iter().cloned().enumerate() {
        let start = Arc::clone(&start);
        submits.spawn(async move {
            start.wait().await;
            submit(&store, &format!("B{number}"), 1, "2026-10", 2_000).await
        });
    }
    let results = submits.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        match error {
            StoreError::Conflict(Conflict::AlreadyOwed { count, rows, .. }) => {
                assert_eq!((count, rows.len()), (2_000, 1_000))
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(stores[0].batches(None).await.unwrap().len(), 1);
    assert_eq!(
        stores[0].recount().await.unwrap().differences,
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_entries_of_many_gateways_make_one_chain_without_a_gap() {
    let stores = gateways(4).await;
    let mut writers = JoinSet::new();
    for store in &stores {
        let store = Arc::clone(store);
        writers.spawn(async move {
            for number in 0..25 {
                store
                    .audit(AT, "operator", "test", &number.to_string(), "")
                    .await
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
    // Two more came with the imports.
    assert_eq!(
        stores[0].check_audit().await.unwrap(),
        ChainCheck::Whole { entries: 102 }
    );
}

const ROUNDS: u64 = 8;
const COUNT: u32 = 300;

/// What one document of a round says: every document tells of every row of both instructions, in its own order and with its own words.
fn document(round: u64, number: u64, keys: &[String; 2]) -> Vec<Saying> {
    let mut said: Vec<Told> = Vec::new();
    let order = if number == 0 { [0, 1] } else { [1, 0] };
    for instruction in order {
        for row in 1..=COUNT {
            let row = if number == 0 { row } else { COUNT + 1 - row };
            said.push(Told::Item {
                refs: ItemRefs {
                    reference: Some(reference(&keys[instruction], row)),
                    ..ItemRefs::default()
                },
                verdict: verdict(round, number, u64::from(row)),
                amount: Some(Fen::new(WAGE)),
                bank: BankCode::default(),
            });
        }
    }
    (0..)
        .zip(said)
        .map(|(ordinal, told)| Saying {
            ordinal,
            told,
            account_blind: None,
        })
        .collect()
}

fn verdict(round: u64, number: u64, row: u64) -> Verdict {
    match (round * 7 + number * 3 + row) % 5 {
        0 => Verdict::InProgress,
        1 | 2 => Verdict::Paid,
        3 => Verdict::Failed(Reason::Closed),
        _ => Verdict::Returned(Reason::Frozen),
    }
}

async fn read_task(store: &PostgresStore, round: u64, number: u64) -> (i64, Claim) {
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

/// Reads a document in chunks, as a worker does.
async fn read(store: Arc<PostgresStore>, raw: i64, claim: Claim, said: Vec<Saying>) {
    for chunk in said.chunks(100) {
        store.record_facts(&claim, raw, chunk, AT).await.unwrap();
    }
    store.finish_raw(&claim, raw, None).await.unwrap();
}

/// Where every item stands.
async fn places(store: &PostgresStore) -> Vec<(String, u32, Place, Option<Reason>)> {
    let items = store
        .items(&ItemFilter::default(), None, 10_000)
        .await
        .unwrap();
    items
        .into_iter()
        .map(|(_, item)| (item.batch, item.row, item.place, item.reason))
        .collect()
}

async fn two_sent_batches(count: usize) -> (Vec<Arc<PostgresStore>>, [(i64, String); 2]) {
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

#[tokio::test(flavor = "multi_thread")]
async fn documents_about_the_same_rows_read_at_once_come_to_the_same_end() {
    let (stores, sent) = two_sent_batches(3).await;
    let keys = sent.clone().map(|(_, key)| key);
    let (alone, sent_alone) = two_sent_batches(1).await;
    let keys_alone = sent_alone.map(|(_, key)| key);
    for round in 0..ROUNDS {
        let mut workers = JoinSet::new();
        for number in 0..2 {
            let store = Arc::clone(&stores[usize::try_from(number).unwrap()]);
            let (raw, claim) = read_task(&store, round, number).await;
            workers.spawn(read(store, raw, claim, document(round, number, &keys)));
        }
        // A third gateway hears from the bank about both instructions meanwhile.
        for (id, _) in sent.clone() {
            workers.spawn(ask(Arc::clone(&stores[2]), id));
        }
        workers.join_all().await;
        for number in 0..2 {
            let (raw, claim) = read_task(&alone[0], round, number).await;
            read(
                Arc::clone(&alone[0]),
                raw,
                claim,
                document(round, number, &keys_alone),
            )
            .await;
        }
        assert_eq!(
            places(&stores[0]).await,
            places(&alone[0]).await,
            "round {round}"
        );
        assert_eq!(
            stores[0].accounts().await.unwrap(),
            alone[0].accounts().await.unwrap(),
            "round {round}"
        );
        assert_eq!(
            stores[0].recount().await.unwrap().differences,
            Vec::<String>::new(),
            "round {round}"
        );
    }
    for (id, _) in sent {
        assert_eq!(
            stores[0].instruction(id).await.unwrap().state,
            State::Accepted
        );
    }
}

/// A query whose answer says that the bank has the instruction, asked again and again.
async fn ask(store: Arc<PostgresStore>, instruction: i64) {
    let later: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    for _ in 0..5 {
        store
            .ensure_task(TaskKind::Collect, &instruction.to_string(), AT)
            .await
            .unwrap();
        let Some(claim) = store.claim_step(AT, LEASE_MS).await.unwrap() else {
            continue;
        };
        let known = Happening {
            query_at: Some(later),
            ..happening(Event::Known)
        };
        match store
            .record_event(&claim, instruction, &known, Next::Done)
            .await
        {
            Ok(state) => assert_eq!(state, State::Accepted),
            Err(StoreError::Forbidden(Forbidden { .. })) => {
                panic!("a known instruction is never refused")
            }
            Err(other) => panic!("{other}"),
        }
    }
}
