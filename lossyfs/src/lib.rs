//! A file system in memory that keeps its word about fsync and nothing else. A power cut takes every file back to what was last synced of it, and
//! every folder to the entries that were last synced, as POSIX allows and no gentler. It is an instrument for crash tests, and no place for data.

mod disk;
mod mount;

pub use disk::{Disk, Fsync};
pub use mount::Mounted;
