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

use crate::args::Output;
use crate::config::Config;
use crate::context::Context;
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
    pub(crate) fn json(&self) -> bool {
        self.output == Output::Json
    }
}
