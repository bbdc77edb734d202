//! What every family promises of the documents it reads.

use wagegate_domain::adapter::{Order, Payment};
use wagegate_domain::fact::{Told, Verdict};

use crate::encoding::sample;
use crate::hearing::{Heard, hear, hear_in_pieces};
use crate::{Bench, Said};

/// Paid, refused and at work, each with the bank's own code and the amount that was ordered.
pub fn each_row_is_told_with_its_verdict_and_code(bench: &dyn Bench) {
    let scene = Scene::new(
        bench,
        &[
            Said::Paid,
            Said::Failed,
            Said::Paid,
            Said::Working,
            Said::Failed,
        ],
    );
    let heard = scene.hear(bench);
    assert!(heard.end.is_ok() && !heard.parked(), "{heard:?}");
    scene.check(bench, &heard);
}

/// A code that nobody registered is neither paid nor failed.
pub fn an_unknown_code_waits(bench: &dyn Bench) {
    let scene = Scene::new(bench, &[Said::Strange, Said::Paid, Said::Strange]);
    scene.check(bench, &scene.hear(bench));
}

/// Money that came back is told for the payment it belongs to, and for no other.
pub fn returns_are_told(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 6);
    let back = [payments[1].clone(), payments[4].clone()];
    let Some(document) = bench.returned(&order, &back) else {
        return assert!(bench.adapter().profile().paths.collect.is_none());
    };
    let heard = hear(bench.adapter(), None, &document);
    assert!(heard.end.is_ok() && !heard.parked(), "{heard:?}");
    for payment in &payments {
        let expected: &[Verdict] = if back.contains(payment) {
            &[bench.code(Said::Returned).1]
        } else {
            &[]
        };
        assert_eq!(
            heard.of(&order, &payments, payment),
            expected,
            "row {}",
            payment.sequence
        );
    }
}

/// Cut anywhere: nobody is paid who is not paid in the whole document, and a cut that loses rows does not pass as whole.
pub fn a_cut_document_pays_nobody_by_surprise(bench: &dyn Bench) {
    let scene = Scene::new(
        bench,
        &[
            Said::Failed,
            Said::Paid,
            Said::Failed,
            Said::Strange,
            Said::Paid,
            Said::Failed,
        ],
    );
    let step = if scene.document.len() > 4_096 { 7 } else { 1 };
    for cut in (0..scene.document.len()).step_by(step) {
        let heard = hear(
            bench.adapter(),
            Some(&scene.order.bank_key),
            &scene.document[..cut],
        );
        let mut silent = 0;
        for (payment, said) in &scene.rows {
            let verdicts = heard.of(&scene.order, &scene.payments(), payment);
            silent += usize::from(verdicts.is_empty());
            let surprise = *said != Said::Paid && verdicts.contains(&Verdict::Paid);
            assert!(
                !surprise,
                "row {} is paid when cut after {cut} bytes",
                payment.sequence
            );
        }
        let noticed = heard.end.is_err() || heard.parked();
        assert!(
            silent == 0 || noticed,
            "{silent} rows lost in silence when cut after {cut} bytes"
        );
    }
}

/// Bytes changed at random, the same each run: an error, a parked row, a changed code, but no panic.
pub fn a_damaged_document_never_panics(bench: &dyn Bench) {
    let scene = Scene::new(
        bench,
        &[Said::Paid, Said::Failed, Said::Working, Said::Strange],
    );
    let mut documents = vec![scene.document.clone()];
    documents.extend(bench.returned(&scene.order, &scene.payments()));
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = move |end: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % end as u64).expect("below a usize")
    };
    for document in documents {
        for _ in 0..2_000 {
            let mut damaged = document.clone();
            for _ in 0..=below(4) {
                let place = below(damaged.len());
                damaged[place] = u8::try_from(below(256)).expect("below 256");
            }
            let heard = hear(bench.adapter(), None, &damaged);
            assert!(
                heard.end.is_err() || !heard.told.is_empty(),
                "nothing told, and no error"
            );
        }
    }
}

