//! Certificate authorities with their revocation lists, as their files say at this moment.
//! A certificate counts only while its authority's list is current and does not name it. No list is ever fetched from a network.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    crypto::aws_lc_rs,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use super::watched::{LoadError, Watched};

/// SHA-256 of a certificate authority's name in DER: how a certificate is matched with its authority.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a DER-encoded X.501 name.
    pub fn of_name(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// One that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For storing.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A certificate's serial number, big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// Takes the bytes as they stand in a certificate or a revocation list.
    pub fn new(bytes: &[u8]) -> Self {
        Self(
            bytes
                .iter()
                .copied()
                .skip_while(|byte| *byte == 0)
                .collect(),
        )
    }

    /// For storing.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Where one authority's certificate and revocation list lie, both PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityFiles {
    /// The authority's own certificate, exactly one.
    pub ca: PathBuf,
    /// Its revocation list; replaced by renaming a new file over it.
    pub crl: PathBuf,
}

/// One authority and its revocation list, as read at one moment.
#[derive(Debug)]
pub struct Authority {
    /// The trust anchor.
    pub certificate: CertificateDer<'static>,
    /// Verifies certificates of clients that this authority issued, list included.
    pub clients: Arc<dyn ClientCertVerifier>,
    /// Verifies certificates of servers that this authority issued, list included.
    pub servers: Arc<WebPkiServerVerifier>,
    /// Matches `Identity::issuer` of the certificates it issued.
    pub name: Fingerprint,
    revoked: HashSet<Serial>,
    next_update: Timestamp,
    number: Vec<u8>,
}

/// Why a certificate no longer counts.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The authority's list names the certificate.
    #[error("the certificate is revoked")]
    Revoked,
    /// The list is past its next update: nobody knows who was revoked since.
    #[error("the authority's revocation list ran out at {next_update}; put a new one in place")]
    ListExpired { next_update: Timestamp },
    /// No configured authority has the name of the certificate's issuer.
    #[error("the certificate's issuer is not a configured authority")]
    UnknownIssuer,
}

impl Authority {
    /// Opens the files of one authority; they are read again whenever either changes.
    ///
    /// # Errors
    /// A missing or unusable file, or a list that this authority did not sign.
    pub fn open(files: &AuthorityFiles) -> Result<Watched<Self>, LoadError> {
        let at = files.clone();
        Watched::open(
            vec![files.ca.clone(), files.crl.clone()],
            move |contents, before| {
                let [ca, crl] = contents else {
                    return Err(unusable(&at.ca, "expected the authority and its list"));
                };
                Self::read(&at, ca, crl, before)
            },
        )
    }

    /// When its revocation list runs out; from then on nobody whom it vouches for is let in.
    pub const fn list_ends(&self) -> Timestamp {
        self.next_update
    }

    /// Says whether a certificate of this authority still counts at `now`.
    ///
    /// # Errors
    /// The reason why it does not.
    pub fn check(&self, serial: &Serial, now: Timestamp) -> Result<(), Refusal> {
        if now >= self.next_update {
            return Err(Refusal::ListExpired {
                next_update: self.next_update,
            });
        }
        if self.revoked.contains(serial) {
            return Err(Refusal::Revoked);
        }
        Ok(())
    }

    fn read(
        at: &AuthorityFiles,
        ca: &[u8],
        crl: &[u8],
        before: Option<&Self>,
    ) -> Result<Self, LoadError> {
        let certificate = only_certificate(ca).map_err(|reason| unusable(&at.ca, reason))?;
        let list = CertificateRevocationListDer::from_pem_slice(crl)
            .map_err(|error| unusable(&at.crl, format!("not a PEM revocation list: {error:?}")))?;
        let fresh = Self::join(certificate, list).map_err(|reason| unusable(&at.crl, reason))?;
        // Somebody who can put an old list back could bring a revoked certificate back to life.
        let older = before.is_some_and(|before| {
            before.certificate == fresh.certificate && is_below(&fresh.number, &before.number)
        });
        if older {
            return Err(unusable(
                &at.crl,
                "older (by its CRL number) than the list in use",
            ));
        }
        Ok(fresh)
    }

    fn join(
        certificate: CertificateDer<'static>,
        list: CertificateRevocationListDer<'static>,
    ) -> Result<Self, String> {
        let (_, ca) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|error| format!("unreadable authority: {error}"))?;
        let (rest, crl) = CertificateRevocationList::from_der(list.as_ref())
            .map_err(|error| format!("unreadable list: {error}"))?;
        if !rest.is_empty()
            || crl.issuer().as_raw() != ca.subject().as_raw()
            || !is_signed_by(&crl, &ca)
        {
            return Err("not a list that this authority signed".into());
        }
        let next_update = crl
            .next_update()
            .ok_or("the list does not say when it runs out")?
            .timestamp();
        let next_update = Timestamp::from_second(next_update)
            .map_err(|error| format!("its next update: {error}"))?;
        let name = Fingerprint::of_name(ca.subject().as_raw());
        let revoked = crl
            .iter_revoked_certificates()
            .map(|entry| Serial::new(entry.raw_serial()))
            .collect();
        let number = crl
            .crl_number()
            .map(|number| number.to_bytes_be())
            .unwrap_or_default();
        let (clients, servers) = verifiers(&certificate, &list)?;
        Ok(Self {
            certificate,
            clients,
            servers,
            name,
            revoked,
            next_update,
            number,
        })
    }
}

