//! Starts the program and maps its end to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(headcount::cli::main() as u8)
}
