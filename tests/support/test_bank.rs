//! A small bank on a real socket: mutual TLS 1.3 that offers tickets and keeps connections open, as a real one may.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{
    HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs,
    server::WebPkiClientVerifier,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use wagegate::security::principal::Identity;

use crate::certificates::Certificates;

/// One request that the bank read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) handshake: HandshakeKind,
    pub(crate) client: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A bank that answers by path: `/moved` redirects, `/large` is 100,000 bytes, `/silent` says nothing, `/cut` hangs up, the rest is 200.
pub(crate) struct TestBank {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestBank {
    /// Serves with certificate `name` and lets in clients of `client_authority`.
    pub(crate) fn start(certificates: &Certificates, name: &str, client_authority: &str) -> Self {
        let config = Arc::new(config(certificates, name, client_authority));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let (config, notes) = (Arc::clone(&config), Arc::clone(&notes));
                thread::spawn(move || converse(number, socket.unwrap(), config, &notes));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn config(certificates: &Certificates, name: &str, client_authority: &str) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(
            CertificateDer::from_pem_file(certificates.file(&format!("{client_authority}-ca.pem")))
                .unwrap(),
        )
        .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .build()
        .unwrap();
    let chain =
        vec![CertificateDer::from_pem_file(certificates.file(&format!("{name}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificates.file(&format!("{name}.key"))).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .unwrap()
}

/// Answers one request after another until the client hangs up; a failed handshake is a conversation without requests.
fn converse(
    connection: usize,
    socket: TcpStream,
    config: Arc<ServerConfig>,
    notes: &Mutex<Vec<Seen>>,
) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
    while let Some(head) = head(&mut stream) {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let client = Identity::read(&stream.conn.peer_certificates().unwrap()[0])
            .unwrap()
            .uri
            .to_string();
        let handshake = stream.conn.handshake_kind().unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        notes.lock().unwrap().push(Seen {
            connection,
            handshake,
            client,
            head,
            body,
        });
        match path.as_str() {
            "/silent" => continue,
            "/cut" => return,
            "/moved" => say(
                &mut stream,
                "307 Temporary Redirect\r\nLocation: /elsewhere",
                b"",
            ),
            "/large" => say(&mut stream, "200 OK", &[b'x'; 100_000]),
            _ => say(
                &mut stream,
                "200 OK\r\nContent-Type: text/plain\r\nNext-Cursor: 7",
                b"taken",
            ),
        }
    }
}

fn head(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

/// The client may have gone already (a capped answer); that is its affair.
fn say(stream: &mut StreamOwned<ServerConnection, TcpStream>, status: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    drop(
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body))
            .and_then(|()| stream.flush()),
    );
}
