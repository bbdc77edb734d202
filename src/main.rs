//! The `wagegate` program; everything is in the library.

fn main() -> std::process::ExitCode {
    wagegate::cli::main()
}
