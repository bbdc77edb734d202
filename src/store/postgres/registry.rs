//! Regions, projects and their special accounts, as imported; and the deposits that arrive on the accounts.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection, PgPool, Postgres};
use wagegate_domain::ids::Region;

use super::audit;
use super::columns::Columns;
use crate::store::chain::Act;
use crate::store::{
    AccountFigures, Conflict, Deposit, ProjectEntry, Recorded, RegionEntry, StoreError,
};

pub(super) async fn import_regions(
    pool: &PgPool,
    new: &[RegionEntry],
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    let before = regions(&mut *tx).await?;
    sqlx::query(
        "INSERT INTO region (code, name, base_projects)
         SELECT code, name, base_projects FROM unnest($1::text[], $2::text[], $3::bigint[]) AS new (code, name, base_projects) ORDER BY code
         ON CONFLICT (code) DO UPDATE SET name = excluded.name, base_projects = excluded.base_projects",
    )
    .bind(new.iter().map(|region| region.code.to_string()).collect::<Vec<_>>())
    .bind(new.iter().map(|region| region.name.clone()).collect::<Vec<_>>())
    .bind(new.iter().map(|region| region.base_projects.map(i64::from)).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let act = Act {
        at,
        who: by,
        action: "regions.import",
        subject: "",
        detail: &format!("{} regions", new.len()),
        before: Some(RegionEntry::print(&before)),
        after: Some(RegionEntry::print(&regions(&mut *tx).await?)),
    };
    audit::record(&mut tx, &act).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn import_projects(
    pool: &PgPool,
    new: &[ProjectEntry],
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    let before = projects(&mut *tx).await?;
    upsert_projects(&mut tx, new).await?;
    let act = Act {
        at,
        who: by,
        action: "projects.import",
        subject: "",
        detail: &format!("{} projects", new.len()),
        before: Some(ProjectEntry::print(&before)),
        after: Some(ProjectEntry::print(&projects(&mut *tx).await?)),
    };
    audit::record(&mut tx, &act).await?;
    Ok(tx.commit().await?)
}

async fn upsert_projects(
    tx: &mut PgConnection,
    projects: &[ProjectEntry],
) -> Result<(), StoreError> {
    let column = |of: fn(&ProjectEntry) -> &str| -> Vec<String> {
        projects
            .iter()
            .map(|project| of(project).to_owned())
            .collect()
    };
    let codes = column(|project| &project.code);
    let (banks, accounts) = (
        column(|project| &project.bank),
        column(|project| &project.account),
    );
    sqlx::query(
        "INSERT INTO special_account (bank, number, name)
         SELECT bank, number, name FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (code, bank, number, name)
         WHERE NOT EXISTS (SELECT FROM project p WHERE p.code = new.code)
         ORDER BY bank, number
         ON CONFLICT (bank, number) DO NOTHING",
    )
    .bind(&codes)
    .bind(&banks)
    .bind(&accounts)
    .bind(column(|project| &project.account_name))
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO project (code, name, region, contractor_uscc, contractor, account_id)
         SELECT new.code, new.name, new.region, new.uscc, new.contractor, COALESCE(p.account_id, a.id)
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
           AS new (code, name, region, uscc, contractor, bank, number)
         LEFT JOIN project p ON p.code = new.code
         LEFT JOIN special_account a ON a.bank = new.bank AND a.number = new.number
         ORDER BY new.code
         ON CONFLICT (code) DO UPDATE SET name = excluded.name, region = excluded.region,
           contractor_uscc = excluded.contractor_uscc, contractor = excluded.contractor",
    )
    .bind(&codes)
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

const PROJECT: &str = "SELECT p.code, p.name, p.region, p.contractor_uscc, p.contractor, a.bank, a.number, a.name AS account_name
     FROM project p JOIN special_account a ON a.id = p.account_id
     WHERE $1::text IS NULL OR p.code = $1 ORDER BY p.code COLLATE \"C\"";

pub(super) async fn regions(
    from: impl Executor<'_, Database = Postgres>,
) -> Result<Vec<RegionEntry>, StoreError> {
    let rows = sqlx::query("SELECT code, name, base_projects FROM region ORDER BY code")
        .fetch_all(from)
        .await?;
    let entry = |row: &PgRow| {
        Ok(RegionEntry {
            code: row.parsed("code", |text| Region::parse(text).ok())?,
            name: row.text("name")?,
            base_projects: row.maybe_number("base_projects")?,
        })
    };
    rows.iter().map(entry).collect()
}

pub(super) async fn projects(
    from: impl Executor<'_, Database = Postgres>,
) -> Result<Vec<ProjectEntry>, StoreError> {
    let rows = sqlx::query(PROJECT)
        .bind(None::<&str>)
        .fetch_all(from)
        .await?;
    rows.iter().map(project_entry).collect()
}

pub(super) async fn project(pool: &PgPool, code: &str) -> Result<ProjectEntry, StoreError> {
    let row = sqlx::query(PROJECT).bind(code).fetch_optional(pool).await?;
    row.as_ref()
        .map(project_entry)
        .transpose()?
        .ok_or_else(|| StoreError::NotFound {
            what: "project",
            key: code.to_owned(),
        })
}

fn project_entry(row: &PgRow) -> Result<ProjectEntry, StoreError> {
    Ok(ProjectEntry {
        code: row.text("code")?,
        name: row.text("name")?,
        region: row.parsed("region", |text| Region::parse(text).ok())?,
        contractor_uscc: row.text("contractor_uscc")?,
        contractor: row.text("contractor")?,
        bank: row.text("bank")?,
        account: row.text("number")?,
        account_name: row.text("account_name")?,
    })
}

pub(super) async fn accounts(pool: &PgPool) -> Result<Vec<AccountFigures>, StoreError> {
    let rows = sqlx::query(
        "SELECT p.code, a.bank, a.number, a.balance_fen, a.reserved_fen, a.overdrawn_fen,
           COALESCE((SELECT sum(amount_fen) FROM deposit d WHERE d.account_id = a.id), 0)::bigint AS deposited
         FROM special_account a JOIN project p ON p.account_id = a.id ORDER BY p.code COLLATE \"C\"",
    )
    .fetch_all(pool)
    .await?;
    let figures = |row: &PgRow| {
        Ok(AccountFigures {
            project: row.text("code")?,
            bank: row.text("bank")?,
            account: row.text("number")?,
            balance: row.fen("balance_fen")?,
            reserved: row.fen("reserved_fen")?,
            overdrawn: row.fen("overdrawn_fen")?,
            deposited: row.fen("deposited")?,
        })
    };
    rows.iter().map(figures).collect()
}

pub(super) async fn record_deposit(
    pool: &PgPool,
    deposit: &Deposit,
    at: Timestamp,
) -> Result<Recorded, StoreError> {
    let mut tx = pool.begin().await?;
    let account: i64 =
        sqlx::query_scalar("SELECT id FROM special_account WHERE bank = $1 AND number = $2")
            .bind(&deposit.bank)
            .bind(&deposit.account)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::NotFound {
                what: "special account",
                key: format!("{} at {}", deposit.account, deposit.bank),
            })?;
    let new = sqlx::query(
        "INSERT INTO deposit (bank, reference, account_id, amount_fen, value_date, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (bank, reference) DO NOTHING",
    )
    .bind(&deposit.bank)
    .bind(&deposit.reference)
    .bind(account)
    .bind(deposit.amount.get())
    .bind(deposit.value_date.to_string())
    .bind(at.as_millisecond())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if new == 0 {
        return seen(&mut tx, deposit, account).await;
    }
    sqlx::query(
        "UPDATE special_account SET balance_fen = balance_fen + $2, overdrawn_fen = GREATEST(0, reserved_fen - balance_fen - $2) WHERE id = $1",
    )
        .bind(account)
        .bind(deposit.amount.get())
        .execute(&mut *tx)
        .await?;
    let act = Act {
        at,
        who: &format!("wagegate://bank/{}", deposit.bank),
        action: "deposit.book",
        subject: &deposit.account,
        detail: &format!("{} yuan, reference {}", deposit.amount, deposit.reference),
        before: None,
        after: Some(deposit.print()),
    };
    audit::record(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(Recorded::New)
}

/// The reference came before: with the same content that is nothing new, with another it is a conflict.
async fn seen(
    tx: &mut PgConnection,
    deposit: &Deposit,
    account: i64,
) -> Result<Recorded, StoreError> {
    let same: bool = sqlx::query_scalar(
        "SELECT account_id = $3 AND amount_fen = $4 FROM deposit WHERE bank = $1 AND reference = $2",
    )
    .bind(&deposit.bank)
    .bind(&deposit.reference)
    .bind(account)
    .bind(deposit.amount.get())
    .fetch_one(tx)
    .await?;
    if same {
        Ok(Recorded::Seen)
    } else {
        Err(Conflict::ReferenceReused {
            reference: deposit.reference.clone(),
        }
        .into())
    }
}
