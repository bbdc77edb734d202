//! The same for async callers: the work is done on blocking threads, and a bounded channel between keeps memory small.

use std::{
    io::{self, Read as _, Write as _},
    pin::pin,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::{sync::mpsc, task};

use super::{Evidence, EvidenceError, EvidenceReader, Kept};
use crate::transport::https::ByteStream;

/// Pieces under way at most; the sender waits for the slower side.
const UNDER_WAY: usize = 4;
const PIECE: usize = 64 * 1024;

/// What goes through the channel. A channel that closes without `End` means that the other side gave up.
enum Piece {
    Bytes(Bytes),
    End,
}

impl Evidence {
    /// Keeps all that the stream brings, counted before compression. Dropped before the stream's end, it keeps nothing.
    ///
    /// # Errors
    /// `TooLarge` beyond `cap` bytes; `Interrupted` where the stream fails; `Full`, `Io`.
    pub async fn keep_stream(
        &self,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        cap: u64,
    ) -> Result<Kept, EvidenceError> {
        let (pieces, taken) = mpsc::channel(UNDER_WAY);
        let store = self.clone();
        let keeping = task::spawn_blocking(move || store.keep_pieces(taken));
        let fed = feed(bytes, cap, &pieces).await;
        // Closed without an end, where feeding failed: the blocking side then drops what it has.
        drop(pieces);
        let kept = keeping.await.map_err(|error| self.failed(error.into()))?;
        fed?;
        kept
    }

    fn keep_pieces(&self, mut pieces: mpsc::Receiver<Piece>) -> Result<Kept, EvidenceError> {
        let mut writer = self.writer()?;
        while let Some(piece) = pieces.blocking_recv() {
            match piece {
                Piece::Bytes(bytes) => writer
                    .write_all(&bytes)
                    .map_err(|error| self.failed(error))?,
                Piece::End => return writer.keep(),
            }
        }
        Err(EvidenceError::Interrupted(
            io::ErrorKind::UnexpectedEof.into(),
        ))
    }

    /// Opens kept bytes for reading, without blocking; reading them does.
    ///
    /// # Errors
    /// As [`Self::reader`].
    pub async fn open_reader(&self, hash: [u8; 32]) -> Result<EvidenceReader, EvidenceError> {
        let store = self.clone();
        let opened = task::spawn_blocking(move || store.reader(&hash)).await;
        opened.map_err(|error| self.failed(error.into()))?
    }

    /// Kept bytes as a stream of pieces, within a tokio runtime; whatever is wrong with them is the stream's last item, as an error.
    pub fn stream(&self, hash: [u8; 32]) -> ByteStream {
        let (pieces, taken) = mpsc::channel(UNDER_WAY);
        let store = self.clone();
        task::spawn_blocking(move || {
            let last = store.read_pieces(&hash, &pieces).map(|()| Piece::End);
            pieces.blocking_send(last).ok(); // who does not listen any more needs no end either
        });
        stream::unfold(Some(taken), |taken| async {
            let mut taken = taken?;
            match taken.recv().await {
                Some(Ok(Piece::Bytes(bytes))) => Some((Ok(bytes), Some(taken))),
                Some(Ok(Piece::End)) => None,
                Some(Err(error)) => Some((Err(error), None)),
                None => Some((Err(io::Error::other("reading evidence broke off")), None)),
            }
        })
        .fuse()
        .boxed()
    }

    fn read_pieces(
        &self,
        hash: &[u8; 32],
        pieces: &mpsc::Sender<io::Result<Piece>>,
    ) -> io::Result<()> {
        let mut reader = self.reader(hash).map_err(io::Error::other)?;
        loop {
            let mut piece = BytesMut::zeroed(PIECE);
            let length = reader.read(&mut piece)?;
            if length == 0 {
                return Ok(());
            }
            piece.truncate(length);
            let sent = pieces.blocking_send(Ok(Piece::Bytes(piece.freeze())));
            if sent.is_err() {
                return Ok(()); // nobody listens any more
            }
        }
    }
}

/// Hands the stream over piece by piece. A receiver that is gone has failed and says why itself.
async fn feed(
    bytes: impl Stream<Item = io::Result<Bytes>>,
    cap: u64,
    pieces: &mpsc::Sender<Piece>,
) -> Result<(), EvidenceError> {
    let mut bytes = pin!(bytes);
    let mut size = 0;
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(EvidenceError::Interrupted)?;
        size += piece.len() as u64;
        if size > cap {
            return Err(EvidenceError::TooLarge { cap });
        }
        if pieces.send(Piece::Bytes(piece)).await.is_err() {
            return Ok(());
        }
    }
    pieces.send(Piece::End).await.ok();
    Ok(())
}
