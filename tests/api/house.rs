//! A whole gateway: the program itself, started on a fresh folder, and clients that come with certificates. It ends when dropped.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Once,
    time::Duration,
};

use reqwest::{Body, Certificate, Identity, Method, header::HeaderMap};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::certificates::Certificates;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wagegate");

/// People beyond those of `certs-example/make`: their like, elsewhere.
const STRANGERS: [&str; 5] = [
    "reviewer2",
    "approver2",
    "finance2",
    "supervisor2",
    "nobody",
];

/// What project P1 shares with the national platform; P2 has nothing there.
pub(crate) const NATIONAL_SECRET: &str = "0123456789abcdefGHIJKLMNopqrst+/";

pub(crate) struct House {
    pub(crate) url: String,
    certificates: Certificates,
    dir: TempDir,
    program: Child,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl House {
    /// Starts a gateway that serves requests and dispatches nothing, with two regions' projects imported.
    pub(crate) async fn open() -> Self {
        let house = Self::empty();
        let regions = json!([
            {"code": "530000", "name": "省", "base_projects": null},
            {"code": "530100", "name": "甲市", "base_projects": 10}, {"code": "530102", "name": "甲区", "base_projects": null},
            {"code": "530300", "name": "乙市", "base_projects": 5}, {"code": "530302", "name": "乙区", "base_projects": null},
            {"code": "530900", "name": "丙市", "base_projects": 3},
        ]);
        let project = |code: &str, region: &str, bank: &str, account: &str| {
            json!({"code": code, "name": format!("项目{code}"), "region": region, "contractor_uscc": "91530902MA6K004010", "contractor": "某建设公司",
                "bank": bank, "account": account, "account_name": "某建设公司农民工工资专户"})
        };
        let projects = json!([
            project("P1", "530102", "qingshan", "2400000000000001"),
            project("P2", "530302", "bishui", "2400000000000002")
        ]);
        for (path, body) in [("/v1/regions", regions), ("/v1/projects", projects)] {
            let answer = house.as_user("operator").post(path, body.to_string()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        house
    }

    fn empty() -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::aws_lc_rs::default_provider()
                .install_default()
                .unwrap()
        });
        let certificates = Certificates::fresh();
        for name in STRANGERS {
            certificates.issue(
                "people",
                &format!("user-{name}"),
                &format!("--uri wagegate://user/{name} --usage client"),
            );
        }
        let dir = tempfile::tempdir().unwrap();
        let keys = Command::new(PROGRAM)
            .args(["keys", "new"])
            .arg(dir.path().join("wagegate.keys"))
            .output()
            .unwrap();
        assert!(keys.status.success(), "{keys:?}");
        let secret = dir.path().join("national.secret");
        fs::write(&secret, NATIONAL_SECRET).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(dir.path().join("wagegate.toml"), config(&certificates)).unwrap();
        let (program, url) = serve(dir.path());
        Self {
            url,
            certificates,
            dir,
            program,
        }
    }

    /// The same house after its program was stopped and started again.
    pub(crate) fn restarted(mut self) -> Self {
        self.stop();
        (self.program, self.url) = serve(self.dir.path());
        self
    }

    /// Somebody new: a certificate, and the operator's word over the API.
    pub(crate) async fn admit(&self, name: &str, role_and_place: Value) {
        let uri = format!("wagegate://user/{name}");
        self.issue(name);
        let mut entry = json!({"uri": uri});
        let words = role_and_place.as_object().unwrap().clone();
        entry.as_object_mut().unwrap().extend(words);
        let operator = self.as_user("operator");
        let answer = operator.post("/v1/principals", entry.to_string()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// A new certificate of somebody, in place of the one before.
    pub(crate) fn issue(&self, name: &str) {
        let more = format!("--uri wagegate://user/{name} --usage client");
        self.certificates
            .issue("people", &format!("user-{name}"), &more);
    }

    /// The path of one certificate, key or list.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.certificates.file(name)
    }

    pub(crate) fn as_user(&self, name: &str) -> Client<'_> {
        self.client(&format!("user-{name}"))
    }

