//! Throw-away certificates for tests: made once for each test process by `certs-example/make`, copied for each test, so that a
//! test may revoke and replace what it likes.

#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::TempDir;

/// One test's own folder of certificates.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// A copy of this process's set: the same authorities for every test.
    pub(crate) fn fresh() -> Self {
        static MADE: OnceLock<Certificates> = OnceLock::new();
        let copy = Self(tempfile::tempdir().unwrap());
        let made = MADE.get_or_init(Self::strangers);
        run(Command::new("cp")
            .arg("-a")
            .arg(made.0.path().join("."))
            .arg(copy.0.path()));
        copy
    }

    /// Authorities with the same names and other keys, whom nobody trusts.
    pub(crate) fn strangers() -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        run(script("make").arg(dir.0.path()));
        dir
    }

    /// One more certificate; `more` is what `certs-example/issue` takes after the name.
    pub(crate) fn issue(&self, authority: &str, name: &str, more: &str) {
        run(script("issue")
            .arg(self.0.path())
            .args([authority, name])
            .args(more.split(' ')));
    }

    /// Revokes `name`.pem and replaces its authority's list.
    pub(crate) fn revoke(&self, name: &str) {
        run(script("revoke")
            .arg(self.0.path())
            .arg(self.file(&format!("{name}.pem"))));
    }

    /// The path of one file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn script(name: &str) -> Command {
    Command::new(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("certs-example")
            .join(name),
    )
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}
