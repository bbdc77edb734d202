//! Sealing keys: who has which, which is current, and what is sealed anew.

use jiff::SignedDuration;
use wagegate::security::seal::KeyPrint;
use wagegate::store::*;

use crate::engines::Bench;
use crate::world::*;

const BLIND: [u8; 16] = [9; 16];

fn key(id: u8) -> KeyPrint {
    KeyPrint {
        id: id.into(),
        print: [id; 16],
    }
}

/// A gateway says at a second which keys it has; it seals with the first.
async fn says(bench: &Bench, gateway: &str, known: &[KeyPrint], second: i64) -> CurrentKey {
    let report = KeyReport {
        gateway: gateway.into(),
        seals: known[0].id,
        known: known.to_vec(),
        blind: BLIND,
    };
    let day = SignedDuration::from_hours(24);
    bench
        .store
        .report_keys(&report, at(second), at(second) - day)
        .await
        .unwrap()
}

async fn rotates(bench: &Bench, key: KeyPrint, second: i64) -> Result<CurrentKey, StoreError> {
    bench
        .store
        .make_key_current(key, "operator", at(second), at(second - 60))
        .await
}

fn lacking(refused: Result<CurrentKey, StoreError>) -> Vec<String> {
    match refused {
        Err(StoreError::Conflict(Conflict::KeyUnknown { gateways, .. })) => gateways,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_key_becomes_current_when_every_running_gateway_has_it(bench: Bench) {
    for gateway in ["a", "b", "dead"] {
        says(&bench, gateway, &[key(1)], 0).await;
    }
    assert_eq!(
        lacking(rotates(&bench, key(2), 50).await),
        ["a", "b", "dead"]
    );
    says(&bench, "a", &[key(1), key(2)], 100).await;
    says(&bench, "b", &[key(1)], 100).await;
    assert_eq!(lacking(rotates(&bench, key(2), 101).await), ["b"]);
    let other = KeyPrint {
        id: 2,
        print: [7; 16],
    };
    says(&bench, "b", &[key(1), other], 102).await;
    assert_eq!(
        lacking(rotates(&bench, key(2), 103).await),
        ["b"],
        "another key under the same number"
    );
    assert!(bench.store.next_due().await.unwrap().is_none());

    says(&bench, "b", &[key(1), key(2)], 104).await;
    let current = rotates(&bench, key(2), 105).await.unwrap();
    assert_eq!((current.key, current.by.as_str()), (key(2), "operator"));
    assert_eq!(says(&bench, "a", &[key(1), key(2)], 106).await, current);
    assert_eq!(bench.claim(TaskKind::Reseal).await.subject, "sealed");
    let entry = bench.audit_tail(1).await.unwrap().remove(0);
    assert_eq!(
        (entry.action.as_str(), entry.subject.as_str()),
        ("keys.rotate", "key 2")
    );

    bench.store.forget_gateway("b").await.unwrap();
    let (_, gateways) = bench.store.keyring().await.unwrap();
    let names: Vec<_> = gateways
        .iter()
        .map(|one| (one.gateway.as_str(), one.seals))
        .collect();
    assert_eq!(names, [("a", Some(1)), ("dead", Some(1))]);
}

pub(crate) async fn the_first_gateways_key_is_current_and_another_installation_shows(bench: Bench) {
    assert_eq!(bench.store.keyring().await.unwrap(), (None, vec![]));
    let first = says(&bench, "a", &[key(3), key(4)], 0).await;
    assert_eq!((first.key, first.blind), (key(3), BLIND));
    let same = says(&bench, "b", &[key(4)], 1).await;
    assert_eq!(same, first);
    let day = 24 * 3_600 + 1;
    says(&bench, "b", &[key(4)], day).await;
    let (_, gateways) = bench.store.keyring().await.unwrap();
    assert_eq!(
        gateways.len(),
        1,
        "who was not heard for a day is forgotten"
    );
}

/// Bytes as if sealed with a key.
fn sealed(key: u8, what: u8) -> Vec<u8> {
    vec![1, 0, 0, 0, key, what, what, what]
}

/// Two workers with cards and registered names, all sealed with key 1.
async fn two_people(bench: &Bench) {
    bench.settle().await;
    let mut rows = wages(&[100, 200]);
    for (row, what) in rows.iter_mut().zip(1..) {
        row.worker_sealed = sealed(1, what);
        row.binding_sealed = sealed(1, what + 10);
    }
    bench.submit("B1", "P1", rows).await.unwrap();
    // One kind of literal serves both engines: a text of ASCII, cast to bytes.
    let blob = |what: &str| format!("(SELECT sealed FROM {what} ORDER BY id LIMIT 1)");
    let sealed = blob("worker");
    bench
        .sql(&format!("INSERT INTO worker_profile (worker_id, name_blind, sealed, digest) SELECT id, blind, {sealed}, blind FROM worker"))
        .await
        .unwrap();
    for kind in ["worker", "project"] {
        bench
            .sql(&format!(
                "INSERT INTO register_version (kind, subject, version, digest, content, by_whom, at)
                 SELECT '{kind}', CASE '{kind}' WHEN 'worker' THEN CAST(id AS TEXT) ELSE 'X' || CAST(id AS TEXT) END, 1, blind, {sealed}, 'operator', 0 FROM worker"
            ))
            .await
            .unwrap();
    }
    bench
        .sql(&format!(
            "INSERT INTO webhook (code, owner, url, kinds, secret, former, former_until, state, at)
             SELECT blind, 'finance', 'https://127.0.0.1:9/', '', {sealed}, {sealed}, 1, 'active', 0 FROM worker"
        ))
        .await
        .unwrap();
}

async fn walk(bench: &Bench, place: &SealedPlace) -> Vec<SealedValue> {
    let (mut all, mut mark) = (Vec::new(), RowMark::default());
    loop {
        let mut page = bench.store.sealed_after(place, &mark, 1).await.unwrap();
        let Some(value) = page.pop() else { return all };
        mark = value.mark.clone();
        all.push(value);
    }
}

fn stands(key: u32) -> Resealing {
    Resealing {
        key,
        place: "worker".into(),
        after: RowMark::default(),
        changed: 0,
        rows: 5,
        files: 0,
    }
}

async fn begun(bench: &Bench) -> Claim {
    says(bench, "a", &[key(1), key(2)], 0).await;
    rotates(bench, key(2), 1).await.unwrap();
    bench.claim(TaskKind::Reseal).await
}

pub(crate) async fn what_is_sealed_is_counted_and_walked_in_every_place(bench: Bench) {
    two_people(&bench).await;
    let before = bench.store.sealed_by_key().await.unwrap();
    let expected: RowsByKey = SEALED
        .iter()
        .map(|place| ((place.name, Some(1)), 2))
        .collect();
    assert_eq!(before, expected);
    let mut claim = begun(&bench).await;
    for place in SEALED {
        let values = walk(&bench, place).await;
        assert_eq!(values.len(), 2, "{}", place.name);
        let anew: Vec<_> = values
            .into_iter()
            .map(|value| SealedAnew {
                new: sealed(2, value.sealed[5]),
                mark: value.mark,
                old: value.sealed,
            })
            .collect();
        let next = Next::Again(at(0));
        let values = Some((place, anew.as_slice()));
        bench
            .store
            .reseal(&claim, values, &stands(2), next)
            .await
            .unwrap();
        let stood = bench.store.resealing().await.unwrap().unwrap();
        assert_eq!((stood.changed, stood.rows), (2, 7), "{}", place.name);
        claim = bench.claim(TaskKind::Reseal).await;
    }
    let after = bench.store.sealed_by_key().await.unwrap();
    let expected: RowsByKey = SEALED
        .iter()
        .map(|place| ((place.name, Some(2)), 2))
        .collect();
    assert_eq!(after, expected);
    let untouched = "UPDATE register_version SET content = content WHERE kind = 'project' AND content IN (SELECT sealed FROM worker)";
    assert_eq!(
        bench.sql(untouched).await.unwrap(),
        0,
        "what is not sealed stays as it was"
    );
}

pub(crate) async fn what_changed_meanwhile_is_not_overwritten(bench: Bench) {
    two_people(&bench).await;
    let claim = begun(&bench).await;
    let place = SealedPlace::named("worker_profile").unwrap();
    let values = walk(&bench, place).await;
    let (first, second) = (values[0].mark.int, values[1].mark.int);
    bench
        .sql(&format!("UPDATE worker_profile SET sealed = (SELECT sealed FROM binding ORDER BY id LIMIT 1) WHERE worker_id = {first}"))
        .await
        .unwrap();
    let anew: Vec<_> = values
        .into_iter()
        .map(|value| SealedAnew {
            mark: value.mark,
            old: value.sealed,
            new: sealed(2, 99),
        })
        .collect();
    let values = Some((place, anew.as_slice()));
    bench
        .store
        .reseal(&claim, values, &stands(2), Next::Done)
        .await
        .unwrap();
    let now = walk(&bench, place).await;
    assert_eq!(
        (now[0].mark.int, now[0].sealed.clone()),
        (first, sealed(1, 11))
    );
    assert_eq!(
        (now[1].mark.int, now[1].sealed.clone()),
        (second, sealed(2, 99))
    );
    let late = bench
        .store
        .reseal(&claim, None, &stands(2), Next::Done)
        .await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
}

pub(crate) async fn a_walk_that_ends_while_another_key_becomes_current_begins_anew(bench: Bench) {
    let claim = begun(&bench).await;
    says(&bench, "a", &[key(2), key(3)], 2).await;
    rotates(&bench, key(3), 3).await.unwrap();
    bench
        .store
        .reseal(&claim, None, &stands(2), Next::Done)
        .await
        .unwrap();
    let claim = bench.claim(TaskKind::Reseal).await;
    bench
        .store
        .reseal(&claim, None, &stands(3), Next::Done)
        .await
        .unwrap();
    assert_eq!(bench.store.next_due().await.unwrap(), None);
}
