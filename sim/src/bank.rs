//! A bank with its true ledger, in simulated time. It speaks through `banksim`'s dialects, which share no encoder or decoder with the adapters.
//!
//! It decides nothing by itself that a world has not drawn for it: how long it works, which rows it pays, and what it does out of the ordinary
//! comes with each instruction as a [`Whim`].

use std::collections::{BTreeMap, VecDeque};

use banksim::{
    bank::{Notice, Outcome, Progress, Returned, RowState, Taking},
    behaviour::Listing,
    dialect::{Dialect, Reply},
    instruction::{Instruction, Refusal},
    reason::Reason,
};

use crate::chance::Draw;

/// What a bank is.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// Its code, as the gateway's profile names it.
    pub code: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Whether it refuses a reference that came before; one that does not look pays again.
    pub refuses_duplicates: bool,
    /// Which payments its final reports list.
    pub listing: Listing,
}

/// What a bank does out of the ordinary with one instruction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whim {
    /// Refuses the whole of it.
    pub refuses: bool,
    /// Pays the first rows and fails the others.
    pub half: bool,
    /// Says of a row that it failed and pays it later.
    pub contradicts: bool,
    /// Pushes the result in parts, the last part first.
    pub parts: bool,
    /// Works and pushes at once, before its answer to the instruction is on the way.
    pub at_once: bool,
    /// Returns are there before the result is.
    pub early_return: bool,
    /// Pushes a report in which every row has another amount and did not go through.
    pub mixes_up: bool,
    /// Pushes its report under another instruction's name too.
    pub misnames: bool,
    /// So long it has the instruction without knowing it, milliseconds.
    pub lag: i64,
}

/// What became of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Paid.
    Paid,
    /// Not paid.
    Failed(Reason),
    /// Paid, and sent back later.
    Returned(Reason),
    /// Reported as failed, and paid later.
    Corrected(Reason),
}

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The instruction's key.
    pub key: String,
    /// The payee's card.
    pub card: String,
    /// Amount in fen, always positive.
    pub fen: i64,
    /// True for money that came back.
    pub is_return: bool,
}

#[derive(Debug)]
struct Order {
    instruction: Instruction,
    visible_at: i64,
    fates: Vec<Fate>,
    settled: bool,
    corrected: bool,
    whim: Whim,
    pushes: bool,
    report: Option<Vec<u8>>,
    /// A report that is pushed after the one that corrects it.
    late: Option<Vec<u8>>,
    asked: u32,
}

/// What a bank will do by itself.
#[derive(Debug)]
enum Item {
    Settle(usize),
    Return(usize, Vec<usize>),
    Correct(usize),
    Push(Vec<u8>),
}

/// One bank with all its state.
#[derive(Debug)]
pub struct Bank {
    /// What it is.
    pub nature: Nature,
    /// Every credit and every return, in order: the truth.
    pub ledger: Vec<Entry>,
    /// Documents to be pushed, oldest first.
    pub outbox: VecDeque<Vec<u8>>,
    orders: Vec<Order>,
    by_key: BTreeMap<String, Vec<usize>>,
    refused: BTreeMap<String, u32>,
    notices: Vec<Vec<u8>>,
    agenda: BTreeMap<(i64, u64), Item>,
    planned: u64,
    /// Documents about instructions that are nobody's.
    pub strangers: u64,
}

impl Bank {
    /// A bank that nobody has spoken to.
    pub fn new(nature: Nature) -> Self {
        Self {
            nature,
            ledger: Vec::new(),
            outbox: VecDeque::new(),
            orders: Vec::new(),
            by_key: BTreeMap::new(),
            refused: BTreeMap::new(),
            notices: Vec::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            strangers: 0,
        }
    }

