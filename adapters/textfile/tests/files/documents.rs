//! Files as banks really send them: damaged, cut, with other people's line ends; nothing is lost, nothing is guessed.

use crate::common::{BISHUI, CANGLING, LANHE, bank, told};
use encoding_rs::{GB18030, GBK};
use wagegate_domain::fact::{Told, Verdict};
use wagegate_domain::money::Fen;
use wagegate_domain::reason::Reason;

const HEAD: &str = "R|B1|2|300|1|100|\r\n";
const ONE: &str = "0000001|6222000000000001|张三|100|S000|成功|\r\n";
const TWO: &str = "0000002|6222000000000002|李四|200|F003|已销户|\r\n";
const END: &str = "########\r\n";

fn bishui(lines: &[&str]) -> (Vec<Told>, Result<(), String>) {
    told(
        &bank(BISHUI),
        Some("B1"),
        &GB18030.encode(&lines.concat()).0,
    )
}

/// Verdicts of items and reasons of parked things, in order.
fn gist(told: &[Told]) -> Vec<String> {
    told.iter()
        .map(|told| match told {
            Told::Item { refs, verdict, .. } => format!("{:?} {}", refs.sequence, verdict.code()),
            Told::Parked { why, .. } => why.clone(),
            Told::Remark(remark) => remark.clone(),
            Told::Whole { .. } | Told::Rest { .. } => panic!("not said by files"),
        })
        .collect()
}

#[test]
fn a_row_is_told_with_all_that_it_says() {
    let (told, end) = bishui(&[HEAD, ONE, TWO, END]);
    assert_eq!(end, Ok(()));
    let Told::Item {
        refs,
        verdict,
        amount,
        bank,
    } = &told[1]
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        (refs.instruction.as_deref(), refs.sequence),
        (Some("B1"), Some(2))
    );
    assert_eq!(refs.account.as_deref(), Some("6222000000000002"));
    assert_eq!(
        (*verdict, *amount),
        (Verdict::Failed(Reason::Closed), Some(Fen::new(200)))
    );
    assert_eq!(
        (bank.list.as_str(), bank.code.as_str(), bank.text.as_str()),
        ("result", "F003", "已销户")
    );
}

