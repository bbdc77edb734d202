//! What is read of many rows: items, attempts, the rate, suspense.

use wagegate::store::{ItemFilter, ItemView, Level, NewBatch, Within};
use wagegate_domain::Fen;
use wagegate_domain::fact::Verdict;
use wagegate_domain::outcome::Place;

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::{
    BANK, CLOSED, MONTH, Source, WIDE, at, content, head, item, month, region, reviewing, row,
    wages,
};

async fn listed(bench: &Bench, filter: ItemFilter, page: u32) -> Vec<ItemView> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let found = bench.store.items(&filter, after, page).await.unwrap();
        let Some((last, _)) = found.last() else {
            return all;
        };
        assert!(found.len() <= page as usize);
        after = Some(*last);
        all.extend(found.into_iter().map(|(_, item)| item));
    }
}

async fn in_month(bench: &Bench, code: &str, project: &str, of: &str, fen: &[i64]) {
    let rows = wages(fen);
    let batch = NewBatch {
        month: month(of),
        ..head(code, project, &rows)
    };
    let mut rows = Source::of(rows);
    bench.store.accept_batch(&batch, &mut rows).await.unwrap();
}

/// Batch and row of the items listed, page by page.
async fn rows(bench: &Bench, filter: ItemFilter, page: u32) -> Vec<(String, u32)> {
    let items = listed(bench, filter, page).await;
    items
        .into_iter()
        .map(|item| (item.batch, item.row))
        .collect()
}

fn of(pairs: &[(&str, u32)]) -> Vec<(String, u32)> {
    pairs
        .iter()
        .map(|(batch, row)| ((*batch).to_owned(), *row))
        .collect()
}

/// One paid, one failed and one in flight in `B1`; two held in `B2`, one held in the next month's `B3`. Gives the key of the first.
async fn three_batches(bench: &Bench) -> String {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200, 300]).await.bank_key;
    bench
        .hears(vec![item(&key, 1, Verdict::Paid), item(&key, 2, CLOSED)])
        .await;
    in_month(bench, "B2", "P2", MONTH, &[400, 500]).await;
    in_month(bench, "B3", "P2", "2026-11", &[600]).await;
    key
}

pub(crate) async fn items_are_listed_by_batch_month_and_place_in_pages(bench: Bench) {
    three_batches(&bench).await;
    let all = of(&[
        ("B1", 1),
        ("B1", 2),
        ("B1", 3),
        ("B2", 1),
        ("B2", 2),
        ("B3", 1),
    ]);
    for page in [1, 2, 100] {
        assert_eq!(rows(&bench, ItemFilter::default(), page).await, all);
    }
    let by_month = ItemFilter {
        month: Some(month("2026-11")),
        ..ItemFilter::default()
    };
    assert_eq!(rows(&bench, by_month, 5).await, of(&[("B3", 1)]));
    let both = ItemFilter {
        batch: Some("B2".into()),
        places: vec![Place::Held],
        ..ItemFilter::default()
    };
    assert_eq!(rows(&bench, both, 1).await, of(&[("B2", 1), ("B2", 2)]));
    for (places, expected) in [
        (vec![Place::Paid], of(&[("B1", 1)])),
        (
            vec![Place::Failed, Place::InFlight],
            of(&[("B1", 2), ("B1", 3)]),
        ),
        (vec![Place::Held], of(&[("B2", 1), ("B2", 2), ("B3", 1)])),
        (vec![Place::Returned], vec![]),
    ] {
        let filter = ItemFilter {
            places: places.clone(),
            ..ItemFilter::default()
        };
        assert_eq!(rows(&bench, filter, 2).await, expected, "{places:?}");
    }
}

