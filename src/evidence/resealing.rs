//! Sealing kept files anew with the current key: beside the old file, compared with its hash, then in its place in one move. Whoever has the old
//! file open reads it to its end.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use tempfile::NamedTempFile;

use super::{Evidence, EvidenceError, EvidenceReader, INCOMING, writer::sync_folder_of};
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
        for name in self.names_after(after) {
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
        for name in self.names_after("") {
            let key = name
                .and_then(|name| head(&self.path_of(&name)))
                .map_err(|error| self.failed(error))?;
            *all.entry(key).or_default() += 1;
        }
        Ok(all)
    }

    /// Bytes sealed anew; none where the current key sealed the file.
    fn reseal(&self, name: &str) -> Result<u64, EvidenceError> {
        let path = self.path_of(name);
        let vault = &self.place.vault;
        if head(&path).map_err(|error| self.failed(error))? == Some(vault.current_key().id) {
            return Ok(0);
        }
        let Some(hash) = hex::decode(name).ok().and_then(|hash| hash.try_into().ok()) else {
            tracing::warn!(
                "a file in the evidence folder has no hash for a name and is left alone"
            );
            return Ok(0);
        };
        let io_failed = |error| self.failed(error);
        let mut opened = File::open(&path).map_err(io_failed).and_then(|file| {
            vault
                .open_stream(file)
                .map_err(|error| self.unopened(&hash, error))
        })?;
        let label = opened.label();
        let incoming = self.place.root.join(INCOMING);
        let mut sealing = NamedTempFile::new_in(incoming)
            .and_then(|fresh| vault.seal_stream(fresh))
            .map_err(io_failed)?;
        let size =
            io::copy(&mut opened, &mut sealing).map_err(|error| self.broken(&hash, error))?;
        let fresh = sealing.finish(label).map_err(io_failed)?;
        let written = fresh.reopen().map_err(io_failed)?;
        let mut check = EvidenceReader::of(self, &hash, written)?;
        io::copy(&mut check, &mut io::sink()).map_err(|error| self.broken(&hash, error))?;
        fresh
            .as_file()
            .sync_all()
            .and_then(|()| Ok(fresh.persist(&path)?))
            .and_then(|_| sync_folder_of(&path))
            .map_err(io_failed)?;
        Ok(size.max(1))
    }

    /// Damage is the file's; everything else is the system's.
    fn broken(&self, hash: &[u8; 32], error: io::Error) -> EvidenceError {
        match error.kind() {
            io::ErrorKind::InvalidData => super::damaged(hash, error),
            _ => self.failed(error),
        }
    }

    fn path_of(&self, name: &str) -> std::path::PathBuf {
        let (folder, file) = name.split_at_checked(2).unwrap_or((name, ""));
        self.place.root.join(folder).join(file)
    }

    /// Names of files after this one, in order, folder by folder.
    fn names_after(&self, after: &str) -> impl Iterator<Item = io::Result<String>> {
        let after = after.to_owned();
        let folders = (0..=u8::MAX).map(|folder| hex::encode([folder]));
        let rest = folders.skip_while({
            let after = after.clone();
            move |folder| folder.as_str() < after.get(..2).unwrap_or_default()
        });
        rest.flat_map(move |folder| match self.names_in(&folder) {
            Ok(names) => names
                .into_iter()
                .filter(|name| *name > after)
                .map(Ok)
                .collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn names_in(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.place.root.join(folder))? {
            let file = entry?.file_name();
            // What is not a name of ours is not evidence.
            names.extend(file.to_str().map(|file| format!("{folder}{file}")));
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// The key that sealed a file, from its first bytes.
fn head(path: &Path) -> io::Result<Option<u32>> {
    let mut head = Vec::with_capacity(SEALED_HEAD);
    File::open(path)?
        .take(SEALED_HEAD as u64)
        .read_to_end(&mut head)?;
    Ok(key_id(&head))
}
