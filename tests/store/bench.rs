//! What a test does with its bench in one word: settle, deposit, submit, approve, plan, intend, hear.

use std::collections::BTreeMap;

use wagegate::store::*;
use wagegate_domain::Fen;
use wagegate_domain::attempt::Event;
use wagegate_domain::fact::Told;
use wagegate_domain::plan::{Limits, Splitter, is_own};
use wagegate_domain::seating::Part;

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::*;

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

    /// The newest entries of the audit log.
    pub(crate) async fn audit_tail(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let all = AuditFilter::default();
        self.store.audit_page(&all, None, limit).await
    }

    /// Walks the audit log, with nothing that was witnessed.
    pub(crate) async fn check_audit(&self) -> Result<ChainCheck, StoreError> {
        self.store.check_audit_against(&[]).await
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
        self.store.decide(&reviewing(code)).await?;
        self.store.decide(&releasing(code)).await
    }

    pub(crate) async fn refuse(&self, code: &str) -> BatchView {
        self.store.decide(&refusing(code)).await.unwrap()
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
        let parts = self.parts(&claim.subject, limits).await;
        self.store
            .plan_batch(&claim, &plan(limits, &parts))
            .await
            .unwrap();
        self.store.instructions(&claim.subject).await.unwrap()
    }

    /// The parts that the rows of a batch come to; people here are not sealed, and the parts' contents are made up.
    pub(crate) async fn parts(&self, batch: &str, limits: Limits) -> Vec<Part> {
        let mut splitter = Splitter::new(limits);
        let mut sums: BTreeMap<u32, (u64, i64)> = BTreeMap::new();
        let mut after = 0;
        loop {
            let rows = self.store.rows_of(batch, after, 1_000).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = last.row;
            for row in &rows {
                let own = is_own(row.cnaps.as_deref(), OWN_PREFIX);
                if let Ok(seat) = splitter.seat(row.amount, own) {
                    let (count, fen) = sums.entry(seat.part).or_default();
                    *count += 1;
                    *fen += row.amount.get();
                }
            }
        }
        sums.into_iter()
            .map(|(number, (rows, fen))| part(number, rows, fen))
            .collect()
    }

    /// Commits intent for the next instruction that waits to be sent.
    pub(crate) async fn intend(&self) -> (Claim, i64) {
        let claim = self.claim(TaskKind::Send).await;
        let id = claim.subject.parse().unwrap();
        self.store
            .record_intent(&claim, id, ([7; 32], 99), 0, at(3))
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
            let owed = if batch.state.is_closed() {
                (0, Fen::ZERO)
            } else {
                (batch.rows, batch.total)
            };
            assert_eq!(batch.tally.all(), Some(owed), "{}", batch.code);
        }
        let recount = self.store.recount().await.unwrap();
        assert_eq!(recount.differences, Vec::<String>::new());
    }

    /// Counts of a batch in the order of [`wagegate_domain::outcome::Place::ALL`], after everything was found to add up.
    pub(crate) async fn places(&self, batch: &str) -> [u64; 6] {
        self.adds_up().await;
        counts(&self.store.batch(batch).await.unwrap())
    }
}
