//! A whole gateway as its own program, on either engine, with two banks as theirs; everything that it says is kept.

use std::{
    fmt::{self, Write as _},
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    time::Duration,
};

use reqwest::{Body, Certificate, Identity, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    bank_process::BankProcess, certificates::Certificates, fresh_postgres::fresh_postgres,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_wagegate");
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

pub(crate) struct House {
    pub(crate) store: String,
    pub(crate) banks: [BankProcess; 2],
    /// Everything that anybody was told: what was asked, and the answer.
    pub(crate) told: Mutex<Vec<(String, Vec<u8>)>>,
    certificates: Certificates,
    folder: TempDir,
    outside: TempDir,
    gateways: Vec<Gateway>,
}

struct Gateway {
    url: String,
    program: Child,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl House {
    /// A house whose banks behave as told, with a project at each bank; no gateway runs yet.
    pub(crate) async fn build(engine: Engine, behaviour: &str) -> Self {
        let certificates = Certificates::fresh();
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(folder.path().join("tmp")).unwrap();
        let bank = |code| BankProcess::start(&certificates, outside.path(), code, behaviour, None);
        let banks = [bank(("qingshan", "iso20022")), bank(("bishui", "textfile"))];
        let store = match engine {
            Engine::Sqlite => "sqlite://wagegate.db".to_owned(),
            Engine::Postgres => fresh_postgres().await,
        };
        let house = Self {
            store,
            banks,
            told: Mutex::default(),
            certificates,
            folder,
            outside,
            gateways: Vec::new(),
        };
        fs::write(house.path("wagegate.toml"), house.config()).unwrap();
        let keys = house.path("wagegate.keys");
        house.run(&["keys", "new", keys.to_str().unwrap()]);
        house
    }

    /// A file in the gateway's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that is not the gateway's: what people and banks have.
    pub(crate) fn outside(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.outside.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Starts one more gateway; requests go to the newest.
    pub(crate) fn start(&mut self, log: &str, level: &str) {
        self.start_with("wagegate.toml", log, level);
    }

    /// The same, with a configuration of its own.
    pub(crate) fn start_with(&mut self, config: &str, log: &str, level: &str) {
        let number = self.gateways.len();
        let lines = File::create(self.path(&format!("gateway-{number}-{log}.log"))).unwrap();
        let mut program = Command::new(PROGRAM)
            .args(["serve", "--log", log, "--config"])
            .arg(self.path(config))
            .env("RUST_LOG", level)
            .env("RUST_BACKTRACE", "full")
            .env("TMPDIR", self.path("tmp"))
            .stdout(Stdio::piped())
            .stderr(lines)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the gateway did not start: {}", self.log(number, log)));
        let address = ready["address"].as_str().unwrap();
        let port = address.rsplit(':').next().unwrap();
        self.gateways.push(Gateway {
            url: format!("https://localhost:{port}"),
            program,
        });
    }

    fn log(&self, number: usize, log: &str) -> String {
        fs::read_to_string(self.path(&format!("gateway-{number}-{log}.log"))).unwrap()
    }

    /// Stops the newest gateway in good order.
    pub(crate) fn stop(&mut self) {
        let mut gateway = self.gateways.pop().unwrap();
        let id = gateway.program.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success() && gateway.program.wait().unwrap().success());
    }

    /// Everything below the gateway's folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        below(self.folder.path())
    }

    pub(crate) fn tell(&self, what: &str, bytes: impl Into<Vec<u8>>) {
        self.told
            .lock()
            .unwrap()
            .push((what.to_owned(), bytes.into()));
    }

    /// Asks the newest gateway with a certificate; the answer is kept.
    pub(crate) async fn ask(
        &self,
        certificate: &str,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let answer = self.ask_in_private(certificate, method, path, body).await;
        self.tell(
            &format!("{certificate} {method} {path}"),
            answer.body.clone(),
        );
        answer
    }

    /// The same; the answer shows people to whom they belong, and is not kept.
    pub(crate) async fn ask_in_private(
        &self,
        certificate: &str,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let url = format!("{}{path}", self.gateways.last().unwrap().url);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let sent = self.client(certificate).request(method, url).body(body);
        let answer = sent.send().await.unwrap();
        Answer {
            status: answer.status().as_u16(),
            body: answer.bytes().await.unwrap().to_vec(),
        }
    }

    /// Sends JSON; the answer is kept, unless it has a secret that is shown once.
    pub(crate) async fn send_json(&self, certificate: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.gateways.last().unwrap().url);
        let sent = self
            .client(certificate)
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = sent.send().await.unwrap();
        let answer = Answer {
            status: answer.status().as_u16(),
            body: answer.bytes().await.unwrap().to_vec(),
        };
        self.tell(&format!("{certificate} POST {path}"), answer.body.clone());
        answer
    }

    /// A client with somebody's certificate, for whoever asks often.
    pub(crate) fn client(&self, certificate: &str) -> reqwest::Client {
        // Once in a process; whoever comes second finds it done.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let read = |name: String| fs::read(self.certificates.file(&name)).unwrap();
        let identity = [
            read(format!("{certificate}.pem")),
            read(format!("{certificate}.key")),
        ];
        reqwest::Client::builder()
            .tls_certs_only(Certificate::from_pem_bundle(&read("people-ca.pem".into())).unwrap())
            .identity(Identity::from_pem(&identity.concat()).unwrap())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap()
    }

    pub(crate) fn url(&self) -> String {
        self.gateways.last().unwrap().url.clone()
    }

    /// Runs the program without a gateway.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command("operator", arguments)
    }

    /// Runs the program as somebody's client; what it prints is kept.
    pub(crate) fn command(&self, user: &str, arguments: &[&str]) -> Output {
        let file = |name: String| self.certificates.file(&name);
        let url = self.gateways.last().map(|gateway| gateway.url.clone());
        let output = Command::new(PROGRAM)
            .args(arguments)
            .env("WAGEGATE_SERVER", url.unwrap_or_default())
            .env("WAGEGATE_CERT", file(format!("user-{user}.pem")))
            .env("WAGEGATE_KEY", file(format!("user-{user}.key")))
            .env("WAGEGATE_CA", file("people-ca.pem".into()))
            .env("RUST_BACKTRACE", "full")
            .env("TMPDIR", self.path("tmp"))
            .output()
            .unwrap();
        let printed = [output.stdout.clone(), output.stderr.clone()].concat();
        self.tell(&format!("command of {user}: {}", arguments[0]), printed);
        output
    }

    /// The same, for a command that must do what it says; gives its JSON.
    pub(crate) fn does(&self, user: &str, arguments: &[&str]) -> Value {
        let output = self.command(user, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Regions and projects, with money on both special accounts.
    pub(crate) async fn set_up(&self) {
        let regions = json!([
            {"code": "530000", "name": "云南省"}, {"code": "530100", "name": "昆明市", "base_projects": 10},
            {"code": "530102", "name": "五华区"},
        ]);
        let project = |code: &str, bank: &str, account: &str| {
            json!({"code": code, "name": format!("示例项目{code}"), "region": "530102", "contractor_uscc": "91530902MA6K004010",
                "contractor": "示例建设有限公司", "bank": bank, "account": account, "account_name": "示例建设有限公司农民工工资专用账户"})
        };
        let projects = [
            project("P1", "qingshan", "2400000000000001"),
            project("P2", "bishui", "2400000000000002"),
        ];
        for (path, body) in [("/v1/regions", regions), ("/v1/projects", json!(projects))] {
            let answer = self
                .ask("user-operator", "POST", path, body.to_string())
                .await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let fen = 90_000_000_000_i64;
        for (bank, account) in self
            .banks
            .iter()
            .zip(["2400000000000001", "2400000000000002"])
        {
            let open = json!({"account": account, "name": "示例", "balance_fen": fen});
            bank.control("accounts", &open).await;
            let body = json!({"account": account, "amount_fen": fen, "reference": "OPENING", "value_date": "2026-11-02"});
            let certificate = format!("bank-{}-client", bank.code);
            let answer = self
                .ask(&certificate, "POST", "/v1/bank/deposits", body.to_string())
                .await;
            assert_eq!(answer.status, 202, "{answer:?}");
        }
    }

    /// A second and a third person's word on a batch.
    pub(crate) async fn release(&self, batch: &Value) {
        let word = json!({"content": batch["content"]}).to_string();
        for (user, step) in [("user-reviewer", "review"), ("user-approver", "release")] {
            let path = format!("/v1/batches/{}/{step}", batch["code"].as_str().unwrap());
            let answer = self.ask(user, "POST", &path, word.clone()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }

    /// Waits until every wage has a final word.
    pub(crate) fn settled(&self) {
        let output = self.command(
            "operator",
            &[
                "watch",
                "--until-settled",
                "--within-s",
                "120",
                "--every-ms",
                "200",
            ],
        );
        assert!(output.status.success(), "{output:?}");
    }

    /// Asks as the operator until the answer is as it should be.
    pub(crate) async fn until(&self, path: &str, right: impl Fn(&Value) -> bool) -> Value {
        let mut looks = tokio::time::interval(Duration::from_millis(200));
        let looking = async {
            loop {
                looks.tick().await;
                let answer = self
                    .ask_in_private("user-operator", "GET", path, "")
                    .await
                    .json();
                if right(&answer) {
                    return answer;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.unwrap_or_else(|_| panic!("{path} never came to what it should"))
    }

    fn config(&self) -> String {
        let file = |name: &str| self.certificates.file(name).display().to_string();
        let mut text = format!(
            "[listen]\naddress = '127.0.0.1:0'\ncertificate = '{}'\nkey = '{}'\nlimits = {{ threads = 2 }}\n\
             [store]\nurl = '{}'\n[evidence]\nfolder = 'evidence'\n[keys]\nfile = 'wagegate.keys'\nquiet_s = 0\n\
             [people]\nca = '{}'\ncrl = '{}'\n[worker]\nworkers = 2\ntick_ms = 100\n[approval]\nhold_s = 0\n[webhooks]\nallow = ['127.0.0.0/8']\n",
            file("gateway.pem"),
            file("gateway.key"),
            self.store,
            file("people-ca.pem"),
            file("people.crl.pem"),
        );
        for (bank, family) in self.banks.iter().zip(["iso20022", "textfile"]) {
            let code = bank.code;
            write!(
                text,
                "[[bank]]\nprofile = '{}'\nbase = '{}'\nca = '{}'\ncrl = '{}'\ncertificate = '{}'\nkey = '{}'\n",
                self.quick_profile(code, family).display(),
                bank.base,
                file(&format!("bank-{code}-ca.pem")),
                file(&format!("bank-{code}.crl.pem")),
                file(&format!("gateway-at-{code}.pem")),
                file(&format!("gateway-at-{code}.key")),
            )
            .unwrap();
        }
        for (name, scope) in [
            ("operator", ""),
            ("clerk", "projects = ['P1', 'P2']"),
            ("reviewer", "projects = ['P1', 'P2']"),
            ("approver", "projects = ['P1', 'P2']"),
            ("finance", "projects = ['P1', 'P2']"),
            ("supervisor", "region = '530100'"),
        ] {
            write!(
                text,
                "[[principal]]\nuri = 'wagegate://user/{name}'\nrole = '{name}'\n{scope}\n"
            )
            .unwrap();
        }
        text
    }

    /// The bank's own pace is minutes; here everything is asked every second.
    fn quick_profile(&self, code: &str, family: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters");
        let text = fs::read_to_string(folder.join(format!("{family}/banks/{code}.toml"))).unwrap();
        let quick = text.lines().map(|line| {
            if line.starts_with("polling") {
                "polling = { first_after_s = 1, every_s = 1, collect_every_s = 1 }\n".to_owned()
            } else {
                format!("{line}\n")
            }
        });
        let path = self.path(&format!("{code}.toml"));
        fs::write(&path, quick.collect::<String>()).unwrap();
        path
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for gateway in &mut self.gateways {
            // It may have ended already.
            drop(gateway.program.kill());
            drop(gateway.program.wait());
        }
    }
}

/// Every file below a folder.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
