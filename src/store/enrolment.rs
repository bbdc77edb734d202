//! What a chunk of a roster changes, decided purely: an engine loads what is known of the chunk's workers, asks here, and writes what comes out.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};
use wagegate_domain::PayMonth;
use wagegate_domain::reason::Reason;
use wagegate_domain::roster::{CardKind, CardStatus};

use super::columns::Columns;
use super::registry::{CardWord, Registered, SealedProfile, SealedWorker, Stay};
use super::versions::{Appended, Versions};
use super::{StoreError, Within};

/// One worker of the chunk with store keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enrolled<'a> {
    pub(super) row: &'a SealedWorker,
    pub(super) worker: i64,
    /// The binding of the card that the row names.
    pub(super) card: Option<i64>,
}

/// What is known of the chunk's workers and of their cards, present and named.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Blind index of the registered name, by worker.
    pub(super) names: HashMap<i64, [u8; 16]>,
    /// Stays on the project, by worker, in order.
    pub(super) stays: HashMap<i64, Vec<Stay>>,
    /// The card that wages go to, by worker.
    pub(super) current: HashMap<i64, i64>,
    /// Words on cards, in order.
    pub(super) words: HashMap<i64, Vec<CardWord>>,
    /// Who is on a site of projects that are not the speaker's.
    pub(super) on_sites_of_others: HashSet<i64>,
}

/// What a roster would change of a worker who is on the site of a project that is not the speaker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// The registered name.
    Name,
    /// A card that is verified.
    Card,
}

/// What of a chunk is not the speaker's to change, with the rows. That somebody is on a second site too may be said by anybody.
pub(super) fn not_theirs(workers: &[Enrolled<'_>], known: &Known) -> Vec<(u32, Elsewhere)> {
    let mut refused = Vec::new();
    for Enrolled { row, worker, card } in workers {
        if known.holds_name(*worker, &row.profile.name_blind) {
            refused.push((row.row, Elsewhere::Name));
        }
        if card.is_some_and(|to| known.holds_card(*worker, to)) {
            refused.push((row.row, Elsewhere::Card));
        }
    }
    refused
}

/// The workers of stays, with `worker_id` and the project's `code` and `region`, that lie outside what is the speaker's.
pub(super) fn outside(stays: &[impl Columns], within: &Within) -> Result<HashSet<i64>, StoreError> {
    let mut workers = HashSet::new();
    for stay in stays {
        if !within.covers(&stay.text("code")?, &stay.text("region")?) {
            workers.insert(stay.int("worker_id")?);
        }
    }
    Ok(workers)
}

/// Another card than before, or the same of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CardChange {
    pub(super) row: u32,
    pub(super) from: Option<i64>,
    pub(super) to: i64,
    pub(super) kind: CardKind,
}

/// A word to append on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewWord {
    pub(super) card: i64,
    pub(super) kind: CardKind,
    pub(super) status: CardStatus,
    pub(super) reason: Option<Reason>,
    pub(super) evidence: Option<[u8; 32]>,
}

/// What a chunk states, with the versions to append where they say something new.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) versions: Versions,
    project: &'a str,
    profiles: BTreeMap<i64, &'a SealedProfile>,
    stays: BTreeMap<i64, Vec<Stay>>,
    attendance: BTreeMap<(i64, PayMonth), u8>,
    cards: BTreeMap<i64, CardChange>,
}

/// What is to be written of a chunk.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    pub(super) profiles: Vec<(i64, &'a SealedProfile)>,
    /// Whose stays on the project become these.
    pub(super) stays: Vec<(i64, Vec<Stay>)>,
    pub(super) attendance: Vec<(i64, PayMonth, u8)>,
    pub(super) cards: Vec<(i64, CardChange)>,
    pub(super) words: Vec<NewWord>,
    pub(super) registered: Registered,
}

