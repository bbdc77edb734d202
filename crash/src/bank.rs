//! A bank as its own process, and the control service of whoever runs it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Failure;

/// Where a bank is and what it keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BankAt {
    pub(crate) code: String,
    pub(crate) base: String,
    control: String,
    pub(crate) ledger: PathBuf,
    /// Every instruction as it came, by its key.
    pub(crate) received: PathBuf,
}

/// A running bank; it is killed when dropped.
#[derive(Debug)]
pub(crate) struct BankProcess {
    pub(crate) at: BankAt,
    child: Child,
    // A bank whose output nobody holds would fail at its next line.
    _output: BufReader<ChildStdout>,
}

/// Runs a bank in this process until it is told to stop.
pub(crate) fn serve(options: &banksim::cli::Serve) -> Result<bool, Failure> {
    actix_web::rt::System::new().block_on(banksim::serve::run(options))?;
    Ok(true)
}

impl BankProcess {
    /// Starts a bank that speaks `dialect` and behaves as told; it keeps its things in `folder`.
    pub(crate) fn start(
        folder: &Path,
        certificates: &Path,
        (code, dialect): (&str, &str),
        behaviour: &str,
    ) -> Result<Self, Failure> {
        let settings = folder.join(format!("{code}.behaviour.toml"));
        fs::write(&settings, behaviour)?;
        let ledger = folder.join(format!("{code}.ledger"));
        let received = folder.join(format!("{code}.received"));
        fs::create_dir(&received)?;
        let file = |name: String| certificates.join(name);
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bank", "--code", code, "--dialect", dialect, "--seed", "7"])
            .args(["--cert".into(), file(format!("bank-{code}.pem"))])
            .args(["--key".into(), file(format!("bank-{code}.key"))])
            .args(["--client-ca".into(), file(format!("bank-{code}-ca.pem"))])
            .args(["--crl".into(), file(format!("bank-{code}.crl.pem"))])
            .args(["--behaviour".into(), settings])
            .args(["--journal".into(), ledger.clone()])
            .args(["--received".into(), received.clone()])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("a bank without output")?;
        let mut output = BufReader::new(output);
        let mut address = || {
            let mut line = String::new();
            output.read_line(&mut line)?;
            let address = line.trim().rsplit(' ').next().unwrap_or_default();
            Ok::<_, std::io::Error>(address.to_owned())
        };
        let (base, control) = (address()?, address()?);
        let at = BankAt {
            code: code.to_owned(),
            base,
            control,
            ledger,
            received,
        };
        Ok(Self {
            at,
            child,
            _output: output,
        })
    }
}

impl BankAt {
    /// Asks the one who runs the bank, over plain HTTP on loopback.
    pub(crate) fn control(&self, path: &str, body: &Value) -> Result<(), Failure> {
        let address = self.control.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        let body = body.to_string();
        write!(
            stream,
            "POST /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 2") {
            Ok(())
        } else {
            Err(format!("bank {}, {path}: {answer}", self.code).into())
        }
    }

    /// Whether an instruction under this key ever reached the bank.
    pub(crate) fn has_received(&self, key: &str) -> bool {
        self.received.join(key).exists()
    }
}

impl Drop for BankProcess {
    fn drop(&mut self) {
        // Dead already is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
