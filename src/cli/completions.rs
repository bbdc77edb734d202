//! `wagegate completions SHELL`: what a shell needs to complete the command line. It asks no gateway.

use std::io;

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::{Cli, Failure};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell; for bash: `wagegate completions bash > ~/.local/share/bash-completion/completions/wagegate`.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script to standard output.
pub(super) fn run(completions: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(
        completions.shell,
        &mut Cli::command(),
        "wagegate",
        &mut script,
    );
    match io::Write::write_all(&mut io::stdout(), &script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::here(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
