//! A database that an earlier program left, with batches in every state it knew, opened by this one.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use wagegate::clock::{Clock as _, SystemClock};
use wagegate::store::postgres::PostgresStore;
use wagegate::store::sqlite::SqliteStore;
use wagegate::store::{ChainCheck, Step, Store, TaskKind};
use wagegate_domain::batch::BatchState;

use crate::fresh_postgres::fresh_postgres;
use crate::world::counts;

/// The last migration before the approval by three people.
const BEFORE: &str = "0005_intake";

/// The last migration before a shortage of funds was a state.
const BEFORE_SHORTAGE: &str = "0010_kept_evidence";

/// Number, name, SHA-256 and text of the migrations up to one.
fn earlier(engine: &str, last: &str) -> Vec<(i64, String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(engine);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .filter(|name| name.as_str() <= last)
        .collect();
    names.sort();
    let read = |name: String| {
        let text = fs::read_to_string(folder.join(format!("{name}.sql"))).unwrap();
        let hash: String = Sha256::digest(&text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let number = name.split('_').next().unwrap().parse().unwrap();
        (number, name, hash, text)
    };
    names.into_iter().map(read).collect()
}

/// When the last batch was prepared, in milliseconds: long after whenever this runs.
const LATELY: i64 = 4_102_444_800_000;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// The audit log up to the newest entry, its links made as they were made then.
fn audited() -> String {
    let (mut text, mut previous) = (String::new(), "00".repeat(32));
    let acts = [
        ("clerk", "batch.submit", "B4", "2 rows"),
        ("approver", "batch.reason", "B4", "工时不符"),
        ("approver", "batch.reject", "B4", "content 07"),
        ("approver", "batch.approve", "B3", "content 07"),
    ];
    for (number, (who, action, subject, detail)) in (1_i64..).zip(acts) {
        let mut digest = Sha256::new();
        digest.update(hex::decode(&previous).unwrap());
        digest.update(number.to_be_bytes());
        digest.update(9_i64.to_be_bytes());
        for field in [who, action, subject, detail] {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
        let hash = hex::encode(digest.finalize());
        text += &format!(
            "INSERT INTO audit (number, at, who, action, subject, detail, previous, hash)
               VALUES ({number}, 9, '{who}', '{action}', '{subject}', '{detail}', 'HEX{previous}', 'HEX{hash}');\n"
        );
        previous = hash;
    }
    text
}

/// Five batches of two wages as they stood, with money reserved for two of them; the integers are those of an empty database.
fn left_behind() -> String {
    let mut text = "INSERT INTO region (code, name) VALUES ('530902', '临翔区');
        INSERT INTO special_account (bank, number, name, balance_fen, reserved_fen) VALUES ('bishui', '90', '专户', 1000, 600);
        INSERT INTO deposit (bank, reference, account_id, amount_fen, value_date, at) VALUES ('bishui', 'in', 1, 1000, '2026-10-20', 1);
        INSERT INTO project (code, name, region, contractor_uscc, contractor, account_id) VALUES ('P1', '项目', '530902', '91530000MA6K000000', '总包', 1);
        "
    .to_owned();
    text += &audited();
    for (batch, state, prepared) in [
        (1, "awaiting_approval", 5),
        (2, "approved", 5),
        (3, "planned", 5),
        (4, "rejected", 5),
        (5, "awaiting_approval", LATELY),
    ] {
        let decided = if state == "awaiting_approval" {
            "NULL, NULL"
        } else {
            "'approver', 9"
        };
        text += &format!(
            "INSERT INTO batch (code, project_id, pay_month, sheet, content, row_count, total_fen, state, prepared_by, prepared_at, decided_by, decided_at)
               VALUES ('B{batch}', 1, '2026-0{batch}', 'CONTENT', 'CONTENT', 2, 300, '{state}', 'clerk', {prepared}, {decided});\n"
        );
        for (row, fen) in [(1, 100), (2, 200)] {
            text += &format!(
                "INSERT INTO wage_item (batch_id, row_no, worker_id, binding_id, amount_fen) VALUES ({batch}, {row}, {row}, {row}, {fen});\n"
            );
        }
        for place in [
            "paid",
            "failed",
            "returned",
            "in_flight",
            "in_doubt",
            "held",
        ] {
            let (count, fen) = if place == "held" { (2, 300) } else { (0, 0) };
            text += &format!(
                "INSERT INTO tally (batch_id, place, item_count, total_fen) VALUES ({batch}, '{place}', {count}, {fen});\n"
            );
        }
    }
    text
}

async fn stands_as_before(store: &dyn Store, before: i64) {
    for (code, state, last, places) in [
        (
            "B1",
            BatchState::AwaitingReview,
            Step::Prepare,
            [0, 0, 0, 0, 0, 2],
        ),
        (
            "B2",
            BatchState::Released,
            Step::Approve,
            [0, 0, 0, 0, 0, 2],
        ),
        ("B3", BatchState::Planned, Step::Approve, [0, 0, 0, 0, 0, 2]),
        ("B4", BatchState::Refused, Step::Refuse, [0; 6]),
        (
            "B5",
            BatchState::AwaitingReview,
            Step::Prepare,
            [0, 0, 0, 0, 0, 2],
        ),
    ] {
        let batch = store.batch(code).await.unwrap();
        let story = store.story(code).await.unwrap().steps;
        assert_eq!(
            (batch.state, counts(&batch), batch.round),
            (state, places, 1),
            "{code}"
        );
        assert_eq!(story[0].by, "clerk");
        assert_eq!(story.last().unwrap().step, last);
        assert_eq!(story.last().unwrap().reason.is_some(), last == Step::Refuse);
    }
    let waits = async |code| {
        let batch = store.batch(code).await.unwrap();
        batch.expires_at.unwrap().as_millisecond()
    };
    // What waited for long has a week from the upgrade, which one engine knows to the second only.
    let first = waits("B1").await;
    assert!(first >= before - 1_000 + 7 * DAY, "{first}");
    assert_eq!(waits("B5").await, LATELY + 30 * DAY);
    let due = store.next_due().await.unwrap().unwrap();
    assert_eq!(due.as_millisecond(), first);
    let check = store.check_audit_against(&[]).await.unwrap();
    assert_eq!(check, ChainCheck::Whole { entries: 4 });
    store
        .audit(SystemClock.now(), "operator", "test", "", "")
        .await
        .unwrap();
    let check = store.check_audit_against(&[]).await.unwrap();
    assert_eq!(check, ChainCheck::Whole { entries: 5 });
    let differences = store.recount().await.unwrap().differences;
    assert_eq!(differences, Vec::<String>::new());
}

/// A database of the migrations up to one with what a program of then left in it, opened by this one.
async fn opened_on_sqlite(last: &str, left: &str, file: &Path) -> SqliteStore {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let mut script = "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL) STRICT;".to_owned();
    for (number, name, hash, text) in earlier("sqlite", last) {
        script += &format!(
            "{text}\nINSERT INTO schema_migration VALUES ({number}, '{name}', X'{hash}');\n"
        );
    }
    script += &left
        .replace("'CONTENT'", &format!("X'{}'", "07".repeat(32)))
        .replace("'HEX", "X'");
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    SqliteStore::open(&format!("sqlite://{}", file.display()))
        .await
        .unwrap()
}

async fn opened_on_postgres(last: &str, left: &str) -> PostgresStore {
    let url = fresh_postgres().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut script = "CREATE TABLE schema_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, hash BYTEA NOT NULL);".to_owned();
    for (number, name, hash, text) in earlier("postgres", last) {
        script += &format!(
            "{text}\nINSERT INTO schema_migration VALUES ({number}, '{name}', '\\x{hash}');\n"
        );
    }
    script += &left
        .replace("'CONTENT'", &format!("'\\x{}'", "07".repeat(32)))
        .replace("'HEX", "'\\x");
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    PostgresStore::open(&url).await.unwrap()
}

#[tokio::test]
async fn batches_of_an_earlier_program_keep_their_state_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let before = SystemClock.now().as_millisecond();
    let file = folder.path().join("wagegate.db");
    let store = opened_on_sqlite(BEFORE, &left_behind(), &file).await;
    stands_as_before(&store, before).await;
}

#[tokio::test]
async fn batches_of_an_earlier_program_keep_their_state_on_postgres() {
    let before = SystemClock.now().as_millisecond();
    let store = opened_on_postgres(BEFORE, &left_behind()).await;
    stands_as_before(&store, before).await;
}

/// One batch that was released, taken back and released again, with its money; and the tasks of then.
fn released_behind() -> String {
    let mut text = "INSERT INTO region (code, name) VALUES ('530902', '临翔区');
        INSERT INTO special_account (bank, number, name, balance_fen, reserved_fen) VALUES ('bishui', '90', '专户', 300, 300);
        INSERT INTO deposit (bank, reference, account_id, amount_fen, value_date, at) VALUES ('bishui', 'in', 1, 300, '2026-10-20', 1);
        INSERT INTO project (code, name, region, contractor_uscc, contractor, account_id) VALUES ('P1', '项目', '530902', '91530000MA6K000000', '总包', 1);
        INSERT INTO batch (code, project_id, pay_month, sheet, content, row_count, total_fen, state, prepared_by, prepared_at, round, expires_at)
          VALUES ('B1', 1, '2026-10', 'CONTENT', 'CONTENT', 1, 300, 'released', 'clerk', 1, 2, 9);
        INSERT INTO wage_item (batch_id, row_no, worker_id, binding_id, amount_fen) VALUES (1, 1, 1, 1, 300);
        INSERT INTO tally (batch_id, place, item_count, total_fen) VALUES (1, 'held', 1, 300);
        INSERT INTO batch_evidence (batch_id, kind, hash, size, by_whom, at) VALUES (1, 'other', 'CONTENT', 9, 'clerk', 1);
        "
    .to_owned();
    for (round, step, after, who) in [
        (1, "prepare", "NULL", "clerk"),
        (1, "review", "'prepare'", "reviewer"),
        (1, "release", "'review'", "approver"),
        (1, "undo", "NULL", "approver"),
        (2, "prepare", "NULL", "clerk"),
        (2, "review", "'prepare'", "reviewer"),
        (2, "release", "'review'", "other"),
    ] {
        text += &format!(
            "INSERT INTO approval (batch_id, round, step, after_step, by_whom, at, content) VALUES (1, {round}, '{step}', {after}, '{who}', 3, 'CONTENT');\n"
        );
    }
    for (priority, kind) in [(5, "expire"), (4, "plan"), (0, "read")] {
        text += &format!(
            "INSERT INTO task (kind, priority, subject, due_at) VALUES ('{kind}', {priority}, 'B1', 1);\n"
        );
    }
    text
}

/// Its steps stand and bind as before, its money is its own, and its tasks come behind those that look for money.
async fn steps_stand_as_before(store: &dyn Store) {
    let batch = store.batch("B1").await.unwrap();
    assert_eq!(
        (batch.state, batch.round, batch.missing()),
        (BatchState::Released, 2, None)
    );
    let story = store.story("B1").await.unwrap();
    let steps: Vec<_> = story.steps.iter().map(|taken| taken.step).collect();
    assert_eq!(
        steps,
        [
            Step::Prepare,
            Step::Review,
            Step::Release,
            Step::Undo,
            Step::Release
        ]
    );
    assert_eq!(story.evidence.len(), 1);
    let differences = store.recount().await.unwrap().differences;
    assert_eq!(differences, Vec::<String>::new());
    store
        .ensure_task(TaskKind::Fund, "B9", Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let now = SystemClock.now();
    let mut kinds = Vec::new();
    while let Some(claim) = store.claim_step(now, 60_000).await.unwrap() {
        kinds.push(claim.kind);
    }
    assert_eq!(
        kinds,
        [
            TaskKind::Read,
            TaskKind::Fund,
            TaskKind::Plan,
            TaskKind::Expire
        ]
    );
}

#[tokio::test]
async fn steps_and_tasks_of_an_earlier_program_stay_as_they_were_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wagegate.db");
    let store = opened_on_sqlite(BEFORE_SHORTAGE, &released_behind(), &file).await;
    steps_stand_as_before(&store).await;
    let mut connection = SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .unwrap();
    let broken = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(broken.len(), 0);
    let refers: String =
        sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE name = 'approval'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert!(!refers.contains("approval_with_fund"), "{refers}");
}

#[tokio::test]
async fn steps_and_tasks_of_an_earlier_program_stay_as_they_were_on_postgres() {
    let store = opened_on_postgres(BEFORE_SHORTAGE, &released_behind()).await;
    steps_stand_as_before(&store).await;
}
