//! A bank as its own process: `banksim`, spoken to over its control service.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::certificates::Certificates;

/// A running bank; it is killed when dropped.
pub(crate) struct BankProcess {
    pub(crate) code: &'static str,
    pub(crate) base: String,
    pub(crate) ledger: PathBuf,
    /// Every instruction as it came.
    pub(crate) received: PathBuf,
    control: String,
    child: Child,
    // Kept open: a bank whose output nobody holds would fail at its next line.
    _output: BufReader<ChildStdout>,
}

/// The program beside the tests; `cargo test --workspace` builds it.
pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("banksim");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build -p banksim` or the whole workspace's tests",
        program.display()
    );
    program
}

impl BankProcess {
    pub(crate) fn start(
        certificates: &Certificates,
        folder: &Path,
        (code, dialect): (&'static str, &str),
        behaviour: &str,
        push_url: Option<&str>,
    ) -> Self {
        let settings = folder.join(format!("{code}.toml"));
        fs::write(&settings, behaviour).unwrap();
        let ledger = folder.join(format!("{code}.ledger"));
        let received = folder.join(format!("{code}.received"));
        fs::create_dir(&received).unwrap();
        let file = |name: String| certificates.file(&name);
        let mut command = Command::new(program());
        command
            .args(["serve", "--code", code, "--dialect", dialect, "--seed", "7"])
            .args(["--cert".into(), file(format!("bank-{code}.pem"))])
            .args(["--key".into(), file(format!("bank-{code}.key"))])
            .args(["--client-ca".into(), file(format!("bank-{code}-ca.pem"))])
            .args(["--crl".into(), file(format!("bank-{code}.crl.pem"))])
            .args(["--behaviour".into(), settings])
            .args(["--journal".into(), ledger.clone()])
            .args(["--received".into(), received.clone()]);
        if let Some(url) = push_url {
            command
                .args(["--push-url", url])
                .args(["--push-ca".into(), file("people-ca.pem".into())])
                .args([
                    "--push-cert".into(),
                    file(format!("bank-{code}-client.pem")),
                ])
                .args(["--push-key".into(), file(format!("bank-{code}-client.key"))]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = || {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            line.trim().rsplit(' ').next().unwrap().to_owned()
        };
        let (base, control) = (address(), address());
        Self {
            code,
            base,
            ledger,
            received,
            control,
            child,
            _output: output,
        }
    }

    /// Asks the one who runs the bank.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> Value {
        // Once in a process; whoever comes second finds it done.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let response = reqwest::Client::builder()
            .no_proxy()
            .retry(reqwest::retry::never())
            .build()
            .unwrap()
            .post(format!("{}/{path}", self.control))
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Drop for BankProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
