//! Reading pain.002: levels, counts, codes and all that real banks leave out.

mod common;

use common::{KEY, bailu, group, lines, qingshan, report, told};
use wagegate_domain::adapter::DecodeError;
use wagegate_domain::fact::Told;

fn payment_group(status: &str, inside: &str) -> String {
    let status = if status.is_empty() {
        String::new()
    } else {
        format!("<PmtInfSts>{status}</PmtInfSts>")
    };
    format!(
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{KEY}</OrgnlPmtInfId>{status}{inside}</OrgnlPmtInfAndSts>"
    )
}

fn counted(status: &str, rows: u32, total: &str) -> String {
    format!(
        "<NbOfTxsPerSts><DtldNbOfTxs>{rows}</DtldNbOfTxs><DtldSts>{status}</DtldSts><DtldCtrlSum>{total}</DtldCtrlSum></NbOfTxsPerSts>"
    )
}

fn row(reference: &str, status: &str, reason: &str) -> String {
    format!(
        "<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{status}</TxSts>{}</TxInfAndSts>",
        cause(reason)
    )
}

fn cause(code: &str) -> String {
    if code.is_empty() {
        String::new()
    } else {
        format!("<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>")
    }
}

fn whole(rest: &str) -> String {
    format!("whole {KEY} {rest}")
}

fn rest(rest: &str) -> String {
    format!("rest {KEY} {rest}")
}

fn check(what: &str, inside: &str, expected: &[String]) {
    let (all, end) = told(&qingshan(), Some(KEY), report(inside).as_bytes());
    assert!(end.is_ok(), "{what}: {end:?}");
    assert_eq!(lines(&all), expected, "{what}");
}

#[test]
fn a_status_of_the_whole_message_is_told_of_the_whole_instruction() {
    for (status, reason, expected) in [
        ("ACTC", "", "accepted ACTC"),
        ("RCVD", "", "accepted RCVD"),
        ("PDNG", "", "in_progress PDNG"),
        ("ACSP", "", "in_progress ACSP"),
        ("ACCP", "", "in_progress ACCP"),
        ("ACWC", "DT06", "in_progress ACWC"),
        ("ACSC", "", "paid ACSC"),
        ("ACCC", "", "paid ACCC"),
        ("RJCT", "AM04", "failed:SOURCE_SHORT AM04"),
        ("RJCT", "XX99", "failed:UNMAPPED XX99"),
        ("RJCT", "", "failed:UNSPECIFIED RJCT"),
    ] {
        check(status, &group(status, &cause(reason)), &[whole(expected)]);
        let below = format!("{}{}", group("", ""), payment_group(status, &cause(reason)));
        check(status, &below, &[whole(expected)]);
    }
}

#[test]
fn what_decides_nothing_is_parked_and_never_paid_or_failed() {
    for (status, reason, code) in [
        ("XXXX", "", "XXXX"),
        ("CANC", "", "CANC"),
        ("ACCT", "", "ACCT"),
        ("PART", "", "PART"),
        ("RJCT", "DU01", "DU01"),
        ("RJCT", "AM05", "AM05"),
        ("RJCT", "DUPL", "DUPL"),
    ] {
        check(
            status,
            &group(status, &cause(reason)),
            &[format!("parked - - {code}")],
        );
    }
}

#[test]
fn a_paid_whole_with_a_number_must_add_up() {
    let numbers = "<OrgnlNbOfTxs>7</OrgnlNbOfTxs><OrgnlCtrlSum>70.00</OrgnlCtrlSum>";
    check(
        "group",
        &group("ACSC", numbers),
        &[rest("paid 7 70.00 ACSC")],
    );
    check(
        "counts",
        &format!(
            "{}{}",
            group("ACSC", numbers),
            payment_group("ACSC", &counted("ACSC", 7, "70.00"))
        ),
        &[rest("paid 7 70.00 ACSC")],
    );
}

