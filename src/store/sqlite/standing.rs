//! What intake asks about the workers and cards of a sheet: four statements for a thousand rows, on a connection that only reads.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use wagegate_domain::PayMonth;

use super::SqliteStore;
use crate::store::columns::Columns;
use crate::store::standing::{Found, FoundWage, FoundWorker};
use crate::store::{
    Asked, LeftOut, OnRoster, Remarks, RowKey, Standing, Standings, StoreError, Warning,
};

#[async_trait]
impl Standings for SqliteStore {
    async fn standings(&self, asked: &Asked, keys: &[RowKey]) -> Result<Vec<Standing>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut reader = self.readers.acquire().await?;
        let mut found = Found {
            workers: workers(&mut reader, asked, keys).await?,
            ..Found::default()
        };
        let ids = found.worker_ids();
        if !ids.is_empty() {
            found.wages = wages(&mut reader, asked, &ids).await?;
            found.refused = refused(&mut reader, &ids).await?;
        }
        found.holders = holders(&mut reader, asked, keys).await?;
        Ok(found.standings(keys))
    }

    async fn has_roster(&self, project: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM presence s JOIN project p ON p.id = s.project_id WHERE p.code = $1)",
        )
        .bind(project)
        .fetch_one(&self.readers)
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
        .fetch_optional(&self.readers)
        .await?)
    }

    async fn remarks(&self, batch: &str) -> Result<Remarks, StoreError> {
        let warnings = sqlx::query(
            "SELECT w.* FROM batch_warning w JOIN batch b ON b.id = w.batch_id WHERE b.code = $1 ORDER BY w.ordinal",
        )
        .bind(batch)
        .fetch_all(&self.readers)
        .await?;
        let left_out = sqlx::query(
            "SELECT o.row_no, o.code FROM batch_left_out o JOIN batch b ON b.id = o.batch_id WHERE b.code = $1 ORDER BY o.row_no, o.code",
        )
        .bind(batch)
        .fetch_all(&self.readers)
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
                 WHERE p.code = $1 AND substr(s.entered_on, 1, 7) <= $2 AND (s.left_on IS NULL OR substr(s.left_on, 1, 7) >= $2))
               AND w.id > $3 ORDER BY w.id LIMIT $4",
        )
        .bind(project)
        .bind(month.to_string())
        .bind(after)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(OnRoster::read).collect()
    }
}

async fn workers(
    reader: &mut SqliteConnection,
    asked: &Asked,
    keys: &[RowKey],
) -> Result<HashMap<[u8; 16], FoundWorker>, StoreError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "SELECT w.id, w.blind, f.name_blind, g.account_blind,
           COALESCE((SELECT t.status FROM card_status t WHERE t.binding_id = g.id ORDER BY t.version DESC LIMIT 1), 'unverified') AS status,
           EXISTS (SELECT 1 FROM presence s JOIN project p ON p.id = s.project_id WHERE s.worker_id = w.id AND p.code = ",
    );
    let month = asked.month.to_string();
    query
        .push_bind(&asked.project)
        .push(" AND substr(s.entered_on, 1, 7) <= ")
        .push_bind(&month)
        .push(" AND (s.left_on IS NULL OR substr(s.left_on, 1, 7) >= ")
        .push_bind(&month)
        .push(
            ")) AS on_site FROM worker w LEFT JOIN worker_profile f ON f.worker_id = w.id
             LEFT JOIN current_card c ON c.worker_id = w.id LEFT JOIN binding g ON g.id = c.binding_id WHERE w.blind IN (",
        );
    let mut blinds = query.separated(", ");
    for key in keys {
        blinds.push_bind(key.worker_blind.as_slice());
    }
    let rows = query.push(")").build().fetch_all(reader).await?;
    rows.iter().map(FoundWorker::read).collect()
}

async fn wages(
    reader: &mut SqliteConnection,
    asked: &Asked,
    workers: &[i64],
) -> Result<Vec<FoundWage>, StoreError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT s.worker_id, p.code = ");
    query
        .push_bind(&asked.project)
        .push(" AS here, s.pay_month = ")
        .push_bind(asked.month.to_string())
        .push(
            " AS this_month, b.code AS batch, i.amount_fen FROM wage_slot s JOIN project p ON p.id = s.project_id
              JOIN batch b ON b.id = s.batch_id JOIN wage_item i ON i.batch_id = s.batch_id AND i.row_no = s.row_no
              WHERE s.pay_month IN (",
        );
    query
        .push_bind(asked.month.to_string())
        .push(", ")
        .push_bind(asked.month.before().to_string())
        .push(") AND s.worker_id IN (");
    separated(&mut query, workers);
    let rows = query
        .push(") ORDER BY s.worker_id, b.id")
        .build()
        .fetch_all(reader)
        .await?;
    rows.iter().map(FoundWage::read).collect()
}

/// Cards whose last word was that a bank refuses them.
async fn refused(
    reader: &mut SqliteConnection,
    workers: &[i64],
) -> Result<HashMap<(i64, [u8; 16]), String>, StoreError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "SELECT g.worker_id, g.blind, COALESCE(t.reason, '') AS reason FROM binding g CROSS JOIN card_status t ON t.binding_id = g.id
         WHERE t.status = 'invalid' AND t.version = (SELECT max(v.version) FROM card_status v WHERE v.binding_id = g.id) AND g.worker_id IN (",
    );
    separated(&mut query, workers);
    let rows = query.push(")").build().fetch_all(reader).await?;
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
    reader: &mut SqliteConnection,
    asked: &Asked,
    keys: &[RowKey],
) -> Result<Vec<([u8; 16], i64)>, StoreError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "SELECT g.account_blind, g.worker_id FROM binding g
         WHERE (EXISTS (SELECT 1 FROM current_card c WHERE c.binding_id = g.id)
           OR EXISTS (SELECT 1 FROM wage_slot s JOIN project p ON p.id = s.project_id
             JOIN wage_item i ON i.batch_id = s.batch_id AND i.row_no = s.row_no
             WHERE s.worker_id = g.worker_id AND i.binding_id = g.id AND p.code = ",
    );
    query
        .push_bind(&asked.project)
        .push(" AND s.pay_month IN (")
        .push_bind(asked.month.to_string())
        .push(", ")
        .push_bind(asked.month.before().to_string())
        .push("))) AND g.account_blind IN (");
    let mut blinds = query.separated(", ");
    for key in keys {
        blinds.push_bind(key.account_blind.as_slice());
    }
    let rows = query.push(")").build().fetch_all(reader).await?;
    rows.iter()
        .map(|row| Ok((row.array("account_blind")?, row.int("worker_id")?)))
        .collect()
}

fn separated(query: &mut QueryBuilder<Sqlite>, workers: &[i64]) {
    let mut ids = query.separated(", ");
    for worker in workers {
        ids.push_bind(*worker);
    }
}

/// Keeps what a batch was taken with; a list of either kind ends at a thousand.
pub(super) async fn keep(
    tx: &mut SqliteConnection,
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
