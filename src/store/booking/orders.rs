//! Whatever the order in which a batch's facts come, however often each comes and in whatever chunks: the outcomes are the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wagegate_domain::fact::ItemRefs;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::reference;

use super::*;

const KEYS: [&str; 3] = ["AAAAAAAAAAA1", "AAAAAAAAAAA2", "AAAAAAAAAAA3"];
const ROWS: u32 = 5;

/// By which handle the bank names a payment.
#[derive(Clone, Copy, Debug)]
enum Handle {
    Reference,
    Row,
    Account,
    /// Not the payment alone: the whole instruction.
    Whole,
}

/// One fact about one payment, or about all of one instruction.
type Said = (usize, u32, Handle, Verdict);

/// Where a batch has come to: the outcome of each payment, and count and sum in each place.
type Stands = (BTreeMap<Seat, Outcome>, BTreeMap<Place, (i64, i64)>);

fn named() -> Instructions {
    let accepted = |id| Named {
        id,
        state: State::Accepted,
    };
    KEYS.iter()
        .zip(1..)
        .map(|(key, id)| ((*key).to_owned(), accepted(id)))
        .collect()
}

fn attempt(instruction: i64, row: u32) -> Standing {
    Standing {
        seat: (instruction, row),
        batch: 1,
        row: row + 10,
        attempt: 1,
        latest: true,
        amount: Fen::new(100 + i64::from(row)),
        account_blind: [u8::try_from(row).unwrap(); 16],
        card: i64::from(row),
        planned_at: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Open,
        version: 0,
        state: State::Accepted,
    }
}

fn saying(ordinal: u64, (instruction, row, handle, verdict): Said) -> Saying {
    let key = KEYS[instruction].to_owned();
    let bank = BankCode::default();
    let mut refs = ItemRefs::default();
    match handle {
        Handle::Whole => {
            let told = Told::Whole {
                instruction: key,
                verdict,
                bank,
            };
            return Saying {
                ordinal,
                told,
                account_blind: None,
            };
        }
        Handle::Reference => refs.reference = Some(reference(&key, row)),
        Handle::Row => {
            refs.instruction = Some(key);
            refs.sequence = Some(row);
        }
        Handle::Account => refs.instruction = Some(key),
    }
    Saying {
        ordinal,
        told: Told::Item {
            refs,
            verdict,
            amount: Some(Fen::new(100 + i64::from(row))),
            bank,
        },
        account_blind: Some([u8::try_from(row).unwrap(); 16]),
    }
}

/// Books sayings chunk by chunk, as an engine does.
fn stands(said: &[Said], chunk: usize) -> Stands {
    let instructions = named();
    let mut standing: BTreeMap<Seat, Standing> = (1..=3)
        .flat_map(|id| (1..=ROWS).map(move |row| attempt(id, row)))
        .map(|attempt| (attempt.seat, attempt))
        .collect();
    let mut places = BTreeMap::new();
    for (part, said) in said.chunks(chunk).enumerate() {
        let first = u64::try_from(part * chunk).unwrap();
        let sayings: Vec<Saying> = said
            .iter()
            .zip(first..)
            .map(|(said, ordinal)| saying(ordinal, *said))
            .collect();
        for segment in segments(&sayings) {
            let mut booking = Booking::default();
            match segment {
                Segment::Items(sayings) => {
                    let mut loaded: Standings = standing.values().cloned().collect();
                    booking.items(sayings, &instructions, &mut loaded);
                    standing = loaded.seats;
                }
                Segment::Whole(saying) | Segment::Rest(saying) => {
                    let of = whole_of(saying, &instructions).unwrap().id;
                    let mut page: Vec<Standing> = standing
                        .values()
                        .filter(|attempt| attempt.seat.0 == of)
                        .cloned()
                        .collect();
                    booking.page(saying, &mut page);
                    standing.extend(page.into_iter().map(|attempt| (attempt.seat, attempt)));
                }
            }
            assert!(booking.suspense.is_empty(), "{:?}", booking.suspense);
            for ((_, from, to), (count, sum)) in booking.moves {
                let count = i64::try_from(count).unwrap();
                for (place, sign) in [(from, -1), (to, 1)] {
                    let (items, fen): &mut (i64, i64) = places.entry(place).or_default();
                    *items += sign * count;
                    *fen += sign * sum.get();
                }
            }
        }
    }
    places.retain(|_, figures| *figures != (0, 0));
    let outcomes = standing
        .into_iter()
        .map(|(seat, attempt)| (seat, attempt.outcome))
        .collect();
    (outcomes, places)
}

fn any_said() -> impl Strategy<Value = Said> {
    let reason = || prop::sample::select(Reason::ALL.to_vec());
    let verdict = prop_oneof![
        Just(Verdict::Accepted),
        Just(Verdict::InProgress),
        Just(Verdict::Unknown),
        Just(Verdict::Paid),
        reason().prop_map(Verdict::Failed),
        reason().prop_map(Verdict::Returned),
    ];
    let handle = prop_oneof![
        4 => Just(Handle::Reference),
        2 => Just(Handle::Row),
        2 => Just(Handle::Account),
        1 => Just(Handle::Whole),
    ];
    (0..KEYS.len(), 1..=ROWS, handle, verdict)
}

/// Facts, and the same facts in another order with some of them repeated.
fn facts_and_their_like() -> impl Strategy<Value = (Vec<Said>, Vec<Said>)> {
    let facts = prop::collection::vec((any_said(), 1..=3_usize), 0..24);
    facts.prop_flat_map(|facts| {
        let once: Vec<Said> = facts.iter().map(|(said, _)| *said).collect();
        let again: Vec<Said> = facts
            .into_iter()
            .flat_map(|(said, times)| std::iter::repeat_n(said, times))
            .collect();
        (Just(once), Just(again).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_batchs_facts_in_any_order_and_any_number_come_to_the_same_outcomes(
        (once, again) in facts_and_their_like(),
        chunk in 1..9_usize,
    ) {
        prop_assert_eq!(stands(&once, 24), stands(&again, chunk));
    }
}