#[test]
fn a_bad_row_is_parked_by_its_line_and_the_rest_goes_on() {
    let short = "0000001|6222000000000001|张三|S000|成功|\r\n";
    for (bad, why) in [
        (short, "result file, line 2: 5 columns where 6 belong"),
        (
            "x|6222000000000001|张三|100|S000|成功|\r\n",
            "result file, line 2: column 1 (sequence) is not a number",
        ),
        (
            "0000001|6222000000000001|张三|1.00|S000|成功|\r\n",
            "result file, line 2: column 4 (amount) is not a whole number of fen",
        ),
        (
            "0000001|6222000000000001|张三|-100|S000|成功|\r\n",
            "result file, line 2: column 4 (amount) is not a whole number of fen",
        ),
        (
            "0000001|6222000000000001|张三|100||成功|\r\n",
            "result file, line 2: there is no code",
        ),
        (
            "0000001|6222000000000001|张三|100|S000|成功\r\n",
            "result file, line 2: the line does not end with the delimiter",
        ),
        (
            "|6222000000000001|张三|100|S000|成功|\r\n",
            "result file, line 2: column 1 (sequence) is not a number",
        ),
        (
            "\r\n",
            "result file, line 2: the line does not end with the delimiter",
        ),
    ] {
        let (told, end) = bishui(&[HEAD, bad, TWO, END]);
        assert_eq!(end, Ok(()), "{bad}");
        let gist = gist(&told);
        assert_eq!(
            (gist[0].as_str(), gist[1].as_str()),
            (why, "Some(2) failed"),
            "{bad}"
        );
        assert!(
            gist[2].starts_with(
                "result file: it states 2 payments of 3.00 yuan, and 1 of 2.00 yuan were read"
            ),
            "{gist:?}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_park_their_line_only_and_keep_the_handles_that_can_be_read() {
    let mut document = GB18030
        .encode(&[HEAD, ONE, TWO, END].concat())
        .0
        .into_owned();
    let name = document
        .windows(4)
        .position(|four| four == GB18030.encode("张三").0.as_ref())
        .unwrap();
    document[name + 1] = b' ';
    let (told, end) = told(&bank(BISHUI), None, &document);
    assert_eq!(end, Ok(()));
    assert_eq!(
        gist(&told)[..2],
        [
            "result file, line 2: not text in the bank's encoding",
            "Some(2) failed"
        ]
    );

    let (told, _) = bishui(&[
        HEAD,
        "0000001|6222000000000001|张三|一百|S000|成功|\r\n",
        TWO,
        END,
    ]);
    let Told::Parked { refs, bank, .. } = &told[0] else {
        panic!("{told:?}");
    };
    assert_eq!(
        (
            refs.instruction.as_deref(),
            refs.sequence,
            bank.code.as_str()
        ),
        (Some("B1"), Some(1), "S000")
    );
}

#[test]
fn totals_that_differ_from_the_rows_are_parked_after_the_rows_were_told() {
    for head in [
        "R|B1|3|300|1|100|\r\n",
        "R|B1|2|301|1|100|\r\n",
        "R|B1|2|300|2|100|\r\n",
        "R|B1|2|300|1|300|\r\n",
    ] {
        let (told, end) = bishui(&[head, ONE, TWO, END]);
        assert_eq!(end, Ok(()), "{head}");
        assert_eq!(
            gist(&told)[..2],
            ["Some(1) paid", "Some(2) failed"],
            "{head}"
        );
        assert!(
            matches!(&told[2], Told::Parked { refs, .. } if refs.instruction.as_deref() == Some("B1")),
            "{head}"
        );
    }
}

#[test]
fn a_document_without_its_end_is_an_error_after_what_was_told() {
    for (lines, rows) in [
        (vec![HEAD], 0),
        (vec![HEAD, ONE], 1),
        (vec![HEAD, ONE, TWO], 2),
        (vec![HEAD, ONE, TWO, "####"], 2),
        (vec![HEAD, ONE, TWO, END, ONE], 2),
    ] {
        let (told, end) = bishui(&lines);
        assert!(end.is_err(), "{lines:?}");
        assert_eq!(
            told.iter()
                .filter(|told| matches!(told, Told::Item { .. }))
                .count(),
            rows,
            "{lines:?}"
        );
    }
}

#[test]
fn a_row_that_was_cut_inside_its_last_column_is_not_believed() {
    // 苍岭's rows have no closing sign: a cut text could be another code.
    let whole = GBK.encode("批次,B1,笔数,1\r\n收款账号,收款户名,金额,交易状态,备注\r\n6222000000000001,张三,1.00,交易成功,").0;
    let (told, end) = told(&bank(LANHE), Some("B1"), &whole);
    assert!(end.is_err());
    assert_eq!(
        gist(&told),
        ["result list, line 3: the line has no end: the document was cut off here"]
    );
}

#[test]
fn line_ends_and_blanks_of_other_systems_are_read() {
    let unix = [HEAD, ONE, TWO, END].concat().replace("\r\n", "\n");
    let blanks = [
        HEAD,
        &ONE.replace("|S000|", "| S000 |")
            .replace("成功", "成功\u{3000}"),
        TWO,
        "########",
    ];
    for lines in [
        vec![unix.as_str()],
        blanks.to_vec(),
        vec![HEAD, ONE, TWO, END, "\r\n"],
    ] {
        let (told, end) = bishui(&lines);
        assert_eq!(
            (end, gist(&told)),
            (
                Ok(()),
                vec!["Some(1) paid".to_owned(), "Some(2) failed".to_owned()]
            )
        );
    }
}

#[test]
fn a_code_is_never_guessed() {
    for code in ["s000", "S0000", "S00", "成功", "0", "Ｓ０００"] {
        let (told, _) = bishui(&[HEAD, &ONE.replace("S000", code), TWO, END]);
        assert!(
            matches!(&told[0], Told::Item { verdict: Verdict::Unknown, bank, .. } if bank.code == code),
            "{code}"
        );
    }
}

#[test]
fn a_document_about_another_instruction_says_so_and_keeps_its_own_key() {
    let (told, end) = told(
        &bank(BISHUI),
        Some("B2"),
        &GB18030.encode(&[HEAD, ONE, TWO, END].concat()).0,
    );
    assert_eq!(end, Ok(()));
    assert_eq!(
        gist(&told)[0],
        "line 1: the document is about another instruction than was asked for"
    );
    assert!(
        matches!(&told[1], Told::Item { refs, .. } if refs.instruction.as_deref() == Some("B1"))
    );
}

#[test]
fn one_refund_file_may_tell_of_several_instructions() {
    let document = "T|2|300|\r\nB1|0000001|6222000000000001|100|T001|户名不符|\r\nB2|0000001|6222000000000002|200|T999|其他|\r\n########\r\n";
    let (told, end) = told(&bank(BISHUI), None, &GB18030.encode(document).0);
    assert_eq!(end, Ok(()));
    let keys: Vec<_> = told
        .iter()
        .map(|told| match told {
            Told::Item { refs, verdict, .. } => (refs.instruction.as_deref(), *verdict),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        keys,
        [
            (Some("B1"), Verdict::Returned(Reason::NameMismatch)),
            (Some("B2"), Verdict::Unknown)
        ]
    );
}

#[test]
fn the_same_number_means_another_thing_in_another_list() {
    let cangling = bank(CANGLING);
    let result = format!(
        "H021234567890123456{:10}\nD0000000111000000000123.45{:20}{:40}\nT00000001{:18}00000000{:18}\n",
        "", "", "", "123.45", "0.00"
    );
    let returns = format!(
        "H03{:10}\nD123456789012345600000001{:15}11{:20}{:40}\nT{:8}{:18}\n",
        "", "123.45", "", "", "1", "123.45"
    );
    let verdict = |document: &str| match told(&cangling, None, document.as_bytes()) {
        (told, Ok(())) => match told.as_slice() {
            [
                Told::Item {
                    verdict, amount, ..
                },
            ] => (*verdict, amount.map(Fen::get)),
            other => panic!("{other:?}"),
        },
        (_, Err(error)) => panic!("{error}"),
    };
    assert_eq!(
        verdict(&result),
        (Verdict::Failed(Reason::NoAccount), Some(12_345))
    );
    assert_eq!(
        verdict(&returns),
        (Verdict::Returned(Reason::NameMismatch), Some(12_345))
    );
}

#[test]
fn amounts_of_people_are_read_with_their_sign_and_separators_or_parked() {
    for (text, fen) in [
        ("1234.50元", Some(123_450)),
        ("1234.5", Some(123_450)),
        ("¥5", None),
        ("1.234元", None),
    ] {
        let document = format!(
            "批次,B1,笔数,1\r\n收款账号,收款户名,金额,交易状态,备注\r\n6222000000000001,张三,{text},交易成功,\r\n成功,1,1234.50元\r\n"
        );
        let (told, end) = told(&bank(LANHE), None, &GBK.encode(&document).0);
        assert_eq!(end, Ok(()));
        let amount = match &told[0] {
            Told::Item { amount, .. } => amount.map(Fen::get),
            Told::Parked { .. } => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(amount, fen, "{text}");
    }
}
