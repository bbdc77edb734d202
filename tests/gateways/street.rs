//! Three gateways of one PostgreSQL and one evidence folder, two banks, and what a test does to them.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use wagegate::{
    clock::{Clock as _, SystemClock, china_date},
    store::{Deposit, InstructionView, Store as _, postgres::PostgresStore},
};
use wagegate_domain::{Fen, attempt::State};

use crate::{
    bank_process::{BankProcess, program},
    certificates::Certificates,
    fresh_postgres::fresh_postgres,
    gateway_process::{GatewayProcess, PROGRAM},
    people,
};

/// Of every gateway here.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// Workers of one sheet; an instruction holds two of them.
const WORKERS: u32 = 60;
/// The whole test, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);

const QINGSHAN: &str = include_str!("../../adapters/iso20022/banks/qingshan.toml");
const BISHUI: &str = include_str!("../../adapters/textfile/banks/bishui.toml");

pub(crate) struct Street {
    gateways: [GatewayProcess; 3],
    banks: [BankProcess; 2],
    store: PostgresStore,
    database: PgConnection,
    /// Code and content.
    batches: Vec<(String, String)>,
    /// What an earlier one held that was struck, and nobody has taken over yet.
    left_behind: Leases,
    certificates: Certificates,
    folder: TempDir,
}

/// What befalls a gateway.
#[derive(Clone, Copy)]
pub(crate) enum Blow {
    Kill,
    Freeze,
}

/// A task in somebody's hands: its number, with fence and end of the lease.
type Leases = HashMap<i64, (i64, i64)>;

impl Street {
    pub(crate) async fn open() -> Self {
        let certificates = Certificates::fresh();
        let folder = tempfile::tempdir().unwrap();
        let url = fresh_postgres().await;
        let start = |bank, behaviour: &str| {
            BankProcess::start(&certificates, folder.path(), bank, behaviour, None)
        };
        let banks = [
            start(("qingshan", "iso20022"), "work_polls = 1\n"),
            // Pays whatever comes, however often.
            start(
                ("bishui", "textfile"),
                "work_polls = 1\ndeduplicates = false\n",
            ),
        ];
        let common = write_files(&certificates, folder.path(), &url);
        let gateways = ["east", "south", "west"]
            .map(|name| GatewayProcess::start(&certificates, folder.path(), name, &common, &banks));
        let street = Self {
            gateways,
            banks,
            store: PostgresStore::open(&url).await.unwrap(),
            database: PgConnection::connect(&url).await.unwrap(),
            batches: vec![],
            left_behind: Leases::new(),
            certificates,
            folder,
        };
        for bank in &street.banks {
            // An answer takes its time, so that there is always work in somebody's hands.
            let slow = json!({"fault": "slow", "calls": "submit", "count": 10_000, "ms": 400});
            bank.control("faults", &slow).await;
        }
        let regions = json!([{"code": "530102", "name": "五华区", "base_projects": 10}]);
        street.import("regions", &regions);
        street
    }

    /// A project with money and a sheet that was reviewed.
    pub(crate) async fn prepare(&mut self, number: u32) {
        let bank = &self.banks[number as usize % 2];
        let (project, account) = (format!("P{number}"), format!("53000000{number:04}"));
        let entry = json!([{"code": project, "name": format!("第{number}项目"), "region": "530102", "contractor_uscc": "91530902MA6K004010",
            "contractor": "示例建设有限公司", "bank": bank.code, "account": account, "account_name": "示例建设有限公司农民工工资专用账户"}]);
        self.import("projects", &entry);
        let fen = 100_000_000;
        let open = json!({"account": account, "name": "示例", "balance_fen": fen});
        bank.control("accounts", &open).await;
        let now = SystemClock.now();
        let deposit = Deposit {
            bank: bank.code.into(),
            reference: format!("OPEN{account}"),
            account,
            amount: Fen::new(fen),
            value_date: china_date(now),
        };
        self.store.record_deposit(&deposit, now).await.unwrap();
        let sheet = self.write("sheet.csv", &people::sheet(number, WORKERS));
        let batch = self.ask(
            "clerk",
            &[
                "submit",
                &sheet,
                "--project",
                &project,
                "--month",
                "2026-10",
            ],
        );
        let word = |of: &str| batch[of].as_str().unwrap().to_owned();
        let (code, content) = (word("code"), word("content"));
        self.ask("reviewer", &["review", &code, "--content", &content]);
        self.batches.push((code, content));
    }

