//! What the tests share: certificates made by openssl, a bank as its own process, instructions of both dialects.
#![expect(dead_code, reason = "each test file uses its own part")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set the scene has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use encoding_rs::GB18030;
use reqwest::{Certificate, Client, Identity, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const GATEWAY: &str = "wagegate://gateway/main";
pub(crate) const ACCOUNT: &str = "90010001";

/// An authority in a directory of its own; it signs leaves on request.
pub(crate) struct Authority {
    pub(crate) dir: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let authority = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        authority.openssl(&format!(
            "req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca"
        ));
        std::fs::write(authority.path("index.txt"), "").unwrap();
        std::fs::write(authority.path("crlnumber"), "01\n").unwrap();
        std::fs::write(authority.path("ca.cnf"), CA_SETTINGS).unwrap();
        authority.list();
        authority
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A certificate with one URI name, good for both ends of a connection on this machine.
    pub(crate) fn sign(&self, name: &str, uri: &str) -> Identity {
        self.openssl(&format!(
            "req {NEW_KEY} -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        let names = format!(
            "subjectAltName=URI:{uri},IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n"
        );
        std::fs::write(self.path("names.cnf"), names).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names.cnf -out {name}.pem"
        ));
        let pem =
            ["pem", "key"].map(|end| std::fs::read(self.path(&format!("{name}.{end}"))).unwrap());
        Identity::from_pem(&pem.concat()).unwrap()
    }

    pub(crate) fn revoke(&self, name: &str) {
        self.openssl(&format!("ca -config ca.cnf -revoke {name}.pem"));
        self.list();
    }

    fn list(&self) {
        self.openssl("ca -config ca.cnf -gencrl -out crl.part");
        std::fs::rename(self.path("crl.part"), self.path("crl.pem")).unwrap();
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
const CA_SETTINGS: &str = "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ncertificate=ca.pem\nprivate_key=ca.key\n\
    default_md=sha256\ndefault_crl_days=2\ncrlnumber=crlnumber\n";

/// A bank running as its own process; it ends with the value.
pub(crate) struct Running {
    pub(crate) authority: Authority,
    pub(crate) client: Client,
    pub(crate) base: String,
    pub(crate) control: String,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub(crate) fn provider() {
    // Another test of the same process may have installed it already, which serves as well.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

impl Running {
    /// A bank of the dialect with the behaviour given and ten thousand yuan on one account.
    pub(crate) async fn start(dialect: &str, behaviour: &str) -> Self {
        Self::start_with(Authority::new(), dialect, behaviour, &[]).await
    }

    pub(crate) async fn start_with(
        authority: Authority,
        dialect: &str,
        behaviour: &str,
        more: &[&str],
    ) -> Self {
        provider();
        authority.sign("bank", "wagegate://bank/test");
        let gateway = authority.sign("gateway", GATEWAY);
        std::fs::write(authority.path("behaviour.toml"), behaviour).unwrap();
        let arguments = format!(
            "serve --code test --dialect {dialect} --cert bank.pem --key bank.key --client-ca ca.pem --crl crl.pem \
             --behaviour behaviour.toml --ready-file ready.json"
        );
        let child = Command::new(env!("CARGO_BIN_EXE_banksim"))
            .args(arguments.split_whitespace().chain(more.iter().copied()))
            .current_dir(authority.dir.path())
            .spawn()
            .unwrap();
        let ready: Value =
            serde_json::from_slice(&appears(&authority.path("ready.json")).await).unwrap();
        let address =
            |name: &str, scheme: &str| format!("{scheme}://{}", ready[name].as_str().unwrap());
        let client = caller(&authority, Some(gateway));
        let (base, control) = (address("listen", "https"), address("control", "http"));
        let running = Self {
            authority,
            client,
            base,
            control,
            child,
        };
        running
            .control(
                "accounts",
                json!({"account": ACCOUNT, "name": "工地专户", "balance_fen": 1_000_000}),
            )
            .await;
        running
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.control);
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_string());
        let response = request.send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.status()
        );
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null)
    }

    pub(crate) async fn read(&self, path: &str) -> String {
        self.client
            .get(format!("{}/{path}", self.control))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    pub(crate) async fn summary(&self) -> Value {
        serde_json::from_str(&self.read("summary").await).unwrap()
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<(u16, String)> {
        told(
            self.client
                .post(format!("{}{path}", self.base))
                .body(body)
                .send()
                .await?,
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<(u16, String)> {
        told(
            self.client
                .get(format!("{}{path}", self.base))
                .send()
                .await?,
        )
        .await
    }

    pub(crate) fn stop(mut self) -> bool {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

/// A client of the authority's servers with the identity given.
pub(crate) fn caller(authority: &Authority, identity: Option<Identity>) -> Client {
    let root = Certificate::from_pem(&std::fs::read(authority.path("ca.pem")).unwrap()).unwrap();
    let mut builder = Client::builder()
        .tls_certs_only([root])
        .no_proxy()
        .pool_max_idle_per_host(0);
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder.build().unwrap()
}

async fn told(response: Response) -> reqwest::Result<(u16, String)> {
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    let text =
        String::from_utf8(body.to_vec()).unwrap_or_else(|_| GB18030.decode(&body).0.into_owned());
    Ok((status, text))
}

/// Waits for a file another process writes.
pub(crate) async fn appears(path: &Path) -> Vec<u8> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match std::fs::read(path) {
            Ok(bytes) => return bytes,
            Err(error) => assert!(Instant::now() < deadline, "{}: {error}", path.display()),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A pain.001 of rows of 10 yuan each and 1 fen more for each row.
pub(crate) fn pain(reference: &str, rows: u32) -> String {
    let sum: u32 = (1..=rows).map(|row| 1_000 + row).sum();
    let totals = format!(
        "<NbOfTxs>{rows}</NbOfTxs><CtrlSum>{}.{:02}</CtrlSum>",
        sum / 100,
        sum % 100
    );
    let payments: String = (1..=rows)
        .map(|row| {
            format!(
                "<CdtTrfTxInf><PmtId><EndToEndId>{reference}E{row}</EndToEndId></PmtId>\
                 <Amt><InstdAmt Ccy=\"CNY\">10.{row:02}</InstdAmt></Amt><Cdtr><Nm>张&amp;三</Nm></Cdtr>\
                 <CdtrAcct><Id><Othr><Id>62220000{row:08}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\">\
         <CstmrCdtTrfInitn><GrpHdr><MsgId>{reference}</MsgId>{totals}</GrpHdr><PmtInf><PmtInfId>{reference}</PmtInfId>{totals}\
         <DbtrAcct><Id><Othr><Id>{ACCOUNT}</Id></Othr></Id></DbtrAcct>{payments}</PmtInf></CstmrCdtTrfInitn></Document>"
    )
}

/// A text instruction with the same rows.
pub(crate) fn lines(batch: &str, rows: u32) -> String {
    let sum: u32 = (1..=rows).map(|row| 1_000 + row).sum();
    let payments: String = (1..=rows)
        .map(|row| {
            format!(
                "{row:07}|62220000{row:08}|张三|402731000018|{}|工资|\r\n",
                1_000 + row
            )
        })
        .collect();
    format!("P|{batch}|{ACCOUNT}|{rows}|{sum}|20261102|\r\n{payments}########\r\n")
}

pub(crate) fn gb(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}
