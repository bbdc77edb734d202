//! A project's workers: taken whole, as versions, with the cards they name.

use async_trait::async_trait;
use wagegate::store::{
    Conflict, Registered, RosterFilter, RosterSource, SealedWorker, Speaker, StoreError, Within,
    WorkerView,
};
use wagegate_domain::roster::{CardStatus, WorkRole};

use crate::engines::Bench;
use crate::world::{at, carded, day, month, worker};

/// Hands a roster over in chunks of two; where it is told to, it fails after them.
pub(crate) struct Roster {
    rows: Vec<SealedWorker>,
    breaks: bool,
}

#[async_trait]
impl RosterSource for Roster {
    async fn next_chunk(&mut self) -> Result<Vec<SealedWorker>, StoreError> {
        let chunk: Vec<_> = self.rows.drain(..self.rows.len().min(2)).collect();
        if chunk.is_empty() && self.breaks {
            return Err(StoreError::Broken("the roster ends early".into()));
        }
        Ok(chunk)
    }
}

/// Who sees everything, at a second.
pub(crate) fn speaker(by: &'static str, second: i64) -> Speaker<'static> {
    of(by, &Within::All, second)
}

pub(crate) fn of<'a>(by: &'a str, within: &'a Within, second: i64) -> Speaker<'a> {
    let at = at(second);
    Speaker {
        by,
        within,
        today: wagegate::clock::china_date(at),
        at,
    }
}

/// Imports a roster of P1 at a second.
pub(crate) async fn import(
    bench: &Bench,
    rows: &[SealedWorker],
    second: i64,
) -> Result<Registered, StoreError> {
    import_as(bench, "P1", rows, &speaker("clerk", second)).await
}

/// Imports a roster of a project as somebody.
pub(crate) async fn import_as(
    bench: &Bench,
    project: &str,
    rows: &[SealedWorker],
    speaker: &Speaker<'_>,
) -> Result<Registered, StoreError> {
    let mut roster = Roster {
        rows: rows.to_vec(),
        breaks: false,
    };
    bench
        .store
        .import_roster(project, &mut roster, speaker)
        .await
}

async fn counted(bench: &Bench, rows: &[SealedWorker], second: i64) -> (u64, u64, u64) {
    let came = import(bench, rows, second).await.unwrap();
    (came.new, came.changed, came.same)
}

pub(crate) async fn listed(bench: &Bench, filter: RosterFilter) -> Vec<WorkerView> {
    bench.store.roster("P1", filter, 0, 100).await.unwrap()
}

async fn audits(bench: &Bench) -> Vec<String> {
    let entries = bench.audit_tail(10).await.unwrap();
    let of_roster = entries
        .into_iter()
        .filter(|entry| entry.action == "roster.import");
    of_roster.map(|entry| entry.detail).collect()
}

pub(crate) async fn a_roster_is_taken_and_the_same_again_changes_nothing(bench: Bench) {
    bench.settle().await;
    let rows = [
        carded(1, 1),
        carded(2, 2),
        worker(3),
        carded(4, 4),
        worker(5),
    ];
    assert_eq!(counted(&bench, &rows, 1).await, (5, 0, 0));
    let workers = listed(&bench, RosterFilter::default()).await;
    assert_eq!(workers.len(), 5);
    let first = &workers[0];
    assert_eq!(first.stay.entered_on, day("2026-03-01"));
    assert_eq!(
        (first.stay.role, &*first.stay.team),
        (WorkRole::Worker, "一队")
    );
    let card = first.card.as_ref().unwrap();
    assert_eq!((card.status, card.current), (CardStatus::Unverified, true));
    assert!(workers[2].card.is_none());
    let before = bench.store.worker("P1", first.id).await.unwrap();
    assert_eq!(counted(&bench, &rows, 9).await, (0, 0, 5));
    let after = bench.store.worker("P1", first.id).await.unwrap();
    assert_eq!(after.versions, before.versions);
    assert_eq!(after.words, before.words);
    assert_eq!(
        audits(&bench).await,
        [
            "nothing changed: 5 workers stand as they were",
            "5 workers new, 0 changed, 0 the same"
        ]
    );
    let nowhere = bench.store.worker("P2", first.id).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { .. })));
}

