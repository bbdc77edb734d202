//! The words and rules of wage payment, pure: nothing here reads a clock, a file, the network, a database or randomness.
//!
//!
//! Values are parsed once, at the edge, into the types of [`ids`], [`money`] and [`period`]; nothing downstream checks them again.

#![warn(
    missing_docs,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing
)]

pub mod ids;
pub mod money;
pub mod period;

pub use money::Fen;
pub use period::PayMonth;
