//! The disk that forgets, for a run with power cuts: database and evidence lie on it.

use std::path::Path;

use lossyfs::{Disk as Lossy, Fsync, Mounted};

use crate::{Failure, dice::Dice, options};

/// Of a hundred pages that were not synced, how many had reached the disk by themselves, in every other power cut.
const BY_THEMSELVES: u64 = 30;

/// A mounted disk of which only what was synced outlives a power cut.
#[derive(Debug)]
pub(crate) struct Disk(Mounted);

impl Disk {
    pub(crate) fn mount(at: &Path, options: &options::Run) -> Result<Self, Failure> {
        let fsync = if options.lying_disk {
            Fsync::Lies
        } else {
            Fsync::Honest
        };
        let mounted = Mounted::new(Lossy::new(fsync), at);
        let mounted =
            mounted.map_err(|error| format!("a FUSE mount on {}: {error}", at.display()))?;
        Ok(Self(mounted))
    }

    /// The first day is over: what is there is on the disk.
    pub(crate) fn settle(&self) {
        self.0.sync_all();
    }

    /// Cuts the power. Every other time some pages had reached the disk out of order, so that files are torn where they were not synced.
    pub(crate) fn cut_power(&mut self, chance: u64) -> Result<(), Failure> {
        let mut dice = Dice::new(chance);
        let torn = dice.below(2) == 1;
        Ok(self
            .0
            .cut_power(|| torn && dice.below(100) < BY_THEMSELVES)?)
    }
}
