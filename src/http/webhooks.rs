//! Webhooks: who is told what and where, what became of each delivery, and sending it again. A subscription is about one project, a region or
//! everything; whoever may see that part of the world and may manage webhooks sees it, without its address. Only who made it, or an operator,
//! changes it or has anything sent. docs/webhooks.md is for receivers.

use actix_web::{HttpResponse, http::StatusCode, web};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    body,
    idempotency::ShownOnce,
    problem::Problem,
    refusal::{bad_request, unprocessable},
    wire::{self, Page, ok},
};
use crate::{
    security::{
        access::Denied,
        principal::{Principal, Role, Scope, region_prefix},
        webhook::{Secret, fresh_code},
    },
    store::{
        DeliveryView, NewWebhook, NoticeKind, Part, Replay, StoreError, WebhookChange, WebhookView,
    },
    webhooks::Endpoint,
};

/// Largest body: an address and a few certificates.
const BODY: usize = 64 << 10;
/// How long the secret before the last change signs too.
const BOTH_SIGN: SignedDuration = SignedDuration::from_hours(24);

/// A subscription to be made.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeWire {
    /// `https://host[:port]/path`, without user, password and fragment.
    #[schema(max_length = 2000)]
    pub url: String,
    /// Kinds of events, such as `batch.settled`; all where there are none.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// About one project.
    pub project: Option<String>,
    /// About a region, by its GB/T 2260 code: 530100 is a prefecture with all its counties.
    pub region: Option<String>,
    /// Authority that the receiver's certificate must come from, PEM; the system's where absent.
    pub ca: Option<String>,
}

/// A subscription as it stands.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WebhookWire {
    pub id: String,
    /// Who made it; nothing is delivered while they are suspended.
    pub owner: String,
    /// The whole address for who made it and for operators; `https://` and the host for others, as the rest may be a secret.
    pub url: String,
    /// None for all.
    pub kinds: Vec<String>,
    pub project: Option<String>,
    pub region: Option<String>,
    /// True where only the receiver's own authority is trusted.
    pub pinned: bool,
    /// `active` or `paused`.
    pub state: String,
    /// Tries without success since the last success.
    pub failures: u32,
    /// Until when the secret before the last change signs too.
    pub former_secret_until: Option<String>,
    pub since: String,
}

/// A subscription with its secret, which is never shown again.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WithSecretWire {
    pub webhook: WebhookWire,
    /// `whsec_` and base64, as Standard Webhooks has it.
    pub secret: String,
}

/// One delivery with its tries.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryWire {
    pub id: i64,
    /// The `webhook-id` that the receiver gets.
    pub event: String,
    pub kind: String,
    /// `waiting`, `delivered` or `given_up`.
    pub state: String,
    pub next_at: Option<String>,
    pub since: String,
    /// Oldest first.
    pub tries: Vec<TryWire>,
}

/// One try.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TryWire {
    pub at: String,
    /// Absent where no answer came.
    pub status: Option<u16>,
    /// The beginning of the answer, or why none came.
    pub answer: String,
}

/// What is to be delivered once more: one of the two.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayWire {
    /// One event, by its `webhook-id`.
    pub event: Option<String>,
    /// Everything since a moment, such as `2026-11-02T01:00:00Z`.
    pub since: Option<String>,
}

/// How much was put down for delivery.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplayedWire {
    /// Ten thousand at most: for the rest, replay since the last of them.
    pub events: u64,
}

/// A test that is on its way.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestWire {
    /// The `webhook-id` that the receiver gets.
    pub event: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// The `next` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,17}$")]
    after: Option<String>,
    /// Entries on the page, 1 to 1000; 200 where not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl Paging {
    fn read(self) -> Result<(Option<i64>, u32), Problem> {
        let after = self.after.map(|after| after.parse::<i64>()).transpose();
        let after = after
            .ok()
            .filter(|after| after.is_none_or(|after| after > 0))
            .ok_or_else(|| bad_request("`after` is the `next` of the page before"))?;
        Ok((after, wire::size(self.limit)?))
    }
}

/// Subscribes an address to what happens; the answer has the secret, once.
#[utoipa::path(
    post, path = "/v1/webhooks", request_body = SubscribeWire, responses((status = 201, body = WithSecretWire))
)]
pub(super) async fn subscribe(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let wanted: SubscribeWire = body::json(payload, BODY).await?;
    let part = part(&ask, &wanted).await?;
    let kinds = kinds(&wanted.kinds)?;
    let endpoint = Endpoint {
        url: wanted.url,
        ca: wanted.ca,
    };
    let gateway = &ask.api.gateway;
    gateway
        .courier
        .check(&endpoint)
        .map_err(|fault| unprocessable(fault.to_string(), vec![]))?;
    let (code, secret) = (fresh_code(), Secret::fresh());
    let new = NewWebhook {
        code,
        part,
        url: endpoint.url,
        kinds,
        ca: endpoint.ca,
        secret: gateway.vault.seal_webhook_secret(&code, &secret),
    };
    let kept = ask.store().subscribe(&new, &ask.caller.name, ask.now());
    let made = WithSecretWire {
        webhook: WebhookWire::of(kept.await?, &ask.caller),
        secret: secret.shown(),
    };
    Ok(shown_once(StatusCode::CREATED, &made))
}