    pub(crate) fn as_bank(&self, code: &str) -> Client<'_> {
        self.client(&format!("bank-{code}-client"))
    }

    fn client(&self, certificate: &str) -> Client<'_> {
        let read = |name: String| fs::read(self.certificates.file(&name)).unwrap();
        let identity = [
            read(format!("{certificate}.pem")),
            read(format!("{certificate}.key")),
        ]
        .concat();
        let http = reqwest::Client::builder()
            .tls_certs_only(Certificate::from_pem_bundle(&read("people-ca.pem".into())).unwrap())
            .identity(Identity::from_pem(&identity).unwrap())
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Client { house: self, http }
    }

    /// Runs the program as somebody's client.
    pub(crate) fn command(&self, user: &str, arguments: &[&str]) -> Output {
        let file = |name: String| self.certificates.file(&name);
        Command::new(PROGRAM)
            .args(arguments)
            .env("WAGEGATE_SERVER", &self.url)
            .env("WAGEGATE_CERT", file(format!("user-{user}.pem")))
            .env("WAGEGATE_KEY", file(format!("user-{user}.key")))
            .env("WAGEGATE_CA", file("people-ca.pem".into()))
            .output()
            .unwrap()
    }

    /// The path of a file in the gateway's folder.
    pub(crate) fn file_of_the_gateway(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The path of one of the certificates or keys.
    pub(crate) fn certificate(&self, name: &str) -> String {
        self.certificates.file(name).display().to_string()
    }

    /// A file in the gateway's folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Asks the program to stop and waits until it has; true when it ended well.
    pub(crate) fn stops_well(mut self) -> bool {
        self.stop()
    }

    /// Starts the program again, does something while it runs and waits until it ends by itself: a minute at most, which is code 124.
    pub(crate) async fn runs_to_its_end(&mut self, meanwhile: impl Future<Output = ()>) -> Output {
        self.stop();
        let mut program = Command::new("timeout")
            .args(["60", PROGRAM, "serve", "--config"])
            .arg(self.dir.path().join("wagegate.toml"))
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        meanwhile.await;
        program.wait_with_output().unwrap()
    }

    fn stop(&mut self) -> bool {
        let told = Command::new("kill")
            .args(["-TERM", &self.program.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        self.program.wait().unwrap().success()
    }

    /// Puts money on a special account, as its bank tells it.
    pub(crate) async fn deposit(&self, bank: &str, account: &str, fen: i64) {
        let body = json!({"account": account, "amount_fen": fen, "reference": format!("D{fen}"), "value_date": "2026-11-02"});
        let answer = self
            .as_bank(bank)
            .post("/v1/bank/deposits", body.to_string())
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// Registers a project's workers, as the operator; gives the first of its list, as a finance officer of the project sees it.
    pub(crate) async fn enrol(&self, project: &str, roster: &Value) -> Value {
        let path = format!("/v1/projects/{project}/workers");
        let taken = self
            .as_user("operator")
            .ask_with(
                "POST",
                &path,
                &[("content-type", "application/json")],
                roster.to_string(),
            )
            .await;
        assert_eq!(taken.status, 200, "{taken:?}");
        let finance = if project == "P1" {
            "finance"
        } else {
            "finance2"
        };
        let list = self.as_user(finance).get(&path).await;
        assert_eq!(list.status, 200, "{list:?}");
        list.json()["items"][0].clone()
    }

    /// A batch of project P1 with so many workers, awaiting approval.
    pub(crate) async fn batch(&self, workers: usize) -> Value {
        self.batch_of("2026-10", &sheet(workers)).await
    }

    /// The same of a month and a sheet.
    pub(crate) async fn batch_of(&self, month: &str, sheet: &str) -> Value {
        let path = format!("/v1/batches?project=P1&month={month}");
        let answer = self.as_user("clerk").post(&path, sheet.to_owned()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Makes of a batch one instruction that is in doubt, behind the gateway's back: it dispatches nothing here. Gives its number.
    pub(crate) async fn in_doubt(&self, batch: &str) -> i64 {
        let file = self.dir.path().join("wagegate.db");
        let mut database = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(Duration::from_secs(30))
            .connect()
            .await
            .unwrap();
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO instruction (batch_id, part, generation, bank, bank_key, row_count, total_fen, state, planned_at, value_date, bytes_hash, bytes_size, intent_at)
             SELECT b.id, 1, 1, a.bank, 'KEY' || b.id, b.row_count, b.total_fen, 'in_doubt', b.prepared_at, '2026-11-02', zeroblob(32), 1, b.prepared_at - 86400000
             FROM batch b JOIN project p ON p.id = b.project_id JOIN special_account a ON a.id = p.account_id WHERE b.code = $1 RETURNING id",
        )
        .bind(batch)
        .fetch_one(&mut database)
        .await
        .unwrap();
        for statement in [
            "INSERT INTO attempt (instruction_id, sequence, batch_id, row_no, attempt_no, amount_fen)
             SELECT i.id, row_number() OVER (ORDER BY w.row_no), w.batch_id, w.row_no, 1, w.amount_fen
             FROM wage_item w JOIN instruction i ON i.batch_id = w.batch_id WHERE i.id = $1",
            "UPDATE special_account SET balance_fen = balance_fen + 10000000, reserved_fen = reserved_fen + 10000000
             WHERE id = (SELECT p.account_id FROM project p JOIN batch b ON b.project_id = p.id JOIN instruction i ON i.batch_id = b.id WHERE i.id = $1)",
            "UPDATE tally SET item_count = CASE place WHEN 'held' THEN 0 ELSE (SELECT row_count FROM instruction WHERE id = $1) END,
               total_fen = CASE place WHEN 'held' THEN 0 ELSE (SELECT total_fen FROM instruction WHERE id = $1) END
             WHERE place IN ('held', 'in_doubt') AND batch_id = (SELECT batch_id FROM instruction WHERE id = $1)",
        ] {
            sqlx::query(statement)
                .bind(id)
                .execute(&mut database)
                .await
                .unwrap();
        }
        database.close().await.unwrap();
        id
    }
}

/// Review and release of a batch, by whom, where and in what words.
pub(crate) fn passing(batch: &Value) -> [(&'static str, String, String); 2] {
    let code = batch["code"].as_str().unwrap();
    let word = json!({"content": batch["content"]}).to_string();
    [("reviewer", "review"), ("approver", "release")]
        .map(|(who, step)| (who, format!("/v1/batches/{code}/{step}"), word.clone()))
}

impl Drop for House {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Starts the program on a folder; gives it with the address that it tells.
fn serve(folder: &Path) -> (Child, String) {
    let mut program = Command::new(PROGRAM)
        .args(["serve", "--config"])
        .arg(folder.join("wagegate.toml"))
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("the gateway did not start: {error}"));
    let address = ready["address"].as_str().unwrap();
    let port = address.rsplit(':').next().unwrap();
    (program, format!("https://localhost:{port}"))
}

pub(crate) struct Client<'a> {
    house: &'a House,
    http: reqwest::Client,
}

impl Client<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.ask("POST", path, body).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.ask_with(method, path, &[], body).await
    }

    /// The same, with headers.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let url = format!("{}{path}", self.house.url);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let asked = self.http.request(method, url).body(body);
        let asked = headers
            .iter()
            .fold(asked, |asked, (name, value)| asked.header(*name, *value));
        let answer = asked.send().await.unwrap();
        let kind = answer
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().unwrap().to_owned())
            .unwrap_or_default();
        Answer {
            status: answer.status().as_u16(),
            kind,
            headers: answer.headers().clone(),
            text: answer.text().await.unwrap(),
        }
    }
}

