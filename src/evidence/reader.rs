//! Giving bytes back: opened, expanded and compared with their hash. What is not what was kept ends in an error, never in a short read.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use sha2::{Digest as _, Sha256};
use zstd::stream::read::Decoder;

use super::{Evidence, EvidenceError, damaged};
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
        let file = File::open(store.path(hash)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EvidenceError::Missing {
                hash: hex::encode(hash),
            },
            _ => store.failed(error),
        })?;
        Self::of(store, hash, file)
    }

    /// Reads a file that is open.
    pub(super) fn of(store: &Evidence, hash: &[u8; 32], file: File) -> Result<Self, EvidenceError> {
        let opened = store
            .place
            .vault
            .open_stream(file)
            .map_err(|error| store.unopened(hash, error))?;
        let label = opened.label();
        if label.hash != *hash {
            return Err(damaged(hash, "the file holds other bytes"));
        }
        let expanded = Decoder::new(opened).map_err(|error| store.failed(error))?;
        Ok(Self(BufReader::with_capacity(
            BUFFER,
            Checked {
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

/// Passes bytes on and holds the end back until hash and size agree.
struct Checked {
    expanded: Decoder<'static, BufReader<OpenReader<File>>>,
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
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self
            .expanded
            .read(buffer)
            .map_err(|error| self.wrong(error))?;
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
