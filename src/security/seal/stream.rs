//! Files of any length, sealed in chunks so that none is held whole. Compression, names and folders are the evidence store's.
//!
//! `form | key id | salt(32) | label | chunk …`: the salt gives the file a key of its own, so nonces count: number of the chunk, then what
//! it is (label, chunk, last chunk). The label holds hash and size of the clear bytes and the length of what was sealed. A file that
//! was cut, extended, reordered, mixed or put under another name does not open; what is handed out before an error is true.

use std::io::{self, Read, Seek, SeekFrom, Write};

use aws_lc_rs::aead::{MAX_TAG_LEN, NONCE_LEN};
use zeroize::Zeroizing;

use super::{HEAD_LEN, Vault, VaultError, cipher::Cipher};

const SALT_LEN: usize = 32;
const LABEL_LEN: usize = 32 + 8 + 8;
const CHUNKS_FROM: usize = HEAD_LEN + SALT_LEN + LABEL_LEN + MAX_TAG_LEN;
/// Clear bytes in every chunk but the last.
pub(super) const CHUNK_LEN: usize = 64 * 1024;

/// Why a sealed file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The system could not read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its key is missing, or it is no sealed file, or its label does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It is longer or shorter than its label says.
    #[error("the file has {found} bytes and should have {expected}")]
    Length {
        /// What there is.
        found: u64,
        /// What its label says.
        expected: u64,
    },
}

/// What a sealed file says of its clear content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// SHA-256.
    pub(crate) hash: [u8; 32],
    /// Bytes.
    pub(crate) size: u64,
}

#[derive(Clone, Copy)]
enum Part {
    Label = 0,
    Chunk = 1,
    LastChunk = 2,
}

/// Unique within a file, whose key is its own.
fn nonce(number: u64, part: Part) -> [u8; NONCE_LEN] {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8] = part as u8;
    bytes
}

/// Seals what is written to it. Without [`SealWriter::finish`] the file has no label and never opens.
pub(crate) struct SealWriter<W> {
    out: W,
    key: Cipher,
    opening: [u8; HEAD_LEN + SALT_LEN],
    chunk: Zeroizing<Vec<u8>>,
    chunks: u64,
    sealed: u64,
    broken: bool,
}

impl Vault {
    /// Begins a sealed file at the start of `out`.
    ///
    /// # Errors
    /// What `out` fails with.
    pub(crate) fn seal_stream<W: Write + Seek>(&self, mut out: W) -> io::Result<SealWriter<W>> {
        let mut salt = [0; SALT_LEN];
        aws_lc_rs::rand::fill(&mut salt).expect("the system gives random bytes");
        let mut opening = [0; HEAD_LEN + SALT_LEN];
        let keys = self.keys.load();
        opening[..HEAD_LEN].copy_from_slice(&keys.head());
        opening[HEAD_LEN..].copy_from_slice(&salt);
        // Noughts hold the place of opening and label until `finish`.
        out.write_all(&[0; CHUNKS_FROM])?;
        Ok(SealWriter {
            out,
            key: keys.current().file(&salt),
            opening,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK_LEN + MAX_TAG_LEN)),
            chunks: 0,
            sealed: 0,
            broken: false,
        })
    }

    /// Opens a sealed file of so many bytes and checks its label and length.
    ///
    /// # Errors
    /// Whatever is wrong with the file as a whole; a damaged chunk shows when it is read.
    pub(crate) fn open_stream<R: Read>(
        &self,
        mut from: R,
        found: u64,
    ) -> Result<OpenReader<R>, StreamError> {
        let mut opening = [0; CHUNKS_FROM];
        from.read_exact(&mut opening)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => StreamError::Length {
                    found,
                    expected: CHUNKS_FROM as u64,
                },
                _ => StreamError::Io(error),
            })?;
        let (head, rest) = split(&mut opening);
        let (salt, label) = split::<SALT_LEN>(rest);
        let key = self.key_of(head)?.file(salt);
        let (label, length) = open_label(&key, head, label)?;
        let expected = CHUNKS_FROM as u64 + sealed_len(length);
        if found != expected {
            return Err(StreamError::Length { found, expected });
        }
        Ok(OpenReader {
            from,
            key,
            label,
            chunks: 0,
            left: length,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK_LEN + MAX_TAG_LEN)),
            read: 0,
        })
    }
}

