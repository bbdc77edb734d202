//! Neither direction holds the rows: shown by watching how far reading and writing are apart.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader, Read, Write};

use crate::encoding::sample;
use crate::{Bench, Said};

const ROWS: u32 = 20_000;
/// Rows that may be under way: what fits the buffers of a reader or a writer.
const AHEAD: usize = 2_000;

/// Payments are taken from the iterator no faster than their bytes leave.
pub fn payments_are_pulled_as_bytes_are_written(bench: &dyn Bench) {
    struct Counting<'a>(&'a Cell<usize>);
    impl Write for Counting<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.set(self.0.get() + bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (order, payments) = sample(bench, ROWS);
    let written = Cell::new(0);
    let at_pull = RefCell::new(Vec::new());
    let mut watched = payments
        .iter()
        .cloned()
        .inspect(|_| at_pull.borrow_mut().push(written.get()));
    bench
        .adapter()
        .encode(&order, &mut watched, &mut Counting(&written))
        .expect("a good order is written");
    let row = written.get() / payments.len();
    for (pulled, bytes) in at_pull.borrow().iter().enumerate() {
        assert!(
            bytes + AHEAD * row >= pulled * row,
            "{pulled} payments taken, {bytes} bytes written"
        );
    }
}

/// A row is told when its bytes are there, not when the document has ended.
pub fn early_rows_are_told_before_late_bytes_are_read(bench: &dyn Bench) {
    let (order, payments) = sample(bench, ROWS);
    // Refused rows: also a bank that lists only these then lists them all.
    let rows: Vec<_> = payments
        .into_iter()
        .map(|payment| (payment, Said::Failed))
        .collect();
    let document = bench.result(&order, &rows);
    let read = Cell::new(0);
    let mut at_telling = Vec::new();
    bench
        .adapter()
        .decode(
            Some(&order.bank_key),
            &mut watched(&document, &read),
            &mut |_| at_telling.push(read.get()),
        )
        .expect("a good document is read");
    check_pace(&at_telling, document.len());
}

/// The same for our own bytes.
pub fn payments_are_read_back_before_late_bytes_are_read(bench: &dyn Bench) {
    let (order, payments) = sample(bench, ROWS);
    let mut bytes = Vec::new();
    bench
        .adapter()
        .encode(&order, &mut payments.into_iter(), &mut bytes)
        .expect("a good order is written");
    let read = Cell::new(0);
    let mut at_telling = Vec::new();
    bench
        .adapter()
        .read_back(&mut watched(&bytes, &read), &mut |_| {
            at_telling.push(read.get())
        })
        .expect("own bytes are read back");
    check_pace(&at_telling, bytes.len());
}

fn check_pace(at_telling: &[usize], size: usize) {
    assert!(
        at_telling.len() >= ROWS as usize,
        "{} of {ROWS} rows were told",
        at_telling.len()
    );
    let row = size / ROWS as usize;
    for (told, bytes) in at_telling.iter().enumerate() {
        assert!(
            *bytes <= (told + AHEAD) * row,
            "{bytes} bytes read before row {told} was told"
        );
    }
}

struct Watched<'a> {
    left: &'a [u8],
    read: &'a Cell<usize>,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.left.read(into)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

fn watched<'a>(document: &'a [u8], read: &'a Cell<usize>) -> BufReader<Watched<'a>> {
    BufReader::with_capacity(
        1_024,
        Watched {
            left: document,
            read,
        },
    )
}
