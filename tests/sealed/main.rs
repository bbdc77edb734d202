//! People are sealed: whatever way they come in, they are found nowhere but at the banks that pay them; and the keys that seal them change while
//! the gateway works.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../banks/bank_process.rs"]
#[expect(dead_code, reason = "the tests of the whole job use the ledgers")]
mod bank_process;
#[path = "../support/certificates.rs"]
mod certificates;
mod crowd;
#[path = "../support/fresh_postgres.rs"]
mod fresh_postgres;
mod house;
mod inputs;
mod key_rotation;
mod needles;
mod places;
mod plain_values;
