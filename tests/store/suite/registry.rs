//! Regions, projects, special accounts and deposits.

use wagegate::store::{
    Conflict, ContractorEntry, Deposit, ProjectFault, ProjectFlaw, Recorded, RegionEntry,
    StoreError, Within,
};
use wagegate_domain::Fen;

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::{BANK, at, project, region};

pub(crate) async fn what_is_imported_is_listed_and_renamed(bench: Bench) {
    bench.settle().await;
    let renamed = RegionEntry {
        code: region("530923"),
        name: "永德".into(),
        base_projects: Some(3),
    };
    let park = RegionEntry {
        code: region("5309A1"),
        name: "临沧工业园区".into(),
        base_projects: None,
    };
    let came = bench
        .store
        .import_regions(&[renamed.clone(), park], "operator", at(1))
        .await
        .unwrap();
    assert_eq!((came.new, came.changed, came.same), (1, 1, 0));
    let regions = bench.store.regions().await.unwrap();
    let codes: Vec<_> = regions.iter().map(|entry| entry.code.to_string()).collect();
    assert_eq!(
        codes,
        ["530300", "530302", "530900", "530902", "530923", "5309A1"]
    );
    assert!(regions.contains(&renamed));

    let mut moved = project("P1", "5309A1", BANK);
    moved.name = "另名".into();
    moved.account_name = "另一户名".into();
    moved.aliases = vec!["短名".into()];
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
        ("另名", region("5309A1"))
    );
    assert_eq!(
        (kept.account_name.as_str(), kept.aliases),
        ("另一户名", vec!["短名".to_owned()])
    );
    assert!(matches!(
        bench.store.project("P0").await,
        Err(StoreError::NotFound {
            what: "project",
            ..
        })
    ));
}

pub(crate) async fn the_same_import_again_changes_nothing_and_a_change_is_a_version(bench: Bench) {
    bench.settle().await;
    let entries = [
        project("P1", "530902", BANK),
        project("P2", "530923", BANK),
        project("P3", "530302", "qingshan"),
    ];
    let again = bench
        .store
        .import_projects(&entries, "somebody", at(5))
        .await
        .unwrap();
    assert_eq!((again.new, again.changed, again.same), (0, 0, 3));
    let log = bench.audit_tail(1).await.unwrap();
    assert!(log[0].detail.starts_with("nothing changed"), "{log:?}");
    let [mut renamed, ..] = entries;
    renamed.contractor = "改名总包".into();
    let came = bench
        .store
        .import_projects(&[renamed], "somebody", at(6))
        .await
        .unwrap();
    assert_eq!((came.new, came.changed, came.same), (0, 1, 0));
    // A contractor has one name, on all its projects.
    assert_eq!(
        bench.store.project("P2").await.unwrap().contractor,
        "改名总包"
    );
    for (kind, subject, versions) in [
        (
            "contractor",
            "91530000MA6K000000",
            &[("operator", 0), ("somebody", 6)][..],
        ),
        ("project", "P1", &[("operator", 0)][..]),
        ("account", "bishui/90-P1", &[("operator", 0)][..]),
        ("region", "530902", &[("operator", 0)][..]),
    ] {
        let found = bench.store.versions(kind, subject).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|version| (version.by.as_str(), version.at))
            .collect();
        let expected: Vec<_> = versions
            .iter()
            .map(|(by, second)| (*by, at(*second)))
            .collect();
        assert_eq!(found, expected, "{kind} {subject}");
    }
}

pub(crate) async fn contractors_are_listed_in_pages_and_renamed(bench: Bench) {
    bench.settle().await;
    let contractor = |uscc: &str, name: &str| ContractorEntry {
        uscc: uscc.into(),
        name: name.into(),
    };
    let new = [
        contractor("91530000MA6K000000", "总包"),
        contractor("91530000MA6K000001", "分包"),
    ];
    for expected in [(1, 0, 1), (0, 0, 2)] {
        let came = bench
            .store
            .import_contractors(&new, "operator", at(1))
            .await
            .unwrap();
        assert_eq!((came.new, came.changed, came.same), expected);
    }
    let page = bench.store.contractors(&Within::All, "", 1).await.unwrap();
    assert_eq!(page, new[..1]);
    let rest = bench
        .store
        .contractors(&Within::All, &page[0].uscc, 10)
        .await
        .unwrap();
    assert_eq!(rest, new[1..]);
    let projects = bench.store.projects().await.unwrap();
    let of_p1 = Within::Projects(["P1".to_owned()].into());
    let theirs = bench.store.contractors(&of_p1, "", 10).await.unwrap();
    let expected: Vec<_> = theirs.iter().map(|one| one.uscc.as_str()).collect();
    assert_eq!(expected, [projects[0].contractor_uscc.as_str()]);
    let elsewhere = Within::Region("11".into());
    assert_eq!(
        bench.store.contractors(&elsewhere, "", 10).await.unwrap(),
        []
    );
}

pub(crate) async fn an_import_that_cannot_be_whole_changes_nothing(bench: Bench) {
    bench.settle().await;
    let mut sharing = project("P9", "530902", BANK);
    sharing.account = "90-P1".into();
    let mut moved = project("P1", "530902", "qingshan");
    moved.aliases = vec!["x".into()];
    for (impossible, fault) in [
        (
            project("P9", "539999", BANK),
            ProjectFault::UnknownRegion(region("539999")),
        ),
        (sharing, ProjectFault::AccountOfAnother("P1".into())),
        (moved, ProjectFault::OtherAccount),
        (project("P8", "530902", BANK), ProjectFault::Twice),
    ] {
        let flaw = ProjectFlaw {
            project: impossible.code.clone(),
            fault,
        };
        let both = [project("P8", "530902", BANK), impossible];
        let refused = bench.store.import_projects(&both, "operator", at(1)).await;
        let Err(StoreError::Conflict(Conflict::ProjectsRefused(flaws))) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(flaws, [flaw]);
        assert_eq!(bench.store.projects().await.unwrap().len(), 3);
        assert_eq!(bench.store.accounts().await.unwrap().len(), 3);
    }
    let entries = bench.audit_tail(10).await.unwrap();
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
