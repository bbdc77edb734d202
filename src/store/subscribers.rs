//! Subscriptions, notices and deliveries as rows of either engine, and the questions that both ask alike.

use super::StoreError;
use super::columns::Columns;
use super::identities::Standing;
use super::notice::*;
use crate::security::principal::{Principal, Role, Scope};

/// Most notices that one replay puts down.
pub(super) const REPLAY_MAX: i64 = 10_000;

/// Subscriptions with the county of their project and the principal behind them.
macro_rules! subscribers {
    ($which:literal) => {
        concat!(
            "SELECT w.id, w.code, w.owner, w.project AS about_project, w.region AS about_region, q.region AS county, w.url, w.kinds, w.ca,
               w.state AS webhook_state, w.failures, w.former_until, w.at AS webhook_at, w.secret, w.former,
               p.role, p.scope, p.state AS standing
             FROM webhook w LEFT JOIN project q ON q.code = w.project LEFT JOIN principal p ON p.uri = w.owner WHERE ", $which
        )
    };
}

/// Notices, with the columns that [`NoticeView`] reads.
macro_rules! notices {
    ($rest:literal) => {
        concat!(
            "SELECT n.id AS notice_id, n.kind, n.project, n.region, n.data, n.at AS notice_at FROM notice n ",
            $rest
        )
    };
}

pub(super) use {notices, subscribers};

impl NoticeView {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int("notice_id")?,
            kind: row.parsed("kind", NoticeKind::from_code)?,
            project: row.text("project")?,
            region: row.text("region")?,
            data: row.text("data")?,
            at: row.moment("notice_at")?,
        })
    }
}

impl WebhookView {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let part = match (
            row.maybe_text("about_project")?,
            row.maybe_text("about_region")?,
        ) {
            (Some(code), _) => Part::Project {
                code,
                region: row.text("county")?,
            },
            (None, Some(region)) => Part::Region(region),
            (None, None) => Part::Everything,
        };
        Ok(Self {
            id: row.int("id")?,
            code: row.array("code")?,
            owner: row.text("owner")?,
            part,
            url: row.text("url")?,
            kinds: row.parsed("kinds", kinds_from_stored)?,
            ca: row.maybe_text("ca")?,
            paused: row.text("webhook_state")? == "paused",
            failures: row.number("failures")?,
            former_until: row.maybe_moment("former_until")?,
            at: row.moment("webhook_at")?,
        })
    }
}

impl Subscriber {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let webhook = WebhookView::read(row)?;
        let active = row.maybe_text("standing")?.as_deref() == Some(Standing::Active.code());
        let owner = active
            .then(|| {
                Ok::<_, StoreError>(Principal {
                    name: webhook.owner.clone(),
                    role: row.parsed("role", Role::from_code)?,
                    scope: row.parsed("scope", Scope::from_stored)?,
                })
            })
            .transpose()?;
        Ok(Self { webhook, owner })
    }

    /// The ids of those notices that the subscription sees.
    pub(super) fn seen<R: Columns>(&self, rows: &[R]) -> Result<Vec<i64>, StoreError> {
        let mut seen = Vec::new();
        for row in rows {
            let notice = NoticeView::read(row)?;
            if self.sees(&notice) {
                seen.push(notice.id);
            }
        }
        Ok(seen)
    }
}

impl Due {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            delivery: row.int("id")?,
            tries: row.number("tries")?,
            notice: NoticeView::read(row)?,
        })
    }
}

impl DeliveryView {
    /// Rows of deliveries, each as often as it has tries, in the order of deliveries.
    pub(super) fn gather<R: Columns>(rows: &[R]) -> Result<Vec<Self>, StoreError> {
        let mut views: Vec<Self> = Vec::new();
        for row in rows {
            let id = row.int("id")?;
            if views.last().is_none_or(|last| last.id != id) {
                let state = row.text("state")?;
                views.push(Self {
                    id,
                    notice: row.int("notice_id")?,
                    kind: row.parsed("kind", NoticeKind::from_code)?,
                    next_at: (state == "waiting")
                        .then(|| row.moment("next_at"))
                        .transpose()?,
                    state,
                    at: row.moment("at")?,
                    tries: Vec::new(),
                });
            }
            if let (Some(view), Some(at)) = (views.last_mut(), row.maybe_moment("tried_at")?) {
                view.tries.push(TryView {
                    at,
                    status: row.maybe_number("status")?,
                    answer: row.text("answer")?,
                });
            }
        }
        Ok(views)
    }
}
