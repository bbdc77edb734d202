//! Two people at the desk of doubts, honest ones: each asks the bank by himself, and the bank tells them in writing whether it has the instruction.

use std::sync::Arc;

use jiff::Timestamp;
use wagegate::{
    dispatch::doubts::means,
    store::{DoubtSays, DoubtView, DoubtWord, Doubts as _, Finding, Question, StoreError, Within},
};

use crate::{auditor::Harm, house::Failure, world::World};

/// The hash and size of every letter.
const LETTER: ([u8; 32], u64) = ([7; 32], 700);
const FIRST: &str = "wagegate://user/finance";
const SECOND: &str = "wagegate://user/approver";

impl World {
    /// Whoever is at the desk says a word on whatever lies there; true where something was said.
    pub(crate) async fn desk(&mut self) -> Result<bool, Failure> {
        let mut said = false;
        // What two people decided in a database that is lost is not modelled: docs/simulation.md.
        if self.copied.is_some() && self.restores_left > 0 {
            return Ok(false);
        }
        for doubt in self.store.doubt_page(&Within::All, None, 1_000).await? {
            said |= self.say(&doubt).await?;
        }
        if said {
            self.wake_all();
        }
        Ok(said)
    }

    async fn say(&mut self, doubt: &DoubtView) -> Result<bool, Failure> {
        let view = &doubt.instruction;
        let mut own = self
            .banks
            .iter()
            .filter(|bank| bank.nature.code == view.bank);
        let has = own.any(|bank| bank.has(&view.bank_key));
        let finding = if has {
            Finding::Arrived
        } else {
            Finding::NotArrived
        };
        let (says, by) = match (doubt.question(), doubt.proposal()) {
            (None | Some(Question::Held), _) => return Ok(false),
            // They have said so; the bank has the last word now.
            (Some(Question::AskFirst), _) if view.vouched_at.is_some() => return Ok(false),
            (Some(_), None) => {
                let reason = "the bank's letter".to_owned();
                let says = DoubtSays::Propose {
                    finding,
                    evidence: LETTER,
                    reason,
                };
                (says, FIRST)
            }
            (Some(_), Some(proposal)) if proposal.finding == finding => {
                let gateway = Arc::clone(&self.gates[0].gateway);
                let says = DoubtSays::Confirm {
                    finding,
                    evidence: LETTER,
                    means: means(&gateway, doubt, finding).await?,
                };
                (says, SECOND)
            }
            (Some(_), Some(_)) => {
                let reason = "the bank says otherwise now".to_owned();
                (DoubtSays::Withdraw { reason }, SECOND)
            }
        };
        let word = DoubtWord {
            instruction: view.id,
            says,
            by: by.to_owned(),
            at: Timestamp::from_millisecond(self.now)?,
        };
        let step = format!("{by} on {}: {finding:?}", view.bank_key);
        match self.store.decide_doubt(&word).await {
            Ok(_) => {
                self.tell(|| step);
                Ok(true)
            }
            Err(StoreError::Conflict(why)) => {
                self.tell(|| format!("{step} is not taken: {why}"));
                Ok(false)
            }
            Err(error) => {
                self.auditor
                    .find(Harm::WrongOutcome, format!("the desk failed: {error}"));
                Ok(false)
            }
        }
    }
}
