//! Lists in pages: each scope sees its own, in order, to the last.

use wagegate::store::Within;

use crate::engines::Bench;
use crate::world::{BACK, CLOSED, MONTH, item, month, row};

/// What each scope sees of the settled projects: `P1` and `P2` in one prefecture, `P3` in another.
fn scopes() -> [(Within, &'static [&'static str]); 6] {
    let codes =
        |codes: &[&str]| Within::Projects(codes.iter().map(|code| (*code).into()).collect());
    [
        (Within::All, &["P1", "P2", "P3"]),
        (codes(&["P1", "P3", "P9"]), &["P1", "P3"]),
        (codes(&[]), &[]),
        (Within::Region("53".into()), &["P1", "P2", "P3"]),
        (Within::Region("5309".into()), &["P1", "P2"]),
        (Within::Region("530302".into()), &["P3"]),
    ]
}

pub(crate) async fn projects_and_accounts_come_in_pages_of_a_scope(bench: Bench) {
    bench.settle().await;
    for (within, expected) in scopes() {
        for limit in 1..4 {
            let (mut projects, mut accounts) = (Vec::<String>::new(), Vec::<String>::new());
            // One page more than could be full: the last is empty.
            for _ in 0..4 {
                let after = projects.last().map(String::as_str);
                let page = bench.store.project_page(&within, after, limit).await;
                projects.extend(page.unwrap().into_iter().map(|project| project.code));
                let after = accounts.last().map(String::as_str);
                let page = bench.store.account_page(&within, after, limit).await;
                accounts.extend(page.unwrap().into_iter().map(|account| account.project));
            }
            assert_eq!(projects, expected, "{within:?} by {limit}");
            assert_eq!(accounts, expected, "{within:?} by {limit}");
        }
    }
}

pub(crate) async fn batches_come_in_pages_of_a_scope_newest_first(bench: Bench) {
    bench.settle().await;
    for (person, code) in (0..).zip(["P1", "P2", "P3"]) {
        let batch = format!("B-{code}");
        bench
            .submit(&batch, code, vec![row(1, person, 100)])
            .await
            .unwrap();
    }
    for (within, expected) in scopes() {
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..4 {
            let page = bench
                .store
                .batch_page(&within, Some(month(MONTH)), after, 1)
                .await
                .unwrap();
            after = page.last().map(|batch| batch.id).or(after);
            found.extend(page.into_iter().map(|batch| (batch.project, batch.rows)));
        }
        let newest_first = expected.iter().rev().map(|code| ((*code).to_owned(), 1));
        assert_eq!(found, newest_first.collect::<Vec<_>>(), "{within:?}");
    }
    let other = bench
        .store
        .batch_page(&Within::All, Some(month("2026-09")), None, 10)
        .await;
    assert!(other.unwrap().is_empty());
}

pub(crate) async fn only_batches_with_unpaid_wages_are_on_the_failure_page(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    let unpaid = async |from| {
        let page = bench
            .store
            .unpaid_page(&Within::All, month(MONTH), from, 10)
            .await
            .unwrap();
        page.into_iter()
            .map(|batch| (batch.id, batch.code))
            .collect::<Vec<_>>()
    };
    assert_eq!(unpaid(0).await, []);
    bench
        .hears(vec![item(&key, 1, CLOSED), item(&key, 2, BACK)])
        .await;
    let found = unpaid(0).await;
    assert_eq!(found.len(), 1);
    let (id, code) = &found[0];
    assert_eq!(code, "B1");
    assert_eq!(unpaid(*id).await, found);
    assert_eq!(unpaid(id + 1).await, []);
    let elsewhere = Within::Region("5303".into());
    let elsewhere = bench.store.unpaid_page(&elsewhere, month(MONTH), 0, 10);
    assert!(elsewhere.await.unwrap().is_empty());
}

pub(crate) async fn suspense_comes_in_pages_oldest_first(bench: Bench) {
    bench.settle().await;
    bench
        .hears(vec![
            item("nobody", 1, CLOSED),
            item("nobody", 2, CLOSED),
            item("nobody", 3, CLOSED),
        ])
        .await;
    let all = bench.store.suspense_page(None, 10).await.unwrap();
    let ids: Vec<i64> = all.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.is_sorted());
    let second = bench.store.suspense_page(Some(ids[0]), 1).await.unwrap();
    assert_eq!(
        second.iter().map(|one| one.id).collect::<Vec<_>>(),
        [ids[1]]
    );
}
