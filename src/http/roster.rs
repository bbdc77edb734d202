//! A project's workers: their roster in, and how each stands, masked. Opening names and numbers here is what masking takes.

use actix_web::{HttpResponse, http::header, web};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use wagegate_domain::roster::{CardStatus, Phone};

use super::{
    ask::Ask,
    body,
    cards::{CardHistoryWire, CardWire},
    problem::{Problem, RowProblem},
    refusal::{bad_request, not_there, row_problem},
    wire::{self, Page, ok},
};
use crate::{
    registry::{self, Enrolled, Upload, forms::FormKind},
    security::seal::{Vault, VaultError},
    store::{ProjectEntry, RosterFilter, Stay, VersionView, WorkerView},
};

/// What a roster came to, in workers.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnrolledWire {
    /// Not on the project before.
    pub new: u64,
    /// On the project, and something is another than it was: each change is a new version.
    pub changed: u64,
    /// Registered just so: nothing was changed.
    pub same: u64,
    /// What is odd in the roster and did not stop it; the first thousand.
    pub warnings: Vec<RowProblem>,
    pub warnings_total: u64,
}

/// A worker on a project; name, numbers and account are masked.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkerWire {
    pub id: i64,
    /// Absent for whom no roster has named.
    pub name: Option<String>,
    pub id_number: String,
    pub phone: Option<String>,
    /// The last stay.
    pub stay: StayWire,
    /// The card that wages go to.
    pub card: Option<CardWire>,
}

/// One stay on the project; days in China.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StayWire {
    pub entered_on: String,
    /// Last day on site; absent while there.
    pub left_on: Option<String>,
    /// manager or worker.
    pub role: String,
    pub role_zh: String,
    /// Team; empty where not given.
    pub team: String,
}

/// Days attended in a month.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttendanceWire {
    pub month: String,
    pub days: u8,
}

/// Who made what another, and when.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VersionWire {
    /// worker (name and telephone number), presence, attendance or card.
    pub kind: String,
    pub version: u32,
    /// What it came to, as JSON; absent for what is sealed.
    pub content: Option<String>,
    pub by: String,
    pub at: String,
}

/// Everything about one worker of one project.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkerRecordWire {
    pub worker: WorkerWire,
    /// In order.
    pub stays: Vec<StayWire>,
    pub attendance: Vec<AttendanceWire>,
    /// Every card that ever was, with every word on it.
    pub cards: Vec<CardHistoryWire>,
    /// In the order of time.
    pub versions: Vec<VersionWire>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// sheet, json, national or envelope; by the Content-Type where not given.
    #[param(pattern = "^(sheet|json|national|envelope)$")]
    form: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// The `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    after: Option<String>,
    /// Workers on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Only those on site on that day, such as 2026-10-31.
    #[param(
        pattern = "^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
        example = "2026-10-28"
    )]
    on_site: Option<String>,
    /// Only those whose card stands so: unverified, verified or invalid.
    #[param(pattern = "^(unverified|verified|invalid)$")]
    card: Option<String>,
}

/// Registers the workers of a project: a roster (花名册) as workbook, text, JSON or the national platform's messages, whole or not at all.
#[utoipa::path(
    post, path = "/v1/projects/{code}/workers", params(Form),
    request_body(content(
        ("application/json"), ("text/csv"), ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("application/octet-stream"), ("application/x-www-form-urlencoded")
    )),
    responses((status = 200, body = EnrolledWire))
)]
pub(super) async fn import(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let project = of_path(&ask).await?;
    let kind = form(&ask)?;
    let most = ask.api.sheet_bytes_max;
    let within = ask.sees()?;
    let upload = Upload {
        project: &project.code,
        kind,
        bytes: body::stream(payload, most),
        most,
        by: &ask.caller.name,
        within: &within,
    };
    let enrolled = registry::enrol(&ask.api.gateway, upload).await?;
    Ok(ok(&EnrolledWire::from(enrolled)))
}

/// The project named in the path, if the caller may do this to it.
pub(super) async fn of_path(ask: &Ask) -> Result<ProjectEntry, Problem> {
    let project = ask.within(ask.store().project(ask.part("code")).await)?;
    ask.may_project(&project.code, project.region)?;
    Ok(project)
}

fn form(ask: &Ask) -> Result<FormKind, Problem> {
    let query: Form = ask.query()?;
    let by_name = |code: &str| {
        FormKind::from_code(code)
            .ok_or_else(|| bad_request("form is one of sheet, json, national, envelope"))
    };
    match query.form {
        Some(code) => by_name(&code),
        None => Ok(FormKind::of_content_type(
            &ask.header(&header::CONTENT_TYPE),
        )),
    }
}

