//! `[[bank]]`: one bank that the gateway speaks to: its profile, where it is, who vouches for it, and who we are there.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::Wrong;
use crate::{
    dispatch::SEND_WITHIN,
    security::revocation::AuthorityFiles,
    transport::{https::Endpoint, tls::KeyFiles},
};

/// One bank.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankEntry {
    /// Its profile, TOML: family, limits, paths, codes. The bank's code is read from there.
    pub profile: PathBuf,
    /// `https://host[:port][/prefix]`
    pub base: String,
    /// The bank's authority, PEM: the only one that may vouch for the bank, and for nobody else.
    pub ca: PathBuf,
    /// That authority's revocation list, PEM.
    pub crl: PathBuf,
    /// The gateway's certificate at this bank, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Time to connect, TLS included.
    #[serde(default = "connect_ms")]
    pub connect_ms: u64,
    /// Time for a whole call. When it runs out the instruction is in doubt.
    #[serde(default = "call_ms")]
    pub call_ms: u64,
    /// Largest answer taken.
    #[serde(default = "reply_bytes_max")]
    pub reply_bytes_max: u64,
}

const fn connect_ms() -> u64 {
    5_000
}

const fn call_ms() -> u64 {
    60_000
}

const fn reply_bytes_max() -> u64 {
    2 << 30
}

impl BankEntry {
    /// The bank's authority with its list.
    pub fn authority(&self) -> AuthorityFiles {
        AuthorityFiles {
            ca: self.ca.clone(),
            crl: self.crl.clone(),
        }
    }

    /// The gateway's certificate at this bank.
    pub fn own(&self) -> KeyFiles {
        KeyFiles {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }

    /// Where to call the bank with this code.
    pub fn endpoint(&self, code: &str) -> Endpoint {
        Endpoint {
            bank: code.to_owned(),
            base: self.base.clone(),
            connect: Duration::from_millis(self.connect_ms),
            whole: Duration::from_millis(self.call_ms),
            reply_cap: self.reply_bytes_max,
        }
    }

    pub(super) fn files(&mut self) -> [(&'static str, &mut PathBuf); 5] {
        [
            ("profile", &mut self.profile),
            ("ca", &mut self.ca),
            ("crl", &mut self.crl),
            ("certificate", &mut self.certificate),
            ("key", &mut self.key),
        ]
    }

    pub(super) fn check(&self, number: u32) -> Result<(), Wrong> {
        let wrong = |key: &str, wrong: &str, fix| {
            Err(Wrong::new(format!("bank[{number}].{key}"), wrong, fix))
        };
        if !self.base.starts_with("https://") {
            return wrong(
                "base",
                "banks are called over mutual TLS only",
                "write https://host:port",
            );
        }
        if self.connect_ms == 0 || self.call_ms < self.connect_ms {
            return wrong(
                "call_ms",
                "a call cannot take less time than connecting",
                "write connect_ms of 1 or more and a call_ms above it",
            );
        }
        if Duration::from_millis(self.call_ms) > Duration::try_from(SEND_WITHIN).unwrap_or_default()
        {
            return wrong(
                "call_ms",
                "no call may last longer than 10 minutes: the bank's word that it never got something counts from then",
                "write 600000 or less",
            );
        }
        if self.reply_bytes_max == 0 {
            return wrong(
                "reply_bytes_max",
                "0 would take no answer",
                "leave it out, or write a number of bytes",
            );
        }
        Ok(())
    }
}
