//! `[calendar]`: years beyond those that are built in, or in place of one whose notice was amended.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde::Deserialize;
use thiserror::Error;
use wagegate_domain::calendar::{Calendar, Year};

/// Where more years are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarEntry {
    /// One file for each year, in the form of `domain/calendars/2026.toml`.
    pub years: Vec<PathBuf>,
}

/// A file that is no year; it says where and why.
#[derive(Debug, Error)]
#[error("{}: {why}", file.display())]
pub struct UnusableYear {
    file: PathBuf,
    why: String,
}

impl CalendarEntry {
    /// The built-in years with these.
    ///
    /// # Errors
    /// A file cannot be read, contradicts itself, or names the year of another.
    pub fn calendar(&self) -> Result<Calendar, UnusableYear> {
        let mut seen = BTreeSet::new();
        self.years
            .iter()
            .try_fold(Calendar::default(), |calendar, file| {
                let unusable = |why: String| UnusableYear {
                    file: file.clone(),
                    why,
                };
                let text = fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
                let year = Year::read(&text).map_err(|error| unusable(error.to_string()))?;
                if !seen.insert(year.number) {
                    let why = format!("calendar.years names a file for {} already", year.number);
                    return Err(unusable(why));
                }
                Ok(calendar.with(year))
            })
    }
}
