//! `tokens completion`

use clap::CommandFactory as _;
use clap_complete::Shell as Target;

use crate::args::{Cli, Completion, Shell};
use crate::context::Context;
use crate::error::{OK, Stop};

pub(crate) fn run(context: &Context, completion: &Completion) -> Result<u8, Stop> {
    let shell = match completion.shell {
        Shell::Bash => Target::Bash,
        Shell::Zsh => Target::Zsh,
        Shell::Fish => Target::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tokens", &mut script);
    context.say(String::from_utf8_lossy(&script).trim_end())?;
    Ok(OK)
}
