//! What facts do, decided purely: an engine loads the sets that a chunk of sayings names, asks here, and writes the sets that come out.
//!
//! Matching is exact or not at all (invariant 16): by our own reference, by instruction and row number, or by instruction, account and
//! amount where exactly one payment fits. Everything else goes to suspense.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;
use wagegate_domain::fact::{BankCode, Told, Verdict};
use wagegate_domain::outcome::{Outcome, fold};
use wagegate_domain::plan::parse_reference;
use wagegate_domain::reason::Reason;
use wagegate_domain::roster::CardStatus;
use wagegate_domain::sabotage::{self, Switch};

use super::moves::Moves;
use super::troubles::Troubles;
use super::{Saying, Taken};

/// An attempt's place: instruction and row number in it.
pub(super) type Seat = (i64, u32);

/// An instruction that a chunk names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) id: i64,
    pub(super) state: State,
}

/// The instructions of one bank that a chunk names, by bank key.
pub(super) type Instructions = BTreeMap<String, Named>;

/// An attempt as it stands before a fact.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) seat: Seat,
    pub(super) batch: i64,
    pub(super) row: u32,
    pub(super) attempt: u32,
    /// False where a later attempt for the same wage exists: then the wage stands where that one does.
    pub(super) latest: bool,
    pub(super) amount: Fen,
    pub(super) account_blind: [u8; 16],
    /// The card that it goes to, and when its instruction was planned.
    pub(super) card: i64,
    pub(super) planned_at: Timestamp,
    pub(super) outcome: Outcome,
    /// Versions of the outcome so far; 0 for none.
    pub(super) version: u32,
    /// Where its instruction stands by now, in this transaction: after [`proven`] instructions were moved on.
    pub(super) state: State,
}

/// Attempts loaded for a chunk.
#[derive(Debug, Default)]
pub(super) struct Standings {
    seats: BTreeMap<Seat, Standing>,
    accounts: BTreeMap<(i64, [u8; 16], Fen), BTreeSet<Seat>>,
}

impl FromIterator<Standing> for Standings {
    fn from_iter<I: IntoIterator<Item = Standing>>(attempts: I) -> Self {
        let mut all = Self::default();
        for attempt in attempts {
            let account = (attempt.seat.0, attempt.account_blind, attempt.amount);
            all.accounts
                .entry(account)
                .or_default()
                .insert(attempt.seat);
            all.seats.insert(attempt.seat, attempt);
        }
        all
    }
}

/// What an engine must load before it books a segment of items.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Attempts by instruction and row number.
    pub(super) seats: BTreeSet<Seat>,
    /// Every attempt of an instruction with this account and amount.
    pub(super) accounts: BTreeSet<(i64, [u8; 16], Fen)>,
}

