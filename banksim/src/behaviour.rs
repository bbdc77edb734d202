//! How this bank behaves: the settings file. Shares are whole numbers out of a thousand, so no rate is ever a float.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::{chance::Shares, reason::Reason};

/// Which transactions a final pain.002 lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Every transaction.
    #[default]
    All,
    /// Only the rejected ones.
    Rejects,
}

/// In which order results list the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultOrder {
    /// As the instruction did.
    #[default]
    File,
    /// In an order of the bank's own, the same each time.
    Shuffled,
}

/// A payee account that always meets the same reason, whatever the shares say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payee {
    /// Card or account number.
    pub account: String,
    /// What its payments meet.
    pub reason: Reason,
    /// Whether they are first paid and then come back.
    #[serde(default)]
    pub late: bool,
}

/// Everything that can be set about a bank's behaviour; every setting has a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Out of a thousand rows, how many fail, by reason.
    pub fail: Shares,
    /// Out of a thousand paid rows, how many come back, by reason.
    pub late_return: Shares,
    /// Payees with a settled fate.
    pub payee: Vec<Payee>,
    /// How many status queries find the bank still working.
    pub work_polls: u32,
    /// Milliseconds the work takes besides, 0 for none.
    pub work_ms: u64,
    /// How many collects (or steps of `/advance`) pass before returns are there.
    pub returns_after_polls: u32,
    /// Which transactions a pain.002 lists.
    pub list: Listing,
    /// The order of rows in results.
    pub result_order: ResultOrder,
    /// Whether a pushed result comes twice.
    pub duplicate_results: bool,
    /// Whether results are pushed.
    pub push_results: bool,
    /// Whether returns are pushed.
    pub push_returns: bool,
    /// Into how many documents a pushed result is split, sent last part first; 1 for one whole document.
    pub split_results: u32,
    /// Whether a reference that comes twice is refused; a bank that does not look pays a second time.
    pub deduplicates: bool,
    /// The most rows an instruction may have; without it, the limit on the interface page.
    pub max_rows: Option<u32>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            fail: Shares::new(),
            late_return: Shares::new(),
            payee: Vec::new(),
            work_polls: 1,
            work_ms: 0,
            returns_after_polls: 1,
            list: Listing::default(),
            result_order: ResultOrder::default(),
            duplicate_results: false,
            push_results: false,
            push_returns: false,
            split_results: 1,
            deduplicates: true,
            max_rows: None,
        }
    }
}

/// Why a settings file cannot be used.
#[derive(Debug, Error)]
pub enum BehaviourError {
    /// The file could not be read.
    #[error("cannot read the behaviour file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML, or names a setting that does not exist.
    #[error("the behaviour file is not valid: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Shares add up to more than all rows.
    #[error("[{table}] adds up to {total} of 1000 rows; lower the shares to 1000 at most")]
    Shares {
        /// The table in the file.
        table: &'static str,
        /// The sum found.
        total: u32,
    },
    /// A result cannot be split into no part or into thousands.
    #[error("split_results is {0}; use 1 to 100")]
    Split(u32),
}

impl Behaviour {
    /// Reads a settings file.
    ///
    /// # Errors
    /// The file is missing, not TOML, has an unknown setting, or shares above a thousand.
    pub fn load(path: &Path) -> Result<Self, BehaviourError> {
        let text = std::fs::read_to_string(path).map_err(|source| BehaviourError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads settings from TOML text.
    ///
    /// # Errors
    /// As [`Behaviour::load`], but for reading the file.
    pub fn parse(text: &str) -> Result<Self, BehaviourError> {
        let behaviour: Self = toml::from_str(text)?;
        check_shares("fail", &behaviour.fail)?;
        check_shares("late_return", &behaviour.late_return)?;
        if !(1..=100).contains(&behaviour.split_results) {
            return Err(BehaviourError::Split(behaviour.split_results));
        }
        Ok(behaviour)
    }
}

fn check_shares(table: &'static str, shares: &Shares) -> Result<(), BehaviourError> {
    let total: u32 = shares.values().map(|share| u32::from(*share)).sum();
    if total > 1000 {
        Err(BehaviourError::Shares { table, total })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_the_rest_keep_their_defaults() {
        let text =
            "work_polls = 3\nlist = \"rejects\"\n[fail]\nname_mismatch = 10\nreported_lost = 2\n";
        let read = Behaviour::parse(text).unwrap();
        assert_eq!(read.work_polls, 3);
        assert_eq!(read.list, Listing::Rejects);
        assert_eq!(
            read.fail,
            Shares::from([(Reason::NameMismatch, 10), (Reason::ReportedLost, 2)])
        );
        assert_eq!(
            Behaviour {
                fail: Shares::new(),
                work_polls: 1,
                list: Listing::All,
                ..read
            },
            Behaviour::default()
        );
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for text in [
            "[fail]\nclosed = 600\nfrozen = 500",
            "speed = 3",
            "[fail]\nbad_luck = 1",
            "split_results = 0",
        ] {
            assert!(Behaviour::parse(text).is_err(), "{text}");
        }
    }
}
