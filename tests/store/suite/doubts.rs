//! The desk of two people: who may say what, and what follows for every place that an instruction can stand in.

use wagegate::store::{
    Conflict, DoubtRefused, DoubtSays, DoubtView, DoubtWord, Finding, Happening, InstructionView,
    Means, Next, Question, StoreError, TaskKind, Within,
};
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::fact::Verdict;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::bank_key;
use wagegate_domain::reason::Reason;

use crate::engines::Bench;
use crate::world::{CLOSED, KEYS, WIDE, at, content, day, happening, item, wages};

pub(crate) const ARRIVED: Finding = Finding::Arrived;
pub(crate) const NEVER: Finding = Finding::NotArrived;
pub(crate) const LETTER: ([u8; 32], u64) = ([5; 32], 700);
const OTHER_LETTER: ([u8; 32], u64) = ([6; 32], 700);

fn means() -> Means {
    Means {
        key: KEYS,
        value_date: day("2026-10-23"),
        under_way_until: at(50),
        query_at: Some(at(60)),
        bytes: Some(([7; 32], 99)),
    }
}

fn word(instruction: i64, by: &str, says: DoubtSays) -> DoubtWord {
    DoubtWord {
        instruction,
        says,
        by: by.into(),
        at: at(60),
    }
}

pub(crate) fn proposing(finding: Finding) -> DoubtSays {
    DoubtSays::Propose {
        finding,
        evidence: LETTER,
        reason: "清算中心书面答复".into(),
    }
}

fn confirming(finding: Finding) -> DoubtSays {
    DoubtSays::Confirm {
        finding,
        evidence: LETTER,
        means: means(),
    }
}

fn withdrawing() -> DoubtSays {
    DoubtSays::Withdraw {
        reason: "材料有误".into(),
    }
}

impl Bench {
    pub(crate) async fn says(
        &self,
        instruction: i64,
        by: &str,
        says: DoubtSays,
    ) -> Result<DoubtView, StoreError> {
        self.store.decide_doubt(&word(instruction, by, says)).await
    }

    /// Two people decide.
    pub(crate) async fn decided(&self, instruction: i64, finding: Finding) -> DoubtView {
        self.says(instruction, "finance", proposing(finding))
            .await
            .unwrap();
        self.says(instruction, "approver", confirming(finding))
            .await
            .unwrap()
    }

    /// A batch of two rows whose only instruction is in doubt.
    pub(crate) async fn doubtful(&self, code: &str) -> InstructionView {
        self.planned_of(code).await;
        let (claim, id) = self.intend().await;
        self.unclear(&claim, id).await;
        self.store.instruction(id).await.unwrap()
    }

    async fn planned_of(&self, code: &str) {
        self.settle().await;
        self.deposit("P1", 300).await;
        self.submit(code, "P1", wages(&[100, 200])).await.unwrap();
        self.approve(code).await.unwrap();
        self.plan(WIDE).await;
    }

    async fn unclear(&self, claim: &wagegate::store::Claim, id: i64) {
        let unclear = Happening {
            query_at: Some(at(0)),
            ..happening(Event::Unclear)
        };
        let state = self
            .store
            .record_event(claim, id, &unclear, Next::Done)
            .await;
        assert_eq!(state.unwrap(), State::InDoubt);
    }

    pub(crate) async fn desk(&self) -> Vec<(i64, Option<Question>)> {
        let page = self
            .store
            .doubt_page(&Within::All, None, 100)
            .await
            .unwrap();
        page.iter()
            .map(|doubt| (doubt.instruction.id, doubt.question()))
            .collect()
    }

    /// The newest generation of a batch's only part.
    pub(crate) async fn newest(&self, code: &str) -> InstructionView {
        self.store.instructions(code).await.unwrap().pop().unwrap()
    }
}

