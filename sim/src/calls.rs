//! What becomes of a call to a bank: the faults on its way there, at the bank, and on the way back.

use bytes::Bytes;
use tokio::sync::oneshot;
use wagegate::{
    dispatch::SEND_WITHIN,
    transport::https::{SendError, Verb},
};

use banksim::dialect::{Dialect, Reply};

use crate::{
    bank::{LAG_MAX, Whim, misname},
    faults::{Chosen, Kind, Site},
    house::Failure,
    hub::{Answer, Call, Held},
    slot::{Running, Waiting, Wake, Work},
    world::{Event, LEASE_MS, World},
};

/// So long a request may be on its way.
const DELAY_MAX: i64 = 900_000;
/// All that leaves of a send must have left so long after its intent, in milliseconds.
const HELD_MAX: i64 = SEND_WITHIN.as_secs() * 1_000;

/// A document of returns is one of a few, and half of it is easily taken for a whole one.
const LOOKS: &[(Kind, u64)] = &[
    (Kind::ReplyLost, 2),
    (Kind::ReplyLate, 2),
    (Kind::ReplyCut, 14),
    (Kind::ReplyGarbage, 1),
    (Kind::ServerError, 1),
];

/// What a request asks of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Take this instruction.
    Submit(String),
    /// What became of this instruction?
    Query(String),
    /// What came back after this number?
    Collect(u64),
}

impl Ask {
    fn of(call: &Call) -> Self {
        let last = call.path.rsplit('/').next().unwrap_or_default();
        match (call.verb, last.split_once("after=")) {
            (Verb::Get, Some((_, after))) => Self::Collect(after.parse().unwrap_or(0)),
            (Verb::Get, None) => Self::Query(last.to_owned()),
            (Verb::Post, _) => Self::Submit(last.to_owned()),
        }
    }

    /// For the story.
    fn words(&self) -> String {
        match self {
            Self::Submit(key) => format!("sends {key}"),
            Self::Query(key) => format!("asks about {key}"),
            Self::Collect(after) => format!("looks for returns after {after}"),
        }
    }
}

const REQUESTS: &[(Kind, u64)] = &[
    (Kind::CrashBeforeSend, 2),
    (Kind::NoConnection, 2),
    (Kind::RequestLost, 3),
    (Kind::RequestDelayed, 3),
    (Kind::RequestDuplicated, 2),
    (Kind::CrashAfterSend, 3),
    (Kind::Paused, 2),
];

const REPLIES: &[(Kind, u64)] = &[
    (Kind::ReplyLost, 3),
    (Kind::ReplyLate, 3),
    (Kind::ReplyCut, 3),
    (Kind::ReplyGarbage, 2),
    (Kind::ServerError, 2),
    (Kind::ReplySwapped, 2),
    (Kind::UnknownCode, 2),
];

/// A call with all that is known of it.
struct Way {
    slot: usize,
    bank: usize,
    ask: Ask,
    body: Bytes,
    step: Running,
    answer: oneshot::Sender<Result<wagegate::transport::https::InboundReply, SendError>>,
    claim: Option<(i64, i64)>,
}

impl World {
    /// A step has stopped on the threshold of a call.
    pub(crate) async fn call(
        &mut self,
        slot: usize,
        step: Running,
        call: Call,
        (claim, held_since): (Option<(i64, i64)>, Option<i64>),
    ) -> Result<(), Failure> {
        let ask = Ask::of(&call);
        let found = self
            .banks
            .iter()
            .position(|bank| bank.nature.code == call.bank);
        let bank = found.ok_or("a call to a bank that is not of this world")?;
        let gate = self.slots[slot].gate;
        if let Ask::Submit(key) = &ask {
            let held_ms = held_since.map(|since| self.clock_of(gate) - since);
            self.auditor
                .on_threshold(call.bank, key, &call.body, held_ms)
                .await?;
        }
        self.tell(|| {
            format!(
                "gateway {gate} worker {slot} {} at {}",
                ask.words(),
                call.bank
            )
        });
        let (body, answer) = (call.body, call.answer);
        let way = Way {
            slot,
            bank,
            ask,
            body,
            step,
            answer,
            claim,
        };
        let chosen = self.hub.state().faults.choose(Site::Request, 700, REQUESTS);
        match chosen {
            Some(chosen) => self.hindered(way, chosen),
            None => self.arrives(way),
        }
        Ok(())
    }

