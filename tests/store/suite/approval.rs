//! Three steps by three people, on what was seen, once, and only over money that is there; and the ways in which a batch is not sent.

use wagegate::store::{
    BehindBatch, Conflict, Decision, EvidenceKind, Next, Says, Step, StoreError, TaskKind,
};
use wagegate_domain::batch::{Act, BatchState, NotNow};

use crate::engines::Bench;
use crate::world::{
    LEASE_MS, WIDE, at, content, counts, plan, refusing, releasing, reviewing, said_of, wages,
};

async fn waiting(bench: &Bench) {
    bench.settle().await;
    bench.deposit("P1", 1_000).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
}

async fn refuses(bench: &Bench, decision: &Decision, expected: Conflict) {
    match bench.store.decide(decision).await {
        Err(StoreError::Conflict(conflict)) => assert_eq!(conflict, expected, "{decision:?}"),
        other => panic!("{decision:?}: {other:?}"),
    }
}

fn not_now(state: BatchState, act: Act) -> Conflict {
    Conflict::NotNow(NotNow { state, act })
}

fn by(who: &str, decision: Decision) -> Decision {
    Decision {
        by: who.into(),
        ..decision
    }
}

fn undoing() -> Decision {
    let (reason, expires_at) = (Some("发放日有误".into()), at(200_000));
    said_of("B1", "approver", Says::Undo { reason, expires_at })
}

fn withdrawing() -> Decision {
    said_of("B1", "clerk", Says::Withdraw { reason: None })
}

/// Round, step and person of all that happened to a batch.
async fn story(bench: &Bench, code: &str) -> Vec<(u32, Step, String)> {
    let story = bench.store.story(code).await.unwrap();
    let steps = story.steps.into_iter();
    steps
        .map(|taken| (taken.round, taken.step, taken.by))
        .collect()
}

fn told(steps: &[(u32, Step, &str)]) -> Vec<(u32, Step, String)> {
    let owned = |(round, step, by): &(u32, Step, &str)| (*round, *step, (*by).to_owned());
    steps.iter().map(owned).collect()
}

pub(crate) async fn a_release_reserves_the_funds_and_asks_for_a_plan(bench: Bench) {
    waiting(&bench).await;
    let reviewed = bench.store.decide(&reviewing("B1")).await.unwrap();
    assert_eq!(reviewed.state, BatchState::AwaitingRelease);
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
    let released = bench.store.decide(&releasing("B1")).await.unwrap();
    assert_eq!(released.state, BatchState::Released);
    assert_eq!(counts(&released), [0, 0, 0, 0, 0, 2]);
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    let claim = bench.claim(TaskKind::Plan).await;
    assert_eq!((claim.subject.as_str(), claim.taken_over), ("B1", false));
    let newest = &bench.audit_tail(1).await.unwrap()[0];
    assert_eq!(
        (newest.who.as_str(), newest.action.as_str()),
        ("approver", "batch.release")
    );
    assert!(newest.detail.contains(&content("B1").to_string()));
    assert_eq!(
        story(&bench, "B1").await,
        told(&[
            (1, Step::Prepare, "clerk"),
            (1, Step::Review, "reviewer"),
            (1, Step::Release, "approver")
        ])
    );
    bench.adds_up().await;
}

pub(crate) async fn three_steps_need_three_people(bench: Bench) {
    waiting(&bench).await;
    let had = Step::Prepare;
    for own in [by("clerk", reviewing("B1")), by("clerk", refusing("B1"))] {
        refuses(&bench, &own, Conflict::SamePerson { had }).await;
    }
    bench.store.decide(&reviewing("B1")).await.unwrap();
    for (who, had) in [("clerk", Step::Prepare), ("reviewer", Step::Review)] {
        let second = by(who, releasing("B1"));
        refuses(&bench, &second, Conflict::SamePerson { had }).await;
    }
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
    bench.store.decide(&releasing("B1")).await.unwrap();
}

