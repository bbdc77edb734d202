//! The one configuration file (TOML): one file here for each of its tables. It says what is written there and where things lie; it opens
//! nothing but the file itself.
//!
//! Paths are relative to the configuration file. A key that is not known is an error: a misspelt limit must not pass for no limit.

mod approval;
mod audit;
mod bank;
mod calendar;
mod evidence;
mod listen;
mod national;
mod store;
mod webhooks;
mod worker;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

pub use approval::ApprovalEntry;
pub use audit::AuditLogEntry;
pub use bank::BankEntry;
pub use calendar::{CalendarEntry, UnusableYear};
pub use evidence::{Addressing, BucketEntry, EvidenceEntry, UnusableEvidence};
pub use listen::{LimitsEntry, ListenEntry};
pub use national::NationalEntry;
pub use store::StoreEntry;
pub use webhooks::WebhooksEntry;
pub use worker::WorkerEntry;

use crate::security::{principal::PrincipalEntry, revocation::AuthorityFiles};

/// Everything that a gateway needs to know before it starts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[listen]`
    pub listen: ListenEntry,
    /// `[store]`
    pub store: StoreEntry,
    /// `[evidence]`
    pub evidence: EvidenceEntry,
    /// `[keys]`
    pub keys: KeysEntry,
    /// `[people]`: the authority that vouches for people.
    pub people: AuthorityFiles,
    /// `[[bank]]`
    #[serde(rename = "bank", default)]
    pub banks: Vec<BankEntry>,
    /// `[[national]]`
    #[serde(rename = "national", default)]
    pub national: Vec<NationalEntry>,
    /// `[[principal]]`
    #[serde(rename = "principal", default)]
    pub principals: Vec<PrincipalEntry>,
    /// `[approval]`
    #[serde(default)]
    pub approval: ApprovalEntry,
    /// `[calendar]`
    #[serde(default)]
    pub calendar: CalendarEntry,
    /// `[audit]`
    #[serde(default)]
    pub audit: AuditLogEntry,
    /// `[webhooks]`
    #[serde(default)]
    pub webhooks: WebhooksEntry,
    /// `[worker]`
    #[serde(default)]
    pub worker: WorkerEntry,
}

/// `[keys]`: what people's data is sealed with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysEntry {
    /// Made by `wagegate keys new FILE`.
    pub file: PathBuf,
    /// Seconds after a change of keys in which something may still be written with the key before: no key is removed sooner.
    #[serde(default = "an_hour")]
    pub quiet_s: u32,
}

const fn an_hour() -> u32 {
    3600
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there, or not for us.
    #[error("{}: {source}; name the file with --config", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not TOML, a key missing, unknown or of the wrong kind; the message names the line.
    #[error("{}: {error}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What the parser said.
        error: Box<toml::de::Error>,
    },
    /// A value that cannot be meant.
    #[error("{}: {key}: {wrong}; {fix}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// Such as `listen.certificate` or `bank[2].base`.
        key: String,
        /// What is wrong.
        wrong: String,
        /// What to write.
        fix: &'static str,
    },
}

/// A value that cannot be meant, before the file's name is put to it.
pub(crate) struct Wrong {
    key: String,
    wrong: String,
    fix: &'static str,
}

impl Wrong {
    pub(crate) fn new(key: impl Into<String>, wrong: impl Into<String>, fix: &'static str) -> Self {
        Self {
            key: key.into(),
            wrong: wrong.into(),
            fix,
        }
    }
}

impl Config {
    /// Reads the file, makes every path in it absolute or relative to where the program runs, and checks what can be checked without opening more.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, key and what to write.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Malformed {
            file: file.to_owned(),
            error: Box::new(error),
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        config
            .anchor(folder)
            .and_then(|()| config.check())
            .map_err(|Wrong { key, wrong, fix }| ConfigError::Wrong {
                file: file.to_owned(),
                key,
                wrong,
                fix,
            })?;
        Ok(config)
    }

    fn anchor(&mut self, folder: &Path) -> Result<(), Wrong> {
        for (key, path) in self.files() {
            *path = folder.join(&*path);
            if !path.is_file() {
                let wrong = format!("there is no file {}", path.display());
                return Err(Wrong::new(
                    key,
                    wrong,
                    "write its path, absolute or relative to the configuration file",
                ));
            }
        }
        self.evidence.anchor(folder)?;
        self.keys.file = folder.join(&self.keys.file);
        self.audit.witness = if self.audit.witness.as_os_str().is_empty() {
            self.evidence.local().with_file_name("audit.witness")
        } else {
            folder.join(&self.audit.witness)
        };
        self.store.anchor(folder)
    }

    /// Every file that must be there before the gateway starts; the key file apart, whose absence has its own remedy.
    fn files(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut files = vec![
            ("listen.certificate".into(), &mut self.listen.certificate),
            ("listen.key".into(), &mut self.listen.key),
            ("people.ca".into(), &mut self.people.ca),
            ("people.crl".into(), &mut self.people.crl),
        ];
        files.extend(self.evidence.files());
        for (number, bank) in (1..).zip(&mut self.banks) {
            files.extend(
                bank.files()
                    .map(|(key, path)| (format!("bank[{number}].{key}"), path)),
            );
        }
        for (number, file) in (1..).zip(&mut self.calendar.years) {
            files.push((format!("calendar.years[{number}]"), file));
        }
        for (number, entry) in (1..).zip(&mut self.national) {
            let key = format!("national[{number}].secret_file");
            files.push((key, &mut entry.secret_file));
        }
        files
    }

    fn check(&self) -> Result<(), Wrong> {
        self.evidence.check()?;
        self.worker.check()?;
        self.approval.check()?;
        self.audit.check()?;
        self.webhooks.check()?;
        self.listen.limits.check()?;
        for (number, bank) in (1..).zip(&self.banks) {
            bank.check(number)?;
        }
        if !self.keys.file.is_file() {
            let wrong = format!("there is no file {}", self.keys.file.display());
            return Err(Wrong::new(
                "keys.file",
                wrong,
                "make one with `wagegate keys new FILE`",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