    /// A sender is stopped before its first byte, and goes on when others have long gone on without it.
    pub(crate) fn held_up(
        &mut self,
        slot: usize,
        step: Running,
        held: Held,
        claim: Option<(i64, i64)>,
    ) {
        let Held { mut chosen, go } = held;
        let wait = match chosen.draw.below(4) {
            0 => chosen.draw.between(1_000, LEASE_MS),
            1 => chosen.draw.between(LEASE_MS, HELD_MAX),
            _ => chosen.draw.between(HELD_MAX, 9 * HELD_MAX),
        };
        self.inject(chosen);
        let since = self.clock_of(self.slots[slot].gate);
        self.slots[slot].work = Work::Waits(Box::new(Waiting {
            step,
            wake: Wake::GoOn(go, since),
            at: self.now + wait,
            claim,
            late: Some(Kind::LeaseExpired),
        }));
    }

    /// The request meets a fault.
    fn hindered(&mut self, way: Way, mut chosen: Chosen) {
        let Way { bank, slot, .. } = way;
        let may_repeat =
            !matches!(way.ask, Ask::Submit(_)) || self.banks[bank].nature.refuses_duplicates;
        match chosen.kind {
            Kind::CrashBeforeSend => {
                self.inject(chosen);
                self.kill(self.slots[slot].gate);
            }
            Kind::NoConnection => {
                self.inject(chosen);
                let reply = Err(SendError::NoConnection {
                    bank: self.banks[bank].nature.code.to_owned(),
                    reason: "simulated".to_owned(),
                });
                self.wait(way, reply, 0, None);
            }
            Kind::RequestLost => {
                self.inject(chosen);
                self.leaves(&way);
                let wait = chosen.draw.between(0, LEASE_MS / 2);
                self.wait_in_vain(way, wait);
            }
            Kind::RequestDelayed => {
                self.inject(chosen);
                let number = self.leaves(&way);
                let (ask, body) = (way.ask.clone(), way.body.clone());
                let at = self.now + chosen.draw.between(1_000, DELAY_MAX);
                self.plan(
                    at,
                    Event::Arrive {
                        bank,
                        ask,
                        body,
                        number,
                    },
                );
                let wait = chosen.draw.between(0, LEASE_MS / 2);
                self.wait_in_vain(way, wait);
            }
            Kind::RequestDuplicated if may_repeat => {
                self.inject(chosen);
                let number = self.leaves(&way);
                self.at_bank(bank, &way.ask, &way.body, number, false);
                let reply = self.at_bank(bank, &way.ask, &way.body, number, false);
                self.wait(way, Ok(whole(reply)), 0, None);
            }
            Kind::CrashAfterSend => {
                self.inject(chosen);
                let number = self.leaves(&way);
                self.at_bank(bank, &way.ask, &way.body, number, false);
                self.kill(self.slots[slot].gate);
            }
            Kind::Paused => {
                self.inject(chosen);
                let number = self.leaves(&way);
                let reply = self.at_bank(bank, &way.ask, &way.body, number, false);
                let wait = chosen.draw.between(LEASE_MS, 6 * LEASE_MS);
                self.wait(way, Ok(whole(reply)), wait, Some(Kind::LeaseExpired));
            }
            _ => self.arrives(way),
        }
    }

    /// The request is on the wire: from here on it may have arrived.
    fn leaves(&mut self, way: &Way) -> u64 {
        let nature = self.banks[way.bank].nature;
        if let Ask::Submit(key) = &way.ask {
            self.auditor.may_have_left(&nature, key, self.now);
        }
        self.left += 1;
        self.left
    }

    /// The request arrives, and its answer sets out.
    fn arrives(&mut self, way: Way) {
        let number = self.leaves(&way);
        let kinds = if matches!(way.ask, Ask::Collect(_)) {
            LOOKS
        } else {
            REPLIES
        };
        let chosen = self.hub.state().faults.choose(Site::Reply, 1_000, kinds);
        let swaps = chosen.is_some_and(|chosen| chosen.kind == Kind::ReplySwapped);
        let reply = self.at_bank(way.bank, &way.ask, &way.body, number, swaps);
        match chosen {
            Some(chosen) => self.spoiled(way, reply, chosen),
            None => {
                let calm = self.hub.state().faults.is_stopped();
                let wait = if !calm && self.draw().hits(200) {
                    2_000
                } else {
                    0
                };
                self.wait(way, Ok(whole(reply)), wait, None);
            }
        }
    }