#[test]
fn rows_carry_their_own_status_and_reason() {
    for (status, reason, expected) in [
        ("ACSC", "", "paid - ACSC"),
        ("ACSP", "", "in_progress - ACSP"),
        ("RJCT", "BE01", "failed:NAME_MISMATCH - BE01"),
        ("RJCT", "AC16", "failed:NO_ACCOUNT - AC16"),
        ("RJCT", "MS03", "failed:UNSPECIFIED - MS03"),
        ("RJCT", "TECH", "failed:UNMAPPED - TECH"),
        ("RJCT", "DU04", "unknown - DU04"),
        ("BLCK", "", "unknown - BLCK"),
        ("PART", "", "unknown - PART"),
    ] {
        let inside = format!(
            "{}{}",
            group("PART", ""),
            payment_group("PART", &row("E1", status, reason))
        );
        check(status, &inside, &[format!("item E1 {expected}")]);
    }
}

#[test]
fn the_rest_beside_listed_rows_is_told_at_the_end_of_its_group() {
    let rejected = row("E1", "RJCT", "AC04");
    let failed = "item E1 failed:CLOSED - AC04".to_owned();
    let counts = |paid, refused| {
        format!(
            "{}{}",
            counted("ACSC", paid, "90.00"),
            counted("RJCT", refused, "1.00")
        )
    };
    for (what, inside, expected) in [
        ("rejects only", payment_group("PART", &format!("{}{rejected}", counts(9, 1))), vec![failed.clone(), rest("paid 9 90.00 ACSC")]),
        ("counts after rows", payment_group("PART", &format!("{rejected}{}", counts(9, 1))), vec![failed.clone(), rest("paid 9 90.00 ACSC")]),
        ("all listed", payment_group("PART", &format!("{}{rejected}{}", counts(1, 1), row("E2", "ACSC", ""))), vec![failed.clone(), "item E2 paid - ACSC".to_owned()]),
        ("some of one status listed", payment_group("PART", &format!("{}{rejected}{}", counts(3, 1), row("E2", "ACSC", ""))), vec![failed.clone(), "item E2 paid - ACSC".to_owned(), rest("paid 2 - ACSC")]),
        ("two statuses unlisted", payment_group("PART", &format!("{}{rejected}", counts(9, 3))), vec![failed.clone(), "parked - - ACSC".to_owned(), "parked - - RJCT".to_owned()]),
        ("more listed than counted", payment_group("PART", &format!("{}{rejected}", counts(9, 0))), vec![failed.clone(), "parked - - RJCT".to_owned()]),
        ("no counts", payment_group("PART", &rejected), vec![failed.clone()]),
        ("whole group refused, some listed", payment_group("RJCT", &format!("<OrgnlNbOfTxs>5</OrgnlNbOfTxs>{}{rejected}", cause("AC01"))), vec![failed.clone(), rest("failed:NO_ACCOUNT 4 - AC01")]),
        ("whole group refused, listed without number", payment_group("RJCT", &rejected), vec![failed.clone()]),
        ("paid above, refused below", payment_group("ACSC", &format!("<OrgnlNbOfTxs>5</OrgnlNbOfTxs>{rejected}")), vec![failed, "remark the rows listed and the status ACSC above them do not agree: those not listed stay open".to_owned()]),
        ("unknown rest", payment_group("PART", &format!("{}{}", counted("ACCT", 4, "4.00"), counted("RJCT", 0, "0"))), vec!["parked - - ACCT".to_owned()]),
    ] {
        check(what, &format!("{}{inside}", group("", "")), &expected);
    }
}

#[test]
fn counts_over_the_message_serve_where_the_group_has_none() {
    let inside = format!(
        "{}{}",
        group(
            "PART",
            &format!(
                "{}{}",
                counted("ACSC", 4, "4.00"),
                counted("RJCT", 1, "1.00")
            )
        ),
        payment_group("PART", &row("E1", "RJCT", "AC01"))
    );
    check(
        "group counts",
        &inside,
        &[
            "item E1 failed:NO_ACCOUNT - AC01".to_owned(),
            rest("paid 4 4.00 ACSC"),
        ],
    );
}

#[test]
fn a_message_speaks_only_where_its_groups_are_silent() {
    let refused_below = format!(
        "{}{}",
        group("ACSC", ""),
        payment_group("RJCT", &cause("AC04"))
    );
    check(
        "group outranks",
        &refused_below,
        &[whole("failed:CLOSED AC04")],
    );
    let silent_below = format!("{}{}", group("RJCT", &cause("FF01")), payment_group("", ""));
    check(
        "silent below",
        &silent_below,
        &[whole("failed:FORMAT FF01")],
    );
}

