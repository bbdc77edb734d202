//! What happens next in a world: something between acts, something that is due, a step of a worker, or time.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use jiff::Timestamp;
use wagegate::{
    dispatch::{Progress, StepError},
    reconcile::receive_push,
    store::{Approvals as _, Decision, Says, Store as _, StoreError},
};
use wagegate_domain::batch::BatchState;

use crate::{
    auditor::Harm,
    bank::Bank,
    chance::Draw,
    faults::{Kind, Site},
    house::{Failure, deposit},
    slot::{Ended, Running, Waiting, Wake, Work, drive},
    world::{Event, SKEW_MAX, World},
};

const FATES: u64 = 101;
/// So far time goes on at least, milliseconds, once all is healed.
const QUIET: i64 = 600_000;

/// A step that goes on.
struct TakenUp {
    step: Running,
    claim: Option<(i64, i64)>,
    /// Whether another has taken its task meanwhile.
    stale: bool,
    /// When it was stopped before its first byte, by its own clock.
    held_since: Option<i64>,
}

impl World {
    /// One thing happens.
    pub(crate) async fn tick(&mut self) -> Result<(), Failure> {
        self.between();
        self.happen().await?;
        let ready: Vec<usize> = (0..self.slots.len())
            .filter(|slot| self.is_ready(*slot))
            .collect();
        if ready.is_empty() {
            self.advance();
            return Ok(());
        }
        let slot = ready[self.draw().index(ready.len())];
        self.step(slot).await
    }

    fn is_ready(&self, slot: usize) -> bool {
        match &self.slots[slot].work {
            Work::Rests(until) => until.is_none_or(|until| until <= self.now),
            Work::Waits(waiting) => waiting.at <= self.now,
        }
    }

    /// The numbers that decide what a bank does with an instruction, whenever it arrives.
    pub(crate) fn fate_of(&self, sum: u64) -> Draw {
        self.dice().at(FATES, sum)
    }

    /// A process dies, or a clock jumps.
    fn between(&mut self) {
        const KINDS: &[(Kind, u64)] = &[
            (Kind::Killed, 2),
            (Kind::ClockForward, 1),
            (Kind::ClockBack, 1),
        ];
        let chosen = self.hub.state().faults.choose(Site::Between, 50, KINDS);
        let Some(mut chosen) = chosen else { return };
        let gate = chosen.draw.index(self.gates.len());
        match chosen.kind {
            Kind::Killed => self.kill(gate),
            Kind::ClockForward => self.jump(gate, chosen.draw.between(0, SKEW_MAX)),
            _ => self.jump(gate, -chosen.draw.between(0, SKEW_MAX)),
        }
        self.inject(chosen);
    }

    fn jump(&mut self, gate: usize, skew: i64) {
        self.gates[gate].skew = skew;
        self.move_to(self.now);
        self.wake_all();
    }

    /// A gateway dies with all that its workers were doing, and is started again.
    pub(crate) fn kill(&mut self, gate: usize) {
        self.tell(|| format!("gateway {gate} dies"));
        for slot in self.slots.iter_mut().filter(|slot| slot.gate == gate) {
            slot.work = Work::Rests(None);
        }
    }

    /// Everything that is due now.
    async fn happen(&mut self) -> Result<(), Failure> {
        while let Some(first) = self.events.first_entry() {
            if first.key().0 > self.now {
                break;
            }
            match first.remove() {
                Event::Deposit(batch, piece) => self.deposit(batch, piece).await?,
                Event::Copy(chosen) => self.copy(chosen).await?,
                Event::PutBack => self.put_back().await?,
                Event::Desk => drop(self.desk().await?),
                Event::Release(batch) => self.release(batch).await?,
                Event::Arrive {
                    bank,
                    ask,
                    body,
                    number,
                } => {
                    self.tell(|| format!("a delayed request arrives: {ask:?}"));
                    self.at_bank(bank, &ask, &body, number, false);
                }
                Event::PushAgain(bank, document) => self.banks[bank].outbox.push_back(document),
            }
        }
        for bank in 0..self.banks.len() {
            self.banks[bank].work(self.now);
            if let Some(document) = self.banks[bank].outbox.pop_front() {
                self.push(bank, document).await?;
            }
        }
        self.auditor.read_ledgers(&self.banks);
        Ok(())
    }