    /// The answer meets a fault.
    fn spoiled(&mut self, way: Way, reply: Reply, mut chosen: Chosen) {
        let good = whole(reply);
        let has_body = good.status != 204 && good.body.len() > 1;
        match chosen.kind {
            Kind::ReplyLost => {
                self.inject(chosen);
                let wait = chosen.draw.between(0, LEASE_MS / 2);
                self.wait_in_vain(way, wait);
            }
            Kind::ReplyLate => {
                self.inject(chosen);
                let wait = chosen.draw.between(1_000, 3 * LEASE_MS);
                self.wait(way, Ok(good), wait, Some(Kind::LeaseExpired));
            }
            Kind::ReplyCut if has_body => {
                self.inject(chosen);
                let at = 1 + chosen.draw.index(good.body.len() - 1);
                // Half a document twice over is the bank's own fault, and goes to people: a look for returns meets it once.
                let first = match way.ask {
                    Ask::Collect(after) => self.cut.insert((way.bank, after)),
                    Ask::Submit(_) | Ask::Query(_) => true,
                };
                let broken = !first || chosen.draw.hits(300);
                let body = good.body.slice(..at);
                self.wait(
                    way,
                    Ok(Answer {
                        body,
                        broken,
                        ..good
                    }),
                    0,
                    None,
                );
            }
            Kind::ReplyGarbage if has_body => {
                self.inject(chosen);
                let body = Bytes::from_static(b"\x00\xff<<< nothing of the dialect");
                self.wait(way, Ok(Answer { body, ..good }), 0, None);
            }
            Kind::ServerError => {
                self.inject(chosen);
                let status = if chosen.draw.hits(500) { 503 } else { 500 };
                let body = Bytes::from_static(b"later\n");
                self.wait(
                    way,
                    Ok(Answer {
                        status,
                        cursor: None,
                        body,
                        broken: false,
                    }),
                    0,
                    None,
                );
            }
            Kind::UnknownCode => match strange(&good.body) {
                Some(body) => {
                    self.inject(chosen);
                    self.wait(way, Ok(Answer { body, ..good }), 0, None);
                }
                None => self.wait(way, Ok(good), 0, None),
            },
            Kind::ReplySwapped if self.was_swapped(&way, &good) => {
                self.inject(chosen);
                self.wait(way, Ok(good), 0, None);
            }
            _ => self.wait(way, Ok(good), 0, None),
        }
    }

    /// Only an answer that names its instruction can name another one.
    fn was_swapped(&self, way: &Way, answer: &Answer) -> bool {
        let (Ask::Submit(key) | Ask::Query(key)) = &way.ask else {
            return false;
        };
        let name = misname(key);
        answer
            .body
            .windows(name.len())
            .any(|window| window == name.as_bytes())
    }

    /// The bank does what it is asked.
    pub(crate) fn at_bank(
        &mut self,
        bank: usize,
        ask: &Ask,
        body: &Bytes,
        number: u64,
        swaps: bool,
    ) -> Reply {
        let newest = self.arrived.entry(bank).or_default();
        if *newest > number {
            self.hub.state().faults.count(Kind::RequestReordered);
        }
        *newest = (*newest).max(number);
        let now = self.now;
        let reply = match ask {
            Ask::Submit(key) => self.submit(bank, key, body, swaps),
            Ask::Query(key) => {
                let (reply, stale) = self.banks[bank].query(now, key, swaps);
                if stale {
                    self.hub.state().faults.count(Kind::StaleNotKnown);
                }
                reply
            }
            Ask::Collect(after) => self.collect(bank, *after),
        };
        self.auditor.read_ledgers(&self.banks);
        reply
    }

    fn collect(&mut self, bank: usize, after: u64) -> Reply {
        let kinds = &[(Kind::CollectRepeated, 1)];
        let chosen = self.hub.state().faults.choose(Site::Collect, 200, kinds);
        match chosen.filter(|_| after > 0) {
            Some(chosen) => {
                self.inject(chosen);
                self.banks[bank].collect(self.now, after - 1)
            }
            None => self.banks[bank].collect(self.now, after),
        }
    }