#[test]
fn a_row_without_status_or_reason_takes_those_above_but_is_never_paid_by_them() {
    let bare = "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId></TxInfAndSts>";
    let refused = payment_group("RJCT", &format!("{}{bare}", cause("AC06")));
    check(
        "refused",
        &refused,
        &[
            "item E1 failed:FROZEN - AC06".to_owned(),
            "remark the report names no OrgnlMsgId".to_owned(),
        ],
    );
    let paid = format!("{}{}", group("ACSC", ""), payment_group("ACSC", bare));
    let (all, _) = told(&qingshan(), Some(KEY), report(&paid).as_bytes());
    assert_eq!(lines(&all)[0], "item E1 unknown - ");
    let no_reason = format!(
        "{}{}",
        group("", ""),
        payment_group(
            "RJCT",
            &format!("{}{}", cause("AC06"), row("E1", "RJCT", ""))
        )
    );
    check(
        "reason above",
        &no_reason,
        &["item E1 failed:FROZEN - AC06".to_owned()],
    );
}

#[test]
fn references_fall_back_and_placeholders_name_nobody() {
    let tx = |refs: &str| {
        format!(
            "{}<OrgnlPmtInfAndSts>{refs}</OrgnlPmtInfAndSts>",
            group("", "")
        )
    };
    let sts = "<TxSts>RJCT</TxSts>";
    for (refs, reference, parked) in [
        (
            format!(
                "<TxInfAndSts><OrgnlInstrId>I1</OrgnlInstrId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId>{sts}</TxInfAndSts>"
            ),
            Some("I1"),
            false,
        ),
        (
            format!(
                "<TxInfAndSts><OrgnlInstrId>I1</OrgnlInstrId><OrgnlEndToEndId> </OrgnlEndToEndId>{sts}</TxInfAndSts>"
            ),
            Some("I1"),
            false,
        ),
        (
            format!(
                "<TxInfAndSts><OrgnlInstrId>I1</OrgnlInstrId><OrgnlEndToEndId>E1</OrgnlEndToEndId>{sts}</TxInfAndSts>"
            ),
            Some("E1"),
            false,
        ),
        (
            format!("<TxInfAndSts>{sts}<AcctSvcrRef>B1</AcctSvcrRef></TxInfAndSts>"),
            None,
            false,
        ),
        (
            format!(
                "<TxInfAndSts>{sts}<OrgnlTxRef><Amt><InstdAmt Ccy=\"CNY\">5.1</InstdAmt></Amt><CdtrAcct><Id><Othr><Id>62258814</Id></Othr></Id></CdtrAcct></OrgnlTxRef></TxInfAndSts>"
            ),
            None,
            false,
        ),
        (
            format!(
                "<TxInfAndSts><OrgnlEndToEndId>notprovided</OrgnlEndToEndId>{sts}</TxInfAndSts>"
            ),
            None,
            true,
        ),
    ] {
        let (all, end) = told(&qingshan(), None, report(&tx(&refs)).as_bytes());
        assert!(end.is_ok());
        match &all[0] {
            Told::Item { refs, .. } if !parked => {
                assert_eq!(refs.reference.as_deref(), reference);
                assert_eq!(
                    refs.instruction.as_deref(),
                    Some(KEY),
                    "the message names the instruction where the group does not"
                );
            }
            Told::Parked { why, .. } if parked => {
                assert!(why.starts_with("row 1 of the report"), "{why}")
            }
            other => panic!("{refs}: {other:?}"),
        }
    }
}

#[test]
fn a_refusal_of_a_message_that_is_not_named_is_parked() {
    let unnamed = "<OrgnlGrpInfAndSts><OrgnlMsgId>NOTPROVIDED</OrgnlMsgId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>";
    check(
        "unnamed",
        unnamed,
        &[
            "remark the report names no OrgnlMsgId".to_owned(),
            "parked - - RJCT".to_owned(),
        ],
    );
}

