//! Documents with odd namespaces, headings and envelopes: read all the same, and remarked upon.

mod common;

use common::{KEY, group, lines, qingshan, report, told};

/// A report on one instruction with one settled payment.
fn settled() -> String {
    report(&format!(
        "{}<OrgnlPmtInfAndSts><OrgnlPmtInfId>{KEY}</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>\
         <TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>",
        group("PART", "")
    ))
}

#[test]
fn an_odd_document_is_read_and_remarked_upon() {
    let plain = settled();
    let namespace = r#" xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10""#;
    for (what, document, remarks) in [
        ("as it should be", plain.clone(), vec![]),
        (
            "no namespace",
            plain.replace(namespace, ""),
            vec!["the document has no namespace"],
        ),
        (
            "a misspelt attribute",
            plain.replace(" xmlns=", " Xmlns="),
            vec!["the document has no namespace"],
        ),
        (
            "a foreign namespace",
            plain.replace("pain.002.001.10", "pain.002.001.03.ch.02"),
            vec![
                "the document's namespace is not the standard's: urn:iso:std:iso:20022:tech:xsd:pain.002.001.03.ch.02",
            ],
        ),
        (
            "another version",
            plain.replace("pain.002.001.10", "pain.002.001.03"),
            vec![],
        ),
        (
            "prefixes",
            plain
                .replace("xmlns=", "xmlns:p=")
                .replace("</", "</p:")
                .replace('<', "<p:")
                .replace("<p:/p:", "</p:")
                .replace("<p:?", "<?"),
            vec![],
        ),
        (
            "no heading",
            plain.replace("<GrpHdr><MsgId>S1</MsgId></GrpHdr>", ""),
            vec!["the report has no GrpHdr"],
        ),
        (
            "an envelope",
            plain
                .replace(
                    "<Document",
                    "<Envelope><AppHdr><Fr>x</Fr></AppHdr><Document",
                )
                .replace("</Document>", "</Document></Envelope>"),
            vec![],
        ),
        ("byte order mark", format!("\u{feff}{plain}"), vec![]),
    ] {
        let (all, end) = told(&qingshan(), None, document.as_bytes());
        assert!(end.is_ok(), "{what}: {end:?}");
        let mut expected: Vec<String> = remarks
            .into_iter()
            .map(|remark| format!("remark {remark}"))
            .collect();
        let mut read = lines(&all);
        assert!(
            read.iter().any(|line| line == "item E1 paid - ACSC"),
            "{what}: {read:?}"
        );
        read.retain(|line| line.starts_with("remark"));
        expected.sort();
        assert_eq!(read, expected, "{what}");
    }
}
