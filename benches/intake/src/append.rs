//! The least that storing the same rows can cost: the same tables, keys and sealed values, made beforehand, in one transaction, nothing looked up.

use std::time::Instant;

use sqlx::{
    Connection, PgConnection, QueryBuilder, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};
use tempfile::TempDir;
use wagegate::store::SealedRow;
use wagegate_domain::Fen;

use crate::{intake, people};

const CHUNK: usize = 1_000;

const HEAD: &str = "INSERT INTO batch (code, project_id, pay_month, sheet, content, row_count, total_fen, state, prepared_by, prepared_at)
    VALUES ('B', (SELECT id FROM project), '2026-10', $1, $1, $2, $3, 'awaiting_review', 'clerk', 1)";

/// Milliseconds from the first statement to the answered commit.
pub(crate) async fn run(folder: &TempDir, engine: &str, url: &str, rows: u32) -> u128 {
    drop(intake::store(engine, url).await);
    let vault = intake::vault(folder);
    let sealed: Vec<SealedRow> = (0..rows)
        .map(|number| vault.seal_row(&people::row(number)))
        .collect();
    let total = Fen::total(sealed.iter().map(|row| row.amount))
        .unwrap()
        .get();
    match engine {
        "sqlite" => sqlite(url, &sealed, total).await,
        _ => postgres(url, &sealed, total).await,
    }
}

async fn sqlite(url: &str, rows: &[SealedRow], total: i64) -> u128 {
    let options: SqliteConnectOptions = url.parse().unwrap();
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-65536");
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let start = Instant::now();
    let mut tx = connection.begin().await.unwrap();
    sqlx::query(HEAD)
        .bind([1_u8; 32].as_slice())
        .bind(i64::try_from(rows.len()).unwrap())
        .bind(total)
        .execute(&mut *tx)
        .await
        .unwrap();
    let mut first = 1_i64;
    for part in rows.chunks(CHUNK) {
        people_of(&mut tx, first, part).await;
        wages_of(&mut tx, first, part).await;
        first += i64::try_from(part.len()).unwrap();
    }
    tx.commit().await.unwrap();
    start.elapsed().as_millis()
}

async fn people_of(tx: &mut SqliteConnection, first: i64, part: &[SealedRow]) {
    let numbered = || (first..).zip(part);
    let mut workers: QueryBuilder<Sqlite> =
        QueryBuilder::new("INSERT INTO worker (id, blind, sealed) ");
    workers.push_values(numbered(), |mut values, (id, row)| {
        values
            .push_bind(id)
            .push_bind(row.worker_blind.as_slice())
            .push_bind(&row.worker_sealed);
    });
    workers.build().execute(&mut *tx).await.unwrap();
    let mut bindings: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO binding (id, worker_id, blind, account_blind, sealed, cnaps) ",
    );
    bindings.push_values(numbered(), |mut values, (id, row)| {
        values
            .push_bind(id)
            .push_bind(id)
            .push_bind(row.binding_blind.as_slice())
            .push_bind(row.account_blind.as_slice())
            .push_bind(&row.binding_sealed)
            .push_bind(row.cnaps.as_deref());
    });
    bindings.build().execute(tx).await.unwrap();
}

async fn wages_of(tx: &mut SqliteConnection, first: i64, part: &[SealedRow]) {
    let numbered = || (first..).zip(part);
    let mut items: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO wage_item (batch_id, row_no, worker_id, binding_id, amount_fen) ",
    );
    items.push_values(numbered(), |mut values, (id, row)| {
        values
            .push_bind(1)
            .push_bind(row.row)
            .push_bind(id)
            .push_bind(id)
            .push_bind(row.amount.get());
    });
    items.build().execute(&mut *tx).await.unwrap();
    let mut slots: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO wage_slot (project_id, pay_month, worker_id, batch_id, row_no) ",
    );
    slots.push_values(numbered(), |mut values, (id, row)| {
        values
            .push_bind(1)
            .push_bind("2026-10")
            .push_bind(id)
            .push_bind(1)
            .push_bind(row.row);
    });
    slots.build().execute(tx).await.unwrap();
}

async fn postgres(url: &str, rows: &[SealedRow], total: i64) -> u128 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let start = Instant::now();
    let mut tx = connection.begin().await.unwrap();
    sqlx::query(HEAD)
        .bind([1_u8; 32].as_slice())
        .bind(i64::try_from(rows.len()).unwrap())
        .bind(total)
        .execute(&mut *tx)
        .await
        .unwrap();
    for (statement, columns, fields) in TABLES {
        let mut copy = tx.copy_in_raw(statement).await.unwrap();
        let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        for (id, row) in (1_i64..).zip(rows) {
            out.extend(columns.to_be_bytes());
            fields(&mut out, id, row);
            if out.len() > 4 << 20 {
                copy.send(out.as_slice()).await.unwrap();
                out.clear();
            }
        }
        out.extend((-1_i16).to_be_bytes());
        copy.send(out.as_slice()).await.unwrap();
        copy.finish().await.unwrap();
    }
    tx.commit().await.unwrap();
    start.elapsed().as_millis()
}

const TABLES: [(&str, i16, Fields); 4] = [
    (
        "COPY worker (id, blind, sealed) FROM STDIN (FORMAT binary)",
        3,
        |out, id, row| {
            int(out, id);
            raw(out, &row.worker_blind);
            raw(out, &row.worker_sealed);
        },
    ),
    (
        "COPY binding (id, worker_id, blind, account_blind, sealed, cnaps) FROM STDIN (FORMAT binary)",
        6,
        |out, id, row| {
            int(out, id);
            int(out, id);
            raw(out, &row.binding_blind);
            raw(out, &row.account_blind);
            raw(out, &row.binding_sealed);
            raw(out, row.cnaps.as_deref().unwrap_or_default().as_bytes());
        },
    ),
    (
        "COPY wage_item (batch_id, row_no, worker_id, binding_id, amount_fen) FROM STDIN (FORMAT binary)",
        5,
        |out, id, row| {
            int(out, 1);
            int(out, row.row.into());
            int(out, id);
            int(out, id);
            int(out, row.amount.get());
        },
    ),
    (
        "COPY wage_slot (project_id, pay_month, worker_id, batch_id, row_no) FROM STDIN (FORMAT binary)",
        5,
        |out, id, row| {
            int(out, 1);
            raw(out, b"2026-10");
            int(out, id);
            int(out, 1);
            int(out, row.row.into());
        },
    ),
];

/// Writes one row's fields.
type Fields = fn(&mut Vec<u8>, i64, &SealedRow);

fn int(out: &mut Vec<u8>, value: i64) {
    raw(out, &value.to_be_bytes());
}

fn raw(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
    out.extend(value);
}
