//! Whoever goes at the audit log behind the store's back is found: what is wrong first, and how.

use sha2::{Digest, Sha256};
use wagegate::security::principal::{Principal, Role, Scope};
use wagegate::store::{AuditFilter, AuditHead, ChainCheck, ChainFault};

use crate::engines::Bench;
use crate::world::*;

impl Bench {
    /// So many acts, and no trigger in the way any more.
    async fn unlocked(&self, acts: i64) {
        for n in 1..=acts {
            self.store
                .audit(at(n), "operator", "config.read", &format!("object {n}"), "")
                .await
                .unwrap();
        }
        let open = if self.store.engine() == "sqlite" {
            [
                "DROP TRIGGER audit_is_never_changed",
                "DROP TRIGGER audit_is_never_cut",
                "DROP TRIGGER audit_head_only_moves_on",
                "DROP TRIGGER audit_head_is_never_dropped",
            ]
        } else {
            [
                "ALTER TABLE audit DISABLE TRIGGER USER",
                "ALTER TABLE audit_head DISABLE TRIGGER USER",
                "SELECT 1",
                "SELECT 1",
            ]
        };
        for statement in open {
            self.sql(statement).await.unwrap();
        }
    }

    async fn tampers(&self, statements: &[&str]) {
        for statement in statements {
            let touched = self.sql(statement).await;
            assert!(touched.is_ok(), "{statement}: {touched:?}");
        }
    }

    async fn finds(&self, number: i64, fault: ChainFault) {
        let found = self.check_audit().await.unwrap();
        assert_eq!(found, ChainCheck::Broken { number, fault });
    }
}

pub(crate) async fn a_broken_audit_chain_is_named_at_its_first_broken_entry(bench: Bench) {
    bench.unlocked(9).await;
    for (edit, number) in [
        // The same letters in other fields are another entry.
        (
            "UPDATE audit SET subject = 'object', detail = ' 8' WHERE number = 8",
            8,
        ),
        ("UPDATE audit SET at = at + 1 WHERE number = 7", 7),
        ("UPDATE audit SET who = 'nobody' WHERE number = 6", 6),
        ("UPDATE audit SET after = hash WHERE number = 5", 5),
        ("UPDATE audit SET form = 1 WHERE number = 4", 4),
        ("UPDATE audit SET hash = previous WHERE number = 3", 3),
        ("UPDATE audit SET previous = hash WHERE number = 1", 1),
    ] {
        assert_eq!(bench.sql(edit).await, Ok(1), "{edit}");
        bench.finds(number, ChainFault::Edited).await;
    }
}

/// A forger who knows how hashes are made still has to make every later one, and the head.
pub(crate) async fn an_entry_written_anew_with_a_hash_that_fits_is_named(bench: Bench) {
    bench.unlocked(9).await;
    let forged = forged_hash(&bench, 5, "nobody").await;
    bench
        .tampers(&[&format!(
            "UPDATE audit SET who = 'nobody', hash = {forged} WHERE number = 5"
        )])
        .await;
    bench.finds(5, ChainFault::Edited).await;
    // Nor does it help at the end of the chain.
    bench.tampers(&["DELETE FROM audit WHERE number > 5"]).await;
    bench.tampers(&["UPDATE audit_head SET number = 5"]).await;
    bench.finds(5, ChainFault::HeadDiffers).await;
}