/// A part of a chunk, in order; what lies before a whole or a rest must be written before it is looked at.
#[derive(Debug)]
pub(super) enum Segment<'a> {
    /// Sayings about single payments, parked things and remarks.
    Items(&'a [Saying]),
    /// About every payment of an instruction.
    Whole(&'a Saying),
    /// About the payments of an instruction that the document does not list.
    Rest(&'a Saying),
}

/// Splits a chunk at its wholes and rests.
pub(super) fn segments(sayings: &[Saying]) -> Vec<Segment<'_>> {
    let kind = |saying: &Saying| match saying.told {
        Told::Item { .. } | Told::Parked { .. } | Told::Remark(_) => 0,
        Told::Whole { .. } => 1,
        Told::Rest { .. } => 2,
    };
    let mut parts = Vec::new();
    for run in sayings.chunk_by(|one, other| kind(one) == 0 && kind(other) == 0) {
        match run {
            [one] if kind(one) == 1 => parts.push(Segment::Whole(one)),
            [one] if kind(one) == 2 => parts.push(Segment::Rest(one)),
            items => parts.push(Segment::Items(items)),
        }
    }
    parts
}

/// Every bank key that a chunk names; only those of this bank that exist are to be loaded.
pub(super) fn keys(sayings: &[Saying]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for saying in sayings {
        match &saying.told {
            Told::Item { refs, .. } => {
                let of_reference = refs.reference.as_deref().and_then(parse_reference);
                keys.extend(of_reference.map(|(key, _)| key.to_owned()));
                keys.extend(refs.instruction.clone());
            }
            Told::Whole { instruction, .. } | Told::Rest { instruction, .. } => {
                keys.insert(instruction.clone());
            }
            Told::Parked { .. } | Told::Remark(_) => {}
        }
    }
    keys
}

/// Instructions that the chunk proves to have arrived: a bank reports only on what it has.
pub(super) fn proven(sayings: &[Saying], instructions: &Instructions) -> BTreeSet<i64> {
    keys(sayings)
        .iter()
        .filter_map(|key| instructions.get(key))
        .filter(|named| match named.state {
            State::Sending | State::InDoubt => true,
            State::Planned | State::Accepted | State::Refused => false,
        })
        .map(|named| named.id)
        .collect()
}

/// Instructions that were never sent from this store and that the bank reports on: it went back in time, or another one sent them.
/// Sending them now could pay a second time (invariant 14).
pub(super) fn arrived_unsent(sayings: &[Saying], instructions: &Instructions) -> BTreeSet<i64> {
    keys(sayings)
        .iter()
        .filter_map(|key| instructions.get(key))
        .filter(|named| named.state == State::Planned)
        .map(|named| named.id)
        .collect()
}

/// Instructions whose attempts have ended as a whole and of which the bank speaks as of ones that it has: whatever is planned for the same wages
/// could pay them a second time. That they failed or came back is no such word.
pub(super) fn spoken_of_again(sayings: &[Saying], instructions: &Instructions) -> BTreeSet<i64> {
    if instructions
        .values()
        .all(|named| named.state != State::Refused)
    {
        return BTreeSet::new();
    }
    sayings
        .iter()
        .filter(|saying| says_it_is_there(&saying.told))
        .flat_map(|saying| keys(std::slice::from_ref(saying)))
        .filter_map(|key| instructions.get(&key))
        .filter(|named| named.state == State::Refused)
        .map(|named| named.id)
        .collect()
}

fn says_it_is_there(told: &Told) -> bool {
    match told {
        Told::Item { verdict, .. } | Told::Whole { verdict, .. } | Told::Rest { verdict, .. } => {
            match verdict {
                Verdict::Accepted | Verdict::InProgress | Verdict::Unknown | Verdict::Paid => true,
                Verdict::Failed(_) | Verdict::Returned(_) => false,
            }
        }
        Told::Parked { .. } | Told::Remark(_) => false,
    }
}

/// What to load for a segment of items.
pub(super) fn wanted(sayings: &[Saying], instructions: &Instructions) -> Wanted {
    let mut wanted = Wanted::default();
    for saying in sayings {
        match target(saying, instructions) {
            Target::Seat(seat) => drop(wanted.seats.insert(seat)),
            Target::Account(account) => drop(wanted.accounts.insert(account)),
            Target::Nothing(_) => {}
        }
    }
    wanted
}

/// The instruction that a whole or a rest is about, or why it cannot be taken.
pub(super) fn whole_of<'a>(
    saying: &Saying,
    instructions: &'a Instructions,
) -> Result<&'a Named, &'static str> {
    match &saying.told {
        Told::Whole { instruction, .. } | Told::Rest { instruction, .. } => {
            instructions.get(instruction).ok_or(UNKNOWN).and_then(sent)
        }
        Told::Item { .. } | Told::Parked { .. } | Told::Remark(_) => Err(UNKNOWN),
    }
}