#[test]
fn amounts_are_exact_or_the_row_is_parked() {
    for (text, expected) in [
        ("Ccy=\"CNY\">1559.54", "item E1 paid 1559.54 ACSC"),
        ("Ccy=\"CNY\">+1559.54000", "item E1 paid 1559.54 ACSC"),
        ("Ccy=\"CNY\"> .5 ", "item E1 paid 0.50 ACSC"),
        (">7", "item E1 paid 7.00 ACSC"),
        ("Ccy=\"CNY\">1.005", "parked E1 - ACSC"),
        ("Ccy=\"CNY\">1E3", "parked E1 - ACSC"),
        ("Ccy=\"CNY\">-1.00", "parked E1 - ACSC"),
        ("Ccy=\"CNY\">1_000", "parked E1 - ACSC"),
        ("Ccy=\"EUR\">1.00", "parked E1 - ACSC"),
        ("Ccy=\"CNY\">99999999999999999999", "parked E1 - ACSC"),
    ] {
        let inside = format!(
            "{}{}",
            group("", ""),
            payment_group(
                "",
                &format!(
                    "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>ACSC</TxSts><OrgnlTxRef><Amt><InstdAmt {text}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>"
                )
            )
        );
        check(
            text,
            &inside.replace("InstdAmt >", "InstdAmt>"),
            &[expected.to_owned()],
        );
    }
}

