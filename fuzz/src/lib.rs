//! What must hold of any bytes that come from a bank, whatever family reads them. A panic here is a finding.

use std::io::BufReader;

use wagegate_domain::adapter::{Adapter, Answer, Held, Operation, Reply, Step};
use wagegate_domain::fact::{BankCode, Told, Verdict};

const KEY: &str = "WG2026100000000000B1";

/// Reads the bytes in every way that the gateway would.
pub fn check(bank: &dyn Adapter, data: &[u8]) {
    let (told, ended) = decode(bank, data, 8_192);
    no_payment_without_a_code_of_the_bank(&told, data);
    the_pieces_do_not_matter(bank, data, &told, ended);
    a_cut_document_pays_nobody_else(bank, data, &told);
    a_server_error_is_unclear(bank, data);
    let _ = bank.read_back(&mut &*data, &mut |_| {});
}

fn decode(bank: &dyn Adapter, data: &[u8], piece: usize) -> (Vec<Told>, bool) {
    let mut told = Vec::new();
    let mut input = BufReader::with_capacity(piece, data);
    let end = bank.decode(Some(KEY), &mut input, &mut |one| told.push(one));
    (told, end.is_ok())
}

fn verdict(told: &Told) -> Option<(Verdict, &BankCode)> {
    match told {
        Told::Item { verdict, bank, .. } | Told::Whole { verdict, bank, .. } | Told::Rest { verdict, bank, .. } => {
            Some((*verdict, bank))
        }
        Told::Parked { .. } | Told::Remark(_) => None,
    }
}

fn pays(told: &Told) -> bool {
    verdict(told).is_some_and(|(verdict, _)| verdict == Verdict::Paid)
}

/// Whoever is paid or refused, the bank has a word for it.
fn no_payment_without_a_code_of_the_bank(told: &[Told], data: &[u8]) {
    for (verdict, bank) in told.iter().filter_map(verdict) {
        assert!(!bank.code.is_empty() && !data.is_empty(), "{verdict:?} without a code");
    }
}

fn the_pieces_do_not_matter(bank: &dyn Adapter, data: &[u8], whole: &[Told], ended: bool) {
    let (told, also) = decode(bank, data, 7);
    assert!(told == whole && also == ended, "read in pieces, the document says something else");
}

/// What the first part of a document pays, the whole document pays.
fn a_cut_document_pays_nobody_else(bank: &dyn Adapter, data: &[u8], whole: &[Told]) {
    for cut in [data.len() / 2, data.len().saturating_sub(1), data.len() * 9 / 10] {
        let (told, _) = decode(bank, data.get(..cut).unwrap_or(data), 8_192);
        for paid in told.iter().filter(|told| pays(told)) {
            assert!(whole.contains(paid), "cut after {cut} bytes, it pays {paid:?}");
        }
    }
}

fn a_server_error_is_unclear(bank: &dyn Adapter, data: &[u8]) {
    for operation in [
        Operation::Submit { bank_key: KEY.to_owned() },
        Operation::Query {
            bank_key: KEY.to_owned(),
            from: "2026-11-01".parse().expect("a day"),
            to: "2026-11-03".parse().expect("a day"),
        },
        Operation::Collect { after: "0".to_owned() },
    ] {
        for status in [200, 202, 404, 409, 422, 500] {
            let held = Held { operation: operation.clone(), round: 1 };
            let step = bank.resume(held, &Reply { status, next_cursor: None, head: data });
            let unclear = matches!(step, Step::Done(Answer::Unclear { .. }));
            assert!(status < 500 || unclear, "{operation:?}, {status}: {step:?}");
        }
    }
}
