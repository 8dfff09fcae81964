//! The standard input of a command.

mod program;
mod run;

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;
use hmac_sha256::Hash;

use super::blocking::blocking;
use super::{Delivery, Sink, SinkError, SinkKind, Written};
use crate::text::escape_untrusted;

/// Sink that gives the secret to a command on its standard input, and only there: never as an
/// argument or in the environment, where others can see it.
///
/// * Status 0 means that the command stored the secret, and counts only if it has read all of it.
/// * Another status, or a signal, does not mean that it did not: it may have failed afterwards. Where
///   a status says so for certain, [`not_stored_on`](Self::not_stored_on) names it.
/// * A command that does not end within its [`timeout`](Self::timeout) (30 s by default, of real
///   time) is killed with everything that it has started, as is one whose delivery is given up. It
///   may have stored the secret.
/// * A command that has read nothing has stored nothing, however it ended.
///
/// What it prints is dropped, unless [`show_output`](Self::show_output) asks for it. The sink is
/// [blind](SinkKind::Blind): what the command did cannot be taken back.
///
/// ```
/// use access_tokens::rotation::sink::{CommandSink, Sink};
///
/// let vault = CommandSink::new("vault")
///     .args(["kv", "put", "secret/ci", "token=-"])
///     .named("vault secret/ci");
/// assert_eq!(vault.id(), "command vault secret/ci");
/// ```
#[derive(Clone)]
pub struct CommandSink {
    program: OsString,
    args: Vec<OsString>,
    directory: Option<PathBuf>,
    timeout: Duration,
    newline: bool,
    output: bool,
    not_stored_on: Vec<i32>,
    name: Option<String>,
}

impl CommandSink {
    /// Runs this program, without a shell.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            directory: None,
            timeout: Duration::from_secs(30),
            newline: false,
            output: false,
            not_stored_on: Vec::new(),
            name: None,
        }
    }

    /// Adds arguments, which plans and errors do not show.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets the directory to run in.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets how long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Ends the input with a line feed.
    #[must_use]
    pub fn newline(mut self) -> Self {
        self.newline = true;
        self
    }

    /// Shows in errors what the command printed, without the secret in any usual form (parts,
    /// capitals, base64, escapes), on one line, and not all of it.
    #[must_use]
    pub fn show_output(mut self) -> Self {
        self.output = true;
        self
    }

    /// Adds statuses by which the command says that it has not stored the secret and will not, such as
    /// that of a refused permission. After any other failure the new token has to stay alive, and a
    /// few of those in a row need a person.
    ///
    /// ```
    /// use access_tokens::rotation::sink::CommandSink;
    ///
    /// let store = CommandSink::new("store-secret").not_stored_on([77]);
    /// # drop(store);
    /// ```
    #[must_use]
    pub fn not_stored_on(mut self, statuses: impl IntoIterator<Item = i32>) -> Self {
        self.not_stored_on
            .extend(statuses.into_iter().filter(|status| *status != 0));
        self
    }

    /// Names the place that the command writes to, for plans, records and errors. Without a name
    /// it is told by the program and, where there are arguments, a hash of them.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Sink for CommandSink {
    fn id(&self) -> String {
        let mut id = match &self.name {
            Some(name) => format!("command {name}"),
            None => format!("command {}", self.program.display()),
        };
        if self.name.is_none() && !(self.args.is_empty() && self.directory.is_none()) {
            let mut hash = Hash::new();
            let directory = self.directory.as_ref().map(|path| path.as_os_str());
            for part in self.args.iter().map(OsString::as_os_str).chain(directory) {
                hash.update(part.as_encoded_bytes());
                hash.update([0]);
            }
            id.push('#');
            for byte in hash.finalize().iter().take(4) {
                let _ = write!(id, "{byte:02x}");
            }
        }
        escape_untrusted(&id, id.len().saturating_mul(8))
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Blind
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        let (program, directory) = (self.program.clone(), self.directory.clone());
        Box::pin(blocking(move || {
            program::check(&program, directory.as_deref())
        }))
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(self.run(delivery.secret()))
    }
}

impl fmt::Debug for CommandSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSink")
            .field("program", &self.program)
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
