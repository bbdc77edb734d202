//! A project's workers as registered: in pages, and one with all that is known of the stays and cards.

use jiff::civil::Date;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};
use wagegate_domain::PayMonth;
use wagegate_domain::ids::Region;

use super::roster::project_id;
use super::{cards, versions};
use crate::store::columns::Columns;
use crate::store::enrolment::{attendance_subject, presence_subject};
use crate::store::{CardView, RosterFilter, Stay, StoreError, WorkerRecord, WorkerView};

/// A card as the last word on it leaves it; one without any word is unverified and of no known kind.
macro_rules! card {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " g.id AS card_id, g.worker_id AS card_worker, g.blind AS card_blind, g.sealed AS card_sealed, g.cnaps,
               EXISTS (SELECT 1 FROM current_card u WHERE u.binding_id = g.id) AS is_current,
               COALESCE(t.kind, 'unknown') AS kind, COALESCE(t.status, 'unverified') AS status ",
            $after
        )
    };
}

/// Its last word, beside the card `g`.
macro_rules! last_word {
    () => {
        " LEFT JOIN card_status t ON t.binding_id = g.id AND t.version = (SELECT max(v.version) FROM card_status v WHERE v.binding_id = g.id) "
    };
}

pub(super) async fn roster(
    pool: &SqlitePool,
    project: &str,
    filter: RosterFilter,
    after: i64,
    limit: u32,
) -> Result<Vec<WorkerView>, StoreError> {
    let mut reader = pool.acquire().await?;
    let project = project_id(&mut reader, project).await?;
    let mut query = of_project(project);
    query.push(" AND w.id > ").push_bind(after);
    if let Some(day) = filter.on_site {
        let day = day.to_string();
        query
            .push(" AND s.entered_on <= ")
            .push_bind(day.clone())
            .push(" AND (s.left_on IS NULL OR s.left_on >= ")
            .push_bind(day)
            .push(")");
    }
    if let Some(status) = filter.card {
        query
            .push(" AND g.id IS NOT NULL AND COALESCE(t.status, 'unverified') = ")
            .push_bind(status.code());
    }
    query.push(" ORDER BY w.id LIMIT ").push_bind(limit);
    let rows = query.build().fetch_all(&mut *reader).await?;
    rows.iter().map(WorkerView::read).collect()
}

/// Workers of a project with their last stay and their card; conditions may follow.
fn of_project(project: i64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(concat!(
        card!(
            "SELECT w.id AS worker_id, w.blind, w.sealed, f.sealed AS profile, s.entered_on, s.left_on, s.work_role, s.team,",
            "FROM presence s JOIN worker w ON w.id = s.worker_id LEFT JOIN worker_profile f ON f.worker_id = w.id
               LEFT JOIN current_card c ON c.worker_id = w.id LEFT JOIN binding g ON g.id = c.binding_id"
        ),
        last_word!(),
        "WHERE s.entered_on = (SELECT max(l.entered_on) FROM presence l WHERE l.project_id = s.project_id AND l.worker_id = s.worker_id)
           AND s.project_id = "
    ));
    query.push_bind(project);
    query
}

pub(super) async fn worker(
    pool: &SqlitePool,
    project: &str,
    id: i64,
) -> Result<WorkerRecord, StoreError> {
    // One transaction, so that all parts are of the same moment.
    let mut tx = pool.begin().await?;
    let key = project_id(&mut tx, project).await?;
    let mut query = of_project(key);
    query.push(" AND w.id = ").push_bind(id);
    let row = query.build().fetch_optional(&mut *tx).await?;
    let view = WorkerView::read(&row.ok_or_else(|| unknown("worker", id))?)?;
    let attendance = attendance(&mut tx, key, id).await?;
    let cards = all_cards(&mut tx, id).await?;
    let keys: Vec<i64> = cards.iter().map(|card| card.id).collect();
    let mut subjects = vec![
        ("worker", id.to_string()),
        ("card", id.to_string()),
        ("presence", presence_subject(id, project)),
    ];
    subjects.extend(
        attendance
            .iter()
            .map(|(month, _)| ("attendance", attendance_subject(id, project, *month))),
    );
    Ok(WorkerRecord {
        stays: stays(&mut tx, key, id).await?,
        words: cards::words(&mut tx, &keys).await?,
        versions: versions::of(&mut tx, &subjects).await?,
        view,
        attendance,
        cards,
    })
}

async fn stays(
    connection: &mut SqliteConnection,
    project: i64,
    worker: i64,
) -> Result<Vec<Stay>, StoreError> {
    let rows = sqlx::query(
        "SELECT entered_on, left_on, work_role, team FROM presence WHERE project_id = $1 AND worker_id = $2 ORDER BY entered_on",
    )
    .bind(project)
    .bind(worker)
    .fetch_all(connection)
    .await?;
    rows.iter().map(Stay::read).collect()
}

async fn attendance(
    connection: &mut SqliteConnection,
    project: i64,
    worker: i64,
) -> Result<Vec<(PayMonth, u8)>, StoreError> {
    let rows = sqlx::query(
        "SELECT month, days FROM attendance WHERE project_id = $1 AND worker_id = $2 ORDER BY month",
    )
    .bind(project)
    .bind(worker)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.month("month")?, row.number("days")?)))
        .collect()
}

async fn all_cards(
    connection: &mut SqliteConnection,
    worker: i64,
) -> Result<Vec<CardView>, StoreError> {
    let rows = sqlx::query(concat!(
        card!("SELECT", "FROM binding g"),
        last_word!(),
        "WHERE g.worker_id = $1 ORDER BY g.id"
    ))
    .bind(worker)
    .fetch_all(connection)
    .await?;
    rows.iter().map(CardView::read).collect()
}

pub(super) async fn card(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<CardView, StoreError> {
    let row = sqlx::query(concat!(
        card!("SELECT", "FROM binding g"),
        last_word!(),
        "WHERE g.id = $1"
    ))
    .bind(id)
    .fetch_optional(connection)
    .await?;
    CardView::read(&row.ok_or_else(|| unknown("card", id))?)
}

/// The projects on whose sites the worker was on that day or later: code and county.
pub(super) async fn projects_of(
    connection: &mut SqliteConnection,
    worker: i64,
    since: Date,
) -> Result<Vec<(String, Region)>, StoreError> {
    let rows = sqlx::query(
        "SELECT p.code, p.region FROM project p WHERE p.id IN (SELECT s.project_id FROM presence s WHERE s.worker_id = $1 AND (s.left_on IS NULL OR s.left_on >= $2)) ORDER BY p.code",
    )
    .bind(worker)
    .bind(since.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.text("code")?,
                row.parsed("region", |text| Region::parse(text).ok())?,
            ))
        })
        .collect()
}

pub(super) async fn must_be_on(
    connection: &mut SqliteConnection,
    project: i64,
    worker: i64,
) -> Result<(), StoreError> {
    if stays(connection, project, worker).await?.is_empty() {
        return Err(unknown("worker", worker));
    }
    Ok(())
}

fn unknown(what: &'static str, id: i64) -> StoreError {
    StoreError::NotFound {
        what,
        key: id.to_string(),
    }
}
