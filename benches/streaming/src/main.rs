//! `wagegate-streaming FAMILY DIRECTION ROWS`: runs one direction once and prints one JSON line with time and peak memory.
//!
//! Families: iso20022, textfile. Directions: encode, read_back, result, returns. Rows are made while they are read, so that whatever memory grows
//! with their number is the adapter's. scripts/memory compares whole processes.

mod documents;

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::time::Instant;

use wagegate_conformance::making;
use wagegate_domain::adapter::{Adapter, Order};
use wagegate_domain::fact::Told;
use wagegate_iso20022::Iso20022;
use wagegate_textfile::Textfile;

use documents::{Lazy, Lines};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [family, direction, rows] => rows
            .parse()
            .ok()
            .and_then(|rows| Some((bank(family)?, family, direction, rows))),
        _ => None,
    };
    let Some((bank, family, direction, rows)) = parsed else {
        return usage();
    };
    let order = making::order(bank.profile().key, 1, rows);
    let start = Instant::now();
    let handled = match direction.as_str() {
        "encode" => encode(bank.as_ref(), &order, &mut io::sink()),
        "read_back" => read_back(bank.as_ref(), &order),
        "result" => decode(
            bank.as_ref(),
            Some(&order.bank_key),
            documents::result(family, &order),
        ),
        "returns" => decode(bank.as_ref(), None, documents::returns(family, &order)),
        _ => return usage(),
    };
    let millis = start.elapsed().as_millis();
    assert_eq!(handled, rows, "every row is handled");
    let peak = peak_kib();
    println!(
        "{{\"family\":\"{family}\",\"direction\":\"{direction}\",\"rows\":{rows},\"millis\":{millis},\"peak_kib\":{peak}}}"
    );
}

fn usage() {
    eprintln!("usage: wagegate-streaming iso20022|textfile encode|read_back|result|returns ROWS");
    std::process::exit(2);
}

fn bank(family: &str) -> Option<Box<dyn Adapter>> {
    match family {
        "iso20022" => {
            let profile = include_str!("../../../adapters/iso20022/banks/qingshan.toml");
            Some(Box::new(
                Iso20022::from_toml(profile).expect("a sample profile loads"),
            ))
        }
        "textfile" => {
            let profile = include_str!("../../../adapters/textfile/banks/bishui.toml");
            Some(Box::new(
                Textfile::from_toml(profile).expect("a sample profile loads"),
            ))
        }
        _ => None,
    }
}

fn encode(bank: &dyn Adapter, order: &Order, out: &mut dyn Write) -> u32 {
    let mut rows = 0;
    let mut payments = making::payments(order).inspect(|_| rows += 1);
    bank.encode(order, &mut payments, out)
        .expect("made-up payments are written");
    rows
}

/// Written by one thread and read by another, with a pipe's few pages between.
fn read_back(bank: &dyn Adapter, order: &Order) -> u32 {
    let (from, to) = io::pipe().expect("a pipe opens");
    std::thread::scope(|scope| {
        scope.spawn(move || encode(bank, order, &mut BufWriter::new(to)));
        let mut rows = 0;
        let stated = bank.read_back(&mut BufReader::new(from), &mut |_| rows += 1);
        assert_eq!(stated.expect("own bytes are read back").total, order.total);
        rows
    })
}

fn decode(bank: &dyn Adapter, asked: Option<&str>, lines: Lines) -> u32 {
    let mut input: Box<dyn BufRead> = Box::new(BufReader::new(Lazy::new(lines)));
    let mut rows = 0;
    bank.decode(asked, &mut input, &mut |told| match told {
        Told::Item { .. } => rows += 1,
        Told::Whole { .. } | Told::Rest { .. } | Told::Remark(_) => {}
        Told::Parked { why, .. } => panic!("parked: {why}"),
    })
    .expect("a good document is read");
    rows
}

/// The most memory that this process ever held (Linux; 0 elsewhere).
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
