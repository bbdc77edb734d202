//! How work flows to the banks: who is called, by how many at one time, whose turn it is, and what becomes of a task that fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use tokio::task::{JoinSet, yield_now};
use wagegate::store::{
    Claim, FAILING, Next, ProjectEntry, StepFailure, StoreError, TaskFigures, TaskKind, rest_after,
};
use wagegate_domain::attempt::State;
use wagegate_domain::link::{Call, Came};
use wagegate_domain::plan::Limits;

use crate::engines::Bench;
use crate::world::{BANK, LEASE_MS, WIDE, at, fresh, project, row};

/// One wage in each instruction.
const ONE_EACH: Limits = Limits {
    rows_max: 1,
    ..WIDE
};

async fn take(bench: &Bench, now: i64) -> Option<Claim> {
    bench.store.claim_step(at(now), LEASE_MS).await.unwrap()
}

/// So many sends to the bank of a project, from its next batch.
async fn to_send(bench: &Bench, project: &str, sends: usize) {
    let (code, first) = (format!("B{}", fresh()), fresh() * 1_000);
    bench
        .deposit(project, i64::try_from(sends).unwrap() * 100)
        .await;
    let people = (1..).zip(first..).take(sends);
    let rows = people.map(|(n, person)| row(n, person, 100)).collect();
    bench.submit(&code, project, rows).await.unwrap();
    bench.approve(&code).await.unwrap();
    // While the bank is away, so that the look for the plan takes no send and moves no turn.
    for _ in 0..5 {
        silent(bench, 999).await;
    }
    assert_eq!(bench.plan(ONE_EACH).await.len(), sends);
    call(bench, 0, Came::Answer { skew_ms: None }).await;
}

async fn silent(bench: &Bench, now: i64) {
    let why = "no connection".to_owned();
    call(bench, now, Came::Nothing { why }).await;
}

async fn call(bench: &Bench, now: i64, came: Came) {
    let call = Call { at: at(now), came };
    bench.store.note_call(BANK, &call).await.unwrap();
}

pub(crate) async fn a_bank_that_does_not_answer_is_left_alone_and_then_tried_by_one(bench: Bench) {
    bench.settle().await;
    to_send(&bench, "P1", 3).await;
    for second in 10..15 {
        silent(&bench, second).await;
    }
    assert_eq!(take(&bench, 43).await, None);
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(44)));
    bench
        .store
        .ensure_task(TaskKind::Read, "1", at(0))
        .await
        .unwrap();
    bench
        .store
        .ensure_task(TaskKind::Collect, "qingshan", at(0))
        .await
        .unwrap();
    let others = [take(&bench, 20).await, take(&bench, 20).await];
    let kinds = others.map(|claim| claim.unwrap().kind);
    assert_eq!(kinds, [TaskKind::Read, TaskKind::Collect], "others go on");

    let tried = take(&bench, 44).await.unwrap();
    assert_eq!(take(&bench, 44).await, None, "one looks, the others wait");
    silent(&bench, 45).await;
    let again = Next::Again(at(45));
    bench.store.finish(&tried, again).await.unwrap();
    assert_eq!(
        take(&bench, 80).await.map(|claim| claim.kind),
        Some(TaskKind::Read)
    );
    assert_eq!(
        take(&bench, 104).await.map(|claim| claim.kind),
        Some(TaskKind::Collect)
    );
    assert_eq!(take(&bench, 104).await, None, "the second rest is a minute");
    take(&bench, 105).await.unwrap();
    call(
        &bench,
        105,
        Came::Answer {
            skew_ms: Some(-90_000),
        },
    )
    .await;
    for _ in 0..2 {
        assert_eq!(take(&bench, 105).await.unwrap().kind, TaskKind::Send);
    }
    let link = bench.store.links().await.unwrap();
    let link = &link.iter().find(|view| view.bank == BANK).unwrap().link;
    assert_eq!((link.failures, link.open), (0, None));
    assert_eq!(link.last_success, Some(at(105)));
    assert_eq!(link.last_failure, Some((at(45), "no connection".into())));
    assert_eq!(link.skew.unwrap().ms, -90_000);
}

