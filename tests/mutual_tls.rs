//! Mutual TLS over real sockets: the gateway's listener against good and bad clients. The fourteen cases stand in one table first.
//! In TLS 1.3 a refused client still completes its side of the handshake, so every refusal here is read, not assumed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/gateway.rs"]
mod gateway;

use std::{fs, path::Path, process::Command, sync::Arc};

use certificates::Certificates;
use gateway::{Gateway, Peer};
use jiff::SignedDuration;
use rustls::HandshakeKind;
use sqlx::{ConnectOptions, Connection as _, sqlite::SqliteConnectOptions};
use wagegate::{
    clock::{Clock, ManualClock, SystemClock},
    security::revocation::{Authority, AuthorityFiles},
    store::identities::{CertificateKey, PrincipalChange, Revocation, RevocationReason},
};

/// Certificates of its own, a clock to move, and a gateway.
struct World {
    certificates: Certificates,
    clock: Arc<ManualClock>,
    gateway: Gateway,
}

/// What a case comes to.
#[derive(Debug, PartialEq)]
enum Verdict {
    Served,
    RefusedInHandshake,
    RefusedOnOpenConnection,
    /// The gateway would not even start so.
    NotStarted,
}

use Verdict::{NotStarted, RefusedInHandshake, RefusedOnOpenConnection, Served};

/// What is tried, how, and what must come of it.
type Case = (&'static str, fn(&World) -> Verdict, Verdict);

#[rustfmt::skip]
const CASES: [Case; 14] = [
    ("a valid client",                                      |w| w.asks("user-clerk"),           Served),
    ("another valid client",                                |w| w.asks("bank-qingshan-client"), Served),
    ("no certificate",                                      no_certificate,                     RefusedInHandshake),
    ("the same SAN from another authority of that name",    namesake,                           RefusedInHandshake),
    ("a certificate for servers only",                      servers_only,                       RefusedInHandshake),
    ("a client that speaks TLS 1.2 only",                   tls_1_2,                            RefusedInHandshake),
    ("revoked, fresh handshake",                            revoked_fresh,                      RefusedInHandshake),
    ("revoked, resumption in TLS 1.3",                      revoked_resumed,                    RefusedInHandshake),
    ("revoked, resumption in TLS 1.2",                      revoked_resumed_1_2,                RefusedInHandshake),
    ("revoked while the connection is open",                revoked_open,                       RefusedOnOpenConnection),
    ("the list of another issuer: its status is unknown",   list_of_another,                    NotStarted),
    ("a list that ran out, new connection",                 list_ran_out,                       RefusedInHandshake),
    ("a list that ran out, which no handshake looks at",    list_ran_out_open,                  RefusedOnOpenConnection),
    ("the server's certificate swapped while it runs",      server_swapped,                     Served),
];

#[test]
fn the_fourteen_cases_of_mutual_tls_all_come_out_hardened() {
    for (name, case, expected) in CASES {
        assert_eq!(case(&World::new()), expected, "{name}");
    }
}

impl World {
    fn new() -> Self {
        let certificates = Certificates::fresh();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let gateway = Gateway::start(&certificates, Arc::clone(&clock) as Arc<dyn Clock>);
        Self {
            certificates,
            clock,
            gateway,
        }
    }

    fn peer(&self, name: &str) -> Peer {
        Peer::new(&self.certificates, name)
    }

    fn asks(&self, name: &str) -> Verdict {
        let answer = self.peer(name).open(&self.gateway).get("/whoami").unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        Served
    }

    fn turned_away(&self, peer: &Peer, alert: &str) -> Verdict {
        let refusal = peer.refusal(&self.gateway);
        assert!(refusal.contains(alert), "{refusal}");
        RefusedInHandshake
    }

    /// Tries TLS 1.2 by the other implementation, keeping or bringing a session.
    fn tls_1_2(&self, session: &str, file: &Path) -> Verdict {
        let said = Command::new("openssl")
            .args(["s_client", "-tls1_2", "-connect"])
            .arg(self.gateway.address.to_string())
            .arg("-cert")
            .arg(self.certificates.file("user-clerk.pem"))
            .arg("-key")
            .arg(self.certificates.file("user-clerk.key"))
            .arg(session)
            .arg(file)
            .output()
            .unwrap();
        assert!(!said.status.success());
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains("alert protocol version"), "{said}");
        RefusedInHandshake
    }
}

