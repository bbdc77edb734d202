//! Reading camt.054 and its kin: what is a return, of whom, of how much, and what waits for a person.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::fmt::Write as _;

use common::{KEY, bailu, lines, notification, qingshan, told};
use wagegate_domain::Fen;
use wagegate_domain::fact::{Told, Verdict};

const RETURNED: &str = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>";
const ORDINARY: &str = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>";

fn entry(amount: &str, side: &str, more: &str) -> String {
    format!(r#"<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}</Ntry>"#)
}

fn booked(code: &str, details: &str) -> String {
    format!(
        "<Sts><Cd>BOOK</Cd></Sts><AcctSvcrRef>B7</AcctSvcrRef>{code}<NtryDtls>{details}</NtryDtls>"
    )
}

fn detail(reference: &str, amount: &str, reason: &str) -> String {
    let amount = if amount.is_empty() {
        String::new()
    } else {
        format!(r#"<Amt Ccy="CNY">{amount}</Amt>"#)
    };
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!("<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>")
    };
    format!(
        "<TxDtls><Refs><PmtInfId>{KEY}</PmtInfId><EndToEndId>{reference}</EndToEndId></Refs>{amount}{reason}</TxDtls>"
    )
}

fn check(what: &str, entries: &str, expected: &[&str]) {
    let (all, end) = told(&qingshan(), None, notification(entries).as_bytes());
    assert!(end.is_ok(), "{what}: {end:?}");
    assert_eq!(lines(&all), expected, "{what}");
}

const ORDINARY_REMARK: &str = "remark 1 transactions are bookings that return no wage";

#[test]
fn a_return_shows_itself_in_any_of_three_ways() {
    for (what, entries, expected) in [
        (
            "RtrInf",
            entry(
                "5.00",
                "CRDT",
                &booked(ORDINARY, &detail("E1", "5.00", "AC04")),
            ),
            "item E1 returned:CLOSED 5.00 AC04",
        ),
        (
            "code of the entry",
            entry("5.00", "CRDT", &booked(RETURNED, &detail("E1", "5.00", ""))),
            "item E1 returned:UNSPECIFIED 5.00 PMNT/ICDT/RRTN",
        ),
        (
            "code of the detail",
            entry(
                "5.00",
                "CRDT",
                &booked(
                    "",
                    &detail("E1", "5.00", "").replace("</TxDtls>", &format!("{RETURNED}</TxDtls>")),
                ),
            ),
            "item E1 returned:UNSPECIFIED 5.00 PMNT/ICDT/RRTN",
        ),
        (
            "reversal",
            entry(
                "5.00",
                "CRDT",
                &format!(
                    "<RvslInd>true</RvslInd>{}",
                    booked(ORDINARY, &detail("E1", "5.00", ""))
                ),
            ),
            "item E1 returned:UNSPECIFIED 5.00 PMNT/RCDT/ESCT",
        ),
        (
            "RtrInf without a reason",
            entry(
                "5.00",
                "CRDT",
                &booked(
                    RETURNED,
                    &detail("E1", "5.00", "").replace(
                        "</TxDtls>",
                        "<RtrInf><AddtlInf>退汇</AddtlInf></RtrInf></TxDtls>",
                    ),
                ),
            ),
            "item E1 returned:UNSPECIFIED 5.00 PMNT/ICDT/RRTN",
        ),
        (
            "a plain credit",
            entry("5.00", "CRDT", &booked(ORDINARY, &detail("E1", "5.00", ""))),
            ORDINARY_REMARK,
        ),
        (
            "a plain debit",
            entry("5.00", "DBIT", &booked(ORDINARY, &detail("E1", "5.00", ""))),
            ORDINARY_REMARK,
        ),
        (
            "a reversal that is false",
            entry(
                "5.00",
                "CRDT",
                &format!(
                    "<RvslInd>false</RvslInd>{}",
                    booked(ORDINARY, &detail("E1", "5.00", ""))
                ),
            ),
            ORDINARY_REMARK,
        ),
    ] {
        check(what, &entries, &[expected]);
    }
}

#[test]
fn the_same_letters_mean_what_their_list_says() {
    for (code, expected) in [
        ("AC16", "item E1 returned:FROZEN 5.00 AC16"),
        ("AC01", "item E1 returned:NO_ACCOUNT 5.00 AC01"),
        ("AM05", "item E1 returned:DUPLICATE 5.00 AM05"),
        ("TECH", "item E1 returned:UNMAPPED 5.00 TECH"),
    ] {
        check(
            code,
            &entry(
                "5.00",
                "CRDT",
                &booked(RETURNED, &detail("E1", "5.00", code)),
            ),
            &[expected],
        );
    }
    let own = detail("E1", "5.00", "R02").replace("Cd>R02</Cd", "Prtry>R02</Prtry");
    let (all, _) = told(
        &qingshan(),
        None,
        notification(&entry("5.00", "CRDT", &booked(RETURNED, &own))).as_bytes(),
    );
    assert!(
        matches!(&all[0], Told::Item { bank, .. } if bank.list == "camt proprietary return reason" && bank.code == "R02")
    );
}

#[test]
fn a_banks_own_booking_code_marks_a_return_by_profile() {
    let own = "<BkTxCd><Prtry><Cd>TH01</Cd></Prtry></BkTxCd>";
    let entries = notification(&entry(
        "5.00",
        "CRDT",
        &booked(own, &detail("E1", "5.00", "")),
    ));
    assert_eq!(
        lines(&told(&bailu(), None, entries.as_bytes()).0),
        ["item E1 returned:UNSPECIFIED 5.00 TH01"]
    );
    assert_eq!(
        lines(&told(&qingshan(), None, entries.as_bytes()).0),
        [ORDINARY_REMARK]
    );
}

#[test]
fn only_booked_credits_bring_wages_back() {
    let details = detail("E1", "5.00", "AC04");
    for (what, entries, expected) in [
        (
            "pending",
            entry("5.00", "CRDT", &booked(RETURNED, &details)).replace("BOOK", "PDNG"),
            "remark 1 transactions are announced and not booked yet",
        ),
        (
            "information",
            entry("5.00", "CRDT", &booked(RETURNED, &details)).replace("BOOK", "INFO"),
            "remark 1 transactions are announced and not booked yet",
        ),
        (
            "status as text",
            entry("5.00", "CRDT", &booked(RETURNED, &details)).replace("<Cd>BOOK</Cd>", "BOOK"),
            "item E1 returned:CLOSED 5.00 AC04",
        ),
        (
            "debit",
            entry("5.00", "DBIT", &booked(RETURNED, &details)),
            "parked E1 5.00 AC04",
        ),
        (
            "no side",
            entry("5.00", "", &booked(RETURNED, &details)),
            "parked E1 5.00 AC04",
        ),
        (
            "side of the detail",
            entry(
                "5.00",
                "",
                &booked(
                    RETURNED,
                    &details.replace("<RtrInf>", "<CdtDbtInd>CRDT</CdtDbtInd><RtrInf>"),
                ),
            ),
            "parked E1 5.00 AC04",
        ),
        (
            "side of the batch",
            entry(
                "5.00",
                "CRDT",
                &booked(
                    RETURNED,
                    &format!("<Btch><CdtDbtInd>CRDT</CdtDbtInd></Btch>{details}"),
                ),
            ),
            "item E1 returned:CLOSED 5.00 AC04",
        ),
        (
            "batch against entry",
            entry(
                "5.00",
                "CRDT",
                &booked(
                    RETURNED,
                    &format!("<Btch><CdtDbtInd>DBIT</CdtDbtInd></Btch>{details}"),
                ),
            ),
            "parked E1 5.00 AC04",
        ),
    ] {
        check(what, &entries, &[expected]);
    }
}

#[test]
fn the_details_of_an_entry_must_add_up_or_all_of_it_waits() {
    let two = |one: &str, other: &str| {
        format!(
            "{}{}",
            detail("E1", one, "AC04"),
            detail("E2", other, "AC01")
        )
    };
    for (what, entries, expected) in [
        (
            "adds up",
            entry("8.00", "CRDT", &booked(RETURNED, &two("5.00", "3.00"))),
            [
                "item E1 returned:CLOSED 5.00 AC04",
                "item E2 returned:NO_ACCOUNT 3.00 AC01",
            ],
        ),
        (
            "one fen short",
            entry("8.01", "CRDT", &booked(RETURNED, &two("5.00", "3.00"))),
            ["parked E1 5.00 AC04", "parked E2 3.00 AC01"],
        ),
        (
            "one fen over",
            entry("7.99", "CRDT", &booked(RETURNED, &two("5.00", "3.00"))),
            ["parked E1 5.00 AC04", "parked E2 3.00 AC01"],
        ),
        (
            "an amount missing",
            entry("8.00", "CRDT", &booked(RETURNED, &two("5.00", ""))),
            ["parked E1 5.00 AC04", "parked E2 - AC01"],
        ),
        (
            "a fraction of a fen",
            entry("8.00", "CRDT", &booked(RETURNED, &two("5.005", "2.995"))),
            ["parked E1 - AC04", "parked E2 - AC01"],
        ),
        (
            "no entry amount",
            entry("", "CRDT", &booked(RETURNED, &two("5.00", "3.00"))),
            ["parked E1 5.00 AC04", "parked E2 3.00 AC01"],
        ),
        (
            "another currency",
            entry("8.00", "CRDT", &booked(RETURNED, &two("5.00", "3.00"))).replace("CNY", "EUR"),
            ["parked E1 - AC04", "parked E2 - AC01"],
        ),
    ] {
        check(what, &entries, &expected);
    }
    let mixed = format!(
        "{}{}",
        detail("E1", "5.00", "AC04"),
        detail("E2", "3.00", "")
    );
    check(
        "return among credits",
        &entry("8.00", "CRDT", &booked(ORDINARY, &mixed)),
        &["item E1 returned:CLOSED 5.00 AC04", ORDINARY_REMARK],
    );
    let set_off = format!(
        "{}{}",
        detail("E1", "5.00", "AC04"),
        detail("E2", "1.00", "").replace("</Amt>", "</Amt><CdtDbtInd>DBIT</CdtDbtInd>")
    );
    check(
        "a debit set off",
        &entry("4.00", "CRDT", &booked(ORDINARY, &set_off)),
        &["item E1 returned:CLOSED 5.00 AC04", ORDINARY_REMARK],
    );
}

#[test]
fn amounts_fall_back_where_old_versions_have_none() {
    let within = |element: &str| {
        detail("E1", "", "AC04").replace(
            "<RtrInf>",
            &format!(
                r#"<AmtDtls><{element}><Amt Ccy="CNY">5.00</Amt></{element}></AmtDtls><RtrInf>"#
            ),
        )
    };
    for (what, details) in [
        ("TxAmt", within("TxAmt")),
        ("InstdAmt", within("InstdAmt")),
        ("the entry's own", detail("E1", "", "AC04")),
    ] {
        check(
            what,
            &entry("5.00", "CRDT", &booked(RETURNED, &details)),
            &["item E1 returned:CLOSED 5.00 AC04"],
        );
    }
    check(
        "net of charges",
        &entry("4.50", "CRDT", &booked(RETURNED, &within("InstdAmt"))),
        &["parked E1 5.00 AC04"],
    );
}

#[test]
fn a_return_without_details_waits_with_its_amount() {
    let bare = format!(
        "<Sts>BOOK</Sts><AcctSvcrRef>B7</AcctSvcrRef>{RETURNED}<AddtlNtryInf>退汇一批</AddtlNtryInf>"
    );
    let (all, _) = told(
        &qingshan(),
        None,
        notification(&entry("8.00", "CRDT", &bare)).as_bytes(),
    );
    match &all[0] {
        Told::Parked {
            refs,
            amount,
            why,
            bank,
        } => {
            assert_eq!(
                (refs.bank_reference.as_deref(), *amount),
                (Some("B7"), Some(Fen::new(800)))
            );
            assert_eq!(
                (bank.text.as_str(), bank.code.as_str()),
                ("退汇一批", "PMNT/ICDT/RRTN")
            );
            assert!(why.starts_with("entry 1:"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn references_fall_back_and_nobody_is_guessed() {
    let with = |refs: &str, more: &str| {
        format!(r#"<TxDtls><Refs>{refs}</Refs><Amt Ccy="CNY">5.00</Amt>{more}<RtrInf/></TxDtls>"#)
    };
    let payee = "<RltdPties><DbtrAcct><Id><Othr><Id>5303010000000000018</Id></Othr></Id></DbtrAcct><CdtrAcct><Id><Othr><Id>62258814</Id></Othr></Id></CdtrAcct></RltdPties>";
    let turned = "<RltdPties><DbtrAcct><Id><Othr><Id>62258814</Id></Othr></Id></DbtrAcct><CdtrAcct><Id><Othr><Id>5303010000000000018</Id></Othr></Id></CdtrAcct></RltdPties>";
    for (refs, more, expected) in [
        (
            "<InstrId>I1</InstrId><EndToEndId>NOTPROVIDED</EndToEndId>",
            "",
            Some((Some("I1"), None, None)),
        ),
        (
            "<MsgId>M1</MsgId><EndToEndId>E1</EndToEndId>",
            "",
            Some((Some("E1"), Some("M1"), None)),
        ),
        (
            "<MsgId>M1</MsgId><PmtInfId>P1</PmtInfId>",
            payee,
            Some((None, Some("P1"), Some("62258814"))),
        ),
        (
            "<PmtInfId>P1</PmtInfId>",
            turned,
            Some((None, Some("P1"), Some("62258814"))),
        ),
    ] {
        let (all, _) = told(
            &qingshan(),
            None,
            notification(&entry("5.00", "CRDT", &booked(RETURNED, &with(refs, more)))).as_bytes(),
        );
        match (&all[0], expected) {
            (
                Told::Item {
                    refs,
                    verdict: Verdict::Returned(_),
                    ..
                },
                Some(expected),
            ) => {
                assert_eq!(
                    (
                        refs.reference.as_deref(),
                        refs.instruction.as_deref(),
                        refs.account.as_deref()
                    ),
                    expected
                );
                assert_eq!(
                    refs.bank_reference.as_deref(),
                    Some("B7"),
                    "of the entry, where the detail has none"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let nobody = entry("5.00", "CRDT", &booked(RETURNED, &with("", "")))
        .replace("<AcctSvcrRef>B7</AcctSvcrRef>", "");
    check("names nobody", &nobody, &["parked - 5.00 PMNT/ICDT/RRTN"]);
}

#[test]
fn the_batch_names_the_instruction_of_its_details() {
    let details = format!(
        "<Btch><MsgId>M1</MsgId><PmtInfId>P1</PmtInfId><NbOfTxs>1</NbOfTxs></Btch>{}",
        detail("E1", "5.00", "AC04").replace(&format!("<PmtInfId>{KEY}</PmtInfId>"), "")
    );
    let (all, _) = told(
        &qingshan(),
        None,
        notification(&entry("5.00", "CRDT", &booked(RETURNED, &details))).as_bytes(),
    );
    assert!(
        matches!(&all[0], Told::Item { refs, .. } if refs.instruction.as_deref() == Some("P1"))
    );
}

#[test]
fn statements_and_reports_and_the_first_version_are_read_alike() {
    let plain = notification(&entry(
        "5.00",
        "CRDT",
        &booked(RETURNED, &detail("E1", "5.00", "AC04")),
    ));
    let renamed = |message: &str, part: &str, name: &str| {
        plain
            .replace("BkToCstmrDbtCdtNtfctn", message)
            .replace("Ntfctn>", &format!("{part}>"))
            .replace("camt.054.001.08", name)
    };
    for document in [
        renamed("BkToCstmrStmt", "Stmt", "camt.053.001.02"),
        renamed("BkToCstmrAcctRpt", "Rpt", "camt.052.001.08"),
        plain
            .replace("BkToCstmrDbtCdtNtfctn", "BkToCstmrDbtCdtNtfctnV01")
            .replace("camt.054.001.08", "camt.054.001.01")
            .replace("<NtryDtls>", "")
            .replace("</NtryDtls>", "")
            .replace("Rsn>", "RtrRsn>"),
    ] {
        let (all, end) = told(&qingshan(), None, document.as_bytes());
        assert!(end.is_ok());
        assert_eq!(
            lines(&all),
            ["item E1 returned:CLOSED 5.00 AC04"],
            "{document}"
        );
    }
}

/// An entry of `count` returns of one yuan each that states `amount`.
fn large(count: u32, amount: u32) -> String {
    let words = "退汇".repeat(40);
    let mut details = String::new();
    for n in 0..count {
        write!(details, "<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs><Amt Ccy=\"CNY\">1.00</Amt><RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>{words}</AddtlInf></RtrInf></TxDtls>").unwrap();
    }
    notification(&entry(
        &format!("{amount}.00"),
        "CRDT",
        &booked(RETURNED, &details),
    ))
}

fn shares(document: &str) -> (usize, usize) {
    let (all, end) = told(&qingshan(), None, document.as_bytes());
    assert!(end.is_ok());
    let items = all
        .iter()
        .filter(|one| matches!(one, Told::Item { .. }))
        .count();
    let parked = all
        .iter()
        .filter(|one| matches!(one, Told::Parked { .. }))
        .count();
    (items, parked)
}

#[test]
fn an_entry_too_large_to_hold_is_told_as_it_comes_and_its_difference_is_parked() {
    let many = 60_000;
    assert_eq!(shares(&large(many, many)), (60_000, 0));
    assert_eq!(
        shares(&large(many, many + 1)),
        (60_000, 1),
        "all told, and what is missing parked"
    );
    assert_eq!(
        shares(&large(many, 50_000)),
        (50_000, 10_001),
        "those beyond the entry, and the difference"
    );
    assert_eq!(
        shares(&large(5_000, 4_999)),
        (0, 5_000),
        "a smaller one waits whole"
    );
}

#[test]
fn the_sample_notification_is_read_as_the_interface_page_says() {
    let (all, end) = told(
        &qingshan(),
        None,
        include_bytes!("../fixtures/qingshan-camt.054.001.08.xml"),
    );
    assert!(end.is_ok());
    assert_eq!(
        lines(&all),
        [
            format!("item {KEY}0000001 returned:CLOSED 3010.98 AC04"),
            format!("item {KEY}0000004 returned:NO_ACCOUNT 3013.89 AC01"),
            "remark 1 transactions are bookings that return no wage".to_owned(),
        ]
    );
}