fn bank_words(inside: &str) -> (String, String, String) {
    let inside = format!("{}{}", group("", ""), payment_group("PART", inside));
    let (all, _) = told(&bailu(), None, report(&inside).as_bytes());
    match &all[0] {
        Told::Item { bank, .. } => (bank.list.clone(), bank.code.clone(), bank.text.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_words_of_the_bank_are_kept_with_the_list_of_the_code() {
    let tx = |causes: &str| {
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts>{causes}</TxInfAndSts>"
        )
    };
    for (causes, list, code, text) in [
        (
            "<StsRsnInf><Rsn><Cd>NARR</Cd></Rsn><AddtlInf>户名</AddtlInf><AddtlInf><![CDATA[不符 & 退回]]></AddtlInf></StsRsnInf>",
            "pain.002 status reason",
            "NARR",
            "户名; 不符 & 退回",
        ),
        (
            "<StsRsnInf><Rsn><Prtry>E102</Prtry></Rsn><AddtlInf>a &lt;b&gt; &#x6302;</AddtlInf></StsRsnInf>",
            "pain.002 proprietary reason",
            "E102",
            "a <b> 挂",
        ),
        (
            "<StsRsnInf><Rsn><Cd>NARR</Cd></Rsn><AddtlInf>first</AddtlInf></StsRsnInf><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>second</AddtlInf></StsRsnInf>",
            "pain.002 status reason",
            "AC04",
            "NARR; first; second",
        ),
        (
            "<StsRsnInf><AddtlInf>only words</AddtlInf></StsRsnInf>",
            "pain.002 status",
            "RJCT",
            "only words",
        ),
        (
            "<StsRsnInf><StsRsn><Cd>AC04</Cd></StsRsn><AddtlStsRsnInf>old names</AddtlStsRsnInf></StsRsnInf>",
            "pain.002 status reason",
            "AC04",
            "old names",
        ),
        (
            "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>a&#0;b</AddtlInf></StsRsnInf>",
            "",
            "",
            "",
        ),
    ] {
        if list.is_empty() {
            let (_, end) = told(&bailu(), None, report(&tx(causes)).as_bytes());
            assert!(matches!(end, Err(DecodeError::Malformed { .. })));
        } else {
            assert_eq!(
                bank_words(&tx(causes)),
                (list.to_owned(), code.to_owned(), text.to_owned())
            );
        }
    }
}

#[test]
fn a_banks_own_table_stands_over_the_standards() {
    let verdict = |causes: &str| {
        let inside = format!(
            "{}{}",
            group("", ""),
            payment_group(
                "PART",
                &format!(
                    "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn>{causes}</Rsn></StsRsnInf></TxInfAndSts>"
                )
            )
        );
        lines(&told(&bailu(), None, report(&inside).as_bytes()).0)[0].clone()
    };
    assert_eq!(
        verdict("<Cd>AC06</Cd>"),
        "item E1 failed:STATUS_ABNORMAL - AC06"
    );
    assert_eq!(
        verdict("<Prtry>E101</Prtry>"),
        "item E1 failed:NAME_MISMATCH - E101"
    );
    assert_eq!(
        verdict("<Prtry>AC04</Prtry>"),
        "item E1 failed:UNMAPPED - AC04"
    );
    assert_eq!(verdict("<Prtry>E900</Prtry>"), "item E1 unknown - E900");
}

#[test]
fn several_reports_in_one_document_are_all_read() {
    let one = report(&format!(
        "{}{}",
        group("PART", ""),
        payment_group("PART", &row("E1", "ACSC", ""))
    ));
    let again = one.replace("</CstmrPmtStsRpt>", "</CstmrPmtStsRpt><CstmrPmtStsRpt><OrgnlPmtInfAndSts><OrgnlPmtInfId>OTHER</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>E2</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt>");
    let (all, end) = told(&qingshan(), None, again.as_bytes());
    assert!(end.is_ok());
    let read = lines(&all);
    assert_eq!(read[0], "item E1 paid - ACSC");
    assert!(
        read.contains(&"item E2 in_progress - ACSP".to_owned()),
        "{read:?}"
    );
}

#[test]
fn a_document_in_chinese_encodings_is_read_whole() {
    let plain = report(&format!(
        "{}{}",
        group("", ""),
        payment_group(
            "PART",
            "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>BE01</Cd></Rsn><AddtlInf>户名不符：𠮷䶮㛃</AddtlInf></StsRsnInf></TxInfAndSts>"
        )
    ));
    for (label, encoding) in [
        ("GB18030", encoding_rs::GB18030),
        ("gbk", encoding_rs::GB18030),
        ("GB2312", encoding_rs::GB18030),
    ] {
        let (bytes, _, lost) = encoding.encode(&plain);
        assert!(!lost);
        let declared = String::from_utf8_lossy(b"encoding=\"UTF-8\"").into_owned();
        let at = bytes
            .windows(declared.len())
            .position(|w| w == declared.as_bytes())
            .unwrap();
        let document = [
            &bytes[..at],
            format!("encoding='{label}'").as_bytes(),
            &bytes[at + declared.len()..],
        ]
        .concat();
        let (all, end) = told(&qingshan(), None, &document);
        assert!(end.is_ok(), "{label}: {end:?}");
        assert!(
            matches!(&all[0], Told::Item { bank, .. } if bank.text == "户名不符：𠮷䶮㛃"),
            "{label}"
        );
    }
    let unknown = plain.replace("UTF-8", "KLINGON-1");
    assert!(matches!(
        told(&qingshan(), None, unknown.as_bytes()).1,
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn the_second_version_names_its_message_by_number_and_the_instruction_in_each_row() {
    let document = format!(
        r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.02"><pain.002.001.02><GrpHdr/><OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><TxInfAndSts><OrgnlPmtInfId>{KEY}</OrgnlPmtInfId><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><StsRsn><Cd>AC04</Cd></StsRsn></StsRsnInf></TxInfAndSts></pain.002.001.02></Document>"#
    );
    let (all, end) = told(&qingshan(), None, document.as_bytes());
    assert!(end.is_ok());
    assert_eq!(lines(&all), ["item E1 failed:CLOSED - AC04"]);
    assert!(matches!(&all[0], Told::Item { refs, .. } if refs.instruction.as_deref() == Some(KEY)));
}

#[test]
fn the_sample_result_is_read_as_the_interface_page_says() {
    let (all, end) = told(
        &qingshan(),
        Some(KEY),
        include_bytes!("../fixtures/qingshan-pain.002.001.10.xml"),
    );
    assert!(end.is_ok());
    assert_eq!(
        lines(&all),
        [
            format!("item {KEY}0000002 failed:NAME_MISMATCH - BE01"),
            format!("item {KEY}0000003 failed:CLOSED - AC04"),
            format!("rest {KEY} paid 2 6024.87 ACSC"),
        ]
    );
}