/// What the chunk states.
pub(super) fn plan<'a>(project: &'a str, workers: &[Enrolled<'a>], known: &mut Known) -> Plan<'a> {
    let mut plan = Plan {
        project,
        ..Plan::default()
    };
    for enrolled in workers {
        plan.profile(enrolled, known);
        plan.stay(enrolled, known);
        plan.attendance(enrolled);
        plan.card(enrolled, known);
    }
    plan
}

impl<'a> Plan<'a> {
    fn profile(&mut self, Enrolled { row, worker, .. }: &Enrolled<'a>, known: &mut Known) {
        let name = known.names.insert(*worker, row.profile.name_blind);
        // A roster without telephone numbers does not take away those that are known.
        if row.profile.has_phone || name != Some(row.profile.name_blind) {
            self.versions.state_worker(*worker, &row.profile);
            self.profiles.insert(*worker, &row.profile);
        }
    }

    fn stay(&mut self, Enrolled { row, worker, .. }: &Enrolled<'a>, known: &mut Known) {
        let stays = known.stays.entry(*worker).or_default();
        take_stay(stays, row);
        let content: Vec<Value> = stays.iter().map(stay_content).collect();
        self.versions.state(
            "presence",
            presence_subject(*worker, self.project),
            &Value::Array(content),
        );
        self.stays.insert(*worker, stays.clone());
    }

    fn attendance(&mut self, Enrolled { row, worker, .. }: &Enrolled<'a>) {
        for (month, days) in &row.attendance {
            let subject = attendance_subject(*worker, self.project, *month);
            self.versions
                .state("attendance", subject, &json!({"days": days}));
            self.attendance.insert((*worker, *month), *days);
        }
    }

    fn card(&mut self, Enrolled { row, worker, card }: &Enrolled<'a>, known: &Known) {
        if let (Some(to), Some(claim)) = (*card, &row.card) {
            let change = CardChange {
                row: row.row,
                from: known.current.get(worker).copied(),
                to,
                kind: known.kind(to, claim.kind),
            };
            state_card(&mut self.versions, *worker, &change);
            self.cards.insert(*worker, change);
        }
    }

    /// What is left to write once it is known which versions say something new.
    pub(super) fn changes(
        self,
        workers: &[Enrolled<'a>],
        known: &Known,
        appended: &Appended,
    ) -> Changes<'a> {
        let project = self.project;
        let says = |kind: &str, subject: String| appended.get(&(kind.to_owned(), subject)).copied();
        let mut changes = Changes {
            profiles: self
                .profiles
                .into_iter()
                .filter(|(worker, _)| says("worker", worker.to_string()).is_some())
                .collect(),
            stays: self
                .stays
                .into_iter()
                .filter(|(worker, _)| {
                    says("presence", presence_subject(*worker, project)).is_some()
                })
                .collect(),
            attendance: self
                .attendance
                .into_iter()
                .map(|((worker, month), days)| (worker, month, days))
                .filter(|(worker, month, _)| {
                    says("attendance", attendance_subject(*worker, project, *month)).is_some()
                })
                .collect(),
            cards: self
                .cards
                .into_iter()
                .filter(|(worker, _)| says("card", worker.to_string()).is_some())
                .collect(),
            ..Changes::default()
        };
        changes.words = changes
            .cards
            .iter()
            .flat_map(|(_, change)| words_of(change, known))
            .collect();
        for Enrolled { row, worker, .. } in workers {
            let presence = says("presence", presence_subject(*worker, project));
            let attended = || {
                row.attendance.iter().any(|(month, _)| {
                    says("attendance", attendance_subject(*worker, project, *month)).is_some()
                })
            };
            let of_worker = |kind| says(kind, worker.to_string()).is_some();
            match presence {
                Some(1) => changes.registered.new += 1,
                Some(_) => changes.registered.changed += 1,
                None if of_worker("worker") || of_worker("card") || attended() => {
                    changes.registered.changed += 1;
                }
                None => changes.registered.same += 1,
            }
        }
        changes
    }
}

impl Known {
    /// What nobody said does not take away what is known.
    pub(super) fn kind(&self, card: i64, claimed: CardKind) -> CardKind {
        if claimed != CardKind::Unknown {
            return claimed;
        }
        self.last(card).map_or(CardKind::Unknown, |word| word.kind)
    }

    /// Another name is not the speaker's to give.
    fn holds_name(&self, worker: i64, name: &[u8; 16]) -> bool {
        self.on_sites_of_others.contains(&worker)
            && self.names.get(&worker).is_some_and(|known| known != name)
    }

    /// Another card than the one that wages go to, which is verified, is not the speaker's to name.
    pub(super) fn holds_card(&self, worker: i64, to: i64) -> bool {
        let verified = |card: &i64| {
            self.last(*card)
                .is_some_and(|word| word.status == CardStatus::Verified)
        };
        self.on_sites_of_others.contains(&worker)
            && self
                .current
                .get(&worker)
                .is_some_and(|card| *card != to && verified(card))
    }

    fn last(&self, card: i64) -> Option<&CardWord> {
        self.words.get(&card)?.last()
    }

    /// The last word before the card was replaced.
    fn last_in_use(&self, card: i64) -> Option<&CardWord> {
        let words = self.words.get(&card)?;
        words
            .iter()
            .rev()
            .find(|word| word.status != CardStatus::Replaced)
    }
}

pub(super) fn state_card(versions: &mut Versions, worker: i64, change: &CardChange) {
    let content = json!({"card": change.to, "kind": change.kind.code()});
    versions.state("card", worker.to_string(), &content);
}

/// What a change of card says of the cards: the one before is replaced, the one named is as good as its last use, or unverified.
pub(super) fn words_of(change: &CardChange, known: &Known) -> Vec<NewWord> {
    let mut words = Vec::new();
    if let Some(from) = change.from.filter(|from| *from != change.to) {
        words.push(NewWord {
            card: from,
            kind: known.kind(from, CardKind::Unknown),
            status: CardStatus::Replaced,
            reason: None,
            evidence: None,
        });
    }
    let named = |status, reason, evidence| NewWord {
        card: change.to,
        kind: change.kind,
        status,
        reason,
        evidence,
    };
    let refused = known
        .last_in_use(change.to)
        .filter(|word| word.status == CardStatus::Invalid);
    match (known.last(change.to), refused) {
        (None, _) => words.push(named(CardStatus::Unverified, None, None)),
        (Some(last), Some(refused)) if last.status == CardStatus::Replaced => {
            // Naming a card again does not mend it.
            words.push(named(refused.status, refused.reason, refused.evidence));
        }
        (Some(last), None) if last.status == CardStatus::Replaced => {
            words.push(named(CardStatus::Unverified, None, None));
        }
        (Some(last), _) if last.kind != change.kind => {
            words.push(named(last.status, last.reason, last.evidence));
        }
        (Some(_), _) => {}
    }
    words
}

/// The stay takes the place of those that it overlaps: a corrected date is not a second stay.
fn take_stay(stays: &mut Vec<Stay>, row: &SealedWorker) {
    let stay = Stay {
        entered_on: row.entered_on,
        left_on: row.left_on,
        role: row.role,
        team: row.team.clone(),
    };
    let begins_before_end =
        |one: &Stay, other: &Stay| other.left_on.is_none_or(|left| one.entered_on <= left);
    stays.retain(|other| !(begins_before_end(&stay, other) && begins_before_end(other, &stay)));
    stays.push(stay);
    stays.sort();
}

fn stay_content(stay: &Stay) -> Value {
    json!({
        "entered_on": stay.entered_on.to_string(), "left_on": stay.left_on.map(|date| date.to_string()),
        "role": stay.role.code(), "team": stay.team,
    })
}

/// What versions of a worker's presence are of; the number stands first, so that no project's code can blur it.
pub(super) fn presence_subject(worker: i64, project: &str) -> String {
    format!("{worker}/{project}")
}

pub(super) fn attendance_subject(worker: i64, project: &str, month: PayMonth) -> String {
    format!("{worker}/{project}/{month}")
}
