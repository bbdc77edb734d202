//! The command line: a run, and the parts that a run starts by itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Kills the gateway's code over one set of books and compares them with the banks' ledgers. Exit code 0 is clean, 1 is not, 2 could not run.
#[derive(Debug, Parser)]
#[command(name = "crash", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// One life of the gateway; a run starts it.
    #[command(hide = true)]
    Child(Child),
    /// One bank; a run starts it.
    #[command(hide = true)]
    Bank(Box<banksim::cli::Serve>),
}

/// Where the books are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Run {
    /// Where the books are.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(crate) engine: Engine,
    /// Kills, by named place and at any moment.
    #[arg(long, default_value_t = 0)]
    pub(crate) kills: u32,
    /// Kills of the whole gateway, `wagegate serve`, which takes some seconds each.
    #[arg(long, default_value_t = 0)]
    pub(crate) gateways: u32,
    /// Immediate restarts of the database server in the middle of work; PostgreSQL only.
    #[arg(long, default_value_t = 0)]
    pub(crate) restarts: u32,
    /// Freezes: the process stands still for longer than its lease while another works, and wakes.
    #[arg(long, default_value_t = 0)]
    pub(crate) freezes: u32,
    /// Times that the disk is full in the middle of work; SQLite only.
    #[arg(long, default_value_t = 0)]
    pub(crate) disk_fulls: u32,
    /// Let fsync and write fail now and then in the gateway's process, by libfiu.
    #[arg(long)]
    pub(crate) io_errors: bool,
    /// Power cuts: the gateway dies, and whatever was not synced is gone; SQLite only.
    #[arg(long, default_value_t = 0)]
    pub(crate) power_cuts: u32,
    /// With --power-cuts: a disk that says yes to every fsync and does none. The run must then find loss, or it cannot find any.
    #[arg(long)]
    pub(crate) lying_disk: bool,
    /// Chance repeats with the same seed, as far as other processes let it.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Milliseconds that a life lasts at most when it is ended at any moment.
    #[arg(long, default_value_t = 90)]
    pub(crate) life_ms: u64,
    /// An existing folder for books, banks and logs; it is kept.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
}

/// What a life is told at its start.
#[derive(Clone, Debug, Args)]
pub(crate) struct Child {
    /// The house, as JSON.
    #[arg(long)]
    pub(crate) house: PathBuf,
    /// What its clock shows at the start, milliseconds: later than every lease of those who died before.
    #[arg(long)]
    pub(crate) now: i64,
    /// The first sheet that may not be released yet.
    #[arg(long, default_value_t = 0)]
    pub(crate) sheet: u32,
    /// A file with what the store had answered for.
    #[arg(long)]
    pub(crate) remembered: Option<PathBuf>,
    /// Take no new sheets, and end when nothing is under way.
    #[arg(long)]
    pub(crate) drain: bool,
}