/// An answer with a secret is not kept for whoever asks again.
fn shown_once(status: StatusCode, made: &WithSecretWire) -> HttpResponse {
    let mut response = wire::with(status, made);
    response.extensions_mut().insert(ShownOnce);
    response
}

/// What the subscription is about, if the caller may see it.
async fn part(ask: &Ask, wanted: &SubscribeWire) -> Result<Part, Problem> {
    let part = match (&wanted.project, &wanted.region, &ask.caller.scope) {
        (Some(_), Some(_), _) => {
            return Err(unprocessable(
                "name a project or a region, not both",
                vec![],
            ));
        }
        (Some(code), None, _) => project(ask, code).await?,
        (None, Some(region), _) => {
            let prefix = region_prefix(region).map_err(|wrong| unprocessable(wrong, vec![]))?;
            Part::Region(prefix)
        }
        (None, None, Scope::All) => Part::Everything,
        (None, None, Scope::Region(prefix)) => Part::Region(prefix.clone()),
        (None, None, Scope::Projects(mine)) => match mine.first() {
            Some(code) if mine.len() == 1 => project(ask, code).await?,
            Some(_) | None => return Err(unprocessable("name one of your projects", vec![])),
        },
        (None, None, Scope::Bank(_)) => {
            return Err(unprocessable("name a project or a region", vec![]));
        }
    };
    ask.may(part.target())?;
    Ok(part)
}

async fn project(ask: &Ask, code: &str) -> Result<Part, Problem> {
    if code.contains(char::is_control) {
        return Err(unprocessable("project is a project's code", vec![]));
    }
    let project = ask.within(ask.store().project(code).await)?;
    Ok(Part::Project {
        code: project.code,
        region: project.region.to_string(),
    })
}

fn kinds(codes: &[String]) -> Result<Vec<NoticeKind>, Problem> {
    let kind = |code: &String| {
        NoticeKind::from_code(code).ok_or_else(|| {
            let known: Vec<_> = NoticeKind::ALL.iter().map(|kind| kind.code()).collect();
            unprocessable(format!("kinds are among {}", known.join(", ")), vec![])
        })
    };
    codes.iter().map(kind).collect()
}

/// Subscriptions that the caller may see.
#[utoipa::path(get, path = "/v1/webhooks", params(Paging), responses((status = 200, body = Page<WebhookWire>)))]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let (after, limit) = ask.query::<Paging>()?.read()?;
    let (mut after, mut items, mut next) = (after.unwrap_or(0), Vec::new(), None);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    'pages: loop {
        let found = ask.store().webhooks(after, limit).await?;
        let Some(last) = found.last() else { break };
        let read_to = last.id;
        for view in found {
            if ask.may(view.part.target()).is_err() {
                continue;
            }
            if items.len() == most {
                next = Some(after.to_string());
                break 'pages;
            }
            after = view.id;
            items.push(WebhookWire::of(view, &ask.caller));
        }
        after = read_to;
    }
    Ok(ok(&Page { items, next }))
}

/// A subscription as it stands.
#[utoipa::path(get, path = "/v1/webhooks/{id}", responses((status = 200, body = WebhookWire)))]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    Ok(ok(&WebhookWire::of(webhook(&ask).await?, &ask.caller)))
}

/// What was delivered or waits, newest first, with every try.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", params(Paging), responses((status = 200, body = Page<DeliveryWire>))
)]
pub(super) async fn deliveries(ask: Ask) -> Result<HttpResponse, Problem> {
    let view = webhook(&ask).await?;
    let (below, limit) = ask.query::<Paging>()?.read()?;
    let mut found = ask.store().deliveries(view.id, below, limit + 1).await?;
    let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| last.id.to_string());
    let items = found.into_iter().map(DeliveryWire::from).collect();
    Ok(ok(&Page { items, next }))
}

/// Stops deliveries; what happens meanwhile is kept.
#[utoipa::path(post, path = "/v1/webhooks/{id}/pause", responses((status = 200, body = WebhookWire)))]
pub(super) async fn pause(ask: Ask) -> Result<HttpResponse, Problem> {
    change(&ask, WebhookChange::Pause).await
}

/// Goes on; what waits is delivered at once.
#[utoipa::path(post, path = "/v1/webhooks/{id}/resume", responses((status = 200, body = WebhookWire)))]
pub(super) async fn resume(ask: Ask) -> Result<HttpResponse, Problem> {
    change(&ask, WebhookChange::Resume).await
}

async fn change(ask: &Ask, change: WebhookChange) -> Result<HttpResponse, Problem> {
    let view = own(ask).await?;
    let by = &ask.caller.name;
    let changed = ask
        .store()
        .change_webhook(&view.code, &change, by, ask.now());
    Ok(ok(&WebhookWire::of(changed.await?, &ask.caller)))
}

