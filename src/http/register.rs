//! Regions, contractors and projects: imported by the operator, seen by whoever has them in scope.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use wagegate_domain::ids::{BankAccount, Region, Uscc};

use super::{
    ask::Ask,
    body,
    fault::{Fault, Faults, all_or_problems, refused},
    problem::Problem,
    wire::{self, AfterCode, Page, ok},
};
use crate::{
    security::{access::Target, principal::is_project_code},
    store::{Conflict, ContractorEntry, ProjectEntry, RegionEntry, Registered, StoreError, Within},
};

/// Largest import; a province's projects are a few MiB.
const BODY_MAX: usize = 32 << 20;
/// Aliases of one special account.
const ALIASES_MAX: usize = 20;

/// A region, as a line of the import and on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionWire {
    /// GB/T 2260 code, six digits; a unit without one has its prefecture's four digits, a capital letter and a digit.
    pub code: String,
    pub name: String,
    /// Projects under construction there, by the supervising department's count.
    pub base_projects: Option<u32>,
}

/// A contractor, as a line of the import and on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractorWire {
    /// Credit code, 18 characters.
    pub uscc: String,
    pub name: String,
}

/// A project with its special wage account, as a line of the import and on the wire. Every field but `aliases` is needed, so a misspelt one is
/// missed; others may stand beside them.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProjectWire {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`, not `.` or `..`.
    pub code: String,
    pub name: String,
    /// County, six characters.
    pub region: String,
    pub contractor_uscc: String,
    pub contractor: String,
    /// Code of the bank that holds the special account.
    pub bank: String,
    /// Number of the special account.
    pub account: String,
    pub account_name: String,
    /// Other names of the special account, where its own is too long for a field; left out or empty, those that are known stay.
    #[serde(default)]
    #[schema(required = false)]
    pub aliases: Vec<String>,
}

/// What an import came to, in the things that it named.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    /// All of them.
    pub imported: u64,
    /// Not known before.
    pub new: u64,
    /// Known otherwise before: each is a new version.
    pub changed: u64,
    /// Known just so: nothing was changed.
    pub same: u64,
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
    let regions = all_or_problems(&lines, ("code", |line| &line.code), region)?;
    let registered = ask
        .store()
        .import_regions(&regions, &ask.caller.name, ask.now())
        .await?;
    Ok(ok(&Imported::from(registered)))
}

/// Regions: all for who sees everything, for a supervisor those under theirs, for others those of their projects.
#[utoipa::path(
    get, path = "/v1/regions", params(AfterCode), responses((status = 200, body = Page<RegionWire>))
)]
pub(super) async fn regions(ask: Ask) -> Result<HttpResponse, Problem> {
    let query: AfterCode = ask.query()?;
    let limit = wire::size(query.limit)?;
    let after = query.after.unwrap_or_default();
    let mut found = ask.store().regions().await?;
    match ask.sees()? {
        Within::All => {}
        Within::Region(prefix) => {
            found.retain(|region| region.code.to_string().starts_with(&prefix));
        }
        seen @ Within::Projects(_) => {
            let projects = ask.store().project_page(&seen, None, u32::MAX).await?;
            let theirs: BTreeSet<_> = projects
                .iter()
                .map(|project| project.region.to_string())
                .collect();
            found.retain(|region| theirs.contains(&region.code.to_string()));
        }
    }
    found.retain(|region| region.code.to_string() > after);
    found.sort_by_key(|region| region.code.to_string());
    Ok(ok(&Page::<RegionWire>::of(found, limit, |region| {
        region.code.to_string()
    })))
}

/// Registers contractors, or changes their names.
#[utoipa::path(
    post, path = "/v1/contractors", request_body = Vec<ContractorWire>, responses((status = 200, body = Imported))
)]
pub(super) async fn import_contractors(
    ask: Ask,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let lines: Vec<ContractorWire> = body::json(payload, BODY_MAX).await?;
    let contractors = all_or_problems(&lines, ("uscc", |line| &line.uscc), contractor)?;
    let registered = ask
        .store()
        .import_contractors(&contractors, &ask.caller.name, ask.now())
        .await?;
    Ok(ok(&Imported::from(registered)))
}