    async fn deposit(&mut self, batch: usize, piece: u32) -> Result<(), Failure> {
        let at = Timestamp::from_millisecond(self.now)?;
        self.store
            .record_deposit(&deposit(&self.batches[batch], piece, at), at)
            .await?;
        Ok(())
    }

    /// Two people say their word, whatever of it was not said yet. Without the money the batch waits for it by itself.
    async fn release(&mut self, batch: usize) -> Result<(), Failure> {
        let (code, content) = (
            self.batches[batch].code.clone(),
            self.batches[batch].content,
        );
        let at = Timestamp::from_millisecond(self.now)?;
        let says = |by: &str, says| Decision {
            batch: code.clone(),
            says,
            by: by.to_owned(),
            at,
        };
        if self.store.batch(&code).await?.state == BatchState::AwaitingReview {
            let review = says("wagegate://user/reviewer", Says::Review { content });
            self.store.decide(&review).await?;
        }
        let release = says(
            "wagegate://user/approver",
            Says::Release {
                content,
                plan_at: at,
            },
        );
        let released = self.store.decide(&release).await?;
        self.tell(|| format!("batch {code} is {}", released.state.code()));
        self.wake_all();
        Ok(())
    }

    /// A bank pushes a document to some gateway; what is not taken is pushed again.
    async fn push(&mut self, bank: usize, document: Vec<u8>) -> Result<(), Failure> {
        let gate = self.draw().index(self.gates.len());
        let code = self.banks[bank].nature.code;
        let gateway = Arc::clone(&self.gates[gate].gateway);
        let body = stream::iter([Ok(Bytes::from(document.clone()))]);
        self.tell(|| format!("{code} pushes {} bytes to gateway {gate}", document.len()));
        let ended = {
            let pushing = pin!(receive_push(&gateway, code, body));
            drive(&self.hub, pushing).await
        };
        self.wake_all();
        match ended {
            Ended::Done(Ok(_)) => {
                let chosen =
                    self.hub
                        .state()
                        .faults
                        .choose(Site::Push, 400, &[(Kind::PushedTwice, 1)]);
                if let Some(mut chosen) = chosen {
                    self.inject(chosen);
                    let at = self.now + chosen.draw.between(0, 600_000);
                    self.plan(at, Event::PushAgain(bank, document));
                }
                return Ok(());
            }
            Ended::Done(Err(_)) => {}
            Ended::Died(died) => {
                self.tell(|| format!("FAULT {}", died.kind.code()));
                self.kill(gate);
            }
            Ended::Calls(_) | Ended::Held(_) => return Err("a push calls a bank".into()),
        }
        let at = self.now + 5_000;
        self.plan(at, Event::PushAgain(bank, document));
        Ok(())
    }

    /// A worker goes on with what it does, or looks for something to do.
    async fn step(&mut self, slot: usize) -> Result<(), Failure> {
        let TakenUp {
            mut step,
            claim,
            stale,
            held_since,
        } = self.take_up(slot);
        let before = self.auditor.fences();
        let commits = self.hub.state().commits;
        let ended = drive(&self.hub, step.as_mut()).await;
        if self.hub.state().commits != commits {
            self.auditor.look().await?;
        }
        match ended {
            Ended::Calls(call) => {
                let claim = claim.or_else(|| self.auditor.claimed_since(&before));
                self.stepped(slot, 1);
                self.call(slot, step, call, (claim, held_since)).await?;
            }
            Ended::Held(held) => {
                let claim = claim.or_else(|| self.auditor.claimed_since(&before));
                self.stepped(slot, 6);
                self.held_up(slot, step, held, claim);
            }
            Ended::Died(died) => {
                drop(step);
                self.stepped(slot, 2);
                self.tell(|| format!("FAULT {}", died.kind.code()));
                self.kill(self.slots[slot].gate);
                self.wake_all();
            }
            Ended::Done(done) => {
                drop(step);
                self.done(slot, done, stale);
            }
        }
        Ok(())
    }