pub(crate) async fn the_database_itself_refuses_one_person_twice_and_a_step_left_out(bench: Bench) {
    waiting(&bench).await;
    let step = |step: &str, after: &str, who: &str| {
        format!(
            "INSERT INTO approval (batch_id, round, step, after_step, by_whom, at, content)
             SELECT id, 1, '{step}', {after}, '{who}', 1, content FROM batch"
        )
    };
    for (statement, names) in [
        (
            step("release", "'review'", "approver"),
            ["no_step_is_skipped", "FOREIGN KEY"],
        ),
        (
            step("release", "NULL", "approver"),
            ["steps_follow_each_other", "steps_follow_each_other"],
        ),
        (
            step("release", "'prepare'", "approver"),
            ["steps_follow_each_other", "steps_follow_each_other"],
        ),
        (
            step("review", "'prepare'", "clerk"),
            ["three_people", "approval.by_whom"],
        ),
        (
            "UPDATE approval SET by_whom = 'other'".into(),
            ["append-only", "append-only"],
        ),
        (
            "DELETE FROM approval".into(),
            ["append-only", "append-only"],
        ),
    ] {
        let said = bench.sql(&statement).await.unwrap_err();
        assert!(
            names.iter().any(|name| said.contains(name)),
            "{statement}: {said}"
        );
    }
    let good = step("review", "'prepare'", "reviewer");
    assert_eq!(bench.sql(&good).await, Ok(1));
}

pub(crate) async fn a_word_on_other_content_is_refused(bench: Bench) {
    waiting(&bench).await;
    let other = content("other");
    let review = said_of("B1", "reviewer", Says::Review { content: other });
    refuses(&bench, &review, Conflict::ContentDiffers).await;
    bench.store.decide(&reviewing("B1")).await.unwrap();
    let plan_at = at(1);
    let says = Says::Release {
        content: other,
        plan_at,
    };
    let release = said_of("B1", "approver", says);
    refuses(&bench, &release, Conflict::ContentDiffers).await;
    // Somebody changes the batch's own hash after the review: what the reviewer saw stands against it.
    let changed = format!("UPDATE batch SET content = {}", bytes(&bench, &other.0));
    bench.sql(&changed).await.unwrap();
    refuses(&bench, &release, Conflict::ContentDiffers).await;
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
}

/// A literal of the engine's.
fn bytes(bench: &Bench, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match bench.store.engine() {
        "sqlite" => format!("X'{digits}'"),
        _ => format!("'\\x{digits}'"),
    }
}

pub(crate) async fn steps_are_taken_once_and_in_order(bench: Bench) {
    waiting(&bench).await;
    let early = not_now(BatchState::AwaitingReview, Act::Release);
    refuses(&bench, &releasing("B1"), early).await;
    bench.approve("B1").await.unwrap();
    for (again, act) in [
        (by("other", reviewing("B1")), Act::Review),
        (by("other", releasing("B1")), Act::Release),
        (by("other", refusing("B1")), Act::Refuse),
        (withdrawing(), Act::Withdraw),
    ] {
        refuses(&bench, &again, not_now(BatchState::Released, act)).await;
    }
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    assert!(matches!(
        bench.approve("B9").await,
        Err(StoreError::NotFound { what: "batch", .. })
    ));
}

pub(crate) async fn a_refusal_keeps_its_reason_and_owes_nobody(bench: Bench) {
    waiting(&bench).await;
    let refused = bench.refuse("B1").await;
    assert_eq!(refused.state, BatchState::Refused);
    assert_eq!(
        counts(&refused),
        [0; 6],
        "nothing is held as if it were owed"
    );
    let story = bench.store.story("B1").await.unwrap();
    let last = story.steps.last().unwrap();
    assert_eq!(
        (last.step, last.reason.as_deref()),
        (Step::Refuse, Some("工时不符"))
    );
    let again = bench.submit("B2", "P1", wages(&[100, 200])).await.unwrap();
    assert_eq!(again.state, BatchState::AwaitingReview);
    bench.adds_up().await;
}

