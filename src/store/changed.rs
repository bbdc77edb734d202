//! How a batch differs from the project's last released month: the question, which both engines ask in the same words, and the reading of its answer.

use wagegate_domain::{Fen, PayMonth};

use super::columns::{Columns, broken};
use super::{ChangedRow, Changes, Difference, StoreError};

/// What is compared with what.
pub(super) struct Compared {
    pub(super) batch: i64,
    pub(super) project: i64,
    pub(super) month: String,
    pub(super) last: Option<String>,
}

/// The batch, and the last month before its own of which its project released a batch.
pub(super) const COMPARED: &str = "SELECT b.id, b.project_id, b.pay_month,
       (SELECT max(o.pay_month) FROM batch o WHERE o.project_id = b.project_id AND o.pay_month < b.pay_month
          AND o.state IN ('awaiting_funds', 'released', 'planned', 'content_differs')) AS last_month
     FROM batch b WHERE b.code = $1";

/// Workers and wages of a project's ($1) month ($2), of what was released.
macro_rules! all_before {
    () => {
        "SELECT count(*) AS item_count, CAST(COALESCE(sum(w.amount_fen), 0) AS BIGINT) AS total_fen FROM wage_slot s
         JOIN batch o ON o.id = s.batch_id AND o.state IN ('awaiting_funds', 'released', 'planned', 'content_differs')
         JOIN wage_item w ON w.batch_id = s.batch_id AND w.row_no = s.row_no WHERE s.project_id = $1 AND s.pay_month = $2"
    };
}

/// `change`: what differs between a batch ($1) of a project ($2) and month ($3) and the released month before ($4), by the keys of the slots.
macro_rules! changes {
    ($question:literal) => {
        concat!(
            "WITH was AS (
               SELECT s.worker_id, w.binding_id, w.amount_fen FROM wage_slot s
               JOIN batch o ON o.id = s.batch_id AND o.state IN ('awaiting_funds', 'released', 'planned', 'content_differs')
               JOIN wage_item w ON w.batch_id = s.batch_id AND w.row_no = s.row_no WHERE s.project_id = $2 AND s.pay_month = $4
             ), mine AS (
               SELECT worker_id, row_no, binding_id, amount_fen FROM wage_item WHERE batch_id = $1
             ), pair AS (
               SELECT n.worker_id, n.row_no, w.binding_id AS binding_before, n.binding_id AS binding_now, w.amount_fen AS before_fen, n.amount_fen AS now_fen
               FROM mine n LEFT JOIN was w ON w.worker_id = n.worker_id
             ), change AS (
               SELECT CAST(CASE WHEN before_fen IS NULL THEN 0 ELSE 2 END AS BIGINT) AS kind, worker_id, row_no, binding_before, binding_now, before_fen, now_fen FROM pair
               WHERE before_fen IS NULL OR before_fen <> now_fen
               UNION ALL
               SELECT 3, worker_id, row_no, binding_before, binding_now, before_fen, now_fen FROM pair WHERE binding_before <> binding_now
               UNION ALL
               SELECT 1, w.worker_id, NULL, w.binding_id, NULL, w.amount_fen, NULL FROM was w
               LEFT JOIN wage_slot t ON t.project_id = $2 AND t.pay_month = $3 AND t.worker_id = w.worker_id
               LEFT JOIN mine m ON m.worker_id = w.worker_id
               WHERE t.worker_id IS NULL AND m.worker_id IS NULL
             ) ",
            $question
        )
    };
}

pub(super) use all_before;
pub(super) use changes;

impl Compared {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            batch: row.int("id")?,
            project: row.int("project_id")?,
            month: row.text("pay_month")?,
            last: row.maybe_text("last_month")?,
        })
    }
}

impl Difference {
    /// Its number in the question.
    pub(super) fn rank(self) -> i64 {
        Self::ALL
            .iter()
            .zip(0..)
            .find(|(kind, _)| **kind == self)
            .map_or(-1, |(_, rank)| rank)
    }

    fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let rank = row.int("kind")?;
        let known = usize::try_from(rank)
            .ok()
            .and_then(|rank| Self::ALL.get(rank));
        known
            .copied()
            .ok_or_else(|| broken("a kind of change", &rank.to_string()))
    }
}

/// The answer in sums.
pub(super) fn summed(
    against: Option<PayMonth>,
    before: (u64, Fen),
    rows: &[impl Columns],
) -> Result<Changes, StoreError> {
    let mut changes = Changes {
        against,
        before,
        ..Changes::default()
    };
    for row in rows {
        let kind = Difference::read(row)?;
        let figures = (
            row.number("item_count")?,
            row.fen("before_fen")?,
            row.fen("now_fen")?,
        );
        let places = Difference::ALL.iter().zip(&mut changes.kinds);
        for (_, place) in places.filter(|(other, _)| **other == kind) {
            *place = figures;
        }
    }
    Ok(changes)
}

/// One line of the answer.
pub(super) fn changed_row(row: &impl Columns) -> Result<ChangedRow, StoreError> {
    let binding = |blind: &str, sealed: &str| {
        Ok::<_, StoreError>(row.maybe_array(blind)?.zip(row.maybe_bytes(sealed)?))
    };
    Ok(ChangedRow {
        kind: Difference::read(row)?,
        worker: row.int("worker_id")?,
        row: row.maybe_number("row_no")?,
        before: row.maybe_int("before_fen")?.map(Fen::new),
        now: row.maybe_int("now_fen")?.map(Fen::new),
        binding_before: binding("before_blind", "before_sealed")?,
        binding_now: binding("now_blind", "now_sealed")?,
    })
}