/// The workers on a project's roster, masked.
#[utoipa::path(
    get, path = "/v1/projects/{code}/workers", params(Filter), responses((status = 200, body = Page<WorkerWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let project = of_path(&ask).await?;
    let query: Filter = ask.query()?;
    let limit = wire::size(query.limit)?;
    let after = match query.after.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(bad_request("after is the `next` of the page before")),
    };
    let filter = RosterFilter {
        on_site: query.on_site.as_deref().map(day).transpose()?,
        card: query.card.as_deref().map(status).transpose()?,
    };
    // One more than asked for shows whether there is a next page.
    let mut found = ask
        .store()
        .roster(&project.code, filter, after, limit + 1)
        .await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let vault = &ask.api.gateway.vault;
    let page = Page {
        next: found
            .last()
            .filter(|_| more)
            .map(|worker| worker.id.to_string()),
        items: found
            .iter()
            .map(|worker| masked(vault, worker))
            .collect::<Result<Vec<_>, _>>()?,
    };
    Ok(ok(&page))
}

fn day(text: &str) -> Result<Date, Problem> {
    text.parse()
        .map_err(|_| bad_request("on_site is a day such as 2026-10-31"))
}

fn status(code: &str) -> Result<CardStatus, Problem> {
    CardStatus::from_code(code)
        .ok_or_else(|| bad_request("card is one of unverified, verified, invalid"))
}

/// One worker with stays, attendance, cards and every version that stood.
#[utoipa::path(
    get, path = "/v1/projects/{code}/workers/{id}",
    params(("id" = i64, Path, description = "The worker's number")),
    responses((status = 200, body = WorkerRecordWire))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let project = of_path(&ask).await?;
    let id = number(&ask, "id")?;
    let record = ask.within(ask.store().worker(&project.code, id).await)?;
    let vault = &ask.api.gateway.vault;
    let cards = record
        .cards
        .iter()
        .map(|card| CardHistoryWire::of(vault, card, &record.words))
        .collect::<Result<_, _>>()?;
    Ok(ok(&WorkerRecordWire {
        worker: masked(vault, &record.view)?,
        stays: record.stays.iter().map(StayWire::from).collect(),
        attendance: record
            .attendance
            .iter()
            .map(|(month, days)| AttendanceWire {
                month: month.to_string(),
                days: *days,
            })
            .collect(),
        cards,
        versions: record.versions.into_iter().map(VersionWire::from).collect(),
    }))
}

/// A number in the path.
pub(super) fn number(ask: &Ask, part: &str) -> Result<i64, Problem> {
    let number = ask.part(part).parse();
    number.map_err(|_| not_there(&format!("`{part}` in the address is a whole number")))
}

fn masked(vault: &Vault, worker: &WorkerView) -> Result<WorkerWire, VaultError> {
    let (blind, sealed) = &worker.id_number;
    let profile = worker
        .profile
        .as_ref()
        .map(|sealed| vault.open_profile(blind, sealed))
        .transpose()?;
    let (name, phone) = profile.unzip();
    Ok(WorkerWire {
        id: worker.id,
        name: name.map(|name| name.masked()),
        id_number: vault.open_id_number(blind, sealed)?.masked(),
        phone: phone.flatten().as_ref().map(Phone::masked),
        stay: StayWire::from(&worker.stay),
        card: worker
            .card
            .as_ref()
            .map(|card| CardWire::of(vault, card))
            .transpose()?,
    })
}

impl From<Enrolled> for EnrolledWire {
    fn from(Enrolled { registered, read }: Enrolled) -> Self {
        Self {
            new: registered.new,
            changed: registered.changed,
            same: registered.same,
            warnings: read.warnings.iter().map(row_problem).collect(),
            warnings_total: read.warnings_total,
        }
    }
}

impl From<&Stay> for StayWire {
    fn from(stay: &Stay) -> Self {
        Self {
            entered_on: stay.entered_on.to_string(),
            left_on: stay.left_on.map(|date| date.to_string()),
            role: stay.role.code().into(),
            role_zh: stay.role.chinese().into(),
            team: stay.team.clone(),
        }
    }
}

impl From<VersionView> for VersionWire {
    fn from(version: VersionView) -> Self {
        Self {
            kind: version.kind,
            version: version.version,
            content: version.content,
            by: version.by,
            at: version.at.to_string(),
        }
    }
}
