//! Every route: method, path, the action it takes, and its handler. What is not in this table does not exist.

use actix_web::{HttpRequest, HttpResponse, Route, http::StatusCode, web};

use super::{
    accounts, bank, batches, health, items, operations, outcomes, principals, problem::Problem,
    rates, register,
};
use crate::security::access::Action;

/// One route.
#[derive(Debug)]
pub struct Door {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path with its `{parts}`.
    pub path: &'static str,
    /// What the caller's role must have.
    pub action: Action,
    route: fn() -> Route,
}

const fn door(
    method: &'static str,
    path: &'static str,
    action: Action,
    route: fn() -> Route,
) -> Door {
    Door {
        method,
        path,
        action,
        route,
    }
}

/// All routes; those of one path stand together.
#[rustfmt::skip]
pub const DOORS: &[Door] = &[
    door("POST", "/v1/regions",                     Action::ImportRegister, || web::post().to(register::import_regions)),
    door("POST", "/v1/projects",                    Action::ImportRegister, || web::post().to(register::import_projects)),
    door("GET",  "/v1/projects",                    Action::ReadProjects,   || web::get().to(register::projects)),
    door("POST", "/v1/batches",                     Action::PrepareBatch,   || web::post().to(batches::submit)),
    door("GET",  "/v1/batches",                     Action::FollowBatch,    || web::get().to(batches::list)),
    door("GET",  "/v1/batches/{code}",              Action::FollowBatch,    || web::get().to(batches::show)),
    door("GET",  "/v1/batches/{code}/items",        Action::ReadBatch,      || web::get().to(items::of_batch)),
    door("GET",  "/v1/batches/{code}/instructions", Action::FollowBatch,    || web::get().to(batches::instructions)),
    door("POST", "/v1/batches/{code}/decision",     Action::ApproveBatch,   || web::post().to(batches::decide)),
    door("POST", "/v1/bank/returns",                Action::PushReturns,    || web::post().to(bank::returns)),
    door("POST", "/v1/bank/deposits",               Action::PushReturns,    || web::post().to(bank::deposits)),
    door("GET",  "/v1/rates",                       Action::ReadIndicators, || web::get().to(rates::show)),
    door("GET",  "/v1/failures",                    Action::ReadBatch,      || web::get().to(items::failures)),
    door("GET",  "/v1/accounts",                    Action::ReadAccounts,   || web::get().to(accounts::list)),
    door("GET",  "/v1/outcomes",                    Action::ExportOutcomes, || web::get().to(outcomes::export)),
    door("GET",  "/v1/suspense",                    Action::ReadSuspense,   || web::get().to(operations::suspense)),
    door("GET",  "/v1/audit/check",                 Action::ReadAudit,      || web::get().to(operations::check_audit)),
    door("GET",  "/v1/recount",                     Action::Operate,        || web::get().to(operations::recount)),
    door("GET",  "/v1/principals",                  Action::ManagePrincipals, || web::get().to(principals::list)),
    door("POST", "/v1/principals",                  Action::ManagePrincipals, || web::post().to(principals::admit)),
    door("GET",  "/v1/principals/{name}",           Action::ManagePrincipals, || web::get().to(principals::show)),
    door("POST", "/v1/principals/{name}/suspend",   Action::ManagePrincipals, || web::post().to(principals::suspend)),
    door("POST", "/v1/principals/{name}/restore",   Action::ManagePrincipals, || web::post().to(principals::restore)),
    door("POST", "/v1/principals/{name}/scope",     Action::ManagePrincipals, || web::post().to(principals::rescope)),
    door("GET",  "/v1/certificates",                Action::ManagePrincipals, || web::get().to(principals::certificates)),
    door("POST", "/v1/certificates/revoke",         Action::ManagePrincipals, || web::post().to(principals::revoke)),
    door("GET",  "/v1/me",                          Action::KnowOneself,    || web::get().to(principals::me)),
    door("GET",  "/v1/health",                      Action::AskHealth,      || web::get().to(health::show)),
];

/// The door that a request came to; `None` where there is none, which is a refusal.
pub(super) fn door_of(request: &HttpRequest) -> Option<&'static Door> {
    let pattern = request.match_pattern()?;
    DOORS
        .iter()
        .find(|door| door.path == pattern && door.method == request.method().as_str())
}

/// Opens every door, and answers what is not one.
pub fn open(config: &mut web::ServiceConfig) {
    for doors in DOORS.chunk_by(|one, next| one.path == next.path) {
        let Some(path) = doors.first().map(|door| door.path) else {
            continue;
        };
        let resource = doors.iter().fold(web::resource(path), |resource, door| {
            resource.route((door.route)())
        });
        config.service(resource.default_service(web::to(other_method)));
    }
    config.default_service(web::to(no_door));
}

async fn other_method(request: HttpRequest) -> HttpResponse {
    let allowed: Vec<&str> = DOORS
        .iter()
        .filter(|door| request.match_pattern().as_deref() == Some(door.path))
        .map(|door| door.method)
        .collect();
    let allowed = allowed.join(", ");
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "urn:wagegate:method",
        "Method not allowed",
        format!("this address takes {allowed}"),
    );
    let mut response = actix_web::ResponseError::error_response(&problem);
    if let Ok(value) = allowed.parse() {
        response
            .headers_mut()
            .insert(actix_web::http::header::ALLOW, value);
    }
    response
}

async fn no_door() -> Result<HttpResponse, Problem> {
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "urn:wagegate:no-such-address",
        "No such address",
        "the API lies under /v1; GET /v1/health says whether the gateway is well",
    ))
}
