//! The second pass: rows are read again and sealed on a thread of their own, chunk by chunk, as the store asks for them.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::{sync::mpsc, task::spawn_blocking};
use wagegate_domain::batch::{Content, ContentHasher};

use super::{IntakeError, LeaveOut, National, OpenSheet, changed, rows};
use crate::{
    security::seal::Vault,
    store::{RowSource, SealedRow, StoreError},
};

const CHUNK: usize = 1_000;
const CHUNKS_AHEAD: usize = 2;

/// What is read again, and what it must add up to.
pub(super) struct Again<O> {
    pub(super) open: O,
    pub(super) national: Option<Arc<dyn National + Send + Sync>>,
    pub(super) leave_out: LeaveOut,
    pub(super) hasher: ContentHasher,
    pub(super) content: Content,
}

/// Rows on their way to the store.
pub(super) struct Source {
    chunks: mpsc::Receiver<Result<Vec<SealedRow>, IntakeError>>,
}

impl Source {
    pub(super) fn start<O>(again: Again<O>, vault: Arc<Vault>) -> Self
    where
        O: Fn() -> std::io::Result<Box<dyn std::io::BufRead + Send>> + Send + 'static,
    {
        let (to, chunks) = mpsc::channel(CHUNKS_AHEAD);
        spawn_blocking(move || {
            if let Err(error) = again.pass_on(&vault, &to) {
                // A store that has stopped asking knows why.
                to.blocking_send(Err(error)).ok();
            }
        });
        Self { chunks }
    }
}

impl<O> Again<O>
where
    O: Fn() -> std::io::Result<Box<dyn std::io::BufRead + Send>>,
{
    fn pass_on(
        self,
        vault: &Vault,
        to: &mpsc::Sender<Result<Vec<SealedRow>, IntakeError>>,
    ) -> Result<(), IntakeError> {
        let Self {
            open,
            national,
            leave_out,
            mut hasher,
            content,
        } = self;
        let open: OpenSheet<'_> = &open;
        let mut chunk = Vec::with_capacity(CHUNK);
        let send = |chunk: &mut Vec<SealedRow>| {
            let whole = std::mem::replace(chunk, Vec::with_capacity(CHUNK));
            to.blocking_send(Ok(whole))
                .map_err(|_| IntakeError::Stopped)
        };
        let national: Option<&dyn National> = match &national {
            Some(national) => Some(&**national),
            None => None,
        };
        rows(open, national, &leave_out, &mut |row| {
            hasher.add(&row).ok_or_else(changed)?;
            chunk.push(vault.seal_row(&row));
            if chunk.len() == CHUNK {
                send(&mut chunk)
            } else {
                Ok(())
            }
        })?;
        // What is stored is what was checked, or nothing is.
        if hasher.finish() != content {
            return Err(changed());
        }
        if chunk.is_empty() {
            Ok(())
        } else {
            send(&mut chunk)
        }
    }
}

#[async_trait]
impl RowSource for Source {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        match self.chunks.recv().await {
            Some(Ok(chunk)) => Ok(chunk),
            Some(Err(error)) => Err(StoreError::Broken(format!("the rows ended early: {error}"))),
            None => Ok(Vec::new()),
        }
    }
}
