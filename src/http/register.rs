//! Regions and projects: imported by the operator, seen by whoever has them in scope.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use wagegate_domain::ids::{BankAccount, Region, Uscc};

use super::{
    ask::Ask,
    body,
    problem::{Problem, RowProblem},
    refusal::unprocessable,
    wire::{self, AfterCode, Page, ok},
};
use crate::{
    security::access::Target,
    store::{ProjectEntry, RegionEntry},
};

/// Largest import; a province's projects are a few MiB.
const BODY_MAX: usize = 32 << 20;

/// A region, as a line of the import and on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionWire {
    /// GB/T 2260 code, six digits.
    pub code: String,
    pub name: String,
    /// Projects under construction there, by the supervising department's count.
    pub base_projects: Option<u32>,
}

/// A project with its special wage account, as a line of the import and on the wire. Every field is needed, so a misspelt one is missed;
/// others may stand beside them.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProjectWire {
    pub code: String,
    pub name: String,
    /// County, six digits.
    pub region: String,
    pub contractor_uscc: String,
    pub contractor: String,
    /// Code of the bank that holds the special account.
    pub bank: String,
    /// Number of the special account.
    pub account: String,
    pub account_name: String,
}

/// How many lines an import took.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    pub imported: usize,
}

/// Adds or renames regions, all of them or none.
#[utoipa::path(
    post, path = "/v1/regions", request_body = Vec<RegionWire>, responses((status = 200, body = Imported))
)]
pub(super) async fn import_regions(
    ask: Ask,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let lines: Vec<RegionWire> = body::json(payload, BODY_MAX).await?;
    let regions = all_or_problems(&lines, region)?;
    ask.store()
        .import_regions(&regions, &ask.caller.name, ask.now())
        .await?;
    Ok(ok(&Imported {
        imported: regions.len(),
    }))
}

/// Adds or renames projects with their special accounts, all of them or none.
#[utoipa::path(
    post, path = "/v1/projects", request_body = Vec<ProjectWire>, responses((status = 200, body = Imported))
)]
pub(super) async fn import_projects(
    ask: Ask,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let lines: Vec<ProjectWire> = body::json(payload, BODY_MAX).await?;
    let banks: Vec<&str> = ask.api.gateway.banks.codes().collect();
    let projects = all_or_problems(&lines, |line| project(line, &banks))?;
    ask.store()
        .import_projects(&projects, &ask.caller.name, ask.now())
        .await?;
    Ok(ok(&Imported {
        imported: projects.len(),
    }))
}

/// Projects in scope, by code.
#[utoipa::path(
    get, path = "/v1/projects", params(AfterCode), responses((status = 200, body = Page<ProjectWire>))
)]
pub(super) async fn projects(ask: Ask) -> Result<HttpResponse, Problem> {
    let paging: AfterCode = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let after = paging.after.as_deref();
    let found = ask
        .store()
        .project_page(&ask.sees()?, after, limit + 1)
        .await?;
    Ok(ok(&Page::<ProjectWire>::of(found, limit, |project| {
        project.code.clone()
    })))
}

impl From<ProjectEntry> for ProjectWire {
    fn from(entry: ProjectEntry) -> Self {
        Self {
            code: entry.code,
            name: entry.name,
            region: entry.region.to_string(),
            contractor_uscc: entry.contractor_uscc,
            contractor: entry.contractor,
            bank: entry.bank,
            account: entry.account,
            account_name: entry.account_name,
        }
    }
}

/// What is wrong with one column: its name, the fault and the remedy in Chinese, the remedy in English.
type Fault = (&'static str, String, &'static str, &'static str);

/// All lines made into entries, or every line's first fault. The first line after the header is line 2, as a spreadsheet counts.
fn all_or_problems<L, E>(
    lines: &[L],
    entry: impl Fn(&L) -> Result<E, Fault>,
) -> Result<Vec<E>, Problem> {
    let mut entries = Vec::with_capacity(lines.len());
    let mut problems = Vec::new();
    for (row, line) in (2..).zip(lines) {
        match entry(line) {
            Ok(entry) => entries.push(entry),
            Err(fault) => problems.push(problem(row, fault)),
        }
    }
    if problems.is_empty() {
        Ok(entries)
    } else {
        Err(unprocessable(
            format!(
                "{} of {} lines cannot be taken; nothing was imported",
                problems.len(),
                lines.len()
            ),
            problems,
        ))
    }
}

fn problem(row: u32, (column, message, fix_zh, fix_en): Fault) -> RowProblem {
    RowProblem {
        sheet: String::new(),
        row,
        column: column.into(),
        code: "IMPORT".into(),
        message_zh: format!("{column} 有误"),
        message_en: message,
        fix_zh: fix_zh.into(),
        fix_en: fix_en.into(),
    }
}

fn region(line: &RegionWire) -> Result<RegionEntry, Fault> {
    Ok(RegionEntry {
        code: region_code("code", &line.code)?,
        name: text("name", &line.name)?,
        base_projects: line.base_projects,
    })
}

fn project(line: &ProjectWire, banks: &[&str]) -> Result<ProjectEntry, Fault> {
    let uscc = Uscc::parse(&line.contractor_uscc).map_err(|error| {
        (
            "contractor_uscc",
            error.to_string(),
            "填写 18 位统一社会信用代码",
            "copy the code from the business licence",
        )
    })?;
    let account = BankAccount::parse(&line.account).map_err(|error| {
        (
            "account",
            error.to_string(),
            "填写专户账号",
            "write the special account's number, digits only",
        )
    })?;
    if !banks.contains(&line.bank.as_str()) {
        return Err((
            "bank",
            format!(
                "no bank with this code is configured; there are {}",
                banks.join(", ")
            ),
            "填写已配置的银行代码",
            "write one of them, or have the operator add the bank",
        ));
    }
    Ok(ProjectEntry {
        code: text("code", &line.code)?,
        name: text("name", &line.name)?,
        region: region_code("region", &line.region)?,
        contractor_uscc: uscc.to_string(),
        contractor: text("contractor", &line.contractor)?,
        bank: line.bank.clone(),
        account: account.0.clear().to_owned(),
        account_name: text("account_name", &line.account_name)?,
    })
}

fn region_code(column: &'static str, code: &str) -> Result<Region, Fault> {
    Region::parse(code).map_err(|error| {
        (
            column,
            error.to_string(),
            "填写六位行政区划代码",
            "write the six digits of GB/T 2260",
        )
    })
}

fn text(column: &'static str, value: &str) -> Result<String, Fault> {
    let value = value.trim();
    if value.is_empty() || value.chars().count() > 200 || value.chars().any(char::is_control) {
        return Err((
            column,
            "empty, longer than 200 characters, or with control characters".into(),
            "填写 1 至 200 个字符",
            "write 1 to 200 characters",
        ));
    }
    Ok(value.to_owned())
}