    /// Takes or refuses an instruction; the answer calls it by `name`. Says too how many rows were taken.
    pub fn submit(
        &mut self,
        now: i64,
        key: &str,
        name: &str,
        body: &[u8],
        (whim, draw): (Whim, Draw),
    ) -> (Reply, Option<usize>) {
        let dialect = self.nature.dialect;
        if self.nature.refuses_duplicates && self.by_key.contains_key(key) {
            return (dialect.taking(name, &Taking::Duplicate), None);
        }
        let read = dialect
            .read(body, dialect.row_limit())
            .and_then(|instruction| {
                instruction.checked_total()?;
                if instruction.reference == key && !whim.refuses {
                    Ok(instruction)
                } else {
                    Err(Refusal::Funds)
                }
            });
        match read {
            Err(refusal) => {
                *self.refused.entry(key.to_owned()).or_default() += 1;
                (dialect.taking(name, &Taking::Refused(refusal)), None)
            }
            Ok(instruction) => {
                let rows = instruction.rows.len();
                self.take(now, instruction, whim, draw);
                (dialect.taking(name, &Taking::Taken), Some(rows))
            }
        }
    }

    fn take(&mut self, now: i64, instruction: Instruction, whim: Whim, mut draw: Draw) {
        let fates = fates(instruction.rows.len(), whim, &mut draw);
        let work = match (whim.at_once, draw.below(3)) {
            (true, _) => 0,
            (false, 0) => draw.between(1_000, 20_000),
            (false, _) => draw.between(5_000, WORK_MAX),
        };
        let index = self.orders.len();
        self.by_key
            .entry(instruction.reference.clone())
            .or_default()
            .push(index);
        self.orders.push(Order {
            instruction,
            visible_at: now + whim.lag,
            fates,
            settled: false,
            corrected: false,
            whim,
            pushes: whim.parts || whim.at_once || whim.contradicts || draw.hits(150),
            report: None,
            late: None,
            asked: 0,
        });
        self.plan(now + work, Item::Settle(index));
        self.work(now);
    }