pub(crate) async fn so_many_tasks_call_a_bank_at_one_time_and_no_more(bench: Bench) {
    bench.settle().await;
    to_send(&bench, "P1", 5).await;
    to_send(&bench, "P3", 1).await;
    bench.store.set_calls_max(BANK, 2).await.unwrap();
    let held = [
        take(&bench, 10).await.unwrap(),
        take(&bench, 10).await.unwrap(),
    ];
    let elsewhere = take(&bench, 10).await.unwrap();
    let third = take(&bench, 10).await;
    let banks: Vec<_> = [&held[0], &held[1], &elsewhere]
        .map(|claim| claim.kind)
        .into();
    assert_eq!((banks, third), (vec![TaskKind::Send; 3], None));
    assert_eq!(
        bench.store.next_due().await.unwrap(),
        Some(at(70)),
        "those that wait for a place are not due before a lease ends"
    );
    bench.store.finish(&held[0], Next::Done).await.unwrap();
    assert!(take(&bench, 10).await.is_some());
    assert_eq!(take(&bench, 10).await, None);
    let over = take(&bench, 70).await.unwrap();
    assert!(over.taken_over, "a place of the dead is free");
}

pub(crate) async fn gateways_together_never_call_a_bank_more_often_than_it_takes(bench: Bench) {
    bench.settle().await;
    to_send(&bench, "P1", 24).await;
    bench.store.set_calls_max(BANK, 3).await.unwrap();
    let stores = [Arc::clone(&bench.store), bench.again().await];
    let (calling, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let store = Arc::clone(&stores[worker % 2]);
        let (calling, done) = (Arc::clone(&calling), Arc::clone(&done));
        workers.spawn(async move {
            while done.load(Ordering::SeqCst) < 24 {
                let Some(claim) = store.claim_step(at(10), LEASE_MS).await.unwrap() else {
                    yield_now().await;
                    continue;
                };
                let at_once = calling.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(at_once <= 3, "{at_once} call");
                yield_now().await;
                calling.fetch_sub(1, Ordering::SeqCst);
                store.finish(&claim, Next::Done).await.unwrap();
                done.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    workers.join_all().await;
}

/// Contractors with one project each, at one bank.
async fn contractors(bench: &Bench) {
    bench.settle().await;
    let entry = |number: u32| ProjectEntry {
        contractor_uscc: format!("91530000MA6K00000{number}"),
        contractor: format!("总包{number}"),
        ..project(&format!("C{number}"), "530902", BANK)
    };
    let projects: Vec<_> = (1..=3).map(entry).collect();
    bench
        .store
        .import_projects(&projects, "operator", at(0))
        .await
        .unwrap();
}

/// Takes the next send and is done with it; gives the project whose it was.
async fn sends(bench: &Bench) -> Option<String> {
    let claim = take(bench, 10).await?;
    let id = claim.subject.parse().unwrap();
    let instruction = bench.store.instruction(id).await.unwrap();
    bench.store.finish(&claim, Next::Done).await.unwrap();
    Some(instruction.project)
}

pub(crate) async fn whoever_has_little_to_send_does_not_wait_behind_whoever_has_much(bench: Bench) {
    contractors(&bench).await;
    to_send(&bench, "C1", 200).await;
    for _ in 0..50 {
        assert_eq!(sends(&bench).await.unwrap(), "C1");
    }
    to_send(&bench, "C2", 1).await;
    let next = [sends(&bench).await.unwrap(), sends(&bench).await.unwrap()];
    assert!(next.contains(&"C2".to_owned()), "{next:?}");
}

pub(crate) async fn contractors_who_wait_together_are_served_alike(bench: Bench) {
    contractors(&bench).await;
    let mut arrivals = BTreeMap::from([
        (0, ("C1", 30)),
        (5, ("C2", 1)),
        (7, ("C3", 12)),
        (12, ("C1", 10)),
        (15, ("C2", 9)),
        (30, ("C3", 5)),
    ]);
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    // How often each was served since the last moment at which somebody began or ceased to wait.
    let mut served: BTreeMap<String, usize> = BTreeMap::new();
    for step in 0.. {
        if let Some((project, sends)) = arrivals.remove(&step) {
            to_send(&bench, project, sends).await;
            *waiting.entry(project.into()).or_default() += sends;
            served = waiting.keys().map(|one| (one.clone(), 0)).collect();
        }
        let Some(project) = sends(&bench).await else {
            break;
        };
        *served.get_mut(&project).unwrap() += 1;
        let left = waiting.get_mut(&project).unwrap();
        *left -= 1;
        if *left == 0 {
            waiting.remove(&project);
            served = waiting.keys().map(|one| (one.clone(), 0)).collect();
        }
        let (least, most) = (served.values().min(), served.values().max());
        let apart = most.unwrap_or(&0) - least.unwrap_or(&0);
        assert!(apart <= 2, "after {step}: {served:?}");
    }
    assert!(arrivals.is_empty() && waiting.is_empty());
}

pub(crate) async fn a_bank_that_comes_back_is_not_behind_those_that_never_went(bench: Bench) {
    bench.settle().await;
    to_send(&bench, "P1", 4).await;
    for _ in 0..4 {
        assert_eq!(sends(&bench).await.unwrap(), "P1");
    }
    to_send(&bench, "P1", 20).await;
    to_send(&bench, "P3", 2).await;
    let next = [
        sends(&bench).await,
        sends(&bench).await,
        sends(&bench).await,
    ];
    assert!(next.contains(&Some("P3".into())), "{next:?}");
}

async fn fails(bench: &Bench, claim: &Claim, now: i64) {
    let failed = StepFailure {
        at: at(now),
        why: format!("no room\non the disk {}", "…".repeat(400)),
    };
    let again = at(now) + rest_after(claim.failures + 1);
    bench.store.give_back(claim, again, &failed).await.unwrap();
}

pub(crate) async fn a_task_that_fails_again_and_again_is_told_and_keeps_nobody_waiting(
    bench: Bench,
) {
    for subject in ["1", "2"] {
        let made = bench.store.ensure_task(TaskKind::Read, subject, at(0));
        made.await.unwrap();
    }
    let mut now = 0;
    for failures in 0..=FAILING {
        assert_eq!(bench.store.failing_tasks(None, 9).await.unwrap(), []);
        let two = [take(&bench, now).await, take(&bench, now).await].map(Option::unwrap);
        let (mine, others) = two
            .iter()
            .partition::<Vec<_>, _>(|claim| claim.subject == "1");
        assert_eq!((mine[0].failures, others[0].failures), (failures, 0));
        fails(&bench, mine[0], now).await;
        let late = bench.store.finish(mine[0], Next::Done).await;
        assert!(matches!(late, Err(StoreError::Stale)));
        let again = Next::Again(at(now + 1));
        bench.store.finish(others[0], again).await.unwrap();
        now += 15 << failures;
    }
    let failing = bench.store.failing_tasks(None, 9).await.unwrap();
    let [task] = &*failing else {
        panic!("{failing:?}")
    };
    assert_eq!(
        (task.kind, task.subject.as_str(), task.failures),
        (TaskKind::Read, "1", 4)
    );
    assert_eq!((task.due, task.failed_at), (at(now), Some(at(now - 120))));
    assert!(task.last_error.starts_with("no room on the disk …"));
    assert_eq!(task.last_error.chars().count(), 300);
    let after = bench.store.failing_tasks(Some(task.id), 9).await.unwrap();
    assert_eq!(after, []);
    let claim = loop {
        let claim = take(&bench, now).await.unwrap();
        if claim.subject == "1" {
            break claim;
        }
    };
    bench
        .store
        .finish(&claim, Next::Again(at(now + 9)))
        .await
        .unwrap();
    assert_eq!(
        bench.store.failing_tasks(None, 9).await.unwrap(),
        [],
        "it got done"
    );
}

pub(crate) async fn a_worker_that_does_not_come_back_counts_as_a_failure(bench: Bench) {
    let made = bench.store.ensure_task(TaskKind::Plan, "B1", at(0));
    made.await.unwrap();
    for failures in 0..=4 {
        let claim = take(&bench, i64::from(failures) * 60).await.unwrap();
        assert_eq!((claim.failures, claim.taken_over), (failures, failures > 0));
    }
    let failing = bench.store.failing_tasks(None, 9).await.unwrap();
    assert!(failing[0].last_error.contains("did not come back"));
}

pub(crate) async fn figures_say_how_much_waits_and_for_how_long(bench: Bench) {
    bench.settle().await;
    to_send(&bench, "P1", 3).await;
    let (claim, id) = bench.intend().await;
    let figures = bench.store.figures(at(1_030)).await.unwrap();
    let sends = figures.tasks.iter().find(|of| of.kind == TaskKind::Send);
    let expected = TaskFigures {
        kind: TaskKind::Send,
        waiting: 2,
        leased: 1,
        failing: 0,
        oldest_due: Some(at(2)),
    };
    assert_eq!(sends, Some(&expected));
    assert_eq!(
        figures.instructions,
        [(State::Planned, 2), (State::Sending, 1)]
    );
    assert_eq!(
        (figures.oldest_in_doubt, figures.suspense),
        (None, (0, None))
    );
    assert_eq!(figures.overdrawn_accounts, 0);
    assert_eq!(claim.subject, id.to_string());
    let later = at(1_030) + SignedDuration::from_hours(1);
    let dead = bench.store.figures(later).await.unwrap();
    let sends = dead.tasks.iter().find(|of| of.kind == TaskKind::Send);
    assert_eq!(sends.map(|of| (of.waiting, of.leased)), Some((3, 0)));
}
