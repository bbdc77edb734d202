//! Mutual TLS over real sockets: the gateway's listener against good and bad clients.
//! In TLS 1.3 a refused client still completes its side of the handshake, so every refusal here is read, not assumed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/gateway.rs"]
mod gateway;

use std::{fs, process::Command, sync::Arc};

use certificates::Certificates;
use gateway::{Gateway, Peer};
use jiff::SignedDuration;
use rustls::HandshakeKind;
use wagegate::clock::{Clock, ManualClock, SystemClock};

fn started() -> (Certificates, Gateway) {
    let certificates = Certificates::fresh();
    let gateway = Gateway::start(&certificates, Arc::new(SystemClock));
    (certificates, gateway)
}

#[test]
fn users_and_banks_with_good_certificates_are_let_in_as_themselves() {
    let (certificates, gateway) = started();
    for (name, uri) in [
        ("user-clerk", "wagegate://user/clerk"),
        ("user-operator", "wagegate://user/operator"),
        ("bank-qingshan-client", "wagegate://bank/qingshan"),
        ("bank-bishui-client", "wagegate://bank/bishui"),
    ] {
        let answer = Peer::new(&certificates, name)
            .open(&gateway)
            .get("/whoami")
            .unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, uri));
    }
}

#[test]
fn every_bad_certificate_is_refused_in_the_handshake() {
    let (certificates, gateway) = started();
    for (authority, name, more) in [
        (
            "people",
            "expired",
            "--uri wagegate://user/clerk --usage client --expired",
        ),
        (
            "people",
            "server-only",
            "--uri wagegate://user/clerk --usage server",
        ),
        (
            "people",
            "people-as-bank",
            "--uri wagegate://bank/qingshan --usage client",
        ),
        (
            "people",
            "as-gateway",
            "--uri wagegate://gateway/main --usage client",
        ),
        (
            "people",
            "two-uris",
            "--uri wagegate://user/clerk --uri wagegate://user/operator --usage client",
        ),
        (
            "people",
            "foreign-uri",
            "--uri https://user/clerk --usage client",
        ),
        (
            "bank-qingshan",
            "bank-as-user",
            "--uri wagegate://user/clerk --usage client",
        ),
        (
            "bank-qingshan",
            "bank-as-other",
            "--uri wagegate://bank/bishui --usage client",
        ),
        (
            "bank-qingshan",
            "unlisted-bank",
            "--uri wagegate://bank/nowhere --usage client",
        ),
    ] {
        certificates.issue(authority, name, more);
        let refusal = Peer::new(&certificates, name).refusal(&gateway);
        assert!(refusal.contains("fatal alert"), "{name}: {refusal}");
    }
}

#[test]
fn nobody_gets_in_without_a_certificate_or_with_one_of_a_namesake_authority() {
    let (certificates, gateway) = started();
    let bare = Peer::without_certificate(&certificates).refusal(&gateway);
    assert!(bare.contains("CertificateRequired"), "{bare}");
    let strangers = Certificates::strangers();
    let namesake = Peer::with_trust(&strangers, "user-clerk", &certificates).refusal(&gateway);
    assert!(namesake.contains("fatal alert"), "{namesake}");
}

#[test]
fn a_client_that_speaks_only_tls_1_2_is_refused() {
    let (certificates, gateway) = started();
    let said = Command::new("openssl")
        .args([
            "s_client",
            "-tls1_2",
            "-connect",
            &gateway.address.to_string(),
            "-cert",
        ])
        .arg(certificates.file("user-clerk.pem"))
        .arg("-key")
        .arg(certificates.file("user-clerk.key"))
        .output()
        .unwrap();
    assert!(!said.status.success());
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("alert protocol version"), "{said}");
}

#[test]
fn a_certificate_revoked_a_moment_ago_is_refused_new_resumed_and_open() {
    let (certificates, gateway) = started();
    let peer = Peer::new(&certificates, "user-clerk");
    let mut open = peer.open(&gateway);
    assert_eq!(open.get("/whoami").unwrap().status, 200);
    // The same client configuration remembers any ticket it is given; it is given none.
    let mut again = peer.open(&gateway);
    assert_eq!(again.get("/whoami").unwrap().status, 200);
    assert_eq!(again.handshake(), Some(HandshakeKind::Full));

    certificates.revoke("user-clerk");

    let answer = open.get("/whoami").unwrap();
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (401, "application/problem+json")
    );
    assert!(
        answer.body.contains("the certificate is revoked"),
        "{}",
        answer.body
    );
    assert!(
        open.get("/whoami").is_err(),
        "the connection ends with the refusal"
    );
    let resumed = peer.refusal(&gateway);
    assert!(resumed.contains("CertificateRevoked"), "{resumed}");
    let new = Peer::new(&certificates, "user-clerk").refusal(&gateway);
    assert!(new.contains("CertificateRevoked"), "{new}");
    assert_eq!(
        Peer::new(&certificates, "user-approver")
            .open(&gateway)
            .get("/whoami")
            .unwrap()
            .status,
        200
    );
}

