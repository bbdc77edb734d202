//! Sealing keys change while wages are submitted, sent and read: nothing fails, and the old key is needed by nothing afterwards.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use wagegate::{evidence::Evidence, security::seal::Vault};

use crate::{
    crowd::{Crowd, Person},
    house::{Engine, House, below},
    inputs,
};

const BEHAVIOUR: &str = "returns_after_polls = 1\nwork_polls = 1\n";
const MONTHS: [&str; 6] = [
    "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06",
];

/// All who are paid, each in the registry too.
const PEOPLE: usize = 108;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_under_load_and_the_old_one_is_needed_by_nothing_on_sqlite() {
    keys_change_under_load(Engine::Sqlite, "aes-256-gcm").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_under_load_and_the_old_one_is_needed_by_nothing_to_sm4_on_postgres() {
    keys_change_under_load(Engine::Postgres, "sm4-gcm").await;
}

async fn keys_change_under_load(engine: Engine, new: &str) {
    let mut house = House::build(engine, BEHAVIOUR).await;
    house.start("text", "info");
    house.set_up().await;
    let crowd = Crowd::of(PEOPLE);
    let people = crowd.next(PEOPLE);
    // Something that the first key sealed, in every place.
    pay(&house, MONTHS[0], &people[..60]).await;
    inputs::register(&house, &people).await;
    inputs::subscribe(&house).await;
    house.settled();

    let readers = Readers::start(&house);
    for (number, month) in MONTHS[1..].iter().enumerate() {
        pay(&house, month, &people[number * 12..number * 12 + 60]).await;
        if number == 1 {
            rotate(&house, new);
        }
    }
    house.settled();
    let read = readers.stop().await;
    assert!(read > 20, "only {read} lists were read meanwhile");
    nothing_needs(&house, 1).await;

    remove(&house, 1);
    house.stop();
    house.start("text", "info");
    let status = house.does("operator", &["keys", "status"]);
    assert_eq!(
        (&status["current"], status["keys"].as_array().unwrap().len()),
        (&json!(2), 1),
        "{status}"
    );
    everything_opens(&house).await;
    pay(&house, "2026-07", &people[..20]).await;
    house.settled();
    let chain = house.does("operator", &["audit", "verify"]);
    assert_eq!(chain["whole"], true);
    for (key, act) in [("key 2", "keys.rotate"), ("key 1", "keys.remove")] {
        let path = format!("/v1/audit?object={}", key.replace(' ', "%20"));
        let log = house.ask("user-operator", "GET", &path, "").await.json();
        assert_eq!(log["items"][0]["action"], act, "{log}");
    }
    nothing_failed(&house);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_change_keys_when_both_have_the_new_one() {
    let mut house = House::build(Engine::Postgres, BEHAVIOUR).await;
    let (first, second) = (house.path("wagegate.keys"), house.path("second.keys"));
    fs::copy(&first, &second).unwrap();
    let config = fs::read_to_string(house.path("wagegate.toml")).unwrap();
    let config = config.replace("'wagegate.keys'", "'second.keys'");
    fs::write(house.path("second.toml"), config).unwrap();
    house.start_with("second.toml", "text", "info");
    house.start("text", "info");
    house.set_up().await;
    pay(&house, MONTHS[0], &Crowd::of(20).next(20)).await;

    let added = house.run(&["keys", "add", first.to_str().unwrap()]);
    assert!(added.status.success(), "{added:?}");
    let lacking = house.command("operator", &["keys", "rotate", "2"]);
    let told = String::from_utf8_lossy(&lacking.stderr);
    assert!(told.contains("is not known to"), "{lacking:?}");

    fs::copy(&first, &second).unwrap();
    house
        .until("/v1/keys", |status| known_by(status, 2) == 2)
        .await;
    house.does("operator", &["keys", "rotate", "2"]);
    let both = |status: &Value| {
        let gateways = status["gateways"].as_array().unwrap();
        gateways.len() == 2 && gateways.iter().all(|one| one["seals"] == 2)
    };
    house.until("/v1/keys", both).await;
    house.settled();
    house
        .until("/v1/keys", |status| status["resealing"]["left"] == 0)
        .await;
    nothing_failed(&house);
}

fn known_by(status: &Value, key: u64) -> usize {
    let keys = status["keys"].as_array().unwrap();
    let key = keys.iter().find(|one| one["id"] == key);
    key.map_or(0, |key| key["known_by"].as_array().unwrap().len())
}

/// A batch for each bank, submitted and approved.
async fn pay(house: &House, month: &str, people: &[Person]) {
    for project in ["P1", "P2"] {
        let path = format!("/v1/batches?project={project}&month={month}");
        // A file that came before is refused: each has its own wages.
        let wages = format!(",4{}{}.", &project[1..], &month[5..]);
        let sheet = inputs::csv(people).replace(",4321.", &wages);
        let answer = house.ask("user-clerk", "POST", &path, sheet).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        house.release(&answer.json()).await;
    }
}

/// Adds a key and makes it current, as an operator does.
fn rotate(house: &House, algorithm: &str) {
    let keys = house.path("wagegate.keys");
    let early = house.command("operator", &["keys", "rotate", "2"]);
    assert!(
        !early.status.success(),
        "a key that is not there yet: {early:?}"
    );
    let keys = keys.to_str().unwrap();
    let added = house.run(&["keys", "add", keys, "--algorithm", algorithm]);
    assert!(added.status.success(), "{added:?}");
    let status = house.does("operator", &["keys", "rotate"]);
    assert_eq!(status["current"], 2, "{status}");
}

async fn nothing_needs(house: &House, key: u64) {
    let status = house
        .until("/v1/keys", |status| {
            let keys = status["keys"].as_array().unwrap();
            keys.iter()
                .any(|one| one["id"] == key && one["removable"] == true)
        })
        .await;
    let keys = status["keys"].as_array().unwrap();
    let old = keys.iter().find(|one| one["id"] == key).unwrap();
    assert_eq!(
        (&old["rows"], &old["files"]),
        (&json!({}), &json!(0)),
        "{status}"
    );
    let new = keys
        .iter()
        .find(|one| one["id"] == status["current"])
        .unwrap();
    for place in ["worker", "binding"] {
        assert_eq!(new["rows"][place], PEOPLE, "{status}");
    }
    for (place, rows) in [
        ("worker_profile", PEOPLE),
        ("register_version", PEOPLE),
        ("webhook", 1),
    ] {
        assert_eq!(new["rows"][place], rows, "{status}");
    }
    assert_eq!(status["resealing"]["left"], 0);
    assert!(
        status["resealing"]["rows"].as_u64() >= Some(120),
        "{status}"
    );
}

fn remove(house: &House, key: u32) {
    let keys = house.path("wagegate.keys");
    let keys = keys.to_str().unwrap();
    let current = house.command("operator", &["keys", "remove", keys, "2"]);
    assert!(
        !current.status.success(),
        "the current key stays: {current:?}"
    );
    let key = key.to_string();
    house.does("operator", &["keys", "remove", keys, &key]);
    let text = fs::read_to_string(keys).unwrap();
    assert!(text.contains("current = 2") && !text.contains("id = 1"));
}

/// With the new key alone: every wage as finance sees it, every file that was kept, and every instruction as the banks have it.
async fn everything_opens(house: &House) {
    let batches = house
        .ask("user-finance", "GET", "/v1/batches", "")
        .await
        .json();
    let batches = batches["items"].as_array().unwrap();
    assert_eq!(batches.len(), 2 * MONTHS.len());
    let vault = Arc::new(Vault::open(&house.path("wagegate.keys")).unwrap());
    let evidence = Evidence::open(&house.path("evidence"), vault).unwrap();
    for batch in batches {
        let code = batch["code"].as_str().unwrap();
        let path = format!("/v1/batches/{code}/items");
        let items = house.ask("user-finance", "GET", &path, "").await.json();
        assert_eq!(
            items["items"].as_array().unwrap().len() as u64,
            batch["rows"].as_u64().unwrap()
        );
        let path = format!("/v1/batches/{code}/instructions");
        let sent = house.ask("user-finance", "GET", &path, "").await.json();
        for instruction in sent.as_array().unwrap() {
            assert_eq!(
                bytes_of(&evidence, instruction),
                bytes_at_the_bank(house, instruction)
            );
        }
    }
    let files = below(&house.path("evidence"));
    let kept: Vec<_> = files
        .iter()
        .filter(|file| !file.ends_with("incoming/lock"))
        .collect();
    assert!(kept.len() > 30);
    for file in kept {
        let folder = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        read(&evidence, &format!("{folder}{name}"));
    }
}

fn bytes_of(evidence: &Evidence, instruction: &Value) -> Vec<u8> {
    read(evidence, instruction["hash"].as_str().unwrap())
}

fn read(evidence: &Evidence, hash: &str) -> Vec<u8> {
    let hash: [u8; 32] = hex::decode(hash).unwrap().try_into().unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut evidence.reader(&hash).unwrap(), &mut bytes).unwrap();
    bytes
}

fn bytes_at_the_bank(house: &House, instruction: &Value) -> Vec<u8> {
    let key = instruction["bank_key"].as_str().unwrap();
    let bank = house
        .banks
        .iter()
        .find(|bank| instruction["bank"] == bank.code);
    fs::read(bank.unwrap().received.join(key)).unwrap()
}

fn nothing_failed(house: &House) {
    for file in house.files() {
        if file.extension().is_some_and(|end| end == "log") {
            let log = fs::read_to_string(&file).unwrap();
            let bad: Vec<_> = log
                .lines()
                .filter(|line| line.contains("ERROR") || line.contains("WARN"))
                .collect();
            assert!(bad.is_empty(), "{bad:#?}");
        }
    }
}

/// Somebody who reads lists of people all the time.
struct Readers {
    enough: Arc<AtomicBool>,
    read: Arc<AtomicUsize>,
    all: JoinSet<()>,
}

impl Readers {
    fn start(house: &House) -> Self {
        let mut readers = Self {
            enough: Arc::default(),
            read: Arc::default(),
            all: JoinSet::new(),
        };
        for user in ["user-finance", "user-clerk"] {
            let (client, url) = (house.client(user), house.url());
            let (enough, read) = (Arc::clone(&readers.enough), Arc::clone(&readers.read));
            readers.all.spawn(async move {
                while !enough.load(Ordering::SeqCst) {
                    let batches: Value = ask(&client, &format!("{url}/v1/batches")).await;
                    for batch in batches["items"].as_array().unwrap() {
                        let code = batch["code"].as_str().unwrap();
                        let items = ask(&client, &format!("{url}/v1/batches/{code}/items")).await;
                        let items = items["items"].as_array().unwrap().len();
                        assert_eq!(items as u64, batch["rows"].as_u64().unwrap());
                        read.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        readers
    }

    /// How many lists were read; a reader that was refused anything fails the test.
    async fn stop(mut self) -> usize {
        self.enough.store(true, Ordering::SeqCst);
        while let Some(reader) = self.all.join_next().await {
            reader.unwrap();
        }
        self.read.load(Ordering::SeqCst)
    }
}

async fn ask(client: &reqwest::Client, url: &str) -> Value {
    let answer = client.get(url).send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    assert!(status.is_success(), "{url}: {status}");
    serde_json::from_slice(&body).unwrap()
}
