//! Regions, contractors and projects with their special accounts, as imported and as they stand.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::{audit, versions};
use crate::store::chain::Act;
use crate::store::register::stated;
use crate::store::versions::Versions;
use crate::store::{ContractorEntry, ProjectEntry, RegionEntry, Registered, StoreError, Within};

pub(super) async fn import_regions(
    pool: &PgPool,
    regions: &[RegionEntry],
    by: &str,
    at: Timestamp,
) -> Result<Registered, StoreError> {
    let mut tx = pool.begin().await?;
    versions::lock(&mut tx).await?;
    let known = all_regions(&mut tx).await?;
    // Of a region that comes twice the last stands, as it does in its versions.
    sqlx::query(
        "INSERT INTO region (code, name, base_projects)
         SELECT DISTINCT ON (code) code, name, base_projects
         FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS new (code, name, base_projects, place)
         ORDER BY code, place DESC
         ON CONFLICT (code) DO UPDATE SET name = excluded.name, base_projects = excluded.base_projects",
    )
    .bind(regions.iter().map(|region| region.code.to_string()).collect::<Vec<_>>())
    .bind(regions.iter().map(|region| region.name.as_str()).collect::<Vec<_>>())
    .bind(regions.iter().map(|region| region.base_projects.map(i64::from)).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
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

pub(super) async fn regions(pool: &PgPool) -> Result<Vec<RegionEntry>, StoreError> {
    all_regions(&mut *pool.acquire().await?).await
}

async fn all_regions(connection: &mut PgConnection) -> Result<Vec<RegionEntry>, StoreError> {
    let rows =
        sqlx::query("SELECT code, name, base_projects FROM region ORDER BY code COLLATE \"C\"")
            .fetch_all(connection)
            .await?;
    rows.iter().map(RegionEntry::read).collect()
}

pub(super) async fn import_contractors(
    pool: &PgPool,
    contractors: &[ContractorEntry],
    by: &str,
    at: Timestamp,
) -> Result<Registered, StoreError> {
    let mut tx = pool.begin().await?;
    versions::lock(&mut tx).await?;
    let rows = sqlx::query("SELECT uscc, name FROM contractor WHERE uscc = ANY ($1)")
        .bind(
            contractors
                .iter()
                .map(|one| one.uscc.as_str())
                .collect::<Vec<_>>(),
        )
        .fetch_all(&mut *tx)
        .await?;
    let known = rows
        .iter()
        .map(ContractorEntry::read)
        .collect::<Result<Vec<_>, _>>()?;
    name_contractors(&mut tx, contractors).await?;
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
    tx: &mut PgConnection,
    contractors: &[ContractorEntry],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO contractor (uscc, name)
         SELECT DISTINCT ON (uscc) uscc, name FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS new (uscc, name, place)
         ORDER BY uscc, place DESC
         ON CONFLICT (uscc) DO UPDATE SET name = excluded.name",
    )
    .bind(contractors.iter().map(|one| one.uscc.as_str()).collect::<Vec<_>>())
    .bind(contractors.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())
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
    pool: &PgPool,
    within: &Within,
    after: &str,
    limit: u32,
) -> Result<Vec<ContractorEntry>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.uscc, c.name FROM contractor c WHERE c.uscc > $1 COLLATE \"C\" AND ($3 OR c.uscc IN (SELECT p.contractor_uscc FROM project p
           WHERE ($4::text[] IS NULL OR p.code = ANY ($4)) AND starts_with(p.region, $5)))
         ORDER BY c.uscc COLLATE \"C\" LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .bind(*within == Within::All)
    .bind(within.codes())
    .bind(within.prefix())
    .fetch_all(pool)
    .await?;
    rows.iter().map(ContractorEntry::read).collect()
}

