//! A PostgreSQL cluster of a run's own, which can be made to stop in the middle of anything.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::Failure;

/// A running cluster; it is stopped when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    pub(crate) url: String,
}

impl Cluster {
    /// Makes and starts one. The folder lies under /tmp, where the server's own user can go.
    pub(crate) fn start() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("crash-postgres-")
            .tempdir_in("/tmp")?
            .keep();
        let url = script("start", &folder)?;
        Ok(Self { folder, url })
    }

    /// Stops the server without letting it end anything, and starts it again: what was committed is in its log, and nothing else is.
    pub(crate) fn restart(&self) -> Result<(), Failure> {
        script("restart", &self.folder).map(drop)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = script("stop", &self.folder) {
            eprintln!("crash: {error}");
        }
    }
}

fn script(action: &str, folder: &Path) -> Result<String, Failure> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/postgres");
    let output = Command::new(script).arg(action).arg(folder).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
