//! What intake asks about the workers and cards of a sheet: four statements for a thousand rows, which travel as arrays.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::{PgConnection, QueryBuilder};
use wagegate_domain::PayMonth;

use super::PostgresStore;
use super::columns::Columns;
use crate::store::standing::{Found, FoundWage, FoundWorker};
use crate::store::{
    Asked, LeftOut, OnRoster, Remarks, RowKey, Standing, Standings, StoreError, Warning,
};

#[async_trait]
impl Standings for PostgresStore {
    async fn standings(&self, asked: &Asked, keys: &[RowKey]) -> Result<Vec<Standing>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool.acquire().await?;
        let mut found = Found {
            workers: workers(&mut connection, asked, keys).await?,
            ..Found::default()
        };
        let ids = found.worker_ids();
        if !ids.is_empty() {
            found.wages = wages(&mut connection, asked, &ids).await?;
            found.refused = refused(&mut connection, &ids).await?;
        }
        found.holders = holders(&mut connection, asked, keys).await?;
        Ok(found.standings(keys))
    }

    async fn has_roster(&self, project: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM presence s JOIN project p ON p.id = s.project_id WHERE p.code = $1)",
        )
        .bind(project)
        .fetch_one(&self.pool)
        .await?)
    }

    async fn sheet_seen(
        &self,
        sheet: [u8; 32],
        project: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT b.code FROM batch b JOIN project p ON p.id = b.project_id
             WHERE b.sheet = $1 AND p.code = $2 AND b.state NOT IN ('refused', 'withdrawn', 'expired') ORDER BY b.id LIMIT 1",
        )
        .bind(sheet.as_slice())
        .bind(project)
        .fetch_optional(&self.pool)
        .await?)
    }

    async fn remarks(&self, batch: &str) -> Result<Remarks, StoreError> {
        let warnings = sqlx::query(
            "SELECT w.* FROM batch_warning w JOIN batch b ON b.id = w.batch_id WHERE b.code = $1 ORDER BY w.ordinal",
        )
        .bind(batch)
        .fetch_all(&self.pool)
        .await?;
        let left_out = sqlx::query(
            "SELECT o.row_no, o.code FROM batch_left_out o JOIN batch b ON b.id = o.batch_id WHERE b.code = $1 ORDER BY o.row_no, o.code",
        )
        .bind(batch)
        .fetch_all(&self.pool)
        .await?;
        Ok(Remarks {
            warnings: warnings
                .iter()
                .map(Warning::read)
                .collect::<Result<_, _>>()?,
            left_out: left_out
                .iter()
                .map(LeftOut::read)
                .collect::<Result<_, _>>()?,
        })
    }

    async fn roster_page(
        &self,
        project: &str,
        month: PayMonth,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OnRoster>, StoreError> {
        let rows = sqlx::query(
            "SELECT w.id, w.blind, w.sealed, f.sealed AS profile, g.blind AS card_blind, g.sealed AS card_sealed, g.cnaps
             FROM worker w LEFT JOIN worker_profile f ON f.worker_id = w.id LEFT JOIN current_card c ON c.worker_id = w.id LEFT JOIN binding g ON g.id = c.binding_id
             WHERE w.id IN (SELECT s.worker_id FROM presence s JOIN project p ON p.id = s.project_id
                 WHERE p.code = $1 AND left(s.entered_on, 7) <= $2 AND (s.left_on IS NULL OR left(s.left_on, 7) >= $2))
               AND w.id > $3 ORDER BY w.id LIMIT $4",
        )
        .bind(project)
        .bind(month.to_string())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(OnRoster::read).collect()
    }
}

