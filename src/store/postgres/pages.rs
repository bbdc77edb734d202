//! Lists in pages.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use wagegate_domain::PayMonth;

use super::accounts::account_figures;
use super::{PostgresStore, accounts, batches, reports};
use crate::store::{
    AccountFigures, BatchView, Pages, ProjectEntry, StoreError, SuspenseView, Within,
};

/// A page of some list: `$1` the codes or null, `$2` the start of the region's code.
macro_rules! within {
    ($select:expr, $and:literal) => {
        concat!(
            $select,
            " WHERE ($1::text[] IS NULL OR p.code = ANY($1)) AND starts_with(p.region, $2) AND ",
            $and
        )
    };
}

#[async_trait]
impl Pages for PostgresStore {
    async fn batch_page(
        &self,
        within: &Within,
        month: Option<PayMonth>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<BatchView>, StoreError> {
        let ids = sqlx::query_scalar(within!(
            "SELECT b.id FROM batch b JOIN project p ON p.id = b.project_id",
            "($3::text IS NULL OR b.pay_month = $3) AND ($4::bigint IS NULL OR b.id < $4) ORDER BY b.id DESC LIMIT $5"
        ))
        .bind(within.codes())
        .bind(within.prefix())
        .bind(month.map(|month| month.to_string()))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        batches::by_ids(&self.pool, &ids).await
    }

    async fn unpaid_page(
        &self,
        within: &Within,
        month: PayMonth,
        from: i64,
        limit: u32,
    ) -> Result<Vec<BatchView>, StoreError> {
        let ids = sqlx::query_scalar(within!(
            "SELECT b.id FROM batch b JOIN project p ON p.id = b.project_id",
            "b.pay_month = $3 AND b.id >= $4
             AND EXISTS (SELECT 1 FROM tally t WHERE t.batch_id = b.id AND t.place IN ('failed', 'returned') AND t.item_count > 0)
             ORDER BY b.id LIMIT $5"
        ))
        .bind(within.codes())
        .bind(within.prefix())
        .bind(month.to_string())
        .bind(from)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let mut batches = batches::by_ids(&self.pool, &ids).await?;
        batches.reverse();
        Ok(batches)
    }

    async fn project_page(
        &self,
        within: &Within,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ProjectEntry>, StoreError> {
        let rows = sqlx::query(within!(
            "SELECT p.code, p.name, p.region, p.contractor_uscc, p.contractor, a.bank, a.number, a.name AS account_name,
               COALESCE((SELECT json_agg(l.alias ORDER BY l.alias COLLATE \"C\") FROM account_alias l WHERE l.account_id = a.id), '[]')::text AS aliases
             FROM project p JOIN special_account a ON a.id = p.account_id",
            "($3::text IS NULL OR p.code COLLATE \"C\" > $3) ORDER BY p.code COLLATE \"C\" LIMIT $4"
        ))
        .bind(within.codes())
        .bind(within.prefix())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(ProjectEntry::read).collect()
    }

    async fn account_page(
        &self,
        within: &Within,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AccountFigures>, StoreError> {
        let rows: Vec<PgRow> = sqlx::query(within!(
            account_figures!(),
            "($3::text IS NULL OR p.code COLLATE \"C\" > $3) ORDER BY p.code COLLATE \"C\" LIMIT $4"
        ))
        .bind(within.codes())
        .bind(within.prefix())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(accounts::figures).collect()
    }

    async fn suspense_page(
        &self,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<SuspenseView>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.id, s.bank, r.hash, s.ordinal, s.why, s.amount_fen, s.at FROM suspense s JOIN raw_document r ON r.id = s.raw_id
             WHERE s.settled_at IS NULL AND ($1::bigint IS NULL OR s.id > $1) ORDER BY s.id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(reports::in_suspense).collect()
    }
}
