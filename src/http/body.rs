//! Bodies of requests: small ones as JSON, large ones as a stream; both with a bound.

use std::io;

use actix_web::web;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::sync::mpsc;

use super::{
    problem::Problem,
    refusal::{bad_request, too_large, unprocessable},
};
use crate::transport::https::ByteStream;

/// A JSON body of at most `most` bytes.
pub(super) async fn json<T: DeserializeOwned>(
    payload: web::Payload,
    most: usize,
) -> Result<T, Problem> {
    let body = payload.to_bytes_limited(most).await;
    let body = body.map_err(|_| too_large(most as u64))?;
    let body = body.map_err(|_| {
        bad_request("the body broke off or is not what Content-Encoding says; send it again")
    })?;
    // Only the place of the fault: the body may hold what must not be repeated.
    serde_json::from_slice(&body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            Category::Data => unprocessable(
                format!("the body is JSON, but not in the form that GET /v1/openapi.json describes: look at {place}"),
                Vec::new(),
            ),
            Category::Io | Category::Syntax | Category::Eof => {
                bad_request(&format!("the body is not JSON: look at {place}"))
            }
        }
    })
}

/// The body as a stream that may go to another thread; what is not taken from it is not read from the connection. Beyond `most` bytes it
/// ends with an error of kind `FileTooLarge`.
pub(super) fn stream(payload: web::Payload, most: u64) -> ByteStream {
    let (tell, told) = mpsc::channel(4);
    actix_web::rt::spawn(pass_on(payload, most, tell));
    Box::pin(stream::unfold(Some(told), |told| async move {
        let mut told = told?;
        match told.recv().await {
            Some(Passed::Piece(piece)) => {
                let rest = piece.is_ok().then_some(told);
                Some((piece, rest))
            }
            Some(Passed::End) => None,
            None => Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
        }
    }))
}

/// What goes from the connection's thread to the taker's. Without an `End` the body was cut, whatever cut it: half a document must not pass for one.
enum Passed {
    Piece(io::Result<Bytes>),
    End,
}

async fn pass_on(mut payload: web::Payload, most: u64, tell: mpsc::Sender<Passed>) {
    let mut left = most;
    while let Some(piece) = payload.next().await {
        let piece = piece
            .map_err(io::Error::other)
            .and_then(|piece| within(&mut left, piece));
        let broken = piece.is_err();
        if tell.send(Passed::Piece(piece)).await.is_err() || broken {
            return;
        }
    }
    // A taker that has gone does not mind.
    drop(tell.send(Passed::End).await);
}

fn within(left: &mut u64, piece: Bytes) -> io::Result<Bytes> {
    let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
    *left = left
        .checked_sub(length)
        .ok_or(io::ErrorKind::FileTooLarge)?;
    Ok(piece)
}
