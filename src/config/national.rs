//! `[[national]]`: a project that is registered on the national platform, and the secret that it shares with it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::security::national::{NationalSecrets, NationalSecretsError};

/// One project's secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NationalEntry {
    /// Project code, the same here and there.
    pub project: String,
    /// The appsecret, 32 characters in a file that is its owner's alone.
    pub secret_file: PathBuf,
}

impl NationalEntry {
    /// Reads the secrets of all entries.
    ///
    /// # Errors
    /// A file cannot be used, or two entries name one project.
    pub fn secrets(entries: &[Self]) -> Result<NationalSecrets, NationalSecretsError> {
        NationalSecrets::open(
            entries
                .iter()
                .map(|entry| (entry.project.as_str(), Path::new(&entry.secret_file))),
        )
    }
}
