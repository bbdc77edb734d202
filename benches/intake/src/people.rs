//! Made-up workers with valid checksums, as many as are wanted.

use wagegate_domain::{
    Fen,
    batch::WageRow,
    ids::{BankAccount, Cnaps, IdNumber, PersonName},
};

/// Name, identity number, card, bank number and wage of worker `number`.
pub(crate) fn cells(number: u32) -> [String; 5] {
    const GIVEN: [&str; 10] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    let given = |place: u32| GIVEN[usize::try_from(number / place % 10).unwrap()];
    [
        format!("李{}{}", given(1), given(10)),
        id_number(number),
        card(number),
        "313731010015".to_owned(),
        format!("{}.{:02}", 3_000 + number % 5_000, number % 100),
    ]
}

/// The same as a checked row.
pub(crate) fn row(number: u32) -> WageRow {
    let [name, id_number, card, cnaps, amount] = cells(number);
    WageRow {
        row: number + 2,
        name: PersonName::parse(&name).unwrap(),
        id_number: IdNumber::parse(&id_number).unwrap(),
        account: BankAccount::parse(&card).unwrap().0,
        cnaps: Some(Cnaps::parse(&cnaps).unwrap()),
        amount: Fen::parse_yuan(&amount).unwrap(),
    }
}

fn id_number(number: u32) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let (day, sequence) = (number / 1_000, number % 1_000);
    let (year, month, day) = (1960 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    let body = format!("530902{year}{month:02}{day:02}{sequence:03}");
    let sum: u32 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let check = char::from(b"10X98765432"[usize::try_from(sum % 11).unwrap()]);
    format!("{body}{check}")
}

fn card(number: u32) -> String {
    let body = format!("622588{number:09}");
    let sum: u32 = (0_u32..)
        .zip(body.bytes().rev())
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
