//! A project's roster on its way in: a chunk of a thousand workers in a dozen statements, all of it in one transaction.

use std::collections::HashSet;

use jiff::civil::Date;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::people::{self, Card};
use super::{CHUNK, audit, cards, versions, write};
use crate::store::chain::{Act, Print};
use crate::store::columns::Columns;
use crate::store::enrolment::{self, Changes, Enrolled, Known};
use crate::store::enrolment::{Elsewhere, outside};
use crate::store::{
    Conflict, Registered, RosterSource, SealedWorker, Speaker, Stay, StoreError, Within,
};

/// Rows named in a refusal, at most.
const NAMED: usize = 1_000;

pub(super) async fn import(
    pool: &SqlitePool,
    project: &str,
    rows: &mut dyn RosterSource,
    speaker: &Speaker<'_>,
) -> Result<Registered, StoreError> {
    let mut tx = write(pool).await?;
    let id = project_id(&mut tx, project).await?;
    let import = Import {
        project: (id, project),
        speaker: *speaker,
    };
    let (mut registered, mut seen) = (Registered::default(), Seen::default());
    loop {
        let chunk = rows.next_chunk().await?;
        if chunk.is_empty() {
            break;
        }
        for part in chunk.chunks(CHUNK) {
            let changes = import.take(&mut tx, part, &mut seen).await?;
            registered += changes;
        }
    }
    if let Some(conflict) = Conflict::of_elsewhere(seen.elsewhere, NAMED) {
        return Err(conflict.into());
    }
    refuse_shared(&mut tx, &seen.named).await?;
    let detail = registered.detail("workers");
    let act = Act {
        at: speaker.at,
        who: speaker.by,
        action: "roster.import",
        subject: project,
        detail: &detail,
        before: None,
        after: Some(seen.print.end()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(registered)
}

pub(super) async fn project_id(
    connection: &mut SqliteConnection,
    project: &str,
) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT id FROM project WHERE code = $1")
        .bind(project)
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| StoreError::NotFound {
            what: "project",
            key: project.to_owned(),
        })
}

/// Whose roster, by whom and when.
struct Import<'a> {
    project: (i64, &'a str),
    speaker: Speaker<'a>,
}

/// What is looked at when all chunks are in.
#[derive(Default)]
struct Seen {
    /// Whose card changed, with the row.
    named: Vec<(i64, u32)>,
    /// What is not this project's to change, with the row.
    elsewhere: Vec<(u32, Elsewhere)>,
    print: Print,
}

