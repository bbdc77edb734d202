//! A listener with one route behind the real TLS and identity check, and a plain blocking client to try it with.

#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use actix_web::{dev::ServerHandle, rt::System, web};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned, crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tempfile::TempDir;
use wagegate::{
    clock::Clock,
    http::{
        identity::{Caller, Gate},
        serve::{Limits, serve},
    },
    security::{
        principal::{Directory, PrincipalEntry, Role},
        revocation::{Authority, AuthorityFiles, Revocations},
    },
    store::{Store, StoreError, postgres::PostgresStore, sqlite::SqliteStore},
    transport::tls::{KeyFiles, Trust, own_certificate, server_config},
};

use crate::certificates::Certificates;

/// A running listener; it stops when dropped.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    /// URL of its store, where a test may do what another gateway would.
    pub(crate) store: String,
    handle: ServerHandle,
    _folder: TempDir,
}

impl Gateway {
    pub(crate) fn start(certificates: &Certificates, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite://{}", folder.path().join("wagegate.db").display());
        Self::start_on(certificates, clock, store, folder)
    }

    /// One of several gateways of one store.
    pub(crate) fn start_on(
        certificates: &Certificates,
        clock: Arc<dyn Clock>,
        store: String,
        folder: TempDir,
    ) -> Self {
        let trust = Arc::new(trust(certificates));
        let own = own_certificate(&key_files(certificates, "gateway")).unwrap();
        let tls = server_config(own, Arc::clone(&trust), Arc::clone(&clock)).unwrap();
        let revocations = Revocations::new(trust.authorities()).unwrap();
        let known = Directory::new(&people(), ["qingshan", "bishui"]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        let url = store.clone();
        thread::spawn(move || {
            System::new().block_on(async move {
                let store = open(&url).await;
                store
                    .admit_unknown(&known.principals(), "configuration", clock.now())
                    .await
                    .unwrap();
                let gate = Arc::new(Gate::new(revocations, store, clock));
                let limits = Limits {
                    workers: 1,
                    ..Limits::default()
                };
                let server = serve(listener, tls, gate, limits, routes).unwrap();
                tell.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self {
            address,
            store,
            handle: told.recv().unwrap(),
            _folder: folder,
        }
    }

    /// Does something to the store, as another gateway would.
    pub(crate) fn in_store<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        act: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(async { act(open(&self.store).await).await })
            .unwrap()
    }
}

async fn open(url: &str) -> Arc<dyn Store> {
    if url.starts_with("sqlite:") {
        Arc::new(SqliteStore::open(url).await.unwrap())
    } else {
        Arc::new(PostgresStore::open(url).await.unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The command is given by the call; its future only waits for the end.
        drop(self.handle.stop(false));
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config.route(
        "/whoami",
        web::get().to(|caller: Caller| async move { caller.principal.name }),
    );
}

fn people() -> Vec<PrincipalEntry> {
    let entry = |name: &str, role| PrincipalEntry {
        uri: format!("wagegate://user/{name}"),
        role,
        projects: if role == Role::Operator {
            vec![]
        } else {
            vec!["P1".to_owned()]
        },
        region: None,
    };
    vec![
        entry("operator", Role::Operator),
        entry("clerk", Role::Clerk),
        entry("approver", Role::Approver),
    ]
}

pub(crate) fn key_files(certificates: &Certificates, name: &str) -> KeyFiles {
    KeyFiles {
        certificate: certificates.file(&format!("{name}.pem")),
        key: certificates.file(&format!("{name}.key")),
    }
}

pub(crate) fn trust(certificates: &Certificates) -> Trust {
    let authority = |name: &str| {
        let ca = certificates.file(&format!("{name}-ca.pem"));
        let crl = certificates.file(&format!("{name}.crl.pem"));
        Arc::new(Authority::open(&AuthorityFiles { ca, crl }).unwrap())
    };
    let banks =
        ["qingshan", "bishui"].map(|code| (code.to_owned(), authority(&format!("bank-{code}"))));
    Trust {
        people: authority("people"),
        banks: banks.into(),
    }
}

/// A client with one certificate; like most clients it resumes sessions if it is given tickets.
pub(crate) struct Peer(Arc<ClientConfig>);

impl Peer {
    pub(crate) fn new(certificates: &Certificates, name: &str) -> Self {
        Self::with_trust(certificates, name, certificates)
    }

    /// With a certificate out of one folder and trust in the servers of another.
    pub(crate) fn with_trust(own: &Certificates, name: &str, trusted: &Certificates) -> Self {
        let files = key_files(own, name);
        let chain = vec![CertificateDer::from_pem_file(files.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(files.key).unwrap();
        Self(Arc::new(
            trusting(trusted).with_client_auth_cert(chain, key).unwrap(),
        ))
    }

    pub(crate) fn without_certificate(certificates: &Certificates) -> Self {
        Self(Arc::new(trusting(certificates).with_no_client_auth()))
    }

    pub(crate) fn open(&self, gateway: &Gateway) -> Connection {
        let socket = TcpStream::connect(gateway.address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let tls =
            ClientConnection::new(Arc::clone(&self.0), "localhost".try_into().unwrap()).unwrap();
        Connection(StreamOwned::new(tls, socket))
    }

    /// The error with which the server ends a connection on which nothing was asked; reading is what shows it.
    pub(crate) fn refusal(&self, gateway: &Gateway) -> String {
        self.open(gateway).0.read(&mut [0]).unwrap_err().to_string()
    }
}

fn trusting(
    certificates: &Certificates,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificates.file("people-ca.pem")).unwrap())
        .unwrap();
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

/// An open connection that can ask several times.
pub(crate) struct Connection(StreamOwned<ClientConnection, TcpStream>);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.0
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let mut body = vec![0; field(&head, "content-length").parse().unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Answer {
            status,
            content_type: field(&head, "content-type"),
            body: String::from_utf8(body).unwrap(),
        })
    }

    pub(crate) fn handshake(&self) -> Option<HandshakeKind> {
        self.0.conn.handshake_kind()
    }

    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

fn field(head: &str, name: &str) -> String {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_default().to_owned()
}
