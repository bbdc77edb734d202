//! Regions, projects and their special accounts, as imported; and the deposits that arrive on the accounts.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, QueryBuilder, Sqlite, SqliteConnection, SqlitePool};
use wagegate_domain::ids::Region;

use super::{CHUNK, audit, write};
use crate::store::chain::Act;
use crate::store::columns::Columns;
use crate::store::{
    AccountFigures, Conflict, Deposit, ProjectEntry, Recorded, RegionEntry, StoreError,
};

pub(super) async fn import_regions(
    pool: &SqlitePool,
    new: &[RegionEntry],
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    let before = regions(&mut *tx).await?;
    for part in new.chunks(CHUNK) {
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
    let detail = format!("{} regions", new.len());
    let act = Act {
        at,
        who: by,
        action: "regions.import",
        subject: "",
        detail: &detail,
        before: Some(RegionEntry::print(&before)),
        after: Some(RegionEntry::print(&regions(&mut *tx).await?)),
    };
    audit::record(&mut tx, &act).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn regions(
    from: impl Executor<'_, Database = Sqlite>,
) -> Result<Vec<RegionEntry>, StoreError> {
    let rows = sqlx::query("SELECT code, name, base_projects FROM region ORDER BY code")
        .fetch_all(from)
        .await?;
    let entry = |row: &SqliteRow| {
        Ok(RegionEntry {
            code: row.parsed("code", |text| Region::parse(text).ok())?,
            name: row.text("name")?,
            base_projects: row.maybe_number("base_projects")?,
        })
    };
    rows.iter().map(entry).collect()
}

pub(super) async fn import_projects(
    pool: &SqlitePool,
    new: &[ProjectEntry],
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = write(pool).await?;
    let before = projects(&mut *tx).await?;
    for part in new.chunks(CHUNK) {
        insert_accounts(&mut tx, part).await?;
        upsert_projects(&mut tx, part).await?;
    }
    let detail = format!("{} projects", new.len());
    let act = Act {
        at,
        who: by,
        action: "projects.import",
        subject: "",
        detail: &detail,
        before: Some(ProjectEntry::print(&before)),
        after: Some(ProjectEntry::print(&projects(&mut *tx).await?)),
    };
    audit::record(&mut tx, &act).await?;
    Ok(tx.commit().await?)
}

/// Only for projects that are new: the account of one that is there never changes.
async fn insert_accounts(
    tx: &mut SqliteConnection,
    projects: &[ProjectEntry],
) -> Result<(), StoreError> {
    QueryBuilder::new("WITH new (code, bank, number, name) AS (")
        .push_values(projects, |mut values, project| {
            values
                .push_bind(&project.code)
                .push_bind(&project.bank)
                .push_bind(&project.account)
                .push_bind(&project.account_name);
        })
        .push(
            ") INSERT INTO special_account (bank, number, name)
               SELECT bank, number, name FROM new WHERE NOT EXISTS (SELECT 1 FROM project p WHERE p.code = new.code)
               ON CONFLICT (bank, number) DO NOTHING",
        )
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
               SELECT new.code, new.name, new.region, new.uscc, new.contractor, COALESCE(p.account_id, a.id)
               FROM new LEFT JOIN project p ON p.code = new.code
               LEFT JOIN special_account a ON a.bank = new.bank AND a.number = new.number WHERE TRUE
               ON CONFLICT (code) DO UPDATE SET name = excluded.name, region = excluded.region,
                 contractor_uscc = excluded.contractor_uscc, contractor = excluded.contractor",
        )
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

/// Projects with their accounts; SQLite compares text byte by byte, which is the order that is wanted.
macro_rules! projects {
    ($which:literal) => {
        concat!(
            "SELECT p.code, p.name, p.region, p.contractor_uscc, p.contractor, a.bank, a.number, a.name AS account_name
             FROM project p JOIN special_account a ON a.id = p.account_id WHERE ", $which, " ORDER BY p.code"
        )
    };
}

pub(super) async fn projects(
    from: impl Executor<'_, Database = Sqlite>,
) -> Result<Vec<ProjectEntry>, StoreError> {
    let rows = sqlx::query(projects!("TRUE")).fetch_all(from).await?;
    rows.iter().map(project_entry).collect()
}

pub(super) async fn project(pool: &SqlitePool, code: &str) -> Result<ProjectEntry, StoreError> {
    let row = sqlx::query(projects!("p.code = $1"))
        .bind(code)
        .fetch_optional(pool)
        .await?;
    row.as_ref()
        .map(project_entry)
        .transpose()?
        .ok_or_else(|| StoreError::NotFound {
            what: "project",
            key: code.to_owned(),
        })
}

fn project_entry(row: &SqliteRow) -> Result<ProjectEntry, StoreError> {
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

pub(super) async fn accounts(pool: &SqlitePool) -> Result<Vec<AccountFigures>, StoreError> {
    let rows = sqlx::query(
        "SELECT p.code, a.bank, a.number, a.balance_fen, a.reserved_fen, a.overdrawn_fen, COALESCE(d.deposited, 0) AS deposited
         FROM special_account a JOIN project p ON p.account_id = a.id
         LEFT JOIN (SELECT account_id, sum(amount_fen) AS deposited FROM deposit GROUP BY account_id) d ON d.account_id = a.id ORDER BY p.code",
    )
    .fetch_all(pool)
    .await?;
    let figures = |row: &SqliteRow| {
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
    pool: &SqlitePool,
    deposit: &Deposit,
    at: Timestamp,
) -> Result<Recorded, StoreError> {
    let mut tx = write(pool).await?;
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
        "UPDATE special_account SET balance_fen = balance_fen + $2, overdrawn_fen = max(0, reserved_fen - balance_fen - $2) WHERE id = $1",
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
    tx: &mut SqliteConnection,
    deposit: &Deposit,
    account: i64,
) -> Result<Recorded, StoreError> {
    let same: i64 = sqlx::query_scalar(
        "SELECT account_id = $3 AND amount_fen = $4 FROM deposit WHERE bank = $1 AND reference = $2",
    )
    .bind(&deposit.bank)
    .bind(&deposit.reference)
    .bind(account)
    .bind(deposit.amount.get())
    .fetch_one(tx)
    .await?;
    if same == 1 {
        Ok(Recorded::Seen)
    } else {
        Err(Conflict::ReferenceReused {
            reference: deposit.reference.clone(),
        }
        .into())
    }
}
