//! Subscriptions to notices, and their deliveries.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{SqliteStore, audit, tasks, write};
use crate::store::chain::Act;
use crate::store::columns::Columns;
use crate::store::notice::*;
use crate::store::subscribers::{REPLAY_MAX, notices, subscribers};
use crate::store::{Claim, Next, StoreError, TaskKind};

#[async_trait]
impl Webhooks for SqliteStore {
    async fn subscribe(
        &self,
        new: &NewWebhook,
        owner: &str,
        at: Timestamp,
    ) -> Result<WebhookView, StoreError> {
        let mut tx = write(&self.writer).await?;
        let (project, region) = match &new.part {
            Part::Everything => (None, None),
            Part::Region(code) => (None, Some(code)),
            Part::Project { code, .. } => (Some(code), None),
        };
        sqlx::query(
            "INSERT INTO webhook (code, owner, project, region, url, kinds, ca, secret, state, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9)",
        )
        .bind(new.code.as_slice())
        .bind(owner)
        .bind(project)
        .bind(region)
        .bind(&new.url)
        .bind(stored_kinds(&new.kinds))
        .bind(&new.ca)
        .bind(&new.secret)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        let view = one(&mut tx, &new.code).await?.webhook;
        changed(&mut tx, "webhook.create", None, &view, owner, at).await?;
        tx.commit().await?;
        Ok(view)
    }

    async fn webhooks(&self, after: i64, limit: u32) -> Result<Vec<WebhookView>, StoreError> {
        let rows = sqlx::query(subscribers!("w.id > $1 ORDER BY w.id LIMIT $2"))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(WebhookView::read).collect()
    }

    async fn webhook(&self, code: &[u8; 16]) -> Result<WebhookView, StoreError> {
        let mut connection = self.readers.acquire().await?;
        Ok(one(&mut connection, code).await?.webhook)
    }

