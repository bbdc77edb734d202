//! Which payment a saying is about: found exactly, or shown to people.

use wagegate_domain::Fen;
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::reference;

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::{BANK, CLOSED, WIDE, code, item, row, said, taken, wages};

fn by(refs: ItemRefs, amount: Option<i64>) -> Told {
    Told::Item {
        refs,
        verdict: Verdict::Paid,
        amount: amount.map(Fen::new),
        bank: BankCode::default(),
    }
}

fn whole(key: &str, verdict: Verdict) -> Told {
    Told::Whole {
        instruction: key.into(),
        verdict,
        bank: code("whole"),
    }
}

fn rest(key: &str, verdict: Verdict, count: u64, total: Option<i64>) -> Told {
    Told::Rest {
        instruction: key.into(),
        verdict,
        count,
        total: total.map(Fen::new),
        bank: code("rest"),
    }
}

pub(crate) async fn a_payment_is_found_by_any_exact_handle(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200, 300, 300]).await.bank_key;
    let refs = ItemRefs::default;
    let told = vec![
        by(
            ItemRefs {
                reference: Some(reference(&key, 1)),
                ..refs()
            },
            None,
        ),
        by(
            ItemRefs {
                instruction: Some(key.clone()),
                sequence: Some(2),
                ..refs()
            },
            Some(200),
        ),
        by(
            ItemRefs {
                instruction: Some(key.clone()),
                ..refs()
            },
            Some(300),
        ),
    ];
    let mut sayings = said(told);
    sayings[2].account_blind = Some(row(4, 4, 1).account_blind);
    let heard = bench.hears_in(BANK, &sayings, 1_000).await;
    assert_eq!(heard, taken(3, 3, 0));
    let paid: Vec<_> = bench
        .items("B1")
        .await
        .iter()
        .map(|item| item.place == Place::Paid)
        .collect();
    assert_eq!(paid, [true, true, false, true]);
    assert_eq!(bench.places("B1").await, [3, 0, 0, 1, 0, 0]);
    assert_eq!(bench.account("P1").await, (300, 300, 0));
}

pub(crate) async fn what_is_not_exactly_one_payment_of_ours_goes_to_suspense(bench: Bench) {
    bench.settle().await;
    let mut rows = wages(&[100, 200, 200]);
    rows[2].account_blind = rows[1].account_blind;
    bench.deposit("P1", 500).await;
    bench.submit("B1", "P1", rows).await.unwrap();
    let key = bench.sent_on("B1").await.bank_key;
    let refs = ItemRefs::default;
    let told = vec![
        by(
            ItemRefs {
                reference: Some(reference(&key, 1)),
                ..refs()
            },
            Some(101),
        ),
        by(
            ItemRefs {
                reference: Some(reference(&key, 9)),
                ..refs()
            },
            None,
        ),
        by(
            ItemRefs {
                reference: Some("NOTPROVIDED".into()),
                ..refs()
            },
            Some(100),
        ),
        by(
            ItemRefs {
                instruction: Some(key.clone()),
                ..refs()
            },
            Some(200),
        ),
        by(
            ItemRefs {
                instruction: Some("OTHER".into()),
                sequence: Some(1),
                ..refs()
            },
            None,
        ),
        by(refs(), Some(100)),
        Told::Parked {
            refs: refs(),
            amount: Some(Fen::new(7)),
            why: "entry 3 has no details".into(),
            bank: BankCode::default(),
        },
    ];
    let mut sayings = said(told);
    sayings[3].account_blind = Some(row(2, 2, 1).account_blind);
    let heard = bench.hears_in(BANK, &sayings, 1_000).await;
    assert_eq!(heard, taken(0, 0, 7));
    let parked = bench.store.suspense().await.unwrap();
    let ordinals: Vec<_> = parked.iter().map(|parked| parked.ordinal).collect();
    assert_eq!(ordinals, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(parked[6].why, "entry 3 has no details");
    assert_eq!(bench.places("B1").await, [0, 0, 0, 3, 0, 0]);
}

pub(crate) async fn facts_of_another_bank_touch_nothing(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100]).await.bank_key;
    let told = said(vec![item(&key, 1, Verdict::Paid)]);
    let heard = bench.hears_in("qingshan", &told, 1).await;
    assert_eq!(heard, taken(0, 0, 1));
    assert_eq!(bench.store.suspense().await.unwrap()[0].bank, "qingshan");
    assert_eq!(bench.places("B1").await, [0, 0, 0, 1, 0, 0]);
}

pub(crate) async fn nothing_is_taken_about_an_instruction_that_was_never_sent(bench: Bench) {
    bench.settle().await;
    bench.deposit("P1", 300).await;
    bench.submit("B1", "P1", wages(&[100, 200])).await.unwrap();
    bench.approve("B1").await.unwrap();
    let key = bench.plan(WIDE).await[0].bank_key.clone();
    let heard = bench
        .hears(vec![item(&key, 1, Verdict::Paid), whole(&key, CLOSED)])
        .await;
    assert_eq!(heard, taken(0, 0, 2));
    assert_eq!(bench.places("B1").await, [0, 0, 0, 2, 0, 0]);
    // The bank has it from somewhere: this store must not send it.
    assert_eq!(
        bench.sql("DELETE FROM task WHERE kind = 'send'").await,
        Ok(0)
    );
}

pub(crate) async fn a_whole_is_about_every_payment(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100; 2_100]).await.bank_key;
    let heard = bench.hears(vec![whole(&key, Verdict::InProgress)]).await;
    assert_eq!(heard, taken(2_100, 0, 0));
    bench.hears(vec![item(&key, 7, Verdict::Paid)]).await;
    let heard = bench
        .hears(vec![whole(&key, CLOSED), whole("OTHER", CLOSED)])
        .await;
    assert_eq!(heard, taken(2_100, 2_100, 1));
    assert_eq!(bench.places("B1").await, [0, 2_099, 0, 0, 1, 0]);
    assert_eq!(bench.account("P1").await, (210_000, 100, 0));
}

pub(crate) async fn a_rest_is_taken_when_number_and_sum_agree_and_parked_when_not(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200, 300, 400]).await.bank_key;
    // What another document lists is not listed by this one.
    bench.hears(vec![item(&key, 3, Verdict::InProgress)]).await;
    let failed = || item(&key, 2, CLOSED);
    for (count, total) in [(2, None), (4, None), (3, Some(799))] {
        let heard = bench
            .hears(vec![failed(), rest(&key, Verdict::Paid, count, total)])
            .await;
        assert_eq!((heard.facts, heard.suspense), (1, 1), "{count} {total:?}");
        assert_eq!(bench.places("B1").await, [0, 1, 0, 3, 0, 0]);
    }
    let told = said(vec![failed(), rest(&key, Verdict::Paid, 3, Some(800))]);
    let heard = bench.hears_in(BANK, &told, 1).await;
    assert_eq!(
        heard,
        taken(4, 3, 0),
        "what it lists may come in an earlier chunk"
    );
    assert_eq!(bench.places("B1").await, [3, 1, 0, 0, 0, 0]);
    assert_eq!(bench.account("P1").await, (200, 0, 0));
}
