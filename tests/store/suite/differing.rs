//! A batch that is no longer what was released, and one that is compared with the month before.

use wagegate::store::{
    Conflict, Difference, NewBatch, Next, SealedRow, Step, StoreError, TaskKind,
};
use wagegate_domain::Fen;
use wagegate_domain::attempt::{Event, State};
use wagegate_domain::batch::BatchState;
use wagegate_domain::plan::Limits;

use crate::engines::Bench;
use crate::world::{
    LEASE_MS, Source, WIDE, at, happening, head, month, part, plan, refusing, row, wages,
};

const ONE_ROW: Limits = Limits {
    rows_max: 1,
    ..WIDE
};

async fn released(bench: &Bench) {
    bench.settle().await;
    bench.deposit("P1", 1_000).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
}

pub(crate) async fn a_split_into_other_parts_than_were_found_changes_nothing(bench: Bench) {
    released(&bench).await;
    let claim = bench.claim(TaskKind::Plan).await;
    for parts in [
        vec![part(1, 2, 299)],
        vec![part(1, 1, 300)],
        vec![],
        vec![part(1, 2, 300), part(2, 1, 1)],
    ] {
        let said = bench.store.plan_batch(&claim, &plan(WIDE, &parts)).await;
        let differs = matches!(said, Err(StoreError::Conflict(Conflict::ContentDiffers)));
        assert!(differs, "{parts:?}: {said:?}");
    }
    assert!(bench.store.instructions("B1").await.unwrap().is_empty());
    let good = [part(1, 2, 300)];
    let planned = bench.store.plan_batch(&claim, &plan(WIDE, &good)).await;
    assert_eq!(planned.unwrap(), 1);
    let instruction = &bench.store.instructions("B1").await.unwrap()[0];
    assert_eq!(instruction.content, Some(good[0].content.hash));
}

pub(crate) async fn a_batch_that_differs_is_held_with_its_money_until_it_is_refused(bench: Bench) {
    released(&bench).await;
    let claim = bench.claim(TaskKind::Plan).await;
    let words = "released 2 rows, found 3";
    let held = bench.store.hold_differing(&claim, "B1", words, at(9)).await;
    held.unwrap();
    let batch = bench.store.batch("B1").await.unwrap();
    assert_eq!(batch.state, BatchState::ContentDiffers);
    assert_eq!(bench.account("P1").await, (1_000, 300, 0));
    assert_eq!(bench.store.differing_batches().await.unwrap(), ["B1"]);
    let newest = &bench.audit_tail(1).await.unwrap()[0];
    assert_eq!(
        (
            newest.who.as_str(),
            newest.action.as_str(),
            newest.subject.as_str()
        ),
        ("gateway", "batch.content-differs", "B1")
    );
    assert!(newest.detail.contains(words), "{}", newest.detail);
    bench.adds_up().await;

    let refused = bench.store.decide(&refusing("B1")).await.unwrap();
    assert_eq!(refused.state, BatchState::Refused);
    assert_eq!(bench.account("P1").await, (1_000, 0, 0));
    bench.adds_up().await;
}

pub(crate) async fn no_instruction_of_a_batch_that_differs_is_sent(bench: Bench) {
    released(&bench).await;
    assert_eq!(bench.plan(ONE_ROW).await.len(), 2);
    let one = bench.claim(TaskKind::Send).await;
    let other = bench.claim(TaskKind::Send).await;
    for claim in [&one, &other] {
        let held = bench
            .store
            .hold_differing(claim, "B1", "part 1", at(9))
            .await;
        // Whoever comes second has lost its task to the first, and can write nothing.
        match held {
            Ok(()) => assert_eq!(claim, &one),
            Err(error) => assert!(matches!(error, StoreError::Stale), "{error:?}"),
        }
    }
    let instruction = other.subject.parse().unwrap();
    let intent = bench
        .store
        .record_intent(&other, instruction, ([7; 32], 9), 0, at(9))
        .await;
    assert!(matches!(intent, Err(StoreError::Stale)), "{intent:?}");
    let steps = bench.store.story("B1").await.unwrap().steps;
    assert_eq!(steps.last().unwrap().step, Step::Differ);
    let refused = bench.store.decide(&refusing("B1")).await;
    let sent = matches!(
        refused,
        Err(StoreError::Conflict(Conflict::HasInstructions))
    );
    assert!(sent, "{refused:?}");
    bench.adds_up().await;
}

pub(crate) async fn a_part_that_never_left_is_not_sent_once_its_batch_is_held(bench: Bench) {
    released(&bench).await;
    assert_eq!(bench.plan(ONE_ROW).await.len(), 2);
    let (sending, id) = bench.intend().await;
    let other = bench.claim(TaskKind::Send).await;
    let held = bench
        .store
        .hold_differing(&other, "B1", "part 2", at(9))
        .await;
    held.unwrap();
    // The bank of the first part could not be reached: it is due again, with bytes that are kept.
    let nothing = happening(Event::NothingLeft);
    let again = Next::Again(at(20));
    let state = bench
        .store
        .record_event(&sending, id, &nothing, again)
        .await;
    assert_eq!(state.unwrap(), State::Planned);
    let claim = bench.claim(TaskKind::Send).await;
    let intent = bench
        .store
        .record_intent(&claim, id, ([7; 32], 99), 0, at(21))
        .await;
    assert!(matches!(intent, Err(StoreError::Stale)), "{intent:?}");
    let instruction = bench.store.instruction(id).await.unwrap();
    assert_eq!(instruction.state, State::Planned);
    let next = bench.store.claim_step(at(1_000), LEASE_MS).await.unwrap();
    assert!(next.is_none_or(|claim| claim.kind != TaskKind::Send));
    bench.adds_up().await;
}

