//! Sealing kept files anew with the current key: beside the old file, compared with its hash, then in its place in one move. Whoever is reading
//! the old file reads to its end.

use std::{collections::BTreeMap, io};

use super::{Evidence, EvidenceError, EvidenceReader, place::Stored};
use crate::security::seal::{SEALED_HEAD, key_id};

/// One look goes over so many files,
const FILES: u64 = 2_000;
/// or until it has sealed so many bytes anew.
const BYTES: u64 = 64 * 1024 * 1024;

/// What one look over some files came to.
#[derive(Debug, Default)]
pub struct Looked {
    /// The last file looked at, as a place to go on from; `None` where there was none any more.
    pub last: Option<String>,
    /// Files sealed anew.
    pub changed: u64,
}

/// Files by the key they are sealed with; `None` where they are in a form that this program does not know.
pub type FilesByKey = BTreeMap<Option<u32>, u64>;

impl Evidence {
    /// Looks over some files after the one named, in the order of names, and seals anew what another key than the current one sealed. A file that
    /// does not open is named in the log and left as it is. Blocking.
    ///
    /// # Errors
    /// `Full` or `Io`.
    pub fn reseal_after(&self, after: &str) -> Result<Looked, EvidenceError> {
        let mut looked = Looked::default();
        let (mut files, mut bytes) = (0, 0);
        for name in self.place().names_after(after) {
            let name = name.map_err(|error| self.failed(error))?;
            match self.reseal(&name) {
                Ok(size) => {
                    looked.changed += u64::from(size > 0);
                    bytes += size;
                }
                Err(error @ (EvidenceError::Full { .. } | EvidenceError::Io { .. })) => {
                    return Err(error);
                }
                Err(error) => tracing::error!(%error, "evidence cannot be sealed anew"),
            }
            files += 1;
            looked.last = Some(name);
            if files >= FILES || bytes >= BYTES {
                break;
            }
        }
        Ok(looked)
    }

    /// Counts files by the key they are sealed with: opens every one. Blocking.
    ///
    /// # Errors
    /// `Io`.
    pub fn files_by_key(&self) -> Result<FilesByKey, EvidenceError> {
        let mut all = FilesByKey::new();
        for name in self.place().names_after("") {
            let key = name
                .and_then(|name| self.key_of(&name))
                .map_err(|error| self.failed(error))?;
            *all.entry(key).or_default() += 1;
        }
        Ok(all)
    }

    /// Bytes sealed anew; none where the current key sealed the file.
    fn reseal(&self, name: &str) -> Result<u64, EvidenceError> {
        let io_failed = |error| self.failed(error);
        if self.key_of(name).map_err(io_failed)? == Some(self.vault().current_key().id) {
            return Ok(0);
        }
        let Some(hash) = hex::decode(name).ok().and_then(|hash| hash.try_into().ok()) else {
            tracing::warn!("something among the evidence has no hash for a name and is left alone");
            return Ok(0);
        };
        let Some(stored) = self.place().get(name).map_err(io_failed)? else {
            return Ok(0);
        };
        self.seal_anew(name, &hash, stored)
    }

    fn seal_anew(&self, name: &str, hash: &[u8; 32], stored: Stored) -> Result<u64, EvidenceError> {
        let io_failed = |error| self.failed(error);
        let mut opened = self
            .vault()
            .open_stream(stored.bytes, stored.length)
            .map_err(|error| self.unopened(hash, error))?;
        let label = opened.label();
        let mut sealing = self
            .place()
            .incoming()
            .and_then(|fresh| self.vault().seal_stream(fresh))
            .map_err(io_failed)?;
        let size = io::copy(&mut opened, &mut sealing).map_err(|error| self.broken(hash, error))?;
        let mut fresh = sealing.finish(label).map_err(io_failed)?;
        let written = fresh.again().map_err(io_failed)?;
        let mut check = EvidenceReader::of(self, hash, written)?;
        io::copy(&mut check, &mut io::sink()).map_err(|error| self.broken(hash, error))?;
        self.place().put(name, fresh).map_err(io_failed)?;
        Ok(size.max(1))
    }

    /// Damage is the file's; everything else is the system's.
    fn broken(&self, hash: &[u8; 32], error: io::Error) -> EvidenceError {
        match error.kind() {
            io::ErrorKind::InvalidData => super::damaged(hash, error),
            _ => self.failed(error),
        }
    }

    /// The key that sealed a file, from its first bytes.
    fn key_of(&self, name: &str) -> io::Result<Option<u32>> {
        let beginning = self.place().beginning(name, SEALED_HEAD)?;
        Ok(key_id(&beginning))
    }
}