/// Contractors: all for who sees everything, for others those of their projects.
#[utoipa::path(
    get, path = "/v1/contractors", params(AfterCode), responses((status = 200, body = Page<ContractorWire>))
)]
pub(super) async fn contractors(ask: Ask) -> Result<HttpResponse, Problem> {
    let query: AfterCode = ask.query()?;
    let limit = wire::size(query.limit)?;
    let after = query.after.unwrap_or_default();
    // One more than asked for shows whether there is a next page.
    let found = ask
        .store()
        .contractors(&ask.sees()?, &after, limit + 1)
        .await?;
    Ok(ok(&Page::<ContractorWire>::of(
        found,
        limit,
        |contractor| contractor.uscc.clone(),
    )))
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
    let projects = all_or_problems(&lines, ("code", |line| &line.code), |line| {
        project(line, &banks)
    })?;
    let taken = ask
        .store()
        .import_projects(&projects, &ask.caller.name, ask.now())
        .await;
    match taken {
        Err(StoreError::Conflict(conflict)) => Err(refused_projects(conflict, &projects)),
        taken => Ok(ok(&Imported::from(taken?))),
    }
}

/// The conflict with every project that it is about, by its line.
fn refused_projects(conflict: Conflict, projects: &[ProjectEntry]) -> Problem {
    let rows = if let Conflict::ProjectsRefused(flaws) = &conflict {
        refused(flaws, projects)
    } else {
        Vec::new()
    };
    Problem::from(conflict).pointing_at(rows)
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

impl From<Registered> for Imported {
    fn from(registered: Registered) -> Self {
        let Registered { new, changed, same } = registered;
        Self {
            imported: new + changed + same,
            new,
            changed,
            same,
        }
    }
}

impl From<RegionEntry> for RegionWire {
    fn from(entry: RegionEntry) -> Self {
        Self {
            code: entry.code.to_string(),
            name: entry.name,
            base_projects: entry.base_projects,
        }
    }
}

impl From<ContractorEntry> for ContractorWire {
    fn from(entry: ContractorEntry) -> Self {
        Self {
            uscc: entry.uscc,
            name: entry.name,
        }
    }
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
            aliases: entry.aliases,
        }
    }
}

fn region(line: &RegionWire) -> Result<RegionEntry, Vec<Fault>> {
    let mut faults = Faults::default();
    let code = faults.or(region_code("code", &line.code));
    let name = faults.or(text("name", &line.name));
    match (code, name) {
        (Some(code), Some(name)) => Ok(RegionEntry {
            code,
            name,
            base_projects: line.base_projects,
        }),
        (None, _) | (_, None) => Err(faults.0),
    }
}

fn contractor(line: &ContractorWire) -> Result<ContractorEntry, Vec<Fault>> {
    let mut faults = Faults::default();
    let uscc = faults.or(uscc("uscc", &line.uscc));
    let name = faults.or(text("name", &line.name));
    match (uscc, name) {
        (Some(uscc), Some(name)) => Ok(ContractorEntry { uscc, name }),
        (None, _) | (_, None) => Err(faults.0),
    }
}

fn project(line: &ProjectWire, banks: &[&str]) -> Result<ProjectEntry, Vec<Fault>> {
    let mut faults = Faults::default();
    let texts = [
        ("name", &line.name),
        ("contractor", &line.contractor),
        ("account_name", &line.account_name),
    ];
    let [name, contractor, account_name] =
        texts.map(|(column, value)| faults.or(text(column, value)).unwrap_or_default());
    let code = faults.or(project_code(&line.code)).unwrap_or_default();
    let region = faults.or(region_code("region", &line.region));
    let contractor_uscc = faults.or(uscc("contractor_uscc", &line.contractor_uscc));
    let account = faults.or(account(&line.account));
    faults.or(bank(&line.bank, banks));
    let aliases = faults.or(aliases(&line.aliases)).unwrap_or_default();
    match (region, contractor_uscc, account) {
        (Some(region), Some(contractor_uscc), Some(account)) if faults.0.is_empty() => {
            Ok(ProjectEntry {
                code,
                name,
                region,
                contractor_uscc,
                contractor,
                bank: line.bank.clone(),
                account,
                account_name,
                aliases,
            })
        }
        (_, _, _) => Err(faults.0),
    }
}

