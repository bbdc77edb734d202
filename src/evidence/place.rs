//! Where sealed bytes lie. A place stores bytes under a name and gives them back; what they are, whether they are whole and what they are
//! called is the evidence store's to know.

use std::{
    fmt,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
};

use tempfile::NamedTempFile;

/// Stores and gives sealed bytes. Its `Display` names it in messages.
pub(super) trait Place: fmt::Display + Send + Sync {
    /// Begins to take bytes, which have no name yet; dropped, they are gone.
    fn incoming(&self) -> io::Result<Incoming>;

    /// Gives the bytes their name, in place of what has it now. Durable when this returns.
    fn put(&self, name: &str, bytes: Incoming) -> io::Result<()>;

    /// Makes sure that a name which is there stays: who gave it may have died before it was durable.
    fn settle(&self, name: &str) -> io::Result<()>;

    /// The bytes of a name, `None` where there are none. A read that meets other bytes under the name, put there since, fails with [`replaced`].
    fn get(&self, name: &str) -> io::Result<Option<Stored>>;

    /// The first so many bytes of a name, or as many as there are.
    fn beginning(&self, name: &str, length: usize) -> io::Result<Vec<u8>>;

    /// Names after this one, in order.
    fn names_after<'a>(&'a self, after: &str) -> Names<'a>;

    /// Whether it can be used now.
    fn reach(&self) -> io::Result<()>;
}

/// Names in order, as they are found.
pub(super) type Names<'a> = Box<dyn Iterator<Item = io::Result<String>> + 'a>;

/// Stored bytes with their number.
pub(super) struct Stored {
    pub(super) bytes: Box<dyn Read + Send>,
    pub(super) length: u64,
}

/// Bytes without a name yet.
pub(super) enum Incoming {
    File(NamedTempFile),
    Memory(Cursor<Vec<u8>>),
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Memory(memory) => memory.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Memory(memory) => memory.flush(),
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(memory) => memory.read(buffer),
        }
    }
}

impl Seek for Incoming {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(memory) => memory.seek(to),
        }
    }
}

impl Incoming {
    /// What came so far, to be read from its start.
    pub(super) fn again(&mut self) -> io::Result<Stored> {
        Ok(match self {
            Self::File(file) => Stored {
                bytes: Box::new(file.reopen()?),
                length: file.as_file().metadata()?.len(),
            },
            Self::Memory(memory) => Stored {
                length: memory.get_ref().len() as u64,
                bytes: Box::new(Cursor::new(memory.get_ref().clone())),
            },
        })
    }
}

/// The place itself failed, and not what lies there. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PlaceFault(pub(super) String);

pub(super) fn is_fault(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<PlaceFault>())
}

/// The error of a read whose bytes were sealed anew meanwhile.
pub(super) fn replaced() -> io::Error {
    let why = PlaceFault("sealed anew while it was read: read it again".into());
    io::Error::new(io::ErrorKind::StaleNetworkFileHandle, why)
}

pub(super) fn is_replaced(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StaleNetworkFileHandle
}