impl Import<'_> {
    /// Takes one chunk.
    async fn take(
        &self,
        tx: &mut SqliteConnection,
        rows: &[SealedWorker],
        seen: &mut Seen,
    ) -> Result<Registered, StoreError> {
        let enrolled = enrol(tx, rows).await?;
        let mut known = self.known(tx, &enrolled).await?;
        seen.elsewhere
            .extend(enrolment::not_theirs(&enrolled, &known));
        let plan = enrolment::plan(self.project.1, &enrolled, &mut known);
        plan.versions.add_to(&mut seen.print);
        let (by, at) = (self.speaker.by, self.speaker.at.as_millisecond());
        let appended = versions::append(tx, &plan.versions, by, at).await?;
        let changes = plan.changes(&enrolled, &known, &appended);
        self.write(tx, &changes).await?;
        seen.named.extend(
            changes
                .cards
                .iter()
                .map(|(worker, change)| (*worker, change.row)),
        );
        Ok(changes.registered)
    }

    async fn known(
        &self,
        tx: &mut SqliteConnection,
        enrolled: &[Enrolled<'_>],
    ) -> Result<Known, StoreError> {
        let workers: Vec<i64> = enrolled.iter().map(|one| one.worker).collect();
        let mut known = Known::default();
        let mut query = QueryBuilder::new(
            "SELECT worker_id, name_blind FROM worker_profile WHERE worker_id IN (",
        );
        list(&mut query, &workers);
        for row in &query.push(")").build().fetch_all(&mut *tx).await? {
            known
                .names
                .insert(row.int("worker_id")?, row.array("name_blind")?);
        }
        let mut query = QueryBuilder::new(
            "SELECT worker_id, entered_on, left_on, work_role, team FROM presence WHERE project_id = ",
        );
        query.push_bind(self.project.0).push(" AND worker_id IN (");
        list(&mut query, &workers);
        query.push(") ORDER BY worker_id, entered_on");
        for row in &query.build().fetch_all(&mut *tx).await? {
            let stays = known.stays.entry(row.int("worker_id")?).or_default();
            stays.push(Stay::read(row)?);
        }
        let claimed: Vec<i64> = enrolled.iter().filter_map(|one| one.card).collect();
        cards::known(tx, &mut known, &workers, &claimed).await?;
        let Speaker { within, today, .. } = self.speaker;
        known.on_sites_of_others = on_sites_of_others(tx, &workers, within, today).await?;
        Ok(known)
    }

    async fn write(
        &self,
        tx: &mut SqliteConnection,
        changes: &Changes<'_>,
    ) -> Result<(), StoreError> {
        write_profiles(tx, changes).await?;
        self.write_stays(tx, changes).await?;
        self.write_attendance(tx, changes).await?;
        cards::change(tx, &changes.cards).await?;
        let (by, at) = (self.speaker.by, self.speaker.at.as_millisecond());
        cards::append(tx, &changes.words, by, at).await
    }

    async fn write_stays(
        &self,
        tx: &mut SqliteConnection,
        changes: &Changes<'_>,
    ) -> Result<(), StoreError> {
        if changes.stays.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("DELETE FROM presence WHERE project_id = ");
        query.push_bind(self.project.0).push(" AND worker_id IN (");
        let workers: Vec<i64> = changes.stays.iter().map(|(worker, _)| *worker).collect();
        list(&mut query, &workers);
        query.push(")").build().execute(&mut *tx).await?;
        let stays: Vec<_> = changes
            .stays
            .iter()
            .flat_map(|(worker, stays)| stays.iter().map(move |stay| (*worker, stay)))
            .collect();
        for part in stays.chunks(CHUNK) {
            QueryBuilder::new(
                "INSERT INTO presence (project_id, worker_id, entered_on, left_on, work_role, team) ",
            )
            .push_values(part, |mut values, (worker, stay)| {
                values
                    .push_bind(self.project.0)
                    .push_bind(*worker)
                    .push_bind(stay.entered_on.to_string())
                    .push_bind(stay.left_on.map(|date| date.to_string()))
                    .push_bind(stay.role.code())
                    .push_bind(&stay.team);
            })
            .build()
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }

    async fn write_attendance(
        &self,
        tx: &mut SqliteConnection,
        changes: &Changes<'_>,
    ) -> Result<(), StoreError> {
        for part in changes.attendance.chunks(CHUNK) {
            QueryBuilder::new("INSERT INTO attendance (project_id, worker_id, month, days) ")
                .push_values(part, |mut values, (worker, month, days)| {
                    values
                        .push_bind(self.project.0)
                        .push_bind(*worker)
                        .push_bind(month.to_string())
                        .push_bind(i64::from(*days));
                })
                .push(" ON CONFLICT (project_id, month, worker_id) DO UPDATE SET days = excluded.days")
                .build()
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

/// Which of the workers are on the site of a project that is not the speaker's, or come to one.
pub(super) async fn on_sites_of_others(
    tx: &mut SqliteConnection,
    workers: &[i64],
    within: &Within,
    today: Date,
) -> Result<HashSet<i64>, StoreError> {
    if *within == Within::All {
        return Ok(HashSet::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT DISTINCT s.worker_id, p.code, p.region FROM presence s JOIN project p ON p.id = s.project_id
         WHERE (s.left_on IS NULL OR s.left_on >= ",
    );
    query
        .push_bind(today.to_string())
        .push(") AND s.worker_id IN (");
    list(&mut query, workers);
    let rows = query.push(")").build().fetch_all(tx).await?;
    outside(&rows, within)
}

/// Keeps workers and cards that are new, and gives everybody's keys.
async fn enrol<'a>(
    tx: &mut SqliteConnection,
    rows: &'a [SealedWorker],
) -> Result<Vec<Enrolled<'a>>, StoreError> {
    let faces: Vec<_> = rows
        .iter()
        .map(|row| (&row.blind, row.sealed.as_slice()))
        .collect();
    let workers = people::keep_workers(tx, &faces).await?;
    let claims: Vec<_> = rows
        .iter()
        .zip(&workers)
        .filter_map(|(row, worker)| Some(Card::of(*worker, row.card.as_ref()?)))
        .collect();
    let mut bindings = people::keep_cards(tx, &claims).await?.into_iter();
    Ok(rows
        .iter()
        .zip(workers)
        .map(|(row, worker)| Enrolled {
            row,
            worker,
            card: row.card.as_ref().and_then(|_| bindings.next()),
        })
        .collect())
}

async fn write_profiles(
    tx: &mut SqliteConnection,
    changes: &Changes<'_>,
) -> Result<(), StoreError> {
    if changes.profiles.is_empty() {
        return Ok(());
    }
    QueryBuilder::new("INSERT INTO worker_profile (worker_id, name_blind, sealed, digest) ")
        .push_values(&changes.profiles, |mut values, (worker, profile)| {
            values
                .push_bind(*worker)
                .push_bind(profile.name_blind.as_slice())
                .push_bind(&profile.sealed)
                .push_bind(profile.digest.as_slice());
        })
        .push(
            " ON CONFLICT (worker_id) DO UPDATE SET name_blind = excluded.name_blind, sealed = excluded.sealed, digest = excluded.digest",
        )
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// Looks at the end, so that it does not matter in which order two workers change cards: an account is at most one worker's.
pub(super) async fn refuse_shared(
    tx: &mut SqliteConnection,
    named: &[(i64, u32)],
) -> Result<(), StoreError> {
    let mut shared = Vec::new();
    for part in named.chunks(CHUNK) {
        let rows = QueryBuilder::new("WITH named (worker_id, row_no) AS (")
            .push_values(part, |mut values, (worker, row)| {
                values.push_bind(*worker).push_bind(i64::from(*row));
            })
            .push(
                ") SELECT n.row_no FROM named n CROSS JOIN current_card c ON c.worker_id = n.worker_id
                   CROSS JOIN binding g ON g.id = c.binding_id
                   WHERE EXISTS (SELECT 1 FROM binding o JOIN current_card d ON d.binding_id = o.id
                     WHERE o.account_blind = g.account_blind AND o.worker_id <> g.worker_id)",
            )
            .build()
            .fetch_all(&mut *tx)
            .await?;
        for row in &rows {
            shared.push(row.number("row_no")?);
        }
    }
    Conflict::of_shared(shared, NAMED).map_or(Ok(()), |conflict| Err(conflict.into()))
}

pub(super) fn list(query: &mut QueryBuilder<Sqlite>, ids: &[i64]) {
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
}
