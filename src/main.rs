//! Starts the program and maps its end to an exit code.

use std::process::ExitCode;

/// Rows, calls and answers are many small pieces of memory, for which it takes half the time of the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(headcount::cli::main() as u8)
}
