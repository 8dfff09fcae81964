//! The standard input of a command.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use futures_core::future::BoxFuture;

use super::{Delivery, Sink, SinkError, SinkKind, Written, redact};
use crate::secret::Secret;

/// Gives the secret to a command on its standard input, and only there: never as an argument or in
/// the environment, where others can see it.
///
/// The command must end within [`timeout`](Self::timeout) (30 s by default, of real time), else it
/// is killed. Ending with status 0 means that it stored the secret, another status that it did
/// **not**; if it is killed, it may have. Its output is read, bounded, and shown in the error
/// without the secret.
///
/// What it did cannot be taken back, so a rotation that fails after it leaves both tokens alive and
/// can be resumed.
///
/// ```
/// use access_tokens::rotation::sink::CommandSink;
///
/// let vault = CommandSink::new("vault").args(["kv", "put", "secret/ci", "token=-"]);
/// ```
#[derive(Clone)]
pub struct CommandSink {
    program: OsString,
    args: Vec<OsString>,
    directory: Option<PathBuf>,
    timeout: Duration,
    newline: bool,
}

/// How much of each output is kept; the rest is read and dropped.
const KEPT: usize = 16 * 1024;

/// How long the pipes are waited for after the end of the command.
const PIPE_WAIT: Duration = Duration::from_millis(500);

impl CommandSink {
    /// Runs this program, without a shell.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            directory: None,
            timeout: Duration::from_secs(30),
            newline: false,
        }
    }

    /// Arguments; plans and errors do not show them.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The directory to run in.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// How long it may take.
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

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Runs the command to its end; blocks.
    fn run(&self, secret: &Secret, given_up: &AtomicBool) -> Result<(), SinkError> {
        let start = Instant::now();
        let mut child = self
            .command()
            .spawn()
            .map_err(|error| SinkError::not_stored(format!("cannot be started: {error}")))?;
        let input = child.stdin.take();
        let (outputs, read) = mpsc::channel();
        for pipe in [
            child
                .stdout
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            child
                .stderr
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ]
        .into_iter()
        .flatten()
        {
            let outputs = outputs.clone();
            thread::spawn(move || outputs.send(read_bounded(pipe)));
        }
        drop(outputs);
        // In a thread of its own: a command that does not read must not hold us up.
        let (secret_too, newline) = (secret.clone(), self.newline);
        let (wrote, written) = mpsc::channel();
        thread::spawn(move || {
            let Some(mut input) = input else { return };
            let line = if newline { "\n" } else { "" };
            let bytes = secret_too.expose_secret().as_bytes();
            let all = input
                .write_all(bytes)
                .and_then(|()| input.write_all(line.as_bytes()));
            let _ = wrote.send(all.is_ok());
        });
        let status = wait(&mut child, start, self.timeout, given_up);
        // A grandchild can hold the pipes open for ever.
        let mut output = String::new();
        while let Ok(text) = read.recv_timeout(PIPE_WAIT) {
            output.push_str(&text);
        }
        let output = redact(&output, secret);
        let said = if output.is_empty() {
            String::new()
        } else {
            format!(": {output}")
        };
        match status {
            Some(status) if status.success() => {
                if written.recv_timeout(PIPE_WAIT).unwrap_or(false) {
                    return Ok(());
                }
                let text = format!("succeeded without reading the whole secret{said}");
                Err(SinkError::unknown(text))
            }
            Some(status) if status.code().is_some() => {
                Err(SinkError::not_stored(format!("failed with {status}{said}")))
            }
            Some(status) => Err(SinkError::unknown(format!("was ended by {status}{said}"))),
            None => Err(SinkError::unknown(format!(
                "did not end within {:?} and was killed{said}",
                self.timeout
            ))),
        }
    }
}

/// Waits for the end, or kills.
fn wait(
    child: &mut Child,
    start: Instant,
    timeout: Duration,
    given_up: &AtomicBool,
) -> Option<ExitStatus> {
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if start.elapsed() < timeout && !given_up.load(Ordering::Relaxed) => {
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn read_bounded(mut pipe: Box<dyn Read + Send>) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0_u8; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut buffer) {
        let room = KEPT.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Tells the thread to kill the command if nobody waits for it any more.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Sink for CommandSink {
    fn id(&self) -> String {
        format!("command {}", self.program.display())
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Blind
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async { Ok(()) })
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            let given_up = GiveUp(Arc::new(AtomicBool::new(false)));
            let (done, result) = oneshot::channel();
            let (sink, secret, flag) = (
                self.clone(),
                delivery.secret().clone(),
                Arc::clone(&given_up.0),
            );
            thread::Builder::new()
                .name("command sink".to_owned())
                .spawn(move || done.send(sink.run(&secret, &flag)))
                .map_err(|error| SinkError::not_stored(format!("cannot be started: {error}")))?;
            let ended = Err(SinkError::unknown("its thread ended"));
            result
                .await
                .unwrap_or(ended)
                .map(|()| Written::unversioned())
        })
    }
}

impl fmt::Debug for CommandSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSink")
            .field("program", &self.program)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
