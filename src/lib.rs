//! The gateway: the only crate that acts. Who may do what is `security`, what must not be forgotten is `store`, what a bank hears is
//! `dispatch`, what it said is `reconcile`; `ARCHITECTURE.md` has the map.

pub mod audit;
pub mod banks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod evidence;
pub mod gateway;
pub mod http;
pub mod intake;
pub mod killpoints;
pub mod reconcile;
pub mod registry;
pub mod report;
pub mod rotation;
pub mod security;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod vitals;
pub mod webhooks;