pub(crate) async fn an_item_shows_its_newest_attempt_or_that_it_has_none(bench: Bench) {
    let key = three_batches(&bench).await;
    let attempt = |item: &ItemView| (item.bank_key.clone(), item.sequence, item.attempt);
    let paid = &bench.items("B1").await[0];
    assert_eq!((paid.bank.as_str(), attempt(paid)), (BANK, (key, 1, 1)));
    assert_eq!((paid.region, paid.month), (region("530902"), month(MONTH)));
    assert_eq!(
        paid.bank_code, None,
        "only causes of failures and returns are shown"
    );
    let held = &bench.items("B2").await[0];
    assert_eq!(
        (held.bank.as_str(), attempt(held)),
        ("", (String::new(), 0, 0))
    );
}

pub(crate) async fn every_attempt_is_listed_for_the_audit(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    bench.hears(vec![item(&key, 2, CLOSED)]).await;
    in_month(&bench, "B0", "P2", MONTH, &[500]).await;
    bench.refuse("B0").await;
    in_month(&bench, "B2", "P2", MONTH, &[400]).await;
    // A second attempt, as a re-issue will make it.
    for statement in [
        "INSERT INTO instruction (batch_id, part, generation, bank, bank_key, row_count, total_fen, state, planned_at, value_date)
         SELECT batch_id, part, 2, bank, 'SECOND', 1, 200, 'planned', planned_at, value_date FROM instruction",
        "INSERT INTO attempt (instruction_id, sequence, batch_id, row_no, attempt_no, previous_no, amount_fen)
         SELECT id, 1, batch_id, 2, 2, 1, 200 FROM instruction WHERE bank_key = 'SECOND'",
    ] {
        assert_eq!(bench.sql(statement).await, Ok(1));
    }
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = bench
            .store
            .attempts(&Within::All, None, after, 2)
            .await
            .unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        all.extend(page.into_iter().map(|(_, item)| {
            (
                item.batch,
                item.row,
                item.attempt,
                item.bank_key,
                item.place,
            )
        }));
    }
    let of = |code: &str| Within::Projects([code.to_owned()].into());
    let december = Some(month("2026-12"));
    for (within, in_month, count) in [
        (of("P1"), None, all.len() - 1),
        (of("P2"), None, 1),
        (of("P2"), Some(month(MONTH)), 1),
        (Within::Region("11".into()), None, 0),
        (Within::All, december, 0),
    ] {
        let found = bench.store.attempts(&within, in_month, None, 100).await;
        assert_eq!(found.unwrap().len(), count, "{within:?} {in_month:?}");
    }
    let line = |batch: &str, row, attempt, key: &str, place| {
        (batch.to_owned(), row, attempt, key.to_owned(), place)
    };
    assert_eq!(
        all,
        [
            line("B1", 1, 1, &key, Place::InFlight),
            line("B1", 2, 1, &key, Place::Failed),
            line("B1", 2, 2, "SECOND", Place::InFlight),
            line("B2", 1, 0, "", Place::Held),
        ]
    );
    let newest = &bench.items("B1").await[1];
    assert_eq!((newest.attempt, newest.place), (2, Place::InFlight));
}

/// Code, name, projects, base, items, items paid, fen paid.
type Line = (String, String, u64, Option<u32>, u64, u64, i64);

fn line(code: &str, name: &str, (projects, base): (u64, u32), figures: (u64, u64, i64)) -> Line {
    let (all, paid, fen) = figures;
    (
        code.into(),
        name.into(),
        projects,
        Some(base),
        all,
        paid,
        fen,
    )
}

async fn lines(bench: &Bench, level: Level) -> Vec<Line> {
    let lines = bench.store.rates(month(MONTH), level).await.unwrap();
    lines
        .into_iter()
        .map(|line| {
            let (all, _) = line.tally.all().unwrap();
            let (paid, fen) = line.tally.at(Place::Paid);
            (
                line.code,
                line.name,
                line.projects,
                line.base_projects,
                all,
                paid,
                fen.get(),
            )
        })
        .collect()
}

