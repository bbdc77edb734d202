//! Files of each sample bank, byte for byte, as `fixtures/` has them; they were written from the interface pages and not by this crate.

use std::fs;
use std::path::Path;

use wagegate_conformance::making;
use wagegate_domain::adapter::{Adapter, Order, Payment};
use wagegate_domain::fact::{Told, Verdict};
use wagegate_domain::money::Fen;
use wagegate_domain::reason::Reason;
use wagegate_textfile::Textfile;

use crate::common::{banks, told};

const AMOUNTS: [i64; 3] = [543_210, 612_000, 1];

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn key(code: &str) -> &'static str {
    match code {
        "bishui" => "WG2026100000000000B1",
        "cangling" => "2026100000000016",
        _ => "WG2026100001",
    }
}

fn instruction(code: &str, bank: &Textfile) -> (Order, Vec<Payment>) {
    let third = if code == "lanhe" {
        "李秀英"
    } else {
        "𠮷䶮㛃"
    };
    let names = ["王建国", "阿依古丽·吐尔逊", third];
    let order = Order {
        bank_key: key(code).to_owned(),
        total: Fen::new(AMOUNTS.iter().sum()),
        ..making::order(bank.profile().key, 1, 3)
    };
    let payments =
        making::payments(&order)
            .zip(names)
            .zip(AMOUNTS)
            .map(|((payment, name), fen)| Payment {
                name: making::name(name),
                amount: Fen::new(fen),
                ..payment
            });
    let payments = payments.collect();
    (order, payments)
}

#[test]
fn instructions_are_written_byte_for_byte_and_read_back() {
    for (code, bank) in banks() {
        let (order, payments) = instruction(code, &bank);
        let golden = fixture(&format!("{code}-instruction.txt"));
        let mut bytes = Vec::new();
        bank.encode(&order, &mut payments.iter().cloned(), &mut bytes)
            .unwrap();
        assert!(
            bytes == golden,
            "{code}: {}",
            String::from_utf8_lossy(&bytes)
        );
        let mut rows = Vec::new();
        let stated = bank
            .read_back(&mut golden.as_slice(), &mut |row| {
                rows.push(row.amount.get())
            })
            .unwrap();
        assert_eq!(
            (stated.bank_key, rows),
            (order.bank_key, AMOUNTS.to_vec()),
            "{code}"
        );
    }
}

#[test]
fn results_are_read_row_by_row() {
    for (code, bank) in banks() {
        let (told, end) = told(
            &bank,
            Some(key(code)),
            &fixture(&format!("{code}-result.txt")),
        );
        assert_eq!(end, Ok(()), "{code}");
        let expected = [
            Verdict::Paid,
            Verdict::Failed(Reason::NameMismatch),
            Verdict::Paid,
        ];
        check(code, &told, &expected);
    }
}

#[test]
fn refunds_are_read_row_by_row() {
    for (code, bank) in banks() {
        let expected = match code {
            "bishui" => Verdict::Returned(Reason::Closed),
            "cangling" => Verdict::Returned(Reason::StatusAbnormal),
            _ => continue, // sends none
        };
        let (told, end) = told(&bank, None, &fixture(&format!("{code}-refund.txt")));
        assert_eq!(end, Ok(()), "{code}");
        check(code, &told, &[expected]);
    }
}

fn check(code: &str, told: &[Told], expected: &[Verdict]) {
    assert_eq!(told.len(), expected.len(), "{code}: {told:?}");
    for (place, (told, expected)) in told.iter().zip(expected).enumerate() {
        let Told::Item {
            refs,
            verdict,
            amount,
            ..
        } = told
        else {
            panic!("{code}: {told:?}");
        };
        let sequence = u32::try_from(place).unwrap() + 1;
        assert_eq!(
            (verdict, *amount),
            (expected, Some(Fen::new(AMOUNTS[place]))),
            "{code}"
        );
        assert_eq!(refs.instruction.as_deref(), Some(key(code)));
        assert!(
            refs.sequence == Some(sequence) || code == "lanhe" && refs.account.is_some(),
            "{code}"
        );
    }
}
