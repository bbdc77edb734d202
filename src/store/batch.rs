//! A batch on its way in, and as it stands.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use wagegate_domain::batch::{BatchState, ContentHash};
use wagegate_domain::ids::Region;
use wagegate_domain::indicator::Tally;
use wagegate_domain::{Fen, PayMonth};

use super::{LeftOut, Remarks, Shortage, StoreError};

/// A batch about to be stored; count, total and hash were made from the same rows.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Public code, such as `B-2026-10-7K3M…`; unique.
    pub code: String,
    /// Project code.
    pub project: String,
    /// Month the wages are owed for.
    pub month: PayMonth,
    /// Hash of the uploaded file, in the evidence store.
    pub sheet: [u8; 32],
    /// Hash of the content that approvals bind.
    pub content: ContentHash,
    /// Number of rows.
    pub rows: u64,
    /// Their sum.
    pub total: Fen,
    /// Principal.
    pub prepared_by: String,
    /// When.
    pub at: Timestamp,
    /// Not released by then, it expires.
    pub expires_at: Timestamp,
    /// Warnings that it is taken with, and rows left out of it by name.
    pub remarks: Remarks,
}

impl NewBatch {
    /// What the audit log says of it.
    pub(super) fn audit_detail(&self) -> String {
        let mut detail = format!(
            "{} rows, {} yuan, content {}",
            self.rows, self.total, self.content
        );
        for (said, LeftOut { row, code }) in self.remarks.left_out.iter().enumerate() {
            detail.push_str(if said == 0 { "; left out: " } else { ", " });
            detail.push_str(&format!("row {row} ({code})"));
        }
        detail
    }
}

/// One wage row with its people sealed.
#[derive(Clone)]
pub struct SealedRow {
    /// Row in the sheet.
    pub row: u32,
    /// Keyed blind index of the identity number.
    pub worker_blind: [u8; 16],
    /// The identity number, sealed.
    pub worker_sealed: Vec<u8>,
    /// Keyed blind index of account, name and bank number together: one binding version.
    pub binding_blind: [u8; 16],
    /// Keyed blind index of the account alone, for matching a bank's document of last resort.
    pub account_blind: [u8; 16],
    /// Name and account, sealed.
    pub binding_sealed: Vec<u8>,
    /// Payee bank's number.
    pub cnaps: Option<String>,
    /// What is owed.
    pub amount: Fen,
}

impl fmt::Debug for SealedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRow")
            .field("row", &self.row)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// Hands over rows in chunks; an empty chunk ends them.
#[async_trait]
pub trait RowSource: Send {
    /// The next chunk, at most a thousand rows, in row order.
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError>;
}

/// A batch as it stands.
#[derive(Clone, Debug)]
pub struct BatchView {
    /// Store key.
    pub id: i64,
    /// Public code.
    pub code: String,
    /// Project code.
    pub project: String,
    /// Project name.
    pub project_name: String,
    /// The project's county.
    pub region: Region,
    /// Bank code of the special account.
    pub bank: String,
    /// Pay month.
    pub month: PayMonth,
    /// Where it stands.
    pub state: BatchState,
    /// What approvals bind.
    pub content: ContentHash,
    /// Number of rows.
    pub rows: u64,
    /// Their sum.
    pub total: Fen,
    /// Who prepared it.
    pub prepared_by: String,
    /// 1, and one more each time that a release was taken back.
    pub round: u32,
    /// When it expires, while it awaits a release.
    pub expires_at: Option<Timestamp>,
    /// Since when it waits for money, while it does.
    pub shortage: Option<Shortage>,
    /// Its rows by place.
    pub tally: Tally,
}

impl BatchView {
    /// The sum of its rows, wherever they stand: what a release reserves and what its end gives back. Not the head's total, which may be what differs.
    pub(super) fn owed(&self) -> Result<Fen, StoreError> {
        let all = self.tally.all().map(|(_, sum)| sum);
        all.ok_or_else(|| {
            StoreError::Broken(format!("the sums of batch {} pass 64 bits", self.code))
        })
    }
}
