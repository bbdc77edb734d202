//! Three projects, their sheets and two banks: what the tests set up, in the words in which they speak of it.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use wagegate::store::{
    BatchView, Claim, Decision, Deposit, Happening, InstructionView, ItemFilter, ItemView,
    NewBatch, NewRaw, Next, ProjectEntry, ReadTask, RegionEntry, RowSource, Saying, SealedRow,
    StoreError, Taken, TaskKind,
};
use wagegate_domain::attempt::Event;
use wagegate_domain::batch::ContentHash;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::ids::Region;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{KeyAlphabet, KeyRule, Limits, reference};
use wagegate_domain::reason::Reason;
use wagegate_domain::{Fen, PayMonth};

use crate::engines::Bench;

pub(crate) const BANK: &str = "bishui";
pub(crate) const MONTH: &str = "2026-10";
pub(crate) const LEASE_MS: i64 = 60_000;
pub(crate) const KEYS: KeyRule = KeyRule {
    length: 20,
    alphabet: KeyAlphabet::DigitsAndCapitals,
};
pub(crate) const WIDE: Limits = Limits {
    rows_max: 1_000_000,
    total_fen_max: None,
    item_fen_max: None,
    own_bank_apart: false,
};

/// So many seconds after the start of the world.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

pub(crate) fn month(text: &str) -> PayMonth {
    PayMonth::parse(text).unwrap()
}

/// The hash of a batch's content: its code, which is unique here.
pub(crate) fn content(code: &str) -> ContentHash {
    let mut hash = [0; 32];
    hash[..code.len()].copy_from_slice(code.as_bytes());
    ContentHash(hash)
}

/// Row `row` of a sheet, of the worker and card of that number.
pub(crate) fn row(row: u32, person: u32, fen: i64) -> SealedRow {
    let mut blind = [9; 16];
    blind[..4].copy_from_slice(&person.to_be_bytes());
    SealedRow {
        row,
        worker_blind: blind,
        worker_sealed: vec![1; 40],
        binding_blind: blind,
        account_blind: blind,
        binding_sealed: vec![2; 80],
        cnaps: None,
        amount: Fen::new(fen),
    }
}

/// Rows from 1 on, of people from 1 on.
pub(crate) fn wages(fen: &[i64]) -> Vec<SealedRow> {
    (1..).zip(fen).map(|(n, fen)| row(n, n, *fen)).collect()
}

/// Hands rows over in chunks; where it is told to, it fails after them.
pub(crate) struct Source {
    rows: std::vec::IntoIter<SealedRow>,
    chunk: usize,
    breaks: bool,
}

impl Source {
    pub(crate) fn of(rows: Vec<SealedRow>) -> Self {
        Self {
            rows: rows.into_iter(),
            chunk: 1_000,
            breaks: false,
        }
    }

    pub(crate) fn that_breaks(rows: Vec<SealedRow>, chunk: usize) -> Self {
        Self {
            chunk,
            breaks: true,
            ..Self::of(rows)
        }
    }
}

#[async_trait]
impl RowSource for Source {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        let chunk: Vec<_> = self.rows.by_ref().take(self.chunk).collect();
        if chunk.is_empty() && self.breaks {
            return Err(StoreError::Broken("the sheet ends early".into()));
        }
        Ok(chunk)
    }
}

pub(crate) fn project(code: &str, county: &str, bank: &str) -> ProjectEntry {
    ProjectEntry {
        code: code.into(),
        name: format!("项目 {code}"),
        region: region(county),
        contractor_uscc: "91530000MA6K000000".into(),
        contractor: "总包".into(),
        bank: bank.into(),
        account: format!("90-{code}"),
        account_name: "农民工工资专用账户".into(),
    }
}

pub(crate) fn head(code: &str, project: &str, rows: &[SealedRow]) -> NewBatch {
    NewBatch {
        code: code.into(),
        project: project.into(),
        month: month(MONTH),
        sheet: [1; 32],
        content: content(code),
        rows: rows.len() as u64,
        total: Fen::total(rows.iter().map(|row| row.amount)).unwrap(),
        prepared_by: "clerk".into(),
        at: at(0),
    }
}

