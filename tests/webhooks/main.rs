//! Webhooks to a real HTTPS receiver: signed so that another program agrees, tried again by the clock, and never where they may not go.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "the tests of the API use the rest")]
mod receiver;
mod world;

use std::{
    io::Write,
    process::{Command, Stdio},
};

use jiff::SignedDuration;
use receiver::{Behaviour, Got, Receiver};
use serde_json::Value;
use wagegate::{
    dispatch::{Progress, Worker},
    security::webhook::Secret,
    store::{Post, WebhookChange},
};
use world::World;

/// The signature that OpenSSL makes of what came, with the secret as its receiver has it.
fn by_openssl(got: &Got, secret: &Secret) -> String {
    let secret = secret.shown();
    let key = pipe(
        "base64",
        &["-d"],
        secret.strip_prefix("whsec_").unwrap().as_bytes(),
    );
    let key = key
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let (id, at) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    let signed = format!("{id}.{at}.{}", got.body);
    let option = format!("hexkey:{key}");
    let arguments = [
        "dgst", "-sha256", "-mac", "HMAC", "-macopt", &option, "-binary",
    ];
    let tag = pipe("openssl", &arguments, signed.as_bytes());
    let tag = pipe("base64", &["-w0"], &tag);
    format!("v1,{}", String::from_utf8(tag).unwrap())
}

fn pipe(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{program}");
    done.stdout
}

#[tokio::test]
async fn a_notice_arrives_signed_and_another_program_agrees_with_the_signature() {
    let world = World::open().await;
    let receiver = Receiver::start(&world.certificates);
    let (webhook, secret) = world.subscribe(&receiver.url(), world.authority()).await;
    let id = world.test(&webhook).await;
    world.idle().await;
    let got = receiver.got().remove(0);
    assert_eq!(
        (got.path.as_str(), got.header("webhook-id")),
        ("/hooks", id.as_str())
    );
    assert_eq!(got.header("webhook-timestamp"), "1793581200");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("webhook-signature"), by_openssl(&got, &secret));
    let body: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(body["type"], "webhook.test");
    assert_eq!(body["timestamp"], "2026-11-02T01:00:00Z");
    let log = world.log(&webhook).await;
    assert_eq!(
        (log[0].state.as_str(), log[0].tries[0].status),
        ("delivered", Some(204))
    );
    // While a secret is changed both sign, and the receiver may have either.
    let newer = world.rotate(&webhook).await;
    world.test(&webhook).await;
    world.idle().await;
    let got = receiver.got().remove(0);
    let both = [by_openssl(&got, &newer), by_openssl(&got, &secret)].join(" ");
    assert_eq!(got.header("webhook-signature"), both);
    world.passes(SignedDuration::from_hours(25)).await;
    world.test(&webhook).await;
    world.idle().await;
    let got = receiver.got().remove(0);
    assert_eq!(got.header("webhook-signature"), by_openssl(&got, &newer));
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_by_the_schedule_under_the_same_id_and_then_given_up() {
    let world = World::open().await;
    let receiver = Receiver::start(&world.certificates);
    let (webhook, _) = world.subscribe(&receiver.url(), world.authority()).await;
    receiver.does(Behaviour::Answer(500));
    let id = world.test(&webhook).await;
    world.idle().await;
    assert_eq!(receiver.got().len(), 1);
    world.passes(SignedDuration::from_secs(4)).await;
    assert_eq!(receiver.got().len(), 0);
    let mut tries = 1;
    for wait in [
        SignedDuration::from_secs(1),
        SignedDuration::from_mins(5),
        SignedDuration::from_mins(30),
        SignedDuration::from_hours(2),
        SignedDuration::from_hours(5),
        SignedDuration::from_hours(10),
        SignedDuration::from_hours(14),
        SignedDuration::from_hours(20),
        SignedDuration::from_hours(24),
    ] {
        world.passes(wait).await;
        let got = receiver.got();
        tries += 1;
        assert_eq!(got.len(), 1, "try {tries}");
        assert_eq!(got[0].header("webhook-id"), id);
    }
    let log = world.log(&webhook).await;
    assert_eq!(
        (log[0].state.as_str(), log[0].tries.len()),
        ("given_up", 10)
    );
    assert_eq!(log[0].tries[9].answer, "answer");
    let post = world.gateway.store.post().await.unwrap();
    assert_eq!(
        post,
        Post {
            waiting: 0,
            given_up: 1
        }
    );
    // The receiver is well again: what comes now arrives, and what was given up comes when it is asked for.
    receiver.does(Behaviour::Answer(200));
    world.test(&webhook).await;
    world.passes(SignedDuration::from_mins(30)).await;
    assert_eq!(receiver.got().len(), 1);
    let again = wagegate::store::Replay::Notice(id.strip_prefix("msg_").unwrap().parse().unwrap());
    let store = &world.gateway.store;
    let put = store.replay(
        &webhook.code,
        again,
        "operator",
        wagegate::clock::Clock::now(&*world.clock),
    );
    assert_eq!(put.await.unwrap(), 1);
    world.idle().await;
    assert_eq!(receiver.got()[0].header("webhook-id"), id);
}

