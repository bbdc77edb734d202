//! Notices: written in the transaction of what they tell, with a task that puts them before those who subscribed.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use wagegate_domain::attempt::State;
use wagegate_domain::outcome::Place;

use super::columns::Columns;
use super::tasks;
use crate::store::funds::Lack;
use crate::store::moves::Moves;
use crate::store::notice::{Details, NoticeKind, details};
use crate::store::troubles::{Figure, Troubles, perhaps_settled, settled};
use crate::store::{BatchView, StoreError, TaskKind};

/// Writes a notice about a batch. Nobody else's row is locked by it.
pub(super) async fn append(
    tx: &mut PgConnection,
    kind: NoticeKind,
    batch: i64,
    at: Timestamp,
    more: Details,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT b.code, b.pay_month, p.code AS project, p.region, a.bank FROM batch b
         JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id WHERE b.id = $1",
    )
    .bind(batch)
    .fetch_one(&mut *tx)
    .await?;
    let (project, region, bank) = (row.text("project")?, row.text("region")?, row.text("bank")?);
    let mut data = details([
        ("batch", row.text("code")?.into()),
        ("month", row.text("pay_month")?.into()),
        ("project", project.as_str().into()),
        ("region", region.as_str().into()),
        ("bank", bank.as_str().into()),
    ]);
    data.extend(more);
    let data = Value::Object(data).to_string();
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO notice (kind, project, region, bank, data, at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(kind.code())
    .bind(project)
    .bind(region)
    .bind(bank)
    .bind(data)
    .bind(at.as_millisecond())
    .fetch_one(&mut *tx)
    .await?;
    // With nobody to tell, the notice is there for a later replay all the same.
    sqlx::query(
        "INSERT INTO task (kind, priority, subject, due_at) SELECT $1, $2::bigint, $3, $4::bigint WHERE EXISTS (SELECT 1 FROM webhook)",
    )
    .bind(TaskKind::Announce.code())
    .bind(tasks::priority(TaskKind::Announce))
    .bind(id.to_string())
    .bind(at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// What a batch came to: submitted, released, refused.
pub(super) async fn of_batch(
    tx: &mut PgConnection,
    kind: NoticeKind,
    batch: &BatchView,
    at: Timestamp,
) -> Result<(), StoreError> {
    let more = details([
        ("rows", json!(batch.rows)),
        ("fen", json!(batch.total.get())),
    ]);
    append(tx, kind, batch.id, at, more).await
}

/// Where an instruction has come to; what is only planned is nobody's business yet.
pub(super) async fn of_instruction(
    tx: &mut PgConnection,
    instruction: i64,
    state: State,
    at: Timestamp,
) -> Result<(), StoreError> {
    let kind = match state {
        State::Planned => return Ok(()),
        State::Sending => NoticeKind::InstructionSent,
        State::InDoubt => NoticeKind::InstructionInDoubt,
        State::Accepted => NoticeKind::InstructionAccepted,
        State::Refused => NoticeKind::InstructionRefused,
    };
    let row = sqlx::query(
        "SELECT batch_id, bank_key, part, row_count, total_fen FROM instruction WHERE id = $1",
    )
    .bind(instruction)
    .fetch_one(&mut *tx)
    .await?;
    let more = details([
        ("instruction", row.text("bank_key")?.into()),
        ("part", row.int("part")?.into()),
        ("rows", row.int("row_count")?.into()),
        ("fen", row.int("total_fen")?.into()),
    ]);
    append(tx, kind, row.int("batch_id")?, at, more).await
}

/// Tells once of a release that its account does not cover; the batch waits for the money.
pub(super) async fn of_shortage(
    tx: &mut PgConnection,
    batch: i64,
    lack: Lack,
    at: Timestamp,
) -> Result<(), StoreError> {
    let more = details([
        ("short_fen", json!(lack.missing.get())),
        ("available_fen", json!(lack.available.get())),
    ]);
    append(tx, NoticeKind::AccountShort, batch, at, more).await
}

/// Wages that failed or came back, and batches whose last wage has its word now.
pub(super) async fn of_facts(
    tx: &mut PgConnection,
    troubles: &Troubles,
    moves: &Moves,
    at: Timestamp,
) -> Result<(), StoreError> {
    for (batch, kind, more) in troubles.notices() {
        append(tx, kind, batch, at, more).await?;
    }
    for (batch, more) in settled(&figures(tx, &perhaps_settled(moves)).await?) {
        append(tx, NoticeKind::BatchSettled, batch, at, more).await?;
    }
    Ok(())
}

/// The tallies of some batches.
async fn figures(tx: &mut PgConnection, batches: &[i64]) -> Result<Vec<Figure>, StoreError> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT batch_id, place, item_count, total_fen FROM tally WHERE batch_id = ANY ($1) ORDER BY batch_id, place",
    )
    .bind(batches)
    .fetch_all(tx)
    .await?;
    let figure = |row: &PgRow| {
        Ok((
            row.int("batch_id")?,
            row.parsed("place", Place::from_code)?,
            row.number("item_count")?,
            row.fen("total_fen")?,
        ))
    };
    rows.iter().map(figure).collect()
}
