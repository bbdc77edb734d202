//! A project's register of workers: what an import says of them becomes who may be paid, and where.

mod enrol;
pub mod forms;
mod template;

pub use enrol::{EnrolError, Enrolled, Upload, enrol, rename_card};
pub use template::template;
