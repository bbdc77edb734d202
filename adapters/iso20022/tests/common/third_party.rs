//! Where `scripts/third-party` puts schemas and documents that we did not write, and the independent reader over them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file or folder of the third-party packages; a missing one fails the test, because a skipped check proves nothing.
pub(crate) fn third_party(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../var/third-party")
        .join(path);
    assert!(
        found.exists(),
        "{} is missing: run scripts/third-party first",
        found.display()
    );
    found
}

/// What the Python reader beside these tests says.
pub(crate) fn independent(what: &str, path: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent.py");
    Command::new("python3")
        .arg(script)
        .arg(what)
        .arg(path)
        .output()
        .expect("python3 must be on the machine")
}

/// The value of `key` in a line of `key=value` pairs.
pub(crate) fn value<'a>(line: &'a str, key: &str) -> &'a str {
    line.split(' ')
        .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {key} in {line}"))
}
