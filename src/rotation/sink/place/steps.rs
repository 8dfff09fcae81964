//! Each change of the disk, so that tests can stop after any of them as a crash would.

use std::io;

/// What is about to be done to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Owner,
    Attributes,
    Mode,
    Write,
    Sync,
    SyncDirectory,
    Rename,
    Remove,
    Cut,
}

/// Called before each step.
#[cfg(not(test))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "it fails in tests")]
pub(super) fn step(_: Step) -> io::Result<()> {
    Ok(())
}

/// Whether whatever is left on the way may still be tidied up: not after a crash.
#[cfg(not(test))]
pub(super) fn alive() -> bool {
    true
}

#[cfg(test)]
pub(super) use simulated::{alive, step};

#[cfg(test)]
pub(super) mod simulated {
    use std::cell::{Cell, RefCell};

    use super::{Step, io};

    thread_local! {
        static TAKEN: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
        static CRASH_AFTER: Cell<Option<usize>> = const { Cell::new(None) };
        static FAILS: Cell<Option<Step>> = const { Cell::new(None) };
        static FAILS_AT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(in super::super) fn step(step: Step) -> io::Result<()> {
        if FAILS.get() == Some(step) {
            return Err(io::Error::other("made to fail"));
        }
        if !alive() {
            return Err(io::Error::other("crashed"));
        }
        if matches!(step, Step::Sync | Step::SyncDirectory) {
            crate::rotation::waits::count();
        }
        let number = TAKEN.with_borrow_mut(|taken| {
            taken.push(step);
            taken.len()
        });
        if FAILS_AT.get().is_some_and(|at| at < number) {
            FAILS_AT.set(None);
            return Err(io::Error::other("made to fail"));
        }
        Ok(())
    }

    pub(in super::super) fn alive() -> bool {
        let taken = TAKEN.with_borrow(Vec::len);
        CRASH_AFTER.get().is_none_or(|most| taken < most)
    }

    /// Forgets the steps; after so many more nothing happens any more.
    pub(in super::super) fn crash_after(steps: Option<usize>) {
        TAKEN.take();
        CRASH_AFTER.set(steps);
    }

    /// Makes every step of this kind fail.
    pub(in super::super) fn fail(step: Option<Step>) {
        FAILS.set(step);
    }

    /// Forgets the steps; makes the one after so many fail. Says whether one was still to fail.
    pub(in super::super) fn fail_at(step: Option<usize>) -> bool {
        TAKEN.take();
        FAILS_AT.replace(step).is_some()
    }

    pub(in super::super) fn taken() -> Vec<Step> {
        TAKEN.with_borrow(Clone::clone)
    }
}
