//! Neither a million payments out nor a million rows back is held: peak memory of whole processes, against that for a thousand.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::io::{BufReader, Read};
use std::process::Command;

use common::{KEY, qingshan};
use wagegate_domain::Fen;
use wagegate_domain::adapter::{Adapter, Payment};
use wagegate_domain::fact::Told;
use wagegate_domain::plan::reference;

const TASK: &str = "WAGEGATE_MEASURE";
const ALLOWED_GROWTH_KIB: u64 = 64 * 1024;

/// A document made while it is read: a head, rows by number, a tail.
struct Document<F> {
    row: F,
    next: u32,
    count: u32,
    tail: &'static str,
    ready: Vec<u8>,
    at: usize,
}

impl<F: Fn(u32) -> String> Document<F> {
    fn new(head: String, row: F, count: u32, tail: &'static str) -> BufReader<Self> {
        BufReader::new(Self {
            row,
            next: 1,
            count,
            tail,
            ready: head.into_bytes(),
            at: 0,
        })
    }
}

impl<F: Fn(u32) -> String> Read for Document<F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.ready.len() && self.next <= self.count + 1 {
            let text = if self.next <= self.count {
                (self.row)(self.next)
            } else {
                self.tail.to_owned()
            };
            (self.ready, self.at, self.next) = (text.into_bytes(), 0, self.next + 1);
        }
        let read = (&self.ready[self.at..]).read(into)?;
        self.at += read;
        Ok(read)
    }
}

fn encode(count: u32) -> u64 {
    let model = common::payment(KEY, 1);
    let mut order = common::order(KEY, 1);
    order.count = count;
    order.total = Fen::new(model.amount.get() * i64::from(count));
    let mut payments = (1..=count).map(|n| Payment {
        sequence: n,
        reference: reference(KEY, n),
        ..model.clone()
    });
    qingshan()
        .encode(&order, &mut payments, &mut std::io::sink())
        .unwrap();
    u64::from(count)
}

fn report(count: u32) -> u64 {
    let head = format!(
        "<Document><CstmrPmtStsRpt>{}<OrgnlPmtInfAndSts><OrgnlPmtInfId>{KEY}</OrgnlPmtInfId>",
        common::group("PART", "")
    );
    let row = |n| {
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>{KEY}{n:07}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>已销户</AddtlInf></StsRsnInf></TxInfAndSts>"
        )
    };
    read(Document::new(
        head,
        row,
        count,
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>",
    ))
}

fn notification(count: u32) -> u64 {
    let head = format!(
        "<Document><BkToCstmrDbtCdtNtfctn><Ntfctn><Ntry><Amt Ccy=\"CNY\">{count}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><NtryDtls>"
    );
    let row = |n| {
        format!(
            "<TxDtls><Refs><PmtInfId>{KEY}</PmtInfId><EndToEndId>{KEY}{n:07}</EndToEndId></Refs><Amt Ccy=\"CNY\">1.00</Amt><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"
        )
    };
    read(Document::new(
        head,
        row,
        count,
        "</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
    ))
}

fn read(mut input: impl std::io::BufRead) -> u64 {
    let mut items = 0;
    qingshan()
        .decode(None, &mut input, &mut |told| {
            items += u64::from(matches!(told, Told::Item { .. }))
        })
        .unwrap();
    items
}

/// Runs in a process of its own when asked to; otherwise there is nothing to do.
#[test]
fn measured() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let (what, count) = task.split_once(' ').unwrap();
    let count = count.parse().unwrap();
    let handled = match what {
        "encode" => encode(count),
        "report" => report(count),
        "notification" => notification(count),
        other => panic!("{other}"),
    };
    assert_eq!(handled, u64::from(count));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    println!("peak={}", peak.trim().trim_end_matches(" kB"));
}

fn peak_kib(what: &str, count: u32) -> u64 {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "measured", "--nocapture"])
        .env(TASK, format!("{what} {count}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{text}");
    text.split("peak=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_million_rows_need_little_more_memory_than_a_thousand() {
    for what in ["encode", "report", "notification"] {
        let (few, many) = (peak_kib(what, 1_000), peak_kib(what, 1_000_000));
        println!("{what}: peak {few} KiB for a thousand rows, {many} KiB for a million");
        assert!(many < few + ALLOWED_GROWTH_KIB, "{what}");
    }
}
