//! What facts do to the attempts that they find, tried without an engine.

use super::*;
use wagegate_domain::fact::ItemRefs;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::reference;
use wagegate_domain::reason::Reason;

const KEY: &str = "ABCDEFGHIJ12";

fn instructions(state: State) -> Instructions {
    BTreeMap::from([(KEY.to_owned(), Named { id: 7, state })])
}

fn attempt(row: u32, state: State) -> Standing {
    Standing {
        seat: (7, row),
        batch: 1,
        row: row + 10,
        attempt: 1,
        latest: true,
        amount: Fen::new(100),
        account_blind: [if row == 3 { 2 } else { 1 }; 16],
        card: i64::from(row),
        planned_at: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Open,
        version: 0,
        state,
    }
}

fn item(refs: ItemRefs, verdict: Verdict, amount: Option<i64>) -> Saying {
    Saying {
        ordinal: 0,
        told: Told::Item {
            refs,
            verdict,
            amount: amount.map(Fen::new),
            bank: BankCode::default(),
        },
        account_blind: Some([2; 16]),
    }
}

fn refs(reference: Option<String>, instruction: Option<&str>, sequence: Option<u32>) -> ItemRefs {
    ItemRefs {
        reference,
        instruction: instruction.map(str::to_owned),
        sequence,
        ..ItemRefs::default()
    }
}

fn booked(sayings: &[Saying], state: State) -> Booking {
    let mut attempts = (1..=3).map(|row| attempt(row, state)).collect();
    let mut booking = Booking::default();
    booking.items(sayings, &instructions(state), &mut attempts);
    booking
}

#[test]
fn a_saying_finds_its_payment_exactly_or_goes_to_suspense() {
    let ours = |row| Some(reference(KEY, row));
    for (refs, amount, expected) in [
        (refs(ours(2), None, None), None, Ok(2)),
        (refs(ours(2), Some("OTHER"), Some(1)), Some(100), Ok(2)),
        (refs(None, Some(KEY), Some(1)), Some(100), Ok(1)),
        (
            refs(Some("NOTPROVIDED".into()), Some(KEY), Some(1)),
            None,
            Ok(1),
        ),
        (refs(None, Some(KEY), None), Some(100), Ok(3)),
        (refs(None, Some(KEY), None), Some(101), Err(NOT_ONE)),
        (refs(None, Some(KEY), None), None, Err(NO_HANDLE)),
        (refs(ours(2), None, None), Some(99), Err(OTHER_AMOUNT)),
        (refs(ours(9), None, None), None, Err(NO_SUCH_ROW)),
        (refs(None, Some("OTHER"), Some(1)), None, Err(UNKNOWN)),
        (refs(None, None, Some(1)), Some(100), Err(NO_HANDLE)),
    ] {
        let said = item(refs, Verdict::Paid, amount);
        let booking = booked(std::slice::from_ref(&said), State::Accepted);
        let facts: Vec<u32> = booking.facts.iter().map(|fact| fact.seat.1).collect();
        let parked: Vec<&str> = booking
            .suspense
            .iter()
            .map(|row| row.why.as_str())
            .collect();
        match expected {
            Ok(row) => assert_eq!((facts, parked), (vec![row], vec![]), "{said:?}"),
            Err(why) => assert_eq!((facts, parked), (vec![], vec![why]), "{said:?}"),
        }
    }
}

#[test]
fn a_wage_moves_once_however_often_the_bank_says_the_same() {
    let paid = item(
        refs(Some(reference(KEY, 1)), None, None),
        Verdict::Paid,
        None,
    );
    let booking = booked(&[paid.clone(), paid], State::Accepted);
    assert_eq!((booking.facts.len(), booking.outcomes.len()), (2, 1));
    let moved = BTreeMap::from([((1, Place::InFlight, Place::Paid), (1, Fen::new(100)))]);
    assert_eq!(booking.moves, moved);
    assert!(booking.ends.is_empty());
}

#[test]
fn a_failure_ends_the_attempt_and_a_payment_after_it_is_a_contradiction() {
    let say = |verdict| item(refs(Some(reference(KEY, 1)), None, None), verdict, None);
    let said = [say(Verdict::Failed(Reason::Closed)), say(Verdict::Paid)];
    let booking = booked(&said, State::Accepted);
    let outcomes: Vec<Outcome> = booking.outcomes.iter().map(|row| row.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Failed(Reason::Closed), Outcome::Contradicted]
    );
    assert_eq!(booking.ends.len(), 1);
    assert_eq!(
        booking.moves.keys().collect::<Vec<_>>(),
        [
            &(1, Place::InFlight, Place::Failed),
            &(1, Place::Failed, Place::InDoubt)
        ]
    );
}

#[test]
fn what_was_never_sent_takes_no_facts() {
    let paid = item(
        refs(Some(reference(KEY, 1)), None, None),
        Verdict::Paid,
        None,
    );
    let booking = booked(&[paid], State::Planned);
    assert!(booking.facts.is_empty());
    assert_eq!(booking.suspense[0].why, NEVER_SENT);
}

#[test]
fn a_fact_about_a_replaced_attempt_moves_nothing_and_is_shown() {
    let mut old = attempt(1, State::Accepted);
    old.latest = false;
    let mut booking = Booking::default();
    booking.fact(&mut old, 4, Verdict::Paid, &BankCode::default());
    assert_eq!((booking.facts.len(), booking.outcomes.len()), (1, 1));
    assert!(booking.moves.is_empty());
    assert_eq!(booking.suspense[0].why, REPLACED);
}

#[test]
fn a_report_proves_that_a_doubtful_instruction_arrived() {
    let working = item(refs(None, Some(KEY), Some(1)), Verdict::InProgress, None);
    for (state, expected) in [
        (State::Planned, vec![]),
        (State::Sending, vec![7]),
        (State::InDoubt, vec![7]),
        (State::Accepted, vec![]),
        (State::Refused, vec![]),
    ] {
        let proven = proven(std::slice::from_ref(&working), &instructions(state));
        assert_eq!(
            proven.into_iter().collect::<Vec<_>>(),
            expected,
            "{state:?}"
        );
    }
}

#[test]
fn the_rest_is_taken_only_when_number_and_sum_agree() {
    let rest = |count, total: Option<i64>| Saying {
        ordinal: 0,
        told: Told::Rest {
            instruction: KEY.into(),
            verdict: Verdict::Paid,
            count,
            total: total.map(Fen::new),
            bank: BankCode::default(),
        },
        account_blind: None,
    };
    for (said, fits) in [
        (rest(2, None), true),
        (rest(2, Some(200)), true),
        (rest(3, None), false),
        (rest(2, Some(199)), false),
    ] {
        assert_eq!(rest_fits(&said, 2, Fen::new(200)).is_ok(), fits, "{said:?}");
    }
}

#[test]
fn a_chunk_is_cut_at_wholes_and_rests_only() {
    let said = |told| Saying {
        ordinal: 0,
        told,
        account_blind: None,
    };
    let whole = || {
        said(Told::Whole {
            instruction: KEY.into(),
            verdict: Verdict::InProgress,
            bank: BankCode::default(),
        })
    };
    let remark = || said(Told::Remark("odd".into()));
    let all = [remark(), remark(), whole(), whole(), remark()];
    let cut: String = segments(&all)
        .iter()
        .map(|segment| match segment {
            Segment::Items(items) => items.len().to_string(),
            Segment::Whole(_) => "W".to_owned(),
            Segment::Rest(_) => "R".to_owned(),
        })
        .collect();
    assert_eq!(cut, "2WW1");
}
