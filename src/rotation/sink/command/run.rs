//! One run of a command.

use std::io::{self, PipeReader, Read as _, Write as _, pipe};
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, spawn_blocking};
use zeroize::Zeroizing;

use super::CommandSink;
use crate::reactor;
use crate::rotation::sink::{SinkError, SinkErrorKind, Written, redact};
use crate::secret::Secret;

/// How much of each output is kept; the rest is read and dropped.
const KEPT: usize = 16 * 1024;

/// How long the outputs are waited for when all that could write there should be gone.
const PIPE_WAIT: Duration = Duration::from_millis(500);

impl CommandSink {
    pub(super) async fn run(&self, secret: &Secret) -> Result<Written, SinkError> {
        // Real time, whatever a test has made of Tokio's clock, and no matter whose runtime it is.
        reactor::work(self.run_there(secret)).await
    }

    async fn run_there(&self, secret: &Secret) -> Result<Written, SinkError> {
        let (mut child, input) = self
            .start(secret)
            .map_err(|error| SinkError::not_stored(format!("cannot be started: {error}")))?;
        let mut group = Group::of(&child);
        let outputs = (child.stdout.take(), child.stderr.take());
        let outputs = tokio::spawn(async {
            let (mut out, error) = join(read(outputs.0), read(outputs.1)).await;
            out.extend_from_slice(&error);
            out
        });
        let status = match reactor::timeout(self.timeout, child.wait()).await {
            Ok(status) => status.ok(),
            Err(_) => None,
        };
        let succeeded = status.is_some_and(|status| status.success());
        if !succeeded {
            // What it has started must not go on with the secret, nor hold the outputs open.
            group.end();
        }
        if status.is_none() {
            let _ = child.start_kill();
            let _ = child.wait().await;
        }
        let taken = input.taken().await;
        if succeeded && taken == Taken::All {
            group.leave();
            outputs.abort();
            return Ok(Written::unversioned());
        }
        group.end();
        let what = match status {
            Some(_) if succeeded => "ended as if it had stored the secret".to_owned(),
            Some(status) if status.code().is_some() => format!("failed with {status}"),
            Some(status) => format!("was ended by {status}"),
            None => format!("did not end within {:?} and was killed", self.timeout),
        };
        let read = match taken {
            Taken::Nothing => ", but has not read any of it",
            Taken::Part => ", but has not read all of it",
            Taken::All => "",
        };
        let said = self.said(outputs, secret).await;
        let code = status.and_then(|status| status.code());
        let denied = code.is_some_and(|code| self.not_stored_on.contains(&code));
        // What nobody has read, and nobody can read any more, is nowhere.
        let kind = if denied || taken == Taken::Nothing {
            SinkErrorKind::NotStored
        } else {
            SinkErrorKind::Unknown
        };
        Err(SinkError::new(kind, format!("{what}{read}{said}")))
    }

    fn start(&self, secret: &Secret) -> io::Result<(Child, Input)> {
        let (reader, writer) = pipe()?;
        let output = || {
            if self.output {
                Stdio::piped()
            } else {
                Stdio::null()
            }
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(reader.try_clone()?)
            .stdout(output())
            .stderr(output())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let child = command.spawn()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(secret.expose_secret().len() + 1));
        bytes.extend_from_slice(secret.expose_secret().as_bytes());
        if self.newline {
            bytes.push(b'\n');
        }
        let length = bytes.len();
        // A command that does not read must not hold anybody up.
        spawn_blocking(move || {
            let mut writer = writer;
            let _ = writer.write_all(&bytes);
        });
        Ok((child, Input { reader, length }))
    }

    /// What it printed, or how to see that.
    async fn said(&self, mut outputs: JoinHandle<Vec<u8>>, secret: &Secret) -> String {
        if !self.output {
            return " (show_output() adds what it printed)".to_owned();
        }
        let Ok(Ok(output)) = reactor::timeout(PIPE_WAIT, &mut outputs).await else {
            outputs.abort();
            return String::new();
        };
        match redact(&String::from_utf8_lossy(&output), secret) {
            text if text.is_empty() => text,
            text => format!(": {text}"),
        }
    }
}

/// The other end of the command's standard input, kept to see what is left in it.
struct Input {
    reader: PipeReader,
    length: usize,
}

/// How much of the input was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    All,
    Part,
    Nothing,
}

impl Input {
    /// What the command, which has ended, has taken out; the rest is taken away from whatever it has
    /// left behind.
    async fn taken(self) -> Taken {
        let Self { mut reader, length } = self;
        // The writer ends when there is room for the rest.
        let left = spawn_blocking(move || {
            let mut buffer = Zeroizing::new([0; 1024]);
            let mut left = 0_usize;
            loop {
                match reader.read(&mut *buffer) {
                    Ok(0) => return Some(left),
                    Ok(more) => left = left.saturating_add(more),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return None,
                }
            }
        });
        match left.await {
            Ok(Some(0)) => Taken::All,
            Ok(Some(left)) if left >= length => Taken::Nothing,
            _ => Taken::Part,
        }
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        let room = KEPT.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
    kept
}

/// The command and all that it starts, which end together unless it succeeds.
struct Group(#[cfg(unix)] Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    fn leave(&mut self) {
        self.0 = None;
    }

    fn end(&mut self) {
        if let Some(group) = self.0.take() {
            let kill = rustix::process::Signal::KILL;
            let _ = rustix::process::kill_process_group(group, kill);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Self {
        Self()
    }

    fn leave(&mut self) {}

    fn end(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
