//! The wages of a batch as the database has them now, opened one by one; and whether they still are what was released (invariant 5).

use std::{sync::Arc, vec};

use thiserror::Error;
use tokio::{sync::mpsc, task::spawn_blocking};
use wagegate_domain::{
    batch::{ContentHash, WageRow},
    ids::Cnaps,
    seating::{Seated, Seating},
};

use super::StepError;
use crate::{
    gateway::Gateway,
    security::seal::{Vault, VaultError},
    store::{BatchView, InstructionView, SealedRow, Step, Store, StoreError},
};

/// Rows fetched at a time, and pages fetched ahead.
pub(super) const PAGE: u32 = 1_000;
pub(super) const PAGES_AHEAD: usize = 2;

/// Why wages could not be read.
#[derive(Debug, Error)]
pub enum WagesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It was something else when it was stored.
    #[error("row {row} is not as it was stored")]
    Differs {
        /// In the sheet.
        row: u32,
    },
    #[error("the sums of the batch pass 64 bits")]
    Overflow,
}

/// One row in clear.
pub(super) fn opened(vault: &Vault, sealed: &SealedRow) -> Result<WageRow, WagesError> {
    let row = sealed.row;
    // A key that is missing is the operator's; a value that does not open with its key was put there by somebody else.
    let differs = |error| match error {
        VaultError::Damaged => WagesError::Differs { row },
        other => WagesError::Vault(other),
    };
    let (name, account) = vault
        .open_binding(&sealed.binding_blind, &sealed.binding_sealed)
        .map_err(differs)?;
    let id_number = vault
        .open_id_number(&sealed.worker_blind, &sealed.worker_sealed)
        .map_err(differs)?;
    let cnaps = sealed.cnaps.as_deref().map(Cnaps::parse).transpose();
    Ok(WageRow {
        row,
        name,
        id_number,
        account,
        cnaps: cnaps.map_err(|_| WagesError::Differs { row })?,
        amount: sealed.amount,
    })
}

/// The wages of a batch in order.
struct Wages {
    pages: mpsc::Receiver<Result<Vec<SealedRow>, StoreError>>,
    page: vec::IntoIter<SealedRow>,
    vault: Arc<Vault>,
}

impl Wages {
    fn of(gateway: &Gateway, batch: &str) -> Self {
        let (to, pages) = mpsc::channel(PAGES_AHEAD);
        tokio::spawn(fetch(Arc::clone(&gateway.store), batch.to_owned(), to));
        Self {
            pages,
            page: Vec::new().into_iter(),
            vault: Arc::clone(&gateway.vault),
        }
    }

    /// Blocking.
    fn next(&mut self) -> Result<Option<WageRow>, WagesError> {
        loop {
            if let Some(sealed) = self.page.next() {
                return opened(&self.vault, &sealed).map(Some);
            }
            match self.pages.blocking_recv() {
                Some(page) => self.page = page?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

async fn fetch(
    store: Arc<dyn Store>,
    batch: String,
    to: mpsc::Sender<Result<Vec<SealedRow>, StoreError>>,
) {
    let mut after = 0;
    loop {
        let page = store.rows_of(&batch, after, PAGE).await;
        let last = page.as_ref().ok().and_then(|rows| rows.last());
        let last = last.map(|row| row.row);
        // A receiver that is gone wants no more rows: its own error is the one that counts.
        if page.as_ref().is_ok_and(Vec::is_empty) || to.send(page).await.is_err() {
            return;
        }
        match last {
            Some(row) => after = row,
            None => return,
        }
    }
}

/// Reads all rows of a batch once: what they come to, and the parts that the bank's limits make of them.
pub(super) async fn seat(
    gateway: &Gateway,
    batch: &BatchView,
) -> Result<Result<Seated, WagesError>, StepError> {
    let bank = gateway.banks.find(&batch.bank)?;
    let adapter = Arc::clone(&bank.adapter);
    let project = gateway.store.project(&batch.project).await?;
    let (month, mut wages) = (batch.month, Wages::of(gateway, &batch.code));
    let pass = spawn_blocking(move || {
        let profile = adapter.profile();
        let head = (project.code.as_str(), project.account.as_str(), month);
        let mut seating = Seating::new(head, profile.limits, profile.own_cnaps_prefix());
        while let Some(row) = wages.next()? {
            seating.add(&row).ok_or(WagesError::Overflow)?;
        }
        Ok(seating.finish())
    });
    match pass.await? {
        Err(WagesError::Store(error)) => Err(error.into()),
        Err(WagesError::Vault(error)) => Err(error.into()),
        seated => Ok(seated),
    }
}

/// Compares a batch as it was found with what was released; the difference in words, without anything of a person.
pub(super) async fn difference(
    gateway: &Gateway,
    batch: &BatchView,
    found: &Result<Seated, WagesError>,
) -> Result<Option<String>, StepError> {
    let seated = match found {
        Ok(seated) => seated,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let content = seated.content;
    let released = released(gateway, batch).await?;
    let same = released == Some(content.hash)
        && (batch.content, batch.rows, batch.total) == (content.hash, content.rows, content.total);
    Ok((!same).then(|| {
        let released = released.map_or("nothing".into(), |hash| hash.to_string());
        format!(
            "released {released} with {} rows of {} yuan, found {} with {} rows of {} yuan",
            batch.rows, batch.total, content.hash, content.rows, content.total
        )
    }))
}

/// What the rows of an instruction must come to, or how the batch differs from what was released. The split kept it; where nothing is kept, be it
/// that an earlier program split the batch or that somebody took it away, the whole batch is looked at once more.
pub(super) async fn released_part(
    gateway: &Gateway,
    view: &InstructionView,
) -> Result<Result<ContentHash, String>, StepError> {
    if let Some(kept) = view.content {
        return Ok(Ok(kept));
    }
    let batch = gateway.store.batch(&view.batch).await?;
    let found = seat(gateway, &batch).await?;
    if let Some(difference) = difference(gateway, &batch, &found).await? {
        return Ok(Err(difference));
    }
    let part = found.ok().and_then(|seated| {
        seated
            .parts
            .into_iter()
            .find(|part| part.number == view.part)
    });
    Ok(part
        .map(|part| part.content.hash)
        .ok_or_else(|| format!("part {}: the batch comes to no such part", view.part)))
}

/// The content that the release of the batch's round named.
async fn released(gateway: &Gateway, batch: &BatchView) -> Result<Option<ContentHash>, StepError> {
    let story = gateway.store.story(&batch.code).await?;
    let release = story.steps.iter().find(|taken| {
        taken.round == batch.round && matches!(taken.step, Step::Release | Step::Approve)
    });
    Ok(release.map(|taken| taken.content))
}
