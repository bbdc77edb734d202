//! Principals with their history, certificates that came and certificates that no longer count.

use wagegate::security::principal::{Principal, Role, Scope};
use wagegate::security::revocation::{Fingerprint, Serial};
use wagegate::store::identities::{
    CertificateKey, PrincipalChange, Revocation, RevocationReason, SeenCertificate, Standing,
};
use wagegate::store::{Conflict, Recorded, StoreError};

use crate::engines::Bench;
use crate::world::at;

const OPERATOR: &str = "wagegate://user/operator";
const SECOND: &str = "wagegate://user/second";
const CLERK: &str = "wagegate://user/clerk";

fn operator(name: &str) -> Principal {
    Principal {
        name: name.into(),
        role: Role::Operator,
        scope: Scope::All,
    }
}

fn clerk(projects: &[&str]) -> Principal {
    Principal {
        name: CLERK.into(),
        role: Role::Clerk,
        scope: Scope::Projects(projects.iter().map(|code| (*code).to_owned()).collect()),
    }
}

fn certificate(number: u8) -> CertificateKey {
    CertificateKey {
        issuer: Fingerprint::of_name(b"people"),
        serial: Serial::new(&[number]),
    }
}

fn revocation(number: u8) -> Revocation {
    Revocation {
        key: certificate(number),
        reason: RevocationReason::KeyCompromise,
        by: OPERATOR.into(),
        at: at(9),
    }
}

async fn admit(bench: &Bench, principals: &[Principal]) -> Vec<String> {
    bench
        .store
        .admit_unknown(principals, "configuration", at(0))
        .await
        .unwrap()
}

async fn change(bench: &Bench, uri: &str, change: PrincipalChange) -> Result<Standing, StoreError> {
    let changed = bench
        .store
        .change_principal(uri, &change, OPERATOR, at(5))
        .await;
    changed.map(|view| view.standing)
}

pub(crate) async fn whom_the_configuration_names_is_admitted_once_and_then_the_store_rules(
    bench: Bench,
) {
    let bank = Principal {
        name: "wagegate://bank/qingshan".into(),
        role: Role::Bank,
        scope: Scope::Bank("qingshan".into()),
    };
    let mut named = vec![operator(OPERATOR), clerk(&["P1"]), bank.clone()];
    assert_eq!(admit(&bench, &named).await.len(), 3);
    let moved = Scope::Projects(["P2".to_owned()].into());
    change(&bench, CLERK, PrincipalChange::Rescope(moved.clone()))
        .await
        .unwrap();
    change(&bench, &bank.name, PrincipalChange::Suspend)
        .await
        .unwrap();

    named.push(operator(SECOND));
    assert_eq!(admit(&bench, &named).await, [SECOND]);
    assert_eq!(admit(&bench, &[]).await, Vec::<String>::new());
    let known = bench
        .store
        .recognise(CLERK, &certificate(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (known.principal.role, known.principal.scope),
        (Role::Clerk, moved)
    );
    let known = bench.store.principal(&bank.name).await.unwrap();
    assert_eq!(
        (known.principal, known.standing),
        (bank, Standing::Suspended)
    );
    let listed = bench.store.principals("", 2).await.unwrap();
    let rest = bench
        .store
        .principals(&listed[1].principal.name, 9)
        .await
        .unwrap();
    let names: Vec<_> = listed
        .iter()
        .chain(&rest)
        .map(|one| one.principal.name.as_str())
        .collect();
    assert_eq!(names, ["wagegate://bank/qingshan", CLERK, OPERATOR, SECOND]);
}

pub(crate) async fn every_version_of_a_principal_is_kept_and_in_the_audit_log(bench: Bench) {
    admit(&bench, &[clerk(&["P1"])]).await;
    let wider = Scope::Projects(["P1".to_owned(), "P2".to_owned()].into());
    for step in [
        PrincipalChange::Suspend,
        PrincipalChange::Suspend,
        PrincipalChange::Restore,
        PrincipalChange::Rescope(wider.clone()),
        PrincipalChange::Rescope(wider),
    ] {
        change(&bench, CLERK, step).await.unwrap();
    }
    let history = bench.store.principal_history(CLERK).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|one| (one.version, one.standing, one.by.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, Standing::Active, "configuration"),
            (2, Standing::Suspended, OPERATOR),
            (3, Standing::Active, OPERATOR),
            (4, Standing::Active, OPERATOR),
        ],
        "what is so already is no new version"
    );
    assert_eq!(
        history.last(),
        Some(&bench.store.principal(CLERK).await.unwrap())
    );
    let log = bench.audit_tail(9).await.unwrap();
    let acts: Vec<_> = log
        .iter()
        .rev()
        .map(|entry| entry.action.as_str())
        .collect();
    assert_eq!(
        acts,
        [
            "principal.admit",
            "principal.suspend",
            "principal.restore",
            "principal.scope"
        ]
    );
    assert_eq!(
        log[0].detail,
        r#"clerk, {"projects":["P1","P2"]}, active, version 4"#
    );
}

