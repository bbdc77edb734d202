//! `banksim`: runs a bank, or audits banks' ledgers. Exit code 0 is well, 1 is an audit that found something, 2 cannot start.

use std::process::ExitCode;

use banksim::audit;
use banksim::cli::{Cli, Command};
use banksim::serve;
use clap::Parser;

fn main() -> ExitCode {
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("banksim: a second TLS provider is in this program");
        return ExitCode::from(2);
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    match Cli::parse().command {
        Command::Serve(options) => report(
            actix_web::rt::System::new()
                .block_on(serve::run(&options))
                .map(|()| true),
        ),
        Command::Audit(options) => report(audit::run(&options)),
    }
}

fn report<E: std::fmt::Display>(result: Result<bool, E>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("banksim: {error}");
            ExitCode::from(2)
        }
    }
}
