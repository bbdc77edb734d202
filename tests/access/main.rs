//! Who gets in, and who may do what where: every door against every role, inside and outside its scope, by the real program over mutual TLS.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../api/house.rs"]
#[expect(dead_code, reason = "the tests of the API use the rest")]
mod house;
mod matrix;
mod people;
mod ways;
