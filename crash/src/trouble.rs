//! What may befall a life in the middle of its work, besides death: it must go on by itself when the trouble is over.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Failure,
    cluster::Cluster,
    house::House,
    life::{Life, Lived, Start},
};

/// How long a trouble lasts, besides what it needs.
const LASTS: Duration = Duration::from_millis(300);
/// How long a life has to show that it goes on: a pool looks for its database again within seconds.
pub(crate) const RECOVERS: Duration = Duration::from_secs(20);

/// A disk that is soon full.
const SMALL: &str = "size=256m";

/// One trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The database server stops in the middle of everything and comes back.
    Restart,
    /// The process stands still for longer than its lease, and another takes its tasks over.
    Freeze,
    /// The disk is full, until somebody makes room.
    DiskFull,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct After {
    /// When it was over.
    pub(crate) over: Instant,
    /// The life of the other one, where there was one.
    pub(crate) other: Option<Lived>,
}

impl Trouble {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restarts",
            Self::Freeze => "freezes",
            Self::DiskFull => "disk_fulls",
        }
    }

    /// Lets it befall the life.
    pub(crate) fn befall(
        self,
        life: &Life,
        house: &House,
        cluster: Option<&Cluster>,
        other: &Start,
    ) -> Result<After, Failure> {
        let other = match self {
            Self::Restart => {
                cluster
                    .ok_or("--restarts needs --engine postgres")?
                    .restart()?;
                None
            }
            Self::Freeze => Some(freeze(life, house, other)?),
            Self::DiskFull => {
                fill(&house.data)?;
                None
            }
        };
        Ok(After {
            over: Instant::now(),
            other,
        })
    }
}

/// The other starts when every lease of the frozen one has run out by its clock, and is dead when that one wakes or soon after.
fn freeze(life: &Life, house: &House, other: &Start) -> Result<Lived, Failure> {
    let process = i32::try_from(life.id()).ok().and_then(Pid::from_raw);
    let process = process.ok_or("a life without a process")?;
    kill_process(process, Signal::STOP)?;
    let other = Life::start(house, other, None);
    pause(LASTS);
    kill_process(process, Signal::CONT)?;
    other?.end(LASTS)
}

/// Lets the other process work.
#[expect(
    clippy::disallowed_methods,
    reason = "another process works meanwhile, and nothing here can be driven"
)]
pub(crate) fn pause(time: Duration) {
    thread::sleep(time);
}

/// Takes all the room that there is, for a while.
fn fill(data: &Path) -> Result<(), Failure> {
    let path = data.join("filler");
    let mut filler = File::create(&path)?;
    let mut piece = vec![b'x'; 1 << 20];
    while !piece.is_empty() {
        match filler.write_all(&piece) {
            Ok(()) => {}
            // What is left is less than this.
            Err(_) => piece.truncate(piece.len() / 2),
        }
    }
    pause(LASTS);
    Ok(fs::remove_file(path)?)
}

/// A disk of its own for the data, small enough to be filled; it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Puts one at a folder.
    ///
    /// # Errors
    /// It takes being root.
    pub(crate) fn mount(at: &Path) -> Result<Self, Failure> {
        let mut mount = Command::new("mount");
        command(mount.args(["-t", "tmpfs", "-o", SMALL, "crash"]).arg(at))?;
        Ok(Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = command(Command::new("umount").arg(&self.0)) {
            eprintln!("crash: {error}");
        }
    }
}

fn command(command: &mut Command) -> Result<(), Failure> {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
