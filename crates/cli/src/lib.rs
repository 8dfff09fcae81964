//! The program `tokens`, which keeps access tokens fresh from one file: see the README.
//!
//! It is a library so far as tests and programs that carry it need one: [`run`] does what the
//! program does, in surroundings of the caller's.

mod args;
mod client;
mod commands;
mod config;
mod context;
mod duration;
mod error;
mod hooks;
mod last_tick;
mod managed;
mod metrics;
mod output;
mod progress;
mod sinks;
mod store;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

pub use context::{Context, Terminal};

use args::{Cli, Command, Output};
use error::{FAILED, Stop, USAGE};

/// The program: the process's own arguments and surroundings.
#[must_use]
pub fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let (Ok(runtime), Ok(context)) = (runtime, Context::system()) else {
        eprintln!("tokens: there is no runtime or no working directory here");
        return ExitCode::from(FAILED);
    };
    let code = runtime.block_on(run(std::env::args_os(), &context));
    // A command that still runs must not hold the program.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Does what the program does with these arguments, the first being its own name, and gives the
/// exit code.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, context: &Context) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render();
            if error.use_stderr() {
                context.tell(text.to_string().trim_end());
                return USAGE;
            }
            return context
                .say(text.to_string().trim_end())
                .map_or(FAILED, |()| 0);
        }
    };
    let format = cli.output;
    let show = output::Style::new(context, cli.color);
    log(cli.verbose);
    match dispatch(&cli, context, show).await {
        Ok(code) => code,
        Err(stop) => {
            output::stop(context, show, format, &stop);
            stop.code
        }
    }
}

/// Tells more on the standard error: what is done to each token, or every request.
fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    // Once a process; a program that carries this one may have its own.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

async fn dispatch(cli: &Cli, context: &Context, style: output::Style) -> Result<u8, Stop> {
    if cli.output == Output::Csv && !matches!(cli.command, Command::List(_)) {
        return Err(Stop::usage("--output csv is for list only").hint("Use table or json."));
    }
    match &cli.command {
        Command::Completion(completion) => return commands::completion::run(context, completion),
        Command::Demo => return commands::demo::run(context, style).await,
        _ => {}
    }
    let config = config::load(context, cli.config.as_deref())?;
    let run = commands::Run {
        context,
        config: &config,
        output: cli.output,
        style,
        quiet: cli.quiet,
    };
    match &cli.command {
        Command::Tick(tick) => commands::tick::run(&run, tick).await,
        Command::Plan(names) => commands::plan::run(&run, names).await,
        Command::Status(status) => commands::status::run(&run, status).await,
        Command::Rotate(rotate) => commands::rotate::rotate(&run, rotate).await,
        Command::Rollback(named) => commands::rotate::rollback(&run, named).await,
        Command::Forget(named) => commands::rotate::forget(&run, named).await,
        Command::List(list) => commands::list::run(&run, list).await,
        Command::Show(show) => commands::show::run(&run, show).await,
        Command::Whoami(whoami) => commands::whoami::run(&run, whoami).await,
        Command::Create(create) => commands::create::run(&run, create).await,
        Command::Revoke(revoke) => commands::revoke::run(&run, revoke).await,
        Command::Audit(audit) => commands::audit::run(&run, audit).await,
        Command::Completion(_) | Command::Demo => Ok(0),
    }
}
