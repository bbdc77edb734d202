//! Regions, contractors and projects with their special accounts, as imported and as they stand.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::pages::codes;
use super::{CHUNK, audit, versions, write};
use crate::store::chain::Act;
use crate::store::register::stated;
use crate::store::versions::Versions;
use crate::store::{ContractorEntry, ProjectEntry, RegionEntry, Registered, StoreError, Within};

pub(super) async fn import_regions(
    pool: &SqlitePool,
    regions: &[RegionEntry],
    by: &str,
    at: Timestamp,
) -> Result<Registered, StoreError> {
    let mut tx = write(pool).await?;
    let known = all_regions(&mut tx).await?;
    for part in regions.chunks(CHUNK) {
        QueryBuilder::new("INSERT INTO region (code, name, base_projects) ")
            .push_values(part, |mut values, region| {
                values
                    .push_bind(region.code.to_string())
                    .push_bind(&region.name)
                    .push_bind(region.base_projects);
            })
            .push(" ON CONFLICT (code) DO UPDATE SET name = excluded.name, base_projects = excluded.base_projects")
            .build()
            .execute(&mut *tx)
            .await?;
    }
    let versions = Versions::of_regions(regions);
    versions::append(&mut tx, &versions, by, at.as_millisecond()).await?;
    let before = Versions::of_regions(&known);
    let registered = Registered::of_regions(&known, regions);
    let detail = registered.detail("regions");
    let act = Act {
        at,
        who: by,
        action: "regions.import",
        subject: "",
        detail: &detail,
        before: Some(before.print()),
        after: Some(before.then(versions).print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(registered)
}

pub(super) async fn regions(pool: &SqlitePool) -> Result<Vec<RegionEntry>, StoreError> {
    all_regions(&mut *pool.acquire().await?).await
}

async fn all_regions(connection: &mut SqliteConnection) -> Result<Vec<RegionEntry>, StoreError> {
    let rows = sqlx::query("SELECT code, name, base_projects FROM region ORDER BY code")
        .fetch_all(connection)
        .await?;
    rows.iter().map(RegionEntry::read).collect()
}

pub(super) async fn import_contractors(
    pool: &SqlitePool,
    contractors: &[ContractorEntry],
    by: &str,
    at: Timestamp,
) -> Result<Registered, StoreError> {
    let mut tx = write(pool).await?;
    let mut known = Vec::new();
    for part in contractors.chunks(CHUNK) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT uscc, name FROM contractor WHERE uscc IN (");
        let mut codes = query.separated(", ");
        for contractor in part {
            codes.push_bind(&contractor.uscc);
        }
        let rows = query.push(")").build().fetch_all(&mut *tx).await?;
        for row in &rows {
            known.push(ContractorEntry::read(row)?);
        }
        name_contractors(&mut tx, part).await?;
    }
    let versions = Versions::of_contractors(contractors);
    versions::append(&mut tx, &versions, by, at.as_millisecond()).await?;
    let before = Versions::of_contractors(&known);
    let registered = Registered::of_contractors(&known, contractors);
    let detail = registered.detail("contractors");
    let act = Act {
        at,
        who: by,
        action: "contractors.import",
        subject: "",
        detail: &detail,
        before: Some(before.print()),
        after: Some(before.then(versions).print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(registered)
}

/// A contractor has one name, on all its projects.
async fn name_contractors(
    tx: &mut SqliteConnection,
    contractors: &[ContractorEntry],
) -> Result<(), StoreError> {
    QueryBuilder::<Sqlite>::new("INSERT INTO contractor (uscc, name) ")
        .push_values(contractors, |mut values, contractor| {
            values
                .push_bind(&contractor.uscc)
                .push_bind(&contractor.name);
        })
        .push(" ON CONFLICT (uscc) DO UPDATE SET name = excluded.name")
        .build()
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE project SET contractor = c.name FROM contractor c WHERE c.uscc = project.contractor_uscc AND c.name <> project.contractor",
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn contractors(
    pool: &SqlitePool,
    within: &Within,
    after: &str,
    limit: u32,
) -> Result<Vec<ContractorEntry>, StoreError> {
    let rows =
        sqlx::query(
            "SELECT c.uscc, c.name FROM contractor c WHERE c.uscc > $1 AND ($3 OR c.uscc IN (SELECT p.contractor_uscc FROM project p
               WHERE ($4 IS NULL OR p.code IN (SELECT value FROM json_each($4))) AND substr(p.region, 1, length($5)) = $5))
             ORDER BY c.uscc LIMIT $2",
        )
            .bind(after)
            .bind(limit)
            .bind(*within == Within::All)
            .bind(codes(within))
            .bind(within.prefix())
            .fetch_all(pool)
            .await?;
    rows.iter().map(ContractorEntry::read).collect()
}

pub(super) async fn import_projects(
    pool: &SqlitePool,
    projects: &[ProjectEntry],
    by: &str,
    at: Timestamp,
) -> Result<Registered, StoreError> {
    let mut tx = write(pool).await?;
    let known = all_projects(&mut tx).await?;
    let regions = all_regions(&mut tx).await?;
    let projects = stated(&known, &regions, projects)?;
    for part in projects.chunks(CHUNK) {
        name_accounts(&mut tx, part).await?;
        upsert_projects(&mut tx, part).await?;
        name_contractors(&mut tx, &ContractorEntry::of(part)).await?;
        set_aliases(&mut tx, part).await?;
    }
    let versions = Versions::of_projects(&projects);
    versions::append(&mut tx, &versions, by, at.as_millisecond()).await?;
    let before = Versions::of_projects(&known);
    let registered = Registered::of_projects(&known, &projects);
    let detail = registered.detail("projects");
    let act = Act {
        at,
        who: by,
        action: "projects.import",
        subject: "",
        detail: &detail,
        before: Some(before.print()),
        after: Some(before.then(versions).print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(registered)
}

async fn name_accounts(
    tx: &mut SqliteConnection,
    projects: &[ProjectEntry],
) -> Result<(), StoreError> {
    QueryBuilder::new("INSERT INTO special_account (bank, number, name) ")
        .push_values(projects, |mut values, project| {
            values
                .push_bind(&project.bank)
                .push_bind(&project.account)
                .push_bind(&project.account_name);
        })
        .push(" ON CONFLICT (bank, number) DO UPDATE SET name = excluded.name")
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

async fn upsert_projects(
    tx: &mut SqliteConnection,
    projects: &[ProjectEntry],
) -> Result<(), StoreError> {
    QueryBuilder::new("WITH new (code, name, region, uscc, contractor, bank, number) AS (")
        .push_values(projects, |mut values, project| {
            values
                .push_bind(&project.code)
                .push_bind(&project.name)
                .push_bind(project.region.to_string())
                .push_bind(&project.contractor_uscc)
                .push_bind(&project.contractor)
                .push_bind(&project.bank)
                .push_bind(&project.account);
        })
        .push(
            ") INSERT INTO project (code, name, region, contractor_uscc, contractor, account_id)
               SELECT new.code, new.name, new.region, new.uscc, new.contractor, a.id
               FROM new JOIN special_account a ON a.bank = new.bank AND a.number = new.number WHERE TRUE
               ON CONFLICT (code) DO UPDATE SET name = excluded.name, region = excluded.region,
                 contractor_uscc = excluded.contractor_uscc, contractor = excluded.contractor",
        )
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// The aliases of these projects' accounts become those that are stated.
async fn set_aliases(
    tx: &mut SqliteConnection,
    projects: &[ProjectEntry],
) -> Result<(), StoreError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "DELETE FROM account_alias WHERE account_id IN (SELECT account_id FROM project WHERE code IN (",
    );
    let mut codes = query.separated(", ");
    for project in projects {
        codes.push_bind(&project.code);
    }
    query.push("))").build().execute(&mut *tx).await?;
    let aliases: Vec<_> = projects
        .iter()
        .flat_map(|project| {
            project
                .aliases
                .iter()
                .map(move |alias| (&project.code, alias))
        })
        .collect();
    for part in aliases.chunks(CHUNK) {
        QueryBuilder::new("WITH new (code, alias) AS (")
            .push_values(part, |mut values, (code, alias)| {
                values.push_bind(*code).push_bind(*alias);
            })
            .push(
                ") INSERT INTO account_alias (account_id, alias)
                   SELECT p.account_id, new.alias FROM new JOIN project p ON p.code = new.code",
            )
            .build()
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Projects with their accounts; SQLite compares text byte by byte, which is the order that is wanted.
macro_rules! projects {
    ($which:literal) => {
        concat!(
            "SELECT p.code, p.name, p.region, p.contractor_uscc, p.contractor, a.bank, a.number, a.name AS account_name,
               (SELECT json_group_array(l.alias ORDER BY l.alias) FROM account_alias l WHERE l.account_id = a.id) AS aliases
             FROM project p JOIN special_account a ON a.id = p.account_id WHERE ", $which, " ORDER BY p.code"
        )
    };
}

async fn all_projects(connection: &mut SqliteConnection) -> Result<Vec<ProjectEntry>, StoreError> {
    let rows = sqlx::query(projects!("TRUE")).fetch_all(connection).await?;
    rows.iter().map(ProjectEntry::read).collect()
}

pub(super) async fn project(pool: &SqlitePool, code: &str) -> Result<ProjectEntry, StoreError> {
    let row = sqlx::query(projects!("p.code = $1"))
        .bind(code)
        .fetch_optional(pool)
        .await?;
    let entry = row.as_ref().map(ProjectEntry::read).transpose()?;
    entry.ok_or_else(|| StoreError::NotFound {
        what: "project",
        key: code.to_owned(),
    })
}