    pub(crate) fn release_all(&self) {
        for (code, content) in &self.batches {
            self.ask("approver", &["release", code, "--content", content]);
        }
    }

    /// Until so many more instructions have been sent.
    pub(crate) async fn until_sends(&mut self, more: i64) {
        let goal = self.sends().await + more;
        let ends = Instant::now() + PATIENCE;
        while self.sends().await < goal {
            assert!(Instant::now() < ends, "nothing is sent");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Cuts a gateway's line to the second bank, and waits until it has met it.
    pub(crate) async fn cut(&mut self, gateway: usize) {
        self.gateways[gateway].lines[1].cut();
        let ends = Instant::now() + PATIENCE;
        let met = |street: &Self| {
            let log = fs::read_to_string(&street.gateways[gateway].log).unwrap();
            log.contains("nothing left; the same bytes are sent later")
        };
        while !met(self) {
            assert!(Instant::now() < ends, "the line was not used");
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) fn mend(&mut self, gateway: usize) {
        self.gateways[gateway].lines[1].mend();
    }

    /// Strikes a gateway in the middle of its work, and gives the time from then until a task that it held is in another's hands.
    pub(crate) async fn taken_over(&mut self, gateway: usize, blow: Blow) -> Duration {
        for _ in 0..5 {
            match blow {
                Blow::Kill => self.gateways[gateway].kill(),
                Blow::Freeze => self.gateways[gateway].signal("-STOP"),
            }
            let struck = Instant::now();
            if let Some(took) = self.orphan_found(struck).await {
                return took;
            }
            // It held nothing at that moment: it comes back, and is struck again.
            self.comes_back(gateway, blow);
            self.until_sends(3).await;
        }
        panic!("the gateway held nothing whenever it was struck");
    }

    pub(crate) fn comes_back(&mut self, gateway: usize, blow: Blow) {
        match blow {
            Blow::Kill => self.gateways[gateway].start_again(),
            Blow::Freeze => self.gateways[gateway].signal("-CONT"),
        }
    }

    /// Who lives gives a task back or renews its lease before it ends. What stays as it was until then was held by one who does not, and what changes it
    /// after that is somebody else.
    async fn orphan_found(&mut self, struck: Instant) -> Option<Duration> {
        let mut held = self.leases().await;
        held.retain(|task, lease| self.left_behind.get(task) != Some(&*lease));
        while !held.is_empty() {
            assert!(struck.elapsed() < PATIENCE, "nobody takes {held:?} over");
            let now = SystemClock.now().as_millisecond();
            let seen = self.leases().await;
            for (task, (fence, until)) in held.clone() {
                if seen.get(&task) == Some(&(fence, until)) {
                    continue;
                }
                if until <= now {
                    self.left_behind = held;
                    return Some(struck.elapsed());
                }
                held.remove(&task);
            }
            tokio::time::sleep(LOOK).await;
        }
        None
    }

    async fn leases(&mut self) -> Leases {
        let leased: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT id, fence, lease_until FROM task WHERE lease_until IS NOT NULL")
                .fetch_all(&mut self.database)
                .await
                .unwrap();
        leased
            .into_iter()
            .map(|(task, fence, until)| (task, (fence, until)))
            .collect()
    }

    async fn sends(&mut self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM send")
            .fetch_one(&mut self.database)
            .await
            .unwrap()
    }

    /// Until every wage has its final word, but for those whose instruction no bank ever got: there only the bank's answer in an hour or two people may end it.
    pub(crate) async fn until_settled(&self) {
        let ends = Instant::now() + PATIENCE;
        loop {
            let all = self.instructions().await;
            let open: Vec<_> = all.iter().filter(|view| !self.is_settled(view)).collect();
            let rows: u32 = all.iter().map(|view| view.rows).sum();
            if open.is_empty() && rows as usize == self.batches.len() * WORKERS as usize {
                return;
            }
            assert!(Instant::now() < ends, "not settled: {open:?}");
            tokio::time::sleep(10 * LOOK).await;
        }
    }

    fn is_settled(&self, view: &InstructionView) -> bool {
        match view.state {
            State::Accepted => view.open == 0,
            State::Refused => true,
            State::InDoubt => !self.arrived(view),
            State::Planned | State::Sending => false,
        }
    }

    fn arrived(&self, view: &InstructionView) -> bool {
        let mut banks = self.banks.iter().filter(|bank| bank.code == view.bank);
        banks.any(|bank| bank.received.join(&view.bank_key).exists())
    }

    async fn instructions(&self) -> Vec<InstructionView> {
        let mut all = vec![];
        for (batch, _) in &self.batches {
            all.extend(self.store.instructions(batch).await.unwrap());
        }
        all
    }

    /// Lets the banks' own program compare its ledgers with what the gateways say, and the gateways count everything again.
    pub(crate) async fn prove(&self) {
        let in_doubt = self.instructions().await;
        let in_doubt = in_doubt.iter().filter(|view| view.state == State::InDoubt);
        let for_two_people: u32 = in_doubt.map(|view| view.rows).sum();
        let outcomes = self.folder.path().join("outcomes.csv");
        let out = outcomes.to_str().unwrap();
        self.ask("operator", &["outcomes", "--csv", "--out", out]);
        let mut audit = Command::new(program());
        audit.args(["audit", "--json", "--outcomes"]).arg(&outcomes);
        for bank in &self.banks {
            let ledger = format!("{}={}", bank.code, bank.ledger.display());
            audit.args(["--ledger", &ledger]);
        }
        let report: Value = serde_json::from_slice(&audit.output().unwrap().stdout).unwrap();
        assert_eq!(report["double_paid"]["count"], 0, "{report}");
        assert_eq!(report["lost"]["count"], 0, "{report}");
        assert_eq!(report["bank_paid_fen"], report["our_paid_fen"], "{report}");
        assert_eq!(report["unsettled"], for_two_people, "{report}");
        self.ask("operator", &["recount"]);
        self.ask("operator", &["audit", "verify"]);
        println!("for two people: {for_two_people} wages of instructions that no bank ever got");
    }

    fn import(&self, what: &str, entries: &Value) {
        let file = self.write(&format!("{what}.json"), &entries.to_string());
        self.ask("operator", &["import", what, &file]);
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Asks the gateway that nothing befalls but a cut line, as somebody.
    fn ask(&self, user: &str, arguments: &[&str]) -> Value {
        let file = |name: String| self.certificates.file(&name);
        let said = Command::new(PROGRAM)
            .arg("--json")
            .args(arguments)
            .env("WAGEGATE_SERVER", &self.gateways[2].url)
            .env("WAGEGATE_CERT", file(format!("user-{user}.pem")))
            .env("WAGEGATE_KEY", file(format!("user-{user}.key")))
            .env("WAGEGATE_CA", file("people-ca.pem".into()))
            .output()
            .unwrap();
        assert!(said.status.success(), "{arguments:?}: {said:?}");
        serde_json::from_slice(&said.stdout).unwrap_or(Value::Null)
    }
}

/// Everything that the gateways share, and what all of them have in their configuration.
fn write_files(certificates: &Certificates, folder: &Path, store: &str) -> String {
    let keys = folder.join("wagegate.keys");
    let made = Command::new(PROGRAM)
        .args(["keys", "new"])
        .arg(&keys)
        .output();
    assert!(made.unwrap().status.success());
    for (code, profile) in [("qingshan", QINGSHAN), ("bishui", BISHUI)] {
        let quick: Vec<_> = profile.lines().map(quickly).collect();
        fs::write(
            folder.join(format!("{code}.profile.toml")),
            quick.join("\n"),
        )
        .unwrap();
    }
    let file = |name: &str| certificates.file(name).display().to_string();
    let mut text = format!(
        "[listen]\naddress = '127.0.0.1:0'\ncertificate = '{}'\nkey = '{}'\n[store]\nurl = '{store}'\n[evidence]\nfolder = 'evidence'\n\
         [keys]\nfile = 'wagegate.keys'\n[people]\nca = '{}'\ncrl = '{}'\n[approval]\nhold_s = 0\n[worker]\nlease_ms = {}\ntick_ms = 100\n",
        file("gateway.pem"),
        file("gateway.key"),
        file("people-ca.pem"),
        file("people.crl.pem"),
        LEASE.as_millis(),
    );
    text += "[[principal]]\nuri = 'wagegate://user/operator'\nrole = 'operator'\n";
    for role in ["clerk", "reviewer", "approver"] {
        text += &format!(
            "[[principal]]\nuri = 'wagegate://user/{role}'\nrole = '{role}'\nprojects = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6']\n"
        );
    }
    text
}

/// A sample bank's own pace is ten seconds and more, and its instructions hold thousands.
fn quickly(line: &str) -> &str {
    if line.starts_with("polling") {
        "polling = { first_after_s = 1, every_s = 1, collect_every_s = 1 }"
    } else if line.starts_with("limits") {
        "limits = { rows_max = 2 }"
    } else {
        line
    }
}
