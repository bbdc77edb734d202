//! Every route: method, path, the action it takes, and its handler. What is not in this table does not exist.
//!
//! To add a route, write two things.
//!
//! 1. On the handler, what it takes and gives; all wire types in it derive `utoipa::ToSchema`, a struct read by `ask.query()` derives
//!    `utoipa::IntoParams` with `#[into_params(parameter_in = Query)]`:
//!
//!    ```ignore
//!    #[utoipa::path(get, path = "/v1/things/{code}", params(Query), responses((status = 200, body = ThingWire)))]
//!    #[utoipa::path(post, path = "/v1/things", request_body = NewThing, responses((status = 201, body = ThingWire)))]
//!    #[utoipa::path(post, path = "/v1/sheets", request_body(content(("text/csv"), ("application/octet-stream"))), responses(..))]
//!    ```
//!
//!    Only what is particular to the route: [`super::openapi`] adds the parts of the path, every problem's status with the schema of
//!    [`Problem`], `Idempotency-Key` of a POST, and the operation's id. A constraint that the code checks is written down (`pattern`,
//!    `minimum`, `maximum`, `max_length`), for clients and for `scripts/contract`, which tries them.
//! 2. Here, one line: the type is the handler's name after `__path_`, as the attribute calls it.
//!
//!    ```ignore
//!    door::<things::__path_show>("GET", "/v1/things/{code}", Action::ReadThings, || web::get().to(things::show)),
//!    ```
//!
//! The description is also what is asked of a request: [`super::ask::Ask`] refuses query parameters and media types that are not in it.

use actix_web::{
    HttpRequest, HttpResponse, Route,
    http::{Method, StatusCode, header},
    middleware::from_fn,
    web,
};

use super::{
    accounts, approval, audit, bank, banks, batches, calendar, cards, changes, documents, doubts,
    health,
    idempotency::once,
    items, keys, metrics,
    openapi::{self, Described},
    operations, outcomes, principals,
    problem::Problem,
    rates, register, roster, sheets, tasks, templates, webhooks,
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
    /// What the handler says of itself.
    pub(super) described: fn() -> Described,
    route: fn() -> Route,
}

const fn door<Handler: openapi::Handler>(
    method: &'static str,
    path: &'static str,
    action: Action,
    route: fn() -> Route,
) -> Door {
    Door {
        method,
        path,
        action,
        described: openapi::described::<Handler>,
        route,
    }
}

