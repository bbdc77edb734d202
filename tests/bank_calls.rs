//! Calls to a bank over real mutual TLS: whose certificate is taken, what is never repeated, and how honest an error is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/test_bank.rs"]
mod test_bank;

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use bytes::Bytes;
use certificates::Certificates;
use futures_util::stream;
use jiff::SignedDuration;
use rustls::HandshakeKind;
use test_bank::TestBank;
use wagegate::{
    clock::{Clock, ManualClock, SystemClock},
    security::revocation::{Authority, AuthorityFiles},
    transport::{
        https::{
            BankClient, Body, BytesLeft, Endpoint, InboundReply, OutboundRequest, SendError, Verb,
        },
        line::Line as _,
        tls::{BankTrust, KeyFiles, client_config, own_certificate},
    },
};

/// The gateway's client for 青山银行, with the trust and certificate of that bank.
fn client(
    certificates: &Certificates,
    address: impl std::fmt::Display,
    clock: Arc<dyn Clock>,
) -> BankClient {
    let file = |name: &str| certificates.file(name);
    let authority = AuthorityFiles {
        ca: file("bank-qingshan-ca.pem"),
        crl: file("bank-qingshan.crl.pem"),
    };
    let own = KeyFiles {
        certificate: file("gateway-at-qingshan.pem"),
        key: file("gateway-at-qingshan.key"),
    };
    let trust = BankTrust {
        code: "qingshan".into(),
        authority: Arc::new(Authority::open(&authority).unwrap()),
        own: own_certificate(&own).unwrap(),
    };
    let endpoint = Endpoint {
        bank: "qingshan".into(),
        base: format!("https://{address}"),
        connect: Duration::from_secs(2),
        whole: Duration::from_secs(3),
        reply_cap: 10_000,
    };
    BankClient::new(endpoint, client_config(&trust, clock).unwrap()).unwrap()
}

fn calling(certificates: &Certificates, bank: &TestBank) -> BankClient {
    client(certificates, bank.address, Arc::new(SystemClock))
}

async fn get(client: &BankClient, path: &str) -> Result<InboundReply, SendError> {
    client
        .exchange(OutboundRequest {
            verb: Verb::Get,
            path: path.into(),
            content_type: None,
            body: Body::None,
        })
        .await
}

async fn post(
    client: &BankClient,
    path: &str,
    length: u64,
    pieces: Vec<io::Result<Bytes>>,
) -> Result<InboundReply, SendError> {
    let body = Body::Stream {
        length,
        bytes: Box::pin(stream::iter(pieces)),
    };
    client
        .exchange(OutboundRequest {
            verb: Verb::Post,
            path: path.into(),
            content_type: Some("text/plain"),
            body,
        })
        .await
}

#[tokio::test]
async fn a_streamed_instruction_arrives_whole_with_our_certificate() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let pieces = vec![
        Ok(Bytes::from_static(b"wage")),
        Ok(Bytes::from_static(b"gate")),
    ];
    let reply = post(
        &calling(&certificates, &bank),
        "/iso/instructions/M1",
        8,
        pieces,
    )
    .await
    .unwrap();
    assert_eq!(
        (
            reply.status,
            reply.content_type.as_deref(),
            reply.next_cursor.as_deref()
        ),
        (200, Some("text/plain"), Some("7"))
    );
    assert_eq!(reply.body.collect().await.unwrap(), "taken");
    let seen = bank.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].client.as_str(), seen[0].body.as_slice()),
        ("wagegate://gateway/main", b"wagegate".as_slice())
    );
    assert!(
        seen[0]
            .head
            .starts_with("POST /iso/instructions/M1 HTTP/1.1"),
        "{}",
        seen[0].head
    );
    assert!(
        !seen[0].head.contains("transfer-encoding"),
        "{}",
        seen[0].head
    );
}