pub(crate) fn decision(code: &str, approve: bool) -> Decision {
    Decision {
        batch: code.into(),
        content: content(code),
        approve,
        by: "approver".into(),
        at: at(1),
    }
}

pub(crate) fn happening(event: Event) -> Happening {
    Happening {
        event,
        raw: None,
        refusal: None,
        query_at: None,
        at: at(10),
    }
}

/// A number that was not given before.
fn fresh() -> u32 {
    static GIVEN: AtomicU32 = AtomicU32::new(1);
    GIVEN.fetch_add(1, Ordering::SeqCst)
}

/// A raw document unlike any before.
pub(crate) fn document(bank: &str) -> NewRaw {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&fresh().to_be_bytes());
    NewRaw {
        bank: bank.into(),
        origin: "push",
        instruction: None,
        hash,
        size: 100,
        at: at(20),
    }
}

pub(crate) fn code(code: &str) -> BankCode {
    BankCode {
        list: "list".into(),
        code: code.into(),
        text: format!("text of {code}"),
    }
}

/// Numbers what was told, from 0.
pub(crate) fn said(told: Vec<Told>) -> Vec<Saying> {
    (0..)
        .zip(told)
        .map(|(ordinal, told)| Saying {
            ordinal,
            told,
            account_blind: None,
        })
        .collect()
}

/// About one payment, by our own reference.
pub(crate) fn item(key: &str, sequence: u32, verdict: Verdict) -> Told {
    Told::Item {
        refs: ItemRefs {
            reference: Some(reference(key, sequence)),
            ..ItemRefs::default()
        },
        verdict,
        amount: None,
        bank: code(verdict.code()),
    }
}

pub(crate) const CLOSED: Verdict = Verdict::Failed(Reason::Closed);
pub(crate) const BACK: Verdict = Verdict::Returned(Reason::NameMismatch);

/// Counts of a batch in the order of [`Place::ALL`]: paid, failed, returned, in flight, in doubt, held.
pub(crate) fn counts(batch: &BatchView) -> [u64; 6] {
    Place::ALL.map(|place| batch.tally.at(place).0)
}

impl Bench {
    /// Two projects in two counties of one prefecture, one in another; `P3` banks elsewhere.
    pub(crate) async fn settle(&self) {
        let entry = |code: &str, name: &str, base| RegionEntry {
            code: region(code),
            name: name.into(),
            base_projects: base,
        };
        let regions = [
            entry("530900", "临沧市", Some(9)),
            entry("530902", "临翔区", None),
            entry("530923", "永德县", None),
            entry("530300", "曲靖市", Some(4)),
            entry("530302", "麒麟区", None),
        ];
        self.store
            .import_regions(&regions, "operator", at(0))
            .await
            .unwrap();
        let projects = [
            project("P1", "530902", BANK),
            project("P2", "530923", BANK),
            project("P3", "530302", "qingshan"),
        ];
        self.store
            .import_projects(&projects, "operator", at(0))
            .await
            .unwrap();
    }

    pub(crate) async fn deposit(&self, project: &str, fen: i64) {
        let entry = self.store.project(project).await.unwrap();
        let deposit = Deposit {
            bank: entry.bank,
            reference: format!("in-{}", fresh()),
            account: entry.account,
            amount: Fen::new(fen),
            value_date: "2026-10-20".parse().unwrap(),
        };
        self.store.record_deposit(&deposit, at(0)).await.unwrap();
    }

    pub(crate) async fn submit(
        &self,
        code: &str,
        project: &str,
        rows: Vec<SealedRow>,
    ) -> Result<BatchView, StoreError> {
        let head = head(code, project, &rows);
        self.store.accept_batch(&head, &mut Source::of(rows)).await
    }

    pub(crate) async fn approve(&self, code: &str) -> Result<BatchView, StoreError> {
        self.store.decide_batch(&decision(code, true)).await
    }

