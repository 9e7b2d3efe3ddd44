//! Parses the command line, runs it, and turns its outcome into an exit code.

use std::process::ExitCode;

/// A message takes some hundred small allocations; this halves what they cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    titian::cli::main()
}