pub(super) async fn import_projects(
    pool: &PgPool,
    projects: &[ProjectEntry],
    by: &str,
    at: Timestamp,
) -> Result<Registered, StoreError> {
    let mut tx = pool.begin().await?;
    versions::lock(&mut tx).await?;
    let known = all_projects(&mut tx).await?;
    let regions = all_regions(&mut tx).await?;
    let projects = stated(&known, &regions, projects)?;
    upsert_projects(&mut tx, &projects).await?;
    name_contractors(&mut tx, &ContractorEntry::of(&projects)).await?;
    set_aliases(&mut tx, &projects).await?;
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

async fn upsert_projects(
    tx: &mut PgConnection,
    projects: &[ProjectEntry],
) -> Result<(), StoreError> {
    let column = |of: fn(&ProjectEntry) -> &str| projects.iter().map(of).collect::<Vec<_>>();
    let (banks, accounts) = (
        column(|project| &project.bank),
        column(|project| &project.account),
    );
    sqlx::query(
        "INSERT INTO special_account (bank, number, name)
         SELECT bank, number, name FROM unnest($1::text[], $2::text[], $3::text[]) AS new (bank, number, name) ORDER BY bank, number
         ON CONFLICT (bank, number) DO UPDATE SET name = excluded.name WHERE special_account.name <> excluded.name",
    )
    .bind(&banks)
    .bind(&accounts)
    .bind(column(|project| &project.account_name))
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO project (code, name, region, contractor_uscc, contractor, account_id)
         SELECT new.code, new.name, new.region, new.uscc, new.contractor, a.id
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
           AS new (code, name, region, uscc, contractor, bank, number)
         JOIN special_account a ON a.bank = new.bank AND a.number = new.number
         ORDER BY new.code
         ON CONFLICT (code) DO UPDATE SET name = excluded.name, region = excluded.region,
           contractor_uscc = excluded.contractor_uscc, contractor = excluded.contractor",
    )
    .bind(column(|project| &project.code))
    .bind(column(|project| &project.name))
    .bind(projects.iter().map(|project| project.region.to_string()).collect::<Vec<_>>())
    .bind(column(|project| &project.contractor_uscc))
    .bind(column(|project| &project.contractor))
    .bind(&banks)
    .bind(&accounts)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The aliases of these projects' accounts become those that are stated.
async fn set_aliases(tx: &mut PgConnection, projects: &[ProjectEntry]) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM account_alias WHERE account_id IN (SELECT account_id FROM project WHERE code = ANY ($1))",
    )
    .bind(projects.iter().map(|project| project.code.as_str()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let (codes, aliases): (Vec<_>, Vec<_>) = projects
        .iter()
        .flat_map(|project| {
            project
                .aliases
                .iter()
                .map(|alias| (project.code.as_str(), alias.as_str()))
        })
        .unzip();
    sqlx::query(
        "INSERT INTO account_alias (account_id, alias)
         SELECT p.account_id, new.alias FROM unnest($1::text[], $2::text[]) AS new (code, alias) JOIN project p ON p.code = new.code",
    )
    .bind(codes)
    .bind(aliases)
    .execute(tx)
    .await?;
    Ok(())
}

const PROJECT: &str = "SELECT p.code, p.name, p.region, p.contractor_uscc, p.contractor, a.bank, a.number, a.name AS account_name,
       COALESCE((SELECT json_agg(l.alias ORDER BY l.alias COLLATE \"C\") FROM account_alias l WHERE l.account_id = a.id), '[]')::text AS aliases
     FROM project p JOIN special_account a ON a.id = p.account_id
     WHERE $1::text IS NULL OR p.code = $1 ORDER BY p.code COLLATE \"C\"";

async fn all_projects(connection: &mut PgConnection) -> Result<Vec<ProjectEntry>, StoreError> {
    let rows = sqlx::query(PROJECT)
        .bind(None::<&str>)
        .fetch_all(connection)
        .await?;
    rows.iter().map(ProjectEntry::read).collect()
}

pub(super) async fn project(pool: &PgPool, code: &str) -> Result<ProjectEntry, StoreError> {
    let row = sqlx::query(PROJECT).bind(code).fetch_optional(pool).await?;
    let entry = row.as_ref().map(ProjectEntry::read).transpose()?;
    entry.ok_or_else(|| StoreError::NotFound {
        what: "project",
        key: code.to_owned(),
    })
}
