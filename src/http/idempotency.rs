//! `Idempotency-Key`: the same request again under the same key is answered as the first was and done once. It stands around every POST and
//! knows nothing of what the route does. Why it is so: docs/adr/0007-idempotency.md.

use std::{cell::RefCell, pin::Pin, rc::Rc, sync::Arc, task, time::Duration};

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody, to_bytes},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{
    ask::Api,
    doors::door_of,
    identity::Caller,
    problem::Problem,
    refusal::{bad_request, too_large},
};
use crate::{
    security::access::Denied,
    store::{Answer, Begun, RequestClaim, RequestKey, Store, StoreError},
};

/// How long a request is believed to live without a sign of life.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often it gives one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Longest answer that is kept.
const ANSWER_MAX: u64 = 4 << 20;
/// Headers that are part of an answer.
const KEPT: [HeaderName; 3] = [
    header::CONTENT_TYPE,
    header::LOCATION,
    header::CONTENT_DISPOSITION,
];
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Put into an answer's extensions: its body is shown once and never kept, such as a secret that was just made.
#[derive(Debug, Clone, Copy)]
pub struct ShownOnce;

/// The middleware around every route that changes something.
pub(super) async fn once(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match Act::of(&request) {
        Ok(Some(act)) => act.run(request, next).await,
        Ok(None) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

/// A request with a key.
struct Act {
    api: Arc<Api>,
    caller: Caller,
    key: String,
    body: Rc<RefCell<Body>>,
}

impl Act {
    /// `None` for a request without a key, or one that changes nothing. The role is asked first: who may no longer do this is not told what it once did.
    fn of(request: &ServiceRequest) -> Result<Option<Self>, Problem> {
        let Some(door) = door_of(request.request()).filter(|door| door.method != "GET") else {
            return Ok(None);
        };
        let Some(key) = key(request)? else {
            return Ok(None);
        };
        let (Some(web::ThinData(api)), Some(caller)) = (
            request.app_data::<web::ThinData<Arc<Api>>>(),
            request.extensions().get::<Caller>().cloned(),
        ) else {
            return Err(Denied::Role.into());
        };
        caller.principal.ever_may(door.action)?;
        Ok(Some(Self {
            api: Arc::clone(api),
            caller,
            key,
            body: Rc::new(RefCell::new(Body::of(request))),
        }))
    }

    async fn run(
        self,
        mut request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        self.body.borrow_mut().payload = request.take_payload();
        let answer = match self.begin().await {
            Ok(Begun::Ours(claim)) => {
                request.set_payload(Payload::Stream {
                    payload: Box::pin(Tap(Rc::clone(&self.body))),
                });
                return self.perform(request, next, claim).await;
            }
            Ok(Begun::Running { until }) => Ok(self.running(until)),
            Ok(Begun::Answered { version, .. }) if version != self.caller.version => {
                Err(for_another_version())
            }
            Ok(Begun::Answered { answer, .. }) => self.replay(answer).await,
            Err(error) => Err(error.into()),
        };
        let response = answer.unwrap_or_else(|problem| problem.error_response());
        Ok(request.into_response(response))
    }

    async fn begin(&self) -> Result<Begun, StoreError> {
        let now = self.now();
        let forget = SignedDuration::from_hours(24 * i64::from(self.api.answers_kept_days));
        let key = RequestKey {
            principal: &self.caller.principal.name,
            version: self.caller.version,
            key: &self.key,
        };
        let forget_before = now.saturating_sub(forget).unwrap_or(Timestamp::MIN);
        self.store()
            .begin_request(key, now, later(now), forget_before)
            .await
    }

    /// Does it, with a sign of life now and then; keeps the answer of what was done, and gives the key back where nothing was.
    async fn perform(
        &self,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
        claim: RequestClaim,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let work = next.call(request);
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = sleep(SIGN_OF_LIFE) => self.note(self.store().hold_request(claim, later(self.now())).await),
            }
        };
        match done {
            Ok(response) if response.status().is_success() => Ok(self.keep(response, claim).await),
            refused => {
                self.note(self.store().release_request(claim).await);
                Ok(refused?.map_into_boxed_body())
            }
        }
    }

    /// It was done: whatever happens to the answer here, the caller gets it.
    async fn keep(
        &self,
        response: ServiceResponse<impl MessageBody + 'static>,
        claim: RequestClaim,
    ) -> ServiceResponse<BoxBody> {
        let (request, response) = response.into_parts();
        let (head, body) = response.into_parts();
        let short = matches!(body.size(), BodySize::Sized(length) if length <= ANSWER_MAX);
        let status = head.status().as_u16();
        let mut answer = Answer {
            content: self.content().await,
            status,
            headers: headers(head.headers()),
            body: None,
        };
        let body = match (short, to_bytes_if(short, body).await) {
            (true, Ok(bytes)) => {
                let secret = head.extensions().get::<ShownOnce>().is_some();
                answer.body = (!secret).then(|| bytes.to_vec());
                BoxBody::new(bytes)
            }
            (_, Ok(_)) => BoxBody::new(()),
            (_, Err(body)) => body,
        };
        self.note(self.store().answer_request(claim, &answer).await);
        ServiceResponse::new(request, head.set_body(body))
    }

    async fn replay(&self, answer: Answer) -> Result<HttpResponse, Problem> {
        let most = self.api.sheet_bytes_max;
        if self.rest(most).await.is_err() {
            return Err(too_large(most));
        }
        if self.content().await != answer.content {
            return Err(reused());
        }
        let Some(body) = answer.body else {
            return Err(not_kept());
        };
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        let pairs: Vec<(String, String)> =
            serde_json::from_str(&answer.headers).unwrap_or_default();
        for pair in pairs {
            response.insert_header(pair);
        }
        Ok(response
            .insert_header((REPLAYED, HeaderValue::from_static("true")))
            .body(body))
    }

    fn running(&self, until: Timestamp) -> HttpResponse {
        let wait = until.duration_since(self.now()).as_secs().clamp(1, 30);
        let mut response = Problem::new(
            StatusCode::CONFLICT,
            "urn:wagegate:request-in-progress",
            "Request in progress",
            format!(
                "a request under this Idempotency-Key is being done; ask again in {wait} seconds"
            ),
        )
        .error_response();
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait));
        response
    }

    /// The hash of everything that was asked, once the body has come to its end.
    async fn content(&self) -> [u8; 32] {
        // What a handler left unread of a request that was done is short; a body that breaks off here hashes to what it is.
        drop(self.rest(self.api.sheet_bytes_max).await);
        self.body.borrow().hash.clone().finalize().into()
    }

    /// Reads what is left of the body.
    async fn rest(&self, most: u64) -> Result<(), PayloadError> {
        let mut left = most;
        let mut body = Tap(Rc::clone(&self.body));
        while let Some(piece) = body.next().await {
            let length = u64::try_from(piece?.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(length).ok_or(PayloadError::Overflow)?;
        }
        Ok(())
    }

    /// A sign of life or an answer that could not be written changes nothing for the caller: the key is free when its lease runs out.
    fn note(&self, written: Result<(), StoreError>) {
        if let Err(error) = written {
            tracing::warn!(%error, "the state of an Idempotency-Key could not be written");
        }
    }

    fn store(&self) -> &dyn Store {
        &*self.api.gateway.store
    }

    fn now(&self) -> Timestamp {
        self.api.gateway.clock.now()
    }
}