    async fn change_webhook(
        &self,
        code: &[u8; 16],
        change: &WebhookChange,
        by: &str,
        at: Timestamp,
    ) -> Result<WebhookView, StoreError> {
        let mut tx = write(&self.writer).await?;
        let before = one(&mut tx, code).await?.webhook;
        match change {
            WebhookChange::Pause => {
                sqlx::query("UPDATE webhook SET state = 'paused' WHERE id = $1")
                    .bind(before.id)
                    .execute(&mut *tx)
                    .await?;
            }
            WebhookChange::Resume => resume(&mut tx, before.id, at).await?,
            WebhookChange::Rotate { secret, until } => {
                sqlx::query("UPDATE webhook SET former = secret, former_until = $2, secret = $3 WHERE id = $1")
                    .bind(before.id)
                    .bind(until.as_millisecond())
                    .bind(secret)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        let after = one(&mut tx, code).await?.webhook;
        changed(&mut tx, change.action(), Some(&before), &after, by, at).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn deliveries(
        &self,
        webhook: i64,
        below: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        let rows = sqlx::query(
            "WITH page AS (SELECT d.* FROM delivery d WHERE d.webhook_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3)
             SELECT d.id, d.notice_id, n.kind, d.state, d.next_at, d.at, t.at AS tried_at, t.status, t.answer
             FROM page d JOIN notice n ON n.id = d.notice_id LEFT JOIN delivery_try t ON t.delivery_id = d.id ORDER BY d.id DESC, t.try_no",
        )
        .bind(webhook)
        .bind(below.unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        DeliveryView::gather(&rows)
    }

    async fn replay(
        &self,
        code: &[u8; 16],
        what: Replay,
        by: &str,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = write(&self.writer).await?;
        let subscriber = one(&mut tx, code).await?;
        let rows = match what {
            Replay::Notice(id) => {
                sqlx::query(notices!("WHERE n.id = $1"))
                    .bind(id)
                    .fetch_all(&mut *tx)
                    .await?
            }
            Replay::Since(since) => {
                sqlx::query(notices!(
                    "WHERE n.at >= $1 AND n.kind <> 'webhook.test' ORDER BY n.at, n.id LIMIT $2"
                ))
                .bind(since.as_millisecond())
                .bind(REPLAY_MAX)
                .fetch_all(&mut *tx)
                .await?
            }
        };
        let seen = subscriber.seen(&rows)?;
        deliver(&mut tx, &subscriber.webhook, &seen, at).await?;
        let view = &subscriber.webhook;
        let detail = format!("{} notices", seen.len());
        act(&mut tx, "webhook.replay", (None, view), (by, &detail), at).await?;
        tx.commit().await?;
        Ok(seen.len() as u64)
    }

    async fn try_webhook(
        &self,
        code: &[u8; 16],
        by: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = write(&self.writer).await?;
        let view = one(&mut tx, code).await?.webhook;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO notice (kind, project, region, bank, data, at) VALUES ($1, '', '', '', '{}', $2) RETURNING id",
        )
        .bind(NoticeKind::WebhookTest.code())
        .bind(at.as_millisecond())
        .fetch_one(&mut *tx)
        .await?;
        deliver(&mut tx, &view, &[id], at).await?;
        act(&mut tx, "webhook.test", (None, &view), (by, ""), at).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn claim_post(&self, now: Timestamp, lease_ms: i64) -> Result<Option<Claim>, StoreError> {
        tasks::claim_step(&self.writer, true, now, lease_ms).await
    }

    async fn next_post(&self) -> Result<Option<Timestamp>, StoreError> {
        tasks::next_due(&self.readers, true).await
    }

    async fn announce(&self, claim: &Claim, id: i64, at: Timestamp) -> Result<u64, StoreError> {
        let mut tx = write(&self.writer).await?;
        tasks::hold(&mut tx, claim).await?;
        let row = sqlx::query(notices!("WHERE n.id = $1"))
            .bind(id)
            .fetch_one(&mut *tx)
            .await?;
        let told = NoticeView::read(&row)?;
        let rows = sqlx::query(subscribers!("TRUE ORDER BY w.id"))
            .fetch_all(&mut *tx)
            .await?;
        let mut count = 0;
        for row in &rows {
            let subscriber = Subscriber::read(row)?;
            if subscriber.sees(&told) {
                deliver(&mut tx, &subscriber.webhook, &[id], at).await?;
                count += 1;
            }
        }
        tasks::settle(&mut tx, claim, Next::Done).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn due_deliveries(
        &self,
        webhook: i64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Round, StoreError> {
        let mut tx = self.readers.begin().await?;
        let row = sqlx::query(subscribers!("w.id = $1"))
            .bind(webhook)
            .fetch_one(&mut *tx)
            .await?;
        let subscriber = Subscriber::read(&row)?;
        let former_signs = subscriber
            .webhook
            .former_until
            .is_some_and(|until| until > now);
        let former = row.maybe_bytes("former")?.filter(|_| former_signs);
        let secrets = [Some(row.bytes("secret")?), former].into_iter().flatten();
        let rows = sqlx::query(
            "SELECT d.id, d.tries, n.id AS notice_id, n.kind, n.project, n.region, n.data, n.at AS notice_at
             FROM delivery d JOIN notice n ON n.id = d.notice_id
             WHERE d.webhook_id = $1 AND d.state = 'waiting' AND d.next_at <= $2 ORDER BY d.next_at, d.id LIMIT $3",
        )
        .bind(webhook)
        .bind(now.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        Ok(Round {
            secrets: secrets.collect(),
            due: rows.iter().map(Due::read).collect::<Result<_, _>>()?,
            subscriber,
        })
    }

    async fn record_try(
        &self,
        claim: &Claim,
        delivery: i64,
        tried: &Tried,
    ) -> Result<(), StoreError> {
        let mut tx = write(&self.writer).await?;
        tasks::hold(&mut tx, claim).await?;
        let (state, next_at) = match tried.then {
            Then::Delivered => ("delivered", tried.at),
            Then::Again { at, .. } => ("waiting", at),
            Then::GivenUp => ("given_up", tried.at),
        };
        let row = sqlx::query(
            "UPDATE delivery SET state = $2, tries = tries + 1, next_at = $3 WHERE id = $1 RETURNING webhook_id, tries",
        )
        .bind(delivery)
        .bind(state)
        .bind(next_at.as_millisecond())
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO delivery_try (delivery_id, try_no, at, status, answer) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(delivery)
        .bind(row.int("tries")?)
        .bind(tried.at.as_millisecond())
        .bind(tried.status.map(i64::from))
        .bind(&tried.answer)
        .execute(&mut *tx)
        .await?;
        note_health(&mut tx, row.int("webhook_id")?, tried.then).await?;
        Ok(tx.commit().await?)
    }

    async fn end_round(
        &self,
        claim: &Claim,
        webhook: i64,
        now: Timestamp,
        too_old: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = write(&self.writer).await?;
        tasks::hold(&mut tx, claim).await?;
        sqlx::query(
            "UPDATE delivery SET state = 'given_up' WHERE webhook_id = $1 AND state = 'waiting' AND at < $2
               AND EXISTS (SELECT 1 FROM webhook w WHERE w.id = $1 AND w.failures > 0 AND w.state = 'active')",
        )
        .bind(webhook)
        .bind(too_old.as_millisecond())
        .execute(&mut *tx)
        .await?;
        let next = sqlx::query(
            "SELECT max((SELECT min(d.next_at) FROM delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting'), w.rests_until, $2) AS next
             FROM webhook w WHERE w.id = $1 AND w.state = 'active'",
        )
        .bind(webhook)
        .bind(now.as_millisecond())
        .fetch_optional(&mut *tx)
        .await?;
        let due = next.map(|row| row.maybe_moment("next")).transpose()?;
        let next = due.flatten().map_or(Next::Done, Next::Again);
        tasks::settle(&mut tx, claim, next).await?;
        Ok(tx.commit().await?)
    }

    async fn post(&self) -> Result<Post, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM delivery WHERE state = 'waiting') AS waiting,
               (SELECT count(*) FROM delivery WHERE state = 'given_up') AS given_up",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(Post {
            waiting: row.number("waiting")?,
            given_up: row.number("given_up")?,
        })
    }
}

async fn one(connection: &mut SqliteConnection, code: &[u8; 16]) -> Result<Subscriber, StoreError> {
    let row = sqlx::query(subscribers!("w.code = $1"))
        .bind(code.as_slice())
        .fetch_optional(connection)
        .await?;
    let row = row.ok_or_else(|| StoreError::NotFound {
        what: "webhook",
        key: hex::encode(code),
    })?;
    Subscriber::read(&row)
}

/// What waits goes out at once.
async fn resume(tx: &mut SqliteConnection, webhook: i64, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook SET state = 'active', failures = 0, rests_until = 0 WHERE id = $1")
        .bind(webhook)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE delivery SET next_at = $2 WHERE webhook_id = $1 AND state = 'waiting'")
        .bind(webhook)
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    tasks::set(tx, TaskKind::Deliver, &webhook.to_string(), at).await
}

/// Puts notices down for one subscription and wakes its task, of one that is paused too: somebody may just be resuming it.
async fn deliver(
    tx: &mut SqliteConnection,
    webhook: &WebhookView,
    notices: &[i64],
    at: Timestamp,
) -> Result<(), StoreError> {
    for part in notices.chunks(super::CHUNK) {
        QueryBuilder::new("INSERT INTO delivery (webhook_id, notice_id, state, next_at, at) ")
            .push_values(part, |mut values, notice| {
                values
                    .push_bind(webhook.id)
                    .push_bind(*notice)
                    .push("'waiting'")
                    .push_bind(at.as_millisecond())
                    .push_bind(at.as_millisecond());
            })
            .build()
            .execute(&mut *tx)
            .await?;
    }
    if notices.is_empty() {
        return Ok(());
    }
    let rests_until: i64 = sqlx::query_scalar("SELECT rests_until FROM webhook WHERE id = $1")
        .bind(webhook.id)
        .fetch_one(&mut *tx)
        .await?;
    let due = at.max(crate::store::columns::moment(rests_until)?);
    tasks::set(tx, TaskKind::Deliver, &webhook.id.to_string(), due).await
}

/// A success ends a receiver's rest; a receiver that is not well gets one.
async fn note_health(
    tx: &mut SqliteConnection,
    webhook: i64,
    then: Then,
) -> Result<(), StoreError> {
    let (failures, rests_until) = match then {
        Then::Delivered => ("0", 0),
        Then::Again {
            rests_until: Some(until),
            ..
        } => ("failures + 1", until.as_millisecond()),
        Then::Again {
            rests_until: None, ..
        }
        | Then::GivenUp => return Ok(()),
    };
    QueryBuilder::<Sqlite>::new("UPDATE webhook SET failures = ")
        .push(failures)
        .push(", rests_until = ")
        .push_bind(rests_until)
        .push(" WHERE id = ")
        .push_bind(webhook)
        .build()
        .execute(tx)
        .await?;
    Ok(())
}

async fn changed(
    tx: &mut SqliteConnection,
    action: &str,
    before: Option<&WebhookView>,
    after: &WebhookView,
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    act(tx, action, (before, after), (by, &after.host()), at).await
}

async fn act(
    tx: &mut SqliteConnection,
    action: &str,
    (before, after): (Option<&WebhookView>, &WebhookView),
    (who, detail): (&str, &str),
    at: Timestamp,
) -> Result<(), StoreError> {
    let act = Act {
        at,
        who,
        action,
        subject: &hex::encode(after.code),
        detail,
        before: before.map(WebhookView::print),
        after: Some(after.print()),
    };
    audit::record(tx, &act).await
}
