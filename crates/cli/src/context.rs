//! What surrounds a run: environment, folder, clock, terminal.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access_tokens::{Clock, SystemClock};

use crate::error::Stop;

/// What surrounds a run of the program. [`Context::system`] is the process's own; tests make
/// another.
pub struct Context {
    pub(crate) variables: HashMap<OsString, OsString>,
    pub(crate) directory: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) terminal: Terminal,
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// What all sinks in AWS share.
    #[cfg(feature = "aws")]
    pub(crate) aws: tokio::sync::OnceCell<access_tokens_stores::aws_sdk_secretsmanager::Client>,
}

/// Which of the standard streams are terminals, and how wide.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Whether a person can be asked.
    pub input: bool,
    /// Whether results are read by a person.
    pub output: bool,
    /// Whether progress is seen by a person.
    pub error: bool,
    /// The columns of the terminal, if there is one.
    pub width: Option<u16>,
}

impl Context {
    /// The surroundings of this process.
    ///
    /// # Errors
    /// If the working directory cannot be told.
    pub fn system() -> io::Result<Self> {
        let terminal = Terminal {
            input: io::stdin().is_terminal(),
            output: io::stdout().is_terminal(),
            error: io::stderr().is_terminal(),
            width: terminal_size::terminal_size().map(|(width, _)| width.0),
        };
        Ok(Self {
            variables: std::env::vars_os().collect(),
            directory: std::env::current_dir()?,
            clock: Arc::new(SystemClock::new()),
            terminal,
            out: Mutex::new(Box::new(io::stdout())),
            err: Mutex::new(Box::new(io::stderr())),
            #[cfg(feature = "aws")]
            aws: tokio::sync::OnceCell::new(),
        })
    }

    /// Other surroundings, for tests and for programs that carry this one.
    pub fn new(
        directory: PathBuf,
        clock: Arc<dyn Clock>,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            variables: HashMap::new(),
            directory,
            clock,
            terminal: Terminal::default(),
            out: Mutex::new(out),
            err: Mutex::new(err),
            #[cfg(feature = "aws")]
            aws: tokio::sync::OnceCell::new(),
        }
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// A variable of the environment.
    pub(crate) fn var(&self, name: &str) -> Result<Option<String>, Stop> {
        self.variables
            .get(&OsString::from(name))
            .map(|value| value.clone().into_string())
            .transpose()
            .map_err(|_| Stop::config(format!("the variable {name} is not UTF-8")))
    }

    /// Results.
    pub(crate) fn out(&self) -> MutexGuard<'_, Box<dyn Write + Send>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything else.
    pub(crate) fn err(&self) -> MutexGuard<'_, Box<dyn Write + Send>> {
        self.err.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of results. A reader that has gone away wants no more of them.
    pub(crate) fn say(&self, line: impl fmt::Display) -> Result<(), Stop> {
        match writeln!(self.out(), "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(Stop::from),
        }
    }

    /// A line for a person.
    pub(crate) fn tell(&self, line: impl fmt::Display) {
        // Nothing can be done where nobody can be told.
        let _ = writeln!(self.err(), "{line}");
    }

    /// Asks before something that cannot be taken back.
    pub(crate) fn confirm(&self, question: &str, yes: bool) -> Result<(), Stop> {
        if yes {
            return Ok(());
        }
        if !self.terminal.input {
            return Err(Stop::usage(format!(
                "{question} needs an answer, and there is no terminal"
            ))
            .hint("Add --yes if that is what you want."));
        }
        {
            let mut err = self.err();
            let _ = write!(err, "{question} [y/N] ");
            let _ = err.flush();
        }
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            Ok(())
        } else {
            Err(Stop::usage("nothing was done"))
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables hold credentials.
        f.debug_struct("Context")
            .field("directory", &self.directory)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}
