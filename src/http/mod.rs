//! The gateway's own HTTPS listener: who may connect, who is calling, and one file for each resource under `/v1`.
//!
//! [`doors`] lists every route with the action that it takes; nobody gets past [`ask`] without a role that has that action, and each handler
//! then asks for the scope. Wire types live with their resource; the domain has none.

pub mod accounts;
pub mod approval;
pub mod ask;
pub mod audit;
pub mod bank;
pub mod banks;
pub mod batches;
mod body;
pub mod calendar;
pub mod cards;
pub mod changes;
mod chinese;
mod documents;
pub mod doors;
pub mod doubts;
mod fault;
mod frame;
pub mod health;
pub mod idempotency;
pub mod identity;
pub mod items;
pub mod keys;
mod metrics;
pub mod openapi;
pub mod operations;
pub mod outcomes;
pub mod principals;
pub mod problem;
pub mod rates;
mod refusal;
pub mod register;
pub mod roster;
pub mod serve;
pub mod sheets;
pub mod tasks;
mod templates;
mod terms;
pub mod webhooks;
pub mod wire;
