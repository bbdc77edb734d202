//! The bank's side of mutual TLS 1.3: a client certificate of one authority, not on the revocation list, no resumption.
//! The list is read again at each handshake when its bytes have changed, so a revocation holds from the next connection on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme, version,
};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use thiserror::Error;

/// Why the TLS settings cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A PEM file is missing or holds something else.
    #[error("{0}: {1}")]
    Pem(PathBuf, pem::Error),
    /// The revocation list cannot be read.
    #[error("{0}: {1}")]
    Crl(PathBuf, std::io::Error),
    /// The authority or the list is not usable.
    #[error("client verification: {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// The certificate and key do not make a server.
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The server's TLS settings from PEM files.
///
/// # Errors
/// A file cannot be used; names it.
pub fn server_config(
    cert: &Path,
    key: &Path,
    client_ca: &Path,
    crl: Option<&Path>,
) -> Result<ServerConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(client_ca)? {
        roots.add(certificate)?;
    }
    let verifier = RevocationAware::new(Arc::new(roots), crl.map(Path::to_owned))?;
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Pem(key.to_owned(), error))?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[&version::TLS13])
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(certificates(cert)?, key)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    read().map_err(|error| TlsError::Pem(path.to_owned(), error))
}

#[derive(Debug)]
struct RevocationAware {
    roots: Arc<RootCertStore>,
    hints: Vec<DistinguishedName>,
    crl: Option<PathBuf>,
    current: Mutex<(Vec<u8>, Arc<dyn ClientCertVerifier>)>,
}

impl RevocationAware {
    fn new(roots: Arc<RootCertStore>, crl: Option<PathBuf>) -> Result<Self, TlsError> {
        let list = read_list(crl.as_deref())?;
        let verifier = verifier(&roots, &list, crl.as_deref())?;
        let hints = verifier.root_hint_subjects().to_vec();
        Ok(Self {
            roots,
            hints,
            crl,
            current: Mutex::new((list, verifier)),
        })
    }

    /// The verifier for the list as it is on disk now. An unusable list fails the handshake: nobody slips in meanwhile.
    fn current(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let list = read_list(self.crl.as_deref())?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != list {
            current.1 = verifier(&self.roots, &list, self.crl.as_deref())?;
            current.0 = list;
        }
        Ok(Arc::clone(&current.1))
    }

    fn usable(&self) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
        self.current().map_err(|error| {
            tracing::error!(%error, "the revocation list cannot be used; callers are turned away");
            rustls::Error::General("the revocation list cannot be used".to_owned())
        })
    }
}

fn read_list(path: Option<&Path>) -> Result<Vec<u8>, TlsError> {
    path.map_or(Ok(Vec::new()), |path| {
        std::fs::read(path).map_err(|error| TlsError::Crl(path.to_owned(), error))
    })
}

fn verifier(
    roots: &Arc<RootCertStore>,
    list: &[u8],
    path: Option<&Path>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut builder = WebPkiClientVerifier::builder(Arc::clone(roots));
    if let Some(path) = path {
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(list).collect();
        let lists = lists.and_then(|lists| {
            if lists.is_empty() {
                Err(pem::Error::NoItemsFound)
            } else {
                Ok(lists)
            }
        });
        builder = builder.with_crls(lists.map_err(|error| TlsError::Pem(path.to_owned(), error))?);
        builder = builder.only_check_end_entity_revocation();
    }
    Ok(builder.build()?)
}

impl ClientCertVerifier for RevocationAware {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.usable()?
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usable()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usable()?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usable()
            .map(|verifier| verifier.supported_verify_schemes())
            .unwrap_or_default()
    }
}
