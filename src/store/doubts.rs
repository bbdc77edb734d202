//! The desk of two people: instructions of which nobody here knows whether they arrived, what two people decide of them on evidence, and what
//! follows. The rules are here, purely; an engine does what they come to in one transaction.

pub(super) mod following;

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use wagegate_domain::Fen;
use wagegate_domain::attempt::State;
use wagegate_domain::batch::ContentHash;
use wagegate_domain::ids::Region;
use wagegate_domain::plan::KeyRule;

use super::chain::Print;
use super::columns::Columns;
use super::notice::{Details, details};
use super::{Claim, Conflict, InstructionView, NoticeKind, StoreError, Within};

/// What people are asked about an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// It was sent perhaps: did it arrive?
    InDoubt,
    /// A database that was lost may have sent it: did it arrive?
    AskFirst,
    /// The bank spoke of another instruction for the same wages: did that one arrive?
    Held,
}

impl Question {
    /// Every question.
    pub const ALL: [Self; 3] = [Self::InDoubt, Self::AskFirst, Self::Held];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InDoubt => "in_doubt",
            Self::AskFirst => "ask_first",
            Self::Held => "held",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }
}

/// What two people find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The bank has it.
    Arrived,
    /// The bank never had it, and never will.
    NotArrived,
}

impl Finding {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Arrived, Self::NotArrived];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::NotArrived => "not_arrived",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }
}

/// A step of a decision as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtStep {
    Propose,
    Confirm,
    Withdraw,
}

impl DoubtStep {
    /// Every step.
    pub const ALL: [Self; 3] = [Self::Propose, Self::Confirm, Self::Withdraw];

    /// The name kept in the store and shown by the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Confirm => "confirm",
            Self::Withdraw => "withdraw",
        }
    }

    /// Reads back what [`Self::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// The audit log's verb.
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Propose => "doubt.propose",
            Self::Confirm => "doubt.confirm",
            Self::Withdraw => "doubt.withdraw",
        }
    }

    /// What those who subscribed are told of it.
    pub(super) const fn told(self) -> Option<NoticeKind> {
        match self {
            Self::Propose => Some(NoticeKind::DoubtProposed),
            Self::Confirm => Some(NoticeKind::DoubtDecided),
            Self::Withdraw => None,
        }
    }
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtTaken {
    /// 1, and one more with each new proposal.
    pub round: u32,
    pub step: DoubtStep,
    pub finding: Finding,
    /// SHA-256 of the document that shows it.
    pub evidence: [u8; 32],
    /// What was asked when it was proposed.
    pub question: Question,
    /// How often the instruction had been sent when it was proposed.
    pub sends: u32,
    pub reason: Option<String>,
    pub by: String,
    pub at: Timestamp,
    /// Whose proposal it is about; absent for a proposal.
    pub proposed_by: Option<String>,
}

/// An instruction as it lies on the desk, with all that was said of it there.
#[derive(Clone, Debug)]
pub struct DoubtView {
    pub instruction: InstructionView,
    /// Store key of its batch.
    pub batch: i64,
    /// County of its project.
    pub region: Region,
    /// Who prepared its batch, and has no voice here.
    pub prepared_by: String,
    /// Content of its batch, from which keys are made.
    pub content: ContentHash,
    /// In the order in which they were taken.
    pub steps: Vec<DoubtTaken>,
}

impl DoubtView {
    /// What people are asked; `None` where there is nothing to decide.
    pub fn question(&self) -> Option<Question> {
        let InstructionView {
            state,
            ask_first_since,
            held_since,
            ..
        } = &self.instruction;
        match state {
            State::InDoubt => Some(Question::InDoubt),
            State::Planned if held_since.is_some() => Some(Question::Held),
            State::Planned if ask_first_since.is_some() => Some(Question::AskFirst),
            State::Planned | State::Sending | State::Accepted | State::Refused => None,
        }
    }

