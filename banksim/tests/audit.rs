//! The audit: agreeing books, and each way in which they can differ.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set the scene has failed"
)]

use std::path::PathBuf;

use banksim::audit::audit;
use serde_json::json;
use tempfile::TempDir;

const HEADER: &str =
    "batch,row,project,pay_month,bank,bank_key,sequence,reference,attempt,amount_fen,outcome\n";

struct Case {
    name: &'static str,
    ledger: &'static [(&'static str, &'static str, &'static str, i64)],
    outcomes: &'static str,
    double_paid: u64,
    lost: u64,
    agrees: bool,
}

const CASES: &[Case] = &[
    Case {
        name: "paid once",
        ledger: &[("debit", "M1", "E1", 100)],
        outcomes: "1,1,\"A, \"\"B\"\"\",2026-10,q,M1,1,E1,1,100,paid\n1,2,p,2026-10,,,,,,50,held\n",
        double_paid: 0,
        lost: 0,
        agrees: true,
    },
    Case {
        name: "by row number",
        ledger: &[("debit", "M1", "0000002", 100)],
        outcomes: "1,1,p,2026-10,q,M1,2,E9,1,100,paid\n",
        double_paid: 0,
        lost: 0,
        agrees: true,
    },
    Case {
        name: "returned and paid anew",
        ledger: &[
            ("debit", "M1", "E1", 100),
            ("return", "M1", "E1", 100),
            ("debit", "M2", "E2", 100),
        ],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,returned\n1,1,p,m,q,M2,1,E2,2,100,paid\n",
        double_paid: 0,
        lost: 0,
        agrees: true,
    },
    Case {
        name: "two attempts both paid",
        ledger: &[("debit", "M1", "E1", 100), ("debit", "M2", "E2", 100)],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n1,1,p,m,q,M2,1,E2,2,100,paid\n",
        double_paid: 1,
        lost: 0,
        agrees: false,
    },
    Case {
        name: "one instruction paid twice",
        ledger: &[("debit", "M1", "E1", 100), ("debit", "M1", "E1", 100)],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n",
        double_paid: 1,
        lost: 1,
        agrees: false,
    },
    Case {
        name: "paid twice and one of them returned",
        ledger: &[
            ("debit", "M1", "E1", 100),
            ("debit", "M1", "E1", 100),
            ("return", "M1", "E1", 100),
        ],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n",
        double_paid: 1,
        lost: 0,
        agrees: false,
    },
    Case {
        name: "said paid, never debited",
        ledger: &[],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n",
        double_paid: 0,
        lost: 1,
        agrees: false,
    },
    Case {
        name: "another amount",
        ledger: &[("debit", "M1", "E1", 90), ("debit", "M1", "E2", 110)],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n1,2,p,m,q,M1,2,E2,1,100,paid\n",
        double_paid: 0,
        lost: 2,
        agrees: false,
    },
    Case {
        name: "a debit nobody owns",
        ledger: &[("debit", "M1", "E1", 100), ("debit", "M1", "E7", 5)],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n",
        double_paid: 0,
        lost: 1,
        agrees: false,
    },
    Case {
        name: "said failed, held or returned, but the money is gone",
        ledger: &[
            ("debit", "M1", "E1", 1),
            ("debit", "M1", "E2", 1),
            ("debit", "M1", "E3", 1),
        ],
        outcomes: "1,1,p,m,q,M1,1,E1,1,1,failed\n1,2,p,m,q,M1,2,E2,1,1,held\n1,3,p,m,q,M1,3,E3,1,1,returned\n",
        double_paid: 0,
        lost: 3,
        agrees: false,
    },
    Case {
        name: "one debit claimed by two rows",
        ledger: &[("debit", "M1", "E1", 100)],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,paid\n1,2,p,m,q,M1,1,E1,1,100,paid\n",
        double_paid: 0,
        lost: 1,
        agrees: false,
    },
    Case {
        name: "still under way: nothing lost, but the sums differ",
        ledger: &[("debit", "M1", "E1", 100)],
        outcomes: "1,1,p,m,q,M1,1,E1,1,100,in_doubt\n1,2,p,m,q,M1,2,E2,1,100,in_flight\n",
        double_paid: 0,
        lost: 0,
        agrees: false,
    },
];

fn written(case: &Case) -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let entry = |(seq, (kind, reference, row_ref, amount)): (usize, &(&str, &str, &str, i64))| {
        let entry = json!({"seq": seq + 1, "kind": kind, "reference": reference, "row_ref": row_ref, "account": "9",
            "payee_account": "6222", "amount_fen": amount, "at": "2026-11-02T10:00:00+08:00"});
        format!("{entry}\n")
    };
    let ledger: String = case.ledger.iter().enumerate().map(entry).collect();
    let paths = [dir.path().join("q.jsonl"), dir.path().join("outcomes.csv")];
    std::fs::write(&paths[0], ledger).unwrap();
    std::fs::write(&paths[1], format!("{HEADER}{}", case.outcomes)).unwrap();
    let [ledger, outcomes] = paths;
    (dir, ledger, outcomes)
}

#[test]
fn the_books_agree_or_the_audit_says_how_they_differ() {
    for case in CASES {
        let (_dir, ledger, outcomes) = written(case);
        let report = audit(&[format!("q={}", ledger.display())], &outcomes).unwrap();
        let found = (report.double_paid.count, report.lost.count, report.agrees());
        assert_eq!(
            found,
            (case.double_paid, case.lost, case.agrees),
            "{}: {report:?}",
            case.name
        );
    }
}

#[test]
fn the_program_prints_the_sums_and_exits_by_what_it_found() {
    for (index, code) in [(0, 0), (3, 1)] {
        let (_dir, ledger, outcomes) = written(&CASES[index]);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_banksim"));
        let output = command
            .arg("audit")
            .arg("--ledger")
            .arg(ledger)
            .arg("--outcomes")
            .arg(outcomes)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(
            text.contains("bank_paid_fen=") && text.contains("double_paid="),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_understood_stops_the_audit() {
    let cases = [
        "1,1,p,m,other,M1,1,E1,1,100,paid\n",
        "1,1,p,m,q,M1,1,E1,1,1.00,paid\n",
        "1,1,p,m,q,M1,1,E1,1,100,perhaps\n",
        "1,1,p\n",
    ];
    for outcomes in cases {
        let case = Case {
            outcomes,
            ..Case {
                name: "",
                ledger: &[],
                double_paid: 0,
                lost: 0,
                agrees: false,
                outcomes: "",
            }
        };
        let (_dir, ledger, file) = written(&case);
        assert!(
            audit(&[format!("q={}", ledger.display())], &file).is_err(),
            "{outcomes}"
        );
    }
}
