//! The API and the command line from outside: the program itself, real mutual TLS, SQLite in a fresh folder.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approval;
mod audit;
mod calendar;
#[path = "../support/certificates.rs"]
mod certificates;
mod command;
mod doubts;
mod flow;
#[expect(dead_code, reason = "the tests of access use the rest")]
mod house;
mod keys;
mod manners;
mod outages;
#[path = "../webhooks/receiver.rs"]
#[expect(dead_code, reason = "the tests of webhooks use the rest")]
mod receiver;
mod refusals;
mod registry;
mod roster_forms;
#[path = "../roster_forms/samples.rs"]
mod samples;
mod sealing_keys;
mod sheets;
mod watching;
mod webhooks;