pub(crate) async fn what_changed_is_a_new_version_with_who_and_when(bench: Bench) {
    bench.settle().await;
    let mut one = carded(1, 1);
    one.attendance = vec![(month("2026-09"), 20)];
    import(&bench, &[one.clone(), worker(2)], 1).await.unwrap();
    one.left_on = Some(day("2026-10-31"));
    one.attendance.push((month("2026-10"), 22));
    assert_eq!(
        counted(&bench, &[one.clone(), worker(2)], 2).await,
        (0, 1, 1)
    );
    // Another first day of the same stay corrects it; a stay after the last day is a second one.
    one.entered_on = day("2026-03-02");
    assert_eq!(counted(&bench, &[one.clone()], 3).await, (0, 1, 0));
    one.entered_on = day("2026-11-05");
    one.left_on = None;
    one.attendance = vec![(month("2026-10"), 21)];
    assert_eq!(counted(&bench, &[one], 4).await, (0, 1, 0));
    let id = listed(&bench, RosterFilter::default()).await[0].id;
    let record = bench.store.worker("P1", id).await.unwrap();
    let days: Vec<_> = record
        .stays
        .iter()
        .map(|stay| (stay.entered_on, stay.left_on))
        .collect();
    assert_eq!(
        days,
        [
            (day("2026-03-02"), Some(day("2026-10-31"))),
            (day("2026-11-05"), None)
        ]
    );
    assert_eq!(
        record.attendance,
        [(month("2026-09"), 20), (month("2026-10"), 21)]
    );
    let versions: Vec<_> = record
        .versions
        .iter()
        .map(|version| (version.kind.as_str(), version.version, version.at))
        .collect();
    assert_eq!(
        versions,
        [
            ("attendance", 1, at(1)),
            ("card", 1, at(1)),
            ("presence", 1, at(1)),
            ("worker", 1, at(1)),
            ("attendance", 1, at(2)),
            ("presence", 2, at(2)),
            ("presence", 3, at(3)),
            ("attendance", 2, at(4)),
            ("presence", 4, at(4)),
        ]
    );
    assert!(record.versions.iter().all(|version| version.by == "clerk"));
}

pub(crate) async fn a_roster_without_telephone_numbers_takes_none_away(bench: Bench) {
    bench.settle().await;
    let with = worker(1);
    import(&bench, std::slice::from_ref(&with), 1)
        .await
        .unwrap();
    let mut without = with.clone();
    without.profile.has_phone = false;
    without.profile.digest = [0; 16];
    without.profile.sealed = vec![0; 30];
    assert_eq!(counted(&bench, &[without.clone()], 2).await, (0, 0, 1));
    let kept = listed(&bench, RosterFilter::default()).await;
    assert_eq!(kept[0].profile.as_ref(), Some(&with.profile.sealed));
    // Another name is another profile, with or without a number.
    without.profile.name_blind = [7; 16];
    assert_eq!(counted(&bench, &[without.clone()], 3).await, (0, 1, 0));
    let renamed = listed(&bench, RosterFilter::default()).await;
    assert_eq!(renamed[0].profile.as_ref(), Some(&without.profile.sealed));
}

pub(crate) async fn a_roster_that_breaks_off_leaves_nothing(bench: Bench) {
    bench.settle().await;
    let mut broken = Roster {
        rows: vec![carded(1, 1), worker(2)],
        breaks: true,
    };
    let refused = bench
        .store
        .import_roster("P1", &mut broken, &speaker("clerk", 1))
        .await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    assert!(listed(&bench, RosterFilter::default()).await.is_empty());
    assert!(audits(&bench).await.is_empty());
    let mut roster = Roster {
        rows: vec![],
        breaks: false,
    };
    let unknown = bench
        .store
        .import_roster("P9", &mut roster, &speaker("clerk", 1))
        .await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
}

