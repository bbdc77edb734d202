//! Documents that nobody means well with: nothing panics, nothing grows, and what came before the break still counts.

mod common;

use common::{KEY, encoded, group, notification, qingshan, report, told};
use proptest::prelude::*;
use wagegate_domain::adapter::{Adapter, DecodeError};
use wagegate_domain::fact::Told;

fn row(n: usize) -> String {
    format!("<TxInfAndSts><OrgnlEndToEndId>E{n}</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>")
}

#[test]
fn what_is_no_document_of_a_bank_is_malformed() {
    let deep = format!("{}{}", "<a>".repeat(70), "</a>".repeat(70));
    let plain = report(&group("ACTC", ""));
    for (what, document) in [
        ("nothing", String::new()),
        ("no XML", "0000|ok|\r\n".to_owned()),
        ("a page", "<html><body>502</body></html>".to_owned()),
        (
            "another message",
            String::from_utf8(encoded(&qingshan(), KEY, 2)).unwrap(),
        ),
        (
            "too deep",
            plain.replace("<GrpSts>", &format!("<x>{deep}</x><GrpSts>")),
        ),
        (
            "a document type",
            plain.replace(
                "<Document",
                "<!DOCTYPE Document [<!ENTITY a \"aaaa\">]><Document",
            ),
        ),
        ("an entity of its own", plain.replace("ACTC", "&xxe;")),
        ("a long text", plain.replace("ACTC", &"A".repeat(20_000))),
        (
            "a long tag",
            plain.replace(
                "<GrpSts>",
                &format!("<GrpSts a=\"{}\">", "A".repeat(70_000)),
            ),
        ),
        (
            "many attributes",
            plain.replace("<GrpSts>", &format!("<GrpSts{}>", " a=\"1\"".repeat(40))),
        ),
        (
            "a long comment",
            plain.replace(
                "<GrpSts>",
                &format!("<!--{}--><GrpSts>", "A".repeat(70_000)),
            ),
        ),
        (
            "two documents",
            format!("{plain}{plain}").replacen("?>", "?><!-- -->", 1),
        ),
        (
            "tags that do not match",
            plain.replace("</GrpSts>", "</GrpStz>"),
        ),
        (
            "many counts",
            plain.replace(
                "<GrpSts>",
                &format!("{}<GrpSts>", "<NbOfTxsPerSts></NbOfTxsPerSts>".repeat(70)),
            ),
        ),
    ] {
        let (_, end) = told(&qingshan(), None, document.as_bytes());
        assert!(
            matches!(end, Err(DecodeError::Malformed { .. })),
            "{what}: {end:?}"
        );
    }
    assert!(matches!(
        told(&qingshan(), None, &[0xFF, 0x00, 0x80]).1,
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn the_error_never_quotes_the_document() {
    let document = report(&group("ACTC", "")).replace("</GrpSts>", "</李晓明>");
    let (_, end) = told(&qingshan(), None, document.as_bytes());
    assert!(!end.unwrap_err().to_string().contains('李'));
}

#[test]
fn what_was_told_before_the_break_counts_and_the_rest_is_not_concluded() {
    let rows: String = (1..=5).map(row).collect();
    let counts =
        "<NbOfTxsPerSts><DtldNbOfTxs>9</DtldNbOfTxs><DtldSts>ACSC</DtldSts></NbOfTxsPerSts>";
    let whole = report(&format!(
        "{}<OrgnlPmtInfAndSts>{counts}{rows}</OrgnlPmtInfAndSts>",
        group("PART", "")
    ));
    let broken = &whole[..whole.find("E4").unwrap()];
    let (all, end) = told(&qingshan(), None, broken.as_bytes());
    assert!(matches!(end, Err(DecodeError::Malformed { .. })));
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| matches!(one, Told::Item { .. })));
}

struct Failing<'a>(&'a [u8]);

impl std::io::Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("the disk is gone"));
        }
        self.0.read(buffer)
    }
}

#[test]
fn a_reader_that_fails_is_no_fault_of_the_document() {
    let whole = report(&group("ACTC", ""));
    for cut in [0, 20, whole.len() / 2] {
        let mut input = std::io::BufReader::new(Failing(&whole.as_bytes()[..cut]));
        let end = qingshan().decode(None, &mut input, &mut |_| {});
        assert!(matches!(end, Err(DecodeError::Io(_))), "{cut}: {end:?}");
    }
}

fn samples() -> Vec<Vec<u8>> {
    let rows: String = (1..=3).map(row).collect();
    let details = r#"<Ntry><Amt Ccy="CNY">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls></Ntry>"#;
    vec![
        report(&format!(
            "{}<OrgnlPmtInfAndSts>{rows}</OrgnlPmtInfAndSts>",
            group("PART", "")
        ))
        .into_bytes(),
        notification(details).into_bytes(),
        encoded(&qingshan(), KEY, 3),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bank = qingshan();
        let _told = told(&bank, Some(KEY), &bytes);
        let _read = bank.read_back(&mut bytes.as_slice(), &mut |_| {});
    }

    #[test]
    fn no_change_of_a_document_makes_it_panic(which in 0..3_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12)) {
        let mut bytes = samples().swap_remove(which);
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        let bank = qingshan();
        let _told = told(&bank, Some(KEY), &bytes);
        let _read = bank.read_back(&mut bytes.as_slice(), &mut |_| {});
    }

    #[test]
    fn a_document_cut_anywhere_never_pays_whom_it_does_not_name(at in any::<prop::sample::Index>()) {
        let whole = samples().swap_remove(0);
        let (all, _) = told(&qingshan(), None, &whole[..at.index(whole.len())]);
        let rows_only = all.iter().all(|one| matches!(one, Told::Item { .. } | Told::Remark(_)));
        prop_assert!(rows_only);
    }
}
