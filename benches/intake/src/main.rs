//! `wagegate-intake-bench`: a 100,000-row workbook and a 1,000,000-row text through the real intake, on both engines, and a bare append of the same
//! stored rows, each in a process of its own; prints rows a second, peak memory and the ratio. Give factors to make it smaller: `0.1`.
//!
//! `WAGEGATE_TEST_POSTGRES` names the server on which databases are made; without it, only SQLite is measured.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

mod append;
#[path = "../../../tests/support/fresh_postgres.rs"]
mod fresh_postgres;
mod intake;
mod people;

use std::{env, process::Command, time::Instant};

use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [case, engine, rows] => println!("{}", one(case, engine, rows.parse().unwrap())),
        [part] => all(part.parse().unwrap()),
        _ => all(1),
    }
}

/// All cases, each in a process of its own; `part` is the divisor of the sizes.
fn all(part: u32) {
    let engines: &[&str] = match env::var_os("WAGEGATE_TEST_POSTGRES") {
        Some(_) => &["sqlite", "postgres"],
        None => &["sqlite"],
    };
    println!(
        "{:<10} {:<6} {:>9} {:>9} {:>11} {:>9} {:>7}",
        "engine", "case", "rows", "seconds", "rows/s", "peak MiB", "ratio"
    );
    for engine in engines {
        for (case, rows) in [("xlsx", 100_000 / part), ("csv", 1_000_000 / part)] {
            let (bare, taken) = (apart("bare", engine, rows), apart(case, engine, rows));
            let ratio = taken["millis"].as_u64().unwrap() * 100 / bare["millis"].as_u64().unwrap();
            line(engine, "bare", &bare, "");
            line(
                engine,
                case,
                &taken,
                &format!("{}.{:02}", ratio / 100, ratio % 100),
            );
        }
    }
}

fn line(engine: &str, case: &str, figures: &Value, ratio: &str) {
    let number = |name: &str| figures[name].as_u64().unwrap();
    let (rows, millis) = (number("rows"), number("millis"));
    println!(
        "{engine:<10} {case:<6} {rows:>9} {:>6}.{:02} {:>11} {:>9} {ratio:>7}   {}",
        millis / 1_000,
        millis % 1_000 / 10,
        rows * 1_000 / millis.max(1),
        number("peak_kib") / 1_024,
        figures["parts"],
    );
}

fn apart(case: &str, engine: &str, rows: u32) -> Value {
    let output = Command::new(env::current_exe().unwrap())
        .args([case, engine, &rows.to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One case in this process.
fn one(case: &str, engine: &str, rows: u32) -> Value {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            "sqlite" => format!("sqlite://{}", folder.path().join("wagegate.db").display()),
            _ => fresh_postgres::fresh_postgres().await,
        };
        if case == "bare" {
            let millis = append::run(&folder, engine, &url, rows).await;
            return json!({"rows": rows, "millis": millis, "peak_kib": peak_kib(), "parts": ""});
        }
        let sheet = intake::sheet(&folder, case, rows);
        let desk = intake::desk(&folder, engine, &url).await;
        reset_peak();
        let start = Instant::now();
        let checked = intake::dry(&desk, &sheet).await;
        let dry = start.elapsed().as_millis();
        let start = Instant::now();
        intake::submit(&desk, &sheet, rows).await;
        let millis = start.elapsed().as_millis();
        json!({"rows": rows, "millis": millis, "peak_kib": peak_kib(), "parts": format!("{checked} dry check alone {dry} ms")})
    })
}

/// The largest resident set so far.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What was needed to make the sheet is not the gateway's.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}