pub(crate) async fn another_card_replaces_the_one_before_and_keeps_its_history(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1)], 1).await.unwrap();
    assert_eq!(counted(&bench, &[carded(1, 21)], 2).await, (0, 1, 0));
    let id = listed(&bench, RosterFilter::default()).await[0].id;
    let record = bench.store.worker("P1", id).await.unwrap();
    let cards: Vec<_> = record
        .cards
        .iter()
        .map(|card| (card.status, card.current))
        .collect();
    assert_eq!(
        cards,
        [
            (CardStatus::Replaced, false),
            (CardStatus::Unverified, true)
        ]
    );
    let words: Vec<_> = record
        .words
        .iter()
        .map(|word| (word.card, word.version, word.status, word.at))
        .collect();
    let [old, new] = [record.cards[0].id, record.cards[1].id];
    assert_eq!(
        words,
        [
            (old, 1, CardStatus::Unverified, at(1)),
            (old, 2, CardStatus::Replaced, at(2)),
            (new, 1, CardStatus::Unverified, at(2)),
        ]
    );
    // Who names no card keeps the one that is known.
    assert_eq!(counted(&bench, &[worker(1)], 3).await, (0, 0, 1));
}

pub(crate) async fn a_card_of_another_worker_is_refused_with_its_row(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1)], 1).await.unwrap();
    let shared = Err::<(), _>(Conflict::CardOfAnother {
        count: 1,
        rows: vec![2],
    });
    let refused = import(&bench, &[worker(3), carded(2, 1)], 2).await;
    let Err(StoreError::Conflict(conflict)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(Err(conflict), shared);
    assert_eq!(listed(&bench, RosterFilter::default()).await.len(), 1);
    // In one roster both rows are named, whichever chunk they are in.
    let rows = [carded(2, 9), worker(3), worker(4), carded(5, 9)];
    let refused = import(&bench, &rows, 2).await;
    assert!(
        matches!(&refused, Err(StoreError::Conflict(Conflict::CardOfAnother { rows, .. })) if *rows == [2, 5]),
        "{refused:?}"
    );
}

pub(crate) async fn two_workers_may_change_cards_in_one_roster(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1), carded(2, 2)], 1)
        .await
        .unwrap();
    let swapped = [carded(1, 2), worker(3), carded(2, 1)];
    assert_eq!(counted(&bench, &swapped, 2).await, (1, 2, 0));
}

pub(crate) async fn a_roster_is_listed_in_pages_by_presence_and_card(bench: Bench) {
    bench.settle().await;
    let mut gone = carded(2, 2);
    gone.left_on = Some(day("2026-05-31"));
    import(&bench, &[carded(1, 1), gone, worker(3)], 1)
        .await
        .unwrap();
    let all = listed(&bench, RosterFilter::default()).await;
    let first = bench
        .store
        .roster("P1", RosterFilter::default(), 0, 2)
        .await
        .unwrap();
    assert_eq!(first.len(), 2);
    let rest = bench
        .store
        .roster("P1", RosterFilter::default(), first[1].id, 2)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].id, all[2].id);
    for (filter, expected) in [
        (
            RosterFilter {
                on_site: Some(day("2026-05-31")),
                card: None,
            },
            vec![0, 1, 2],
        ),
        (
            RosterFilter {
                on_site: Some(day("2026-06-01")),
                card: None,
            },
            vec![0, 2],
        ),
        (
            RosterFilter {
                on_site: Some(day("2026-02-28")),
                card: None,
            },
            vec![],
        ),
        (
            RosterFilter {
                on_site: None,
                card: Some(CardStatus::Unverified),
            },
            vec![0, 1],
        ),
        (
            RosterFilter {
                on_site: None,
                card: Some(CardStatus::Invalid),
            },
            vec![],
        ),
    ] {
        let found: Vec<_> = listed(&bench, filter)
            .await
            .iter()
            .map(|one| one.id)
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|place: &usize| all[*place].id)
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}