#[tokio::test]
async fn a_receiver_that_hangs_keeps_neither_others_nor_the_banks_waiting() {
    let world = World::open().await;
    let (dead, well) = (
        Receiver::start(&world.certificates),
        Receiver::start(&world.certificates),
    );
    dead.does(Behaviour::Hang);
    let (hung, _) = world.subscribe(&dead.url(), world.authority()).await;
    let (other, _) = world.subscribe(&well.url(), world.authority()).await;
    for _ in 0..3 {
        world.test(&hung).await;
    }
    world.test(&other).await;
    // One step finds it hanging and leaves the rest for later; the next is the other's turn.
    assert!(world.step().await && world.step().await);
    assert!(!world.step().await);
    assert_eq!((dead.got().len(), well.got().len()), (1, 1));
    let log = world.log(&hung).await;
    assert_eq!(log[2].tries[0].status, None);
    assert!(log[2].tries[0].answer.contains("out of time"), "{log:?}");
    assert_eq!(log[1].tries.len(), 0);
    // And a worker of the banks never takes such a step.
    world.clock.advance(SignedDuration::from_secs(5));
    let banks = Worker::new(world.gateway.clone(), std::time::Duration::from_secs(60));
    assert_eq!(banks.step().await.unwrap(), Progress::Idle(None));
    dead.does(Behaviour::Answer(200));
    world.idle().await;
    assert_eq!(dead.got().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_an_answer_without_end_is_not_read() {
    let world = World::open().await;
    let receiver = Receiver::start(&world.certificates);
    let (webhook, _) = world.subscribe(&receiver.url(), world.authority()).await;
    receiver.does(Behaviour::Redirect);
    world.test(&webhook).await;
    world.idle().await;
    let got = receiver.got();
    assert_eq!((got.len(), got[0].path.as_str()), (1, "/hooks"));
    let log = world.log(&webhook).await;
    assert_eq!(
        (log[0].state.as_str(), log[0].tries[0].status),
        ("waiting", Some(302))
    );
    receiver.does(Behaviour::Chatter);
    world.passes(SignedDuration::from_secs(5)).await;
    let log = world.log(&webhook).await;
    let answer = &log[0].tries[1].answer;
    assert_eq!(
        (log[0].state.as_str(), answer.chars().count()),
        ("delivered", 200)
    );
    assert!(!answer.contains(char::is_control), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_came_counts_though_its_body_does_not_end() {
    let world = World::open().await;
    let receiver = Receiver::start(&world.certificates);
    let (webhook, _) = world.subscribe(&receiver.url(), world.authority()).await;
    receiver.does(Behaviour::Trickle);
    world.test(&webhook).await;
    world.idle().await;
    let log = world.log(&webhook).await;
    let tried = &log[0].tries[0];
    assert_eq!(
        (log[0].state.as_str(), tried.status, tried.answer.as_str()),
        ("delivered", Some(200), "so far")
    );
    world.passes(SignedDuration::from_hours(1)).await;
    assert_eq!(receiver.got().len(), 1, "it is told once");
}

#[tokio::test]
async fn a_paused_subscription_keeps_its_events_and_goes_on_when_it_is_resumed() {
    let world = World::open().await;
    let receiver = Receiver::start(&world.certificates);
    let (webhook, _) = world.subscribe(&receiver.url(), world.authority()).await;
    let change = async |change| {
        let now = wagegate::clock::Clock::now(&*world.clock);
        let store = &world.gateway.store;
        let changed = store.change_webhook(&webhook.code, &change, "operator", now);
        changed.await.unwrap();
    };
    change(WebhookChange::Pause).await;
    world.test(&webhook).await;
    world.passes(SignedDuration::from_hours(100)).await;
    assert_eq!(receiver.got().len(), 0);
    change(WebhookChange::Resume).await;
    world.idle().await;
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn no_door_inside_is_knocked_at_and_no_other_authority_is_believed() {
    let closed = World::open_to(&["10.0.0.0/8"]).await;
    let receiver = Receiver::start(&closed.certificates);
    for url in [
        receiver.url(),
        format!("https://127.0.0.1:{}/", receiver.port),
    ] {
        let (webhook, _) = closed.subscribe(&url, closed.authority()).await;
        closed.test(&webhook).await;
        closed.idle().await;
        let log = closed.log(&webhook).await;
        assert!(
            log[0].tries[0].answer.contains("its address is not public"),
            "{log:?}"
        );
        assert!(!log[0].tries[0].answer.contains("127"), "{log:?}");
    }
    let world = World::open().await;
    let strangers = certificates::Certificates::strangers();
    let ca = std::fs::read_to_string(strangers.file("people-ca.pem")).unwrap();
    for (url, ca) in [
        (receiver.url(), Some(ca)),
        // The system's authorities do not know it either.
        (receiver.url(), None),
        // The name in the certificate is another.
        (
            format!("https://127.0.0.2:{}/", receiver.port),
            Some(world.authority()),
        ),
        (
            receiver.url().replace("https", "http"),
            Some(world.authority()),
        ),
    ] {
        let (webhook, _) = world.subscribe(&url, ca).await;
        world.test(&webhook).await;
        world.idle().await;
        let tried = world.log(&webhook).await[0].tries[0].clone();
        assert_eq!(tried.status, None, "{url}");
        let why = tried.answer.to_lowercase();
        assert!(
            why.contains("certificate") || why.contains("https"),
            "{url}: {why}"
        );
    }
    assert_eq!(receiver.got().len(), 0);
}
