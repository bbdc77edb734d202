//! A bank to talk to: takes instructions, pays or refuses each row, keeps a ledger, and misbehaves on demand.
//! It shares no code with the gateway, so that what the two agree on is agreed through the interface page alone.

pub mod audit;
pub mod bank;
pub mod behaviour;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod control;
pub mod dialect;
pub mod fault;
pub mod identity;
pub mod instruction;
pub mod iso;
pub mod ledger;
pub mod money;
pub mod push;
pub mod reason;
pub mod serve;
pub mod service;
pub mod text;
pub mod tls;
