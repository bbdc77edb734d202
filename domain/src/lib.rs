//! The words and rules of wage payment, pure: nothing here reads a clock, a file, the network, a database or randomness.
//!
//! Start with [`attempt`] (what may be sent, and when), [`outcome`] (what became of it) and [`adapter`] (what a bank format must do).
//! Values are parsed once, at the edge, into the types of [`ids`], [`money`] and [`period`]; nothing downstream checks them again.

#![warn(
    missing_docs,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing
)]

pub mod adapter;
pub mod attempt;
pub mod batch;
pub mod calendar;
pub mod fact;
pub mod ids;
pub mod indicator;
pub mod ledger;
pub mod link;
pub mod money;
pub mod outcome;
pub mod period;
pub mod plan;
pub mod profile;
pub mod reason;
pub mod roster;
pub mod sabotage;
pub mod seating;

pub use money::Fen;
pub use period::PayMonth;
