//! The `rollcall` command: parses, runs, and turns errors into exit codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollcall::cli::run()
}
