//! The three twins as servers for other programs, until the standard input ends.
//!
//! ```text
//! cargo run -p access-tokens-testing --bin twins -- --seed DEMO
//! ```
//!
//! prints addresses and credentials under the names that the clients' `from_env` reads, a
//! `NAME=value` line each. The credentials are made up by this process, open these local servers
//! only and are gone with them. [`arguments::USAGE`] says what else there is.

mod arguments;
mod commands;

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use access_tokens_testing::{ShiftedClock, Twins};

use self::arguments::{Arguments, USAGE};
use self::commands::Console;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("twins: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match serve(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twins: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> io::Result<()> {
    let clock = ShiftedClock::new();
    let twins = Twins::with_clock(clock.clone()).await?;
    twins.launchdarkly.record_requests(false);
    twins.query_server.record_requests(false);
    twins.avisi_cloud.record_requests(false);
    if arguments.seed_demo {
        twins.seed_demo();
    }
    let mut out = io::stdout().lock();
    for (name, value) in twins.variables() {
        writeln!(out, "{name}={}", value.expose_secret())?;
    }
    out.flush()?;

    // The twins run on threads of their own.
    let input = io::stdin().lock();
    if !arguments.state_on_stdin {
        io::copy(&mut { input }, &mut io::sink())?;
        return Ok(());
    }
    let console = Console::new(&twins, clock, arguments.show_secrets);
    for line in input.lines() {
        let line = line?;
        if !line.trim().is_empty() {
            writeln!(out, "{}", console.answer(&line))?;
            out.flush()?;
        }
    }
    Ok(())
}