pub(crate) async fn a_changed_total_frees_no_other_batches_money(bench: Bench) {
    released(&bench).await;
    bench
        .submit("B2", "P1", vec![row(1, 9, 400)])
        .await
        .unwrap();
    bench.approve("B2").await.unwrap();
    assert_eq!(bench.account("P1").await, (1_000, 700, 0));
    let changed = "UPDATE batch SET total_fen = total_fen + 250 WHERE code = 'B1'";
    assert_eq!(bench.sql(changed).await, Ok(1));
    let mut claim = bench.claim(TaskKind::Plan).await;
    if claim.subject != "B1" {
        claim = bench.claim(TaskKind::Plan).await;
    }
    let held = bench
        .store
        .hold_differing(&claim, "B1", "its total", at(9))
        .await;
    held.unwrap();
    bench.refuse("B1").await;
    assert_eq!(bench.account("P1").await, (1_000, 400, 0));
}

async fn of_month(bench: &Bench, code: &str, of: &str, rows: Vec<SealedRow>) {
    let batch = NewBatch {
        month: month(of),
        ..head(code, "P1", &rows)
    };
    bench
        .store
        .accept_batch(&batch, &mut Source::of(rows))
        .await
        .unwrap();
}

pub(crate) async fn changes_are_told_against_the_last_released_month(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 10_000).await;
    of_month(&bench, "B7", "2026-07", wages(&[1, 1, 1, 1, 1])).await;
    bench.approve("B7").await.unwrap();
    // A later month that was never released is no measure.
    of_month(&bench, "B8", "2026-08", vec![row(1, 9, 50)]).await;
    let then = vec![
        row(1, 1, 100),
        row(2, 2, 200),
        row(3, 3, 300),
        row(4, 4, 400),
    ];
    of_month(&bench, "B9", "2026-09", then).await;
    bench.approve("B9").await.unwrap();

    let mut other_card = row(1, 1, 150);
    other_card.binding_blind = [77; 16];
    let now = vec![other_card, row(2, 2, 200), row(3, 5, 500)];
    of_month(&bench, "BA", "2026-10", now).await;
    // On another sheet of the project: not gone.
    of_month(&bench, "BB", "2026-10", vec![row(1, 4, 400)]).await;

    let changes = bench.store.changes("BA").await.unwrap();
    let fen = Fen::new;
    assert_eq!(changes.against, Some(month("2026-09")));
    assert_eq!(changes.before, (4, fen(1_000)));
    assert_eq!(
        changes.kinds,
        [
            (1, fen(0), fen(500)),
            (1, fen(300), fen(0)),
            (1, fen(100), fen(150)),
            (1, fen(100), fen(150)),
        ]
    );
    let list = async |kind, after, limit| {
        let rows = bench.store.changed_rows("BA", kind, after, limit).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|row| ((row.kind, row.worker), row.row, row.before, row.now))
            .collect::<Vec<_>>()
    };
    let all = list(None, None, 10).await;
    let shown: Vec<_> = all.iter().map(|(key, row, _, _)| (key.0, *row)).collect();
    assert_eq!(
        shown,
        [
            (Difference::New, Some(3)),
            (Difference::Gone, None),
            (Difference::Amount, Some(1)),
            (Difference::Card, Some(1)),
        ]
    );
    assert_eq!((all[2].2, all[2].3), (Some(fen(100)), Some(fen(150))));
    let mut pages = list(None, None, 2).await;
    pages.extend(list(None, Some(pages[1].0), 10).await);
    assert_eq!(pages, all);
    assert_eq!(list(Some(Difference::Card), None, 10).await, all[3..]);

    let first = bench.store.changes("B7").await.unwrap();
    assert_eq!((first.against, first.kinds[0].0), (None, 5));
}

pub(crate) async fn rows_are_read_back_in_pages_as_they_came(bench: Bench) {
    bench.settle().await;
    let came = wages(&[100, 200, 300]);
    bench.submit("B1", "P1", came.clone()).await.unwrap();
    let page = bench.store.rows_of("B1", 0, 2).await.unwrap();
    let rest = bench.store.rows_of("B1", page[1].row, 10).await.unwrap();
    let read: Vec<_> = page.into_iter().chain(rest).collect();
    let plain = |row: &SealedRow| {
        (
            row.row,
            row.worker_blind,
            row.worker_sealed.clone(),
            row.binding_blind,
            row.binding_sealed.clone(),
            row.amount,
        )
    };
    assert_eq!(
        read.iter().map(plain).collect::<Vec<_>>(),
        came.iter().map(plain).collect::<Vec<_>>()
    );
    assert!(bench.store.rows_of("B9", 0, 2).await.unwrap().is_empty());
}