#[test]
fn a_good_certificate_of_somebody_unknown_gets_a_403() {
    let (certificates, gateway) = started();
    let answer = Peer::new(&certificates, "user-contractor2")
        .open(&gateway)
        .get("/whoami")
        .unwrap();
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (403, "application/problem+json")
    );
    assert!(answer.body.contains(r#""status":403"#), "{}", answer.body);
}

#[test]
fn a_new_server_certificate_is_served_to_the_next_connection() {
    let (certificates, gateway) = started();
    let peer = Peer::new(&certificates, "user-clerk");
    let mut before = peer.open(&gateway);
    assert_eq!(before.get("/whoami").unwrap().status, 200);
    certificates.issue(
        "people",
        "gateway",
        "--uri wagegate://gateway/main --usage server",
    );
    let mut after = peer.open(&gateway);
    assert_eq!(after.get("/whoami").unwrap().status, 200);
    assert_ne!(before.server_certificate(), after.server_certificate());
    assert_eq!(before.get("/whoami").unwrap().status, 200);
}

#[test]
fn a_revocation_list_that_ran_out_refuses_everybody_new_and_open() {
    let certificates = Certificates::fresh();
    certificates.issue(
        "people",
        "user-clerk",
        "--uri wagegate://user/clerk --usage client --days 7",
    );
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let gateway = Gateway::start(&certificates, Arc::clone(&clock) as Arc<dyn Clock>);
    let peer = Peer::new(&certificates, "user-clerk");
    let mut open = peer.open(&gateway);
    assert_eq!(open.get("/whoami").unwrap().status, 200);
    clock.advance(SignedDuration::from_hours(4 * 24));
    let answer = open.get("/whoami").unwrap();
    assert_eq!(answer.status, 401);
    assert!(
        answer.body.contains("revocation list ran out at"),
        "{}",
        answer.body
    );
    let refusal = peer.refusal(&gateway);
    assert!(refusal.contains("fatal alert"), "{refusal}");
    // Back inside the list's days the same files serve again: nothing was latched.
    clock.set(SystemClock.now());
    assert_eq!(peer.open(&gateway).get("/whoami").unwrap().status, 200);
}

#[test]
fn a_certificate_that_runs_out_stops_on_an_open_connection() {
    let certificates = Certificates::fresh();
    certificates.issue(
        "people",
        "one-day",
        "--uri wagegate://user/clerk --usage client --days 1",
    );
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let gateway = Gateway::start(&certificates, Arc::clone(&clock) as Arc<dyn Clock>);
    let mut open = Peer::new(&certificates, "one-day").open(&gateway);
    assert_eq!(open.get("/whoami").unwrap().status, 200);
    clock.advance(SignedDuration::from_hours(25));
    let answer = open.get("/whoami").unwrap();
    assert_eq!(answer.status, 401);
    assert!(
        answer.body.contains("the certificate has run out"),
        "{}",
        answer.body
    );
}

#[test]
fn a_broken_or_older_list_does_not_bring_a_revoked_certificate_back() {
    let (certificates, gateway) = started();
    let list = certificates.file("people.crl.pem");
    let older = fs::read(&list).unwrap();
    certificates.revoke("user-clerk");
    let revoked = Peer::new(&certificates, "user-clerk");
    let good = Peer::new(&certificates, "user-approver");
    assert!(revoked.refusal(&gateway).contains("CertificateRevoked"));
    // Two revocations give the strangers' list a higher number than ours: only its signature is wrong.
    let strangers = Certificates::strangers();
    strangers.revoke("user-operator");
    strangers.revoke("user-finance");
    let strangers = fs::read(strangers.file("people.crl.pem")).unwrap();
    for (what, bytes) in [
        ("older", older),
        ("junk", b"junk".to_vec()),
        ("another authority's", strangers),
    ] {
        fs::write(&list, bytes).unwrap();
        let refusal = revoked.refusal(&gateway);
        assert!(refusal.contains("CertificateRevoked"), "{what}: {refusal}");
        assert_eq!(
            good.open(&gateway).get("/whoami").unwrap().status,
            200,
            "{what}"
        );
    }
    fs::remove_file(&list).unwrap();
    assert!(revoked.refusal(&gateway).contains("CertificateRevoked"));
    assert_eq!(good.open(&gateway).get("/whoami").unwrap().status, 200);
}
