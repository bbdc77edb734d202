//! Sealing keys from outside: made and added on the command line, and what becomes of a gateway, or of a key, when another gateway goes its own way.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wagegate::{
    clock::{Clock, SystemClock},
    security::seal::{KeyPrint, Vault},
    store::{KeyReport, Rotation, sqlite::SqliteStore},
};

use crate::house::House;

impl House {
    async fn store(&self) -> SqliteStore {
        let database = self.file_of_the_gateway("wagegate.db");
        let url = format!("sqlite://{}", database.display());
        SqliteStore::open(&url).await.unwrap()
    }

    /// Another gateway with this one's key file says so at a moment; it seals with the file's current key.
    fn report(&self, gateway: &str) -> KeyReport {
        let vault = Vault::open(&self.file_of_the_gateway("wagegate.keys")).unwrap();
        KeyReport {
            gateway: gateway.into(),
            seals: vault.current_key().id,
            known: vault.known_keys(),
            blind: vault.blind_print(),
        }
    }

    async fn says(&self, report: &KeyReport, at: Timestamp) {
        let store = self.store().await;
        let day = SignedDuration::from_hours(24);
        store.report_keys(report, at, at - day).await.unwrap();
    }

    /// Why a key is still needed.
    async fn needed(&self, key: u32) -> String {
        let status = self.as_user("operator").get("/v1/keys").await.json();
        let keys = status["keys"].as_array().unwrap();
        let key = keys.iter().find(|one| one["id"] == key).unwrap();
        key["needed"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_key_stays_while_a_gateway_that_fell_silent_may_come_back_with_it() {
    let house = House::open().await;
    let keys = house.file_of_the_gateway("wagegate.keys");
    let added = house.command("operator", &["keys", "add", keys.to_str().unwrap()]);
    assert!(added.status.success(), "{added:?}");
    let silent = house.report("box:1:0a0b0c0d");
    let heard = SystemClock.now() - SignedDuration::from_mins(2);
    house.says(&silent, heard).await;
    let operator = house.as_user("operator");
    let rotated = operator.post("/v1/keys/rotate", "{}").await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let why = house.needed(1).await;
    assert!(
        why.contains("box:1:0a0b0c0d sealed with it when it was last heard"),
        "{why}"
    );
    let refused = operator.post("/v1/keys/1/remove", "").await;
    assert_eq!(refused.status, 409, "{refused:?}");
    house
        .store()
        .await
        .forget_gateway(&silent.gateway)
        .await
        .unwrap();
    let why = house.needed(1).await;
    assert!(
        why.contains("may still come"),
        "it said good-bye, and only time is left: {why}"
    );
}

#[tokio::test]
async fn a_gateway_that_lacks_the_current_key_stops_and_says_so() {
    let mut house = House::open().await;
    let store = house.store().await;
    let mut elsewhere = house.report("elsewhere");
    let key = KeyPrint {
        id: 9,
        print: [9; 16],
    };
    elsewhere.known.push(key);
    let ended = house.runs_to_its_end(async {
        let now = SystemClock.now();
        store.report_keys(&elsewhere, now, now).await.unwrap();
        // No gateway is asked whether it has the key.
        let current = store.make_key_current(key, "operator", now, Timestamp::MAX);
        current.await.unwrap();
    });
    let ended = ended.await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    let last = said.trim_end().lines().last().unwrap();
    assert!(
        last.contains("could not seal as the others") && last.contains("key 9"),
        "{said}"
    );
    // It said good-bye.
    let (_, gateways) = store.keyring().await.unwrap();
    let names: Vec<_> = gateways.iter().map(|one| one.gateway.as_str()).collect();
    assert_eq!(names, ["elsewhere"]);
}

#[tokio::test]
async fn what_makes_a_key_says_so_as_json_too_and_every_start_has_a_name_of_its_own() {
    let house = House::open().await;
    let file = house.file_of_the_gateway("other.keys");
    let file = file.to_str().unwrap();
    for (act, key) in [("new", 1), ("add", 2)] {
        let made = house.command("operator", &["--json", "keys", act, file]);
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        assert_eq!(
            made,
            json!({"key": key, "algorithm": "aes-256-gcm", "file": file})
        );
    }
    let name = async |house: &House| {
        let status = house.as_user("operator").get("/v1/keys").await.json();
        let gateways = status["gateways"].as_array().unwrap();
        assert_eq!(gateways.len(), 1, "{status}");
        gateways[0]["gateway"].as_str().unwrap().to_owned()
    };
    let first = name(&house).await;
    let house = house.restarted();
    let (_, drawn) = first.rsplit_once(':').unwrap();
    let second = name(&house).await;
    assert!(
        drawn.len() == 8 && !second.ends_with(drawn),
        "{first} {second}"
    );
}
