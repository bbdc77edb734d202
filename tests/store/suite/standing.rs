//! What intake asks of the store: how workers and cards stand, whether a file came before, and what a batch was taken with.

use wagegate::store::{Asked, LeftOut, NewBatch, Remarks, RowKey, SealedRow, Standing, Warning};
use wagegate_domain::Fen;
use wagegate_domain::roster::CardStatus;

use crate::engines::Bench;
use crate::world::{MONTH, Source, head, month, row};

fn key(row: &SealedRow) -> RowKey {
    RowKey {
        worker_blind: row.worker_blind,
        binding_blind: row.binding_blind,
        account_blind: row.account_blind,
    }
}

async fn ask(bench: &Bench, project: &str, rows: &[SealedRow]) -> Vec<Standing> {
    let asked = Asked {
        project: project.into(),
        month: month(MONTH),
    };
    let keys: Vec<_> = rows.iter().map(key).collect();
    bench.store.standings(&asked, &keys).await.unwrap()
}

async fn submit(bench: &Bench, code: &str, project: &str, of: &str, rows: Vec<SealedRow>) {
    let batch = NewBatch {
        month: month(of),
        ..head(code, project, &rows)
    };
    let mut rows = Source::of(rows);
    bench.store.accept_batch(&batch, &mut rows).await.unwrap();
}

/// Puts every worker there is on the roster of P1, named as the card says.
async fn register(bench: &Bench, entered: &str, left: &str) {
    let profile = "INSERT INTO worker_profile (worker_id, name_blind, sealed, digest) SELECT id, blind, sealed, blind FROM worker";
    bench.sql(profile).await.unwrap();
    let presence = format!(
        "INSERT INTO presence (project_id, worker_id, entered_on, left_on, work_role, team)
         SELECT p.id, w.id, '{entered}', {left}, 'worker', '一队' FROM worker w CROSS JOIN project p WHERE p.code = 'P1'"
    );
    bench.sql(&presence).await.unwrap();
    let card = "INSERT INTO current_card (worker_id, binding_id) SELECT worker_id, min(id) FROM binding GROUP BY worker_id";
    bench.sql(card).await.unwrap();
}

async fn status(bench: &Bench, version: u32, status: &str, reason: &str) {
    let statement = format!(
        "INSERT INTO card_status (binding_id, version, kind, status, reason, by_whom, at)
         SELECT id, {version}, 'unknown', '{status}', {reason}, 'bank', 1 FROM binding"
    );
    bench.sql(&statement).await.unwrap();
}

pub(crate) async fn nobody_knows_a_worker_who_never_came(bench: Bench) {
    bench.settle().await;
    let found = ask(&bench, "P1", &[row(1, 1, 100), row(2, 2, 100)]).await;
    assert_eq!(found, [Standing::default(), Standing::default()]);
    assert!(ask(&bench, "P1", &[]).await.is_empty());
    assert!(!bench.store.has_roster("P1").await.unwrap());
}

pub(crate) async fn wages_of_this_month_and_the_last_are_found_wherever_they_are(bench: Bench) {
    bench.settle().await;
    submit(&bench, "B1", "P1", "2026-10", vec![row(2, 1, 500)]).await;
    submit(
        &bench,
        "B2",
        "P2",
        "2026-10",
        vec![row(2, 1, 700), row(3, 2, 1)],
    )
    .await;
    submit(&bench, "B3", "P1", "2026-09", vec![row(9, 1, 300)]).await;
    submit(&bench, "B4", "P1", "2026-08", vec![row(9, 2, 900)]).await;
    let found = ask(&bench, "P1", &[row(1, 2, 1), row(2, 1, 1), row(3, 3, 1)]).await;
    let second = Standing {
        owed_elsewhere: Some("B2".into()),
        ..Standing::default()
    };
    let first = Standing {
        owed_here: Some("B1".into()),
        last_month: Some(Fen::new(300)),
        ..second.clone()
    };
    assert_eq!(found, [second, first, Standing::default()]);
}

pub(crate) async fn a_rejected_sheet_leaves_no_wage_and_its_file_may_come_again(bench: Bench) {
    bench.settle().await;
    let seen = async || bench.store.sheet_seen([1; 32], "P1").await.unwrap();
    assert_eq!(seen().await, None);
    submit(&bench, "B1", "P1", MONTH, vec![row(2, 1, 500)]).await;
    assert_eq!(seen().await.as_deref(), Some("B1"));
    assert_eq!(bench.store.sheet_seen([1; 32], "P2").await.unwrap(), None);
    assert_eq!(bench.store.sheet_seen([2; 32], "P1").await.unwrap(), None);
    bench.refuse("B1").await;
    assert_eq!(seen().await, None);
    assert_eq!(
        ask(&bench, "P1", &[row(1, 1, 1)]).await,
        [Standing::default()]
    );
}