/// All routes; those of one path stand together.
#[rustfmt::skip]
pub const DOORS: &[Door] = &[
    door::<register::__path_import_regions>( "POST", "/v1/regions",                     Action::ImportRegister, || web::post().to(register::import_regions)),
    door::<register::__path_regions>(        "GET",  "/v1/regions",                     Action::ReadProjects,   || web::get().to(register::regions)),
    door::<register::__path_import_projects>("POST", "/v1/projects",                    Action::ImportRegister, || web::post().to(register::import_projects)),
    door::<register::__path_projects>(       "GET",  "/v1/projects",                    Action::ReadProjects,   || web::get().to(register::projects)),
    door::<register::__path_import_contractors>("POST", "/v1/contractors",              Action::ImportRegister, || web::post().to(register::import_contractors)),
    door::<register::__path_contractors>(    "GET",  "/v1/contractors",                 Action::ReadProjects,   || web::get().to(register::contractors)),
    door::<roster::__path_import>(           "POST", "/v1/projects/{code}/workers",     Action::ImportRoster,   || web::post().to(roster::import)),
    door::<roster::__path_list>(             "GET",  "/v1/projects/{code}/workers",     Action::ReadRoster,     || web::get().to(roster::list)),
    door::<roster::__path_show>(             "GET",  "/v1/projects/{code}/workers/{id}", Action::ReadRoster,    || web::get().to(roster::show)),
    door::<cards::__path_replace>(           "POST", "/v1/projects/{code}/workers/{id}/card", Action::ManageCards, || web::post().to(cards::replace)),
    door::<cards::__path_rule>(              "POST", "/v1/cards/{id}/status",           Action::ManageCards,    || web::post().to(cards::rule)),
    door::<cards::__path_keep>(              "POST", "/v1/evidence",                    Action::KeepEvidence,   || web::post().to(cards::keep)),
    door::<batches::__path_submit>(          "POST", "/v1/batches",                     Action::PrepareBatch,   || web::post().to(batches::submit)),
    door::<batches::__path_list>(            "GET",  "/v1/batches",                     Action::FollowBatch,    || web::get().to(batches::list)),
    door::<sheets::__path_check>(            "POST", "/v1/batches/check",               Action::PrepareBatch,   || web::post().to(sheets::check)),
    door::<batches::__path_show>(            "GET",  "/v1/batches/{code}",              Action::FollowBatch,    || web::get().to(batches::show)),
    door::<items::__path_of_batch>(          "GET",  "/v1/batches/{code}/items",        Action::ReadBatch,      || web::get().to(items::of_batch)),
    door::<sheets::__path_warnings>(         "GET",  "/v1/batches/{code}/warnings",     Action::ReadBatch,      || web::get().to(sheets::warnings)),
    door::<batches::__path_instructions>(    "GET",  "/v1/batches/{code}/instructions", Action::FollowBatch,    || web::get().to(batches::instructions)),
    door::<approval::__path_review>(         "POST", "/v1/batches/{code}/review",       Action::ReviewBatch,    || web::post().to(approval::review)),
    door::<approval::__path_release>(        "POST", "/v1/batches/{code}/release",      Action::ApproveBatch,   || web::post().to(approval::release)),
    door::<approval::__path_refuse>(         "POST", "/v1/batches/{code}/refuse",       Action::RefuseBatch,    || web::post().to(approval::refuse)),
    door::<approval::__path_withdraw>(       "POST", "/v1/batches/{code}/withdraw",     Action::PrepareBatch,   || web::post().to(approval::withdraw)),
    door::<approval::__path_undo>(           "POST", "/v1/batches/{code}/undo",         Action::ApproveBatch,   || web::post().to(approval::undo)),
    door::<approval::__path_attach>(         "POST", "/v1/batches/{code}/evidence",     Action::AttachEvidence, || web::post().to(approval::attach)),
    door::<documents::__path_show>(          "GET",  "/v1/batches/{code}/evidence/{hash}", Action::ReadEvidence, || web::get().to(documents::show)),
    door::<changes::__path_changes>(         "GET",  "/v1/batches/{code}/changes",      Action::ReadBatch,      || web::get().to(changes::changes)),
    door::<changes::__path_preview>(         "GET",  "/v1/batches/{code}/preview",      Action::PreviewBatch,   || web::get().to(changes::preview)),
    door::<changes::__path_bytes>(           "GET",  "/v1/batches/{code}/preview/{part}", Action::PreviewBatch, || web::get().to(changes::bytes)),
    door::<sheets::__path_template>(         "GET",  "/v1/templates/wages",             Action::ReadProjects,   || web::get().to(sheets::template)),
    door::<templates::__path_roster>(        "GET",  "/v1/templates/roster",            Action::ReadProjects,   || web::get().to(templates::roster)),
    door::<calendar::__path_show>(           "GET",  "/v1/banks/{code}/calendar",       Action::ReadCalendar,   || web::get().to(calendar::show)),
    door::<bank::__path_returns>(            "POST", "/v1/bank/returns",                Action::PushReturns,    || web::post().to(bank::returns)),
    door::<bank::__path_deposits>(           "POST", "/v1/bank/deposits",               Action::PushReturns,    || web::post().to(bank::deposits)),
    door::<rates::__path_show>(              "GET",  "/v1/rates",                       Action::ReadIndicators, || web::get().to(rates::show)),
    door::<items::__path_failures>(          "GET",  "/v1/failures",                    Action::ReadBatch,      || web::get().to(items::failures)),
    door::<accounts::__path_list>(           "GET",  "/v1/accounts",                    Action::ReadAccounts,   || web::get().to(accounts::list)),
    door::<outcomes::__path_export>(         "GET",  "/v1/outcomes",                    Action::ExportOutcomes, || web::get().to(outcomes::export)),
    door::<operations::__path_suspense>(     "GET",  "/v1/suspense",                    Action::ReadSuspense,   || web::get().to(operations::suspense)),
    door::<doubts::__path_list>(             "GET",  "/v1/doubts",                      Action::ReadDoubts,     || web::get().to(doubts::list)),
    door::<doubts::__path_show>(             "GET",  "/v1/doubts/{instruction}",        Action::ReadDoubts,     || web::get().to(doubts::show)),
    door::<doubts::__path_propose>(          "POST", "/v1/doubts/{instruction}/propose", Action::DecideDoubt,   || web::post().to(doubts::propose)),
    door::<doubts::__path_confirm>(          "POST", "/v1/doubts/{instruction}/confirm", Action::DecideDoubt,   || web::post().to(doubts::confirm)),
    door::<doubts::__path_withdraw>(         "POST", "/v1/doubts/{instruction}/withdraw", Action::DecideDoubt,  || web::post().to(doubts::withdraw)),
    door::<doubts::__path_contradictions>(   "GET",  "/v1/contradictions",              Action::ReadDoubts,     || web::get().to(doubts::contradictions)),
    door::<audit::__path_list>(              "GET",  "/v1/audit",                       Action::ReadAudit,      || web::get().to(audit::list)),
    door::<audit::__path_check>(             "GET",  "/v1/audit/check",                 Action::ReadAudit,      || web::get().to(audit::check)),
    door::<operations::__path_recount>(      "GET",  "/v1/recount",                     Action::Operate,        || web::get().to(operations::recount)),
    door::<banks::__path_list>(              "GET",  "/v1/banks",                       Action::Operate,        || web::get().to(banks::list)),
    door::<tasks::__path_list>(              "GET",  "/v1/tasks",                       Action::Operate,        || web::get().to(tasks::list)),
    door::<metrics::__path_show>(            "GET",  "/v1/metrics",                     Action::Operate,        || web::get().to(metrics::show)),
    door::<keys::__path_show>(               "GET",  "/v1/keys",                        Action::Operate,        || web::get().to(keys::show)),
    door::<keys::__path_rotate>(             "POST", "/v1/keys/rotate",                 Action::Operate,        || web::post().to(keys::rotate)),
    door::<keys::__path_remove>(             "POST", "/v1/keys/{key}/remove",           Action::Operate,        || web::post().to(keys::remove)),
    door::<principals::__path_list>(         "GET",  "/v1/principals",                  Action::ManagePrincipals, || web::get().to(principals::list)),
    door::<principals::__path_admit>(        "POST", "/v1/principals",                  Action::ManagePrincipals, || web::post().to(principals::admit)),
    door::<principals::__path_show>(         "GET",  "/v1/principals/{name}",           Action::ManagePrincipals, || web::get().to(principals::show)),
    door::<principals::__path_suspend>(      "POST", "/v1/principals/{name}/suspend",   Action::ManagePrincipals, || web::post().to(principals::suspend)),
    door::<principals::__path_restore>(      "POST", "/v1/principals/{name}/restore",   Action::ManagePrincipals, || web::post().to(principals::restore)),
    door::<principals::__path_rescope>(      "POST", "/v1/principals/{name}/scope",     Action::ManagePrincipals, || web::post().to(principals::rescope)),
    door::<principals::__path_certificates>( "GET",  "/v1/certificates",                Action::ManagePrincipals, || web::get().to(principals::certificates)),
    door::<principals::__path_revoke>(       "POST", "/v1/certificates/revoke",         Action::ManagePrincipals, || web::post().to(principals::revoke)),
    door::<principals::__path_me>(           "GET",  "/v1/me",                          Action::KnowOneself,     || web::get().to(principals::me)),
    door::<webhooks::__path_subscribe>(      "POST", "/v1/webhooks",                    Action::ManageWebhooks, || web::post().to(webhooks::subscribe)),
    door::<webhooks::__path_list>(           "GET",  "/v1/webhooks",                    Action::ManageWebhooks, || web::get().to(webhooks::list)),
    door::<webhooks::__path_show>(           "GET",  "/v1/webhooks/{id}",               Action::ManageWebhooks, || web::get().to(webhooks::show)),
    door::<webhooks::__path_deliveries>(     "GET",  "/v1/webhooks/{id}/deliveries",    Action::ManageWebhooks, || web::get().to(webhooks::deliveries)),
    door::<webhooks::__path_pause>(          "POST", "/v1/webhooks/{id}/pause",         Action::ManageWebhooks, || web::post().to(webhooks::pause)),
    door::<webhooks::__path_resume>(         "POST", "/v1/webhooks/{id}/resume",        Action::ManageWebhooks, || web::post().to(webhooks::resume)),
    door::<webhooks::__path_rotate>(         "POST", "/v1/webhooks/{id}/rotate",        Action::ManageWebhooks, || web::post().to(webhooks::rotate)),
    door::<webhooks::__path_replay>(         "POST", "/v1/webhooks/{id}/replay",        Action::ManageWebhooks, || web::post().to(webhooks::replay)),
    door::<webhooks::__path_test>(           "POST", "/v1/webhooks/{id}/test",          Action::ManageWebhooks, || web::post().to(webhooks::test)),
    door::<health::__path_show>(             "GET",  "/v1/health",                      Action::AskHealth,      || web::get().to(health::show)),
    door::<openapi::__path_show>(            "GET",  "/v1/openapi.json",                Action::ReadContract,   || web::get().to(openapi::show)),
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
        // A path without a POST passes through as it is.
        config.service(
            resource
                .default_service(web::to(other_method))
                .wrap(from_fn(once)),
        );
    }
    config.default_service(web::to(no_door));
}

/// OPTIONS asks what a path takes; every other method that is not a door's is told so.
async fn other_method(request: HttpRequest) -> HttpResponse {
    let doors = DOORS
        .iter()
        .filter(|door| request.match_pattern().as_deref() == Some(door.path));
    let methods = doors.flat_map(|door| {
        [door.method, "HEAD"]
            .into_iter()
            .take(if door.method == "GET" { 2 } else { 1 })
    });
    let allowed = methods.chain(["OPTIONS"]).collect::<Vec<_>>().join(", ");
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent()
            .insert_header((header::ALLOW, allowed))
            .finish();
    }
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "urn:wagegate:method",
        "Method not allowed",
        format!("this address takes {allowed}"),
    );
    let mut response = actix_web::ResponseError::error_response(&problem);
    if let Ok(value) = allowed.parse() {
        response.headers_mut().insert(header::ALLOW, value);
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
