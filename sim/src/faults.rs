//! Which faults there are, which of them a world meets, and how often each was really injected.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::{Chance, Draw};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $code:literal,)+) => {
        /// What goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $kind,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Its name in reports.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }
        }
    };
}

kinds! {
    /// The process dies, and what it was about to commit is not there.
    CrashBeforeCommit "crash_before_commit",
    /// The process dies after a commit, before it learns of it.
    CrashAfterCommit "crash_after_commit",
    /// The database refuses a commit, as a full disk does.
    CommitRefused "commit_refused",
    /// The process dies on the threshold: no byte leaves.
    CrashBeforeSend "crash_before_send",
    /// The process dies while the bank works on its call.
    CrashAfterSend "crash_after_send",
    /// The process dies between two of its acts, calls under way included.
    Killed "killed",
    /// No connection: provably nothing left.
    NoConnection "no_connection",
    /// The request is lost after it left.
    RequestLost "request_lost",
    /// The request arrives long after its sender gave up.
    RequestDelayed "request_delayed",
    /// A request arrives after one that was sent later.
    RequestReordered "request_reordered",
    /// The request arrives twice.
    RequestDuplicated "request_duplicated",
    /// The answer is lost.
    ReplyLost "reply_lost",
    /// The answer comes late, often after the lease of who asked.
    ReplyLate "reply_late",
    /// The answer breaks off.
    ReplyCut "reply_cut",
    /// The answer is not in the bank's language.
    ReplyGarbage "reply_garbage",
    /// The bank does what it was asked and answers with a server error.
    ServerError "server_error",
    /// The answer is about another instruction.
    ReplySwapped "reply_swapped",
    /// The bank uses a code that is in no table.
    UnknownCode "unknown_code",
    /// The bank has it and does not yet know that.
    StaleNotKnown "stale_not_known",
    /// The bank refuses the whole instruction.
    BankRefuses "bank_refuses",
    /// The bank takes a part of the instruction and fails the rest.
    HalfAccepted "half_accepted",
    /// The bank says failed and later pays all the same.
    Contradiction "contradiction",
    /// The bank mixes a row up with another client's: other amount, other word.
    OtherAmount "other_amount",
    /// The bank pushes a document about an instruction that is not ours.
    Stranger "stranger",
    /// A document is pushed again.
    PushedTwice "pushed_twice",
    /// Parts of a result are pushed last part first.
    PushedOutOfOrder "pushed_out_of_order",
    /// A result is pushed before the answer to the instruction is there.
    PushedBeforeReply "pushed_before_reply",
    /// Money comes back before its payment was reported.
    ReturnBeforeConfirmation "return_before_confirmation",
    /// A look for returns brings an old document again.
    CollectRepeated "collect_repeated",
    /// A gateway's clock jumps forward.
    ClockForward "clock_forward",
    /// A gateway's clock jumps back.
    ClockBack "clock_back",
    /// A lease runs out while its holder waits for a bank, and another takes the task.
    LeaseExpired "lease_expired",
    /// A process is stopped for a while in the middle of a call and goes on.
    Paused "paused",
    /// The database is put back to an earlier moment.
    Restored "restored",
    /// The money for the wages arrives after their release was asked for.
    DepositLate "deposit_late",
    /// The money for the wages arrives in pieces.
    DepositInPieces "deposit_in_pieces",
    /// A sender is stopped between its intent and its first byte, often for longer than it may still send.
    HeldUp "held_up_before_send",
}

/// Where faults can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// A commit.
    Commit,
    /// A request on its way.
    Request,
    /// An answer on its way.
    Reply,
    /// What a bank does with an instruction.
    Bank,
    /// Whether a bank knows what it has.
    Knows,
    /// What a bank gives to a look for returns.
    Collect,
    /// A document that a bank pushes.
    Push,
    /// Between two acts.
    Between,
    /// What the world begins with.
    Start,
    /// Between an intent and its first byte.
    Threshold,
}

/// One chance for a fault: the how-manieth at its site, or the one with this number.
pub type Mark = (Site, u64);

/// A fault that was chosen; it counts when it is injected.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    /// What.
    pub kind: Kind,
    /// Numbers for its particulars.
    pub draw: Draw,
    mark: Mark,
}

/// The faults of one world.
#[derive(Debug)]
pub struct Faults {
    chance: Chance,
    /// Out of a thousand chances, how many become a fault.
    permille: u64,
    /// Where set, only these.
    only: Option<BTreeSet<Mark>>,
    stopped: bool,
    asked: BTreeMap<Site, u64>,
    /// How often each kind was injected.
    pub counts: BTreeMap<Kind, u64>,
    /// Where.
    pub injected: Vec<Mark>,
}

impl Faults {
    /// Faults by chance, or only those of a plan.
    pub fn new(chance: Chance, permille: u64, only: Option<BTreeSet<Mark>>) -> Self {
        Self {
            chance,
            permille,
            only,
            stopped: false,
            asked: BTreeMap::new(),
            counts: BTreeMap::new(),
            injected: Vec::new(),
        }
    }

    /// No more faults.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether the time of faults is over.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// A fault for the next chance at a site, or none; `scale` makes a site rarer: so many of a thousand.
    pub fn choose(&mut self, site: Site, scale: u64, kinds: &[(Kind, u64)]) -> Option<Chosen> {
        let count = self.asked.entry(site).or_default();
        *count += 1;
        let mark = (site, *count);
        self.choose_for(mark, scale, kinds)
    }

    /// The same for a chance that has a number of its own, whatever came before it.
    pub fn choose_for(&mut self, mark: Mark, scale: u64, kinds: &[(Kind, u64)]) -> Option<Chosen> {
        let (site, count) = mark;
        let mut draw = self.chance.at(site as u64, count);
        let strikes = draw.hits(self.permille * scale / 1_000);
        let planned = self.only.as_ref().is_none_or(|only| only.contains(&mark));
        if self.stopped || !strikes || !planned {
            return None;
        }
        let mut left = draw.below(kinds.iter().map(|(_, weight)| weight).sum());
        let kind = kinds.iter().find_map(|(kind, weight)| {
            let hit = left < *weight;
            left = left.saturating_sub(*weight);
            hit.then_some(*kind)
        })?;
        Some(Chosen { kind, draw, mark })
    }

    /// Counts a chosen fault: it has now been injected.
    pub fn inject(&mut self, chosen: Chosen) {
        self.injected.push(chosen.mark);
        self.count(chosen.kind);
    }

    /// Remembers where a fault lies in wait that counts when it shows.
    pub fn note(&mut self, chosen: Chosen) {
        self.injected.push(chosen.mark);
    }

    /// Counts what followed from a fault or from the order of things.
    pub fn count(&mut self, kind: Kind) {
        *self.counts.entry(kind).or_default() += 1;
    }
}
