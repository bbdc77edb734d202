//! Files that are read again as soon as they change, so that a new certificate or revocation list acts without a restart.
//! It watches by looking at each use; there is no thread and no notification to miss.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use thiserror::Error;

/// Larger files are not certificates, keys or revocation lists that a gateway should hold.
const LARGEST_FILE: u64 = 32 * 1024 * 1024;

/// Why a file could not be taken into use; the version before it, if any, stays in use.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is missing, unreadable or far too large.
    #[error("{path}: {source}; the gateway's account must be able to read it")]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file was read but is not what belongs there.
    #[error("{path}: {reason}")]
    Unusable { path: PathBuf, reason: String },
}

impl LoadError {
    /// What is wrong, without the place: for people who ask over the API; the log names the file.
    fn why(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => source.kind().to_string(),
            Self::Unusable { reason, .. } => reason.clone(),
        }
    }
}

type Read<T> = dyn Fn(&[Vec<u8>], Option<&T>) -> Result<T, LoadError> + Send + Sync;

/// A value made from a few files, made again when one of them changes.
pub struct Watched<T> {
    paths: Vec<PathBuf>,
    read: Box<Read<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    seen: Vec<Option<Stamp>>,
    current: Arc<T>,
    fault: Option<String>,
}

/// What changes whenever a file is rewritten or replaced; the inode and change time catch a replacement within one clock tick.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T> Watched<T> {
    /// Reads the files for the first time; `read` gets their contents in order and the value in use before.
    ///
    /// # Errors
    /// Any unreadable or unusable file: a gateway does not start on half of its trust.
    pub fn open(
        paths: Vec<PathBuf>,
        read: impl Fn(&[Vec<u8>], Option<&T>) -> Result<T, LoadError> + Send + Sync + 'static,
    ) -> Result<Self, LoadError> {
        let seen = stamps(&paths);
        let current = Arc::new(read(&contents(&paths)?, None)?);
        Ok(Self {
            paths,
            read: Box::new(read),
            state: Mutex::new(State {
                seen,
                current,
                fault: None,
            }),
        })
    }

    /// The value of the files as they are now. A new version that cannot be used is reported once, and the last good one stays.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.look().current)
    }

    /// Why the files as they are now are not in use, when an earlier version of them is.
    pub fn fault(&self) -> Option<String> {
        self.look().fault.clone()
    }

    fn look(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Stamped before reading: a change while we read is seen as a change at the next look.
        let seen = stamps(&self.paths);
        if seen != state.seen {
            state.seen = seen;
            let fresh =
                contents(&self.paths).and_then(|files| (self.read)(&files, Some(&state.current)));
            state.fault = fresh.as_ref().err().map(LoadError::why);
            match fresh {
                Ok(fresh) => state.current = Arc::new(fresh),
                Err(error) => {
                    tracing::error!(%error, "a changed security file cannot be used; the version before it stays in force")
                }
            }
        }
        state
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths
        .iter()
        .map(|path| fs::metadata(path).ok().map(|file| Stamp::of(&file)))
        .collect()
}

impl Stamp {
    fn of(file: &fs::Metadata) -> Self {
        Self {
            inode: file.ino(),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

fn contents(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, LoadError> {
    paths.iter().map(|path| content(path)).collect()
}

fn content(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(unreadable)?.len() > LARGEST_FILE {
        return Err(unreadable(io::Error::other("larger than 32 MiB")));
    }
    fs::read(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &Path) -> Watched<String> {
        let at = path.to_owned();
        Watched::open(vec![path.to_owned()], move |files, _| {
            String::from_utf8(files[0].clone()).map_err(|_| LoadError::Unusable {
                path: at.clone(),
                reason: "not text".into(),
            })
        })
        .unwrap()
    }

    #[test]
    fn a_change_is_seen_at_the_next_look_and_a_bad_one_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("words");
        fs::write(&path, "one").unwrap();
        let watched = words(&path);
        assert_eq!(*watched.current(), "one");
        fs::write(&path, "three").unwrap();
        assert_eq!(*watched.current(), "three");
        assert_eq!(watched.fault(), None);
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(*watched.current(), "three");
        assert_eq!(watched.fault().as_deref(), Some("not text"));
        fs::remove_file(&path).unwrap();
        assert_eq!(*watched.current(), "three");
        assert_eq!(watched.fault().as_deref(), Some("entity not found"));
        fs::write(&path, "four").unwrap();
        assert_eq!(*watched.current(), "four");
        assert_eq!(watched.fault(), None);
    }

    #[test]
    fn nothing_starts_on_a_missing_file() {
        let missing =
            Watched::<String>::open(vec!["/nowhere/at-all".into()], |_, _| Ok(String::new()));
        assert!(matches!(missing, Err(LoadError::Unreadable { .. })));
    }
}
