//! Faults on demand: which calls go wrong, how often, and how.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The call is fully done, then the connection closes without an answer.
    AcceptThenDrop,
    /// The connection closes and nothing was done.
    DropBeforeAccept,
    /// The answer takes `ms` longer.
    Slow,
    /// 500, and nothing was done.
    #[serde(rename = "error_500")]
    Error500,
    /// The call is fully done, then the answer is 503.
    #[serde(rename = "error_503_after_accept")]
    Error503AfterAccept,
    /// The call is fully done; the answer keeps its status, its body is not of the dialect.
    Garbage,
    /// The call is fully done; the answer names another reference.
    WrongReference,
    /// The call is fully done; the answer breaks off half-way.
    HalfReply,
}

/// The calls a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// An instruction comes.
    Submit,
    /// Its status is asked.
    Query,
    /// Notices are asked.
    Collect,
}

/// A fault that waits for its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub fault: FaultKind,
    /// Which calls it strikes.
    pub calls: Call,
    /// How many of them.
    #[serde(default = "once")]
    pub count: u32,
    /// Milliseconds, for `slow`.
    #[serde(default)]
    pub ms: u64,
}

/// Faults in the order they were asked for.
#[derive(Debug, Default)]
pub struct Faults(VecDeque<Fault>);

impl Faults {
    /// Adds a fault behind those already waiting.
    pub fn add(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    /// Takes all faults back.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault this call meets, if any; it is used up by one.
    pub fn strike(&mut self, call: Call) -> Option<Fault> {
        self.0.retain(|fault| fault.count > 0);
        let fault = self.0.iter_mut().find(|fault| fault.calls == call)?;
        fault.count -= 1;
        Some(*fault)
    }
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_its_calls_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.add(
            serde_json::from_str(r#"{"fault":"slow","calls":"query","count":2,"ms":5}"#).unwrap(),
        );
        faults.add(serde_json::from_str(r#"{"fault":"error_500","calls":"query"}"#).unwrap());
        assert_eq!(faults.strike(Call::Submit), None);
        let struck: Vec<_> = (0..4)
            .map(|_| faults.strike(Call::Query).map(|fault| fault.fault))
            .collect();
        assert_eq!(
            struck,
            [
                Some(FaultKind::Slow),
                Some(FaultKind::Slow),
                Some(FaultKind::Error500),
                None
            ]
        );
    }
}
