//! The command line: `serve` runs the gateway, the rest asks one over the API with mutual TLS. It decides nothing; it only shows.

mod approval;
mod assemble;
mod audit;
mod batches;
mod calendar;
mod changes;
mod client;
mod completions;
mod doubts;
mod ends;
mod files;
mod flow;
mod import;
mod keys;
mod operate;
mod principals;
mod registry;
mod remarks;
mod reports;
mod serve;
mod sheets;
mod table;
mod upload;
mod watch;
mod webhooks;
mod words;

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::telemetry;
use approval::{Passing, TakingBack};
use client::{Client, Told};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused by the gateway, or not possible here; the reason is on standard error
  2  the command line is wrong
  3  rows of the upload have problems, all of them shown; nothing was stored
  4  no gateway answered, or it cannot serve now
  5  asked whether all is well, and it is not
  6  the time given to `watch` ran out

With --json, a refusal is a problem (RFC 9457) on standard output: its `type` says which.";

/// Wages from approved sheets to banks, and one outcome per worker back.
#[derive(Debug, Parser)]
#[command(name = "wagegate", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

/// Which gateway to ask, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Asking a gateway")]
struct Connection {
    /// The gateway, https://host:port.
    #[arg(long, global = true, env = "WAGEGATE_SERVER")]
    server: Option<String>,
    /// Your certificate, PEM.
    #[arg(long, global = true, env = "WAGEGATE_CERT")]
    cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, global = true, env = "WAGEGATE_KEY")]
    key: Option<PathBuf>,
    /// The authority that vouches for the gateway, PEM.
    #[arg(long, global = true, env = "WAGEGATE_CA")]
    ca: Option<PathBuf>,
    /// Print JSON, for scripts.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until it is told to stop.
    Serve(serve::Options),
    /// Keys that people's data is sealed with.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The configuration file.
    #[command(subcommand)]
    Config(serve::Check),
    /// Import regions, contractors, projects or a project's workers from a file.
    #[command(subcommand)]
    Import(import::Import),
    /// Contractors (企业) in your scope.
    Contractors,
    /// Projects (项目) in your scope, with their special accounts.
    Projects,
    /// Regions (行政区划) in your scope.
    Regions,
    /// A project's workers (工人), masked.
    Workers(registry::Workers),
    /// One worker of a project: stays, attendance, cards, and who changed what when.
    Worker(registry::Worker),
    /// How a card (工资卡) stands, or another one for a worker.
    #[command(subcommand)]
    Card(registry::Card),
    /// Upload a document that shows something; prints the hash to name it by.
    Evidence(registry::Evidence),
    /// A wage sheet to fill in.
    #[command(subcommand)]
    Template(sheets::Template),
    /// Check a wage sheet without submitting it: all its problems, or the workbook with the reasons.
    #[command(after_help = EXIT_CODES)]
    Errors(sheets::Errors),
    /// Upload a wage sheet (.xlsx, .csv, .json) and submit it as a batch.
    #[command(after_help = EXIT_CODES)]
    Submit(sheets::Submit),
    /// List batches.
    Batches(batches::List),
    /// Show one batch with its warnings, places and instructions.
    Batch(batches::Show),
    /// A batch's wages, one line each, people masked.
    Items(batches::Items),
    /// Review a batch (劳资专管员复核): needs the content hash that `batch` shows.
    #[command(after_help = EXIT_CODES)]
    Review(approval::Seen),
    /// Release a reviewed batch to the bank (总包批准): needs the content hash that `batch` shows.
    #[command(after_help = EXIT_CODES)]
    Release(approval::Seen),
    /// Refuse a batch, with the reason.
    Refuse(approval::Refuse),
    /// Take a batch back before it is released.
    Withdraw(approval::TakeBack),
    /// Take a release back before sending begins.
    Undo(approval::TakeBack),
    /// What changed since the project's last released month: new, gone, amounts, cards.
    Changes(changes::ChangesOf),
    /// The dry run: the bank's limits, expected arrival, and the exact bytes.
    Preview(changes::PreviewOf),
    /// Whether a bank works on a pay day, and until when a batch must be released for it.
    Calendar(calendar::CalendarOf),
    /// Put a document behind a batch, such as the table that the workers signed.
    Attach(approval::Attach),
    /// Fetch a document behind a batch into a file; the look is recorded.
    Document(approval::DocumentOf),
    /// Follow batches to their last worker.
    #[command(after_help = EXIT_CODES)]
    Watch(watch::Watch),
    /// The payment rate (工资代发率) of a month.
    Rates(reports::RatesOf),
    /// Wages that failed or came back in a month, and whose task the repair is.
    Failures(reports::FailuresOf),
    /// Special wage accounts (工资专户).
    Accounts(reports::Accounts),
    /// Every attempt with its outcome: a summary, or the CSV for an outside audit.
    Outcomes(reports::Outcomes),
    /// What needs two people (存疑): instructions that nobody knows the end of, and the two voices on them.
    Doubts(doubts::Doubts),
    /// What banks said that matches nothing (待核).
    Suspense,
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Count everything again from the rows and compare with the kept figures.
    Recount,
    /// Whom the gateway knows, with role and scope.
    Principals,
    /// Admit, suspend, restore or move somebody.
    #[command(subcommand)]
    Principal(principals::Principal),
    /// Certificates that came or were revoked.
    Certificates,
    /// Revoke a certificate.
    #[command(subcommand)]
    Certificate(principals::Certificate),
    /// Have events delivered to an address of yours.
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Ask who you are to the gateway and what you may do.
    Whoami,
    /// Banks (银行): whether each answers, its clock, limits, cut-off, and our certificate there.
    Banks(flow::Banks),
    /// Tasks (任务) that failed more than three times in a row, and why.
    Tasks,
    /// Figures for Prometheus, as text.
    Metrics,
    /// Ask whether the gateway is well.
    Health,
    /// Print the completions of a shell.
    Completions(completions::Completions),
}

