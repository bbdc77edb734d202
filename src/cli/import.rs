//! `wagegate import`: regions and projects from CSV or JSON files.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::{Serialize, de::DeserializeOwned};

use super::{Failure, Out, batches::or_rows, client::Client};
use crate::http::register::{Imported, ProjectWire, RegionWire};

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Regions: code,name,base_projects
    Regions {
        /// CSV in UTF-8 with that header, or .json with a list of objects.
        file: PathBuf,
    },
    /// Projects: code,name,region,contractor_uscc,contractor,bank,account,account_name
    Projects {
        /// CSV in UTF-8 with that header, or .json with a list of objects.
        file: PathBuf,
    },
}

pub(super) async fn run(client: &Client, import: &Import, out: Out) -> Result<(), Failure> {
    let (to, body) = match import {
        Import::Regions { file } => ("regions", json::<RegionWire>(file)?),
        Import::Projects { file } => ("projects", json::<ProjectWire>(file)?),
    };
    let imported: Imported = or_rows(client.post(&[to], &[], body).await, out)?;
    out.show(&imported, |imported| {
        format!("已导入 imported {} {to}", imported.imported)
    })
}

/// The lines of a file, as the API takes them.
fn json<T: Serialize + DeserializeOwned>(file: &Path) -> Result<Vec<u8>, Failure> {
    let wrong =
        |error: &dyn std::fmt::Display| Failure::Here(format!("{}: {error}", file.display()));
    if file
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        return std::fs::read(file).map_err(|error| wrong(&error));
    }
    let mut lines = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| wrong(&error))?;
    let lines = lines
        .deserialize()
        .collect::<Result<Vec<T>, _>>()
        .map_err(|error| wrong(&error))?;
    serde_json::to_vec(&lines).map_err(|error| wrong(&error))
}