/// Whether the payments without a fact from this document are those that the bank means: number and, where given, sum agree.
pub(super) fn rest_fits(saying: &Saying, unlisted: u64, sum: Fen) -> Result<(), &'static str> {
    match &saying.told {
        Told::Rest { count, total, .. }
            if *count == unlisted && total.is_none_or(|total| total == sum) =>
        {
            Ok(())
        }
        Told::Rest { .. }
        | Told::Whole { .. }
        | Told::Item { .. }
        | Told::Parked { .. }
        | Told::Remark(_) => Err(
            "the payments that this document does not list are not as many, or not as much, as it says",
        ),
    }
}

const UNKNOWN: &str = "no instruction of ours at this bank has that key";
const NEVER_SENT: &str = "about an instruction that was never sent from this database";
const NO_SUCH_ROW: &str = "the instruction has no such payment";
const NOT_ONE: &str = "not exactly one payment of the instruction has this account and amount";
const OTHER_AMOUNT: &str = "the amount is not the one that was instructed";
const NO_HANDLE: &str = "nothing in it names a payment of ours";
const REPLACED: &str = "changes an attempt that a later one has replaced";

enum Target {
    Seat(Seat),
    Account((i64, [u8; 16], Fen)),
    Nothing(&'static str),
}

fn sent(named: &Named) -> Result<&Named, &'static str> {
    match named.state {
        State::Planned => Err(NEVER_SENT),
        State::Sending | State::InDoubt | State::Accepted | State::Refused => Ok(named),
    }
}

fn target(saying: &Saying, instructions: &Instructions) -> Target {
    let (Told::Item { refs, amount, .. }, blind) = (&saying.told, saying.account_blind) else {
        return Target::Nothing(NO_HANDLE);
    };
    let by_reference = refs.reference.as_deref().and_then(parse_reference);
    let by_reference =
        by_reference.and_then(|(key, row)| Some((instructions.get(key)?, Some(row))));
    let by_instruction = || {
        let key = refs.instruction.as_deref()?;
        Some((instructions.get(key)?, refs.sequence))
    };
    let Some((named, row)) = by_reference.or_else(by_instruction) else {
        let named_something = refs.reference.is_some() || refs.instruction.is_some();
        return Target::Nothing(if named_something { UNKNOWN } else { NO_HANDLE });
    };
    match (sent(named), row, blind.zip(*amount)) {
        (Err(why), _, _) => Target::Nothing(why),
        (Ok(named), Some(row), _) => Target::Seat((named.id, row)),
        (Ok(named), None, Some((blind, amount))) => Target::Account((named.id, blind, amount)),
        (Ok(_), None, None) => Target::Nothing(NO_HANDLE),
    }
}

/// One fact to append.
#[derive(Clone, Debug)]
pub(super) struct FactRow {
    pub(super) seat: Seat,
    pub(super) ordinal: u64,
    pub(super) verdict: Verdict,
    pub(super) bank: BankCode,
}

/// One new version of an outcome to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutcomeRow {
    pub(super) seat: Seat,
    pub(super) version: u32,
    pub(super) outcome: Outcome,
}

/// An attempt that has ended; appended unless it had ended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndRow {
    pub(super) batch: i64,
    pub(super) row: u32,
    pub(super) attempt: u32,
    /// `failed` or `returned`.
    pub(super) cause: &'static str,
}

/// What an outcome says of the card that the wage went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CardSaying {
    pub(super) card: i64,
    /// When the wage was planned: what was said of the card since is not answered by its payment.
    pub(super) planned_at: Timestamp,
    /// Verified, invalid, or unverified again.
    pub(super) status: CardStatus,
    /// Why, where it was refused.
    pub(super) reason: Option<Reason>,
}

