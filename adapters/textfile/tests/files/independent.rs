//! What we write, read by a reader that is not ours: `independent.py`, with Python's codecs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{banks, order, written};

fn read(bank: &str, file: &Path) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/independent.py");
    let run = Command::new("python3")
        .args([script.as_path(), Path::new(bank), file])
        .output()
        .expect("python3 must be on the machine");
    if run.status.success() {
        Ok(String::from_utf8(run.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&run.stderr).into_owned())
    }
}

#[test]
fn one_a_thousand_and_a_hundred_thousand_rows_say_the_same_to_a_foreign_reader() {
    let folder = tempfile::tempdir().unwrap();
    for (code, bank) in banks() {
        for count in [1, 1_000, 100_000] {
            let path = folder.path().join("instruction.txt");
            fs::write(&path, written(&bank, count)).unwrap();
            let total = order(&bank, count).0.total.get();
            let expected = format!("count={count} sum={total} unique={count}");
            assert_eq!(read(code, &path), Ok(expected), "{code}, {count} rows");
        }
    }
}

#[test]
fn the_foreign_reader_can_say_no() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.txt");
    for (code, bank) in banks() {
        let whole = written(&bank, 60);
        let digits = (0..whole.len()).filter(|place| whole[*place].is_ascii_digit());
        let (mut tried, mut refused) = (0, 0);
        for place in digits.step_by(whole.len() / 20) {
            let mut changed = whole.clone();
            changed.remove(place);
            fs::write(&path, changed).unwrap();
            tried += 1;
            refused += usize::from(read(code, &path).is_err());
        }
        // A digit less in the date or in a remark says nothing wrong.
        assert!(
            refused * 2 > tried && tried > 5,
            "{code}: {refused} of {tried} refused"
        );
    }
}