fn key(request: &ServiceRequest) -> Result<Option<String>, Problem> {
    let mut given = request.headers().get_all("idempotency-key");
    let Some(key) = given.next() else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key)
            if given.next().is_none()
                && (1..=255).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(key.to_owned()))
        }
        Ok(_) | Err(_) => Err(bad_request(
            "Idempotency-Key is one word of 1 to 255 visible ASCII characters, new for each act",
        )),
    }
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(LEASE).unwrap_or(Timestamp::MAX)
}

fn headers(all: &header::HeaderMap) -> String {
    let pairs: Vec<(&str, &str)> = KEPT
        .iter()
        .filter_map(|name| Some((name.as_str(), all.get(name)?.to_str().ok()?)))
        .collect();
    // Pairs of strings: this always serialises.
    serde_json::to_string(&pairs).unwrap_or_default()
}

/// The whole body where it is short, or the body as it came.
async fn to_bytes_if<B: MessageBody + 'static>(short: bool, body: B) -> Result<Bytes, BoxBody> {
    if short {
        Ok(to_bytes(body).await.unwrap_or_default())
    } else {
        Err(BoxBody::new(body))
    }
}

fn reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "urn:wagegate:idempotency-key-reused",
        "Idempotency-Key used before",
        "this Idempotency-Key came before with another request; nothing was done: choose a new key for a new act",
    )
}

fn not_kept() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "urn:wagegate:answer-not-kept",
        "Done before",
        "the request under this Idempotency-Key was done, but its answer was not kept; look at what it made",
    )
}

/// The handler asks for the scope, and it is not asked again for an answer that is kept.
fn for_another_version() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "urn:wagegate:answered-before-a-change",
        "Done before a change",
        "the request under this Idempotency-Key was done before your role, scope or standing was changed, and its answer is not shown any more; \
         look at what it made",
    )
}

/// The body on its way to the handler, and the hash of what has passed.
struct Body {
    payload: Payload,
    hash: Sha256,
}

impl Body {
    fn of(request: &ServiceRequest) -> Self {
        let head = [
            request.method().as_str(),
            request.path(),
            request.query_string(),
        ];
        let mut hash = Sha256::new();
        for part in head {
            hash.update(part);
            hash.update([0]);
        }
        Self {
            payload: Payload::None,
            hash,
        }
    }
}

/// The body as its reader sees it.
struct Tap(Rc<RefCell<Body>>);

impl Stream for Tap {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> task::Poll<Option<Self::Item>> {
        let mut body = self.0.borrow_mut();
        let piece = task::ready!(body.payload.poll_next_unpin(context));
        if let Some(Ok(piece)) = &piece {
            body.hash.update(piece);
        }
        task::Poll::Ready(piece)
    }
}