fn config(certificates: &Certificates) -> String {
    let file = |name: &str| certificates.file(name).display().to_string();
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters");
    let mut text = format!(
        "[listen]\naddress = '127.0.0.1:0'\ncertificate = '{}'\nkey = '{}'\nlimits = {{ threads = 1, sheet_bytes_max = 100000 }}\n\
         [store]\nurl = 'sqlite://wagegate.db'\n[evidence]\nfolder = 'evidence'\n[keys]\nfile = 'wagegate.keys'\n\
         [webhooks]\ncouriers = 1\nallow = ['127.0.0.0/8', '::1/128']\n[people]\nca = '{}'\ncrl = '{}'\n[worker]\nworkers = 0\n",
        file("gateway.pem"),
        file("gateway.key"),
        file("people-ca.pem"),
        file("people.crl.pem"),
    );
    for (code, family) in [("qingshan", "iso20022"), ("bishui", "textfile")] {
        write!(
            text,
            "[[bank]]\nprofile = '{}'\nbase = 'https://localhost:1'\nca = '{}'\ncrl = '{}'\ncertificate = '{}'\nkey = '{}'\n",
            profiles.join(format!("{family}/banks/{code}.toml")).display(),
            file(&format!("bank-{code}-ca.pem")),
            file(&format!("bank-{code}.crl.pem")),
            file(&format!("gateway-at-{code}.pem")),
            file(&format!("gateway-at-{code}.key")),
        )
        .unwrap();
    }
    for (name, role, scope) in [
        ("operator", "operator", ""),
        ("clerk", "clerk", "projects = ['P1']"),
        ("reviewer", "reviewer", "projects = ['P1']"),
        ("approver", "approver", "projects = ['P1']"),
        ("finance", "finance", "projects = ['P1']"),
        ("supervisor", "supervisor", "region = '530100'"),
        ("contractor2", "clerk", "projects = ['P2']"),
        ("reviewer2", "reviewer", "projects = ['P2']"),
        ("approver2", "approver", "projects = ['P2']"),
        ("finance2", "finance", "projects = ['P2']"),
        ("supervisor2", "supervisor", "region = '530300'"),
    ] {
        write!(
            text,
            "[[principal]]\nuri = 'wagegate://user/{name}'\nrole = '{role}'\n{scope}\n"
        )
        .unwrap();
    }
    text.push_str("[[national]]\nproject = 'P1'\nsecret_file = 'national.secret'\n");
    text
}