/// A code stands in addresses and on command lines: what cannot stand there names a project that nobody reaches.
fn project_code(code: &str) -> Result<String, Fault> {
    let code = code.trim();
    if is_project_code(code) {
        return Ok(code.to_owned());
    }
    Err(Fault {
        column: "code",
        zh: "项目编码须为 1 至 64 个字母、数字、点、下划线或连字符，且不是 . 或 ..".into(),
        en: "not 1 to 64 letters, digits, dots, underscores or hyphens, or only `.` or `..`".into(),
        fix: [
            "改用符合规则的项目编码",
            "give the project a code of these characters",
        ],
    })
}

fn uscc(column: &'static str, code: &str) -> Result<String, Fault> {
    let read = Uscc::parse(code).map(|uscc| uscc.to_string());
    read.map_err(|error| Fault {
        column,
        zh: "不是有效的统一社会信用代码（18 位，含校验码）".into(),
        en: error.to_string(),
        fix: [
            "按营业执照填写 18 位统一社会信用代码",
            "copy the code from the business licence",
        ],
    })
}

fn account(number: &str) -> Result<String, Fault> {
    let read = BankAccount::parse(number).map(|(account, _)| account.clear().to_owned());
    read.map_err(|error| Fault {
        column: "account",
        zh: "不是有效的账号".into(),
        en: error.to_string(),
        fix: [
            "填写专户账号，只填数字",
            "write the special account's number, digits only",
        ],
    })
}

fn bank(code: &str, banks: &[&str]) -> Result<(), Fault> {
    if banks.contains(&code) {
        return Ok(());
    }
    let known = banks.join(", ");
    Err(Fault {
        column: "bank",
        zh: format!("未配置该银行代码，已配置：{known}"),
        en: format!("no bank with this code is configured; there are {known}"),
        fix: [
            "填写已配置的银行代码，或请运维增加该银行",
            "write one of them, or have the operator add the bank",
        ],
    })
}

fn aliases(names: &[String]) -> Result<Vec<String>, Fault> {
    if names.len() > ALIASES_MAX {
        return Err(Fault {
            column: "aliases",
            zh: format!("别名超过 {ALIASES_MAX} 个"),
            en: format!("more than {ALIASES_MAX} aliases"),
            fix: ["只保留在用的别名", "keep those that are in use"],
        });
    }
    names.iter().map(|name| text("aliases", name)).collect()
}

fn region_code(column: &'static str, code: &str) -> Result<Region, Fault> {
    Region::parse(code).map_err(|error| Fault {
        column,
        zh: "不是有效的行政区划代码".into(),
        en: error.to_string(),
        fix: [
            "填写六位行政区划代码；没有代码的单位用所属州市前四位加一个大写字母和一位数字，如 5309A1",
            "write the six digits of GB/T 2260, or for a unit without a code its prefecture's four digits, a capital letter and a digit",
        ],
    })
}

fn text(column: &'static str, value: &str) -> Result<String, Fault> {
    let value = value.trim();
    if value.is_empty() || value.chars().count() > 200 || value.chars().any(char::is_control) {
        return Err(Fault {
            column,
            zh: "为空、超过 200 个字符或含控制字符".into(),
            en: "empty, longer than 200 characters, or with control characters".into(),
            fix: ["填写 1 至 200 个字符", "write 1 to 200 characters"],
        });
    }
    Ok(value.to_owned())
}
