//! Who called: the one URI name in the client's certificate. Trust in the certificate itself is settled by the handshake.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The caller's URI name, kept with the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Option<String>);

/// Notes the caller of a new connection; for actix's `on_connect`.
pub fn note_caller(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        extensions.insert(Caller(certificates.first().and_then(|leaf| only_uri(leaf))));
    }
}

/// The URI name of a certificate that has exactly one.
#[must_use]
pub fn only_uri(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _other => None,
        });
    let uri = uris.next()?;
    uris.next().is_none().then_some(uri)
}