/// The hash of entry `number` with another principal, made here and not by the store.
async fn forged_hash(bench: &Bench, number: i64, who: &str) -> String {
    let previous = hash_of(bench, number - 1).await;
    let mut digest = Sha256::new();
    digest.update(b"wagegate audit");
    digest.update(2_i64.to_be_bytes());
    digest.update(previous);
    digest.update(number.to_be_bytes());
    digest.update(at(number).as_millisecond().to_be_bytes());
    for text in [who, "config.read", &format!("object {number}"), "", "", ""] {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    let hash = hex::encode(digest.finalize());
    if bench.store.engine() == "sqlite" {
        format!("x'{hash}'")
    } else {
        format!("'\\x{hash}'")
    }
}

/// The hash of an entry: the head's, when the others are away.
async fn hash_of(bench: &Bench, number: i64) -> [u8; 32] {
    bench
        .tampers(&[
            "CREATE TABLE kept_head AS SELECT * FROM audit_head",
            &format!(
                "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE number = {number})"
            ),
        ])
        .await;
    let hash = bench.store.audit_head().await.unwrap().hash;
    bench
        .tampers(&[
            "UPDATE audit_head SET hash = (SELECT hash FROM kept_head)",
            "DROP TABLE kept_head",
        ])
        .await;
    hash
}

pub(crate) async fn a_deleted_entry_is_named(bench: Bench) {
    bench.unlocked(9).await;
    bench.tampers(&["DELETE FROM audit WHERE number = 6"]).await;
    bench.finds(6, ChainFault::Missing).await;
    // Also where the gap is closed up.
    bench
        .tampers(&["UPDATE audit SET number = number - 1 WHERE number = 7"])
        .await;
    bench.finds(6, ChainFault::Missing).await;
    bench
        .tampers(&[
            "UPDATE audit SET number = 7 WHERE number = 8",
            "UPDATE audit SET number = 8 WHERE number = 9",
            "UPDATE audit_head SET number = 8",
        ])
        .await;
    bench.finds(6, ChainFault::Missing).await;
    bench.tampers(&["DELETE FROM audit WHERE number = 1"]).await;
    bench.finds(1, ChainFault::Missing).await;
}

pub(crate) async fn two_swapped_entries_are_named(bench: Bench) {
    bench.unlocked(9).await;
    // The whole entries, by their numbers; as neighbours and far apart.
    for (one, other) in [(8, 9), (4, 7)] {
        bench
            .tampers(&[
                &format!("UPDATE audit SET number = -1 WHERE number = {one}"),
                &format!("UPDATE audit SET number = {one} WHERE number = {other}"),
                &format!("UPDATE audit SET number = {other} WHERE number = -1"),
            ])
            .await;
        bench.finds(one, ChainFault::OutOfOrder).await;
    }
    // Their contents, each under the other's number and hashes.
    bench
        .tampers(&[
            "UPDATE audit SET subject = 'object 3', at = (SELECT at FROM audit WHERE number = 3) WHERE number = 2",
            &format!("UPDATE audit SET subject = 'object 2', at = {} WHERE number = 3", at(2).as_millisecond()),
        ])
        .await;
    bench.finds(2, ChainFault::OutOfOrder).await;
}

pub(crate) async fn a_cut_tail_is_named_and_a_new_act_does_not_hide_it(bench: Bench) {
    bench.unlocked(9).await;
    bench.tampers(&["DELETE FROM audit WHERE number > 6"]).await;
    bench.finds(7, ChainFault::CutTail).await;
    bench
        .store
        .audit(at(10), "operator", "config.read", "", "")
        .await
        .unwrap();
    bench.finds(7, ChainFault::Missing).await;
}

pub(crate) async fn a_head_that_was_edited_or_removed_is_named(bench: Bench) {
    bench.unlocked(5).await;
    bench.tampers(&["UPDATE audit_head SET number = 3"]).await;
    bench.finds(4, ChainFault::HeadDiffers).await;
    bench.tampers(&["DELETE FROM audit_head"]).await;
    bench.finds(5, ChainFault::HeadDiffers).await;
    // Nothing more is appended to a log without a head: stop and look.
    let act = bench.store.audit(at(9), "operator", "x", "", "").await;
    assert!(
        act.unwrap_err()
            .to_string()
            .contains("head of the audit log is gone")
    );
}

pub(crate) async fn a_cut_tail_under_an_edited_head_is_found_by_the_witness(bench: Bench) {
    bench.unlocked(5).await;
    let mut witnessed = vec![bench.store.audit_head().await.unwrap()];
    let third = hash_of(&bench, 3).await;
    for n in 6..=9 {
        bench
            .store
            .audit(at(n), "operator", "config.read", "", "")
            .await
            .unwrap();
    }
    witnessed.push(bench.store.audit_head().await.unwrap());
    let against = async |witnessed: &[AuditHead]| {
        let found = bench.store.check_audit_against(witnessed).await;
        found.unwrap()
    };
    assert_eq!(against(&witnessed).await, ChainCheck::Whole { entries: 9 });
    bench
        .tampers(&[
            "DELETE FROM audit WHERE number > 7",
            "UPDATE audit_head SET number = 7, hash = (SELECT hash FROM audit WHERE number = 7)",
        ])
        .await;
    assert_eq!(
        bench.check_audit().await.unwrap(),
        ChainCheck::Whole { entries: 7 }
    );
    let differs = |number| ChainCheck::Broken {
        number,
        fault: ChainFault::WitnessDiffers,
    };
    assert_eq!(against(&witnessed).await, differs(8));
    assert_eq!(
        against(&witnessed[..1]).await,
        ChainCheck::Whole { entries: 7 }
    );
    // A chain that was written anew up to its head hangs together, and is not what was witnessed.
    let other = AuditHead {
        number: 4,
        hash: third,
    };
    assert_eq!(against(&[other, witnessed[0]]).await, differs(4));
}

pub(crate) async fn ten_thousand_entries_are_whole(bench: Bench) {
    // One act each, in one transaction.
    let principals: Vec<_> = (1..=10_000)
        .map(|n| Principal {
            name: format!("wagegate://user/{n}"),
            role: Role::Operator,
            scope: Scope::All,
        })
        .collect();
    bench
        .store
        .admit_unknown(&principals, "operator", at(0))
        .await
        .unwrap();
    let whole = ChainCheck::Whole { entries: 10_000 };
    assert_eq!(bench.check_audit().await.unwrap(), whole);
    bench.unlocked(0).await;
    bench
        .tampers(&["UPDATE audit SET detail = detail || ' ' WHERE number = 9999"])
        .await;
    bench.finds(9_999, ChainFault::Edited).await;
}

pub(crate) async fn acts_come_in_pages_by_object_and_by_principal(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 500).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
    let page = async |filter: AuditFilter, below, limit| {
        bench.store.audit_page(&filter, below, limit).await.unwrap()
    };
    let actions = |entries: &[wagegate::store::AuditEntry]| -> Vec<String> {
        entries.iter().map(|entry| entry.action.clone()).collect()
    };
    let of_batch = AuditFilter {
        subject: Some("B1".into()),
        who: None,
    };
    let found = page(of_batch.clone(), None, 10).await;
    assert_eq!(
        actions(&found),
        ["batch.release", "batch.review", "batch.submit"]
    );
    assert_eq!(page(of_batch, Some(found[0].number), 10).await.len(), 2);
    // What a batch was before one act is what it was after the one before.
    assert_eq!((found[2].before, found[2].after), (None, found[1].before));
    assert_eq!(found[1].after, found[0].before);
    assert!(found[0].after.is_some() && found[0].after != found[0].before);
    let of_bank = AuditFilter {
        subject: None,
        who: Some(format!("wagegate://bank/{BANK}")),
    };
    assert_eq!(actions(&page(of_bank, None, 10).await), ["deposit.book"]);
    let all = page(AuditFilter::default(), None, 3).await;
    assert_eq!(
        all.iter().map(|entry| entry.number).collect::<Vec<_>>(),
        [6, 5, 4]
    );
    // The same import again leaves the register as it was.
    bench.settle().await;
    let again = page(AuditFilter::default(), None, 1).await.remove(0);
    assert_eq!(
        (again.action.as_str(), again.before),
        ("projects.import", again.after)
    );
}
