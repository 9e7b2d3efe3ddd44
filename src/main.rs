//! Parses the command line, runs it, and turns its outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    titian::cli::main()
}
