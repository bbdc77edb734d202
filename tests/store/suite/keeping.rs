//! The last guards: constraints that hold against a program gone wrong, the audit chain, the recount, a restart.

use wagegate::store::{ChainCheck, TaskKind};
use wagegate_domain::fact::Verdict;

use crate::engines::Bench;
use crate::world::{BACK, CLOSED, at, counts, item, wages};

async fn refuses(bench: &Bench, statement: &str, constraint: &str) {
    let said = bench.sql(statement).await.unwrap_err();
    assert!(
        said.contains(constraint) || said.contains("FOREIGN KEY constraint failed"),
        "{statement}: {said}"
    );
}

pub(crate) async fn a_second_live_attempt_is_refused_by_the_database(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    bench.hears(vec![item(&key, 2, CLOSED)]).await;
    let second = |row: u32, attempt: u32, previous: &str| {
        format!(
            "INSERT INTO attempt (instruction_id, sequence, batch_id, row_no, attempt_no, previous_no, amount_fen)
             SELECT id, 9, batch_id, {row}, {attempt}, {previous}, 100 FROM instruction"
        )
    };
    refuses(&bench, &second(1, 2, "1"), "one_live_attempt").await;
    for (attempt, previous, constraint) in [
        (2, "NULL", "attempts_follow_each_other"),
        (3, "1", "attempts_follow_each_other"),
        (
            1,
            "NULL",
            if bench.store.engine() == "sqlite" {
                "UNIQUE"
            } else {
                "one_attempt_of_a_number"
            },
        ),
    ] {
        refuses(&bench, &second(1, attempt, previous), constraint).await;
    }
    bench.adds_up().await;
    let after_its_end = bench.sql(&second(2, 2, "1")).await;
    assert_eq!(after_its_end, Ok(1), "what failed may be tried again, once");
    refuses(
        &bench,
        &second(2, 3, "2").replace("9,", "10,"),
        "one_live_attempt",
    )
    .await;
}

pub(crate) async fn the_database_refuses_what_the_rules_forbid(bench: Bench) {
    bench.settle().await;
    bench.sent("B1", &[100, 200]).await;
    for (statement, constraint) in [
        (
            "UPDATE special_account SET reserved_fen = balance_fen + 1",
            "funds_cover_reservations",
        ),
        (
            "UPDATE special_account SET reserved_fen = -1",
            "funds_cover_reservations",
        ),
        ("UPDATE batch SET decided_by = prepared_by", "two_people"),
        (
            "UPDATE instruction SET bytes_hash = NULL",
            "intent_fixes_bytes",
        ),
        ("UPDATE tally SET item_count = -1", "tally"),
        ("UPDATE wage_item SET amount_fen = 0", "amount_fen"),
        ("UPDATE instruction SET state = 'paid'", "state"),
    ] {
        let said = bench.sql(statement).await.unwrap_err();
        let named = said.contains(constraint) || said.contains("CHECK constraint failed");
        assert!(named, "{statement}: {said}");
    }
    bench.adds_up().await;
}

pub(crate) async fn the_audit_log_is_never_changed_or_cut(bench: Bench) {
    bench.settle().await;
    for statement in ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"] {
        let said = bench.sql(statement).await.unwrap_err();
        assert!(said.contains("the audit log is append-only"), "{said}");
    }
    for n in 0..3 {
        bench
            .store
            .audit(at(n), "operator", "config.read", "subject", "detail")
            .await
            .unwrap();
    }
    let whole = bench.check_audit().await.unwrap();
    assert_eq!(whole, ChainCheck::Whole { entries: 5 });
    let numbers: Vec<_> = bench
        .audit_tail(2)
        .await
        .unwrap()
        .iter()
        .map(|entry| (entry.number, entry.at))
        .collect();
    assert_eq!(numbers, [(5, at(2)), (4, at(1))]);
}

pub(crate) async fn a_recount_finds_every_figure_that_was_tampered_with(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200, 300, 400]).await.bank_key;
    let told = vec![
        item(&key, 1, Verdict::Paid),
        item(&key, 2, CLOSED),
        item(&key, 3, BACK),
    ];
    bench.hears(told).await;
    bench.adds_up().await;
    assert_eq!(bench.store.recount().await.unwrap().batches, 1);
    for (tamper, repair) in [
        (
            "UPDATE tally SET item_count = item_count + 1 WHERE place = 'paid'",
            "UPDATE tally SET item_count = item_count - 1 WHERE place = 'paid'",
        ),
        (
            "UPDATE special_account SET balance_fen = balance_fen + 1 WHERE number = '90-P1'",
            "UPDATE special_account SET balance_fen = balance_fen - 1 WHERE number = '90-P1'",
        ),
        (
            "UPDATE special_account SET overdrawn_fen = 5 WHERE number = '90-P2'",
            "UPDATE special_account SET overdrawn_fen = 0 WHERE number = '90-P2'",
        ),
        (
            "UPDATE batch SET total_fen = total_fen + 1",
            "UPDATE batch SET total_fen = total_fen - 1",
        ),
        (
            "UPDATE instruction SET row_count = row_count + 1",
            "UPDATE instruction SET row_count = row_count - 1",
        ),
        (
            "UPDATE fact SET verdict = 'in_progress' WHERE verdict = 'paid'",
            "UPDATE fact SET verdict = 'paid' WHERE verdict = 'in_progress'",
        ),
        (
            "UPDATE fact SET sequence = 4 WHERE verdict = 'paid'",
            "UPDATE fact SET sequence = 1 WHERE verdict = 'paid'",
        ),
        (
            "UPDATE attempt_end SET row_no = 4 WHERE row_no = 2",
            "UPDATE attempt_end SET row_no = 2 WHERE row_no = 4",
        ),
    ] {
        assert_eq!(bench.sql(tamper).await, Ok(1), "{tamper}");
        let found = bench.store.recount().await.unwrap();
        assert!(!found.differences.is_empty(), "{tamper}");
        assert_eq!(bench.sql(repair).await, Ok(1), "{repair}");
        bench.adds_up().await;
    }
}

pub(crate) async fn what_was_stored_is_there_after_a_restart(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    bench.hears(vec![item(&key, 1, Verdict::Paid)]).await;
    bench.submit("B2", "P2", wages(&[300])).await.unwrap();
    let other = bench.again().await;
    let batch = other.batch("B1").await.unwrap();
    assert_eq!(counts(&batch), [1, 0, 0, 1, 0, 0]);
    assert!(other.recount().await.unwrap().differences.is_empty());
    other
        .ensure_task(TaskKind::Collect, "bishui", at(0))
        .await
        .unwrap();
    assert_eq!(bench.claim(TaskKind::Collect).await.subject, "bishui");
}