    fn submit(&mut self, bank: usize, key: &str, body: &Bytes, swaps: bool) -> Reply {
        const WHIMS: &[(Kind, u64)] = &[
            (Kind::BankRefuses, 2),
            (Kind::HalfAccepted, 2),
            (Kind::Contradiction, 1),
            (Kind::PushedOutOfOrder, 2),
            (Kind::PushedBeforeReply, 2),
            (Kind::ReturnBeforeConfirmation, 2),
            (Kind::OtherAmount, 2),
            (Kind::Stranger, 1),
        ];
        let number = number_of(key);
        let mut state = self.hub.state();
        let faults = &mut state.faults;
        let chosen = faults.choose_for((Site::Bank, number), 1_000, WHIMS);
        let lag = faults.choose_for((Site::Knows, number), 400, &[(Kind::StaleNotKnown, 1)]);
        drop(state);
        let is = |kind| chosen.is_some_and(|chosen| chosen.kind == kind);
        let whim = Whim {
            refuses: is(Kind::BankRefuses),
            half: is(Kind::HalfAccepted),
            contradicts: is(Kind::Contradiction),
            parts: is(Kind::PushedOutOfOrder),
            at_once: is(Kind::PushedBeforeReply),
            early_return: is(Kind::ReturnBeforeConfirmation),
            // Only the text dialect's reports name amounts.
            mixes_up: is(Kind::OtherAmount) && self.banks[bank].nature.dialect == Dialect::Textfile,
            misnames: is(Kind::Stranger),
            lag: lag.map_or(0, |mut lag| lag.draw.between(1_000, LAG_MAX)),
        };
        let draw = self.fate_of(number);
        let (now, name) = (self.now, if swaps { misname(key) } else { key.to_owned() });
        let (reply, rows) = self.banks[bank].submit(now, key, &name, body, (whim, draw));
        let counts = match chosen.map(|chosen| chosen.kind) {
            Some(Kind::BankRefuses) => rows.is_none() && reply.status == 422,
            Some(Kind::OtherAmount) => rows.is_some() && whim.mixes_up,
            Some(Kind::HalfAccepted | Kind::PushedOutOfOrder) => rows.is_some_and(|rows| rows > 1),
            Some(_) => rows.is_some(),
            None => false,
        };
        if let Some(chosen) = chosen.filter(|_| counts) {
            self.inject(chosen);
        }
        if let Some(lag) = lag.filter(|_| rows.is_some()) {
            self.hub.state().faults.note(lag);
        }
        reply
    }

    fn wait_in_vain(&mut self, way: Way, wait: i64) {
        let reply = Err(SendError::NoAnswer {
            bank: self.banks[way.bank].nature.code.to_owned(),
            reason: "simulated".to_owned(),
        });
        self.wait(way, reply, wait, None);
    }

    fn wait(&mut self, way: Way, reply: Result<Answer, SendError>, wait: i64, late: Option<Kind>) {
        self.slots[way.slot].work = Work::Waits(Box::new(Waiting {
            step: way.step,
            wake: Wake::Answer(way.answer, reply),
            at: self.now + wait,
            claim: way.claim,
            late,
        }));
    }

    pub(crate) fn inject(&mut self, chosen: Chosen) {
        self.tell(|| format!("FAULT {}", chosen.kind.code()));
        self.hub.state().faults.inject(chosen);
    }
}

/// A number for an instruction, the same whenever it arrives.
fn number_of(key: &str) -> u64 {
    key.bytes().fold(0, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    })
}

/// The same with a code for "paid" that is in no table, if that code is in it.
fn strange(body: &Bytes) -> Option<Bytes> {
    let mut other = body.to_vec();
    for (known, unknown) in [(b">ACSC<", b">ACZZ<"), (b"|S000|", b"|S999|")] {
        for at in 0..other.len().saturating_sub(known.len() - 1) {
            let window = other.get_mut(at..at + known.len());
            if let Some(window) = window.filter(|window| **window == *known) {
                window.copy_from_slice(unknown);
            }
        }
    }
    (other != *body).then(|| other.into())
}

fn whole(reply: Reply) -> Answer {
    Answer {
        status: reply.status,
        cursor: reply.cursor,
        body: reply.body.into(),
        broken: false,
    }
}
