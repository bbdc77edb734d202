//! Wage sheets on the command line: the template, what is wrong with a sheet, and its submission.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{
    Failure, Out,
    approval::next_step,
    batches::{card, or_rows, problems},
    client::Client,
    files::keep,
    upload::Sent,
};
use crate::http::{batches::SubmittedWire, sheets::CheckedWire};

/// A sheet, and what is said of it.
#[derive(Debug, Args)]
pub(super) struct Sheet {
    /// The wage sheet: .xlsx, .csv or .json.
    sheet: PathBuf,
    /// Project code.
    #[arg(long)]
    project: String,
    /// Month the wages are owed for, such as 2026-10.
    #[arg(long)]
    month: String,
    /// Number of workers, compared with the sheet's.
    #[arg(long)]
    count: Option<u64>,
    /// Sum in yuan, compared with the sheet's.
    #[arg(long)]
    sum: Option<String>,
    /// Rows with problems to leave out: 12,17 or, in a later sheet, 二队:9.
    #[arg(long, value_name = "ROWS")]
    leave_out: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Submit {
    #[command(flatten)]
    sheet: Sheet,
}

#[derive(Debug, Args)]
pub(super) struct Errors {
    #[command(flatten)]
    sheet: Sheet,
    /// Write the same workbook with a column of reasons here, to be mended and submitted.
    #[arg(long, value_name = "OUT")]
    xlsx: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Template {
    /// A month's wage sheet; whoever may see people finds the roster filled in.
    Wages {
        /// Where to write it.
        out: PathBuf,
        /// Project code.
        #[arg(long)]
        project: String,
        /// Month the wages are owed for, such as 2026-10.
        #[arg(long)]
        month: String,
    },
    /// A roster of workers, the same for every project.
    Roster {
        /// Where to write it.
        out: PathBuf,
    },
}

pub(super) async fn submit(client: &Client, submit: &Submit, out: Out) -> Result<(), Failure> {
    let query = submit.sheet.query();
    let body = Sent::file(&submit.sheet.sheet, out);
    let taken: SubmittedWire = or_rows(client.post(&["batches"], &pairs(&query), body).await, out)?;
    out.show(&taken, |SubmittedWire { batch, warnings }| {
        let odd = match warnings.as_slice() {
            [] => String::new(),
            some => format!("\n提示 odd, but taken:\n{}", problems(some)),
        };
        format!("{}{odd}\n下一步 next: {}", card(batch), next_step(batch))
    })
}

pub(super) async fn errors(client: &Client, errors: &Errors, out: Out) -> Result<(), Failure> {
    let sheet = &errors.sheet;
    let mut query = sheet.query();
    let checked: CheckedWire = client
        .post(
            &["batches", "check"],
            &pairs(&query),
            Sent::file(&sheet.sheet, out),
        )
        .await?;
    if let Some(to) = &errors.xlsx {
        query.push(("answer", "xlsx".into()));
        let workbook = client
            .send(
                &["batches", "check"],
                &pairs(&query),
                Sent::file(&sheet.sheet, out),
            )
            .await?;
        keep(to, workbook).await?;
    }
    out.show(&checked, |checked| shown(checked, errors.xlsx.as_deref()))?;
    if checked.good {
        Ok(())
    } else {
        Err(Failure::Problems(checked.problems_total))
    }
}

fn shown(checked: &CheckedWire, workbook: Option<&Path>) -> String {
    let mut parts = Vec::new();
    if !checked.problems.is_empty() {
        parts.push(problems(&checked.problems));
    }
    if !checked.warnings.is_empty() {
        parts.push(format!(
            "提示 odd, and no obstacle:\n{}",
            problems(&checked.warnings)
        ));
    }
    if checked.good {
        let sum = super::table::yuan(checked.total_fen);
        parts.push(format!(
            "可以提交 ready: {} 人次 wages, {sum} 元 yuan",
            checked.rows
        ));
    }
    if let Some(to) = workbook {
        parts.push(format!("退回表 with reasons: {}", to.display()));
    }
    parts.join("\n")
}

pub(super) async fn template(
    client: &Client,
    template: &Template,
    out: Out,
) -> Result<(), Failure> {
    let (to, answer) = match template {
        Template::Wages {
            out: to,
            project,
            month,
        } => {
            let query = [("project", project.as_str()), ("month", month.as_str())];
            (to, client.open(&["templates", "wages"], &query).await?)
        }
        Template::Roster { out: to } => (to, client.open(&["templates", "roster"], &[]).await?),
    };
    keep(to, answer).await?;
    out.show(
        &serde_json::json!({"file": to.display().to_string()}),
        |_| format!("模板已保存 template: {}", to.display()),
    )
}

impl Sheet {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("count", self.count.map(|count| count.to_string())),
            ("sum", self.sum.clone()),
            ("leave_out", self.leave_out.clone()),
        ];
        let mut query = vec![
            ("project", self.project.clone()),
            ("month", self.month.clone()),
        ];
        query.extend(
            given
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        query
    }
}

fn pairs<'a>(query: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}
