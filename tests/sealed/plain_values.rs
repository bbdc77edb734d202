//! More than a thousand values of people, planted through every input, and looked for in every place.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    crowd::Crowd,
    house::{Engine, House, below},
    inputs::{self, Paid},
    needles::Needles,
    places,
};

/// People in the crowd, each with four values.
const PEOPLE: usize = 290;

const BEHAVIOUR: &str = "returns_after_polls = 3\nwork_polls = 1\n[fail]\nname_mismatch = 80\nclosed = 80\n[late_return]\nno_account = 150\nclosed = 150\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_planted_value_is_found_on_sqlite_with_logs_as_text() {
    nothing_is_found(Engine::Sqlite, "text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_planted_value_is_found_on_postgres_with_logs_as_json() {
    nothing_is_found(Engine::Postgres, "json").await;
}

async fn nothing_is_found(engine: Engine, log: &str) {
    let crowd = Crowd::of(PEOPLE);
    let mut house = House::build(engine, BEHAVIOUR).await;
    house.start(log, "trace");
    house.set_up().await;
    let paid = inputs::everything(&house, &crowd).await;
    everybody_is_at_the_banks(&house, &paid);
    read_everything(&house).await;
    nobody_else_may_read(&house);
    let needles = Needles::of(crowd.everybody());
    // While it runs, with its log of changes, and after it has stopped.
    let mut found = looked_for(&house, &needles).await;
    house.stop();
    found.extend(looked_for(&house, &needles).await);
    found.sort();
    found.dedup_by_key(|found| {
        found
            .split(" at byte ")
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    assert!(
        found.is_empty(),
        "{} kinds of places with values of people; the first:\n{}",
        found.len(),
        found
            .iter()
            .take(40)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

async fn looked_for(house: &House, needles: &Needles) -> Vec<String> {
    let mut all = Vec::new();
    let places = places::all(house).await;
    assert!(
        places.len() > 300,
        "only {} places were looked at",
        places.len()
    );
    for (place, bytes) in places {
        let found = needles.found_in(&bytes).into_iter().take(3);
        all.extend(found.map(|found| format!("{place}: {found}")));
    }
    all
}

/// What the gateway makes is its owner's alone, and it says enough to be looked through.
fn nobody_else_may_read(house: &House) {
    for file in house.files() {
        let name = file.strip_prefix(house.path("")).unwrap();
        let (name, metadata) = (name.to_str().unwrap(), fs::metadata(&file).unwrap());
        if name.ends_with(".log") {
            let log = fs::read_to_string(&file).unwrap();
            assert!(
                log.contains("TRACE") && log.len() > 100_000,
                "{} bytes of log",
                log.len()
            );
        } else if !name.ends_with(".toml") {
            let mode = metadata.permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{name} has mode {mode:03o}");
        }
    }
}

/// The search would find them: here they are, where they belong.
fn everybody_is_at_the_banks(house: &House, paid: &Paid) {
    for (bank, people) in house.banks.iter().zip([&paid.qingshan, &paid.bishui]) {
        let received: Vec<u8> = below(&bank.received)
            .iter()
            .flat_map(|file| fs::read(file).unwrap())
            .collect();
        let needles = Needles::of(people);
        let found = needles.found_in(&received).join("\n");
        for (number, _) in people.iter().enumerate() {
            for kind in ["name", "card"] {
                let what = format!("{kind} of person {number} as ");
                assert!(found.contains(&what), "{what} {}", bank.code);
            }
        }
    }
}

/// Every list and report, as those see it who may: people are masked.
async fn read_everything(house: &House) {
    let batches = house
        .ask("user-finance", "GET", "/v1/batches", "")
        .await
        .json();
    for batch in batches["items"].as_array().unwrap() {
        let code = batch["code"].as_str().unwrap();
        for part in [
            "",
            "/items",
            "/warnings",
            "/instructions",
            "/changes",
            "/preview",
        ] {
            let path = format!("/v1/batches/{code}{part}");
            house.ask("user-clerk", "GET", &path, "").await;
        }
        house.command("clerk", &["batch", code]);
    }
    for path in [
        "/v1/failures?month=2026-10",
        "/v1/outcomes",
        "/v1/projects/P1/workers",
        "/v1/projects/P1/workers/1",
        "/v1/contractors",
        "/v1/webhooks",
        "/v1/accounts",
        "/v1/rates?month=2026-10&level=project",
    ] {
        let answer = house.ask("user-finance", "GET", path, "").await;
        assert!(answer.status < 500, "{path}: {answer:?}");
    }
    for path in [
        "/v1/suspense",
        "/v1/recount",
        "/v1/audit",
        "/v1/audit/check",
        "/v1/health",
        "/v1/keys",
        "/v1/principals",
        "/v1/openapi.json",
        "/metrics",
    ] {
        house.ask("user-operator", "GET", path, "").await;
    }
    for command in ["suspense", "recount", "health", "principals", "audit"] {
        house.command("operator", &[command]);
    }
    house.command("finance", &["failures", "--month", "2026-10"]);
}
