//! Documents that somebody kept to show something, by hash. Who may name one is whoever sees the project that it was kept for.

use jiff::Timestamp;

use super::StoreError;
use super::columns::Columns;

/// A document as somebody kept it; the same bytes may be kept by many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument {
    /// SHA-256 of its bytes, in the evidence store.
    pub hash: [u8; 32],
    /// Who kept it.
    pub by: String,
    /// Code of the project that it is about; absent where it is its keeper's alone.
    pub project: Option<String>,
    /// As it was said to be.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// When.
    pub at: Timestamp,
}

impl KeptDocument {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            hash: row.array("hash")?,
            by: row.text("by_whom")?,
            project: row.maybe_text("code")?,
            media_type: row.text("media_type")?,
            size: row.number("size")?,
            at: row.moment("at")?,
        })
    }
}
