//! Taking an instruction: the bank's own checks, in the order a counter clerk would make them.

use std::time::{Duration, Instant};

use super::{Bank, Taken, Taking};
use crate::instruction::{Instruction, Refusal};
use crate::money::Fen;

impl Bank {
    /// Takes or refuses the instruction in `body`, which came under `reference`. A bank that does not look for duplicates
    /// takes the same reference again and will pay again.
    pub fn submit(&mut self, reference: &str, body: &[u8]) -> Taking {
        if self.behaviour.deduplicates && self.latest.contains_key(reference) {
            return Taking::Duplicate;
        }
        match self.check(reference, body) {
            Ok((instruction, total)) => self.take(instruction, total),
            Err(refusal) => return Taking::Refused(refusal),
        }
        self.execute_ready();
        Taking::Taken
    }

    fn check(&self, reference: &str, body: &[u8]) -> Result<(Instruction, Fen), Refusal> {
        let limit = self
            .behaviour
            .max_rows
            .unwrap_or_else(|| self.dialect.row_limit());
        let instruction = self.dialect.read(body, limit)?;
        if instruction.reference != reference {
            return Err(Refusal::unreadable(
                "the reference in the address is not the one in the instruction",
            ));
        }
        let total = instruction.checked_total()?;
        let account = self
            .accounts
            .get(&instruction.debtor)
            .ok_or(Refusal::UnknownAccount)?;
        let free = account
            .balance_fen
            .minus(account.held_fen)
            .unwrap_or_default();
        if total > free {
            Err(Refusal::Funds)
        } else {
            Ok((instruction, total))
        }
    }

    fn take(&mut self, instruction: Instruction, total: Fen) {
        if let Some(account) = self.accounts.get_mut(&instruction.debtor) {
            account.held_fen = account
                .held_fen
                .plus(total)
                .expect("what is held never exceeds the balance");
        }
        self.latest
            .insert(instruction.reference.clone(), self.taken.len());
        let on = self.today();
        self.taken.push(Taken {
            on,
            instruction,
            total,
            polls_left: self.behaviour.work_polls,
            ready_at: Instant::now() + Duration::from_millis(self.behaviour.work_ms),
            results: None,
        });
    }
}
