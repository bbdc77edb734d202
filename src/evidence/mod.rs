//! Bytes that must not be lost: wage sheets, instructions, raw returns, each found by the SHA-256 of its clear bytes (invariant 12).
//!
//! A local folder `ab/cdef…`; content is compressed, sealed in chunks, and durable before [`EvidenceWriter::keep`] returns, so that a commit may name
//! it. Nothing here is ever deleted, and nothing is changed but the key it is sealed with.
//! Nothing here knows what the bytes mean.

mod reader;
mod resealing;
mod streaming;
mod writer;

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::{
    reader::EvidenceReader,
    resealing::{FilesByKey, Looked},
    writer::EvidenceWriter,
};
use crate::security::seal::{StreamError, Vault, VaultError};

/// Where a process writes before a file has its name; on the same file system, so that a rename moves it whole.
const INCOMING: &str = "incoming";

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
    #[error("there is no evidence {hash}: look into the backup of the evidence folder")]
    Missing {
        /// Hexadecimal hash.
        hash: String,
    },
    /// Not the bytes that were kept.
    #[error("evidence {hash} is damaged ({why}): take it from the backup of the evidence folder")]
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
    #[error("the evidence folder {} is full: nothing was kept; free space there", root.display())]
    Full {
        /// The folder.
        root: PathBuf,
    },
    /// The stream that brought the bytes broke off.
    #[error("the bytes broke off, and nothing was kept: {0}")]
    Interrupted(io::Error),
    /// The system failed.
    #[error("the evidence folder {}: {source}", root.display())]
    Io {
        /// The folder.
        root: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Sealed with a key that is not there.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The evidence store in one folder; several processes may have it open.
#[derive(Clone)]
pub struct Evidence {
    place: Arc<Place>,
}

struct Place {
    root: PathBuf,
    vault: Arc<Vault>,
    /// Held shared by every process that may be writing: who can hold it alone may clean up.
    _writing: File,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("root", &self.place.root)
            .finish_non_exhaustive()
    }
}

impl Evidence {
    /// Opens or makes the folder, for its owner only, and clears away what crashed writers left.
    ///
    /// # Errors
    /// `Full` or `Io`.
    pub fn open(root: &Path, vault: Arc<Vault>) -> Result<Self, EvidenceError> {
        let writing = prepare(root).map_err(|error| failed(root, error))?;
        Ok(Self {
            place: Arc::new(Place {
                root: root.into(),
                vault,
                _writing: writing,
            }),
        })
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
    /// `Missing`, `Vault`, `Io`, or `Damaged` where the file is not whole; damage inside it shows as a read error of kind `InvalidData`.
    pub fn reader(&self, hash: &[u8; 32]) -> Result<EvidenceReader, EvidenceError> {
        EvidenceReader::open(self, hash)
    }

    /// Tries whether bytes can be kept now, with some that are not kept. Blocking.
    ///
    /// # Errors
    /// `Full` or `Io`, as the next document would meet it.
    pub fn probe(&self) -> Result<(), EvidenceError> {
        let tried = tempfile::NamedTempFile::new_in(self.place.root.join(INCOMING))
            .and_then(|mut file| io::Write::write_all(&mut file, &[0; 4096]));
        tried.map_err(|error| self.failed(error))
    }

    fn path(&self, hash: &[u8; 32]) -> PathBuf {
        let name = hex::encode(hash);
        let (folder, file) = name.split_at(2);
        self.place.root.join(folder).join(file)
    }

    fn failed(&self, error: io::Error) -> EvidenceError {
        failed(&self.place.root, error)
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

fn failed(root: &Path, error: io::Error) -> EvidenceError {
    let root = root.into();
    if error.kind() == io::ErrorKind::StorageFull {
        return EvidenceError::Full { root };
    }
    EvidenceError::Io {
        root,
        source: error,
    }
}

/// Makes all folders beforehand, so that keeping a file needs one folder to be made durable and not two.
fn prepare(root: &Path) -> io::Result<File> {
    let mut folders = DirBuilder::new();
    folders.recursive(true).mode(0o700);
    let incoming = root.join(INCOMING);
    folders.create(&incoming)?;
    for folder in 0..=u8::MAX {
        folders.create(root.join(hex::encode([folder])))?;
    }
    File::open(root)?.sync_all()?;
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(incoming.join("lock"))?;
    // Who cannot hold it alone is not alone: the other's half-written files are not leftovers.
    if lock.try_lock().is_ok() {
        remove_leftovers(&incoming)?;
    }
    lock.lock_shared()?;
    Ok(lock)
}

fn remove_leftovers(incoming: &Path) -> io::Result<()> {
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        if entry.file_name() != "lock" {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