/// Makes a new secret; for a day the one before signs too.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", responses((status = 200, body = WithSecretWire)))]
pub(super) async fn rotate(ask: Ask) -> Result<HttpResponse, Problem> {
    let view = own(&ask).await?;
    let secret = Secret::fresh();
    let rotate = WebhookChange::Rotate {
        secret: ask
            .api
            .gateway
            .vault
            .seal_webhook_secret(&view.code, &secret),
        until: ask.now() + BOTH_SIGN,
    };
    let by = &ask.caller.name;
    let changed = ask
        .store()
        .change_webhook(&view.code, &rotate, by, ask.now());
    let rotated = WithSecretWire {
        webhook: WebhookWire::of(changed.await?, &ask.caller),
        secret: secret.shown(),
    };
    Ok(shown_once(StatusCode::OK, &rotated))
}

/// Delivers again what happened since a moment.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", request_body = ReplayWire, responses((status = 200, body = ReplayedWire))
)]
pub(super) async fn replay(ask: Ask, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let view = own(&ask).await?;
    let wanted: ReplayWire = body::json(payload, BODY).await?;
    let what = match (&wanted.event, &wanted.since) {
        (Some(event), None) => event
            .strip_prefix("msg_")
            .and_then(|id| id.parse().ok())
            .map(Replay::Notice),
        (None, Some(since)) => since.parse::<Timestamp>().ok().map(Replay::Since),
        (Some(_), Some(_)) | (None, None) => None,
    };
    let what = what.ok_or_else(|| {
        unprocessable(
            "name either event, such as msg_12, or since, such as 2026-11-02T01:00:00Z",
            vec![],
        )
    })?;
    let events = ask
        .store()
        .replay(&view.code, what, &ask.caller.name, ask.now());
    Ok(ok(&ReplayedWire {
        events: events.await?,
    }))
}

/// Delivers an event to try it with.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", responses((status = 202, body = TestWire)))]
pub(super) async fn test(ask: Ask) -> Result<HttpResponse, Problem> {
    let view = own(&ask).await?;
    let id = ask
        .store()
        .try_webhook(&view.code, &ask.caller.name, ask.now());
    let event = format!("msg_{}", id.await?);
    Ok(wire::with(StatusCode::ACCEPTED, &TestWire { event }))
}

/// The subscription named in the path, if the caller may see what it is about.
async fn webhook(ask: &Ask) -> Result<WebhookView, Problem> {
    let id = ask.part("id");
    let code = id.strip_prefix("wh_").map(hex::decode);
    let code = code.and_then(|code| <[u8; 16]>::try_from(code.ok()?).ok());
    let found = match code {
        Some(code) => ask.store().webhook(&code).await,
        None => Err(StoreError::NotFound {
            what: "webhook",
            key: id.to_owned(),
        }),
    };
    let view = ask.within(found)?;
    ask.may(view.part.target())?;
    Ok(view)
}

/// The same, if the caller made it or is an operator. Whoever is told of others' acts is not silenced by them, and nobody else gets their secret.
async fn own(ask: &Ask) -> Result<WebhookView, Problem> {
    let view = webhook(ask).await?;
    if owns(&ask.caller, &view) {
        Ok(view)
    } else {
        Err(Denied::Owner.into())
    }
}

fn owns(caller: &Principal, view: &WebhookView) -> bool {
    caller.role == Role::Operator || caller.name == view.owner
}

impl WebhookWire {
    /// The subscription as this caller sees it.
    fn of(view: WebhookView, caller: &Principal) -> Self {
        let url = if owns(caller, &view) {
            view.url.clone()
        } else {
            format!("https://{}", view.host())
        };
        let (project, region) = match view.part {
            Part::Everything => (None, None),
            Part::Region(code) => (None, Some(code)),
            Part::Project { code, .. } => (Some(code), None),
        };
        Self {
            id: format!("wh_{}", hex::encode(view.code)),
            owner: view.owner,
            url,
            kinds: view.kinds.iter().map(|kind| kind.code().into()).collect(),
            project,
            region,
            pinned: view.ca.is_some(),
            state: if view.paused { "paused" } else { "active" }.into(),
            failures: view.failures,
            former_secret_until: view.former_until.map(|at| at.to_string()),
            since: view.at.to_string(),
        }
    }
}

impl From<DeliveryView> for DeliveryWire {
    fn from(view: DeliveryView) -> Self {
        let tries = view.tries.into_iter().map(|tried| TryWire {
            at: tried.at.to_string(),
            status: tried.status,
            answer: tried.answer,
        });
        Self {
            id: view.id,
            event: format!("msg_{}", view.notice),
            kind: view.kind.code().into(),
            state: view.state,
            next_at: view.next_at.map(|at| at.to_string()),
            since: view.at.to_string(),
            tries: tries.collect(),
        }
    }
}
