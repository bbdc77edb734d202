//! TLS 1.3 with certificates on both sides, for the gateway as server and as client. No session is ever resumed, because a resumed
//! session skips the certificate check. Changed certificates and revocation lists act at the next handshake; who is already
//! connected is checked again on each request by `http::identity`.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    ServerConfig, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    time_provider::TimeProvider,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use serde::Deserialize;
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{
    clock::Clock,
    security::{
        principal::{Identity, IdentityError, Kind, PeerUri},
        revocation::Authority,
        watched::{LoadError, Watched},
    },
};

/// Where a certificate (chain) and its key lie, both PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFiles {
    pub certificate: PathBuf,
    /// Readable by the gateway's account alone.
    pub key: PathBuf,
}

/// Our own certificate with its key, read again when either file changes.
pub type OwnCertificate = Watched<CertifiedKey>;

/// Opens our own certificate. While the two files do not belong together (the moment of a swap) the pair before stays in use.
///
/// # Errors
/// A missing file, an unreadable certificate or key, or a key that is not the certificate's.
pub fn own_certificate(files: &KeyFiles) -> Result<Arc<OwnCertificate>, LoadError> {
    let at = files.clone();
    let unusable = move |reason: String| LoadError::Unusable {
        path: at.certificate.clone(),
        reason,
    };
    let watched = Watched::open(
        vec![files.certificate.clone(), files.key.clone()],
        move |contents, _| {
            let [certificate, key] = contents else {
                return Err(unusable("expected a certificate and a key".into()));
            };
            certified_key(certificate, key).map_err(&unusable)
        },
    )?;
    Ok(Arc::new(watched))
}

fn certified_key(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| format!("not a PEM certificate: {error:?}"))?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "its key file holds no PEM key".to_owned())?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("certificate and key do not belong together: {error}"))
}

/// Which authority vouches for whom: one for people, one for each bank, and none outside its own.
#[derive(Debug)]
pub struct Trust {
    /// Vouches for `wagegate://user/*` only.
    pub people: Arc<Watched<Authority>>,
    /// By bank code; each vouches for `wagegate://bank/<code>` only.
    pub banks: HashMap<String, Arc<Watched<Authority>>>,
}

impl Trust {
    /// Every authority, for the check on each request.
    pub fn authorities(&self) -> Vec<Arc<Watched<Authority>>> {
        std::iter::once(&self.people)
            .chain(self.banks.values())
            .cloned()
            .collect()
    }

    /// The URI says who must vouch, and nobody else is asked.
    fn authority_for(&self, uri: &PeerUri) -> Option<&Arc<Watched<Authority>>> {
        match uri.kind {
            Kind::User => Some(&self.people),
            Kind::Bank => self.banks.get(&uri.name),
            Kind::Gateway => None,
        }
    }
}

/// The listener's TLS: 1.3 only, a client certificate always, no tickets, no sessions kept.
///
/// # Errors
/// Only when the TLS library lacks TLS 1.3.
pub fn server_config(
    own: Arc<OwnCertificate>,
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(ClientVerifier { trust, algorithms }))
        .with_cert_resolver(Arc::new(OwnResolver(own)));
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// What the gateway needs to call one bank.
#[derive(Debug, Clone)]
pub struct BankTrust {
    /// The bank's code, which must be in its certificate's URI.
    pub code: String,
    /// The only authority that may vouch for this bank's server.
    pub authority: Arc<Watched<Authority>>,
    /// The gateway's certificate at this bank.
    pub own: Arc<OwnCertificate>,
}

/// TLS for calls to one bank: 1.3 only, that bank's authority only, our certificate for that bank, no resumption.
///
/// # Errors
/// Only when the TLS library lacks TLS 1.3.
pub fn client_config(bank: &BankTrust, clock: Arc<dyn Clock>) -> Result<ClientConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let verifier = BankVerifier {
        expected: PeerUri::bank(&bank.code),
        own: Arc::clone(&bank.own),
        authority: Arc::clone(&bank.authority),
        algorithms,
    };
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        // "Dangerous" names the door for custom verifiers; ours does all that the standard one does, and more.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(OwnResolver(Arc::clone(&bank.own))));
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Refused because the certificate is genuine but for somebody else.
#[derive(Debug, Error)]
#[error("the certificate is for {found}; expected {expected}")]
struct WrongPeer {
    expected: String,
    found: String,
}

/// When a certificate of ours ends.
pub fn ends(own: &CertifiedKey) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(own.cert.first()?).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct ClientVerifier {
    trust: Arc<Trust>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for ClientVerifier {
    /// Empty: naming the authorities would tell strangers whom we trust, and our clients have one certificate each.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let identity = Identity::read(end).map_err(nobody)?;
        let authority = self.trust.authority_for(&identity.uri).ok_or_else(|| {
            application_refusal(WrongPeer {
                expected: "a user or a configured bank".into(),
                found: identity.uri.to_string(),
            })
        })?;
        authority
            .current()
            .clients
            .verify_client_cert(end, between, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls13_only())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[derive(Debug)]
struct BankVerifier {
    expected: PeerUri,
    own: Arc<OwnCertificate>,
    authority: Arc<Watched<Authority>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for BankVerifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The bank would refuse us only after the handshake, when the request may be on its way: here, nothing has left.
        let ended = ends(&self.own.current()).filter(|end| end.as_second() < seconds(now));
        if let Some(at) = ended {
            return Err(Error::General(format!(
                "our own certificate at this bank ran out at {at}; put a new one in its place"
            )));
        }
        let verified = self
            .authority
            .current()
            .servers
            .verify_server_cert(end, between, host, ocsp, now)?;
        let found = Identity::read(end).map_err(nobody)?.uri;
        if found != self.expected {
            return Err(application_refusal(WrongPeer {
                expected: self.expected.to_string(),
                found: found.to_string(),
            }));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls13_only())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn nobody(error: IdentityError) -> Error {
    application_refusal(error)
}

fn application_refusal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

/// Never reached: both sides offer TLS 1.3 alone.
fn tls13_only() -> Error {
    Error::General("only TLS 1.3 is spoken here".into())
}

#[derive(Debug)]
struct OwnResolver(Arc<OwnCertificate>);

impl ResolvesServerCert for OwnResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }
}

impl ResolvesClientCert for OwnResolver {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Lets the gateway's clock, not the machine's, decide what has run out.
#[derive(Debug)]
struct TlsTime(Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
