//! The program `tokens`: see the crate's README.

use std::process::ExitCode;

fn main() -> ExitCode {
    access_tokens_cli::main()
}
