//! Where a secret is delivered to, as it is written in the configuration and after `--to`.

use std::path::PathBuf;
use std::time::Duration;

use access_tokens::rotation::sink::DotenvReaders;

use super::file;
use crate::context::Context;
use crate::duration;

/// A place for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinkSpec {
    File {
        path: PathBuf,
        form: FileForm,
    },
    Dotenv {
        path: PathBuf,
        key: String,
        readers: DotenvReaders,
        form: FileForm,
    },
    Vault {
        mount: String,
        path: String,
        key: String,
    },
    Aws {
        name: String,
        key: Option<String>,
    },
    Command {
        words: Vec<String>,
        timeout: Option<Duration>,
        not_stored_on: Vec<i32>,
    },
}

/// How a file is written; what is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileForm {
    pub(crate) mode: Option<u32>,
    pub(crate) group: Option<String>,
    pub(crate) in_place: bool,
}

const FORMS: &str =
    "must be file:PATH, dotenv:PATH#KEY, vault:MOUNT/PATH#KEY, aws:NAME or command:LINE";

impl SinkSpec {
    /// Reads the short form.
    pub(crate) fn parse(context: &Context, text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').ok_or(FORMS)?;
        if rest.is_empty() {
            return Err(FORMS.to_owned());
        }
        match kind {
            "file" => Ok(Self::File {
                path: context.directory.join(rest),
                form: FileForm::default(),
            }),
            "dotenv" => {
                let (path, key) = keyed(rest).ok_or("must be dotenv:PATH#KEY")?;
                Ok(Self::Dotenv {
                    path: context.directory.join(path),
                    key,
                    readers: DotenvReaders::default(),
                    form: FileForm::default(),
                })
            }
            "vault" => {
                let wrong = "must be vault:MOUNT/PATH#KEY";
                let (place, key) = keyed(rest).ok_or(wrong)?;
                let (mount, path) = place.split_once('/').ok_or(wrong)?;
                if mount.is_empty() || path.trim_matches('/').is_empty() {
                    return Err(wrong.to_owned());
                }
                let (mount, path) = (mount.to_owned(), path.to_owned());
                Ok(Self::Vault { mount, path, key })
            }
            "aws" => Ok(match keyed(rest) {
                Some((name, key)) => Self::Aws {
                    name: name.to_owned(),
                    key: Some(key),
                },
                None => Self::Aws {
                    name: rest.to_owned(),
                    key: None,
                },
            }),
            "command" => Ok(Self::Command {
                words: words(rest)?,
                timeout: None,
                not_stored_on: Vec::new(),
            }),
            // Not even the first word is shown: it may be part of a secret.
            _ => Err(FORMS.to_owned()),
        }
    }

    /// The file that it writes.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::File { path, .. } | Self::Dotenv { path, .. } => Some(path),
            Self::Vault { .. } | Self::Aws { .. } | Self::Command { .. } => None,
        }
    }

    /// How long it may take, where that is written down.
    pub(super) fn limit(&self) -> Option<Duration> {
        match self {
            Self::Command { timeout, .. } => *timeout,
            _ => None,
        }
    }

    /// Reads the form of a table.
    pub(super) fn table(context: &Context, table: &file::Sink) -> Result<Self, String> {
        let mut sink = Self::parse(context, &table.to)?;
        let only = |key: &str, what: &str| Err(format!("`{key}` is for {what} only"));
        match &mut sink {
            Self::File { form, .. } | Self::Dotenv { form, .. } => *form = FileForm::read(table)?,
            _ if table.mode.is_some() => return only("mode", "file: and dotenv:"),
            _ if table.group.is_some() => return only("group", "file: and dotenv:"),
            _ if table.write.is_some() => return only("write", "file: and dotenv:"),
            _ => {}
        }
        match (&mut sink, &table.readers) {
            (_, None) => {}
            (Self::Dotenv { readers, .. }, Some(text)) => *readers = dotenv_readers(text)?,
            _ => return only("readers", "dotenv:"),
        }
        match &mut sink {
            Self::Command {
                timeout,
                not_stored_on,
                ..
            } => {
                *timeout = table.timeout.as_deref().map(duration::parse).transpose()?;
                *not_stored_on = statuses(table.not_stored_on.as_deref().unwrap_or_default())?;
            }
            _ if table.timeout.is_some() => return only("timeout", "command:"),
            _ if table.not_stored_on.is_some() => return only("not_stored_on", "command:"),
            _ => {}
        }
        Ok(sink)
    }
}

impl FileForm {
    fn read(table: &file::Sink) -> Result<Self, String> {
        Ok(Self {
            mode: table.mode.as_deref().map(octal).transpose()?,
            group: table.group.clone(),
            in_place: match table.write.as_deref() {
                None | Some("replace") => false,
                Some("in-place") => true,
                Some(_) => return Err("`write` must be \"replace\" or \"in-place\"".to_owned()),
            },
        })
    }
}

fn dotenv_readers(text: &str) -> Result<DotenvReaders, String> {
    match text {
        "all" => Ok(DotenvReaders::All),
        "libraries" => Ok(DotenvReaders::Libraries),
        "docker" => Ok(DotenvReaders::Docker),
        _ => Err("`readers` must be \"all\", \"libraries\" or \"docker\"".to_owned()),
    }
}

/// Statuses of a command that failed.
fn statuses(given: &[i32]) -> Result<Vec<i32>, String> {
    let failed = |status: &i32| (1..=255).contains(status);
    if !given.iter().all(failed) {
        return Err("`not_stored_on` must be exit statuses from 1 to 255, such as [77]".to_owned());
    }
    Ok(given.to_vec())
}

fn keyed(text: &str) -> Option<(&str, String)> {
    let (place, key) = text.rsplit_once('#')?;
    (!place.is_empty() && !key.is_empty()).then(|| (place, key.to_owned()))
}

fn octal(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    u32::from_str_radix(digits, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "`mode` must be octal, such as \"0640\"".to_owned())
}

/// Splits a line into words as a shell would, without running one.
pub(crate) fn words(line: &str) -> Result<Vec<String>, String> {
    let words =
        shell_words::split(line).map_err(|_| "has a quote that is not closed".to_owned())?;
    if words.first().is_none_or(String::is_empty) {
        return Err("names no command".to_owned());
    }
    Ok(words)
}