pub(crate) async fn the_clerks_take_a_batch_back_before_its_release(bench: Bench) {
    waiting(&bench).await;
    bench.store.decide(&reviewing("B1")).await.unwrap();
    let withdrawn = bench.store.decide(&withdrawing()).await.unwrap();
    assert_eq!(withdrawn.state, BatchState::Withdrawn);
    bench.submit("B2", "P1", wages(&[100, 200])).await.unwrap();
    let over = not_now(BatchState::Withdrawn, Act::Release);
    refuses(&bench, &releasing("B1"), over).await;
    bench.adds_up().await;
}

pub(crate) async fn a_release_is_taken_back_with_its_money_until_it_is_planned(bench: Bench) {
    waiting(&bench).await;
    bench.approve("B1").await.unwrap();
    // A worker that has begun to read it writes no plan any more.
    let claim = bench.claim(TaskKind::Plan).await;
    let back = bench.store.decide(&undoing()).await.unwrap();
    assert_eq!((back.state, back.round), (BatchState::AwaitingRelease, 2));
    assert_eq!(back.expires_at, Some(at(200_000)));
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
    let parts = bench.parts("B1", WIDE).await;
    let late = bench.store.plan_batch(&claim, &plan(WIDE, &parts)).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    bench.adds_up().await;

    let had = Step::Review;
    let reviewer = by("reviewer", releasing("B1"));
    refuses(&bench, &reviewer, Conflict::SamePerson { had }).await;
    let other = bench.store.decide(&by("other", releasing("B1"))).await;
    assert_eq!(other.unwrap().state, BatchState::Released);
    assert_eq!(
        story(&bench, "B1").await,
        told(&[
            (1, Step::Prepare, "clerk"),
            (1, Step::Review, "reviewer"),
            (1, Step::Release, "approver"),
            (1, Step::Undo, "approver"),
            (2, Step::Release, "other")
        ])
    );
    bench.plan(WIDE).await;
    let sent = not_now(BatchState::Planned, Act::Undo);
    refuses(&bench, &undoing(), sent).await;
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    bench.adds_up().await;
}

pub(crate) async fn a_batch_that_nobody_releases_expires_and_frees_its_workers(bench: Bench) {
    waiting(&bench).await;
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(100_000)));
    let expire = async |seconds| {
        let claim = bench.store.claim_step(at(seconds), LEASE_MS).await;
        let claim = claim.unwrap().unwrap();
        assert_eq!(claim.kind, TaskKind::Expire);
        bench.store.expire_batch(&claim, at(seconds)).await.unwrap()
    };
    // Taken back late, it has its whole time again.
    bench.approve("B1").await.unwrap();
    bench.store.decide(&undoing()).await.unwrap();
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(200_000)));
    assert_eq!(expire(200_000).await, BatchState::Expired);
    assert_eq!(bench.store.next_due().await.unwrap(), None);
    bench.submit("B2", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B2").await.unwrap();
    let plan = bench.claim(TaskKind::Plan).await;
    let later = Next::Again(at(900_000));
    bench.store.finish(&plan, later).await.unwrap();
    assert_eq!(expire(100_000).await, BatchState::Released);
    assert_eq!(
        story(&bench, "B1").await.last(),
        told(&[(2, Step::Expire, "gateway")]).last()
    );
    bench.adds_up().await;
}

pub(crate) async fn what_stands_behind_a_batch_is_kept_once_and_for_ever(bench: Bench) {
    waiting(&bench).await;
    let table = BehindBatch {
        kind: EvidenceKind::SignedTable,
        hash: [7; 32],
        size: 4_000,
        by: "clerk".into(),
        at: at(5),
    };
    for seconds in [5, 6] {
        let again = BehindBatch {
            at: at(seconds),
            ..table.clone()
        };
        bench.store.attach("B1", &again).await.unwrap();
    }
    let behind = bench.store.story("B1").await.unwrap().evidence;
    assert_eq!(behind, [table]);
    let newest = &bench.audit_tail(1).await.unwrap()[0];
    assert_eq!(
        (newest.action.as_str(), newest.at),
        ("batch.evidence", at(5))
    );
    let said = bench.sql("DELETE FROM batch_evidence").await.unwrap_err();
    assert!(said.contains("append-only"), "{said}");
}
