//! The number of the newest send, noted outside the database before a byte of it leaves. A database that knows a lower one went back in time (invariant 14).
//!
//! The file lies beside the witness of the audit log, which belongs on another disk than the database: who restores one does not restore the other.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::task::spawn_blocking;
use wagegate_domain::sabotage::{self, Switch};

/// The mark cannot be read or written; nothing is sent without it.
#[derive(Debug, Error)]
#[error("{}: {source}; the gateway's account must own this file, which lies beside audit.witness", path.display())]
pub struct MarkError {
    path: PathBuf,
    source: io::Error,
}

/// The newest send that was made from here.
#[derive(Clone, Debug)]
pub struct Mark {
    /// None where it is only remembered.
    path: Option<PathBuf>,
    newest: Arc<Mutex<i64>>,
}

impl Mark {
    /// Reads the mark beside the witness; where there is none, nothing was sent from here.
    ///
    /// # Errors
    /// It cannot be read, or is no number.
    pub fn open(witness: &Path) -> Result<Self, MarkError> {
        let mut name = OsString::from(witness);
        name.push(".sends");
        let path = PathBuf::from(name);
        let newest = read(&path).map_err(|source| MarkError {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path: Some(path),
            newest: Arc::new(Mutex::new(newest)),
        })
    }

    /// A mark that lives as long as its clones: for simulated worlds, whose power never fails.
    pub fn in_memory() -> Self {
        Self {
            path: None,
            newest: Arc::default(),
        }
    }

    /// The newest send that was noted; 0 for none.
    pub fn newest(&self) -> i64 {
        match sabotage::on(Switch::RestoreNotNoticed) {
            true => 0,
            false => self.noted(),
        }
    }

    /// The same, whatever guard is switched off.
    pub fn noted(&self) -> i64 {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a send; once this returns, a power cut does not lose it.
    ///
    /// # Errors
    /// It cannot be written: what is not noted must not be sent.
    pub async fn note(&self, number: i64) -> Result<(), MarkError> {
        let Some(path) = self.path.clone() else {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            *newest = number.max(*newest);
            return Ok(());
        };
        let (newest, file) = (Arc::clone(&self.newest), path.clone());
        let noted = spawn_blocking(move || write(&file, &newest, number)).await;
        noted
            .map_err(io::Error::other)
            .flatten()
            .map_err(|source| MarkError { path, source })
    }
}

/// Under the lock, so that a lower number never replaces a higher one: several workers note theirs, and several gateways may share a witness.
fn write(path: &Path, newest: &Mutex<i64>, number: i64) -> io::Result<()> {
    let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
    if number <= *newest {
        return Ok(());
    }
    let lock = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.with_extension("lock"))?;
    lock.lock()?;
    let there = read(path)?;
    if number <= there {
        *newest = there;
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let file = NamedTempFile::new_in(folder)?;
    fs::write(file.path(), format!("{number}\n"))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()?;
    *newest = number;
    Ok(())
}

fn read(path: &Path) -> io::Result<i64> {
    match fs::read_to_string(path) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it holds no number")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_highest_number_stays_and_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let witness = folder.path().join("audit.witness");
        let mark = Mark::open(&witness).unwrap();
        assert_eq!(mark.newest(), 0);
        mark.note(7).await.unwrap();
        mark.note(3).await.unwrap();
        assert_eq!(Mark::open(&witness).unwrap().newest(), 7);
    }

    #[test]
    fn a_mark_that_is_no_number_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let witness = folder.path().join("audit.witness");
        fs::write(folder.path().join("audit.witness.sends"), "seven").unwrap();
        assert!(Mark::open(&witness).is_err());
    }
}