    fn plan(&mut self, at: i64, item: Item) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), item);
    }

    /// When this bank next does something by itself.
    pub fn next(&self) -> Option<i64> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    /// Does what is due.
    pub fn work(&mut self, now: i64) {
        while let Some(first) = self.agenda.first_entry() {
            if first.key().0 > now {
                return;
            }
            match first.remove() {
                Item::Settle(order) => self.settle(now, order),
                Item::Return(order, rows) => self.send_back(order, &rows),
                Item::Correct(order) => self.correct(order),
                Item::Push(document) => self.outbox.push_back(document),
            }
        }
    }

    fn settle(&mut self, now: i64, index: usize) {
        let order = &mut self.orders[index];
        order.settled = true;
        let mut back = Vec::new();
        for (place, (row, fate)) in order.instruction.rows.iter().zip(&order.fates).enumerate() {
            match fate {
                Fate::Paid | Fate::Returned(_) => self.ledger.push(Entry {
                    key: order.instruction.reference.clone(),
                    card: row.account.clone(),
                    fen: row.amount.0,
                    is_return: false,
                }),
                Fate::Failed(_) | Fate::Corrected(_) => {}
            }
            if matches!(fate, Fate::Returned(_)) {
                back.push(place);
            }
        }
        let order = &self.orders[index];
        let (whim, pushes) = (order.whim, order.pushes);
        let wait = if whim.early_return { 0 } else { RETURN_AFTER };
        if back.len() > 1 && index.is_multiple_of(2) {
            self.plan(now + wait, Item::Return(index, back));
        } else {
            for place in back {
                self.plan(now + wait, Item::Return(index, vec![place]));
            }
        }
        if whim.contradicts {
            self.plan(now + CORRECT_AFTER, Item::Correct(index));
        }
        if whim.mixes_up {
            self.mix_up(now, index);
        }
        if whim.misnames {
            let mut outcome = self.outcome(index);
            let (own, other) = (outcome.reference.clone(), misname(&outcome.reference));
            for (row, _) in &mut outcome.rows {
                row.row_ref = row.row_ref.replace(&own, &other);
            }
            outcome.reference = other;
            let document = self.nature.dialect.result(&outcome, self.nature.listing);
            self.strangers += 1;
            self.plan(now, Item::Push(document));
        }
        // Of two reports that contradict each other either may be pushed first.
        if whim.contradicts && index % 2 == 1 {
            self.orders[index].late = Some(self.report(index));
        } else if pushes {
            self.push_result(now, index);
        }
    }

    fn mix_up(&mut self, now: i64, index: usize) {
        let mut outcome = self.outcome(index);
        for (row, state) in &mut outcome.rows {
            row.amount.0 += 1;
            *state = RowState::Failed(Reason::Abnormal);
        }
        let document = self.nature.dialect.result(&outcome, self.nature.listing);
        self.plan(now, Item::Push(document));
    }

    fn push_result(&mut self, now: i64, index: usize) {
        let whole = self.outcome(index);
        let parts = if self.orders[index].whim.parts {
            whole.rows.len().min(3)
        } else {
            1
        };
        for part in (0..parts).rev() {
            let mut outcome = whole.clone();
            for (place, (_, state)) in outcome.rows.iter_mut().enumerate() {
                if place % parts != part {
                    *state = RowState::Working;
                }
            }
            let document = self.nature.dialect.result(&outcome, self.nature.listing);
            self.plan(now, Item::Push(document));
        }
        self.work(now);
    }

    fn send_back(&mut self, index: usize, rows: &[usize]) {
        let order = &self.orders[index];
        let returned = |place: &usize| {
            let row = order.instruction.rows[*place].clone();
            let Fate::Returned(reason) = order.fates[*place] else {
                unreachable!("only returned rows are planned to come back");
            };
            let reference = order.instruction.reference.clone();
            Returned {
                reference,
                row,
                reason,
            }
        };
        let notice = Notice {
            number: u64::try_from(self.notices.len() + 1).unwrap_or(u64::MAX),
            account: order.instruction.debtor.clone(),
            returns: rows.iter().map(returned).collect(),
        };
        for returned in &notice.returns {
            self.ledger.push(Entry {
                key: returned.reference.clone(),
                card: returned.row.account.clone(),
                fen: returned.row.amount.0,
                is_return: true,
            });
        }
        let document = self.nature.dialect.notice(&notice);
        if order.pushes {
            self.outbox.push_back(document.clone());
        }
        self.notices.push(document);
    }

    fn correct(&mut self, index: usize) {
        let order = &mut self.orders[index];
        let late = order.late.take();
        order.corrected = true;
        order.report = None;
        for (row, fate) in order.instruction.rows.iter().zip(&order.fates) {
            if matches!(fate, Fate::Corrected(_)) {
                self.ledger.push(Entry {
                    key: order.instruction.reference.clone(),
                    card: row.account.clone(),
                    fen: row.amount.0,
                    is_return: false,
                });
            }
        }
        let document = self.report(index);
        self.outbox.push_back(document);
        self.outbox.extend(late);
    }

    fn report(&self, index: usize) -> Vec<u8> {
        let outcome = self.outcome(index);
        self.nature.dialect.result(&outcome, self.nature.listing)
    }

    fn outcome(&self, index: usize) -> Outcome {
        let order = &self.orders[index];
        let state = |fate: &Fate| match fate {
            Fate::Paid | Fate::Returned(_) => RowState::Paid,
            Fate::Failed(reason) => RowState::Failed(*reason),
            Fate::Corrected(_) if order.corrected => RowState::Paid,
            Fate::Corrected(reason) => RowState::Failed(*reason),
        };
        Outcome {
            reference: order.instruction.reference.clone(),
            message_name: order.instruction.message_name.clone(),
            rows: order
                .instruction
                .rows
                .iter()
                .cloned()
                .zip(order.fates.iter().map(state))
                .collect(),
        }
    }

    /// Answers a query; says too whether the bank has it and does not know that yet. With `misnamed` the answer is about another instruction.
    pub fn query(&mut self, now: i64, key: &str, misnamed: bool) -> (Reply, bool) {
        self.work(now);
        let newest = self.by_key.get(key).and_then(|all| all.last()).copied();
        let visible = newest.filter(|index| self.orders[*index].visible_at <= now);
        let name = if misnamed {
            misname(key)
        } else {
            key.to_owned()
        };
        let say = |progress: &Progress| {
            self.nature
                .dialect
                .progress(&name, progress, self.nature.listing)
        };
        let Some(index) = visible else {
            return (say(&Progress::Unknown), newest.is_some());
        };
        if !self.orders[index].settled {
            return (say(&Progress::Working), false);
        }
        let mut outcome = self.outcome(index);
        outcome.reference.clone_from(&name);
        let mut reply = say(&Progress::Done(outcome));
        let order = &mut self.orders[index];
        order.asked += 1;
        // Some banks write a report once and give the same bytes ever after, some write it anew each time: this one does both.
        if !misnamed && order.asked.is_multiple_of(2) {
            reply
                .body
                .clone_from(order.report.get_or_insert(reply.body.clone()));
        }
        (reply, false)
    }

    /// The first notice after number `after`.
    pub fn collect(&mut self, now: i64, after: u64) -> Reply {
        self.work(now);
        let found = usize::try_from(after)
            .ok()
            .and_then(|after| self.notices.get(after));
        match found {
            Some(document) => Reply {
                status: 200,
                body: document.clone(),
                cursor: Some(after + 1),
            },
            None => Reply {
                status: 204,
                body: Vec::new(),
                cursor: None,
            },
        }
    }

    /// Documents that were nobody's were lost with the database that had them.
    pub const fn forget_strangers(&mut self) {
        self.strangers = 0;
    }

    /// Whether anything is still to happen here.
    pub fn is_done(&self) -> bool {
        self.agenda.is_empty() && self.outbox.is_empty()
    }

    /// Whether it ever took an instruction with this key.
    pub fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Whether it ever refused an instruction with this key.
    pub fn has_refused(&self, key: &str) -> bool {
        self.refused.contains_key(key)
    }

    /// What became of a payment, by the last instruction with this key.
    pub fn fate(&self, key: &str, place: usize) -> Option<Fate> {
        let index = self.by_key.get(key)?.last()?;
        self.orders[*index].fates.get(place).copied()
    }
}

