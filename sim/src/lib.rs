//! Seeded worlds in which the real gateway meets every fault that we know of, and an auditor that holds its books against the banks' ledgers.
//! What is modelled and what is not is written in `docs/simulation.md`.

pub mod auditor;
pub mod bank;
pub mod calls;
pub mod chance;
mod desk;
pub mod faults;
pub mod house;
pub mod hub;
pub mod people;
pub mod restore;
pub mod runs;
pub mod sabotage;
pub mod slot;
mod tick;
pub mod world;
