//! A file beside the database that only grows: a line for the audit log's head from time to time, each under a mark that needs the key file.
//! Whoever can write to the database alone can cut its log or write it anew, but not what was witnessed of it.
//!
//! A line is `number hash time mark`. The file belongs on another disk or host than the database; a copy of its last line anywhere is a witness too.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use crate::{
    security::seal::Vault,
    store::{AuditHead, Store, StoreError},
};

/// How many of the newest heads are compared: the newest covers all before it, older ones say more closely where a log was written anew.
const HEADS_MAX: usize = 100_000;
/// No line of ours is longer.
const LINE_MAX: u64 = 256;

/// Why the witness cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error("{}: {source}; the gateway's account must own this file (audit.witness)", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "the audit log ends at entry {found}, and {witnessed} was witnessed: it was cut, or the database went back in time; run `wagegate audit verify`"
    )]
    WentBack { found: i64, witnessed: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessedHeads {
    /// The newest, in the order of their numbers.
    pub heads: Vec<AuditHead>,
    /// When the last was written.
    pub last_at: Option<Timestamp>,
    /// The first line that is not one of ours, from 1.
    pub broken_line: Option<u64>,
}

/// The file, and the keys that mark its lines.
#[derive(Clone, Debug)]
pub struct Witness {
    path: PathBuf,
    vault: Arc<Vault>,
    last: Arc<Mutex<i64>>,
}

impl Witness {
    /// Opens the file, or makes it; what a crash left of a line is taken off.
    ///
    /// # Errors
    /// The file cannot be read and written.
    pub fn open(path: &Path, vault: Arc<Vault>) -> Result<Self, WitnessError> {
        let witness = Self {
            path: path.to_owned(),
            vault,
            last: Arc::default(),
        };
        let mended = witness.file().and_then(|mut file| witness.mend(&mut file));
        mended.map_err(|source| witness.unusable(source))?;
        let last = witness.heads()?.heads.last().map_or(0, |head| head.number);
        witness.set_last(last);
        Ok(witness)
    }

    /// Writes a line for the head, if it has moved on; says whether.
    ///
    /// # Errors
    /// The file cannot be written, or the log is shorter than was witnessed: then nothing is written.
    pub async fn note(&self, store: &dyn Store, at: Timestamp) -> Result<bool, WitnessError> {
        let head = store.audit_head().await?;
        let witnessed = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if head.number < witnessed {
            return Err(WitnessError::WentBack {
                found: head.number,
                witnessed,
            });
        }
        if head.number == witnessed {
            return Ok(false);
        }
        let own = self.clone();
        // Another gateway may hold the file's lock.
        let appended = spawn_blocking(move || own.append(head, at)).await;
        let appended = appended.map_err(io::Error::other).flatten();
        let last = appended.map_err(|source| self.unusable(source))?;
        self.set_last(last);
        Ok(last == head.number)
    }

    /// Reads what was witnessed, up to the first line that is not one of ours.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn heads(&self) -> Result<WitnessedHeads, WitnessError> {
        self.read().map_err(|source| self.unusable(source))
    }

    fn read(&self) -> io::Result<WitnessedHeads> {
        let mut lines = BufReader::new(File::open(&self.path)?);
        let mut heads = VecDeque::new();
        let (mut last_at, mut number) = (None, 0);
        loop {
            let mut line = Vec::new();
            lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
            // Another gateway may be in the middle of its line.
            if !line.ends_with(b"\n") && line.len() < 256 {
                break;
            }
            number += 1;
            let ours = self.line(&line).filter(|(head, _)| {
                heads
                    .back()
                    .is_none_or(|last: &AuditHead| last.number <= head.number)
            });
            let Some((head, at)) = ours else {
                return Ok(WitnessedHeads {
                    heads: heads.into(),
                    last_at,
                    broken_line: Some(number),
                });
            };
            heads.push_back(head);
            heads.drain(..heads.len().saturating_sub(HEADS_MAX));
            last_at = Some(at);
        }
        Ok(WitnessedHeads {
            heads: heads.into(),
            last_at,
            broken_line: None,
        })
    }

    fn line(&self, line: &[u8]) -> Option<(AuditHead, Timestamp)> {
        let line = str::from_utf8(line).ok()?.trim_end();
        let (words, mark) = line.rsplit_once(' ')?;
        if hex::decode(mark).ok()? != self.vault.witness_tag(words) {
            return None;
        }
        let mut words = words.split(' ');
        let (number, hash, at) = (words.next()?, words.next()?, words.next()?);
        let head = AuditHead {
            number: number.parse().ok()?,
            hash: hex::decode(hash).ok()?.try_into().ok()?,
        };
        Some((head, at.parse().ok()?))
    }

    /// Writes a line, unless another gateway that shares the file was ahead; gives the number that the file ends with.
    fn append(&self, head: AuditHead, at: Timestamp) -> io::Result<i64> {
        let mut file = self.file()?;
        let last = self.mend(&mut file)?;
        if let Some(last) = last.filter(|last| last.number >= head.number) {
            return Ok(last.number);
        }
        let words = format!("{} {} {at}", head.number, hex::encode(head.hash));
        let mark = hex::encode(self.vault.witness_tag(&words));
        file.write_all(format!("{words} {mark}\n").as_bytes())?;
        file.sync_data()?;
        Ok(head.number)
    }

    /// The file, held by this gateway alone until it is closed.
    fn file(&self) -> io::Result<File> {
        let file = OpenOptions::new()
            .append(true)
            .read(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        file.lock()?;
        Ok(file)
    }

    /// Cuts off a line without an end, and gives the head of the last one, if it is ours.
    fn mend(&self, file: &mut File) -> io::Result<Option<AuditHead>> {
        let length = file.metadata()?.len();
        let tail_from = length.saturating_sub(2 * LINE_MAX);
        file.seek(SeekFrom::Start(tail_from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let torn = tail.iter().rev().take_while(|byte| **byte != b'\n').count();
        if torn > 0 {
            let torn_off = u64::try_from(torn).unwrap_or(u64::MAX);
            file.set_len(length.saturating_sub(torn_off))?;
        }
        tail.truncate(tail.len().saturating_sub(torn));
        let mut lines = tail
            .strip_suffix(b"\n")
            .unwrap_or(&tail)
            .rsplit(|byte| *byte == b'\n');
        let last = lines.next().and_then(|line| self.line(line));
        Ok(last.map(|(head, _)| head))
    }

    fn set_last(&self, number: i64) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = number;
    }

    fn unusable(&self, source: io::Error) -> WitnessError {
        WitnessError::Unusable {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn witness(folder: &Path) -> Witness {
        let keys = folder.join("keys");
        if !keys.exists() {
            Vault::create(&keys).unwrap();
        }
        let vault = Arc::new(Vault::open(&keys).unwrap());
        Witness::open(&folder.join("audit.witness"), vault).unwrap()
    }

    fn head(number: i64) -> AuditHead {
        AuditHead {
            number,
            hash: [u8::try_from(number).unwrap(); 32],
        }
    }

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn what_was_witnessed_is_read_back_also_after_a_crash_in_the_middle_of_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let first = witness(folder.path());
        first.append(head(3), AT).unwrap();
        first.append(head(7), AT).unwrap();
        let path = folder.path().join("audit.witness");
        let torn = fs::read_to_string(&path).unwrap() + "9 0909";
        fs::write(&path, torn).unwrap();
        let again = witness(folder.path());
        again.append(head(9), AT).unwrap();
        let seen = again.heads().unwrap();
        assert_eq!(seen.heads, [head(3), head(7), head(9)]);
        assert_eq!((seen.broken_line, seen.last_at), (None, Some(AT)));
    }

    #[test]
    fn gateways_that_share_the_file_keep_its_order_whoever_comes_late() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (witness(folder.path()), witness(folder.path()));
        assert_eq!(one.append(head(99), AT).unwrap(), 99);
        assert_eq!(other.append(head(101), AT).unwrap(), 101);
        assert_eq!(one.append(head(100), AT).unwrap(), 101);
        assert_eq!(one.append(head(101), AT).unwrap(), 101);
        // What another left of a line when it died does not run into the next.
        let path = folder.path().join("audit.witness");
        let torn = fs::read_to_string(&path).unwrap() + "102 66";
        fs::write(&path, torn).unwrap();
        assert_eq!(one.append(head(103), AT).unwrap(), 103);
        let seen = other.heads().unwrap();
        assert_eq!(seen.heads, [head(99), head(101), head(103)]);
        assert_eq!(seen.broken_line, None);
    }

    #[test]
    fn a_line_that_was_changed_made_up_or_moved_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let own = witness(folder.path());
        for number in 1..=3 {
            own.append(head(number), AT).unwrap();
        }
        let path = folder.path().join("audit.witness");
        let good = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = good.lines().collect();
        let other = tempfile::tempdir().unwrap();
        let stranger = witness(other.path());
        stranger.append(head(2), AT).unwrap();
        let foreign = fs::read_to_string(other.path().join("audit.witness")).unwrap();
        for (text, broken) in [
            (good.replacen("2 0202", "2 0302", 1), 2),
            (format!("{}\n{foreign}{}\n", lines[0], lines[2]), 2),
            (format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]), 3),
            (format!("{good}\n"), 4),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(own.heads().unwrap().broken_line, Some(broken));
        }
    }
}