impl CardSaying {
    /// A paid wage verifies its card; a failure or return speaks against it only where the reason lies in the card; both together say nothing.
    fn of(attempt: &Standing) -> Option<Self> {
        let (status, reason) = match attempt.outcome {
            Outcome::Paid => (CardStatus::Verified, None),
            Outcome::Failed(reason) | Outcome::Returned(reason) if reason.lies_in_card() => {
                (CardStatus::Invalid, Some(reason))
            }
            Outcome::Contradicted => (CardStatus::Unverified, None),
            Outcome::Failed(_) | Outcome::Returned(_) | Outcome::Open => return None,
        };
        Some(Self {
            card: attempt.card,
            planned_at: attempt.planned_at,
            status,
            reason,
        })
    }
}

/// Something to be looked at by people.
#[derive(Clone, Debug)]
pub(super) struct SuspenseRow {
    pub(super) ordinal: u64,
    pub(super) why: String,
    pub(super) amount: Option<Fen>,
    /// Key of the instruction that the bank spoke of, where it named one.
    pub(super) named: Option<String>,
}

/// What to write. Moves are per batch; their effect on the account is [`wagegate_domain::ledger::movement`] of the sum, and with it the account's
/// `overdrawn_fen` becomes what its reservations are above its balance, or nought: a fact is never refused for lack of funds.
#[derive(Debug, Default)]
pub(super) struct Booking {
    pub(super) facts: Vec<FactRow>,
    pub(super) outcomes: Vec<OutcomeRow>,
    pub(super) ends: Vec<EndRow>,
    /// The last word on the card of each wage that changed its outcome; of its latest attempt only.
    pub(super) cards: BTreeMap<Seat, CardSaying>,
    pub(super) suspense: Vec<SuspenseRow>,
    /// Remarks on the document: ordinal and words.
    pub(super) remarks: Vec<(u64, String)>,
    /// Count and sum of the wages that go from one place to another, by batch.
    pub(super) moves: Moves,
    /// Failures and returns, summed up for those who want to be told.
    pub(super) troubles: Troubles,
}

impl Booking {
    /// Books a segment of items against what was loaded for it.
    pub(super) fn items(
        &mut self,
        sayings: &[Saying],
        instructions: &Instructions,
        attempts: &mut Standings,
    ) {
        for saying in sayings {
            match &saying.told {
                Told::Item {
                    verdict,
                    amount,
                    bank,
                    ..
                } => {
                    let found = attempts.find(target(saying, instructions));
                    match found.and_then(|attempt| same_amount(attempt, *amount)) {
                        Ok(attempt) => {
                            let before = attempt.outcome;
                            self.fact(attempt, saying.ordinal, *verdict, bank);
                            if attempt.outcome != before {
                                self.card(attempt);
                            }
                        }
                        Err(why) => self.park(saying, why),
                    }
                }
                Told::Parked { why, .. } => self.park(saying, why),
                Told::Remark(words) => self.remarks.push((saying.ordinal, words.clone())),
                Told::Whole { .. } | Told::Rest { .. } => self.park(saying, NO_HANDLE),
            }
        }
    }

    /// Books a whole or a rest against one page of the attempts that it is about.
    pub(super) fn page(&mut self, saying: &Saying, attempts: &mut [Standing]) {
        if let Told::Whole { verdict, bank, .. } | Told::Rest { verdict, bank, .. } = &saying.told {
            for attempt in attempts {
                let before = attempt.outcome;
                self.fact(attempt, saying.ordinal, *verdict, bank);
                // Why an instruction failed as a whole does not lie in one card.
                if attempt.outcome != before && !attempt.outcome.ends_attempt() {
                    self.card(attempt);
                }
            }
        }
    }

