//! How far long work is, where somebody watches the standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::commands::Run;

/// A line that is gone when the work is done. Where nobody watches, it is nothing.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins work of so many parts.
    pub(crate) fn begin(run: &Run<'_>, what: &'static str, parts: usize) -> Self {
        let seen = run.context.terminal.error && !run.quiet;
        if !seen {
            return Self(ProgressBar::hidden());
        }
        let parts = u64::try_from(parts).ok();
        let bar = ProgressBar::with_draw_target(parts, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}/{len} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Another part is done; what is printed meanwhile stays above.
    pub(crate) fn done<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.inc(1);
        self.0.suspend(print)
    }

    /// Something else that can tell how far it is.
    pub(crate) fn handle(&self) -> impl Fn(usize) + Send + use<> {
        let bar = self.0.clone();
        move |done| bar.set_position(u64::try_from(done).unwrap_or(u64::MAX))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
