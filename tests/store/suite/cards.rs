//! How a card stands: by what banks say of the wages on it, and by what people say.

use wagegate::store::{CardRuling, CardView, CardWord, Conflict, RosterFilter, StoreError};
use wagegate_domain::fact::{Told, Verdict};
use wagegate_domain::reason::Reason;
use wagegate_domain::roster::{CardKind, CardStatus};

use super::roster::{import, listed};
use crate::engines::Bench;
use crate::world::{BACK, BANK, CLOSED, at, card, carded, code, item, said};

/// Words on the card of the first worker of P1, as status and reason.
async fn words(bench: &Bench) -> Vec<(CardStatus, Option<Reason>)> {
    let words = record(bench).await;
    words
        .iter()
        .map(|word| (word.status, word.reason))
        .collect()
}

async fn record(bench: &Bench) -> Vec<CardWord> {
    let id = listed(bench, RosterFilter::default()).await[0].id;
    bench.store.worker("P1", id).await.unwrap().words
}

async fn current(bench: &Bench) -> CardView {
    let workers = listed(bench, RosterFilter::default()).await;
    workers[0].card.clone().unwrap()
}

fn ruling(card: i64, status: CardStatus) -> CardRuling {
    CardRuling {
        card,
        status,
        reason: None,
        evidence: None,
        by: "finance".into(),
        within: Within::All,
        today: day("2026-11-02"),
        at: at(100),
    }
}

use CardStatus::{Invalid, Replaced, Unverified, Verified};

pub(crate) async fn a_failure_that_lies_in_the_card_makes_it_invalid_and_a_payment_verifies_it(
    bench: Bench,
) {
    bench.settle().await;
    import(&bench, &[carded(1, 1), carded(2, 2)], 0)
        .await
        .unwrap();
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    bench
        .hears(vec![item(&key, 1, Verdict::Paid), item(&key, 2, CLOSED)])
        .await;
    assert_eq!(words(&bench).await, [(Unverified, None), (Verified, None)]);
    let workers = listed(&bench, RosterFilter::default()).await;
    let refused = workers[1].card.as_ref().unwrap();
    assert_eq!((refused.status, refused.kind), (Invalid, CardKind::Unknown));
    let record = bench.store.worker("P1", workers[1].id).await.unwrap();
    let last = record.words.last().unwrap();
    assert_eq!(
        (last.reason, last.by.as_str()),
        (Some(Reason::Closed), "wagegate://bank/bishui")
    );
    assert!(last.evidence.is_some());
    // A return of the wage that was paid speaks against the card again.
    bench.hears(vec![item(&key, 1, BACK)]).await;
    assert_eq!(
        words(&bench).await.last(),
        Some(&(Invalid, Some(Reason::NameMismatch)))
    );
}

pub(crate) async fn a_failure_that_lies_elsewhere_says_nothing_of_the_card(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1)], 0).await.unwrap();
    let key = bench.sent("B1", &[100]).await.bank_key;
    let short = Verdict::Failed(Reason::SourceShort);
    bench.hears(vec![item(&key, 1, short)]).await;
    assert_eq!(words(&bench).await, [(Unverified, None)]);
}

pub(crate) async fn a_word_on_the_whole_instruction_speaks_against_no_card(bench: Bench) {
    bench.settle().await;
    let two = [carded(1, 1), carded(2, 2)];
    import(&bench, &two, 0).await.unwrap();
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    bench.hears(vec![whole(&key, CLOSED)]).await;
    assert_eq!(words(&bench).await, [(Unverified, None)]);
    bench.sql("DELETE FROM wage_slot").await.unwrap();
    let key = bench.sent("B2", &[100, 200]).await.bank_key;
    bench.hears(vec![whole(&key, Verdict::Paid)]).await;
    assert_eq!(words(&bench).await, [(Unverified, None), (Verified, None)]);
}

fn whole(key: &str, verdict: Verdict) -> Told {
    Told::Whole {
        instruction: key.into(),
        verdict,
        bank: code(verdict.code()),
    }
}

pub(crate) async fn a_later_attempt_may_verify_a_card_again_and_an_earlier_payment_may_not(
    bench: Bench,
) {
    bench.settle().await;
    import(&bench, &[carded(1, 1)], 0).await.unwrap();
    let key = bench.sent("B1", &[100]).await.bank_key;
    let card = current(&bench).await.id;
    // Somebody says so after the wage was planned: that it was paid is no answer to it.
    let refused = CardRuling {
        reason: Some(Reason::Lost),
        at: at(3),
        ..ruling(card, Invalid)
    };
    bench.store.rule_on_card(&refused).await.unwrap();
    bench.hears(vec![item(&key, 1, Verdict::Paid)]).await;
    assert_eq!(current(&bench).await.status, Invalid);
    // A wage that was planned since is one. Every plan here is of second 2.
    bench
        .sql("UPDATE card_status SET at = at - 2000 WHERE status = 'invalid'")
        .await
        .unwrap();
    bench.sql("DELETE FROM wage_slot").await.unwrap();
    let key = bench.sent("B2", &[100]).await.bank_key;
    bench.hears(vec![item(&key, 1, Verdict::Paid)]).await;
    assert_eq!(current(&bench).await.status, Verified);
}