pub(crate) fn refusal(result: Result<DoubtView, StoreError>) -> DoubtRefused {
    match result {
        Err(StoreError::Conflict(Conflict::Doubt(refused))) => refused,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn what_arrived_is_accepted_and_asked_about(bench: Bench) {
    let id = bench.doubtful("B1").await.id;
    assert_eq!(bench.desk().await, [(id, Some(Question::InDoubt))]);
    let after = bench.decided(id, ARRIVED).await;
    assert_eq!(
        (after.instruction.state, after.question()),
        (State::Accepted, None)
    );
    assert!(bench.desk().await.is_empty());
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    assert_eq!(bench.claim(TaskKind::Query).await.subject, id.to_string());
    let key = after.instruction.bank_key;
    bench
        .hears(vec![item(&key, 1, Verdict::Paid), item(&key, 2, CLOSED)])
        .await;
    assert_eq!(bench.places("B1").await, [1, 1, 0, 0, 0, 0]);
}

pub(crate) async fn what_never_arrived_ends_and_goes_once_more_under_another_key(bench: Bench) {
    let old = bench.doubtful("B1").await;
    let after = bench.decided(old.id, NEVER).await;
    assert_eq!(
        (after.instruction.state, after.question()),
        (State::Refused, None)
    );
    assert!(bench.desk().await.is_empty());
    let new = bench.newest("B1").await;
    assert_eq!(
        (new.state, new.part, new.generation, new.sends),
        (State::Planned, 1, 2, 0)
    );
    assert_eq!(
        (new.rows, new.total, new.content, new.bytes),
        (old.rows, old.total, old.content, None)
    );
    assert_eq!(new.bank_key, bank_key(&content("B1"), 1, 2, KEYS));
    assert_ne!(new.bank_key, old.bank_key);
    // Every wage and every fen is in flight, nothing was given back and nothing reserved a second time.
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
    for item in bench.items("B1").await {
        assert_eq!(
            (item.attempt, item.place, item.bank_key.as_str()),
            (2, Place::InFlight, new.bank_key.as_str())
        );
    }
    let attempts = bench
        .store
        .attempts(&Within::All, None, None, 100)
        .await
        .unwrap();
    let ended: Vec<_> = attempts
        .iter()
        .filter(|(_, item)| item.attempt == 1)
        .map(|(_, item)| (item.place, item.reason))
        .collect();
    assert_eq!(ended, [(Place::Failed, Some(Reason::NeverArrived)); 2]);
    let (claim, id) = bench.intend().await;
    assert_eq!(id, new.id);
    let known = happening(Event::Known);
    bench
        .store
        .record_event(&claim, id, &known, Next::Done)
        .await
        .unwrap();
    let key = new.bank_key;
    bench
        .hears(vec![
            item(&key, 1, Verdict::Paid),
            item(&key, 2, Verdict::Paid),
        ])
        .await;
    assert_eq!(bench.places("B1").await, [2, 0, 0, 0, 0, 0]);
    assert_eq!(bench.account("P1").await, (0, 0, 0));
}

pub(crate) async fn the_new_attempts_are_the_only_live_ones(bench: Bench) {
    let old = bench.doubtful("B1").await;
    bench.decided(old.id, NEVER).await;
    for (attempt, previous) in [(3, 2), (2, 1)] {
        let second = bench
            .sql(&format!(
                "INSERT INTO attempt (instruction_id, sequence, batch_id, row_no, attempt_no, previous_no, amount_fen)
                 SELECT id, 9, batch_id, 1, {attempt}, {previous}, 100 FROM instruction WHERE id = {}",
                old.id
            ))
            .await;
        assert!(second.is_err(), "{attempt}");
    }
    // In doubt again, decided again: a third attempt follows the second.
    let (claim, id) = bench.intend().await;
    bench.unclear(&claim, id).await;
    bench.decided(id, NEVER).await;
    assert_eq!(bench.newest("B1").await.generation, 3);
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
}

pub(crate) async fn what_a_lost_database_may_have_sent_is_decided_too(bench: Bench) {
    for (code, finding) in [("B1", ARRIVED), ("B2", NEVER)] {
        bench.settle().await;
        bench.deposit("P1", 300).await;
        let first = if code == "B1" { 1 } else { 11 };
        let rows = (1..)
            .zip([100, 200])
            .map(|(n, fen)| crate::world::row(n, n + first, fen));
        bench.submit(code, "P1", rows.collect()).await.unwrap();
        bench.approve(code).await.unwrap();
        let id = bench.plan(WIDE).await[0].id;
        bench.store.went_back(5, at(10)).await.unwrap();
        assert_eq!(bench.desk().await, [(id, Some(Question::AskFirst))]);
        let after = bench.decided(id, finding).await.instruction;
        assert_eq!(bench.places(code).await, [0, 0, 0, 2, 0, 0]);
        match finding {
            Finding::Arrived => {
                assert_eq!((after.ask_first_since, bench.desk().await), (None, vec![]));
                assert_eq!(
                    (after.state, after.bytes, after.sends),
                    (State::Accepted, Some(([7; 32], 99)), 0)
                );
                let claim = bench.claim(TaskKind::Query).await;
                assert_eq!(claim.subject, id.to_string());
                bench.store.finish(&claim, Next::Done).await.unwrap();
            }
            Finding::NotArrived => {
                assert_eq!(
                    (after.state, after.vouched_at),
                    (State::Planned, Some(at(60)))
                );
                // A lost database may have sent a later one for the same wages: the bank has the last word.
                let claim = bench.claim(TaskKind::Query).await;
                assert_eq!(claim.subject, id.to_string());
                bench.store.clear_to_send(&claim, id, at(61)).await.unwrap();
                assert_eq!(bench.desk().await, vec![]);
                assert_eq!(bench.intend().await.1, id);
            }
        }
    }
}

pub(crate) async fn two_voices_of_two_people_say_the_same_about_the_same(bench: Bench) {
    let id = bench.doubtful("B1").await.id;
    let says = async |by: &str, says| refusal(bench.says(id, by, says).await);
    assert_eq!(
        says("approver", confirming(NEVER)).await,
        DoubtRefused::NothingProposed
    );
    assert_eq!(
        says("approver", withdrawing()).await,
        DoubtRefused::NothingProposed
    );
    assert_eq!(
        says("clerk", proposing(NEVER)).await,
        DoubtRefused::Preparer
    );
    bench.says(id, "finance", proposing(NEVER)).await.unwrap();
    assert_eq!(
        says("approver", proposing(ARRIVED)).await,
        DoubtRefused::Proposed
    );
    assert_eq!(
        says("finance", confirming(NEVER)).await,
        DoubtRefused::SamePerson
    );
    assert_eq!(
        says("clerk", confirming(NEVER)).await,
        DoubtRefused::Preparer
    );
    assert_eq!(
        says("approver", confirming(ARRIVED)).await,
        DoubtRefused::OtherProposal
    );
    let on_another = DoubtSays::Confirm {
        finding: NEVER,
        evidence: OTHER_LETTER,
        means: means(),
    };
    assert_eq!(
        says("approver", on_another).await,
        DoubtRefused::OtherProposal
    );
    let early = DoubtSays::Confirm {
        finding: NEVER,
        evidence: LETTER,
        means: Means {
            under_way_until: at(61),
            ..means()
        },
    };
    assert_eq!(
        says("approver", early).await,
        DoubtRefused::UnderWay { until: at(61) }
    );
    // Nothing of it changed anything.
    assert_eq!(
        bench.store.instruction(id).await.unwrap().state,
        State::InDoubt
    );
    assert_eq!(bench.places("B1").await, [0, 0, 0, 0, 2, 0]);
    bench.says(id, "approver", withdrawing()).await.unwrap();
    assert_eq!(
        says("approver", confirming(NEVER)).await,
        DoubtRefused::NothingProposed
    );
    let story = bench.decided(id, ARRIVED).await.steps;
    let story: Vec<_> = story
        .iter()
        .map(|taken| (taken.round, taken.step.code(), taken.by.as_str()))
        .collect();
    assert_eq!(
        story,
        [
            (1, "propose", "finance"),
            (1, "withdraw", "approver"),
            (2, "propose", "finance"),
            (2, "confirm", "approver")
        ]
    );
    let state = State::Accepted;
    assert_eq!(
        says("finance", proposing(NEVER)).await,
        DoubtRefused::NoDoubt { state }
    );
}

pub(crate) async fn the_database_itself_refuses_one_voice(bench: Bench) {
    let id = bench.doubtful("B1").await.id;
    bench.says(id, "finance", proposing(NEVER)).await.unwrap();
    let insert = |step: &str, verdict: &str, evidence: &str, by: &str, after: &str| {
        format!(
            "INSERT INTO doubt_decision (instruction_id, round, step, verdict, evidence, question, sends, reason, by_whom, at, after_step, proposed_by)
             SELECT instruction_id, round, '{step}', '{verdict}', {evidence}, question, sends, reason, '{by}', at, {after}
             FROM doubt_decision WHERE step = 'propose'"
        )
    };
    let other = if bench.store.engine() == "sqlite" {
        "zeroblob(32)"
    } else {
        "decode(repeat('00', 32), 'hex')"
    };
    for (statement, constraint) in [
        (
            insert(
                "confirm",
                "not_arrived",
                "evidence",
                "finance",
                "'propose', by_whom",
            ),
            "two_voices",
        ),
        (
            insert(
                "confirm",
                "arrived",
                "evidence",
                "approver",
                "'propose', by_whom",
            ),
            "of_the_same_proposal",
        ),
        (
            insert(
                "confirm",
                "not_arrived",
                other,
                "approver",
                "'propose', by_whom",
            ),
            "of_the_same_proposal",
        ),
        (
            insert(
                "confirm",
                "not_arrived",
                "evidence",
                "approver",
                "'propose', 'somebody'",
            ),
            "of_the_same_proposal",
        ),
        (
            insert(
                "confirm",
                "not_arrived",
                "evidence",
                "approver",
                "NULL, NULL",
            ),
            "steps_follow_a_proposal",
        ),
        (
            "UPDATE doubt_decision SET by_whom = 'nobody'".into(),
            "decisions are append-only",
        ),
        (
            "DELETE FROM doubt_decision".into(),
            "decisions are append-only",
        ),
    ] {
        let said = bench.sql(&statement).await.unwrap_err();
        let named = said.contains(constraint) || said.contains("FOREIGN KEY constraint failed");
        assert!(named, "{statement}: {said}");
    }
    bench.says(id, "approver", confirming(NEVER)).await.unwrap();
    let end = insert(
        "withdraw",
        "not_arrived",
        "evidence",
        "approver",
        "'propose', by_whom",
    );
    let said = bench.sql(&end).await.unwrap_err();
    assert!(
        said.contains("one_end_of_a_round") || said.contains("UNIQUE"),
        "{said}"
    );
}

pub(crate) async fn a_decision_about_what_moved_on_is_refused_and_changes_nothing(bench: Bench) {
    let view = bench.doubtful("B1").await;
    bench
        .says(view.id, "finance", proposing(NEVER))
        .await
        .unwrap();
    // The bank answers in between.
    bench
        .hears(vec![item(&view.bank_key, 1, Verdict::InProgress)])
        .await;
    let state = State::Accepted;
    assert_eq!(
        refusal(bench.says(view.id, "approver", confirming(NEVER)).await),
        DoubtRefused::NoDoubt { state }
    );
    assert_eq!(bench.store.instructions("B1").await.unwrap().len(), 1);
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
}

pub(crate) async fn a_proposal_is_about_the_sends_that_it_saw(bench: Bench) {
    let id = bench.doubtful("B1").await.id;
    bench.says(id, "finance", proposing(NEVER)).await.unwrap();
    let query = bench.claim(TaskKind::Query).await;
    let never = Happening {
        send_at: Some(at(40)),
        ..happening(Event::NeverArrived)
    };
    bench
        .store
        .record_event(&query, id, &never, Next::Done)
        .await
        .unwrap();
    let planned = State::Planned;
    assert_eq!(
        refusal(bench.says(id, "approver", confirming(NEVER)).await),
        DoubtRefused::NoDoubt { state: planned }
    );
    let (claim, again) = bench.intend().await;
    assert_eq!(again, id);
    bench.unclear(&claim, id).await;
    let state = State::InDoubt;
    assert_eq!(
        refusal(bench.says(id, "approver", confirming(NEVER)).await),
        DoubtRefused::Changed { state }
    );
    // A new proposal takes the place of the one that is no longer about anything.
    let after = bench.decided(id, NEVER).await;
    assert_eq!(after.steps.last().unwrap().round, 2);
}

pub(crate) async fn nothing_goes_again_while_the_account_is_overdrawn(bench: Bench) {
    let id = bench.doubtful("B1").await.id;
    bench.says(id, "finance", proposing(NEVER)).await.unwrap();
    bench
        .sql("UPDATE special_account SET balance_fen = balance_fen - 40, overdrawn_fen = 40 WHERE number = '90-P1'")
        .await
        .unwrap();
    let short = wagegate_domain::Fen::new(40);
    assert_eq!(
        refusal(bench.says(id, "approver", confirming(NEVER)).await),
        DoubtRefused::Uncovered { short }
    );
    assert_eq!(
        bench.store.instruction(id).await.unwrap().state,
        State::InDoubt
    );
    bench
        .sql("UPDATE special_account SET balance_fen = balance_fen + 40, overdrawn_fen = 0 WHERE number = '90-P1'")
        .await
        .unwrap();
    bench.says(id, "approver", confirming(NEVER)).await.unwrap();
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
}

pub(crate) async fn the_desk_is_paged_and_shows_each_their_own(bench: Bench) {
    bench.settle().await;
    let mut ids = Vec::new();
    for (code, project) in [("B1", "P1"), ("B2", "P2")] {
        bench.deposit(project, 100).await;
        bench.submit(code, project, wages(&[100])).await.unwrap();
        bench.approve(code).await.unwrap();
        bench.plan(WIDE).await;
        let (claim, id) = bench.intend().await;
        bench.unclear(&claim, id).await;
        ids.push(id);
    }
    let page = async |within: Within, after, limit| {
        let page = bench.store.doubt_page(&within, after, limit).await.unwrap();
        page.iter()
            .map(|doubt| doubt.instruction.id)
            .collect::<Vec<_>>()
    };
    let mine = Within::Projects(["P2".to_owned()].into());
    assert_eq!(page(Within::All, None, 1).await, ids[..1]);
    assert_eq!(page(Within::All, Some(ids[0]), 5).await, ids[1..]);
    assert_eq!(page(mine, None, 5).await, ids[1..]);
    assert_eq!(
        page(Within::Region("530902".into()), None, 5).await,
        ids[..1]
    );
    assert_eq!(
        page(Within::Region("5303".into()), None, 5).await,
        Vec::<i64>::new()
    );
}

pub(crate) async fn what_was_decided_is_in_the_log_and_told(bench: Bench) {
    let view = bench.doubtful("B1").await;
    bench.decided(view.id, NEVER).await;
    let log = bench.audit_tail(2).await.unwrap();
    let acts: Vec<_> = log
        .iter()
        .map(|act| (act.action.as_str(), act.who.as_str(), act.subject.as_str()))
        .collect();
    let key = view.bank_key.as_str();
    assert_eq!(
        acts,
        [
            ("doubt.confirm", "approver", key),
            ("doubt.propose", "finance", key)
        ]
    );
    assert!(
        log.iter()
            .all(|act| act.before.is_some() && act.after.is_some()),
        "{log:?}"
    );
    assert!(
        log.iter().all(|act| !act.detail.contains("书面")),
        "{log:?}"
    );
    let story = bench.store.story("B1").await.unwrap();
    let behind: Vec<_> = story
        .evidence
        .iter()
        .map(|behind| (behind.hash, behind.by.as_str()))
        .collect();
    assert_eq!(behind, [(LETTER.0, "finance")]);
}
