//! A project's register of workers: what an import says of them becomes who may be paid, and where.

pub mod forms;
mod template;

pub use template::template;