pub(crate) async fn a_name_is_given_once_and_nobody_unknown_is_changed(bench: Bench) {
    let admitted = bench
        .store
        .admit(&clerk(&["P1"]), OPERATOR, at(1))
        .await
        .unwrap();
    assert_eq!((admitted.version, admitted.by.as_str()), (1, OPERATOR));
    let twice = bench.store.admit(&clerk(&["P2"]), OPERATOR, at(2)).await;
    assert!(matches!(
        twice,
        Err(StoreError::Conflict(Conflict::AlreadyKnown { .. }))
    ));
    let nobody = change(&bench, SECOND, PrincipalChange::Restore).await;
    assert!(matches!(
        nobody,
        Err(StoreError::NotFound {
            what: "principal",
            ..
        })
    ));
    assert_eq!(
        bench
            .store
            .recognise(SECOND, &certificate(1))
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn the_last_active_operator_cannot_be_suspended(bench: Bench) {
    admit(
        &bench,
        &[operator(OPERATOR), operator(SECOND), clerk(&["P1"])],
    )
    .await;
    change(&bench, SECOND, PrincipalChange::Suspend)
        .await
        .unwrap();
    change(&bench, CLERK, PrincipalChange::Suspend)
        .await
        .unwrap();
    let last = change(&bench, OPERATOR, PrincipalChange::Suspend).await;
    assert!(matches!(
        last,
        Err(StoreError::Conflict(Conflict::LastOperator))
    ));
    change(&bench, SECOND, PrincipalChange::Restore)
        .await
        .unwrap();
    change(&bench, OPERATOR, PrincipalChange::Suspend)
        .await
        .unwrap();
}

pub(crate) async fn two_operators_who_suspend_each_other_at_one_moment_are_not_both_heard(
    bench: Bench,
) {
    admit(&bench, &[operator(OPERATOR), operator(SECOND)]).await;
    let other = bench.again().await;
    let (one, two) = tokio::join!(
        bench
            .store
            .change_principal(OPERATOR, &PrincipalChange::Suspend, SECOND, at(1)),
        other.change_principal(SECOND, &PrincipalChange::Suspend, OPERATOR, at(1)),
    );
    assert_eq!(
        u8::from(one.is_ok()) + u8::from(two.is_ok()),
        1,
        "{one:?} {two:?}"
    );
}

pub(crate) async fn a_suspension_and_a_revocation_show_at_once_through_another_gateway(
    bench: Bench,
) {
    admit(&bench, &[clerk(&["P1"])]).await;
    let other = bench.again().await;
    let look = async |number| {
        let known = other
            .recognise(CLERK, &certificate(number))
            .await
            .unwrap()
            .unwrap();
        (known.standing, known.revoked)
    };
    assert_eq!(look(1).await, (Standing::Active, false));
    bench
        .store
        .revoke_certificate(&revocation(1))
        .await
        .unwrap();
    assert_eq!(look(1).await, (Standing::Active, true));
    assert_eq!(look(2).await, (Standing::Active, false));
    change(&bench, CLERK, PrincipalChange::Suspend)
        .await
        .unwrap();
    assert_eq!(look(2).await, (Standing::Suspended, false));
    change(&bench, CLERK, PrincipalChange::Restore)
        .await
        .unwrap();
    assert_eq!(look(2).await, (Standing::Active, false));
}

pub(crate) async fn a_revocation_is_for_ever_and_a_history_is_never_changed(bench: Bench) {
    admit(&bench, &[clerk(&["P1"])]).await;
    let revoke = |revocation| {
        let store = bench.store.clone();
        async move { store.revoke_certificate(&revocation).await.unwrap() }
    };
    assert_eq!(revoke(revocation(1)).await, Recorded::New);
    let later = Revocation {
        reason: RevocationReason::Left,
        ..revocation(1)
    };
    assert_eq!(revoke(later).await, Recorded::Seen);
    let listed = bench.store.certificates(None, 9).await.unwrap();
    assert_eq!(
        listed[0].revoked,
        Some(revocation(1)),
        "the first word stands"
    );
    for statement in [
        "DELETE FROM certificate_revoked",
        "UPDATE certificate_revoked SET reason = 'left'",
        "DELETE FROM principal_version",
        "UPDATE principal_version SET role = 'operator'",
    ] {
        bench.sql(statement).await.unwrap_err();
    }
}

pub(crate) async fn certificates_are_noted_and_listed_in_pages(bench: Bench) {
    admit(&bench, &[clerk(&["P1"])]).await;
    let seen = |number, seconds| SeenCertificate {
        key: certificate(number),
        uri: CLERK.into(),
        not_after: at(90_000),
        at: at(seconds),
    };
    for (number, seconds) in [(1, 10), (1, 4_000), (2, 20), (1, 30)] {
        bench
            .store
            .note_certificate(&seen(number, seconds))
            .await
            .unwrap();
    }
    for number in [2, 3] {
        bench
            .store
            .revoke_certificate(&revocation(number))
            .await
            .unwrap();
    }
    let page = bench.store.certificates(None, 2).await.unwrap();
    let rest = bench
        .store
        .certificates(Some(&page[1].key), 2)
        .await
        .unwrap();
    let told: Vec<_> = page
        .iter()
        .chain(&rest)
        .map(|one| {
            let seen = one.seen.as_ref().map(|seen| (seen.first, seen.last));
            (one.key.clone(), seen, one.revoked.is_some())
        })
        .collect();
    assert_eq!(
        told,
        [
            (certificate(1), Some((at(10), at(4_000))), false),
            (certificate(2), Some((at(20), at(20))), true),
            (certificate(3), None, true),
        ]
    );
    let known = bench
        .store
        .recognise(CLERK, &certificate(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.noted, Some(at(4_000)));
}
