//! Reading from a bucket as from a file: one range after another, each whole or an error, all of the same upload.

use std::io::{self, Read};

use bytes::Bytes;
use object_store::{Error, GetOptions, GetRange, ObjectStore as _, path::Path};

use super::{
    super::place::{PlaceFault, replaced},
    Named,
    fault::{fault, is_absent, is_beyond_the_end},
};

/// Bytes of the first request: enough for most documents, and not much where somebody only asks whether something is whole.
pub(super) const FIRST: u64 = 64 * 1024;
/// Bytes of each one after it; memory holds one at a time.
const WINDOW: u64 = 4 * 1024 * 1024;

pub(super) struct Reading {
    bucket: Named,
    path: Path,
    /// Of the upload that the first range came from.
    tag: Option<String>,
    length: u64,
    /// How many bytes were fetched.
    fetched: u64,
    window: Bytes,
}

struct Range {
    tag: Option<String>,
    whole: u64,
    bytes: Bytes,
}

impl Reading {
    /// Fetches the first bytes; `None` where nothing has the name.
    pub(super) fn begin(bucket: &Named, path: Path, first: u64) -> io::Result<Option<Self>> {
        let range = match fetch(bucket, &path, 0, first, None) {
            Ok(range) => range,
            Err(Asked::Refused(error)) if is_absent(&error) => return Ok(None),
            // Nothing that was kept is empty: its reader says that it is damaged.
            Err(Asked::Refused(error)) if is_beyond_the_end(&error) => Range {
                tag: None,
                whole: 0,
                bytes: Bytes::new(),
            },
            Err(asked) => return Err(asked.into()),
        };
        if range.bytes.len() as u64 != first.min(range.whole) {
            return Err(short());
        }
        Ok(Some(Self {
            bucket: bucket.clone(),
            path,
            tag: range.tag,
            length: range.whole,
            fetched: range.bytes.len() as u64,
            window: range.bytes,
        }))
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    fn next_window(&mut self) -> io::Result<()> {
        let wanted = WINDOW.min(self.length - self.fetched);
        let range = match fetch(
            &self.bucket,
            &self.path,
            self.fetched,
            wanted,
            self.tag.clone(),
        ) {
            Ok(range) => range,
            Err(Asked::Refused(Error::Precondition { .. })) => return Err(replaced()),
            Err(asked) => return Err(asked.into()),
        };
        // Not every server minds the condition.
        if (&range.tag, range.whole) != (&self.tag, self.length) {
            return Err(replaced());
        }
        if range.bytes.len() as u64 != wanted {
            return Err(short());
        }
        self.fetched += wanted;
        self.window = range.bytes;
        Ok(())
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.window.is_empty() && self.fetched < self.length {
            self.next_window()?;
        }
        let ready = self.window.split_to(self.window.len().min(buffer.len()));
        if let Some(room) = buffer.get_mut(..ready.len()) {
            room.copy_from_slice(&ready);
        }
        Ok(ready.len())
    }
}

/// Why a range did not come.
enum Asked {
    Refused(Error),
    Ended(io::Error),
}

impl From<Asked> for io::Error {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Refused(error) => fault(error),
            Asked::Ended(error) => error,
        }
    }
}

fn fetch(
    bucket: &Named,
    path: &Path,
    from: u64,
    length: u64,
    tag: Option<String>,
) -> Result<Range, Asked> {
    let (store, path) = (bucket.store.clone(), path.clone());
    let options = GetOptions {
        range: Some(GetRange::Bounded(from..from + length)),
        if_match: tag,
        ..GetOptions::default()
    };
    let request = async move {
        let answered = async {
            let got = store.get_opts(&path, options).await?;
            Ok(Range {
                tag: got.meta.e_tag.clone(),
                whole: got.meta.size,
                bytes: got.bytes().await?,
            })
        };
        Ok::<_, Error>(answered.await)
    };
    match bucket.runner.wait(request) {
        Ok(Ok(range)) => Ok(range),
        Ok(Err(error)) => Err(Asked::Refused(error)),
        Err(ended) => Err(Asked::Ended(ended)),
    }
}

fn short() -> io::Error {
    let why = PlaceFault("the server gave fewer bytes than it said: read it again".into());
    io::Error::new(io::ErrorKind::UnexpectedEof, why)
}