/// Why a command did not end well; each has its exit code.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The gateway said no.
    #[error("{}: {}", .0.title, .0.detail)]
    Refused(Box<Told>),
    /// The gateway cannot do it now.
    #[error("{}: {}", .0.title, .0.detail)]
    Unable(Box<Told>),
    /// No answer, or one that is not the gateway's.
    #[error("{0}")]
    Unreachable(String),
    /// Nothing was asked: it failed here.
    #[error("{0}")]
    Here(String),
    /// The sheet has problems, all of them shown.
    #[error("{0} problems in the sheet; nothing was submitted")]
    Problems(u64),
    /// All was said; the code tells.
    #[error("not well")]
    NotWell,
    /// Patience ended.
    #[error("the time ran out before everything was settled")]
    TimeOut,
}

impl Failure {
    fn here(error: impl std::fmt::Display) -> Self {
        Self::Here(error.to_string())
    }

    /// What the gateway said, for scripts.
    fn told(&self) -> Option<&Told> {
        match self {
            Self::Refused(told) | Self::Unable(told) => Some(told),
            Self::Unreachable(_)
            | Self::Here(_)
            | Self::Problems(_)
            | Self::NotWell
            | Self::TimeOut => None,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Refused(told) if !told.rows.is_empty() => 3,
            Self::Problems(_) => 3,
            Self::Refused(_) | Self::Here(_) => 1,
            Self::Unreachable(_) | Self::Unable(_) => 4,
            Self::NotWell => 5,
            Self::TimeOut => 6,
        }
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    // First of all: whatever speaks TLS below must find this provider and no other.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("wagegate: a second TLS provider is in this program");
        return ExitCode::from(1);
    }
    let cli = Cli::parse();
    let json = cli.connection.json;
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::here)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(told) = failure.told().filter(|_| json) {
                // The exit code says it too.
                print(&told.whole.to_string()).ok();
            }
            if !matches!(failure, Failure::NotWell) {
                eprintln!("wagegate: {failure}");
            }
            ExitCode::from(failure.code())
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let (command, connection) = (cli.command, cli.connection);
    let out = Out {
        json: connection.json,
    };
    match command {
        Command::Serve(options) => {
            telemetry::start(options.log);
            return serve::run(&options).await;
        }
        Command::Keys(keys) => return keys::run(&keys, &connection, out).await,
        Command::Config(check) => return serve::check(&check, out),
        Command::Completions(shell) => return completions::run(&shell),
        _ => {}
    }
    let client = Client::new(&connection)?;
    match command {
        Command::Serve(_) | Command::Keys(_) | Command::Config(_) | Command::Completions(_) => {
            Ok(())
        }
        Command::Import(what) => import::run(&client, &what, out).await,
        Command::Contractors => registry::contractors(&client, out).await,
        Command::Projects => registry::projects(&client, out).await,
        Command::Regions => registry::regions(&client, out).await,
        Command::Workers(what) => registry::workers(&client, &what, out).await,
        Command::Worker(what) => registry::worker(&client, &what, out).await,
        Command::Card(what) => registry::card(&client, &what, out).await,
        Command::Evidence(what) => registry::evidence(&client, &what, out).await,
        Command::Template(what) => sheets::template(&client, &what, out).await,
        Command::Errors(what) => sheets::errors(&client, &what, out).await,
        Command::Submit(what) => sheets::submit(&client, &what, out).await,
        Command::Batches(what) => batches::list(&client, &what, out).await,
        Command::Batch(what) => batches::show(&client, &what, out).await,
        Command::Items(what) => batches::items(&client, &what, out).await,
        Command::Review(what) => approval::pass(&client, Passing::Review, what, out).await,
        Command::Release(what) => approval::pass(&client, Passing::Release, what, out).await,
        Command::Refuse(what) => approval::refuse(&client, what, out).await,
        Command::Withdraw(what) => {
            approval::take_back(&client, TakingBack::Withdraw, what, out).await
        }
        Command::Undo(what) => approval::take_back(&client, TakingBack::Undo, what, out).await,
        Command::Changes(what) => changes::changes(&client, &what, out).await,
        Command::Calendar(what) => calendar::show(&client, &what, out).await,
        Command::Preview(what) => changes::preview(&client, &what, out).await,
        Command::Attach(what) => approval::attach(&client, &what, out).await,
        Command::Document(what) => approval::document(&client, &what, out).await,
        Command::Watch(what) => watch::run(&client, &what, out).await,
        Command::Rates(what) => reports::rates(&client, &what, out).await,
        Command::Failures(what) => reports::failures(&client, &what, out).await,
        Command::Accounts(what) => reports::accounts(&client, &what, out).await,
        Command::Outcomes(what) => reports::outcomes(&client, &what, out).await,
        Command::Doubts(what) => doubts::run(&client, what, out).await,
        Command::Suspense => operate::suspense(&client, out).await,
        Command::Audit(what) => audit::run(&client, &what, out).await,
        Command::Recount => operate::recount(&client, out).await,
        Command::Principals => principals::list(&client, out).await,
        Command::Principal(what) => principals::run(&client, what, out).await,
        Command::Certificates => principals::certificates(&client, out).await,
        Command::Certificate(what) => principals::revoke(&client, what, out).await,
        Command::Webhooks(what) => webhooks::run(&client, what, out).await,
        Command::Whoami => principals::whoami(&client, out).await,
        Command::Banks(what) => flow::banks(&client, &what, out).await,
        Command::Tasks => flow::tasks(&client, out).await,
        Command::Metrics => flow::metrics(&client, out).await,
        Command::Health => operate::health(&client, out).await,
    }
}

/// How results are shown.
#[derive(Debug, Clone, Copy)]
struct Out {
    json: bool,
}

impl Out {
    /// Prints a result: one line of JSON, or as people read it.
    fn show<T: Serialize>(
        self,
        result: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(result).map_err(Failure::here)?
        } else {
            people(result)
        };
        print(text.trim_end())
    }

    /// True where progress bars make sense.
    fn lively(self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }
}

/// Standard output that was closed early (`| head`) is no fault.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::here(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
