//! Sheets, people, banks and what they say: the values that the tests speak of. What is done with them is in `bench`.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate::store::{
    BatchView, Decision, Happening, NewBatch, NewRaw, Plan, ProjectEntry, Remarks, RowSource,
    Saying, Says, SealedCard, SealedProfile, SealedRow, SealedWorker, StoreError, Taken,
};
use wagegate_domain::attempt::Event;
use wagegate_domain::batch::{Content, ContentHash};
use wagegate_domain::fact::{BankCode, ItemRefs, Told, Verdict};
use wagegate_domain::ids::Region;
use wagegate_domain::outcome::Place;
use wagegate_domain::plan::{KeyAlphabet, KeyRule, Limits, reference};
use wagegate_domain::reason::Reason;
use wagegate_domain::roster::{CardKind, WorkRole};
use wagegate_domain::seating::Part;
use wagegate_domain::{Fen, PayMonth};

pub(crate) const BANK: &str = "bishui";
pub(crate) const MONTH: &str = "2026-10";
pub(crate) const LEASE_MS: i64 = 60_000;
pub(crate) const KEYS: KeyRule = KeyRule {
    length: 20,
    alphabet: KeyAlphabet::DigitsAndCapitals,
};
pub(crate) const WIDE: Limits = Limits {
    rows_max: 1_000_000,
    total_fen_max: None,
    item_fen_max: None,
    own_bank_apart: false,
};

/// How the numbers of the bank's own cards begin.
pub(crate) const OWN_PREFIX: &str = "313";

pub(crate) fn plan(limits: Limits, parts: &[Part]) -> Plan<'_> {
    Plan {
        limits,
        key: KEYS,
        bank_cnaps_prefix: OWN_PREFIX,
        at: at(2),
        value_date: "2026-10-22".parse().unwrap(),
        send_at: at(2),
        parts,
    }
}

/// A part of a batch, with a content of its own.
pub(crate) fn part(number: u32, rows: u64, fen: i64) -> Part {
    Part {
        number,
        content: Content {
            rows,
            total: Fen::new(fen),
            hash: content(&format!("part {number}")),
        },
        apart: false,
        first_row: 1,
        last_row: 1,
    }
}

/// So many seconds after the start of the world.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

pub(crate) fn month(text: &str) -> PayMonth {
    PayMonth::parse(text).unwrap()
}

/// The hash of a batch's content: its code, which is unique here.
pub(crate) fn content(code: &str) -> ContentHash {
    let mut hash = [0; 32];
    hash[..code.len()].copy_from_slice(code.as_bytes());
    ContentHash(hash)
}

/// Row `row` of a sheet, of the worker and card of that number.
pub(crate) fn row(row: u32, person: u32, fen: i64) -> SealedRow {
    let mut blind = [9; 16];
    blind[..4].copy_from_slice(&person.to_be_bytes());
    SealedRow {
        row,
        worker_blind: blind,
        worker_sealed: vec![1; 40],
        binding_blind: blind,
        account_blind: blind,
        binding_sealed: vec![2; 80],
        cnaps: None,
        amount: Fen::new(fen),
    }
}

/// Rows from 1 on, of people from 1 on.
pub(crate) fn wages(fen: &[i64]) -> Vec<SealedRow> {
    (1..).zip(fen).map(|(n, fen)| row(n, n, *fen)).collect()
}

/// Hands rows over in chunks; where it is told to, it fails after them.
pub(crate) struct Source {
    rows: std::vec::IntoIter<SealedRow>,
    chunk: usize,
    breaks: bool,
}

impl Source {
    pub(crate) fn of(rows: Vec<SealedRow>) -> Self {
        Self {
            rows: rows.into_iter(),
            chunk: 1_000,
            breaks: false,
        }
    }

    pub(crate) fn that_breaks(rows: Vec<SealedRow>, chunk: usize) -> Self {
        Self {
            chunk,
            breaks: true,
            ..Self::of(rows)
        }
    }
}

#[async_trait]
impl RowSource for Source {
    async fn next_chunk(&mut self) -> Result<Vec<SealedRow>, StoreError> {
        let chunk: Vec<_> = self.rows.by_ref().take(self.chunk).collect();
        if chunk.is_empty() && self.breaks {
            return Err(StoreError::Broken("the sheet ends early".into()));
        }
        Ok(chunk)
    }
}

pub(crate) fn project(code: &str, county: &str, bank: &str) -> ProjectEntry {
    ProjectEntry {
        code: code.into(),
        name: format!("项目 {code}"),
        region: region(county),
        contractor_uscc: "91530000MA6K000000".into(),
        contractor: "总包".into(),
        bank: bank.into(),
        account: format!("90-{code}"),
        account_name: "农民工工资专用账户".into(),
        aliases: vec![],
    }
}

