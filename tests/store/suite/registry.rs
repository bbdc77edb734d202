//! Regions, projects, special accounts and deposits.

use wagegate::store::{Conflict, Deposit, Recorded, RegionEntry, StoreError};
use wagegate_domain::Fen;

use crate::engines::Bench;
use crate::world::{BANK, at, project, region};

pub(crate) async fn what_is_imported_is_listed_and_renamed_but_its_account_never_changes(
    bench: Bench,
) {
    bench.settle().await;
    let renamed = RegionEntry {
        code: region("530923"),
        name: "永德".into(),
        base_projects: Some(3),
    };
    bench
        .store
        .import_regions(std::slice::from_ref(&renamed), "operator", at(1))
        .await
        .unwrap();
    let regions = bench.store.regions().await.unwrap();
    let codes: Vec<_> = regions.iter().map(|entry| entry.code.to_string()).collect();
    assert_eq!(codes, ["530300", "530302", "530900", "530902", "530923"]);
    assert_eq!(regions.last(), Some(&renamed));

    let mut moved = project("P1", "530923", "qingshan");
    moved.name = "另名".into();
    moved.account = "other".into();
    bench
        .store
        .import_projects(&[moved, project("A9", "530902", BANK)], "operator", at(1))
        .await
        .unwrap();
    let listed = bench.store.projects().await.unwrap();
    let codes: Vec<_> = listed.iter().map(|entry| entry.code.as_str()).collect();
    assert_eq!(codes, ["A9", "P1", "P2", "P3"]);
    let kept = bench.store.project("P1").await.unwrap();
    assert_eq!(
        (kept.name.as_str(), kept.region),
        ("另名", region("530923"))
    );
    assert_eq!((kept.bank.as_str(), kept.account.as_str()), (BANK, "90-P1"));
    assert!(matches!(
        bench.store.project("P0").await,
        Err(StoreError::NotFound {
            what: "project",
            ..
        })
    ));
}

pub(crate) async fn an_import_that_cannot_be_whole_changes_nothing(bench: Bench) {
    bench.settle().await;
    let mut sharing = project("P9", "530902", BANK);
    sharing.account = "90-P1".into();
    for impossible in [project("P9", "539999", BANK), sharing] {
        let both = [project("P8", "530902", BANK), impossible];
        bench
            .store
            .import_projects(&both, "operator", at(1))
            .await
            .unwrap_err();
        assert_eq!(bench.store.projects().await.unwrap().len(), 3);
        assert_eq!(bench.store.accounts().await.unwrap().len(), 3);
    }
    let entries = bench.store.audit_tail(10).await.unwrap();
    assert_eq!(
        entries.len(),
        2,
        "only the imports that were whole are in the log"
    );
}

pub(crate) async fn a_deposit_is_booked_once_and_its_reference_is_not_used_again(bench: Bench) {
    bench.settle().await;
    let deposit = Deposit {
        bank: BANK.into(),
        account: "90-P1".into(),
        reference: "in-1".into(),
        amount: Fen::new(500),
        value_date: "2026-10-20".parse().unwrap(),
    };
    let record = |deposit: Deposit| {
        let store = bench.store.clone();
        async move { store.record_deposit(&deposit, at(1)).await }
    };
    assert_eq!(record(deposit.clone()).await.unwrap(), Recorded::New);
    assert_eq!(record(deposit.clone()).await.unwrap(), Recorded::Seen);
    assert_eq!(bench.account("P1").await, (500, 0, 0));
    for other in [
        Deposit {
            amount: Fen::new(501),
            ..deposit.clone()
        },
        Deposit {
            account: "90-P2".into(),
            ..deposit.clone()
        },
    ] {
        assert!(matches!(
            record(other).await,
            Err(StoreError::Conflict(Conflict::ReferenceReused { .. }))
        ));
    }
    let elsewhere = Deposit {
        bank: "qingshan".into(),
        account: "90-P3".into(),
        ..deposit.clone()
    };
    assert_eq!(record(elsewhere).await.unwrap(), Recorded::New);
    let unknown = Deposit {
        account: "nobody".into(),
        reference: "in-2".into(),
        ..deposit
    };
    assert!(matches!(
        record(unknown).await,
        Err(StoreError::NotFound {
            what: "special account",
            ..
        })
    ));
    assert_eq!(bench.account("P1").await, (500, 0, 0));
    bench.adds_up().await;
}