pub(crate) async fn the_registry_says_who_is_on_site_with_which_name_and_card(bench: Bench) {
    bench.settle().await;
    submit(&bench, "B1", "P3", "2025-01", vec![row(2, 1, 500)]).await;
    register(&bench, "2026-03-31", "'2026-10-01'").await;
    let known = row(1, 1, 1);
    let registered = Standing {
        registered_name: Some(known.worker_blind),
        on_site: true,
        ..Standing::default()
    };
    assert!(bench.store.has_roster("P1").await.unwrap());
    assert!(!bench.store.has_roster("P2").await.unwrap());
    assert_eq!(
        ask(&bench, "P1", std::slice::from_ref(&known)).await,
        [registered]
    );
    let elsewhere = ask(&bench, "P2", std::slice::from_ref(&known)).await;
    assert!(!elsewhere[0].on_site && elsewhere[0].registered_name.is_some());
    let other_card = SealedRow {
        account_blind: [7; 16],
        binding_blind: [7; 16],
        ..known
    };
    assert_eq!(
        ask(&bench, "P1", std::slice::from_ref(&other_card)).await[0].other_card,
        Some(CardStatus::Unverified)
    );
    status(&bench, 1, "verified", "NULL").await;
    assert_eq!(
        ask(&bench, "P1", &[other_card]).await[0].other_card,
        Some(CardStatus::Verified)
    );
    bench
        .sql("UPDATE presence SET left_on = '2026-09-30'")
        .await
        .unwrap();
    assert!(!ask(&bench, "P1", &[row(1, 1, 1)]).await[0].on_site);
}

pub(crate) async fn a_card_that_a_bank_refused_stays_refused_until_its_next_word(bench: Bench) {
    bench.settle().await;
    submit(&bench, "B1", "P3", "2025-01", vec![row(2, 1, 500)]).await;
    status(&bench, 1, "invalid", "'CLOSED'").await;
    let refused = async || {
        ask(&bench, "P1", &[row(1, 1, 1)]).await[0]
            .refused_for
            .clone()
    };
    assert_eq!(refused().await.as_deref(), Some("CLOSED"));
    status(&bench, 2, "verified", "NULL").await;
    assert_eq!(refused().await, None);
}

pub(crate) async fn an_account_of_another_worker_is_known_by_registry_and_by_wage(bench: Bench) {
    bench.settle().await;
    submit(&bench, "B1", "P1", "2026-08", vec![row(2, 1, 500)]).await;
    let taken = SealedRow {
        account_blind: row(1, 1, 1).account_blind,
        ..row(1, 2, 1)
    };
    let known = async |rows: &[SealedRow]| ask(&bench, "P1", rows).await[0].account_of_another;
    assert!(
        !known(std::slice::from_ref(&taken)).await,
        "an old sheet proves nothing"
    );
    submit(&bench, "B2", "P1", "2026-09", vec![row(2, 1, 500)]).await;
    assert!(
        known(std::slice::from_ref(&taken)).await,
        "a wage of last month does"
    );
    assert!(
        !known(&[row(1, 1, 1)]).await,
        "a worker's own card is nobody else's"
    );
    bench.sql("DELETE FROM wage_slot").await.unwrap();
    register(&bench, "2026-01-01", "NULL").await;
    assert!(known(&[taken]).await, "so does the registry");
}

pub(crate) async fn what_a_batch_was_taken_with_is_kept_and_audited(bench: Bench) {
    bench.settle().await;
    let said = |text: &str| [format!("{text}。"), format!("{text}.")];
    let warning = |row: u32| Warning {
        sheet: "工资表".into(),
        row,
        column: "银行卡号".into(),
        code: "card_luhn".into(),
        what: said("what"),
        fix: said("fix"),
    };
    let remarks = Remarks {
        warnings: vec![warning(7), warning(3), warning(3)],
        left_out: vec![
            LeftOut {
                row: 12,
                code: "id_check".into(),
            },
            LeftOut {
                row: 17,
                code: "name_missing".into(),
            },
        ],
    };
    let rows = vec![row(2, 1, 500)];
    let batch = NewBatch {
        remarks: remarks.clone(),
        ..head("B1", "P1", &rows)
    };
    bench
        .store
        .accept_batch(&batch, &mut Source::of(rows))
        .await
        .unwrap();
    assert_eq!(bench.store.remarks("B1").await.unwrap(), remarks);
    assert_eq!(bench.store.remarks("B0").await.unwrap(), Remarks::default());
    let tail = bench.audit_tail(1).await.unwrap();
    assert!(
        tail[0]
            .detail
            .ends_with("left out: row 12 (id_check), row 17 (name_missing)"),
        "{tail:?}"
    );
}

pub(crate) async fn the_roster_comes_in_pages(bench: Bench) {
    bench.settle().await;
    let rows = (1..=5).map(|n| row(n, n, 100)).collect();
    submit(&bench, "B1", "P3", "2025-01", rows).await;
    register(&bench, "2026-01-01", "NULL").await;
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = bench
            .store
            .roster_page("P1", month(MONTH), after, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = last.worker;
        found.extend(
            page.iter()
                .map(|worker| (worker.id_number.0, worker.card.is_some())),
        );
    }
    let expected: Vec<_> = (1..=5).map(|n| (row(n, n, 1).worker_blind, true)).collect();
    assert_eq!(found, expected);
}