/// A roster of made-up people with valid checksums, the same as in [`sheet`]; they came in March, each with a card.
pub(crate) fn roster(workers: std::ops::RangeInclusive<usize>) -> Value {
    workers
        .map(|number| {
            let given = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"][number % 10];
            json!({"name": format!("李{given}"), "id_number": id_number(number), "phone": format!("139{number:08}"), "team": "一队",
                "entered_on": "2026-03-01", "card": card(number)})
        })
        .collect()
}

/// A wage sheet of made-up people with valid checksums; the wages are 4,000.00, 4,000.01, and so on.
pub(crate) fn sheet(workers: usize) -> String {
    (0..workers).fold(
        "姓名,身份证号,银行卡号,实发工资\n".to_owned(),
        |mut text, number| {
            let given = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"][number % 10];
            writeln!(
                text,
                "李{given},{},{},4000.{number:02}",
                id_number(number),
                card(number)
            )
            .unwrap();
            text
        },
    )
}

fn id_number(number: usize) -> String {
    let body = format!("53010219900101{number:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = body
        .bytes()
        .zip(weights)
        .map(|(digit, weight)| usize::from(digit - b'0') * weight)
        .sum();
    format!("{body}{}", char::from(b"10X98765432"[sum % 11]))
}

pub(crate) fn card(number: usize) -> String {
    let body = format!("622588{number:09}");
    let sum: usize = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = usize::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
