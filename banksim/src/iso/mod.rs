//! The ISO 20022 dialect: reads pain.001, writes pain.002.001.10 and camt.054.001.08.

mod notification;
mod read;
mod report;
mod xml;

pub use notification::notice;
pub use read::read;
pub use report::{progress, result, taking};
