//! `crash`: lets the gateway's own code die in every way this machine allows, again and again over the same books, and then compares them with the
//! banks' ledgers. It mends nothing and explains nothing: a run is clean, or its last line says what is not.
//!
//! One program plays every part, each as its own process: the harness, the gateway that dies, and the banks.

mod bank;
mod child;
mod cluster;
mod desk;
mod dice;
mod disk;
mod feed;
mod house;
mod io_errors;
mod life;
mod memory;
mod options;
mod proof;
mod run;
mod trouble;
mod wages;
mod whole;

use std::process::ExitCode;

use clap::Parser as _;

use options::{Cli, Part};

/// What went wrong, for whoever runs this.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    if let Some(code) = whole::be_it() {
        return code;
    }
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("crash: a second TLS provider is in this program");
        return ExitCode::from(2);
    }
    let cli = Cli::parse();
    let done = match &cli.part {
        None => run::run(&cli.run),
        Some(Part::Child(options)) => return child::main(options),
        Some(Part::Bank(options)) => bank::serve(options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::from(2)
        }
    }
}
