//! Bytes that must not be lost: wage sheets, instructions, raw returns, each found by the SHA-256 of its clear bytes (invariant 12).
//!
//! Content is compressed, sealed in chunks, and durable before [`EvidenceWriter::keep`] returns, so that a commit may name it. It lies in a local
//! folder, in a bucket that several gateways share, or in memory; all that a place sees is sealed bytes and hashes. Nothing here is ever deleted, and
//! nothing is changed but the key it is sealed with.
//! Nothing here knows what the bytes mean.

mod bucket;
mod folder;
mod memory;
mod place;
mod reader;
mod resealing;
mod spool;
mod streaming;
mod writer;

use std::{fmt, io, path::Path, sync::Arc};

use self::{bucket::Bucket, folder::Folder, memory::Memory, place::Place};
pub use self::{
    bucket::{AccessKey, BucketAt},
    reader::EvidenceReader,
    resealing::{FilesByKey, Looked},
    writer::EvidenceWriter,
};
use crate::security::seal::{StreamError, Vault, VaultError};

/// What was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// SHA-256 of the clear bytes.
    pub hash: [u8; 32],
    /// Number of clear bytes.
    pub size: u64,
}

/// Bytes could not be kept or read; when they could not be kept, nothing of them is left.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Never kept here.
    #[error("there is no evidence {hash}: look into the backup of the evidence")]
    Missing {
        /// Hexadecimal hash.
        hash: String,
    },
    /// Not the bytes that were kept.
    #[error("evidence {hash} is damaged ({why}): take it from the backup of the evidence")]
    Damaged {
        /// Hexadecimal hash.
        hash: String,
        /// What is wrong.
        why: String,
    },
    /// More bytes than the caller allows.
    #[error("more than {cap} bytes came, which is too much")]
    TooLarge {
        /// Clear bytes allowed.
        cap: u64,
    },
    /// No room.
    #[error("{place} is full: nothing was kept; free space there")]
    Full {
        /// Which folder or bucket.
        place: String,
    },
    /// The stream that brought the bytes broke off.
    #[error("the bytes broke off, and nothing was kept: {0}")]
    Interrupted(io::Error),
    /// The place failed: the system's file, or the bucket's server.
    #[error("{place}: {source}")]
    Io {
        /// Which folder or bucket.
        place: String,
        /// What the system or the server says.
        source: io::Error,
    },
    /// Sealed with a key that is not there.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The evidence store in one place; several processes may have it open.
#[derive(Clone)]
pub struct Evidence {
    inner: Arc<Inner>,
}

struct Inner {
    place: Box<dyn Place>,
    vault: Arc<Vault>,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({})", self.inner.place)
    }
}

impl Evidence {
    /// Opens or makes the folder, for its owner only, and clears away what crashed writers left.
    ///
    /// # Errors
    /// `Full` or `Io`.
    pub fn open(root: &Path, vault: Arc<Vault>) -> Result<Self, EvidenceError> {
        match Folder::open(root) {
            Ok(folder) => Ok(Self::at(folder, vault)),
            Err(error) => Err(failed(
                format!("the evidence folder {}", root.display()),
                error,
            )),
        }
    }

    /// Takes a bucket for the evidence, with a local folder where bytes wait until they are there. Connects to nothing yet.
    ///
    /// # Errors
    /// `Io` where the folder or the settings cannot be used.
    pub fn in_bucket(at: &BucketAt, vault: Arc<Vault>) -> Result<Self, EvidenceError> {
        match Bucket::open(at) {
            Ok(bucket) => Ok(Self::at(bucket, vault)),
            Err(error) => Err(failed(at.to_string(), error)),
        }
    }

    /// An empty store that is gone with its last user.
    pub fn in_memory(vault: Arc<Vault>) -> Self {
        Self::at(Memory::default(), vault)
    }

    fn at(place: impl Place + 'static, vault: Arc<Vault>) -> Self {
        let place = Box::new(place);
        Self {
            inner: Arc::new(Inner { place, vault }),
        }
    }

    /// Asks the place whether it can be used now. Blocking, for a few seconds at most.
    ///
    /// # Errors
    /// `Io` with what is wrong and what to do.
    pub fn reach(&self) -> Result<(), EvidenceError> {
        self.place().reach().map_err(|error| self.failed(error))
    }

    /// Begins to take bytes. Blocking.
    ///
    /// # Errors
    /// `Full` or `Io`.
    pub fn writer(&self) -> Result<EvidenceWriter, EvidenceError> {
        EvidenceWriter::new(self.clone())
    }

    /// Opens kept bytes for reading. Blocking.
    ///
    /// # Errors
    /// `Missing`, `Vault`, `Io`, or `Damaged` where it is not whole; damage inside it shows as a read error of kind `InvalidData`.
    pub fn reader(&self, hash: &[u8; 32]) -> Result<EvidenceReader, EvidenceError> {
        EvidenceReader::open(self, hash)
    }

    /// Reads kept bytes to their end and gives their number; `None` where they are missing or damaged. Blocking.
    ///
    /// # Errors
    /// `Io`: whether they are whole cannot be told now.
    pub fn look_through(&self, hash: &[u8; 32]) -> Result<Option<u64>, EvidenceError> {
        let read = self.reader(hash).and_then(|mut reader| {
            io::copy(&mut reader, &mut io::sink()).map_err(|error| self.failed(error))
        });
        match read {
            Ok(size) => Ok(Some(size)),
            Err(
                EvidenceError::Missing { .. }
                | EvidenceError::Damaged { .. }
                | EvidenceError::Vault(_),
            ) => Ok(None),
            Err(
                error @ (EvidenceError::Io { .. }
                | EvidenceError::Full { .. }
                | EvidenceError::TooLarge { .. }
                | EvidenceError::Interrupted(_)),
            ) => Err(error),
        }
    }

    fn place(&self) -> &dyn Place {
        &*self.inner.place
    }

    fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    fn failed(&self, error: io::Error) -> EvidenceError {
        failed(self.place().to_string(), error)
    }

    fn unopened(&self, hash: &[u8; 32], error: StreamError) -> EvidenceError {
        match error {
            StreamError::Io(error) => self.failed(error),
            StreamError::Vault(error @ VaultError::NoKey { .. }) => EvidenceError::Vault(error),
            StreamError::Vault(error) => damaged(hash, error),
            error @ StreamError::Length { .. } => damaged(hash, error),
        }
    }
}

fn damaged(hash: &[u8; 32], why: impl fmt::Display) -> EvidenceError {
    EvidenceError::Damaged {
        hash: hex::encode(hash),
        why: why.to_string(),
    }
}

fn failed(place: String, error: io::Error) -> EvidenceError {
    // A reader of ours has said all of it already.
    let error = match error.downcast::<EvidenceError>() {
        Ok(said) => return said,
        Err(error) => error,
    };
    if error.kind() == io::ErrorKind::StorageFull {
        return EvidenceError::Full { place };
    }
    EvidenceError::Io {
        place,
        source: error,
    }
}

#[cfg(test)]
mod tests;
