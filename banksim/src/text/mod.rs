//! The text dialect: lines joined by bars, GB18030, CRLF, closed by a line of eight hashes.

mod read;
mod write;

pub use read::read;
pub use write::{notice, progress, result, taking};
