//! Orders and payments for tests and measurements: made up, with valid checksums, every row about as long as the next.

use jiff::civil::date;
use wagegate_domain::adapter::{Order, Payment};
use wagegate_domain::batch::ContentHash;
use wagegate_domain::ids::{BankAccount, Cnaps, PersonName};
use wagegate_domain::money::Fen;
use wagegate_domain::plan::{self, KeyRule};

const NAMES: [&str; 6] = ["王建国", "李秀英", "张桂兰", "刘德才", "陈玉珍", "杨志强"];

/// The order over the first `count` of [`payments`]; `seed` chooses its key.
pub fn order(rule: KeyRule, seed: u8, count: u32) -> Order {
    Order {
        bank_key: plan::bank_key(&ContentHash([seed; 32]), 1, 1, rule),
        created: date(2026, 11, 2).at(9, 30, 0, 0),
        value_date: date(2026, 11, 3),
        account: account(9_001),
        account_name: "云南宏远建设有限公司农民工工资专户".to_owned(),
        count,
        total: Fen::total((1..=count).map(amount)).expect("made-up wages add up within 64 bits"),
    }
}

/// The payments of an order, made one at a time.
pub fn payments(order: &Order) -> impl Iterator<Item = Payment> + use<> {
    let key = order.bank_key.clone();
    (1..=order.count).map(move |sequence| payment(&key, sequence))
}

/// One payment of an instruction.
pub fn payment(bank_key: &str, sequence: u32) -> Payment {
    let place = sequence as usize % NAMES.len();
    Payment {
        sequence,
        reference: plan::reference(bank_key, sequence),
        name: name(NAMES.get(place).copied().unwrap_or("王建国")),
        account: account(sequence),
        cnaps: Some(Cnaps::parse("402731057238").expect("a published number")),
        amount: amount(sequence),
        remark: "2026-10工资".to_owned(),
    }
}

/// A name that tests know to be one.
pub fn name(text: &str) -> PersonName {
    PersonName::parse(text).expect("tests give names")
}

/// Between 5,000.00 and 8,999.99 yuan; differs between neighbours.
fn amount(sequence: u32) -> Fen {
    Fen::new(500_000 + i64::from(sequence) * 7_919 % 400_000)
}

/// A card of 19 digits whose Luhn digit is right.
fn account(number: u32) -> BankAccount {
    let body = format!("62220000{number:010}");
    let digits = (0..10_u32).map(|check| format!("{body}{check}"));
    digits
        .filter_map(|card| BankAccount::parse(&card).ok())
        .find_map(|(account, warning)| warning.is_none().then_some(account))
        .expect("one of ten check digits is right")
}