pub(crate) fn head(code: &str, project: &str, rows: &[SealedRow]) -> NewBatch {
    NewBatch {
        code: code.into(),
        project: project.into(),
        month: month(MONTH),
        sheet: [1; 32],
        content: content(code),
        rows: rows.len() as u64,
        total: Fen::total(rows.iter().map(|row| row.amount)).unwrap(),
        prepared_by: "clerk".into(),
        at: at(0),
        expires_at: at(100_000),
        remarks: Remarks::default(),
    }
}

/// What the three people say of a batch.
pub(crate) fn reviewing(code: &str) -> Decision {
    let content = content(code);
    said_of(code, "reviewer", Says::Review { content })
}

pub(crate) fn releasing(code: &str) -> Decision {
    let (content, plan_at) = (content(code), at(1));
    said_of(code, "approver", Says::Release { content, plan_at })
}

pub(crate) fn refusing(code: &str) -> Decision {
    let reason = "工时不符".into();
    said_of(code, "approver", Says::Refuse { reason })
}

pub(crate) fn said_of(code: &str, by: &str, says: Says) -> Decision {
    Decision {
        batch: code.into(),
        says,
        by: by.into(),
        at: at(1),
    }
}

pub(crate) fn happening(event: Event) -> Happening {
    Happening {
        event,
        raw: None,
        refusal: None,
        query_at: None,
        send_at: None,
        at: at(10),
    }
}

/// A number that was not given before.
pub(crate) fn fresh() -> u32 {
    static GIVEN: AtomicU32 = AtomicU32::new(1);
    GIVEN.fetch_add(1, Ordering::SeqCst)
}

/// A raw document unlike any before.
pub(crate) fn document(bank: &str) -> NewRaw {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&fresh().to_be_bytes());
    NewRaw {
        bank: bank.into(),
        origin: "push",
        instruction: None,
        hash,
        size: 100,
        at: at(20),
    }
}

pub(crate) fn code(code: &str) -> BankCode {
    BankCode {
        list: "list".into(),
        code: code.into(),
        text: format!("text of {code}"),
    }
}

/// Numbers what was told, from 0.
pub(crate) fn said(told: Vec<Told>) -> Vec<Saying> {
    (0..)
        .zip(told)
        .map(|(ordinal, told)| Saying {
            ordinal,
            told,
            account_blind: None,
        })
        .collect()
}

/// About one payment, by our own reference.
pub(crate) fn item(key: &str, sequence: u32, verdict: Verdict) -> Told {
    Told::Item {
        refs: ItemRefs {
            reference: Some(reference(key, sequence)),
            ..ItemRefs::default()
        },
        verdict,
        amount: None,
        bank: code(verdict.code()),
    }
}

pub(crate) const CLOSED: Verdict = Verdict::Failed(Reason::Closed);
pub(crate) const BACK: Verdict = Verdict::Returned(Reason::NameMismatch);

/// Counts of a batch in the order of [`Place::ALL`]: paid, failed, returned, in flight, in doubt, held.
pub(crate) fn counts(batch: &BatchView) -> [u64; 6] {
    Place::ALL.map(|place| batch.tally.at(place).0)
}

/// How a document was taken: facts, changed outcomes, suspense.
pub(crate) fn taken(facts: u64, changed: u64, suspense: u64) -> Taken {
    Taken {
        facts,
        changed,
        suspense,
    }
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Worker `number` of a roster, in the row of that number, on site since March; the same person as in a wage sheet.
pub(crate) fn worker(number: u32) -> SealedWorker {
    let person = row(number, number, 100);
    SealedWorker {
        row: number,
        blind: person.worker_blind,
        sealed: person.worker_sealed,
        profile: SealedProfile {
            name_blind: person.worker_blind,
            sealed: vec![3; 60],
            digest: person.worker_blind,
            has_phone: true,
        },
        role: WorkRole::Worker,
        team: "一队".into(),
        entered_on: day("2026-03-01"),
        left_on: None,
        attendance: vec![],
        card: None,
    }
}

/// The same with the account of a number, in the worker's own name; the account of the worker's own number is that of the wage sheets.
pub(crate) fn carded(number: u32, account: u32) -> SealedWorker {
    SealedWorker {
        card: Some(card(number, account, CardKind::Unknown)),
        ..worker(number)
    }
}

pub(crate) fn card(number: u32, account: u32, kind: CardKind) -> SealedCard {
    let mut blind = row(1, account, 100).binding_blind;
    if number != account {
        blind[15] = 1;
        blind[8..12].copy_from_slice(&number.to_be_bytes());
    }
    SealedCard {
        blind,
        account_blind: row(1, account, 100).account_blind,
        sealed: vec![2; 80],
        cnaps: None,
        kind,
    }
}