/// The longest that a bank has an instruction without knowing it, milliseconds.
pub const LAG_MAX: i64 = 120_000;
const WORK_MAX: i64 = 600_000;
const RETURN_AFTER: i64 = 900_000;
const CORRECT_AFTER: i64 = 300_000;

const REASONS: [Reason; 4] = [
    Reason::NameMismatch,
    Reason::NoAccount,
    Reason::Closed,
    Reason::Abnormal,
];

fn fates(rows: usize, whim: Whim, draw: &mut Draw) -> Vec<Fate> {
    let mut fates: Vec<Fate> = (0..rows)
        .map(|_| {
            let reason = REASONS[draw.index(REASONS.len())];
            match draw.below(10) {
                0 | 1 => Fate::Failed(reason),
                2..=4 => Fate::Returned(reason),
                _ => Fate::Paid,
            }
        })
        .collect();
    if whim.half {
        for fate in fates.iter_mut().skip(rows.div_ceil(2)) {
            *fate = Fate::Failed(Reason::Abnormal);
        }
    }
    if whim.contradicts
        && let Some(first) = fates.first_mut()
    {
        *first = Fate::Corrected(Reason::Abnormal);
    }
    if whim.early_return
        && let Some(last) = fates.last_mut()
    {
        *last = Fate::Returned(Reason::Closed);
    }
    fates
}

/// A reference of the same form that is not this one.
pub fn misname(reference: &str) -> String {
    let first = if reference.starts_with('Z') { 'Y' } else { 'Z' };
    std::iter::once(first)
        .chain(reference.chars().skip(1))
        .collect()
}
