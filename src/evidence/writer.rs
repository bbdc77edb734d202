//! Taking bytes: hashed, compressed, sealed, and durable in their place before anybody is told their hash.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};
use zstd::stream::write::Encoder;

use super::{Evidence, EvidenceError, Kept, place::Incoming};
use crate::security::seal::{Label, SealWriter};

/// zstd's fastest ordinary level: it shrinks ISO 20022 documents fourteenfold, and more effort gains little.
const LEVEL: i32 = 1;

/// Takes bytes of unknown number; dropped without [`Self::keep`], it leaves nothing behind.
pub struct EvidenceWriter {
    store: Evidence,
    digest: Sha256,
    size: u64,
    sealed: Encoder<'static, SealWriter<Incoming>>,
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
        let sealed = store
            .place()
            .incoming()
            .and_then(|incoming| store.vault().seal_stream(incoming))
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
        let (kept, sealed) = self.seal().map_err(|error| store.failed(error))?;
        let name = hex::encode(kept.hash);
        let stands = match store.reader(&kept.hash) {
            // What is there and whole is the same content: it stays.
            Ok(_) => store.place().settle(&name),
            // What is there and damaged is replaced.
            Err(
                EvidenceError::Missing { .. }
                | EvidenceError::Damaged { .. }
                | EvidenceError::Vault(_),
            ) => store.place().put(&name, sealed),
            Err(
                error @ (EvidenceError::Io { .. }
                | EvidenceError::Full { .. }
                | EvidenceError::TooLarge { .. }
                | EvidenceError::Interrupted(_)),
            ) => return Err(error),
        };
        stands.map_err(|error| store.failed(error))?;
        // Read back: whatever a place acknowledged, only what opens under its name is kept.
        store.reader(&kept.hash)?;
        Ok(kept)
    }

    fn seal(self) -> io::Result<(Kept, Incoming)> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed: the bytes are not whole",
            ));
        }
        let hash = self.digest.finalize().into();
        let size = self.size;
        let sealed = self.sealed.finish()?.finish(Label { hash, size })?;
        Ok((Kept { hash, size }, sealed))
    }
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
