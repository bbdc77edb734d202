//! Who is calling, asked again on every request of the authorities' lists and of the store: who was revoked or suspended a moment ago stops on
//! an open connection too, on every gateway of the store. What the caller may do is each route's question to `Principal::may`.

use std::{
    any::Any,
    collections::HashMap,
    future::{Ready, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{Extensions, Payload, ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    rt::net::TcpStream,
    web,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Semaphore, time::timeout};

use super::{chinese, problem::Problem, refusal::internal};
use crate::{
    clock::Clock,
    security::{
        principal::{Identity, Principal, Role},
        revocation::Revocations,
    },
    store::{
        Store,
        identities::{CertificateKey, Recognised, SeenCertificate, Standing},
    },
};

/// How long the store may take to say who somebody is: a caller is not kept at the door for ever, nor let in unasked.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an operator is told while the store is silent, if this process has known them since it started: that it is silent. Nothing here names people.
const TOLD_IN_AN_OUTAGE: [&str; 2] = ["/v1/health", "/v1/metrics"];
/// A certificate that comes again within this time is not noted again.
const NOTED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// All that decides who gets in.
#[derive(Debug)]
pub struct Gate {
    revocations: Revocations,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Operators as the store last knew them, for the doors that tell of its own silence.
    operators: Mutex<HashMap<CertificateKey, Caller>>,
    /// One note at a time: while the store is busy the next request of the same certificate notes it.
    noting: Arc<Semaphore>,
}

/// The principal behind a request; a handler that takes it cannot be reached without one.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    /// Another one after each change of role, scope or standing.
    pub version: u32,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| refused("no verified certificate came with this connection")))
    }
}

/// Notes the verified certificate of a new connection. Without it every request on the connection is refused.
pub(super) fn remember_peer(connection: &dyn Any, notes: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else {
        return;
    };
    let Some(certificate) = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
    else {
        return;
    };
    match Identity::read(certificate) {
        Ok(identity) => drop(notes.insert(identity)),
        Err(error) => {
            tracing::warn!(%error, "a connection's certificate names nobody; its requests are refused")
        }
    }
}

/// The middleware around all routes.
pub(super) async fn admit<B: MessageBody>(
    gate: web::ThinData<Arc<Gate>>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let outage = TOLD_IN_AN_OUTAGE.contains(&request.path());
    match gate
        .recognise(request.conn_data::<Identity>(), outage)
        .await
    {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(problem) => {
            tracing::warn!(path = request.path(), reason = %problem.detail, "a request was refused");
            Ok(request.into_response(problem.error_response().map_into_right_body()))
        }
    }
}

impl Gate {
    /// A gate that asks `revocations` and `store`.
    pub fn new(revocations: Revocations, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            revocations,
            store,
            clock,
            operators: Mutex::default(),
            noting: Arc::new(Semaphore::new(1)),
        }
    }

    /// The authorities with their lists.
    pub(super) const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    async fn recognise(
        &self,
        identity: Option<&Identity>,
        outage: bool,
    ) -> Result<Caller, Problem> {
        let identity =
            identity.ok_or_else(|| refused("no verified certificate came with this connection"))?;
        let now = self.clock.now();
        if now >= identity.not_after {
            return Err(refused("the certificate has run out; use a new one"));
        }
        self.revocations
            .check(&identity.issuer, &identity.serial, now)
            .map_err(|reason| refused(&reason.to_string()))?;
        let key = CertificateKey::of(identity);
        let known = match self.known(identity, &key).await {
            Err(problem) if problem.status == StatusCode::SERVICE_UNAVAILABLE && outage => {
                return self.operators().get(&key).cloned().ok_or(problem);
            }
            known => known?,
        };
        self.operators().remove(&key);
        if known.revoked {
            return Err(refused("the certificate is revoked"));
        }
        match known.standing {
            Standing::Suspended => return Err(suspended()),
            Standing::Active => {}
        }
        self.note(identity, known.noted, now);
        let caller = Caller {
            principal: known.principal,
            version: known.version,
        };
        if caller.principal.role == Role::Operator {
            self.operators().insert(key, caller.clone());
        }
        Ok(caller)
    }

    fn operators(&self) -> MutexGuard<'_, HashMap<CertificateKey, Caller>> {
        self.operators
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store says of the caller; when it does not say, nobody gets in.
    async fn known(
        &self,
        identity: &Identity,
        key: &CertificateKey,
    ) -> Result<Recognised, Problem> {
        let uri = identity.uri.to_string();
        timeout(PATIENCE, self.store.recognise(&uri, key))
            .await
            .map_err(|late| internal(&late))??
            .ok_or_else(unknown)
    }

    /// Notes beside the request that a certificate came: a note that fails or waits must not keep its caller waiting.
    fn note(&self, identity: &Identity, noted: Option<Timestamp>, now: Timestamp) {
        if noted.is_some_and(|noted| now.duration_since(noted) < NOTED_FOR) {
            return;
        }
        let Ok(turn) = Arc::clone(&self.noting).try_acquire_owned() else {
            return;
        };
        let seen = SeenCertificate {
            key: CertificateKey::of(identity),
            uri: identity.uri.to_string(),
            not_after: identity.not_after,
            at: now,
        };
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.note_certificate(&seen).await {
                tracing::warn!(%error, "a certificate that came could not be noted");
            }
            drop(turn);
        });
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "urn:wagegate:certificate-refused",
        "Certificate refused",
        detail,
    )
    .hanging_up()
}

fn unknown() -> Problem {
    let detail = chinese::both(
        "证书有效，但网关中没有该用户；请运维登记",
        "the certificate is good, but the gateway knows no such principal; an operator admits it",
    );
    Problem::new(
        StatusCode::FORBIDDEN,
        "urn:wagegate:unknown-principal",
        "Unknown principal",
        detail,
    )
}

fn suspended() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "urn:wagegate:suspended",
        "Suspended",
        chinese::both(
            "该用户已停用；运维可以恢复",
            "this principal is suspended; an operator can restore it",
        ),
    )
    .hanging_up()
}