async fn workers(
    connection: &mut PgConnection,
    asked: &Asked,
    keys: &[RowKey],
) -> Result<HashMap<[u8; 16], FoundWorker>, StoreError> {
    let blinds: Vec<&[u8]> = keys.iter().map(|key| key.worker_blind.as_slice()).collect();
    let rows = sqlx::query(
        "SELECT w.id, w.blind, f.name_blind, g.account_blind,
           COALESCE((SELECT t.status FROM card_status t WHERE t.binding_id = g.id ORDER BY t.version DESC LIMIT 1), 'unverified') AS status,
           EXISTS (SELECT FROM presence s JOIN project p ON p.id = s.project_id WHERE s.worker_id = w.id AND p.code = $2
             AND left(s.entered_on, 7) <= $3 AND (s.left_on IS NULL OR left(s.left_on, 7) >= $3))::int::bigint AS on_site
         FROM worker w LEFT JOIN worker_profile f ON f.worker_id = w.id
         LEFT JOIN current_card c ON c.worker_id = w.id LEFT JOIN binding g ON g.id = c.binding_id
         WHERE w.blind = ANY ($1)",
    )
    .bind(blinds)
    .bind(&asked.project)
    .bind(asked.month.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter().map(FoundWorker::read).collect()
}

async fn wages(
    connection: &mut PgConnection,
    asked: &Asked,
    workers: &[i64],
) -> Result<Vec<FoundWage>, StoreError> {
    let rows = sqlx::query(
        "SELECT s.worker_id, (p.code = $2)::int::bigint AS here, (s.pay_month = $3)::int::bigint AS this_month, b.code AS batch, i.amount_fen
         FROM wage_slot s JOIN project p ON p.id = s.project_id JOIN batch b ON b.id = s.batch_id
         JOIN wage_item i ON i.batch_id = s.batch_id AND i.row_no = s.row_no
         WHERE s.worker_id = ANY ($1) AND s.pay_month IN ($3, $4) ORDER BY s.worker_id, b.id",
    )
    .bind(workers)
    .bind(&asked.project)
    .bind(asked.month.to_string())
    .bind(asked.month.before().to_string())
    .fetch_all(connection)
    .await?;
    rows.iter().map(FoundWage::read).collect()
}

/// Cards whose last word was that a bank refuses them.
async fn refused(
    connection: &mut PgConnection,
    workers: &[i64],
) -> Result<HashMap<(i64, [u8; 16]), String>, StoreError> {
    let rows = sqlx::query(
        "SELECT g.worker_id, g.blind, COALESCE(t.reason, '') AS reason FROM binding g JOIN card_status t ON t.binding_id = g.id
         WHERE g.worker_id = ANY ($1) AND t.status = 'invalid'
           AND t.version = (SELECT max(v.version) FROM card_status v WHERE v.binding_id = g.id)",
    )
    .bind(workers)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                (row.int("worker_id")?, row.array("blind")?),
                row.text("reason")?,
            ))
        })
        .collect()
}

/// Who has these accounts: by the registry, or by a wage of this month or the last on the project.
async fn holders(
    connection: &mut PgConnection,
    asked: &Asked,
    keys: &[RowKey],
) -> Result<Vec<([u8; 16], i64)>, StoreError> {
    let blinds: Vec<&[u8]> = keys
        .iter()
        .map(|key| key.account_blind.as_slice())
        .collect();
    let rows = sqlx::query(
        "SELECT g.account_blind, g.worker_id FROM binding g
         WHERE g.account_blind = ANY ($1)
           AND (EXISTS (SELECT FROM current_card c WHERE c.binding_id = g.id)
             OR EXISTS (SELECT FROM wage_slot s JOIN project p ON p.id = s.project_id
               JOIN wage_item i ON i.batch_id = s.batch_id AND i.row_no = s.row_no
               WHERE s.worker_id = g.worker_id AND i.binding_id = g.id AND p.code = $2 AND s.pay_month IN ($3, $4)))",
    )
    .bind(blinds)
    .bind(&asked.project)
    .bind(asked.month.to_string())
    .bind(asked.month.before().to_string())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.array("account_blind")?, row.int("worker_id")?)))
        .collect()
}

/// Keeps what a batch was taken with; a list of either kind ends at a thousand.
pub(super) async fn keep(
    tx: &mut PgConnection,
    batch: i64,
    remarks: &Remarks,
) -> Result<(), StoreError> {
    if !remarks.warnings.is_empty() {
        QueryBuilder::new("INSERT INTO batch_warning (batch_id, ordinal, sheet, row_no, column_name, code, message_zh, message_en, fix_zh, fix_en) ")
            .push_values((0_i64..).zip(&remarks.warnings), |mut values, (ordinal, warning)| {
                let [message_zh, message_en] = &warning.what;
                let [fix_zh, fix_en] = &warning.fix;
                values
                    .push_bind(batch)
                    .push_bind(ordinal)
                    .push_bind(&warning.sheet)
                    .push_bind(i64::from(warning.row))
                    .push_bind(&warning.column)
                    .push_bind(&warning.code)
                    .push_bind(message_zh)
                    .push_bind(message_en)
                    .push_bind(fix_zh)
                    .push_bind(fix_en);
            })
            .build()
            .execute(&mut *tx)
            .await?;
    }
    if !remarks.left_out.is_empty() {
        QueryBuilder::new("INSERT INTO batch_left_out (batch_id, row_no, code) ")
            .push_values(&remarks.left_out, |mut values, left| {
                values
                    .push_bind(batch)
                    .push_bind(i64::from(left.row))
                    .push_bind(&left.code);
            })
            .push(" ON CONFLICT (batch_id, row_no, code) DO NOTHING")
            .build()
            .execute(tx)
            .await?;
    }
    Ok(())
}
