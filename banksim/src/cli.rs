//! The command line: `serve` and `audit`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::dialect::Dialect;

/// A bank to talk to, with its own ledger and faults on demand.
#[derive(Debug, Parser)]
#[command(name = "banksim", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a bank until it is told to stop.
    Serve(Box<Serve>),
    /// Compare banks' ledgers with the outcomes the gateway reports.
    Audit(Audit),
}

/// What the control service takes, shown under the help.
const CONTROL: &str = "\
The control service is plain HTTP on loopback, for whoever runs the bank:
  POST   /accounts  {\"account\", \"name\", \"balance_fen\"}: opens an account; GET lists them
  POST   /deposits  {\"account\", \"amount_fen\", \"reference\"}: money arrives, and the gateway is told
  POST   /faults    {\"fault\": \"accept_then_drop\", \"calls\": \"submit\", \"count\": 1}; DELETE clears them
  POST   /advance   {\"polls\": N}: moves the bank's time by so many queries
  POST   /settle    {}: works everything off and pushes what waits
  GET    /ledger    every booking, JSON lines; GET /summary: its totals

A behaviour file (--behaviour, TOML), for example; shares are out of a thousand rows:
  work_polls = 2
  returns_after_polls = 3
  [fail]
  name_mismatch = 20
  closed = 5
  [late_return]
  no_account = 10";

/// Options of a running bank.
#[derive(Clone, Debug, Args)]
#[command(after_help = CONTROL)]
pub struct Serve {
    /// The bank's code, such as qingshan or bishui.
    #[arg(long, env = "BANKSIM_CODE")]
    pub code: String,
    /// What it speaks.
    #[arg(long, env = "BANKSIM_DIALECT", value_enum)]
    pub dialect: Dialect,
    /// Address of the mutual-TLS service; port 0 takes a free one.
    #[arg(long, env = "BANKSIM_LISTEN", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Address of the control service; loopback only.
    #[arg(long, env = "BANKSIM_CONTROL", default_value = "127.0.0.1:0")]
    pub control: SocketAddr,
    /// The bank's certificate chain, PEM.
    #[arg(long, env = "BANKSIM_CERT")]
    pub cert: PathBuf,
    /// Its private key, PEM.
    #[arg(long, env = "BANKSIM_KEY")]
    pub key: PathBuf,
    /// The authority that signs the gateway's client certificate, PEM.
    #[arg(long, env = "BANKSIM_CLIENT_CA")]
    pub client_ca: PathBuf,
    /// Revocation list of that authority, PEM; read again when it changes.
    #[arg(long, env = "BANKSIM_CRL")]
    pub crl: Option<PathBuf>,
    /// The URI name the caller's certificate must carry.
    #[arg(
        long,
        env = "BANKSIM_GATEWAY_IDENTITY",
        default_value = "wagegate://gateway/main"
    )]
    pub gateway_identity: String,
    /// The gateway's base address, to push to.
    #[arg(long, env = "BANKSIM_PUSH_URL", requires_all = ["push_ca", "push_cert", "push_key"])]
    pub push_url: Option<String>,
    /// The authority that signs the gateway's server certificate, PEM.
    #[arg(long, env = "BANKSIM_PUSH_CA")]
    pub push_ca: Option<PathBuf>,
    /// The bank's client certificate for pushes, PEM.
    #[arg(long, env = "BANKSIM_PUSH_CERT")]
    pub push_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, env = "BANKSIM_PUSH_KEY")]
    pub push_key: Option<PathBuf>,
    /// Settings of the bank's behaviour, TOML.
    #[arg(long, env = "BANKSIM_BEHAVIOUR")]
    pub behaviour: Option<PathBuf>,
    /// Chance repeats with the same seed.
    #[arg(long, env = "BANKSIM_SEED", default_value_t = 1)]
    pub seed: u64,
    /// A new file the ledger is copied to, JSON lines.
    #[arg(long, env = "BANKSIM_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// An existing folder where every instruction is kept as it came, under its reference.
    #[arg(long, env = "BANKSIM_RECEIVED")]
    pub received: Option<PathBuf>,
    /// A file that appears, with the addresses as JSON, once both services listen.
    #[arg(long, env = "BANKSIM_READY_FILE")]
    pub ready_file: Option<PathBuf>,
}

/// Options of the audit.
#[derive(Clone, Debug, Args)]
pub struct Audit {
    /// A bank's ledger: `code=file`, or a file named after the code. Repeat for each bank.
    #[arg(long = "ledger", required = true)]
    pub ledgers: Vec<String>,
    /// The outcomes as the gateway exports them, CSV.
    #[arg(long)]
    pub outcomes: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
