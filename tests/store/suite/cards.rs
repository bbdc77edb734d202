//! How a card stands: by what banks say of the wages on it, and by what people say.

use wagegate::store::{
    CardRuling, CardView, CardWord, Conflict, Elsewhere, RosterFilter, StoreError, Within,
};
use wagegate_domain::fact::{Told, Verdict};
use wagegate_domain::reason::Reason;
use wagegate_domain::roster::{CardKind, CardStatus};

use super::roster::{import, import_as, listed, of, speaker};
use crate::engines::Bench;
use crate::world::{BACK, BANK, CLOSED, at, card, carded, code, day, item, said, worker};

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
    let log = bench.audit_tail(1).await.unwrap();
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
    let (_, projects) = bench
        .store
        .card(current(&bench).await.id, day("2026-11-02"))
        .await
        .unwrap();
    assert_eq!(projects[0].0, "P1");
}

pub(crate) async fn who_is_on_a_site_of_others_keeps_name_and_verified_card(bench: Bench) {
    bench.settle().await;
    import(&bench, &[carded(1, 1), carded(2, 2)], 0)
        .await
        .unwrap();
    let mine = current(&bench).await;
    let store = &bench.store;
    store
        .rule_on_card(&ruling(mine.id, Verified))
        .await
        .unwrap();
    let others = Within::Projects(["P2".to_owned()].into());
    let both = Within::Projects(["P1".to_owned(), "P2".to_owned()].into());
    let mut renamed = worker(1);
    renamed.profile.name_blind = [9; 16];
    renamed.left_on = Some(day("2026-03-02"));
    let (name, card_too) = ((1, Elsewhere::Name), (1, Elsewhere::Card));
    let mut both_changed = renamed.clone();
    both_changed.card = carded(1, 31).card;
    for (row, refused) in [
        (worker(1), vec![]),
        (carded(1, 1), vec![]),
        (renamed.clone(), vec![name]),
        (carded(1, 31), vec![card_too]),
        (both_changed, vec![name, card_too]),
    ] {
        let taken = import_as(&bench, "P2", &[row], &of("clerk2", &others, 5)).await;
        let found = match taken {
            Ok(_) => vec![],
            Err(StoreError::Conflict(Conflict::OnSiteElsewhere { rows, .. })) => rows,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, refused);
    }
    let id = mine.worker;
    let new = card(1, 31, CardKind::OwnBank);
    let by_hand = store
        .replace_card("P2", id, &new, &of("finance2", &others, 6))
        .await;
    let against = |refused: &Result<CardView, StoreError>| {
        matches!(
            refused,
            Err(StoreError::Conflict(Conflict::OnSiteElsewhere { .. }))
        )
    };
    assert!(against(&by_hand), "{by_hand:?}");
    let unsettled = CardRuling {
        reason: Some(Reason::Closed),
        within: others.clone(),
        ..ruling(mine.id, Invalid)
    };
    let refused = store.rule_on_card(&unsettled).await;
    assert!(against(&refused), "{refused:?}");
    assert_eq!(current(&bench).await.id, mine.id);
    // Who has both projects in sight changes what is theirs, and so does anybody once the worker has left the other site.
    import_as(&bench, "P2", &[renamed], &of("clerk12", &both, 7))
        .await
        .unwrap();
    let mut left = worker(1);
    left.left_on = Some(day("2026-08-31"));
    import(&bench, &[left], 8).await.unwrap();
    import_as(&bench, "P2", &[carded(1, 31)], &of("clerk2", &others, 9))
        .await
        .unwrap();
    assert_ne!(current(&bench).await.id, mine.id);
    let (_, near) = store.card(mine.id, day("2026-08-31")).await.unwrap();
    let (_, now) = store.card(mine.id, day("2026-09-01")).await.unwrap();
    let codes = |projects: &[(String, wagegate_domain::ids::Region)]| -> Vec<String> {
        projects.iter().map(|(code, _)| code.clone()).collect()
    };
    assert_eq!(
        (codes(&near), codes(&now)),
        (vec!["P1".into(), "P2".into()], vec!["P2".into()])
    );
}

pub(crate) async fn a_document_is_named_by_whom_it_was_kept_for(bench: Bench) {
    bench.settle().await;
    let store = &bench.store;
    let kept = |by: &str, project: Option<&str>, hash: u8| wagegate::store::KeptDocument {
        hash: [hash; 32],
        by: by.into(),
        project: project.map(str::to_owned),
        media_type: "application/pdf".into(),
        size: 9,
        at: at(1),
    };
    for document in [
        kept("clerk", Some("P1"), 1),
        kept("clerk", Some("P1"), 1),
        kept("finance", None, 2),
    ] {
        store.keep_document(&document).await.unwrap();
    }
    let projects = |code: &str| Within::Projects([code.to_owned()].into());
    for (hash, within, by, found) in [
        (1, projects("P1"), "finance", true),
        (1, projects("P2"), "finance2", false),
        (1, projects("P2"), "clerk", true),
        (1, Within::Region("530902".into()), "supervisor", true),
        (1, Within::Region("11".into()), "supervisor", false),
        (2, projects("P1"), "finance", true),
        (2, projects("P1"), "clerk", false),
        (2, Within::All, "operator", false),
        (3, Within::All, "operator", false),
    ] {
        let named = store.kept_document([hash; 32], &within, by).await.unwrap();
        assert_eq!(named.is_some(), found, "{hash} {within:?} {by}");
    }
    let document = store
        .kept_document([1; 32], &Within::All, "x")
        .await
        .unwrap();
    assert_eq!(document, Some(kept("clerk", Some("P1"), 1)));
    let cut = bench.sql("DELETE FROM kept_document").await.unwrap_err();
    assert!(cut.contains("append-only"), "{cut}");
}
