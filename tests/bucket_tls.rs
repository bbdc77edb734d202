//! A bucket behind TLS: whose certificate is taken.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/s3_server.rs"]
mod s3_server;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
};

use certificates::Certificates;
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use s3_server::{ACCESS, BUCKET, SECRET, Server};
use wagegate::{
    evidence::{AccessKey, BucketAt, Evidence, EvidenceError, Kept},
    security::seal::Vault,
};
use zeroize::Zeroizing;

/// Speaks TLS with a certificate, and HTTP to the server behind it. Gives its address.
fn front(certificates: &Certificates, name: &str, server: u16) -> String {
    let chain = CertificateDer::from_pem_file(certificates.file(&format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates.file(&format!("{name}.key"))).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let near = ServerConnection::new(Arc::clone(&config)).unwrap();
            let near = StreamOwned::new(near, socket.unwrap());
            thread::spawn(move || pass_one(near, server));
        }
    });
    format!("https://127.0.0.1:{port}")
}

/// One request and its answer; then both connections end. A handshake that fails is no request.
fn pass_one(mut near: StreamOwned<ServerConnection, TcpStream>, server: u16) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        near.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).unwrap();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    near.read_exact(&mut body).ok()?;
    let mut far = TcpStream::connect(("127.0.0.1", server)).unwrap();
    let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    far.write_all(&[text.as_bytes(), &body].concat()).unwrap();
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).unwrap();
    near.write_all(&answer).ok()?;
    near.conn.send_close_notify();
    near.flush().ok()
}

fn keep(folder: &Path, endpoint: String, ca: Option<Vec<u8>>) -> Result<Kept, EvidenceError> {
    let at = BucketAt {
        endpoint,
        region: "us-east-1".into(),
        bucket: BUCKET.into(),
        prefix: String::new(),
        bucket_in_host: false,
        key: AccessKey {
            id: ACCESS.into(),
            secret: Zeroizing::new(SECRET.into()),
        },
        ca,
        spool: folder.join("spool"),
    };
    let vault = Arc::new(Vault::open(&folder.join("keys.toml")).unwrap());
    let evidence = Evidence::in_bucket(&at, vault)?;
    let mut writer = evidence.writer()?;
    writer.write_all(b"a sheet").unwrap();
    writer.keep()
}

#[test]
fn only_a_server_that_the_named_authority_vouches_for_is_taken() {
    aws_lc_rs::default_provider().install_default().unwrap();
    let folder = tempfile::tempdir().unwrap();
    Vault::create(&folder.path().join("keys.toml")).unwrap();
    let server = Server::start(&folder.path().join("server"));
    let certificates = Certificates::fresh();
    let endpoint = front(&certificates, "bank-qingshan", server.port);
    let pem = |name: &str| fs::read(certificates.file(name)).unwrap();

    let right = Some(pem("bank-qingshan-ca.pem"));
    keep(folder.path(), endpoint.clone(), right).unwrap();
    for other in [Some(pem("people-ca.pem")), None] {
        let error = keep(folder.path(), endpoint.clone(), other).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("no answer") && error.contains("UnknownIssuer"),
            "{error}"
        );
    }
    let broken = Some(b"no PEM".to_vec());
    let error = keep(folder.path(), endpoint, broken).unwrap_err();
    assert!(error.to_string().contains("`ca` under"), "{error}");
}
