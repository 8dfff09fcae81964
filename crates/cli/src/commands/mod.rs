//! The commands, a file each.

pub(crate) mod audit;
pub(crate) mod completion;
pub(crate) mod create;
pub(crate) mod demo;
pub(crate) mod list;
pub(crate) mod plan;
pub(crate) mod revoke;
pub(crate) mod rotate;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod tick;
pub(crate) mod whoami;

use std::fmt::Display;

use crate::args::Output;
use crate::config::{Config, Store};
use crate::context::Context;
use crate::error::Stop;
use crate::output::Style;

/// What every command is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) context: &'a Context,
    pub(crate) config: &'a Config,
    pub(crate) output: Output,
    pub(crate) style: Style,
    pub(crate) quiet: bool,
}

impl Run<'_> {
    /// Refuses to begin what the state would forget.
    pub(crate) fn lasting_state(&self) -> Result<(), Stop> {
        if self.config.store == Store::Memory {
            return Err(
                Stop::config("a state in memory is forgotten when this program ends").hint(
                    "Use store = \"file:…\", or tick --watch, where nothing else can be had.",
                ),
            );
        }
        Ok(())
    }

    /// A line of results for a person.
    pub(crate) fn line(&self, line: impl Display, indent: usize) -> Result<(), Stop> {
        self.context.say(self.style.fit(&line.to_string(), indent))
    }

    /// A line for a person beside the results.
    pub(crate) fn tell(&self, line: impl Display, indent: usize) {
        self.context.tell(self.style.fit(&line.to_string(), indent));
    }

    pub(crate) fn json(&self) -> bool {
        self.output == Output::Json
    }
}
