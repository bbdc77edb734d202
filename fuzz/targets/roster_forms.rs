//! Bytes as a roster in each of its forms: no panic, and the second pass gives what the first promised.
#![no_main]

use std::io::{self, BufRead, Cursor};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wagegate::registry::forms::{FormKind, RosterExpectation, read};
use wagegate::security::national::NationalSecret;

static SECRET: LazyLock<NationalSecret> =
    LazyLock::new(|| NationalSecret::parse("0123456789abcdefGHIJKLMNopqrst+/").expect("32 characters"));

fuzz_target!(|data: &[u8]| {
    let open = || -> io::Result<Box<dyn BufRead + Send>> { Ok(Box::new(Cursor::new(data.to_vec()))) };
    let today = "2026-11-02".parse().expect("a day");
    let expect = RosterExpectation { project: "P1", today };
    for kind in FormKind::ALL {
        let mut rows = 0;
        let done = read(kind, &open, Some(&SECRET), &expect, &mut |_| {
            rows += 1;
            Ok(())
        });
        match done {
            Ok(read) => assert_eq!(read.rows, rows, "{kind:?}"),
            Err(error) => assert_eq!(rows, 0, "{kind:?}: {error}"),
        }
    }
});
