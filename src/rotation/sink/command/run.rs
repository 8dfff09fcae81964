//! One run of a command.

use std::io::{self, PipeReader, Read as _, Write as _, pipe};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::join;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, spawn_blocking};
use zeroize::Zeroizing;

use super::CommandSink;
use crate::reactor;
use crate::rotation::sink::{SinkError, Written, redact};
use crate::secret::Secret;

/// How much of each output is kept; the rest is read and dropped.
const KEPT: usize = 16 * 1024;

/// How long the outputs are waited for when all that could write there should be gone.
const PIPE_WAIT: Duration = Duration::from_millis(500);

impl CommandSink {
    pub(super) async fn run(&self, secret: &Secret) -> Result<Written, SinkError> {
        // Real time, whatever a test has made of Tokio's clock, and no matter whose runtime it is.
        reactor::connected(self.run_there(secret)).await
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
        if status.is_some_and(|status| status.success()) {
            group.leave();
            outputs.abort();
            return if input.was_read().await {
                Ok(Written::unversioned())
            } else {
                let text = "ended as if it had stored the secret, but has not read all of it";
                Err(SinkError::unknown(text))
            };
        }
        // What it has started must not go on with the secret, nor hold the outputs open.
        group.end();
        if status.is_none() {
            let _ = child.start_kill();
            let _ = child.wait().await;
        }
        drop(input);
        let said = self.said(outputs, secret).await;
        Err(match status {
            Some(status) => failed(status, &said),
            None => SinkError::unknown(format!(
                "did not end within {:?} and was killed{said}",
                self.timeout
            )),
        })
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
        // A command that does not read must not hold anybody up.
        spawn_blocking(move || {
            let mut writer = writer;
            let _ = writer.write_all(&bytes);
        });
        Ok((child, Input(reader)))
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

fn failed(status: ExitStatus, said: &str) -> SinkError {
    if status.code().is_some() {
        SinkError::not_stored(format!("failed with {status}{said}"))
    } else {
        SinkError::unknown(format!("was ended by {status}{said}"))
    }
}

/// The other end of the command's standard input, kept to see what is left in it.
struct Input(PipeReader);

impl Input {
    /// Whether the command, which has ended, has taken everything out.
    async fn was_read(self) -> bool {
        let Self(mut reader) = self;
        // The writer ends when there is room for the rest.
        let left = spawn_blocking(move || {
            let mut left = Zeroizing::new([0; 1024]);
            let mut empty = true;
            loop {
                match reader.read(&mut *left) {
                    Ok(0) => return empty,
                    Ok(_) => empty = false,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return false,
                }
            }
        });
        left.await.unwrap_or(false)
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