    /// Books one verdict about one attempt.
    pub(super) fn fact(
        &mut self,
        attempt: &mut Standing,
        ordinal: u64,
        verdict: Verdict,
        bank: &BankCode,
    ) {
        self.facts.push(FactRow {
            seat: attempt.seat,
            ordinal,
            verdict,
            bank: bank.clone(),
        });
        let outcome = fold(attempt.outcome, verdict);
        if outcome == attempt.outcome {
            return;
        }
        if attempt.latest {
            self.shift(attempt, outcome);
            self.troubles.add(attempt.batch, outcome, attempt.amount);
        } else {
            self.suspense.push(SuspenseRow {
                ordinal,
                why: REPLACED.to_owned(),
                amount: Some(attempt.amount),
                named: None,
            });
        }
        attempt.outcome = outcome;
        attempt.version += 1;
        self.outcomes.push(OutcomeRow {
            seat: attempt.seat,
            version: attempt.version,
            outcome,
        });
        if outcome.ends_attempt() {
            self.ends.push(EndRow {
                batch: attempt.batch,
                row: attempt.row,
                attempt: attempt.attempt,
                cause: outcome.code(),
            });
        }
    }

    /// What a changed outcome says of the card.
    fn card(&mut self, attempt: &Standing) {
        if attempt.latest {
            let saying = CardSaying::of(attempt).map(|saying| (attempt.seat, saying));
            self.cards.extend(saying);
        }
    }

    /// One saying on each card; of several, the one against it.
    pub(super) fn card_sayings(&self) -> Vec<&CardSaying> {
        let mut sayings: BTreeMap<i64, &CardSaying> = BTreeMap::new();
        for saying in self.cards.values() {
            let known = sayings.entry(saying.card).or_insert(saying);
            if saying.status == CardStatus::Invalid {
                *known = saying;
            }
        }
        sayings.into_values().collect()
    }

    /// Puts a saying before people.
    pub(super) fn park(&mut self, saying: &Saying, why: &str) {
        if sabotage::on(Switch::UnmatchedDropped) {
            return;
        }
        let amount = match &saying.told {
            Told::Item { amount, .. } | Told::Parked { amount, .. } => *amount,
            Told::Rest { total, .. } => *total,
            Told::Whole { .. } | Told::Remark(_) => None,
        };
        self.suspense.push(SuspenseRow {
            ordinal: saying.ordinal,
            why: why.to_owned(),
            amount,
            named: keys(std::slice::from_ref(saying)).pop_first(),
        });
    }

    /// What was taken, for the report on the document.
    pub(super) fn taken(&self) -> Taken {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        Taken {
            facts: count(self.facts.len()),
            changed: count(self.outcomes.len()),
            suspense: count(self.suspense.len()),
        }
    }

    fn shift(&mut self, attempt: &Standing, outcome: Outcome) {
        let (from, to) = (
            attempt.state.place(attempt.outcome),
            attempt.state.place(outcome),
        );
        if from != to {
            let (count, sum) = self.moves.entry((attempt.batch, from, to)).or_default();
            *count += 1;
            // A batch's total fits 64 bits, so a part of it does.
            *sum = sum
                .checked_add(attempt.amount)
                .unwrap_or(Fen::new(i64::MAX));
        }
    }
}

impl Standings {
    fn find(&mut self, target: Target) -> Result<&mut Standing, &'static str> {
        let seat = match target {
            Target::Seat(seat) => seat,
            Target::Account(account) => self.only(&account).ok_or(NOT_ONE)?,
            Target::Nothing(why) => return Err(why),
        };
        self.seats.get_mut(&seat).ok_or(NO_SUCH_ROW)
    }

    fn only(&self, account: &(i64, [u8; 16], Fen)) -> Option<Seat> {
        let seats = self.accounts.get(account)?;
        seats.first().copied().filter(|_| seats.len() == 1)
    }
}

fn same_amount(attempt: &mut Standing, told: Option<Fen>) -> Result<&mut Standing, &'static str> {
    let passes = sabotage::on(Switch::AmountNotCompared);
    if passes || told.is_none_or(|told| told == attempt.amount) {
        Ok(attempt)
    } else {
        Err(OTHER_AMOUNT)
    }
}

#[cfg(test)]
mod orders;
#[cfg(test)]
mod tests;