    /// Takes the task of a kind; others that are due before it are given back.
    pub(crate) async fn claim(&self, kind: TaskKind) -> Claim {
        let mut others = Vec::new();
        let found = loop {
            let claim = self.store.claim_step(at(1_000), LEASE_MS).await.unwrap();
            match claim {
                Some(claim) if claim.kind == kind => break Some(claim),
                Some(other) => others.push(other),
                None => break None,
            }
        };
        for other in others {
            let again = Next::Again(at(0));
            self.store.finish(&other, again).await.unwrap();
        }
        found.unwrap()
    }

    pub(crate) async fn plan(&self, limits: Limits) -> Vec<InstructionView> {
        let claim = self.claim(TaskKind::Plan).await;
        let date = "2026-10-22".parse().unwrap();
        self.store
            .plan_batch(&claim, limits, KEYS, "313", at(2), date)
            .await
            .unwrap();
        self.store.instructions(&claim.subject).await.unwrap()
    }

    /// Commits intent for the next instruction that waits to be sent.
    pub(crate) async fn intend(&self) -> (Claim, i64) {
        let claim = self.claim(TaskKind::Send).await;
        let id = claim.subject.parse().unwrap();
        self.store
            .record_intent(&claim, id, [7; 32], 99, at(3))
            .await
            .unwrap();
        (claim, id)
    }

    /// A batch of `P1` whose only instruction the bank has.
    pub(crate) async fn sent(&self, code: &str, fen: &[i64]) -> InstructionView {
        self.deposit("P1", fen.iter().sum()).await;
        self.submit(code, "P1", wages(fen)).await.unwrap();
        self.sent_on(code).await
    }

    /// The same for a batch that was submitted.
    pub(crate) async fn sent_on(&self, code: &str) -> InstructionView {
        self.approve(code).await.unwrap();
        let planned = self.plan(WIDE).await;
        assert_eq!(planned.len(), 1);
        let (claim, id) = self.intend().await;
        self.store
            .record_event(&claim, id, &happening(Event::Known), Next::Done)
            .await
            .unwrap();
        self.store.instruction(id).await.unwrap()
    }

    /// A bank's document arrives and is read to its end, so many sayings in one commit.
    pub(crate) async fn hears_in(&self, bank: &str, sayings: &[Saying], chunk: usize) -> Taken {
        let (raw, _) = self
            .store
            .record_raw(&document(bank), ReadTask::Wanted)
            .await
            .unwrap();
        let claim = self.claim(TaskKind::Read).await;
        assert_eq!(claim.subject, raw.to_string());
        let mut taken = Taken::default();
        for part in sayings.chunks(chunk) {
            let more = self
                .store
                .record_facts(&claim, raw, part, at(21))
                .await
                .unwrap();
            taken.facts += more.facts;
            taken.changed += more.changed;
            taken.suspense += more.suspense;
        }
        self.store.finish_raw(&claim, raw, None).await.unwrap();
        taken
    }

    pub(crate) async fn hears(&self, told: Vec<Told>) -> Taken {
        self.hears_in(BANK, &said(told), 1_000).await
    }

    pub(crate) async fn items(&self, batch: &str) -> Vec<ItemView> {
        let filter = ItemFilter {
            batch: Some(batch.into()),
            ..ItemFilter::default()
        };
        let page = self.store.items(&filter, None, 10_000).await.unwrap();
        page.into_iter().map(|(_, item)| item).collect()
    }

    /// Balance, reservations and overdraft of a project's account, in fen.
    pub(crate) async fn account(&self, project: &str) -> (i64, i64, i64) {
        let accounts = self.store.accounts().await.unwrap();
        let figures = accounts
            .iter()
            .find(|figures| figures.project == project)
            .unwrap();
        (
            figures.balance.get(),
            figures.reserved.get(),
            figures.overdrawn.get(),
        )
    }

    /// Every row is in exactly one place, and every kept figure is what the rows give (invariants 4 and 6).
    pub(crate) async fn adds_up(&self) {
        for batch in self.store.batches(None).await.unwrap() {
            assert_eq!(
                batch.tally.all(),
                Some((batch.rows, batch.total)),
                "{}",
                batch.code
            );
        }
        let recount = self.store.recount().await.unwrap();
        assert_eq!(recount.differences, Vec::<String>::new());
    }
}
