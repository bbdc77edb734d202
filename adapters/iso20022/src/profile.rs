//! One bank's profile of this family, read from TOML: the message version it takes, its limits, its own codes.

use serde::Deserialize;
use wagegate_domain::profile::{BankProfile, without_dates};

use crate::status::Reasons;

/// The profile cannot be used; the bank is not served.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not TOML, an unknown or missing key, or a value of the wrong kind.
    #[error("the bank profile cannot be read: {0}")]
    Form(#[from] toml::de::Error),
    /// A value that no bank of this family can have.
    #[error("the bank profile's {key} cannot be: {why}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    family: Family,
    pub(crate) bank: BankProfile,
    pub(crate) instruction: Instruction,
    #[serde(default)]
    pub(crate) returning: Returning,
    #[serde(default)]
    pub(crate) reasons: Reasons,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Family {
    Iso20022,
}

/// How the bank wants its instructions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instruction {
    pub(crate) version: Version,
    /// `BtchBookg`: true asks for one debit for the whole instruction; a request, which the bank may ignore.
    pub(crate) batch_booking: bool,
    /// Characters in a payee's name; the national payment system carries 60.
    pub(crate) name_max: usize,
    /// Characters in an account number; the national payment system carries 32.
    pub(crate) account_max: usize,
    /// Characters in a remark.
    pub(crate) remark_max: usize,
}

/// Which pain.001 the bank takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Version {
    /// The version of 2009.
    #[serde(rename = "pain.001.001.03")]
    V03,
    /// The version of 2019, with a choice around the execution date.
    #[serde(rename = "pain.001.001.09")]
    V09,
}

impl Version {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V03 => "pain.001.001.03",
            Self::V09 => "pain.001.001.09",
        }
    }
}

/// How the bank marks a booking that brings money back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Returning {
    /// Parts of the bank transaction code, the standard's or the bank's own, that mean a return.
    codes: Vec<String>,
}

impl Default for Returning {
    fn default() -> Self {
        Self {
            codes: vec!["RRTN".to_owned()],
        }
    }
}

impl Returning {
    /// True where a bank transaction code such as `PMNT/ICDT/RRTN` means a return.
    pub(crate) fn holds(&self, transaction_code: &str) -> bool {
        transaction_code
            .split(['/', ' '])
            .any(|part| self.codes.iter().any(|code| code == part))
    }
}

impl Profile {
    pub(crate) fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// Limits of the schema, which no profile may exceed.
    fn check(&self) -> Result<(), ProfileError> {
        let instruction = &self.instruction;
        for (key, value, most) in [
            ("instruction.name_max", instruction.name_max, 140),
            ("instruction.account_max", instruction.account_max, 34),
            ("instruction.remark_max", instruction.remark_max, 140),
            ("bank.key.length", self.bank.key.length, 28),
        ] {
            if !(1..=most).contains(&value) {
                let why = format!("{value} is not between 1 and {most}");
                return Err(ProfileError::Value { key, why });
            }
        }
        self.paths()
    }

    /// What is filled into the paths is asked for by them.
    fn paths(&self) -> Result<(), ProfileError> {
        let paths = &self.bank.paths;
        let collect = paths.collect.as_ref();
        let dated = |path: &String| {
            without_dates(path).ok_or_else(|| ProfileError::Value {
                key: "bank.paths.query",
                why: "it holds both {from} and {to}, once each, or neither".to_owned(),
            })
        };
        let query = paths.query.as_ref().map(dated).transpose()?;
        for (key, path, hole) in [
            ("bank.paths.submit", Some(&paths.submit), "{key}"),
            ("bank.paths.query", query.as_ref(), "{key}"),
            ("bank.paths.collect", collect, "{after}"),
        ] {
            let Some(path) = path else { continue };
            let others = path.replace(hole, "");
            if others == *path || others.contains(['{', '}']) {
                let why = format!("it must hold {hole}, and nothing else in braces");
                return Err(ProfileError::Value { key, why });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_holds_what_is_filled_in_and_nothing_else() {
        let sound = include_str!("../banks/qingshan.toml");
        assert!(Profile::from_toml(sound).is_ok());
        for (right, wrong) in [
            ("{after}", "{cursor}"),
            ("{after}", "0"),
            ("{key}", "{key}{id}"),
            ("{key}\"\ncollect", "{key}?from={day}\"\ncollect"),
        ] {
            let profile = Profile::from_toml(&sound.replace(right, wrong));
            let why = profile.unwrap_err().to_string();
            assert!(
                why.contains("bank.paths.") && why.contains("it must hold"),
                "{why}"
            );
        }
    }
    #[test]
    fn a_query_asks_for_both_days_or_for_none() {
        let sound = include_str!("../banks/bailu.toml");
        assert!(Profile::from_toml(sound).is_ok());
        for (right, wrong) in [("&to={to}", ""), ("{from}", "{to}")] {
            let profile = Profile::from_toml(&sound.replace(right, wrong));
            let why = profile.unwrap_err().to_string();
            assert!(why.contains("both {from} and {to}"), "{why}");
        }
    }
}
