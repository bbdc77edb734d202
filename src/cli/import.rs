//! `wagegate import`: regions, contractors, projects and a project's workers from files.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Failure, Out,
    batches::{or_rows, problems},
    client::Client,
    upload::Sent,
};
use crate::http::{
    register::{ContractorWire, Imported, ProjectWire, RegionWire},
    roster::EnrolledWire,
};

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Regions: code,name,base_projects
    Regions {
        /// CSV in UTF-8 with that header, or .json with a list of objects.
        file: PathBuf,
    },
    /// Contractors: uscc,name
    Contractors {
        /// CSV in UTF-8 with that header, or .json with a list of objects.
        file: PathBuf,
    },
    /// Projects: code,name,region,contractor_uscc,contractor,bank,account,account_name
    Projects {
        /// CSV in UTF-8 with that header, or .json with a list of objects, which may name `aliases` of the account too.
        file: PathBuf,
    },
    /// A project's workers (花名册), whole or not at all. Who is not in the file stays as registered.
    Workers {
        /// .xlsx or .csv with the headers 姓名, 身份证号, 进场日期 and what else there is; .json with a list of objects.
        file: PathBuf,
        /// Project code.
        #[arg(long)]
        project: String,
        /// The form, where the file's ending does not tell.
        #[arg(long, value_enum)]
        form: Option<Form>,
    },
}

/// What a roster is written in.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Form {
    /// A workbook or separated text with a header row.
    Sheet,
    /// A list of objects.
    Json,
    /// Messages of the national platform.
    National,
    /// The platform's requests, signed, one a line.
    Envelope,
}

impl Form {
    fn of(file: &Path) -> Self {
        match file.extension() {
            Some(ending) if ending == "json" => Self::Json,
            Some(_) | None => Self::Sheet,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Sheet => "sheet",
            Self::Json => "json",
            Self::National => "national",
            Self::Envelope => "envelope",
        }
    }
}

pub(super) async fn run(client: &Client, import: &Import, out: Out) -> Result<(), Failure> {
    let (to, body) = match import {
        Import::Regions { file } => ("regions", json::<RegionWire>(file)?),
        Import::Contractors { file } => ("contractors", json::<ContractorWire>(file)?),
        Import::Projects { file } => ("projects", json::<ProjectWire>(file)?),
        Import::Workers {
            file,
            project,
            form,
        } => {
            let form = form.unwrap_or_else(|| Form::of(file));
            return workers(client, (project, file), form, out).await;
        }
    };
    let imported: Imported = or_rows(client.post(&[to], &[], body).await, out)?;
    out.show(&imported, |imported| {
        let Imported {
            imported: all,
            new,
            changed,
            same,
        } = imported;
        format!(
            "已导入 imported {all} {to}: 新增 new {new}, 变更 changed {changed}, 未变 same {same}"
        )
    })
}

async fn workers(
    client: &Client,
    (project, file): (&str, &Path),
    form: Form,
    out: Out,
) -> Result<(), Failure> {
    let body = Sent::file(file, out);
    let path = ["projects", project, "workers"];
    let sent = client.post(&path, &[("form", form.code())], body).await;
    let enrolled: EnrolledWire = or_rows(sent, out)?;
    out.show(&enrolled, |enrolled| {
        let odd = match enrolled.warnings.as_slice() {
            [] => String::new(),
            some => format!("\n提示 odd, but taken:\n{}", problems(some)),
        };
        format!(
            "已登记 registered: 新增 new {}, 变更 changed {}, 未变 same {}{odd}",
            enrolled.new, enrolled.changed, enrolled.same
        )
    })
}

/// The lines of a file, as the API takes them.
fn json<T: Serialize + DeserializeOwned>(file: &Path) -> Result<Vec<u8>, Failure> {
    let wrong =
        |error: &dyn std::fmt::Display| Failure::Here(format!("{}: {error}", file.display()));
    if file.is_dir() {
        return Err(wrong(&"that is a folder; name a file in it"));
    }
    if file
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        return std::fs::read(file).map_err(|error| wrong(&error));
    }
    let mut lines = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| wrong(&misread(&error)))?;
    let lines = lines
        .deserialize()
        .collect::<Result<Vec<T>, _>>()
        .map_err(|error| wrong(&misread(&error)))?;
    serde_json::to_vec(&lines).map_err(|error| wrong(&error))
}

/// Where a file cannot be read as lines, and what to look for.
fn misread(error: &csv::Error) -> String {
    let line = error.position().map_or_else(String::new, |position| {
        format!("line {}: ", position.line())
    });
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "{len} columns where the header has {expected_len}; look for a comma too few or too many, or a quotation mark that is not closed"
        ),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as CSV in UTF-8".into(),
        csv::ErrorKind::Deserialize { err, .. } => match err.kind() {
            csv::DeserializeErrorKind::Message(missing) => format!(
                "{missing}; the header must name every column, and no quotation mark may stay open"
            ),
            csv::DeserializeErrorKind::Unsupported(_)
            | csv::DeserializeErrorKind::UnexpectedEndOfRow
            | csv::DeserializeErrorKind::InvalidUtf8(_)
            | csv::DeserializeErrorKind::ParseBool(_)
            | csv::DeserializeErrorKind::ParseInt(_)
            | csv::DeserializeErrorKind::ParseFloat(_) => {
                let column = err.field().map_or(0, |field| field + 1);
                format!(
                    "column {column} is not what its header says; write a whole number, or leave it empty"
                )
            }
        },
        other => format!("{other:?}; write CSV with a header, as the help shows"),
    };
    format!("{line}{what}")
}
