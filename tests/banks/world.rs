//! A gateway with a store, real banks as processes, and a clock of its own: steps are driven to idle, nothing waits.

use std::{fs, path::PathBuf, process::Command, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp, civil::Date};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, SqliteConnection, postgres::PgConnectOptions,
};
use tempfile::TempDir;
use wagegate::{
    audit::Witness,
    banks::{self, Bank, Banks},
    clock::{Clock, ManualClock, SystemClock},
    dispatch::{Mark, Progress, Worker, restored},
    evidence::Evidence,
    gateway::Gateway,
    intake,
    security::{
        revocation::{Authority, AuthorityFiles},
        seal::Vault,
    },
    store::{
        BatchView, Decision, Deposit, InstructionView, ProjectEntry, RegionEntry, Says, Store,
        TaskKind, postgres::PostgresStore, sqlite::SqliteStore,
    },
    transport::{
        https::{BankClient, Endpoint},
        tls::{BankTrust, KeyFiles, client_config, own_certificate},
    },
};
use wagegate_domain::{
    Fen, PayMonth, calendar::Calendar, ids::Region, outcome::Place, period::CHINA, plan::reference,
};

use crate::lists::Lists as _;
use crate::{
    bank_process::{BankProcess, program},
    certificates::Certificates,
    fresh_postgres::fresh_postgres,
    line::Line,
    people,
};

pub(crate) const QINGSHAN: &str = include_str!("../../adapters/iso20022/banks/qingshan.toml");
pub(crate) const BISHUI: &str = include_str!("../../adapters/textfile/banks/bishui.toml");

/// One gateway, two banks, and everything that holds them.
pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) banks: [BankProcess; 2],
    pub(crate) lines: [Line; 2],
    pub(crate) clock: Arc<ManualClock>,
    worker: Worker,
    folder: TempDir,
    database: String,
    // The banks read their revocation lists at every handshake.
    _certificates: Certificates,
}

/// Where the store is.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// A store, and the URL of its database.
    async fn store(self, folder: &TempDir) -> (Arc<dyn Store>, String) {
        match self {
            Self::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("wagegate.db").display());
                (Arc::new(SqliteStore::open(&url).await.unwrap()), url)
            }
            Self::Postgres => {
                let url = fresh_postgres().await;
                (Arc::new(PostgresStore::open(&url).await.unwrap()), url)
            }
        }
    }
}

/// What the audit by the bank's own program found.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) bank_paid: i64,
    pub(crate) our_paid: i64,
    pub(crate) double_paid: i64,
    pub(crate) lost: i64,
    pub(crate) unsettled: i64,
}

impl World {
    /// A world whose two banks behave as told, on an empty database.
    pub(crate) async fn start(engine: Engine, qingshan: &str, bishui: &str) -> Self {
        let profiles = [QINGSHAN, BISHUI];
        Self::with_profiles(engine, [qingshan, bishui], profiles, Calendar::default()).await
    }

    /// The same with instructions of one row each.
    pub(crate) async fn row_by_row(engine: Engine, qingshan: &str, bishui: &str) -> Self {
        let single = |profile: &str| {
            let limit = profile.find("rows_max = ").unwrap() + "rows_max = ".len();
            let digits = profile[limit..].find(' ').unwrap();
            format!("{}1{}", &profile[..limit], &profile[limit + digits..])
        };
        let profiles = [single(QINGSHAN), single(BISHUI)];
        let profiles = profiles.each_ref().map(String::as_str);
        Self::with_profiles(engine, [qingshan, bishui], profiles, Calendar::default()).await
    }