    /// The newest proposal, while nobody has confirmed or withdrawn it.
    fn open(&self) -> Option<&DoubtTaken> {
        let last = self.steps.last();
        last.filter(|taken| taken.step == DoubtStep::Propose)
    }

    /// The proposal that a second person may confirm: one about the instruction as it stands now.
    pub fn proposal(&self) -> Option<&DoubtTaken> {
        let stands = |taken: &&DoubtTaken| {
            Some(taken.question) == self.question() && taken.sends == self.instruction.sends
        };
        self.open().filter(stands)
    }

    /// What the audit log keeps of it.
    pub(super) fn print(&self) -> [u8; 32] {
        let instruction = &self.instruction;
        let mut print = Print::default();
        print.add(&[
            &instruction.bank,
            &instruction.bank_key,
            instruction.state.code(),
            self.question().map_or("", Question::code),
            &instruction.sends.to_string(),
        ]);
        for taken in &self.steps {
            print.add(&[
                &taken.round.to_string(),
                taken.step.code(),
                taken.finding.code(),
                &hex::encode(taken.evidence),
                &taken.by,
            ]);
        }
        print.end()
    }

    /// Puts together what was read in sets; in the order of the store's keys.
    pub(super) fn assembled(
        instructions: Vec<InstructionView>,
        heads: &[impl Columns],
        steps: &[impl Columns],
    ) -> Result<Vec<Self>, StoreError> {
        let mut known: BTreeMap<i64, InstructionView> =
            instructions.into_iter().map(|one| (one.id, one)).collect();
        let mut said: BTreeMap<i64, Vec<DoubtTaken>> = BTreeMap::new();
        for row in steps {
            let taken = DoubtTaken::read(row)?;
            said.entry(row.int("instruction_id")?)
                .or_default()
                .push(taken);
        }
        let mut views = Vec::new();
        for head in heads {
            let id = head.int("id")?;
            if let Some(instruction) = known.remove(&id) {
                views.push(Self {
                    instruction,
                    batch: head.int("batch_id")?,
                    region: head.parsed("region", |text| Region::parse(text).ok())?,
                    prepared_by: head.text("prepared_by")?,
                    content: ContentHash(head.array("content")?),
                    steps: said.remove(&id).unwrap_or_default(),
                });
            }
        }
        Ok(views)
    }
}

impl DoubtTaken {
    fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            round: row.number("round")?,
            step: row.parsed("step", DoubtStep::from_code)?,
            finding: row.parsed("verdict", Finding::from_code)?,
            evidence: row.array("evidence")?,
            question: row.parsed("question", Question::from_code)?,
            sends: row.number("sends")?,
            reason: row.maybe_text("reason")?,
            by: row.text("by_whom")?,
            at: row.moment("at")?,
            proposed_by: row.maybe_text("proposed_by")?,
        })
    }

    /// What those who subscribed are told beside the batch.
    pub(super) fn told(&self, about: &InstructionView) -> Details {
        details([
            ("instruction", about.bank_key.as_str().into()),
            ("part", about.part.into()),
            ("rows", about.rows.into()),
            ("fen", about.total.get().into()),
            ("verdict", self.finding.code().into()),
        ])
    }

    /// The audit log's detail; the reason stays with the decision, because it is free text.
    pub(super) fn audited(&self, about: &InstructionView) -> String {
        format!(
            "batch {}, part {}, generation {}: round {}, {}, evidence {}",
            about.batch,
            about.part,
            about.generation,
            self.round,
            self.finding.code(),
            hex::encode(self.evidence)
        )
    }
}

/// Somebody's word on an instruction in doubt.
#[derive(Clone, Debug)]
pub struct DoubtWord {
    pub instruction: i64,
    pub says: DoubtSays,
    /// Principal.
    pub by: String,
    pub at: Timestamp,
}

/// What somebody says of it.
#[derive(Clone, Debug)]
pub enum DoubtSays {
    /// The first of two voices.
    Propose {
        finding: Finding,
        /// Hash and size of the document that shows it.
        evidence: ([u8; 32], u64),
        reason: String,
    },
    /// The second: the same finding, on the same document.
    Confirm {
        finding: Finding,
        evidence: ([u8; 32], u64),
        means: Means,
    },
    /// The proposal is taken back, by whoever made it or by somebody who does not agree.
    Withdraw { reason: String },
}