pub(crate) async fn the_rate_is_counted_for_project_county_and_prefecture(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200, 300]).await.bank_key;
    bench
        .hears(vec![
            item(&key, 1, Verdict::Paid),
            item(&key, 3, Verdict::Paid),
        ])
        .await;
    for (code, project, fen) in [("B2", "P2", 400), ("B3", "P3", 500)] {
        in_month(&bench, code, project, MONTH, &[fen]).await;
        bench.deposit(project, fen).await;
        bench.approve(code).await.unwrap();
    }
    in_month(&bench, "B4", "P1", "2026-09", &[600]).await;
    bench
        .submit("B5", "P2", vec![row(80, 80, 700)])
        .await
        .unwrap();
    bench.refuse("B5").await;
    assert_eq!(
        lines(&bench, Level::Project).await,
        [
            line("P1", "项目 P1", (1, 9), (3, 2, 400)),
            line("P2", "项目 P2", (1, 9), (1, 0, 0)),
            line("P3", "项目 P3", (1, 4), (1, 0, 0)),
        ]
    );
    assert_eq!(
        lines(&bench, Level::County).await,
        [
            line("530302", "麒麟区", (1, 4), (1, 0, 0)),
            line("530902", "临翔区", (1, 9), (3, 2, 400)),
            line("530923", "永德县", (1, 9), (1, 0, 0)),
        ]
    );
    assert_eq!(
        lines(&bench, Level::Prefecture).await,
        [
            line("530300", "曲靖市", (1, 4), (1, 0, 0)),
            line("530900", "临沧市", (2, 9), (4, 2, 400)),
        ]
    );
}

pub(crate) async fn what_awaits_a_release_is_shown_beside_the_rates_and_not_in_them(bench: Bench) {
    bench.settle().await;
    in_month(&bench, "B1", "P1", MONTH, &[100, 200]).await;
    in_month(&bench, "B2", "P2", MONTH, &[400]).await;
    bench.deposit("P2", 400).await;
    bench.approve("B2").await.unwrap();
    let awaiting = async || {
        let lines = bench.store.rates(month(MONTH), Level::Prefecture).await;
        let line = lines.unwrap().remove(0);
        let (all, _) = line.tally.all().unwrap();
        (line.projects, all, line.awaiting)
    };
    assert_eq!(awaiting().await, (1, 1, (2, Fen::new(300))));
    bench.store.decide(&reviewing("B1")).await.unwrap();
    assert_eq!(awaiting().await, (1, 1, (2, Fen::new(300))));
    bench.refuse("B1").await;
    assert_eq!(awaiting().await, (1, 1, (0, Fen::ZERO)));
}

pub(crate) async fn a_month_without_batches_is_empty_and_another_shows_its_own(bench: Bench) {
    bench.settle().await;
    in_month(&bench, "B1", "P1", "2026-09", &[600]).await;
    let none = bench.store.rates(month(MONTH), Level::County).await;
    assert!(none.unwrap().is_empty());
    assert!(
        bench
            .store
            .batches(Some(month(MONTH)))
            .await
            .unwrap()
            .is_empty()
    );
    let batch = &bench.store.batches(Some(month("2026-09"))).await.unwrap()[0];
    assert_eq!((batch.code.as_str(), batch.bank.as_str()), ("B1", BANK));
    assert_eq!(
        (batch.content, batch.region),
        (content("B1"), region("530902"))
    );
}

pub(crate) async fn suspense_shows_where_a_saying_stands(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 100).await;
    bench.submit("B1", "P1", wages(&[100])).await.unwrap();
    bench.approve("B1").await.unwrap();
    let key = bench.plan(WIDE).await[0].bank_key.clone();
    bench
        .hears(vec![
            item("NOBODYS", 1, Verdict::Paid),
            item(&key, 1, Verdict::Paid),
        ])
        .await;
    let parked = bench.store.suspense().await.unwrap();
    assert_eq!(parked.len(), 2);
    assert!(parked[0].id < parked[1].id);
    assert_eq!((parked[1].ordinal, parked[1].at), (1, at(21)));
    assert_ne!(parked[0].why, parked[1].why);
    assert_eq!(parked[0].raw, parked[1].raw);
}
