//! Lists in pages: what a scope sees, from after a cursor, and no more than was asked for.

use std::collections::BTreeSet;

use async_trait::async_trait;
use wagegate_domain::PayMonth;

use super::{AccountFigures, BatchView, ProjectEntry, StoreError, SuspenseView};

/// Whose projects a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// Everybody's.
    All,
    /// These codes.
    Projects(BTreeSet<String>),
    /// Those in regions whose code starts so.
    Region(String),
}

impl Within {
    /// True where a project of this code in this county is shown.
    pub(super) fn covers(&self, code: &str, region: &str) -> bool {
        match self {
            Self::All => true,
            Self::Projects(codes) => codes.contains(code),
            Self::Region(prefix) => region.starts_with(prefix.as_str()),
        }
    }

    /// The codes, where codes decide.
    pub(super) fn codes(&self) -> Option<Vec<&str>> {
        match self {
            Self::Projects(codes) => Some(codes.iter().map(String::as_str).collect()),
            Self::All | Self::Region(_) => None,
        }
    }

    /// The start of the region's code; empty where it does not matter.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Region(prefix) => prefix,
            Self::All | Self::Projects(_) => "",
        }
    }
}

/// Every list of the trade, in pages.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Batches, newest first, with smaller ids than `after`.
    async fn batch_page(
        &self,
        within: &Within,
        month: Option<PayMonth>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<BatchView>, StoreError>;
    /// Batches of a month with failed or returned wages, oldest first, from this id on.
    async fn unpaid_page(
        &self,
        within: &Within,
        month: PayMonth,
        from: i64,
        limit: u32,
    ) -> Result<Vec<BatchView>, StoreError>;
    /// Projects by code, with codes after this one.
    async fn project_page(
        &self,
        within: &Within,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ProjectEntry>, StoreError>;
    /// Special accounts by their project's code, after this one.
    async fn account_page(
        &self,
        within: &Within,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AccountFigures>, StoreError>;
    /// What is in suspense, oldest first, with greater ids than `after`.
    async fn suspense_page(
        &self,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<SuspenseView>, StoreError>;
}
