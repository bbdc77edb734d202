//! Whole lists, for tests whose lists are short.

#![allow(dead_code, reason = "each test program uses its part")]

use async_trait::async_trait;
use wagegate::store::{
    AccountFigures, BatchView, ProjectEntry, Store, StoreError, SuspenseView, Within,
};
use wagegate_domain::PayMonth;

/// More than any test has.
const ALL: u32 = 10_000;

#[async_trait]
pub(crate) trait Lists {
    /// Newest first.
    async fn batches(&self, month: Option<PayMonth>) -> Result<Vec<BatchView>, StoreError>;
    async fn projects(&self) -> Result<Vec<ProjectEntry>, StoreError>;
    async fn accounts(&self) -> Result<Vec<AccountFigures>, StoreError>;
    async fn suspense(&self) -> Result<Vec<SuspenseView>, StoreError>;
}

#[async_trait]
impl<S: Store + ?Sized> Lists for S {
    async fn batches(&self, month: Option<PayMonth>) -> Result<Vec<BatchView>, StoreError> {
        self.batch_page(&Within::All, month, None, ALL).await
    }
    async fn projects(&self) -> Result<Vec<ProjectEntry>, StoreError> {
        self.project_page(&Within::All, None, ALL).await
    }
    async fn accounts(&self) -> Result<Vec<AccountFigures>, StoreError> {
        self.account_page(&Within::All, None, ALL).await
    }
    async fn suspense(&self) -> Result<Vec<SuspenseView>, StoreError> {
        self.suspense_page(None, ALL).await
    }
}