/// What a decision needs that the store does not know.
#[derive(Clone, Debug)]
pub struct Means {
    /// Form of a new instruction's key.
    pub key: KeyRule,
    /// Its day of payment.
    pub value_date: Date,
    /// Until then what left may still be on its way.
    pub under_way_until: Timestamp,
    /// When to ask the bank about what arrived, where it can be asked.
    pub query_at: Option<Timestamp>,
    /// The bytes that an instruction would have been sent with that this store never sent.
    pub bytes: Option<([u8; 32], u64)>,
}

/// Why a word on an instruction in doubt is not taken; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoubtRefused {
    /// The bank's answer, or two people, came before.
    #[error("the instruction is {} now: there is nothing to decide about it", state.code())]
    NoDoubt {
        /// Where it stands.
        state: State,
    },
    /// It was sent again, or is asked about for another reason, since the proposal.
    #[error("the instruction is {} now, and not as it was when this was proposed", state.code())]
    Changed {
        /// Where it stands.
        state: State,
    },
    /// One proposal at a time.
    #[error("something is proposed already; it has to be confirmed or withdrawn first")]
    Proposed,
    /// There is no first voice.
    #[error("nothing is proposed")]
    NothingProposed,
    /// The second voice must say what the first said.
    #[error("what is proposed is another finding, or rests on another document")]
    OtherProposal,
    /// Nobody decides alone (invariant 17).
    #[error("who proposed it may not confirm it: somebody else must")]
    SamePerson,
    /// Who prepared the wages has no voice on whether they were sent.
    #[error("who prepared the batch has no voice here: somebody else must")]
    Preparer,
    /// Bytes that left late may still arrive.
    #[error("what was sent may still be on its way until {until}")]
    UnderWay {
        /// From then on it may be decided.
        until: Timestamp,
    },
    /// A bank that spoke of payments in it has it.
    #[error("the bank has spoken of payments in it, so it arrived")]
    HasWord,
    /// The bank has taken from the special account what these wages need.
    #[error("the special account lacks {short} yuan for these wages")]
    Uncovered {
        /// What is missing.
        short: Fen,
    },
    /// What must never be sent stays where it is.
    #[error("an instruction that would pay a second time is never sent: it stays held")]
    StaysHeld,
}

impl DoubtWord {
    /// The step that it is, or the rule against it.
    pub(super) fn allowed(&self, doubt: &DoubtView) -> Result<DoubtTaken, DoubtRefused> {
        match &self.says {
            DoubtSays::Propose {
                finding,
                evidence: (evidence, _),
                reason,
            } => {
                let question = self.asked(doubt)?;
                if doubt.proposal().is_some() {
                    return Err(DoubtRefused::Proposed);
                }
                if (question, *finding) == (Question::Held, Finding::Arrived) {
                    return Err(DoubtRefused::StaysHeld);
                }
                Ok(DoubtTaken {
                    round: doubt.steps.last().map_or(1, |taken| taken.round + 1),
                    step: DoubtStep::Propose,
                    finding: *finding,
                    evidence: *evidence,
                    question,
                    sends: doubt.instruction.sends,
                    reason: Some(reason.clone()),
                    by: self.by.clone(),
                    at: self.at,
                    proposed_by: None,
                })
            }
            DoubtSays::Confirm {
                finding,
                evidence: (evidence, _),
                means,
            } => {
                self.asked(doubt)?;
                let proposal = self.confirmable(doubt, *finding, evidence)?;
                let until = means.under_way_until;
                if *finding == Finding::NotArrived && self.at < until {
                    return Err(DoubtRefused::UnderWay { until });
                }
                Ok(self.after(proposal, DoubtStep::Confirm, None))
            }
            DoubtSays::Withdraw { reason } => {
                let open = doubt.open().ok_or(DoubtRefused::NothingProposed)?;
                Ok(self.after(open, DoubtStep::Withdraw, Some(reason.clone())))
            }
        }
    }

