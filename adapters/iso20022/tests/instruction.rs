//! Writing instructions: the bytes, what is refused, and reading back.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use common::{KEY, bailu, encoded, order, payment, payments, qingshan};
use proptest::prelude::*;
use wagegate_domain::Fen;
use wagegate_domain::adapter::{Adapter, DecodeError, EncodeError, Order, Payment};
use wagegate_domain::ids::{BankAccount, PersonName};
use wagegate_domain::plan::reference;

const DIGITS: &str = "2026100000000001";

/// `UPDATE_GOLDEN=1 cargo test` writes them anew; the change is then read in the diff.
fn golden(name: &str, bytes: &[u8]) {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(kept == bytes, "{name} is not what is written now");
}

#[test]
fn the_bytes_of_both_versions_are_those_that_were_agreed() {
    golden(
        "qingshan-pain.001.001.09.xml",
        &encoded(&qingshan(), KEY, 4),
    );
    golden("bailu-pain.001.001.03.xml", &encoded(&bailu(), DIGITS, 4));
}

#[test]
fn the_same_order_gives_the_same_bytes() {
    assert_eq!(encoded(&qingshan(), KEY, 50), encoded(&qingshan(), KEY, 50));
}

fn refusal(order: &Order, payments: Vec<Payment>) -> EncodeError {
    let mut out = Vec::new();
    bailu()
        .encode(order, &mut payments.into_iter(), &mut out)
        .expect_err("must be refused")
}

#[test]
fn payments_that_do_not_add_up_to_the_order_are_refused() {
    for (sent, why) in [(2, "one short"), (4, "one over")] {
        let error = refusal(&order(KEY, 3), payments(KEY, sent).collect());
        assert!(
            matches!(error, EncodeError::Totals { expected_count: 3, count, .. } if count == sent),
            "{why}"
        );
    }
    let mut other = order(KEY, 3);
    other.total = other.total.checked_add(Fen::new(1)).unwrap();
    let error = refusal(&other, payments(KEY, 3).collect());
    assert!(matches!(error, EncodeError::Totals { count: 3, .. }));
}

type Change = fn(&mut Payment);

#[test]
fn what_does_not_fit_the_bank_is_refused_by_row_and_field_without_the_text() {
    let changes: [(&str, Change); 10] = [
        ("name", |p| {
            p.name = PersonName::parse(&"李".repeat(31)).unwrap()
        }),
        ("remark", |p| p.remark = "工".repeat(61)),
        ("remark", |p| p.remark = "工资\u{0}".to_owned()),
        ("remark", |p| p.remark = "工资\u{FFFE}".to_owned()),
        ("remark", |p| p.remark = "工资\n".to_owned()),
        ("remark", |p| p.remark = " 工资".to_owned()),
        ("reference", |p| p.reference = "with space".to_owned()),
        ("reference", |p| p.reference = "A".repeat(36)),
        ("amount", |p| p.amount = Fen::ZERO),
        ("sequence", |p| p.sequence = 1),
    ];
    for (expected, change) in changes {
        let mut second = payment(KEY, 2);
        change(&mut second);
        let error = refusal(&order(KEY, 2), vec![payment(KEY, 1), second]);
        match error {
            EncodeError::Unfit {
                sequence,
                field,
                why,
            } => {
                assert_eq!(field, expected);
                assert!(sequence == 2 || field == "sequence", "{why}");
                assert!(!why.contains('李') && !why.contains('工'));
            }
            other => panic!("{expected}: {other}"),
        }
    }
}

#[test]
fn an_order_that_no_schema_takes_is_refused() {
    for (field, change) in [
        (
            "bank key",
            (|o: &mut Order| o.bank_key = "lower".to_owned()) as fn(&mut Order),
        ),
        ("bank key", |o| o.bank_key = String::new()),
        ("account name", |o| o.account_name = String::new()),
        ("account name", |o| o.account_name = "云".repeat(141)),
    ] {
        let mut changed = order(KEY, 1);
        change(&mut changed);
        let error = refusal(&changed, payments(KEY, 1).collect());
        assert!(matches!(error, EncodeError::Unfit { sequence: 0, field: of, .. } if of == field));
    }
}

#[test]
fn a_file_of_ours_that_was_changed_is_not_read_back() {
    let whole = String::from_utf8(encoded(&qingshan(), KEY, 2)).unwrap();
    let second = reference(KEY, 2);
    for (from, to) in [
        (
            "<NbOfTxs>2</NbOfTxs><CtrlSum>",
            "<NbOfTxs>3</NbOfTxs><CtrlSum>",
        ),
        ("<PmtInfId>W", "<PmtInfId>X"),
        ("Ccy=\"CNY\"", "Ccy=\"EUR\""),
        (second.as_str(), "SOMEBODYELSES0000002"),
        ("</Document>", ""),
        ("<DbtrAcct>", "<DbtrAcctX>"),
        ("<Document", "<!DOCTYPE x><Document"),
    ] {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole, "{from}");
        let end = qingshan().read_back(&mut changed.as_bytes(), &mut |_| {});
        assert!(matches!(end, Err(DecodeError::Malformed { .. })), "{from}");
    }
}

prop_compose! {
    fn any_name()(name in "[\u{4e00}-\u{9fa5}A-Za-z·&'\\-.\u{20BB7}]{1,30}") -> PersonName {
        PersonName::parse(&name).unwrap()
    }
}

prop_compose! {
    fn any_payment()(name in any_name(), digits in "[0-9]{8,32}", fen in 1..10_000_000_000_i64, remark in "[!-~\u{4e00}-\u{9fa5}]{0,60}")
        -> (PersonName, BankAccount, Fen, String) {
        (name, BankAccount::parse(&digits).unwrap().0, Fen::new(fen), remark)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(rows in prop::collection::vec(any_payment(), 1..20), older in any::<bool>()) {
        let bank = if older { bailu() } else { qingshan() };
        let payments: Vec<Payment> = rows.into_iter().zip(1..).map(|((name, account, amount, remark), n)| Payment {
            sequence: n,
            reference: reference(KEY, n),
            name, account, cnaps: None, amount, remark,
        }).collect();
        let mut order = order(KEY, 1);
        order.count = u32::try_from(payments.len()).unwrap();
        order.total = Fen::total(payments.iter().map(|p| p.amount)).unwrap();
        let mut bytes = Vec::new();
        bank.encode(&order, &mut payments.iter().cloned(), &mut bytes).unwrap();
        let mut read = Vec::new();
        let head = bank.read_back(&mut bytes.as_slice(), &mut |one| read.push(one)).unwrap();
        prop_assert_eq!((head.bank_key, head.account), (order.bank_key, order.account.clear().to_owned()));
        prop_assert_eq!((head.count, head.total), (u64::from(order.count), order.total));
        prop_assert_eq!(read.len(), payments.len());
        for (read, sent) in read.iter().zip(&payments) {
            prop_assert_eq!(read.sequence, sent.sequence);
            prop_assert_eq!(read.name.as_str(), sent.name.clear());
            prop_assert_eq!(read.account.as_str(), sent.account.clear());
            prop_assert_eq!(read.amount, sent.amount);
        }
    }
}
