//! Where a credential is read from. Never the credential itself.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use access_tokens::Secret;

use crate::context::Context;
use crate::error::Stop;

/// A reference to a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CredentialRef {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
}

/// How long a command may take to print a credential.
const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST: usize = 64 << 10;

impl CredentialRef {
    pub(super) fn parse(context: &Context, text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() && !name.contains('=') => {
                Ok(Self::Env(name.to_owned()))
            }
            Some(("file", path)) if !path.is_empty() => {
                expand(context, path).map(Self::File)
            }
            Some(("command", line)) => super::sink::words(line).map(Self::Command),
            _ => Err(
                "must be env:NAME, file:PATH or command:LINE; a credential itself is never written \
                 here (if this was one, revoke it: it has been in a file)"
                    .to_owned(),
            ),
        }
    }

    /// The credential.
    pub(crate) async fn read(&self, context: &Context) -> Result<Secret, Stop> {
        let stop = |what: String| Stop::failed("credential", what);
        let text = match self {
            Self::Env(name) => context.var(name)?.ok_or_else(|| {
                stop(format!("the variable {name} is not set"))
                    .hint(format!("export {name}, or change the account's credential"))
            })?,
            Self::File(path) if path.starts_with(FOLDER) => {
                return Err(stop(format!("{self}: CREDENTIALS_DIRECTORY is not set"))
                    .hint("Run it as the service: systemd sets that with LoadCredential=."));
            }
            Self::File(path) => tokio::fs::read_to_string(path).await.map_err(|error| {
                stop(format!("{}: {error}", path.display()))
                    .hint("See that the account's credential can be read by this user.")
            })?,
            Self::Command(words) => run(words).await.map_err(|what| {
                stop(what).hint(
                    "Run the account's credential command by hand; it must print the credential.",
                )
            })?,
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return Err(stop(format!("{self} gives an empty credential"))
                .hint("Put the credential there, or change the account's credential."));
        }
        Ok(Secret::new(text))
    }

    /// The variable that it is read from.
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(name) => Some(name),
            Self::File(_) | Self::Command(_) => None,
        }
    }

    /// The file that it is read from.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Env(_) | Self::Command(_) => None,
        }
    }
}

impl std::fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            // Words of a command can be anything.
            Self::Command(words) => write!(f, "command:{} …", words.first().map_or("", |w| w)),
        }
    }
}

const FOLDER: &str = "$CREDENTIALS_DIRECTORY";

/// A path in which `$CREDENTIALS_DIRECTORY`, which systemd sets, is replaced. Where it is not set the
/// credential cannot be read, but what needs none goes on.
fn expand(context: &Context, path: &str) -> Result<PathBuf, String> {
    let rest = ["${CREDENTIALS_DIRECTORY}", FOLDER]
        .iter()
        .find_map(|name| path.strip_prefix(name))
        .filter(|rest| rest.starts_with('/'));
    let Some(rest) = rest else {
        return Ok(context.directory.join(path));
    };
    let folder = context
        .var("CREDENTIALS_DIRECTORY")
        .map_err(|stop| stop.message)?;
    let folder = folder.as_deref().unwrap_or(FOLDER);
    Ok(PathBuf::from(format!("{folder}{rest}")))
}

async fn run(words: &[String]) -> Result<String, String> {
    let [program, arguments @ ..] = words else {
        return Err("the command has no words".to_owned());
    };
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        // What it says may be the credential.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, child)
        .await
        .map_err(|_| {
            format!(
                "{program} gave no credential within {} s",
                PATIENCE.as_secs()
            )
        })?
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} ended with {}", output.status));
    }
    if output.stdout.len() > LONGEST {
        return Err(format!("{program} printed too much to be a credential"));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program} did not print text"))
}
