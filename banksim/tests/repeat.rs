//! Chance repeats: the same seed and the same instructions give the same payments, whatever the clock says.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set the scene has failed"
)]

use banksim::bank::{Account, Bank, Progress, Taking};
use banksim::behaviour::Behaviour;
use banksim::dialect::Dialect;
use banksim::ledger::EntryKind;
use banksim::money::Fen;

const SETTINGS: &str = "result_order = \"shuffled\"\n[fail]\nname_mismatch = 100\nclosed = 50\n[late_return]\nabnormal = 100\n";

type Moves = Vec<(EntryKind, String, Fen)>;

fn run(seed: u64, reference: &str) -> (Moves, Vec<u8>, Bank) {
    let behaviour = Behaviour::parse(SETTINGS).unwrap();
    let mut bank = Bank::new("b".to_owned(), Dialect::Textfile, behaviour, seed, false);
    let account = Account {
        account: "9".to_owned(),
        name: "专户".to_owned(),
        balance_fen: Fen(1_000_000),
        held_fen: Fen::ZERO,
    };
    bank.open(account).unwrap();
    let rows: String = (1..=500)
        .map(|row| format!("{row:07}|62{row}|张三|402731000018|{row}||\r\n"))
        .collect();
    let body = format!("P|{reference}|9|500|125250|20261102|\r\n{rows}########\r\n");
    let body = encoding_rs::GB18030.encode(&body).0.into_owned();
    assert_eq!(bank.submit(reference, &body), Taking::Taken);
    bank.finish();
    let Progress::Done(outcome) = bank.query(reference, None) else {
        panic!("the work is not done")
    };
    let moves = bank
        .ledger
        .entries()
        .iter()
        .map(|entry| (entry.kind, entry.row_ref.clone(), entry.amount_fen));
    let result = Dialect::Textfile.result(&outcome, bank.behaviour.list);
    (moves.collect(), result, bank)
}

#[test]
fn a_run_repeats_with_its_seed_and_differs_with_another() {
    let (moves, result, _) = run(7, "A1");
    let (again, same, _) = run(7, "A1");
    assert!(moves == again && result == same);
    assert_ne!(moves, run(8, "A1").0);
    assert_ne!(moves, run(7, "A2").0);
}

#[test]
fn only_paid_rows_are_debited_and_the_balance_is_what_the_ledger_says() {
    let (moves, result, bank) = run(7, "A1");
    let debits = moves
        .iter()
        .filter(|(kind, ..)| *kind == EntryKind::Debit)
        .count();
    let paid = String::from_utf8_lossy(&result).matches("|S000|").count();
    let summary = bank.summary();
    assert_eq!(debits, paid);
    assert!((300..500).contains(&debits) && summary.returns > 0 && summary.references_twice == 0);
    let left = bank.accounts().next().unwrap();
    assert_eq!(
        (left.balance_fen.0, left.held_fen.0),
        (1_000_000 - summary.net_fen.0, 0)
    );
}
