//! A project's roster on its way in: a chunk of workers in a dozen statements, all of it in one transaction.

use std::collections::HashSet;

use jiff::civil::Date;
use sqlx::{PgConnection, PgPool};

use super::columns::Columns;
use super::{audit, cards, people, versions};
use crate::store::chain::{Act, Print};
use crate::store::enrolment::{self, Changes, Enrolled, Known};
use crate::store::enrolment::{Elsewhere, outside};
use crate::store::{
    Conflict, Registered, RosterSource, SealedWorker, Speaker, Stay, StoreError, Within,
};

/// Rows named in a refusal, at most.
const NAMED: usize = 1_000;

pub(super) async fn import(
    pool: &PgPool,
    project: &str,
    rows: &mut dyn RosterSource,
    speaker: &Speaker<'_>,
) -> Result<Registered, StoreError> {
    let mut tx = pool.begin().await?;
    versions::lock(&mut tx).await?;
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
        registered += import.take(&mut tx, &chunk, &mut seen).await?;
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
    connection: &mut PgConnection,
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
        tx: &mut PgConnection,
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
        tx: &mut PgConnection,
        enrolled: &[Enrolled<'_>],
    ) -> Result<Known, StoreError> {
        let workers: Vec<i64> = enrolled.iter().map(|one| one.worker).collect();
        let mut known = Known::default();
        let names = sqlx::query(
            "SELECT worker_id, name_blind FROM worker_profile WHERE worker_id = ANY ($1)",
        )
        .bind(&workers)
        .fetch_all(&mut *tx)
        .await?;
        for row in &names {
            known
                .names
                .insert(row.int("worker_id")?, row.array("name_blind")?);
        }
        let stays = sqlx::query(
            "SELECT worker_id, entered_on, left_on, work_role, team FROM presence
             WHERE project_id = $1 AND worker_id = ANY ($2) ORDER BY worker_id, entered_on",
        )
        .bind(self.project.0)
        .bind(&workers)
        .fetch_all(&mut *tx)
        .await?;
        for row in &stays {
            let stays = known.stays.entry(row.int("worker_id")?).or_default();
            stays.push(Stay::read(row)?);
        }
        let claimed: Vec<i64> = enrolled.iter().filter_map(|one| one.card).collect();
        cards::known(tx, &mut known, &workers, &claimed).await?;
        let Speaker { within, today, .. } = self.speaker;
        known.on_sites_of_others = on_sites_of_others(tx, &workers, within, today).await?;
        Ok(known)
    }

    async fn write(&self, tx: &mut PgConnection, changes: &Changes<'_>) -> Result<(), StoreError> {
        write_profiles(tx, changes).await?;
        self.write_stays(tx, changes).await?;
        self.write_attendance(tx, changes).await?;
        cards::change(tx, &changes.cards).await?;
        let (by, at) = (self.speaker.by, self.speaker.at.as_millisecond());
        cards::append(tx, &changes.words, by, at).await
    }

    async fn write_stays(
        &self,
        tx: &mut PgConnection,
        changes: &Changes<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM presence WHERE project_id = $1 AND worker_id = ANY ($2)")
            .bind(self.project.0)
            .bind(
                changes
                    .stays
                    .iter()
                    .map(|(worker, _)| *worker)
                    .collect::<Vec<_>>(),
            )
            .execute(&mut *tx)
            .await?;
        let stays: Vec<_> = changes
            .stays
            .iter()
            .flat_map(|(worker, stays)| stays.iter().map(move |stay| (*worker, stay)))
            .collect();
        sqlx::query(
            "INSERT INTO presence (project_id, worker_id, entered_on, left_on, work_role, team)
             SELECT $1, worker_id, entered_on, left_on, work_role, team
             FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS new (worker_id, entered_on, left_on, work_role, team)",
        )
        .bind(self.project.0)
        .bind(stays.iter().map(|(worker, _)| *worker).collect::<Vec<_>>())
        .bind(stays.iter().map(|(_, stay)| stay.entered_on.to_string()).collect::<Vec<_>>())
        .bind(stays.iter().map(|(_, stay)| stay.left_on.map(|date| date.to_string())).collect::<Vec<_>>())
        .bind(stays.iter().map(|(_, stay)| stay.role.code()).collect::<Vec<_>>())
        .bind(stays.iter().map(|(_, stay)| stay.team.as_str()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
        Ok(())
    }

    async fn write_attendance(
        &self,
        tx: &mut PgConnection,
        changes: &Changes<'_>,
    ) -> Result<(), StoreError> {
        let attendance = &changes.attendance;
        sqlx::query(
            "INSERT INTO attendance (project_id, worker_id, month, days)
             SELECT $1, worker_id, month, days FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS new (worker_id, month, days)
             ON CONFLICT (project_id, month, worker_id) DO UPDATE SET days = excluded.days",
        )
        .bind(self.project.0)
        .bind(attendance.iter().map(|(worker, _, _)| *worker).collect::<Vec<_>>())
        .bind(attendance.iter().map(|(_, month, _)| month.to_string()).collect::<Vec<_>>())
        .bind(attendance.iter().map(|(_, _, days)| i64::from(*days)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Which of the workers are on the site of a project that is not the speaker's, or come to one.
pub(super) async fn on_sites_of_others(
    tx: &mut PgConnection,
    workers: &[i64],
    within: &Within,
    today: Date,
) -> Result<HashSet<i64>, StoreError> {
    if *within == Within::All {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query(
        "SELECT DISTINCT s.worker_id, p.code, p.region FROM presence s JOIN project p ON p.id = s.project_id
         WHERE s.worker_id = ANY ($1) AND (s.left_on IS NULL OR s.left_on >= $2)",
    )
    .bind(workers)
    .bind(today.to_string())
    .fetch_all(tx)
    .await?;
    outside(&rows, within)
}

/// Keeps workers and cards that are new, and gives everybody's keys.
async fn enrol<'a>(
    tx: &mut PgConnection,
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
        .filter_map(|(row, worker)| Some((*worker, row.card.as_ref()?)))
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

async fn write_profiles(tx: &mut PgConnection, changes: &Changes<'_>) -> Result<(), StoreError> {
    let profiles = &changes.profiles;
    sqlx::query(
        "INSERT INTO worker_profile (worker_id, name_blind, sealed, digest)
         SELECT worker_id, name_blind, sealed, digest
         FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[]) AS new (worker_id, name_blind, sealed, digest)
         ON CONFLICT (worker_id) DO UPDATE SET name_blind = excluded.name_blind, sealed = excluded.sealed, digest = excluded.digest",
    )
    .bind(profiles.iter().map(|(worker, _)| *worker).collect::<Vec<_>>())
    .bind(profiles.iter().map(|(_, profile)| profile.name_blind.as_slice()).collect::<Vec<_>>())
    .bind(profiles.iter().map(|(_, profile)| profile.sealed.as_slice()).collect::<Vec<_>>())
    .bind(profiles.iter().map(|(_, profile)| profile.digest.as_slice()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Looks at the end, so that it does not matter in which order two workers change cards: an account is at most one worker's.
pub(super) async fn refuse_shared(
    tx: &mut PgConnection,
    named: &[(i64, u32)],
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT n.row_no FROM unnest($1::bigint[], $2::bigint[]) AS n (worker_id, row_no)
         JOIN current_card c ON c.worker_id = n.worker_id JOIN binding g ON g.id = c.binding_id
         WHERE EXISTS (SELECT FROM binding o JOIN current_card d ON d.binding_id = o.id
           WHERE o.account_blind = g.account_blind AND o.worker_id <> g.worker_id)",
    )
    .bind(named.iter().map(|(worker, _)| *worker).collect::<Vec<_>>())
    .bind(
        named
            .iter()
            .map(|(_, row)| i64::from(*row))
            .collect::<Vec<_>>(),
    )
    .fetch_all(tx)
    .await?;
    let shared = rows
        .iter()
        .map(|row| row.number("row_no"))
        .collect::<Result<Vec<_>, _>>()?;
    Conflict::of_shared(shared, NAMED).map_or(Ok(()), |conflict| Err(conflict.into()))
}
