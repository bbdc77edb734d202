//! What a command sends: a few bytes, or a file as a stream with a bar where somebody watches. Either can be sent once more.

use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Body;
use tokio_util::io::ReaderStream;

use super::{Failure, Out};

/// The body of a POST.
pub(super) enum Sent {
    Bytes(Vec<u8>),
    File { path: PathBuf, out: Out },
}

impl From<Vec<u8>> for Sent {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for Sent {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<&str> for Sent {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Sent {
    pub(super) fn file(path: &Path, out: Out) -> Self {
        Self::File {
            path: path.to_owned(),
            out,
        }
    }

    /// The body from its beginning; a file is opened anew.
    pub(super) async fn body(&self) -> Result<Body, Failure> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::File { path, out } => stream(path, *out).await,
        }
    }
}

async fn stream(path: &Path, out: Out) -> Result<Body, Failure> {
    let here = |error| Failure::Here(format!("{}: {error}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(here)?;
    let about = file.metadata().await.map_err(here)?;
    if about.is_dir() {
        let wrong = format!("{}: that is a folder; name a file in it", path.display());
        return Err(Failure::Here(wrong));
    }
    let bar = bar(about.len(), out)?;
    let pieces = ReaderStream::with_capacity(file, 64 * 1024).inspect(move |piece| {
        if let Ok(piece) = piece {
            bar.inc(u64::try_from(piece.len()).unwrap_or(0));
        }
    });
    Ok(Body::wrap_stream(pieces))
}

fn bar(size: u64, out: Out) -> Result<ProgressBar, Failure> {
    if !out.lively() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("上传 uploading {bar:40} {bytes}/{total_bytes} {eta}");
    Ok(ProgressBar::new(size).with_style(style.map_err(Failure::here)?))
}
