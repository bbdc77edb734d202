//! The banks of this gateway: each one's adapter with its profile, and the way to call it. The only file that names adapter families.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use thiserror::Error;
use wagegate_domain::{adapter::Adapter, calendar::Calendar};
use wagegate_iso20022::Iso20022;
use wagegate_textfile::Textfile;

use crate::transport::line::Line;

/// One bank: what it speaks and where it is.
#[derive(Clone, Debug)]
pub struct Bank {
    /// Its format family with its profile.
    pub adapter: Arc<dyn Adapter>,
    /// Calls it; over mutual TLS, outside of simulations.
    pub client: Arc<dyn Line>,
}

/// Every bank that this gateway talks to, by code, and the calendar by which they work.
#[derive(Debug, Default)]
pub struct Banks {
    known: BTreeMap<String, Bank>,
    calendar: Calendar,
}

/// No bank of this gateway has that code.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no bank {0} is configured; add a [[bank]] with its profile and certificates")]
pub struct UnknownBank(pub String);

/// A profile that cannot be used; the reason names the key.
#[derive(Debug, Error)]
#[error("bank profile: {0}")]
pub struct UnusableProfile(pub String);

impl Banks {
    /// Takes banks under the codes of their profiles.
    ///
    /// # Errors
    /// The code that came twice.
    pub fn new(banks: impl IntoIterator<Item = Bank>) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for bank in banks {
            let code = bank.adapter.profile().code.clone();
            if known.insert(code.clone(), bank).is_some() {
                return Err(code);
            }
        }
        Ok(Self {
            known,
            calendar: Calendar::default(),
        })
    }

    /// The same banks by another calendar than the built-in one.
    #[must_use]
    pub fn working_by(self, calendar: Calendar) -> Self {
        Self { calendar, ..self }
    }

    /// The business days of all banks, before each one's own rule for weekends.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The bank with this code.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, code: &str) -> Result<&Bank, UnknownBank> {
        self.known
            .get(code)
            .ok_or_else(|| UnknownBank(code.to_owned()))
    }

    /// Codes, in order.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }
}

/// Makes the adapter that a profile asks for by its `family`.
///
/// # Errors
/// Text that is not TOML, a family that does not exist, or a profile that its family refuses.
pub fn adapter(profile: &str) -> Result<Arc<dyn Adapter>, UnusableProfile> {
    #[derive(Deserialize)]
    struct Head {
        family: String,
    }
    let head: Head = toml::from_str(profile).map_err(|error| UnusableProfile(error.to_string()))?;
    let unusable = |error: &dyn std::error::Error| UnusableProfile(error.to_string());
    let adapter: Arc<dyn Adapter> = match head.family.as_str() {
        "iso20022" => Arc::new(Iso20022::from_toml(profile).map_err(|error| unusable(&error))?),
        "textfile" => Arc::new(Textfile::from_toml(profile).map_err(|error| unusable(&error))?),
        other => {
            return Err(UnusableProfile(format!(
                "no family {other}; use iso20022 or textfile"
            )));
        }
    };
    let hours = adapter.profile().check_hours();
    hours.map_err(|why| UnusableProfile(why.to_owned()))?;
    Ok(adapter)
}