    /// The step that a slot is to go on with, and what is known of it.
    fn take_up(&mut self, slot: usize) -> TakenUp {
        let work = std::mem::replace(&mut self.slots[slot].work, Work::Rests(None));
        let Work::Waits(waiting) = work else {
            return TakenUp {
                step: self.slots[slot].begin(),
                claim: None,
                stale: false,
                held_since: None,
            };
        };
        let Waiting {
            step,
            wake,
            claim,
            late,
            ..
        } = *waiting;
        let stale = claim.is_some_and(|claim| !self.auditor.holds(claim));
        if let Some(kind) = late.filter(|_| stale) {
            self.hub.state().faults.count(kind);
        }
        let held_since = self.wake(slot, wake, stale);
        TakenUp {
            step,
            claim,
            stale,
            held_since,
        }
    }

    /// Lets a step go on; since when it was stopped, if it was.
    fn wake(&mut self, slot: usize, wake: Wake, stale: bool) -> Option<i64> {
        let late = if stale { " too late for its lease" } else { "" };
        match wake {
            Wake::Answer(answer, reply) => {
                self.tell(|| match &reply {
                    Ok(reply) => {
                        let (status, bytes) = (reply.status, reply.body.len());
                        format!("worker {slot} gets {status} with {bytes} bytes{late}")
                    }
                    Err(error) => format!("worker {slot} gets no answer{late}: {error}"),
                });
                // Who died meanwhile needs no answer.
                answer.send(reply.map(Into::into)).ok();
                None
            }
            Wake::GoOn(go, since) => {
                self.tell(|| format!("worker {slot} goes on{late}"));
                go.send(()).ok();
                Some(since)
            }
        }
    }

    fn done(&mut self, slot: usize, done: Result<Progress, StepError>, stale: bool) {
        match done {
            Ok(Progress::Idle(due)) => {
                self.stepped(slot, 3);
                let skew = self.gates[self.slots[slot].gate].skew;
                let until = due.map_or(i64::MAX, |due| due.as_millisecond() - skew);
                self.slots[slot].work = Work::Rests(Some(until.max(self.now + 1)));
            }
            Ok(Progress::Did(kind)) => {
                self.stepped(slot, 4);
                self.tell(|| format!("worker {slot} did {}", kind.code()));
                if stale {
                    let what = format!(
                        "a worker whose {} task another had taken was not told so",
                        kind.code()
                    );
                    self.auditor.find(Harm::WrongOutcome, what);
                }
                self.wake_all();
            }
            Err(error) => {
                self.stepped(slot, 5);
                self.tell(|| format!("worker {slot} fails: {error}"));
                if !is_of_our_making(&error) {
                    self.auditor.find(
                        Harm::WrongOutcome,
                        format!("a step failed by itself: {error}"),
                    );
                }
                self.wake_all();
            }
        }
    }

    /// Nobody has anything to do now: time goes on to what comes next, or a little further.
    pub(crate) fn advance(&mut self) {
        let rests = self.slots.iter().map(|slot| match &slot.work {
            Work::Rests(until) => until.unwrap_or(self.now),
            Work::Waits(waiting) => waiting.at,
        });
        let work = rests.filter(|at| *at > self.now).min();
        let outside = self.events.keys().map(|(at, _)| *at);
        let outside = outside
            .chain(self.banks.iter().filter_map(Bank::next))
            .min();
        let far = self.draw().hits(300) || self.hub.state().faults.is_stopped();
        let next = match (work, outside) {
            (Some(work), Some(outside)) if far => work.max(outside),
            (Some(work), Some(outside)) => work.min(outside),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => self.now + 1_000,
        };
        // Once all is healed nothing is to be seen between one look and the next but empty answers.
        let least = if self.hub.state().faults.is_stopped() {
            QUIET
        } else {
            1
        };
        self.move_to(next.clamp(self.now + least, self.now + 86_400_000));
    }
}

/// Errors that follow from what the world did: a commit that was refused, a task that another has.
fn is_of_our_making(error: &StepError) -> bool {
    match error {
        StepError::Store(StoreError::Stale | StoreError::Database(_)) => true,
        StepError::Build { source, .. } => source.to_string().contains("the database failed"),
        other => other.to_string().contains("the database failed"),
    }
}