/// Every authority that the gateway's listener trusts, asked again on each request.
#[derive(Debug)]
pub struct Revocations(Vec<Arc<Watched<Authority>>>);

impl Revocations {
    /// # Errors
    /// The shared name, when two authorities have the same one: a certificate must have one possible issuer.
    pub fn new(authorities: Vec<Arc<Watched<Authority>>>) -> Result<Self, Fingerprint> {
        let mut names = HashSet::new();
        for authority in &authorities {
            let name = authority.current().name;
            if !names.insert(name) {
                return Err(name);
            }
        }
        Ok(Self(authorities))
    }

    /// Says whether the certificate `serial` of `issuer` still counts at `now`, by the files as they are now.
    ///
    /// # Errors
    /// The reason why it does not.
    pub fn check(
        &self,
        issuer: &Fingerprint,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut known = false;
        // A renewed file may bring a name that another has already: then both must let it pass.
        for authority in self.0.iter().map(|authority| authority.current()) {
            if authority.name == *issuer {
                known = true;
                authority.check(serial, now)?;
            }
        }
        known.then_some(()).ok_or(Refusal::UnknownIssuer)
    }

    /// True when one of the configured authorities has this name.
    pub fn knows(&self, issuer: &Fingerprint) -> bool {
        self.0
            .iter()
            .any(|authority| authority.current().name == *issuer)
    }

    /// True when the issuer's list names the certificate; an expired list or unknown issuer is for [`Self::check`].
    pub fn is_revoked(&self, issuer: &Fingerprint, serial: &Serial) -> bool {
        self.0
            .iter()
            .map(|authority| authority.current())
            .any(|authority| authority.name == *issuer && authority.revoked.contains(serial))
    }
}

/// Built once for each version of the files: parsing a long list at every handshake would be waste.
fn verifiers(
    certificate: &CertificateDer<'static>,
    list: &CertificateRevocationListDer<'static>,
) -> Result<(Arc<dyn ClientCertVerifier>, Arc<WebPkiServerVerifier>), String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut anchors = RootCertStore::empty();
    anchors
        .add(certificate.clone())
        .map_err(|error| error.to_string())?;
    let anchors = Arc::new(anchors);
    // Without this the library takes a list that ran out as good for ever.
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&anchors), Arc::clone(&provider))
            .with_crls([list.clone()])
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| error.to_string())?;
    let servers = WebPkiServerVerifier::builder_with_provider(anchors, provider)
        .with_crls([list.clone()])
        .enforce_revocation_expiration()
        .build()
        .map_err(|error| error.to_string())?;
    Ok((clients, servers))
}

fn only_certificate(pem: &[u8]) -> Result<CertificateDer<'static>, String> {
    let mut all = CertificateDer::pem_slice_iter(pem);
    match (all.next(), all.next()) {
        (Some(Ok(one)), None) => Ok(one),
        (Some(Ok(_)), Some(_)) => {
            Err("holds more than one certificate; an authority file holds exactly one".into())
        }
        (Some(Err(error)), _) => Err(format!("not a PEM certificate: {error:?}")),
        (None, _) => Err("holds no PEM certificate".into()),
    }
}

/// Tries each algorithm that TLS accepts too: a signature that one of them verifies could only be made with the authority's key.
fn is_signed_by(
    crl: &CertificateRevocationList<'_>,
    ca: &x509_parser::certificate::X509Certificate<'_>,
) -> bool {
    let key = ca.public_key().subject_public_key.data.as_ref();
    let signature = crl.signature_value.data.as_ref();
    let algorithms = aws_lc_rs::default_provider()
        .signature_verification_algorithms
        .all;
    algorithms.iter().any(|algorithm| {
        algorithm
            .verify_signature(key, crl.tbs_cert_list.as_ref(), signature)
            .is_ok()
    })
}

/// Compares two big-endian numbers without leading zeros.
fn is_below(left: &[u8], right: &[u8]) -> bool {
    (left.len(), left) < (right.len(), right)
}

fn unusable(path: &Path, reason: impl Into<String>) -> LoadError {
    LoadError::Unusable {
        path: path.to_owned(),
        reason: reason.into(),
    }
}
