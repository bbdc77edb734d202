//! `wagegate keys`: makes the file of keys that people's data is sealed with.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, print};
use crate::security::seal::Vault;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a new file of random keys, readable by its owner alone; never overwrites one.
    New {
        /// The file.
        file: PathBuf,
    },
}

pub(super) fn run(Keys::New { file }: &Keys) -> Result<(), Failure> {
    Vault::create(file).map_err(Failure::here)?;
    print(&format!(
        "{} made. Without it nothing that was sealed can be read again: keep a copy apart from the database's backup.",
        file.display()
    ))
}