    /// The same with other profiles than the sample banks', on another calendar.
    pub(crate) async fn with_profiles(
        engine: Engine,
        [qingshan, bishui]: [&str; 2],
        profiles: [&str; 2],
        calendar: Calendar,
    ) -> Self {
        // With RUST_LOG=wagegate=debug a failing test tells its story; only the first of a process can set this up.
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init()
            .ok();
        let certificates = Certificates::fresh();
        let folder = tempfile::tempdir().unwrap();
        let (store, database) = engine.store(&folder).await;
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let start = |bank, behaviour: &str| {
            BankProcess::start(&certificates, folder.path(), bank, behaviour, None)
        };
        let processes = [
            start(("qingshan", "iso20022"), qingshan),
            start(("bishui", "textfile"), bishui),
        ];
        let lines = [0, 1].map(|bank: usize| Line::to(&processes[bank].base));
        let keys = folder.path().join("keys.toml");
        Vault::create(&keys).unwrap();
        let vault = Arc::new(Vault::open(&keys).unwrap());
        let evidence = Evidence::open(&folder.path().join("evidence"), Arc::clone(&vault)).unwrap();
        let witness =
            Witness::open(&folder.path().join("audit.witness"), Arc::clone(&vault)).unwrap();
        let mark = Mark::open(&folder.path().join("audit.witness")).unwrap();
        let known = Banks::new([
            bank(&certificates, "qingshan", &lines[0], profiles[0], &clock),
            bank(&certificates, "bishui", &lines[1], profiles[1], &clock),
        ]);
        let gateway = Arc::new(Gateway {
            store,
            evidence,
            vault,
            keys: Default::default(),
            banks: Arc::new(known.unwrap().working_by(calendar)),
            national: Default::default(),
            approval: Default::default(),
            witness,
            mark,
            courier: Default::default(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            vitals: Default::default(),
            work: tokio::sync::Notify::new(),
        });
        let worker = Worker::new(Arc::clone(&gateway), Duration::from_secs(60));
        let world = Self {
            gateway,
            banks: processes,
            lines,
            clock,
            worker,
            folder,
            database,
            _certificates: certificates,
        };
        world.set_up().await;
        world
    }

    /// A copy of the database as it is now: the URL of one that nobody writes to.
    pub(crate) async fn snapshot(&self) -> String {
        if self.database.starts_with("sqlite:") {
            let copy = self.folder.path().join("snapshot.db");
            let mut connection = SqliteConnection::connect(&self.database).await.unwrap();
            sqlx::query("VACUUM INTO $1")
                .bind(copy.display().to_string())
                .execute(&mut connection)
                .await
                .unwrap();
            return format!("sqlite://{}", copy.display());
        }
        let copy = fresh_postgres().await;
        let dump = Command::new("pg_dump")
            .arg("--format=custom")
            .args(at_server(&self.database))
            .output()
            .unwrap();
        let file = self.folder.path().join("snapshot.dump");
        let why = String::from_utf8_lossy(&dump.stderr);
        assert!(dump.status.success(), "{why}");
        fs::write(&file, dump.stdout).unwrap();
        let restored = Command::new("pg_restore")
            .arg("--exit-on-error")
            .args(at_server(&copy))
            .arg(&file)
            .status();
        assert!(restored.unwrap().success());
        copy
    }

    /// The gateway started anew on another database; everything outside the database is as it was.
    pub(crate) async fn restart_on(&mut self, database: String) {
        let store: Arc<dyn Store> = if database.starts_with("sqlite:") {
            Arc::new(SqliteStore::open(&database).await.unwrap())
        } else {
            Arc::new(PostgresStore::open(&database).await.unwrap())
        };
        let old = &self.gateway;
        let gateway = Arc::new(Gateway {
            store,
            evidence: old.evidence.clone(),
            vault: Arc::clone(&old.vault),
            keys: Default::default(),
            banks: Arc::clone(&old.banks),
            national: Default::default(),
            approval: Default::default(),
            witness: old.witness.clone(),
            mark: Mark::open(&self.folder.path().join("audit.witness")).unwrap(),
            courier: Default::default(),
            clock: Arc::clone(&old.clock),
            vitals: Default::default(),
            work: tokio::sync::Notify::new(),
        });
        restored::check(&gateway).await.unwrap();
        self.worker = Worker::new(Arc::clone(&gateway), Duration::from_secs(60));
        self.gateway = gateway;
        self.database = database;
    }

    async fn set_up(&self) {
        let (store, now) = (&self.gateway.store, self.clock.now());
        let region = |code, name: &str| RegionEntry {
            code: Region::parse(code).unwrap(),
            name: name.into(),
            base_projects: Some(10),
        };
        let regions = [region("530100", "昆明市"), region("530102", "五华区")];
        store
            .import_regions(&regions, "wagegate://user/operator", now)
            .await
            .unwrap();
        for bank in &self.banks {
            store
                .ensure_task(TaskKind::Collect, bank.code, now)
                .await
                .unwrap();
        }
    }

    /// A project with its special account, opened at the bank and told to the gateway.
    pub(crate) async fn project(&self, number: u32, bank: usize, balance_fen: i64) -> String {
        let (code, account) = (format!("P{number}"), format!("53000000{number:04}"));
        let bank = &self.banks[bank];
        let entry = ProjectEntry {
            code: code.clone(),
            name: format!("第{number}项目"),
            region: Region::parse("530102").unwrap(),
            contractor_uscc: "91530902MA6K004010".into(),
            contractor: "示例建设有限公司".into(),
            bank: bank.code.into(),
            account: account.clone(),
            account_name: "示例建设有限公司农民工工资专用账户".into(),
            aliases: vec![],
        };
        let now = self.clock.now();
        let store = &self.gateway.store;
        store
            .import_projects(&[entry], "wagegate://user/operator", now)
            .await
            .unwrap();
        let open = json!({"account": account, "name": "示例", "balance_fen": balance_fen});
        bank.control("accounts", &open).await;
        let deposit = Deposit {
            bank: bank.code.into(),
            account: account.clone(),
            reference: format!("OPEN{account}"),
            amount: Fen::new(balance_fen),
            value_date: wagegate::clock::china_date(now),
        };
        store.record_deposit(&deposit, now).await.unwrap();
        code
    }

    /// More money on a project's account, at the bank and told to the gateway.
    pub(crate) async fn top_up(&self, number: u32, bank: usize, fen: i64) {
        let (account, reference) = (format!("53000000{number:04}"), format!("TOPUP{number}"));
        let bank = &self.banks[bank];
        let more = json!({"account": account, "amount_fen": fen, "reference": reference});
        bank.control("deposits", &more).await;
        let now = self.clock.now();
        let deposit = Deposit {
            bank: bank.code.into(),
            account,
            reference,
            amount: Fen::new(fen),
            value_date: wagegate::clock::china_date(now),
        };
        let booked = self.gateway.store.record_deposit(&deposit, now).await;
        booked.unwrap();
    }

    /// Submits a sheet of `rows` made-up workers.
    pub(crate) async fn submitted(&self, project: &str, number: u32, rows: u32) -> BatchView {
        let upload = stream::iter([Ok(Bytes::from(people::sheet(number, rows)))]);
        let month = PayMonth::parse("2026-10").unwrap();
        let desk = intake::Desk::of(&self.gateway);
        let submission = intake::Submission::plain(project, month, "wagegate://user/clerk");
        let submitted = intake::submit(&desk, Box::pin(upload), &submission)
            .await
            .unwrap();
        submitted.batch
    }

    /// Reviews and releases it as a second and a third person; it is planned at once.
    pub(crate) async fn released(&self, batch: &BatchView) {
        let (content, plan_at) = (batch.content, self.clock.now());
        for (by, says) in [
            ("wagegate://user/reviewer", Says::Review { content }),
            (
                "wagegate://user/approver",
                Says::Release { content, plan_at },
            ),
        ] {
            let decision = Decision {
                batch: batch.code.clone(),
                says,
                by: by.into(),
                at: plan_at,
            };
            self.gateway.store.decide(&decision).await.unwrap();
        }
    }

    /// Submits a sheet and has it released; gives the batch's code.
    pub(crate) async fn approved(&self, project: &str, number: u32, rows: u32) -> String {
        let batch = self.submitted(project, number, rows).await;
        self.released(&batch).await;
        batch.code
    }

    /// Asks a bank to misbehave.
    pub(crate) async fn fault(&self, bank: usize, fault: &str, calls: &str, count: u32) {
        let body = json!({"fault": fault, "calls": calls, "count": count, "ms": 200});
        self.banks[bank].control("faults", &body).await;
    }

    /// Takes steps, moving the clock to whatever is due next, until no wage is under way; then lets what is late come back.
    pub(crate) async fn settle(&self) {
        for _ in 0..8_000 {
            if let Progress::Idle(due) = self.worker.step().await.unwrap() {
                self.check_places().await;
                if self.under_way().await == 0 {
                    break;
                }
                self.clock
                    .set(due.expect("a look for returns always recurs"));
            }
        }
        assert_eq!(self.under_way().await, 0, "wages are still under way");
        for bank in &self.banks {
            bank.control("settle", &Value::Null).await;
        }
        // Several looks: some of them meet a fault, and each gives one document at a time.
        for _ in 0..4 {
            self.clock.advance(SignedDuration::from_hours(1));
            self.drain().await;
        }
    }

    /// Takes every step that is due now.
    pub(crate) async fn drain(&self) {
        for _ in 0..2_000 {
            if let Progress::Idle(_) = self.worker.step().await.unwrap() {
                return;
            }
        }
        panic!("the steps do not come to an end");
    }

    /// One step at the next due moment, whatever comes of it.
    pub(crate) async fn step(&self) -> Progress {
        let progress = self.worker.step().await.unwrap();
        if let Progress::Idle(Some(due)) = progress {
            self.clock.set(due);
        }
        progress
    }

    /// Goes at the database behind the store's back.
    pub(crate) async fn sql(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        let touched = if self.database.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.database).await.unwrap();
            let done = sqlx::query(statement).execute(&mut connection).await;
            done.unwrap().rows_affected()
        } else {
            let mut connection = PgConnection::connect(&self.database).await.unwrap();
            let done = sqlx::query(statement).execute(&mut connection).await;
            done.unwrap().rows_affected()
        };
        assert_eq!(touched, 1);
    }

    /// Moves on to the next noon in China: far from midnight, so that what follows is on one day.
    pub(crate) fn at_noon(&self) {
        self.move_to(self.tomorrow(), "12:00:00");
    }

    /// The day after today in China, by the world's clock.
    pub(crate) fn tomorrow(&self) -> Date {
        let now = CHINA.to_datetime(self.clock.now());
        now.date().tomorrow().unwrap()
    }

    /// What time it is in this world.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves to a time in China.
    pub(crate) fn move_to(&self, day: Date, time: &str) {
        let shown = day.to_datetime(time.parse().unwrap());
        self.clock.set(CHINA.to_timestamp(shown).unwrap());
    }

    /// How many wages have no final word.
    pub(crate) async fn under_way(&self) -> u64 {
        let batches = self.gateway.store.batches(None).await.unwrap();
        batches
            .iter()
            .map(|batch| batch.tally.at(Place::InFlight).0 + batch.tally.at(Place::InDoubt).0)
            .sum()
    }

    /// Invariant 4, at this moment.
    pub(crate) async fn check_places(&self) {
        for batch in self.gateway.store.batches(None).await.unwrap() {
            assert_eq!(
                batch.tally.all(),
                Some((batch.rows, batch.total)),
                "{}",
                batch.code
            );
        }
    }

    /// Count of wages in a place over all batches.
    pub(crate) async fn at(&self, place: Place) -> u64 {
        let batches = self.gateway.store.batches(None).await.unwrap();
        batches.iter().map(|batch| batch.tally.at(place).0).sum()
    }

    /// Compares our outcomes with the banks' ledgers through the bank's own program, and our figures with a recount.
    pub(crate) async fn prove(&self) -> Proof {
        let recount = self.gateway.store.recount().await.unwrap();
        assert_eq!(recount.differences, Vec::<String>::new());
        let outcomes = self.export().await;
        let mut command = Command::new(program());
        command
            .args(["audit", "--json", "--outcomes"])
            .arg(outcomes);
        for bank in &self.banks {
            command.arg("--ledger");
            command.arg(format!("{}={}", bank.code, bank.ledger.display()));
        }
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{report}"));
        Proof {
            bank_paid: number(&report["bank_paid_fen"]),
            our_paid: number(&report["our_paid_fen"]),
            double_paid: number(&report["double_paid"]["count"]),
            lost: number(&report["lost"]["count"]),
            unsettled: number(&report["unsettled"]),
        }
    }

    async fn export(&self) -> PathBuf {
        let mut text = "batch,row,bank,bank_key,sequence,reference,amount_fen,outcome\n".to_owned();
        let mut after = None;
        loop {
            let page = self
                .gateway
                .store
                .attempts(&wagegate::store::Within::All, None, after, 1_000)
                .await
                .unwrap();
            for (_, item) in &page {
                let reference = reference(&item.bank_key, item.sequence);
                text += &format!(
                    "{},{},{},{},{},{reference},{},{}\n",
                    item.batch,
                    item.row,
                    item.bank,
                    item.bank_key,
                    item.sequence,
                    item.amount.get(),
                    item.place.code()
                );
            }
            match page.last() {
                Some((cursor, _)) => after = Some(*cursor),
                None => break,
            }
        }
        let path = self.folder.path().join("outcomes.csv");
        fs::write(&path, text).unwrap();
        path
    }

    /// The only instruction of a batch.
    pub(crate) async fn instruction(&self, batch: &str) -> InstructionView {
        let mut all = self.gateway.store.instructions(batch).await.unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

/// Where a database is, for PostgreSQL's own programs: its URL has more in it than they know.
fn at_server(url: &str) -> [String; 4] {
    let options: PgConnectOptions = url.parse().unwrap();
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    [
        format!("--host={host}"),
        format!("--port={}", options.get_port()),
        format!("--username={}", options.get_username()),
        format!("--dbname={}", options.get_database().unwrap()),
    ]
}

fn bank(
    certificates: &Certificates,
    code: &str,
    line: &Line,
    profile: &str,
    clock: &Arc<ManualClock>,
) -> Bank {
    let file = |name: String| certificates.file(&name);
    let authority = AuthorityFiles {
        ca: file(format!("bank-{code}-ca.pem")),
        crl: file(format!("bank-{code}.crl.pem")),
    };
    let own = KeyFiles {
        certificate: file(format!("gateway-at-{code}.pem")),
        key: file(format!("gateway-at-{code}.key")),
    };
    let trust = BankTrust {
        code: code.into(),
        authority: Arc::new(Authority::open(&authority).unwrap()),
        own: own_certificate(&own).unwrap(),
    };
    let endpoint = Endpoint {
        bank: code.into(),
        base: format!("https://{}", line.address),
        connect: Duration::from_secs(5),
        whole: Duration::from_secs(20),
        reply_cap: 64 * 1024 * 1024,
    };
    let tls = client_config(&trust, Arc::clone(clock) as Arc<dyn Clock>).unwrap();
    Bank {
        adapter: banks::adapter(profile).unwrap(),
        client: Arc::new(BankClient::new(endpoint, tls).unwrap()),
    }
}
