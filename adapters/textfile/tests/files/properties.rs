//! For any people, amounts and bytes: what is written comes back as it was, or was refused; what is read never panics.

use crate::common::banks;
use proptest::prelude::*;
use wagegate_conformance::making;
use wagegate_domain::adapter::{Adapter, EncodeError, Order, Payment, ReadBack};
use wagegate_domain::fact::Told;
use wagegate_domain::ids::{BankAccount, PersonName};
use wagegate_domain::money::Fen;
use wagegate_textfile::Textfile;

fn name() -> impl Strategy<Value = PersonName> {
    "[\u{4e00}-\u{9fa5}\u{3400}-\u{4db5}\u{20000}-\u{20100}·A-Za-z ,:~]{1,34}"
        .prop_filter_map("not a name", |text| PersonName::parse(&text).ok())
}

fn account() -> impl Strategy<Value = BankAccount> {
    "[0-9]{8,32}".prop_filter_map("not an account", |text| {
        Some(BankAccount::parse(&text).ok()?.0)
    })
}

fn rows() -> impl Strategy<Value = Vec<(PersonName, BankAccount, i64, String)>> {
    let row = (
        name(),
        account(),
        1..=9_999_999_999_i64,
        "[ -~\u{4e00}-\u{4e20}]{0,16}",
    );
    prop::collection::vec(row, 1..8)
}

fn instruction(
    bank: &Textfile,
    rows: &[(PersonName, BankAccount, i64, String)],
) -> (Order, Vec<Payment>) {
    let count = u32::try_from(rows.len()).unwrap();
    let mut order = making::order(bank.profile().key, 5, count);
    let payments: Vec<_> = making::payments(&order)
        .zip(rows)
        .map(|(made, (name, account, fen, remark))| Payment {
            name: name.clone(),
            account: account.clone(),
            amount: Fen::new(*fen),
            remark: remark.clone(),
            ..made
        })
        .collect();
    order.total = Fen::total(payments.iter().map(|payment| payment.amount)).unwrap();
    (order, payments)
}

proptest! {
    #[test]
    fn what_is_written_comes_back_or_was_refused_by_row(rows in rows()) {
        for (code, bank) in banks() {
            let (order, payments) = instruction(&bank, &rows);
            let mut bytes = Vec::new();
            match bank.encode(&order, &mut payments.iter().cloned(), &mut bytes) {
                Ok(()) => {
                    let mut back = Vec::new();
                    let stated = bank.read_back(&mut bytes.as_slice(), &mut |row| back.push(row));
                    let stated = stated.unwrap_or_else(|error| panic!("{code}: {error}"));
                    prop_assert_eq!((stated.count, stated.total), (u64::from(order.count), order.total));
                    let expected: Vec<_> = payments.iter().map(read_back).collect();
                    prop_assert!(back == expected, "{}: rows differ", code);
                }
                Err(EncodeError::Unfit { sequence, .. }) => prop_assert!((1..=order.count).contains(&sequence)),
                Err(other) => prop_assert!(false, "{}: {}", code, other),
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_pay_nobody(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for (_, bank) in banks() {
            for start in ["", "R|B1|1|100|1|100|\r\n", "T|1|100|\r\n", "H020000000000000001          \n", "H03          \n"] {
                let document = [start.as_bytes(), &bytes].concat();
                let (told, end) = crate::common::told(&bank, Some("B1"), &document);
                prop_assert!(end.is_err() || !told.is_empty());
                let items = told.iter().filter(|told| matches!(told, Told::Item { .. }));
                prop_assert_eq!(items.count(), 0);
            }
        }
    }
}

fn read_back(payment: &Payment) -> ReadBack {
    ReadBack {
        sequence: payment.sequence,
        account: payment.account.clear().to_owned(),
        name: payment.name.clear().to_owned(),
        amount: payment.amount,
    }
}
