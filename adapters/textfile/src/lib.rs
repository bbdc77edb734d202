//! The Chinese batch payroll file as data: one engine, and a profile in TOML for each bank.
//!
//! A profile ([`Textfile::from_toml`]) gives encoding, delimiter or fixed widths in bytes, the lines and their columns, the bank's documents, its code
//! tables and its replies; docs and examples are in the README beside this crate's folder and in `banks/`. Nothing here knows a bank, does I/O or
//! holds rows: one line is in memory at a time, in either direction.

#![warn(
    missing_docs,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing
)]

mod cells;
mod charset;
mod check;
mod column;
mod decode;
mod encode;
mod line;
mod lines;
mod profile;
mod record;
mod status;
mod talk;
mod walk;

use std::io::{BufRead, Write};

use wagegate_domain::adapter::{
    Adapter, DecodeError, EncodeError, Held, Operation, Order, Payment, ReadBack, ReadBackOrder,
    Reply, Step,
};
use wagegate_domain::fact::Told;
use wagegate_domain::profile::BankProfile;

pub use check::ProfileError;

/// A bank that takes and gives text files.
#[derive(Debug)]
pub struct Textfile {
    profile: profile::Profile,
}

impl Textfile {
    /// Reads and checks a profile.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let profile: profile::Profile =
            toml::from_str(text).map_err(|error| ProfileError::Unreadable(error.to_string()))?;
        check::check(&profile)?;
        Ok(Self { profile })
    }
}

impl Adapter for Textfile {
    fn profile(&self) -> &BankProfile {
        &self.profile.bank
    }

    fn encode(
        &self,
        order: &Order,
        payments: &mut dyn Iterator<Item = Payment>,
        out: &mut dyn Write,
    ) -> Result<(), EncodeError> {
        encode::encode(&self.profile, order, payments, out)
    }

    fn read_back(
        &self,
        input: &mut dyn BufRead,
        each: &mut dyn FnMut(ReadBack),
    ) -> Result<ReadBackOrder, DecodeError> {
        encode::read_back(&self.profile, input, each)
    }

    fn decode(
        &self,
        asked: Option<&str>,
        input: &mut dyn BufRead,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), DecodeError> {
        decode::decode(&self.profile, asked, input, tell)
    }

    fn begin(&self, operation: Operation) -> Option<Step> {
        talk::begin(&self.profile, operation)
    }

    fn resume(&self, held: Held, reply: &Reply<'_>) -> Step {
        talk::resume(&self.profile, &held, reply)
    }
}
