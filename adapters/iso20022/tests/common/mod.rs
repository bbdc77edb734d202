//! What the tests of this family share: the two profiles, made-up payments, and a way to read what a document tells.
#![allow(dead_code, reason = "each test file uses its own part")]

use jiff::civil::{date, datetime};
use wagegate_domain::Fen;
use wagegate_domain::adapter::{Adapter, DecodeError, Order, Payment};
use wagegate_domain::fact::{ItemRefs, Told, Verdict};
use wagegate_domain::ids::{BankAccount, Cnaps, PersonName};
use wagegate_domain::plan::reference;
use wagegate_iso20022::Iso20022;

pub(crate) const KEY: &str = "W2026100000000000001";

pub(crate) fn qingshan() -> Iso20022 {
    Iso20022::from_toml(include_str!("../../banks/qingshan.toml")).expect("a profile that is read")
}

pub(crate) fn bailu() -> Iso20022 {
    Iso20022::from_toml(include_str!("../../banks/bailu.toml")).expect("a profile that is read")
}

const NAMES: [&str; 8] = [
    "李晓明",
    "王秀英",
    "阿卜杜拉·买买提",
    "欧阳建国",
    "\u{20BB7}田光",
    "刀玉芬",
    "Nang Sai & Co",
    "尼玛次仁",
];

/// The `n`th made-up payment, from 1.
pub(crate) fn payment(key: &str, n: u32) -> Payment {
    let names = NAMES.len();
    let name = NAMES[usize::try_from(n).expect("a small number") % names];
    Payment {
        sequence: n,
        reference: reference(key, n),
        name: PersonName::parse(name).expect("a name"),
        account: BankAccount::parse(&format!("62258814{n:010}"))
            .expect("digits")
            .0,
        cnaps: (!n.is_multiple_of(3))
            .then(|| Cnaps::parse("102100099996").expect("a published number")),
        amount: Fen::new(i64::from(n % 9_973) * 97 + 301_001),
        remark: "2026-10工资".to_owned(),
    }
}

pub(crate) fn payments(key: &str, count: u32) -> impl Iterator<Item = Payment> {
    (1..=count).map(move |n| payment(key, n))
}

/// The order over the first `count` made-up payments.
pub(crate) fn order(key: &str, count: u32) -> Order {
    Order {
        bank_key: key.to_owned(),
        created: datetime(2026, 11, 2, 9, 30, 0, 0),
        value_date: date(2026, 11, 3),
        account: BankAccount::parse("5303010000000000018").expect("digits").0,
        account_name: "云岭建设 <临沧> 有限公司 & 项目部".to_owned(),
        count,
        total: Fen::total(payments(key, count).map(|p| p.amount)).expect("in range"),
    }
}

pub(crate) fn encoded(bank: &Iso20022, key: &str, count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bank.encode(&order(key, count), &mut payments(key, count), &mut bytes)
        .expect("an instruction that fits");
    bytes
}

/// Everything that a document tells, and how reading it ended.
pub(crate) fn told(
    bank: &Iso20022,
    asked: Option<&str>,
    document: &[u8],
) -> (Vec<Told>, Result<(), DecodeError>) {
    let mut all = Vec::new();
    let end = bank.decode(asked, &mut &*document, &mut |one| all.push(one));
    (all, end)
}

/// A pain.002 around what stands inside it.
pub(crate) fn report(inside: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId></GrpHdr>{inside}</CstmrPmtStsRpt></Document>"#
    )
}

/// The group of a pain.002 about [`KEY`].
pub(crate) fn group(status: &str, more: &str) -> String {
    format!(
        "<OrgnlGrpInfAndSts><OrgnlMsgId>{KEY}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>{status}</GrpSts>{more}</OrgnlGrpInfAndSts>"
    )
}

/// A camt.054 around its entries.
pub(crate) fn notification(entries: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N1</MsgId></GrpHdr><Ntfctn><Id>N1</Id><Acct><Id><Othr><Id>5303010000000000018</Id></Othr></Id></Acct>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"#
    )
}

/// What was told, one line each, so that tests can be read: `item <reference> <verdict> <amount> <code>`, and the like.
pub(crate) fn lines(told: &[Told]) -> Vec<String> {
    told.iter().map(line).collect()
}

fn line(told: &Told) -> String {
    let verdict = |verdict: &Verdict| {
        let reason = verdict
            .reason()
            .map_or(String::new(), |reason| format!(":{reason}"));
        format!("{}{reason}", verdict.code())
    };
    let amount = |amount: &Option<Fen>| amount.map_or("-".to_owned(), |fen| fen.to_string());
    let handle = |refs: &ItemRefs| refs.reference.clone().unwrap_or("-".to_owned());
    match told {
        Told::Item {
            refs,
            verdict: is,
            amount: of,
            bank,
        } => {
            format!(
                "item {} {} {} {}",
                handle(refs),
                verdict(is),
                amount(of),
                bank.code
            )
        }
        Told::Whole {
            instruction,
            verdict: is,
            bank,
        } => {
            format!("whole {instruction} {} {}", verdict(is), bank.code)
        }
        Told::Rest {
            instruction,
            verdict: is,
            count,
            total,
            bank,
        } => {
            format!(
                "rest {instruction} {} {count} {} {}",
                verdict(is),
                amount(total),
                bank.code
            )
        }
        Told::Parked {
            refs,
            amount: of,
            bank,
            ..
        } => {
            format!("parked {} {} {}", handle(refs), amount(of), bank.code)
        }
        Told::Remark(text) => format!("remark {text}"),
    }
}