#[tokio::test]
async fn a_new_certificate_of_ours_is_shown_at_the_next_call_and_a_broken_one_is_not_taken() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let client = calling(&certificates, &bank);
    let shown = async || {
        assert_eq!(get(&client, "/iso").await.unwrap().status, 200);
        bank.seen().last().unwrap().client.clone()
    };
    assert_eq!(shown().await, "wagegate://gateway/main");
    certificates.issue(
        "bank-qingshan",
        "gateway-at-qingshan",
        "--uri wagegate://gateway/renewed --usage client",
    );
    assert_eq!(shown().await, "wagegate://gateway/renewed");
    std::fs::write(certificates.file("gateway-at-qingshan.pem"), "junk").unwrap();
    assert_eq!(shown().await, "wagegate://gateway/renewed");
}

#[tokio::test]
async fn a_bank_with_a_bad_certificate_gets_nothing() {
    let certificates = Certificates::fresh();
    certificates.issue(
        "bank-qingshan",
        "expired",
        "--uri wagegate://bank/qingshan --usage server --expired",
    );
    certificates.issue(
        "bank-qingshan",
        "another",
        "--uri wagegate://bank/bishui --usage server",
    );
    certificates.issue(
        "bank-qingshan",
        "client-only",
        "--uri wagegate://bank/qingshan --usage client",
    );
    certificates.issue(
        "bank-bishui",
        "other-authority",
        "--uri wagegate://bank/qingshan --usage server",
    );
    for (name, why) in [
        ("expired", "certificate expired"),
        (
            "another",
            "WrongPeer { expected: \"wagegate://bank/qingshan\", found: \"wagegate://bank/bishui\" }",
        ),
        ("client-only", "extended key usage"),
        ("other-authority", "UnknownIssuer"),
        ("gateway", "UnknownIssuer"),
    ] {
        let bank = TestBank::start(&certificates, name, "bank-qingshan");
        let error = get(&calling(&certificates, &bank), "/x").await.unwrap_err();
        assert_eq!(error.bytes_left(), BytesLeft::No, "{name}: {error}");
        assert!(error.to_string().contains(why), "{name}: {error}");
        assert!(bank.seen().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_namesake_authority_is_not_the_banks() {
    let (certificates, strangers) = (Certificates::fresh(), Certificates::strangers());
    let bank = TestBank::start(&strangers, "bank-qingshan", "bank-qingshan");
    let error = get(&calling(&certificates, &bank), "/x").await.unwrap_err();
    assert_eq!(error.bytes_left(), BytesLeft::No, "{error}");
    assert!(bank.seen().is_empty());
}

#[tokio::test]
async fn a_bank_that_refuses_our_certificate_leaves_the_send_in_doubt() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-bishui");
    let error = post(
        &calling(&certificates, &bank),
        "/x",
        4,
        vec![Ok(Bytes::from_static(b"wage"))],
    )
    .await
    .unwrap_err();
    // Our handshake was complete and the request on its way; that this bank read none of it is known only to the bank.
    assert_eq!(error.bytes_left(), BytesLeft::Maybe, "{error}");
    assert!(bank.seen().is_empty());
}

#[tokio::test]
async fn our_own_certificate_that_ran_out_sends_nothing_until_there_is_a_new_one() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let client = calling(&certificates, &bank);
    let uri = "--uri wagegate://gateway/main --usage client";
    certificates.issue(
        "bank-qingshan",
        "gateway-at-qingshan",
        &format!("{uri} --expired"),
    );
    let error = get(&client, "/a").await.unwrap_err();
    assert_eq!(error.bytes_left(), BytesLeft::No, "{error}");
    assert!(error.to_string().contains("ran out"), "{error}");
    certificates.issue("bank-qingshan", "gateway-at-qingshan", uri);
    assert_eq!(get(&client, "/b").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_bank_revoked_a_moment_ago_gets_no_further_call() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let client = calling(&certificates, &bank);
    for _ in 0..2 {
        assert_eq!(
            get(&client, "/x")
                .await
                .unwrap()
                .body
                .collect()
                .await
                .unwrap(),
            "taken"
        );
    }
    // The bank offers tickets and keeps its side open: neither is ever used.
    let seen = bank.seen();
    assert_eq!(
        seen.iter()
            .map(|call| (call.connection, call.handshake))
            .collect::<Vec<_>>(),
        [(0, HandshakeKind::Full), (1, HandshakeKind::Full)]
    );

    certificates.revoke("bank-qingshan");
    let error = get(&client, "/x").await.unwrap_err();
    assert_eq!(error.bytes_left(), BytesLeft::No, "{error}");
    assert!(error.to_string().contains("Revoked"), "{error}");
    assert_eq!(bank.seen().len(), 2);
}

#[tokio::test]
async fn a_banks_list_that_ran_out_stops_calls_until_there_is_a_new_one() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let client = client(
        &certificates,
        bank.address,
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    assert_eq!(get(&client, "/x").await.unwrap().status, 200);
    clock.advance(SignedDuration::from_hours(4 * 24));
    let error = get(&client, "/x").await.unwrap_err();
    assert_eq!(error.bytes_left(), BytesLeft::No, "{error}");
    assert!(error.to_string().contains("revocation list"), "{error}");
    assert_eq!(bank.seen().len(), 1);
}

#[tokio::test]
async fn what_breaks_after_the_handshake_is_sent_once_and_stays_in_doubt() {
    let certificates = Certificates::fresh();
    for path in ["/silent", "/cut"] {
        let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
        let error = post(
            &calling(&certificates, &bank),
            path,
            4,
            vec![Ok(Bytes::from_static(b"wage"))],
        )
        .await
        .unwrap_err();
        assert_eq!(error.bytes_left(), BytesLeft::Maybe, "{path}: {error}");
        assert_eq!(bank.seen().len(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_body_shorter_than_promised_or_broken_is_never_a_whole_request() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let client = calling(&certificates, &bank);
    let wage = || Ok(Bytes::from_static(b"wage"));
    for pieces in [vec![wage()], vec![wage(), Err(io::Error::other("disk"))]] {
        let error = post(&client, "/x", 8, pieces).await.unwrap_err();
        assert_eq!(error.bytes_left(), BytesLeft::Maybe, "{error}");
    }
    assert!(bank.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let reply = post(
        &calling(&certificates, &bank),
        "/moved",
        4,
        vec![Ok(Bytes::from_static(b"wage"))],
    )
    .await
    .unwrap();
    assert_eq!(reply.status, 307);
    assert_eq!(bank.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_above_the_cap_is_an_error_and_not_memory() {
    let certificates = Certificates::fresh();
    let bank = TestBank::start(&certificates, "bank-qingshan", "bank-qingshan");
    let reply = get(&calling(&certificates, &bank), "/large").await.unwrap();
    assert_eq!(
        reply.body.collect().await.unwrap_err().kind(),
        io::ErrorKind::FileTooLarge
    );
}

#[tokio::test]
async fn no_bank_or_a_mute_one_means_that_nothing_left() {
    let certificates = Certificates::fresh();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = client(&certificates, address, Arc::new(SystemClock));
    // Connections land in the listener's queue and nobody ever speaks TLS.
    let error = get(&client, "/x").await.unwrap_err();
    assert_eq!(error.bytes_left(), BytesLeft::No, "{error}");
    assert!(error.to_string().contains("out of time"), "{error}");
    drop(listener);
    let error = get(&client, "/x").await.unwrap_err();
    assert_eq!(error.bytes_left(), BytesLeft::No, "{error}");
}

#[tokio::test]
async fn a_path_cannot_lead_to_another_host_or_upwards() {
    let certificates = Certificates::fresh();
    let client = client(&certificates, "127.0.0.1:1", Arc::new(SystemClock));
    for path in [
        "",
        "x",
        "//evil",
        "@evil/x",
        "/../x",
        "/a/../b",
        "/a b",
        "/a#b",
        "/a\r\nX: y",
        "/%2e%2e/x",
        "/\\evil",
        "/员工",
    ] {
        let error = get(&client, path).await.unwrap_err();
        assert!(
            matches!(error, SendError::Unsendable { .. }),
            "{path}: {error}"
        );
        assert_eq!(error.bytes_left(), BytesLeft::No);
    }
}
