//! Giving bytes back: opened, expanded and compared with their hash. What is not what was kept ends in an error, never in a short read.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest as _, Sha256};
use zstd::stream::read::Decoder;

use super::{
    Evidence, EvidenceError, damaged,
    place::{Stored, is_fault, is_replaced},
};
use crate::security::seal::{Label, OpenReader};

const BUFFER: usize = 64 * 1024;

/// Reads kept bytes in order. Every chunk is checked before its bytes are given out, and the hash of all of them before the end is.
pub struct EvidenceReader(BufReader<Checked>);

impl std::fmt::Debug for EvidenceReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EvidenceReader")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

impl EvidenceReader {
    pub(super) fn open(store: &Evidence, hash: &[u8; 32]) -> Result<Self, EvidenceError> {
        let stored = store.place().get(&hex::encode(hash));
        let stored = stored.map_err(|error| store.failed(error))?;
        let stored = stored.ok_or_else(|| EvidenceError::Missing {
            hash: hex::encode(hash),
        })?;
        Self::of(store, hash, stored)
    }

    /// Reads stored bytes that should have this hash.
    pub(super) fn of(
        store: &Evidence,
        hash: &[u8; 32],
        stored: Stored,
    ) -> Result<Self, EvidenceError> {
        let (expanded, label) = expand(store, hash, stored)?;
        Ok(Self(BufReader::with_capacity(
            BUFFER,
            Checked {
                store: store.clone(),
                expanded,
                label,
                digest: Some(Sha256::new()),
                size: 0,
            },
        )))
    }

    /// Number of clear bytes, known before any is read.
    pub fn size(&self) -> u64 {
        self.0.get_ref().label.size
    }
}

impl Read for EvidenceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for EvidenceReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

type Expanded = Decoder<'static, BufReader<OpenReader<Box<dyn Read + Send>>>>;

fn expand(
    store: &Evidence,
    hash: &[u8; 32],
    stored: Stored,
) -> Result<(Expanded, Label), EvidenceError> {
    let opened = store
        .vault()
        .open_stream(stored.bytes, stored.length)
        .map_err(|error| store.unopened(hash, error))?;
    let label = opened.label();
    if label.hash != *hash {
        return Err(damaged(hash, "the file holds other bytes"));
    }
    let expanded = Decoder::new(opened).map_err(|error| store.failed(error))?;
    Ok((expanded, label))
}

/// Passes bytes on and holds the end back until hash and size agree.
struct Checked {
    store: Evidence,
    expanded: Expanded,
    label: Label,
    /// Taken when the end was found to be right.
    digest: Option<Sha256>,
    size: u64,
}

impl Checked {
    fn end(&mut self) -> io::Result<usize> {
        let Some(digest) = self.digest.take() else {
            return Ok(0);
        };
        let found: [u8; 32] = digest.clone().finalize().into();
        if (found, self.size) == (self.label.hash, self.label.size) {
            return Ok(0);
        }
        // Put back, so that asking again fails again.
        self.digest = Some(digest);
        Err(self.wrong("its bytes do not have its hash"))
    }

    fn wrong(&self, why: impl std::fmt::Display) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, damaged(&self.label.hash, why))
    }

    /// The next bytes. Where the file was sealed anew meanwhile, from the new one, which holds the same.
    fn next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.expanded.read(buffer) {
            Err(error) if is_replaced(&error) => {
                self.open_again()?;
                self.expanded.read(buffer)
            }
            read => read,
        }
    }

    fn open_again(&mut self) -> io::Result<()> {
        let stored = self.store.place().get(&hex::encode(self.label.hash))?;
        let stored = stored.ok_or(io::ErrorKind::NotFound)?;
        let (mut expanded, _) =
            expand(&self.store, &self.label.hash, stored).map_err(io::Error::other)?;
        io::copy(&mut (&mut expanded).take(self.size), &mut io::sink())?;
        self.expanded = expanded;
        Ok(())
    }

    /// Damage is the file's; a place that fails is not damage.
    fn unread(&self, error: io::Error) -> io::Error {
        if is_fault(&error) {
            return io::Error::new(error.kind(), self.store.failed(error));
        }
        self.wrong(error)
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.next(buffer).map_err(|error| self.unread(error))?;
        if length == 0 && !buffer.is_empty() {
            return self.end();
        }
        if let Some(digest) = &mut self.digest {
            digest.update(buffer.get(..length).unwrap_or_default());
        }
        self.size += length as u64;
        Ok(length)
    }
}
