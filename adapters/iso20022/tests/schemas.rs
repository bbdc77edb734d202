//! What we write, against the official schemas in packages of others, and against a reader that is not ours.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;
#[path = "common/third_party.rs"]
mod third_party;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use common::{bailu, order, payments, qingshan};
use third_party::{independent, third_party, value};
use wagegate_domain::adapter::Adapter;
use wagegate_iso20022::Iso20022;

/// libxml2's verdict on a file.
fn validate(schema: &Path, file: &Path) -> Result<(), String> {
    let run = Command::new("xmllint")
        .args(["--stream", "--noout", "--nonet", "--schema"])
        .args([schema, file])
        .output()
        .expect("xmllint must be on the machine: run scripts/third-party first");
    if run.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&run.stderr)
            .chars()
            .take(2_000)
            .collect())
    }
}

fn holds(bank: &Iso20022, key: &str, message: &str, count: u32) {
    let schema = third_party(&format!(
        "pain001/pain001/templates/{message}/{message}.xsd"
    ));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("instruction.xml");
    let order = order(key, count);
    let mut file = File::create(&path).unwrap();
    bank.encode(&order, &mut payments(key, count), &mut file)
        .unwrap();
    assert_eq!(validate(&schema, &path), Ok(()));

    let run = independent("instruction", &path);
    let line = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{line}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let line = line.trim();
    assert_eq!(value(line, "count"), count.to_string());
    assert_eq!(value(line, "unique"), count.to_string());
    assert_eq!(value(line, "sum"), order.total.to_string());
    println!(
        "{message}: {count} payments, {} yuan, {} bytes: valid",
        order.total,
        path.metadata().unwrap().len()
    );
}

#[test]
fn instructions_of_both_versions_are_valid_for_one_a_thousand_and_a_hundred_thousand_payments() {
    for count in [1, 1_000, 100_000] {
        holds(
            &qingshan(),
            "W2026100000000000001",
            "pain.001.001.09",
            count,
        );
        holds(&bailu(), "2026100000000001", "pain.001.001.03", count);
    }
}

#[test]
fn the_checks_can_fail() {
    let schema = third_party("pain001/pain001/templates/pain.001.001.09/pain.001.001.09.xsd");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.xml");
    let whole = String::from_utf8(common::encoded(&qingshan(), common::KEY, 3)).unwrap();
    let change = |from: &str, to: &str| {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole);
        std::fs::write(&path, changed).unwrap();
    };
    change("<MsgId>W", "<MsgId>WWWWWWWWWWWWWWWWWWW");
    assert!(validate(&schema, &path).is_err());
    for (from, to) in [
        ("0000002</EndToEndId>", "0000001</EndToEndId>"),
        ("<NbOfTxs>3", "<NbOfTxs>4"),
        (">3011.95<", ">3011.96<"),
        ("<EndToEndId>W", "<EndToEndId>w"),
    ] {
        change(from, to);
        assert_eq!(validate(&schema, &path), Ok(()), "no schema sees {from}");
        assert!(
            !independent("instruction", &path).status.success(),
            "{from}"
        );
    }
}

#[test]
fn the_sample_documents_of_the_bank_are_true_to_the_standard() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (schema, document) in [
        (
            "sepa/tests/xsd/pain.002.001.10.xsd",
            "qingshan-pain.002.001.10.xml",
        ),
        (
            "sepa/tests/xsd/camt.054.001.08.xsd",
            "qingshan-camt.054.001.08.xml",
        ),
    ] {
        assert_eq!(
            validate(&third_party(schema), &fixtures.join(document)),
            Ok(())
        );
    }
}
