//! Profiles and files of this family beyond what every family promises (that is `conformance.rs`).
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;
mod documents;
mod goldens;
mod independent;
mod profiles;
mod properties;
mod talk;
