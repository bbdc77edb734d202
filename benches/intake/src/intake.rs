//! The real use case over a real store, evidence store and vault.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rust_xlsxwriter::Workbook;
use tempfile::TempDir;
use tokio_util::io::ReaderStream;
use wagegate::{
    banks::{Bank, Banks, adapter},
    clock::SystemClock,
    evidence::Evidence,
    intake::{self, Desk, Submission},
    security::seal::Vault,
    store::{ProjectEntry, RegionEntry, Store, postgres::PostgresStore, sqlite::SqliteStore},
    transport::https::{BankClient, ByteStream, Endpoint},
};
use wagegate_domain::{PayMonth, ids::Region};

use crate::people;

const BISHUI: &str = include_str!("../../../adapters/textfile/banks/bishui.toml");

/// Writes the sheet to a file.
pub(crate) fn sheet(folder: &TempDir, case: &str, rows: u32) -> PathBuf {
    let path = folder.path().join(format!("sheet.{case}"));
    let header = ["姓名", "身份证号", "银行卡号", "联行号", "实发工资"];
    if case == "csv" {
        let mut text = header.join(",") + "\n";
        (0..rows).for_each(|number| writeln!(text, "{}", people::cells(number).join(",")).unwrap());
        fs::write(&path, text).unwrap();
        return path;
    }
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, header).unwrap();
    for number in 0..rows {
        sheet
            .write_row(number + 1, 0, people::cells(number))
            .unwrap();
    }
    workbook.save(&path).unwrap();
    path
}

pub(crate) async fn store(engine: &str, url: &str) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = match engine {
        "sqlite" => Arc::new(SqliteStore::open(url).await.unwrap()),
        _ => Arc::new(PostgresStore::open(url).await.unwrap()),
    };
    let region = Region::parse("530902").unwrap();
    let (at, by) = (jiff::Timestamp::UNIX_EPOCH, "operator");
    let regions = [("530900", "临沧市"), ("530902", "临翔区")].map(|(code, name)| RegionEntry {
        code: Region::parse(code).unwrap(),
        name: name.into(),
        base_projects: None,
    });
    store.import_regions(&regions, by, at).await.unwrap();
    let project = ProjectEntry {
        code: "P1".into(),
        name: "滨河片区".into(),
        region,
        contractor_uscc: "91530902MA6K004010".into(),
        contractor: "总包".into(),
        bank: "bishui".into(),
        account: "530000000001".into(),
        account_name: "农民工工资专用账户".into(),
        aliases: Vec::new(),
    };
    store.import_projects(&[project], by, at).await.unwrap();
    store
}

pub(crate) fn vault(folder: &TempDir) -> Arc<Vault> {
    let keys = folder.path().join("keys.toml");
    Vault::create(&keys).unwrap();
    Arc::new(Vault::open(&keys).unwrap())
}

pub(crate) async fn desk(folder: &TempDir, engine: &str, url: &str) -> Desk {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap();
    let vault = vault(folder);
    let tls = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let endpoint = Endpoint {
        bank: "bishui".into(),
        base: "https://localhost:1".into(),
        connect: Duration::from_secs(1),
        whole: Duration::from_secs(1),
        reply_cap: 1,
    };
    let bank = Bank {
        adapter: adapter(BISHUI).unwrap(),
        client: Arc::new(BankClient::new(endpoint, tls).unwrap()),
    };
    Desk {
        store: store(engine, url).await,
        evidence: Evidence::open(&folder.path().join("evidence"), Arc::clone(&vault)).unwrap(),
        vault,
        banks: Arc::new(Banks::new([bank]).unwrap()),
        national: Default::default(),
        approval: Default::default(),
        clock: Arc::new(SystemClock),
    }
}

async fn upload(sheet: &Path) -> ByteStream {
    let file = tokio::fs::File::open(sheet).await.unwrap();
    Box::pin(ReaderStream::with_capacity(file, 64 * 1024))
}

fn submission() -> Submission {
    Submission::plain("P1", PayMonth::parse("2026-10").unwrap(), "clerk")
}

/// Check with look-ups, seal, and store.
pub(crate) async fn submit(desk: &Desk, sheet: &Path, rows: u32) {
    let taken = intake::submit(desk, upload(sheet).await, &submission())
        .await
        .unwrap();
    assert_eq!(taken.batch.rows, u64::from(rows), "every row is stored");
}

/// The check alone, where the sheet is small enough for it.
pub(crate) async fn dry(desk: &Desk, sheet: &Path) -> &'static str {
    match intake::dry_check(desk, upload(sheet).await, &submission(), 1_000).await {
        Ok(_) => "",
        Err(_) => "too large for a",
    }
}
