//! Taking bytes: hashed, compressed, sealed, and on the disk before anybody is told their hash.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use zstd::stream::write::Encoder;

use super::{Evidence, EvidenceError, INCOMING, Kept};
use crate::killpoints::killpoint;
use crate::security::seal::{Label, SealWriter};

/// zstd's fastest ordinary level: it shrinks ISO 20022 documents fourteenfold, and more effort gains little.
const LEVEL: i32 = 1;

/// Takes bytes of unknown number; dropped without [`Self::keep`], it leaves nothing behind.
pub struct EvidenceWriter {
    store: Evidence,
    digest: Sha256,
    size: u64,
    sealed: Encoder<'static, SealWriter<NamedTempFile>>,
    broken: bool,
}

impl std::fmt::Debug for EvidenceWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EvidenceWriter")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl EvidenceWriter {
    pub(super) fn new(store: Evidence) -> Result<Self, EvidenceError> {
        let sealed = NamedTempFile::new_in(store.place.root.join(INCOMING))
            .and_then(|file| store.place.vault.seal_stream(file))
            .and_then(|sealing| Encoder::new(sealing, LEVEL))
            .map_err(|error| store.failed(error))?;
        Ok(Self {
            store,
            digest: Sha256::new(),
            size: 0,
            sealed,
            broken: false,
        })
    }

    /// Keeps what was written. Once this returns, a power cut does not lose it.
    ///
    /// # Errors
    /// `Full` or `Io`, also where an earlier write failed; then nothing is kept.
    pub fn keep(self) -> Result<Kept, EvidenceError> {
        let store = self.store.clone();
        self.finish().map_err(|error| store.failed(error))
    }

    fn finish(self) -> io::Result<Kept> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed: the bytes are not whole",
            ));
        }
        let hash = self.digest.finalize().into();
        let size = self.size;
        let file = self.sealed.finish()?.finish(Label { hash, size })?;
        let path = self.store.path(&hash);
        // What is there and whole is the same content: it stays. What is there and damaged is replaced.
        if self.store.reader(&hash).is_err() {
            killpoint("before_evidence_sync");
            file.as_file().sync_all()?;
            killpoint("before_evidence_name");
            file.persist(&path)?;
            killpoint("before_evidence_folder_sync");
        }
        // In both cases: whoever put it there may have died before making its name durable.
        sync_folder_of(&path)?;
        Ok(Kept { hash, size })
    }
}

pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .expect("every kept file is two folders below the root");
    File::open(folder)?.sync_all()
}

impl Write for EvidenceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.sealed.write(bytes);
        self.broken |= taken.is_err();
        let taken = taken?;
        self.digest.update(bytes.get(..taken).unwrap_or(bytes));
        self.size += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sealed.flush()
    }
}
