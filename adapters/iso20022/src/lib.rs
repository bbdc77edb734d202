//! Adapter family `iso20022`: writes pain.001, reads pain.002 and camt.052–054, streaming and without I/O.
//!
//! Banks differ by profile ([`Iso20022::from_toml`]); a bank that needs Rust here is a new family. Validation against the official schemas
//! happens in tests: a third of real reports do not validate, so reading goes by local names and keeps what is odd as a remark.

mod decode;
mod detail;
mod encode;
mod entries;
mod held;
mod input;
mod level;
mod profile;
mod read_back;
mod report;
mod status;
mod talk;
mod values;
mod xml;

use std::io::{BufRead, Write};

use wagegate_domain::adapter::{
    Adapter, DecodeError, EncodeError, Held, Operation, Order, Payment, ReadBack, ReadBackOrder,
    Reply, Step,
};
use wagegate_domain::fact::Told;
use wagegate_domain::profile::BankProfile;

pub use profile::ProfileError;

use crate::entries::Rules;
use crate::profile::Profile;

/// The family with one bank's profile in it.
#[derive(Clone, Debug)]
pub struct Iso20022 {
    profile: Profile,
}

impl Iso20022 {
    /// Reads a profile (`family = "iso20022"` and the tables `bank`, `instruction`, and optionally `returning` and `reasons`).
    ///
    /// # Errors
    /// A key that is unknown, missing or out of range.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        Profile::from_toml(text).map(|profile| Self { profile })
    }

    const fn rules(&self) -> Rules<'_> {
        Rules {
            reasons: &self.profile.reasons,
            returning: &self.profile.returning,
        }
    }
}

impl Adapter for Iso20022 {
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
        read_back::read_back(input, each)
    }

    fn decode(
        &self,
        asked: Option<&str>,
        input: &mut dyn BufRead,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), DecodeError> {
        decode::decode(asked, input, self.rules(), tell)
    }

    fn begin(&self, operation: Operation) -> Option<Step> {
        talk::begin(&self.profile.bank.paths, operation)
    }

    fn resume(&self, held: Held, reply: &Reply<'_>) -> Step {
        talk::resume(self.rules(), &held, reply)
    }
}
