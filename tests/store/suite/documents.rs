//! Whatever a bank sent is kept once, read once, and never forgotten half-way.

use wagegate::store::{NewRaw, Next, ReadTask, Recorded, StoreError, TaskKind};
use wagegate_domain::fact::{Told, Verdict};

use crate::engines::Bench;
use crate::lists::Lists as _;
use crate::world::{BANK, at, document, item, said};

pub(crate) async fn the_same_bytes_about_the_same_thing_are_kept_once(bench: Bench) {
    bench.settle().await;
    let instruction = bench.sent("B1", &[100]).await;
    let first = document(BANK);
    let keep = async |raw: &NewRaw| bench.store.record_raw(raw, ReadTask::Wanted).await.unwrap();
    let (id, recorded) = keep(&first).await;
    assert_eq!(recorded, Recorded::New);
    assert_eq!(keep(&first).await, (id, Recorded::Seen));
    let elsewhere = NewRaw {
        bank: "qingshan".into(),
        ..first.clone()
    };
    let about = NewRaw {
        instruction: Some(instruction.id),
        origin: "query",
        ..first.clone()
    };
    for other in [elsewhere, about] {
        let (another, recorded) = keep(&other).await;
        assert_eq!(recorded, Recorded::New);
        assert_ne!(another, id);
        let view = bench.store.raw(another).await.unwrap();
        let asked = other.instruction.map(|_| instruction.bank_key.clone());
        assert_eq!(
            (view.asked, view.hash, view.bank),
            (asked, first.hash, other.bank)
        );
    }
    let mut reads = 0;
    while let Some(claim) = bench.store.claim_step(at(1_000), 60_000).await.unwrap() {
        assert_eq!(claim.kind, TaskKind::Read);
        reads += 1;
    }
    assert_eq!(reads, 3);
    assert!(matches!(
        bench.store.raw(9_999).await,
        Err(StoreError::NotFound {
            what: "raw document",
            ..
        })
    ));
}

pub(crate) async fn a_kept_answer_that_turns_out_to_be_a_document_is_read(bench: Bench) {
    let raw = document(BANK);
    let (id, _) = bench
        .store
        .record_raw(&raw, ReadTask::NotWanted)
        .await
        .unwrap();
    assert_eq!(bench.store.next_due().await.unwrap(), None);
    let again = bench
        .store
        .record_raw(&raw, ReadTask::Wanted)
        .await
        .unwrap();
    assert_eq!(again, (id, Recorded::Seen));
    let claim = bench.claim(TaskKind::Read).await;
    assert_eq!(claim.subject, id.to_string());
    bench.store.finish_raw(&claim, id, None).await.unwrap();
    bench
        .store
        .record_raw(&raw, ReadTask::Wanted)
        .await
        .unwrap();
    assert_eq!(
        bench.store.next_due().await.unwrap(),
        None,
        "what was read is not read again"
    );
}

pub(crate) async fn a_broken_document_keeps_what_was_read_of_it(bench: Bench) {
    bench.settle().await;
    let key = bench.sent("B1", &[100, 200]).await.bank_key;
    let pushed = document(BANK);
    let (raw, _) = bench
        .store
        .record_raw(&pushed, ReadTask::Wanted)
        .await
        .unwrap();
    let claim = bench.claim(TaskKind::Read).await;
    let told = said(vec![
        Told::Remark("a foreign namespace".into()),
        item(&key, 1, Verdict::Paid),
    ]);
    let taken = bench
        .store
        .record_facts(&claim, raw, &told, at(21))
        .await
        .unwrap();
    assert_eq!((taken.facts, taken.changed, taken.suspense), (1, 1, 0));
    assert_eq!(bench.store.raw(raw).await.unwrap().next_ordinal, 2);
    bench
        .store
        .finish_raw(&claim, raw, Some("line 7: ends early"))
        .await
        .unwrap();
    assert_eq!(bench.account("P1").await, (200, 200, 0));
    let marked = |table_and_condition: &'static str| bench.sql(table_and_condition);
    assert_eq!(
        marked("UPDATE raw_document SET size = size WHERE state = 'broken' AND broken = 'line 7: ends early'").await,
        Ok(1)
    );
    assert_eq!(
        marked("UPDATE raw_remark SET remark = remark WHERE remark = 'a foreign namespace' AND ordinal = 0").await,
        Ok(1)
    );
    bench.adds_up().await;
    // What stands behind the break waits for people, and the same bytes are looked at again: a mended profile may read the rest.
    let suspense = bench.store.suspense().await.unwrap();
    assert_eq!(suspense.len(), 1);
    assert!(suspense[0].why.contains("line 7: ends early"));
    assert_eq!(suspense[0].ordinal, 2);
    bench
        .store
        .record_raw(&pushed, ReadTask::Wanted)
        .await
        .unwrap();
    assert_eq!(bench.claim(TaskKind::Read).await.subject, raw.to_string());
}

pub(crate) async fn the_cursor_moves_with_its_claim(bench: Bench) {
    assert_eq!(bench.store.cursor(BANK).await.unwrap(), "0");
    bench
        .store
        .ensure_task(TaskKind::Collect, BANK, at(0))
        .await
        .unwrap();
    for after in ["17", "23"] {
        let claim = bench.claim(TaskKind::Collect).await;
        bench
            .store
            .move_cursor(&claim, BANK, after, Next::Again(at(30)))
            .await
            .unwrap();
        assert_eq!(bench.store.cursor(BANK).await.unwrap(), after);
    }
    assert_eq!(bench.store.cursor("qingshan").await.unwrap(), "0");
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at(30)));
}