/// The lengths are constants of the layout, and the buffer holds them all.
fn split<const N: usize>(bytes: &mut [u8]) -> (&mut [u8; N], &mut [u8]) {
    bytes
        .split_first_chunk_mut()
        .expect("the opening holds every part of it")
}

/// Length on disk of so many bytes in chunks.
fn sealed_len(length: u64) -> u64 {
    length + length.div_ceil(CHUNK_LEN as u64).max(1) * MAX_TAG_LEN as u64
}

fn open_label(
    key: &Cipher,
    head: &[u8; HEAD_LEN],
    sealed: &mut [u8],
) -> Result<(Label, u64), VaultError> {
    let clear = key.open(nonce(0, Part::Label), head, sealed)?;
    let (hash, rest) = split(clear);
    let (size, rest) = split(rest);
    let (length, _) = split(rest);
    let size = u64::from_be_bytes(*size);
    Ok((Label { hash: *hash, size }, u64::from_be_bytes(*length)))
}

impl<W: Write + Seek> SealWriter<W> {
    /// Seals the rest and the label; the file is whole when the system has written it.
    ///
    /// # Errors
    /// What `out` fails with, or failed with before: such a file is never finished.
    pub(crate) fn finish(mut self, label: Label) -> io::Result<W> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed: this file is not whole",
            ));
        }
        let length = self.sealed + self.chunk.len() as u64;
        self.seal_chunk(Part::LastChunk)?;
        let mut clear = Vec::with_capacity(LABEL_LEN + MAX_TAG_LEN);
        clear.extend_from_slice(&label.hash);
        clear.extend_from_slice(&label.size.to_be_bytes());
        clear.extend_from_slice(&length.to_be_bytes());
        let head: &[u8] = &self.opening[..HEAD_LEN];
        let tag = self.key.seal(nonce(0, Part::Label), head, &mut clear);
        clear.extend_from_slice(&tag);
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&self.opening)?;
        self.out.write_all(&clear)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn seal_chunk(&mut self, part: Part) -> io::Result<()> {
        self.sealed += self.chunk.len() as u64;
        let tag = self
            .key
            .seal(nonce(self.chunks, part), &[], &mut self.chunk);
        self.chunk.extend_from_slice(&tag);
        self.chunks += 1;
        let written = self.out.write_all(&self.chunk);
        self.broken = written.is_err();
        self.chunk.clear();
        written
    }
}

impl<W: Write + Seek> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until more comes: only then is it not the last.
        if self.chunk.len() == CHUNK_LEN {
            self.seal_chunk(Part::Chunk)?;
        }
        let room = (CHUNK_LEN - self.chunk.len()).min(bytes.len());
        self.chunk.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a sealed file chunk by chunk; every byte that it gives was checked before.
pub(crate) struct OpenReader<R> {
    from: R,
    key: Cipher,
    label: Label,
    chunks: u64,
    left: u64,
    chunk: Zeroizing<Vec<u8>>,
    read: usize,
}

impl<R: Read> OpenReader<R> {
    /// What the file says of its content.
    pub(crate) fn label(&self) -> Label {
        self.label
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let length = usize::try_from(self.left.min(CHUNK_LEN as u64)).unwrap_or(CHUNK_LEN);
        let last = self.left == length as u64;
        self.chunk.clear();
        self.chunk.resize(length + MAX_TAG_LEN, 0);
        self.read = length + MAX_TAG_LEN;
        self.from.read_exact(&mut self.chunk)?;
        let part = if last { Part::LastChunk } else { Part::Chunk };
        self.key
            .open(nonce(self.chunks, part), &[], &mut self.chunk)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, VaultError::Damaged))?;
        self.chunk.truncate(length);
        self.chunks += 1;
        self.left -= length as u64;
        self.read = 0;
        Ok(())
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.chunk.len() && self.left > 0 {
            self.next_chunk()?;
        }
        let ready = self.chunk.get(self.read..).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.read += length;
        Ok(length)
    }
}
