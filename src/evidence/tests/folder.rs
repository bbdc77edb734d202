//! What is true of a folder only.

use std::{fs, io, os::unix::fs::PermissionsExt as _};

use super::*;

#[test]
fn nobody_else_can_look_into_the_folder() {
    let desk = Desk::in_a_folder();
    let kept = hex::encode(desk.keep(&noise(100_000)).hash);
    let root = desk.folder.path().join("evidence");
    let file = root.join(&kept[..2]).join(&kept[2..]);
    for path in [root, file] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn leftovers_of_a_crash_go_at_the_next_opening_but_not_from_under_a_living_writer() {
    let desk = Desk::in_a_folder();
    let root = desk.folder.path().join("evidence");
    let vault = vault(desk.folder.path());
    let leftover = root.join(INCOMING).join(".tmpCrashed");
    fs::write(&leftover, "half").unwrap();
    let second = Evidence::open(&root, Arc::clone(&vault)).unwrap();
    assert!(leftover.exists(), "the first may be writing it");
    drop((desk.evidence, second));
    Evidence::open(&root, vault).unwrap();
    assert!(!leftover.exists());
}

#[test]
fn a_full_disk_is_named_with_its_folder() {
    let desk = Desk::in_a_folder();
    let error = desk.evidence.failed(io::ErrorKind::StorageFull.into());
    assert!(matches!(error, EvidenceError::Full { .. }), "{error}");
    assert!(
        error.to_string().contains("is full: nothing was kept"),
        "{error}"
    );
}
