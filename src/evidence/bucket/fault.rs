//! What a server's refusal or silence means, and what to do about it.

use std::{error::Error as _, io};

use object_store::Error;

use super::super::place::PlaceFault;

/// What a server with no room answers; S3 itself is never full.
const FULL: [&str; 3] = ["QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"];

/// The settings cannot be used.
pub(super) fn unusable(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, PlaceFault(why))
}

/// A request that failed.
pub(super) fn fault(error: Error) -> io::Error {
    let said = said(&error);
    let code = code(&said).unwrap_or_default().to_owned();
    let (kind, what) = match code.as_str() {
        "NoSuchBucket" => (
            io::ErrorKind::NotFound,
            "there is no such bucket on the server (NoSuchBucket): make it, or mend `bucket` under [evidence.bucket]".into(),
        ),
        "RequestTimeTooSkewed" => (
            io::ErrorKind::PermissionDenied,
            "this machine's clock and the server's differ too much (RequestTimeTooSkewed): set the clock".into(),
        ),
        full if FULL.contains(&full) => (io::ErrorKind::StorageFull, code),
        _ if is_refusal(&said) => (
            io::ErrorKind::PermissionDenied,
            format!(
                "the server refuses the access key ({}): look at access_key_file and secret_key_file, and whether the key may read, write and list in the bucket",
                if code.is_empty() { "no reason given" } else { &code }
            ),
        ),
        "" => (
            io::ErrorKind::NotConnected,
            format!("no answer: {said}; whatever was not acknowledged is not kept, and the gateway goes on once the server answers"),
        ),
        _ => (
            io::ErrorKind::Other,
            format!("the server says {code}: {said}; the gateway tries again"),
        ),
    };
    io::Error::new(kind, PlaceFault(what))
}

/// Told by the status: the library has a variant for it, and not for every request.
fn is_refusal(said: &str) -> bool {
    said.contains("403 Forbidden") || said.contains("401 Unauthorized")
}

/// Whether the server says that nothing has the name.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && code(&said(error)) != Some("NoSuchBucket")
}

/// Whether a range was asked for of something that has not one byte.
pub(super) fn is_beyond_the_end(error: &Error) -> bool {
    let said = said(error);
    code(&said) == Some("InvalidRange") || said.contains("416")
}

/// What the server calls its refusal.
fn code(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}

/// The error with its causes, each said once.
fn said(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
