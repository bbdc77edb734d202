//! Who is calling, asked again on every request: a certificate revoked a moment ago stops on an open connection too.
//! What the caller may do is each route's question to `Principal::may`.

use std::{
    any::Any,
    future::{Ready, ready},
    sync::Arc,
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

use super::problem::Problem;
use crate::{
    clock::Clock,
    security::{
        principal::{Directory, Identity, Principal},
        revocation::Revocations,
    },
};

/// All that decides who gets in.
#[derive(Debug)]
pub struct Gate {
    pub revocations: Revocations,
    pub directory: Directory,
    pub clock: Arc<dyn Clock>,
}

/// The principal behind a request; a handler that takes it cannot be reached without one.
#[derive(Debug, Clone)]
pub struct Caller(pub Principal);

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
    match gate.recognise(request.conn_data::<Identity>()) {
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
    fn recognise(&self, identity: Option<&Identity>) -> Result<Caller, Problem> {
        let identity =
            identity.ok_or_else(|| refused("no verified certificate came with this connection"))?;
        let now = self.clock.now();
        if now >= identity.not_after {
            return Err(refused("the certificate has run out; use a new one"));
        }
        self.revocations
            .check(&identity.issuer, &identity.serial, now)
            .map_err(|reason| refused(&reason.to_string()))?;
        self.directory
            .find(identity)
            .cloned()
            .map(Caller)
            .ok_or_else(unknown)
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
    let detail = "the certificate is good, but the directory has no such principal; the operator adds a [[principal]]";
    Problem::new(
        StatusCode::FORBIDDEN,
        "urn:wagegate:unknown-principal",
        "Unknown principal",
        detail,
    )
}
