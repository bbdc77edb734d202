//! A local folder where bytes wait until they have their name: sealed already, for their owner only, and cleared of what crashed writers left.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::place::Incoming;

const LOCK: &str = "lock";

pub(super) struct Spool {
    folder: PathBuf,
    /// Held shared by every process that may be writing: who can hold it alone may clean up.
    _writing: File,
}

impl Spool {
    /// Opens or makes the folder.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        private_folders().create(folder)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(LOCK))?;
        // Who cannot hold it alone is not alone: the other's half-written files are not leftovers.
        if lock.try_lock().is_ok() {
            remove_leftovers(folder)?;
        }
        lock.lock_shared()?;
        Ok(Self {
            folder: folder.into(),
            _writing: lock,
        })
    }

    pub(super) fn incoming(&self) -> io::Result<Incoming> {
        NamedTempFile::new_in(&self.folder).map(Incoming::File)
    }
}

/// Makes folders with their parents, for their owner only.
pub(super) fn private_folders() -> DirBuilder {
    let mut folders = DirBuilder::new();
    folders.recursive(true).mode(0o700);
    folders
}

fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