fn no_certificate(world: &World) -> Verdict {
    let bare = Peer::without_certificate(&world.certificates);
    world.turned_away(&bare, "CertificateRequired")
}

fn namesake(world: &World) -> Verdict {
    let strangers = Certificates::strangers();
    let namesake = Peer::with_trust(&strangers, "user-clerk", &world.certificates);
    world.turned_away(&namesake, "fatal alert")
}

fn servers_only(world: &World) -> Verdict {
    let more = "--uri wagegate://user/clerk --usage server";
    world.certificates.issue("people", "servers-only", more);
    world.turned_away(&world.peer("servers-only"), "fatal alert")
}

fn tls_1_2(world: &World) -> Verdict {
    world.tls_1_2("-sess_out", &world.certificates.file("session"))
}

fn revoked_fresh(world: &World) -> Verdict {
    world.asks("user-clerk");
    world.certificates.revoke("user-clerk");
    world.turned_away(&world.peer("user-clerk"), "CertificateRevoked")
}

/// The same client remembers any ticket that it is given; it is given none.
fn revoked_resumed(world: &World) -> Verdict {
    let peer = world.peer("user-clerk");
    for _ in 0..2 {
        let mut open = peer.open(&world.gateway);
        assert_eq!(open.get("/whoami").unwrap().status, 200);
        assert_eq!(open.handshake(), Some(HandshakeKind::Full));
    }
    world.certificates.revoke("user-clerk");
    world.turned_away(&peer, "CertificateRevoked")
}

/// There is no session to resume, because TLS 1.2 makes none; an old one brought along is of no use.
fn revoked_resumed_1_2(world: &World) -> Verdict {
    let session = world.certificates.file("session");
    world.tls_1_2("-sess_out", &session);
    let kept = fs::read(&session).unwrap_or_default();
    assert!(
        !String::from_utf8_lossy(&kept).contains("BEGIN SSL SESSION"),
        "a refused handshake left a session"
    );
    world.certificates.revoke("user-clerk");
    world.tls_1_2("-sess_out", &session)
}

fn revoked_open(world: &World) -> Verdict {
    let mut open = world.peer("user-clerk").open(&world.gateway);
    assert_eq!(open.get("/whoami").unwrap().status, 200);
    world.certificates.revoke("user-clerk");
    refused(&mut open, "the certificate is revoked")
}

fn list_of_another(world: &World) -> Verdict {
    let strangers = Certificates::strangers();
    let opened = Authority::open(&AuthorityFiles {
        ca: world.certificates.file("people-ca.pem"),
        crl: strangers.file("people.crl.pem"),
    });
    let error = opened.unwrap_err().to_string();
    assert!(
        error.contains("not a list that this authority signed"),
        "{error}"
    );
    NotStarted
}

fn list_ran_out(world: &World) -> Verdict {
    world.asks("user-approver");
    world.clock.advance(SignedDuration::from_hours(4 * 24));
    world.turned_away(&long_lived(world), "fatal alert")
}

fn list_ran_out_open(world: &World) -> Verdict {
    let mut open = long_lived(world).open(&world.gateway);
    assert_eq!(open.get("/whoami").unwrap().status, 200);
    world.clock.advance(SignedDuration::from_hours(4 * 24));
    refused(&mut open, "revocation list ran out at")
}

/// A client whose certificate outlives the list.
fn long_lived(world: &World) -> Peer {
    let more = "--uri wagegate://user/clerk --usage client --days 7";
    world.certificates.issue("people", "long-lived", more);
    world.peer("long-lived")
}

fn server_swapped(world: &World) -> Verdict {
    let peer = world.peer("user-clerk");
    let mut before = peer.open(&world.gateway);
    assert_eq!(before.get("/whoami").unwrap().status, 200);
    let more = "--uri wagegate://gateway/main --usage server";
    world.certificates.issue("people", "gateway", more);
    let mut after = peer.open(&world.gateway);
    assert_eq!(after.get("/whoami").unwrap().status, 200);
    assert_ne!(before.server_certificate(), after.server_certificate());
    assert_eq!(before.get("/whoami").unwrap().status, 200);
    Served
}

/// The connection was good a moment ago; the refusal ends it.
fn refused(open: &mut gateway::Connection, why: &str) -> Verdict {
    let answer = open.get("/whoami").unwrap();
    let refusal = (401, "application/problem+json");
    assert_eq!((answer.status, answer.content_type.as_str()), refusal);
    assert!(answer.body.contains(why), "{}", answer.body);
    assert!(
        open.get("/whoami").is_err(),
        "the connection ends with the refusal"
    );
    RefusedOnOpenConnection
}

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

