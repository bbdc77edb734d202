//! Every bank document that a package registry carries for developers: each of its transactions ends somewhere, and nobody is paid by surprise.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;
#[path = "common/third_party.rs"]
mod third_party;

use std::path::PathBuf;

use common::{qingshan, told};
use third_party::{independent, third_party, value};
use wagegate_domain::adapter::{Adapter, DecodeError};
use wagegate_domain::fact::{Told, Verdict};

/// What the independent reader found in one document.
struct Found {
    path: PathBuf,
    kind: String,
    transactions: u64,
    paid: u64,
    silent: u64,
    paid_levels: u64,
    returns: u64,
}

fn found() -> Vec<Found> {
    // The last file that the script writes: without it the packages are not all there.
    third_party("complete");
    let run = independent("documents", &third_party("."));
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout)
        .unwrap()
        .lines()
        .map(parse)
        .collect()
}

fn parse(line: &str) -> Found {
    let number = |key| value(line, key).parse().unwrap();
    Found {
        path: PathBuf::from(line.split_once("path=").unwrap().1),
        kind: value(line, "kind").to_owned(),
        transactions: number("transactions"),
        paid: number("paid"),
        silent: number("silent"),
        paid_levels: number("paid_levels"),
        returns: number("returns"),
    }
}

/// Where the transactions of one document went.
#[derive(Default, Debug)]
struct Ends {
    items: u64,
    paid: u64,
    returned: u64,
    /// Rows that wait for a person.
    parked: u64,
    /// Statements about rows that are not listed.
    levels: u64,
    paid_levels: u64,
    /// Transactions that a remark explains.
    explained: u64,
}

impl Ends {
    fn add(&mut self, told: &Told) {
        match told {
            Told::Item { verdict, .. } => {
                self.items += 1;
                self.paid += u64::from(*verdict == Verdict::Paid);
                self.returned += u64::from(matches!(verdict, Verdict::Returned(_)));
            }
            Told::Whole { verdict, .. } | Told::Rest { verdict, .. } => {
                self.levels += 1;
                self.paid_levels += u64::from(*verdict == Verdict::Paid);
            }
            Told::Parked { why, .. } if why.starts_with("row ") || why.starts_with("entry ") => {
                self.parked += 1
            }
            Told::Parked { .. } => self.levels += 1,
            Told::Remark(text) => {
                self.explained += text
                    .split_once(" transactions are ")
                    .map_or(0, |(count, _)| count.parse().unwrap())
            }
        }
    }
}

fn ends(document: &[u8]) -> Ends {
    let (all, end) = told(&qingshan(), None, document);
    assert!(end.is_ok(), "{end:?}");
    let mut ends = Ends::default();
    all.iter().for_each(|one| ends.add(one));
    ends
}

/// The samples pay in euro, francs and crowns, which no wage does; in yuan their amounts can be read.
fn in_yuan(document: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(document).replace("Ccy = \"", "Ccy=\"");
    ["EUR", "CHF", "SEK", "USD", "GBP"]
        .iter()
        .fold(text, |text, currency| {
            text.replace(&format!("Ccy=\"{currency}\""), "Ccy=\"CNY\"")
        })
        .into_bytes()
}

#[test]
fn every_transaction_ends_in_an_outcome_a_parked_reason_or_a_remark() {
    let (mut documents, mut all, mut read) = (0, Ends::default(), 0);
    for found in found()
        .iter()
        .filter(|found| ["report", "entries"].contains(&found.kind.as_str()))
    {
        let bytes = std::fs::read(&found.path).unwrap();
        for document in [bytes.clone(), in_yuan(&bytes)] {
            let ends = ends(&document);
            let what = format!("{}: {ends:?}", found.path.display());
            assert_eq!(
                ends.items + ends.parked + ends.explained,
                found.transactions,
                "{what}"
            );
            assert_eq!(ends.paid, found.paid, "{what}");
            assert!(ends.paid_levels <= found.paid_levels, "{what}");
            assert!(ends.levels >= found.silent, "{what}");
            if found.kind == "entries" {
                assert_eq!(ends.returned + ends.parked, found.returns, "{what}");
            }
            read += found.transactions;
            all.items += ends.items;
            all.parked += ends.parked;
            all.explained += ends.explained;
            all.returned += ends.returned;
            all.levels += ends.levels;
        }
        documents += 1;
    }
    println!("{documents} documents, each as it is and in yuan: {read} transactions; {all:?}");
    assert!(
        documents >= 25,
        "{documents}: run scripts/third-party first"
    );
    assert!(all.items > 0 && all.parked > 0 && all.explained > 0 && all.levels > 0);
}

#[test]
fn all_other_documents_of_these_packages_are_refused_without_a_word_about_anybody() {
    let mut others = 0;
    for found in found()
        .iter()
        .filter(|found| ["other", "broken"].contains(&found.kind.as_str()))
    {
        let bytes = std::fs::read(&found.path).unwrap();
        let (all, end) = told(&qingshan(), None, &bytes);
        assert!(all.is_empty(), "{}", found.path.display());
        assert!(
            matches!(end, Err(DecodeError::Malformed { .. })),
            "{}",
            found.path.display()
        );
        // Instructions of others, read back as if they were ours, must not panic either.
        let _end = qingshan().read_back(&mut bytes.as_slice(), &mut |_| {});
        others += 1;
    }
    println!("{others} other documents refused");
    assert!(others >= 200, "{others}: run scripts/third-party first");
}

#[test]
fn the_german_banks_sample_of_four_groups_is_read_as_they_mean_it() {
    let path =
        third_party("sepa/tests/data/pain.002.001.10_PSR_SCT-Sammler_positiv_und-rejects.xml");
    let (all, end) = told(&qingshan(), None, &std::fs::read(path).unwrap());
    assert!(end.is_ok());
    assert_eq!(
        common::lines(&all),
        [
            "whole Sammler 1 in_progress ACSP",
            "whole Sammler 2 in_progress ACWC",
            // Refused as a duplicate: evidence that it arrived before, so nobody fails by it.
            "parked - 1250.00 AM05",
            "item 4656384 failed:NO_ACCOUNT - AC01",
            "rest Sammler 4 in_progress 112 - ACSP",
        ]
    );
    assert!(
        matches!(&all[1], Told::Whole { bank, .. } if bank.text.contains("ReqdExctnDt NEU: 2023-11-24"))
    );
}
