//! A database that an earlier program left, with batches in every state it knew, opened by this one.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use wagegate::store::postgres::PostgresStore;
use wagegate::store::sqlite::SqliteStore;
use wagegate::store::{Step, Store};
use wagegate_domain::batch::BatchState;

use crate::fresh_postgres::fresh_postgres;
use crate::world::counts;

/// The last migration before the approval by three people.
const BEFORE: &str = "0005_intake";

/// Number, name, SHA-256 and text of the migrations up to [`BEFORE`].
fn earlier(engine: &str) -> Vec<(i64, String, String, String)> {
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
        .filter(|name| name.as_str() <= BEFORE)
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

/// Four batches of two wages as they stood, with money reserved for two of them; the integers are those of an empty database.
fn left_behind() -> String {
    let mut text = "INSERT INTO region (code, name) VALUES ('530902', '临翔区');
        INSERT INTO special_account (bank, number, name, balance_fen, reserved_fen) VALUES ('bishui', '90', '专户', 1000, 600);
        INSERT INTO deposit (bank, reference, account_id, amount_fen, value_date, at) VALUES ('bishui', 'in', 1, 1000, '2026-10-20', 1);
        INSERT INTO project (code, name, region, contractor_uscc, contractor, account_id) VALUES ('P1', '项目', '530902', '91530000MA6K000000', '总包', 1);
        INSERT INTO audit (number, at, who, action, subject, detail, previous, hash) VALUES (1, 9, 'approver', 'batch.reason', 'B4', '工时不符', '', '');
        "
    .to_owned();
    let states = ["awaiting_approval", "approved", "planned", "rejected"];
    for (batch, state) in (1..).zip(states) {
        let decided = if batch == 1 {
            "NULL, NULL"
        } else {
            "'approver', 9"
        };
        text += &format!(
            "INSERT INTO batch (code, project_id, pay_month, sheet, content, row_count, total_fen, state, prepared_by, prepared_at, decided_by, decided_at)
               VALUES ('B{batch}', 1, '2026-0{batch}', 'CONTENT', 'CONTENT', 2, 300, '{state}', 'clerk', 5, {decided});\n"
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

async fn stands_as_before(store: &dyn Store) {
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
    let waits = store.batch("B1").await.unwrap().expires_at.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(waits));
    let differences = store.recount().await.unwrap().differences;
    assert_eq!(differences, Vec::<String>::new());
}

#[tokio::test]
async fn batches_of_an_earlier_program_keep_their_state_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wagegate.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .foreign_keys(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let mut script = "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL) STRICT;".to_owned();
    for (number, name, hash, text) in earlier("sqlite") {
        script += &format!(
            "{text}\nINSERT INTO schema_migration VALUES ({number}, '{name}', X'{hash}');\n"
        );
    }
    script += &left_behind()
        .replace("'CONTENT'", &format!("X'{}'", "07".repeat(32)))
        .replace("'', '')", "X'', X'')");
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let store = SqliteStore::open(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    stands_as_before(&store).await;
}

#[tokio::test]
async fn batches_of_an_earlier_program_keep_their_state_on_postgres() {
    let url = fresh_postgres().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut script = "CREATE TABLE schema_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, hash BYTEA NOT NULL);".to_owned();
    for (number, name, hash, text) in earlier("postgres") {
        script += &format!(
            "{text}\nINSERT INTO schema_migration VALUES ({number}, '{name}', '\\x{hash}');\n"
        );
    }
    script += &left_behind().replace("'CONTENT'", &format!("'\\x{}'", "07".repeat(32)));
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    stands_as_before(&store).await;
}