pub(crate) async fn the_same_facts_in_any_order_leave_a_card_alike(bench: Bench) {
    bench.settle().await;
    import(
        &bench,
        &[carded(1, 1), carded(2, 2), carded(3, 3), carded(4, 4)],
        0,
    )
    .await
    .unwrap();
    let key = bench.sent("B1", &[100, 200, 300, 400]).await.bank_key;
    let told = vec![
        item(&key, 1, Verdict::Paid),
        item(&key, 1, BACK),
        item(&key, 2, BACK),
        item(&key, 2, Verdict::Paid),
        item(&key, 3, Verdict::Paid),
        item(&key, 3, CLOSED),
        item(&key, 4, CLOSED),
        item(&key, 4, Verdict::Paid),
    ];
    for chunk in [1, 1_000] {
        bench.hears_in(BANK, &said(told.clone()), chunk).await;
        let found: Vec<_> = listed(&bench, RosterFilter::default())
            .await
            .iter()
            .map(|worker| worker.card.as_ref().unwrap().status)
            .collect();
        assert_eq!(found, [Invalid, Invalid, Unverified, Unverified], "{chunk}");
    }
}

pub(crate) async fn naming_a_refused_card_again_does_not_mend_it(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1)], 0).await.unwrap();
    let key = bench.sent("B1", &[100]).await.bank_key;
    bench.hears(vec![item(&key, 1, CLOSED)]).await;
    import(&bench, &[carded(1, 21)], 30).await.unwrap();
    assert_eq!(current(&bench).await.status, Unverified);
    import(&bench, &[carded(1, 1)], 40).await.unwrap();
    assert_eq!(current(&bench).await.status, Invalid);
    let refused = words(&bench).await;
    assert_eq!(
        refused[2..4],
        [(Replaced, None), (Invalid, Some(Reason::Closed))]
    );
}

pub(crate) async fn a_refused_card_is_verified_again_on_evidence_only(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1)], 0).await.unwrap();
    let card = current(&bench).await.id;
    let store = &bench.store;
    let verified = store.rule_on_card(&ruling(card, Verified)).await.unwrap();
    assert_eq!(verified.status, Verified);
    let refused = CardRuling {
        reason: Some(Reason::Lost),
        ..ruling(card, Invalid)
    };
    for _ in 0..2 {
        store.rule_on_card(&refused).await.unwrap();
    }
    assert_eq!(
        words(&bench).await,
        [
            (Unverified, None),
            (Verified, None),
            (Invalid, Some(Reason::Lost))
        ]
    );
    for status in [Verified, Unverified] {
        let refusal = store.rule_on_card(&ruling(card, status)).await;
        assert!(
            matches!(
                refusal,
                Err(StoreError::Conflict(Conflict::EvidenceMissing))
            ),
            "{refusal:?}"
        );
    }
    let shown = CardRuling {
        evidence: Some([5; 32]),
        ..ruling(card, Verified)
    };
    assert_eq!(store.rule_on_card(&shown).await.unwrap().status, Verified);
    let by_hand = store.rule_on_card(&ruling(card, Replaced)).await;
    assert!(matches!(
        by_hand,
        Err(StoreError::Conflict(Conflict::ReplacedByHand))
    ));
    let unknown = store.rule_on_card(&ruling(card + 100, Verified)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    let log = store.audit_tail(1).await.unwrap();
    assert_eq!(log[0].action, "card.status");
    assert!(log[0].detail.contains("evidence 0505"), "{log:?}");
}

pub(crate) async fn a_card_is_replaced_by_another_and_the_same_again_changes_nothing(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1), carded(2, 2)], 0)
        .await
        .unwrap();
    let worker = listed(&bench, RosterFilter::default()).await[0].id;
    let replace = |number: u32, project: &'static str| {
        let store = bench.store.clone();
        async move {
            let new = card(1, number, CardKind::SocialSecurity);
            store
                .replace_card(project, worker, &new, &speaker("finance", 9))
                .await
        }
    };
    for _ in 0..2 {
        let now = replace(31, "P1").await.unwrap();
        assert_eq!(
            (now.status, now.kind, now.current),
            (Unverified, CardKind::SocialSecurity, true)
        );
    }
    assert_eq!(
        words(&bench).await,
        [(Unverified, None), (Replaced, None), (Unverified, None)]
    );
    assert!(matches!(
        replace(32, "P2").await,
        Err(StoreError::NotFound { what: "worker", .. })
    ));
    let shared = replace(2, "P1").await;
    assert!(
        matches!(&shared, Err(StoreError::Conflict(Conflict::CardOfAnother { rows, .. })) if rows.is_empty()),
        "{shared:?}"
    );
    let (_, projects) = bench.store.card(current(&bench).await.id, day("2026-11-02")).await.unwrap();
    assert_eq!(projects[0].0, "P1");
}