/// Twice the same, and the same however the bytes arrive.
pub fn the_same_document_tells_the_same(bench: &dyn Bench) {
    let scene = Scene::new(bench, &[Said::Paid, Said::Failed, Said::Strange]);
    let first = scene.hear(bench);
    for piece in [1, 2, 3, 61, 8_192] {
        let again = hear_in_pieces(
            bench.adapter(),
            Some(&scene.order.bank_key),
            &scene.document,
            piece,
        );
        assert_eq!(again.told, first.told, "in pieces of {piece} bytes");
        assert_eq!(again.end.is_ok(), first.end.is_ok());
    }
}

/// Pages of proxies, empty files, our own instruction sent back: an error or something parked, and nobody paid.
pub fn what_is_not_a_document_is_an_error(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 3);
    let mut own = Vec::new();
    bench
        .adapter()
        .encode(&order, &mut payments.iter().cloned(), &mut own)
        .expect("a good order is written");
    for document in [
        b"".as_slice(),
        b"\r\n",
        b"<html><body>502 Bad Gateway</body></html>",
        b"{\"code\":0}",
        b"\x00\xff\xfe\x81",
        &[b'9'; 100_000],
        &own,
    ] {
        let heard = hear(bench.adapter(), Some(&order.bank_key), document);
        assert!(
            heard.end.is_err() || heard.parked(),
            "{} bytes: {heard:?}",
            document.len()
        );
        assert!(!heard.pays());
    }
}

/// Errors, remarks and reasons for parking go to logs: no name, no account.
pub fn nobody_is_named_in_what_is_logged(bench: &dyn Bench) {
    let scene = Scene::new(bench, &[Said::Paid, Said::Failed, Said::Strange]);
    for cut in (0..=scene.document.len()).step_by(3) {
        let mut document = scene.document.clone();
        document.insert(cut, b'?');
        for bytes in [&document[..cut], &document] {
            let text = hear(bench.adapter(), None, bytes).loggable();
            for (payment, _) in &scene.rows {
                let personal = [payment.name.clear(), payment.account.clear()];
                assert!(
                    !personal.iter().any(|one| text.contains(one)),
                    "at byte {cut}"
                );
            }
        }
    }
}

struct Scene {
    order: Order,
    rows: Vec<(Payment, Said)>,
    document: Vec<u8>,
}

impl Scene {
    fn new(bench: &dyn Bench, said: &[Said]) -> Self {
        let count = u32::try_from(said.len()).expect("a handful of rows");
        let (order, payments) = sample(bench, count);
        let rows: Vec<_> = payments.into_iter().zip(said.iter().copied()).collect();
        let document = bench.result(&order, &rows);
        Self {
            order,
            rows,
            document,
        }
    }

    fn payments(&self) -> Vec<Payment> {
        self.rows
            .iter()
            .map(|(payment, _)| payment.clone())
            .collect()
    }

    fn hear(&self, bench: &dyn Bench) -> Heard {
        hear(bench.adapter(), Some(&self.order.bank_key), &self.document)
    }

    fn check(&self, bench: &dyn Bench, heard: &Heard) {
        for (payment, said) in &self.rows {
            let (code, verdict) = bench.code(*said);
            assert_eq!(
                heard.of(&self.order, &self.payments(), payment),
                [verdict],
                "row {}",
                payment.sequence
            );
            assert!(matches!(
                (said, verdict),
                (Said::Paid, Verdict::Paid)
                    | (Said::Failed, Verdict::Failed(_))
                    | (Said::Strange, Verdict::Unknown)
                    | (Said::Working, Verdict::InProgress | Verdict::Accepted)
            ));
            let spoken = heard.told.iter().any(|told| match told {
                Told::Item {
                    bank,
                    verdict: told,
                    ..
                }
                | Told::Whole {
                    bank,
                    verdict: told,
                    ..
                }
                | Told::Rest {
                    bank,
                    verdict: told,
                    ..
                } => *told == verdict && bank.code == code && !bank.list.is_empty(),
                Told::Parked { .. } | Told::Remark(_) => false,
            });
            assert!(
                spoken,
                "the bank's own code {code} is kept beside the verdict"
            );
        }
        for told in &heard.told {
            if let Told::Item {
                amount: Some(amount),
                ..
            } = told
            {
                assert!(
                    self.rows
                        .iter()
                        .any(|(payment, _)| payment.amount == *amount)
                );
            }
        }
    }
}