#[test]
fn a_new_authority_vouches_from_the_next_handshake_on() {
    let (certificates, gateway) = started();
    let strangers = Certificates::strangers();
    let before = Peer::new(&certificates, "user-clerk");
    let newcomer = Peer::with_trust(&strangers, "user-clerk", &certificates);
    assert!(newcomer.refusal(&gateway).contains("fatal alert"));
    for name in ["people-ca.pem", "people.crl.pem"] {
        fs::copy(strangers.file(name), certificates.file(name)).unwrap();
    }
    assert_eq!(newcomer.open(&gateway).get("/whoami").unwrap().status, 200);
    assert!(before.refusal(&gateway).contains("fatal alert"));
}

/// Somebody in the middle of their work, as the store of another gateway sees them.
fn at_work() -> (Certificates, Gateway, Peer, gateway::Connection) {
    let (certificates, gateway) = started();
    let peer = Peer::new(&certificates, "user-clerk");
    let mut open = peer.open(&gateway);
    assert_eq!(open.get("/whoami").unwrap().status, 200);
    (certificates, gateway, peer, open)
}

#[test]
fn somebody_suspended_in_the_store_stops_at_once_and_a_restored_one_goes_on() {
    let (_certificates, gateway, peer, mut open) = at_work();
    let change = |change: PrincipalChange| {
        gateway.in_store(async |store| {
            let now = SystemClock.now();
            let by = "wagegate://user/operator";
            store
                .change_principal("wagegate://user/clerk", &change, by, now)
                .await
        });
    };
    change(PrincipalChange::Suspend);
    let answer = open.get("/whoami").unwrap();
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("urn:wagegate:suspended"),
        "{}",
        answer.body
    );
    assert_eq!(peer.open(&gateway).get("/whoami").unwrap().status, 403);
    change(PrincipalChange::Restore);
    assert_eq!(peer.open(&gateway).get("/whoami").unwrap().status, 200);
}

#[test]
fn a_certificate_revoked_in_the_store_stops_at_once_and_another_of_the_same_person_goes_on() {
    let (certificates, gateway, peer, mut open) = at_work();
    let noted = noted(&gateway);
    gateway.in_store(async |store| {
        let revocation = Revocation {
            key: noted,
            reason: RevocationReason::KeyCompromise,
            by: "wagegate://user/operator".into(),
            at: SystemClock.now(),
        };
        store.revoke_certificate(&revocation).await
    });
    assert_eq!(
        refused(&mut open, "the certificate is revoked"),
        RefusedOnOpenConnection
    );
    assert_eq!(peer.open(&gateway).get("/whoami").unwrap().status, 401);
    let more = "--uri wagegate://user/clerk --usage client";
    certificates.issue("people", "second-card", more);
    let second = Peer::new(&certificates, "second-card");
    assert_eq!(second.open(&gateway).get("/whoami").unwrap().status, 200);
}

/// The one certificate that came; it is noted beside the request, so the first look may be early.
fn noted(gateway: &Gateway) -> CertificateKey {
    let look = || gateway.in_store(async |store| store.certificates(None, 9).await);
    let found = (0..1_000).map(|_| look()).find(|found| !found.is_empty());
    let found = found.unwrap();
    let uris: Vec<_> = found
        .iter()
        .map(|one| one.seen.as_ref().unwrap().uri.as_str())
        .collect();
    assert_eq!(uris, ["wagegate://user/clerk"]);
    found[0].key.clone()
}

#[test]
fn a_store_that_does_not_answer_lets_nobody_in() {
    let (_certificates, gateway, peer, mut open) = at_work();
    let file = gateway.store.strip_prefix("sqlite://").unwrap();
    let broken = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    broken.block_on(async {
        let mut database = SqliteConnectOptions::new()
            .filename(file)
            .connect()
            .await
            .unwrap();
        sqlx::query("ALTER TABLE certificate_revoked RENAME TO gone")
            .execute(&mut database)
            .await
            .unwrap();
        database.close().await.unwrap();
    });
    for answer in [open.get("/whoami"), peer.open(&gateway).get("/whoami")] {
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (503, "application/problem+json")
        );
    }
}
