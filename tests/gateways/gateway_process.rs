//! `wagegate serve` as one of several, with its own lines to the banks; and `wagegate` as somebody's client of it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{bank_process::BankProcess, certificates::Certificates, line::Line};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_wagegate");

/// One running gateway; it is killed when dropped.
pub(crate) struct GatewayProcess {
    pub(crate) url: String,
    pub(crate) lines: [Line; 2],
    pub(crate) log: PathBuf,
    config: PathBuf,
    program: Child,
}

impl GatewayProcess {
    /// `common` is what all gateways of the street have in their configuration.
    pub(crate) fn start(
        certificates: &Certificates,
        folder: &Path,
        name: &str,
        common: &str,
        banks: &[BankProcess; 2],
    ) -> Self {
        let lines = banks.each_ref().map(|bank| Line::to(&bank.base));
        let mut text = common.to_owned();
        // A mark and a witness of its own, as on a machine of its own.
        text += &format!("[audit]\nwitness = '{name}.witness'\n");
        for (bank, line) in banks.iter().zip(&lines) {
            text += &bank_table(certificates, bank.code, line);
        }
        let config = folder.join(format!("{name}.toml"));
        fs::write(&config, text).unwrap();
        let log = folder.join(format!("{name}.log"));
        let (program, url) = serve(&config, &log);
        Self {
            url,
            lines,
            log,
            config,
            program,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        (self.program, self.url) = serve(&self.config, &self.log);
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.program.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(told.success());
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

fn bank_table(certificates: &Certificates, code: &str, line: &Line) -> String {
    let file = |name: String| certificates.file(&name).display().to_string();
    format!(
        "[[bank]]\nprofile = '{code}.profile.toml'\nbase = 'https://{}'\nca = '{}'\ncrl = '{}'\ncertificate = '{}'\nkey = '{}'\n",
        line.address,
        file(format!("bank-{code}-ca.pem")),
        file(format!("bank-{code}.crl.pem")),
        file(format!("gateway-at-{code}.pem")),
        file(format!("gateway-at-{code}.key")),
    )
}

/// Starts the program; gives it with the address that it tells.
fn serve(config: &Path, log: &Path) -> (Child, String) {
    let log = fs::OpenOptions::new().create(true).append(true).open(log);
    let mut program = Command::new(PROGRAM)
        .args(["serve", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(log.unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("the gateway did not start: {error}"));
    let address = ready["address"].as_str().unwrap();
    (program, format!("https://{address}"))
}