    /// What is asked, of somebody who has a voice.
    fn asked(&self, doubt: &DoubtView) -> Result<Question, DoubtRefused> {
        let state = doubt.instruction.state;
        let question = doubt.question().ok_or(DoubtRefused::NoDoubt { state })?;
        if self.by == doubt.prepared_by {
            return Err(DoubtRefused::Preparer);
        }
        Ok(question)
    }

    fn confirmable<'a>(
        &self,
        doubt: &'a DoubtView,
        finding: Finding,
        evidence: &[u8; 32],
    ) -> Result<&'a DoubtTaken, DoubtRefused> {
        let proposal = match (doubt.proposal(), doubt.open()) {
            (Some(proposal), _) => proposal,
            (None, Some(_)) => {
                let state = doubt.instruction.state;
                return Err(DoubtRefused::Changed { state });
            }
            (None, None) => return Err(DoubtRefused::NothingProposed),
        };
        if (proposal.finding, &proposal.evidence) != (finding, evidence) {
            return Err(DoubtRefused::OtherProposal);
        }
        if proposal.by == self.by {
            return Err(DoubtRefused::SamePerson);
        }
        Ok(proposal)
    }

    /// A step about a proposal.
    fn after(&self, proposal: &DoubtTaken, step: DoubtStep, reason: Option<String>) -> DoubtTaken {
        DoubtTaken {
            step,
            reason,
            by: self.by.clone(),
            at: self.at,
            proposed_by: Some(proposal.by.clone()),
            ..proposal.clone()
        }
    }
}

impl From<DoubtRefused> for StoreError {
    fn from(refused: DoubtRefused) -> Self {
        Conflict::Doubt(refused).into()
    }
}

/// A wage of which a bank has said both paid and failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContradictedView {
    pub instruction: i64,
    pub sequence: u32,
    pub batch: String,
    /// Row in the sheet.
    pub row: u32,
    pub project: String,
    pub bank: String,
    pub bank_key: String,
    pub attempt: u32,
    /// False where a later attempt stands for the wage.
    pub latest: bool,
    pub amount: Fen,
    pub since: Timestamp,
}

impl ContradictedView {
    /// Where a page ended.
    pub const fn cursor(&self) -> (i64, u32) {
        (self.instruction, self.sequence)
    }

    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            instruction: row.int("instruction_id")?,
            sequence: row.number("sequence")?,
            batch: row.text("batch")?,
            row: row.number("row_no")?,
            project: row.text("project")?,
            bank: row.text("bank")?,
            bank_key: row.text("bank_key")?,
            attempt: row.number("attempt_no")?,
            latest: row.int("later")? == 0,
            amount: row.fen("amount_fen")?,
            since: row.moment("at")?,
        })
    }
}

/// The desk.
#[async_trait]
pub trait Doubts {
    /// Instructions that lie on the desk, by their keys, after this one.
    async fn doubt_page(
        &self,
        within: &Within,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DoubtView>, StoreError>;
    /// One instruction, on the desk or not any more.
    async fn doubt(&self, instruction: i64) -> Result<DoubtView, StoreError>;
    /// Takes one step. A confirmation does at once what follows: the instruction moves on, or ends and the same wages are planned anew under another
    /// key; attempts, facts, tasks and figures in the same commit.
    async fn decide_doubt(&self, word: &DoubtWord) -> Result<DoubtView, StoreError>;
    /// Holds an instruction, because the bank has another one for the same wages; the claim stays.
    async fn hold_doubt(
        &self,
        claim: &Claim,
        instruction: i64,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Wages of which a bank has said both paid and failed, by instruction and row in it, after this one.
    async fn contradicted_page(
        &self,
        within: &Within,
        after: Option<(i64, u32)>,
        limit: u32,
    ) -> Result<Vec<ContradictedView>, StoreError>;
}
