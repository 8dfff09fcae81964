//! What monitoring reads: a text file for the node exporter of Prometheus.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use access_tokens::rotation::{Keeper, Status};

use crate::commands::Run;
use crate::managed;

/// Writes the metrics that the configuration asks for.
pub(crate) async fn write(run: &Run<'_>, keeper: &Keeper) {
    let Some(path) = &run.config.metrics else {
        return;
    };
    let Ok(statuses) = keeper.statuses().await else {
        return;
    };
    let statuses: Vec<_> = statuses.into_iter().filter_map(Result::ok).collect();
    let text = text(run, &statuses);
    if let Err(error) = replace(path, &text) {
        run.context
            .tell(format_args!("{}: {error}", path.display()));
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Reads a figure of a token.
type Read = fn(&Run<'_>, &Status) -> Option<u64>;

fn text(run: &Run<'_>, statuses: &[Status]) -> String {
    let label = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        text.replace('\n', "\\n")
    };
    let mut out = String::new();
    let now = seconds(run.context.clock.now());
    out.push_str("# HELP tokens_last_tick_timestamp_seconds When the last tick ended.\n");
    out.push_str("# TYPE tokens_last_tick_timestamp_seconds gauge\n");
    let _ = writeln!(out, "tokens_last_tick_timestamp_seconds {now}");
    let metrics: [(&str, &str, Read); 5] = [
        (
            "tokens_token_created_timestamp_seconds",
            "When the current token was made.",
            |_, status| status.created.map(seconds),
        ),
        (
            "tokens_token_expires_timestamp_seconds",
            "When the current token ends.",
            |_, status| status.expires.map(seconds),
        ),
        (
            "tokens_token_next_due_timestamp_seconds",
            "When the policy asks for a rotation.",
            |run, status| {
                let token = run.config.tokens.get(&status.token)?;
                managed::next_due(token, status).map(seconds)
            },
        ),
        (
            "tokens_token_failing",
            "Whether rotating it fails.",
            |_, status| Some(u64::from(status.failing_since.is_some())),
        ),
        (
            "tokens_token_previous",
            "Previous tokens that still live.",
            |_, status| u64::try_from(status.previous.len()).ok(),
        ),
    ];
    for (name, help, read) in metrics {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for status in statuses {
            if let Some(value) = read(run, status) {
                let account = status.account.as_deref().unwrap_or_default();
                let (token, account) = (label(&status.token), label(account));
                let _ = writeln!(
                    out,
                    "{name}{{token=\"{token}\",account=\"{account}\"}} {value}"
                );
            }
        }
    }
    out
}

/// Replaces the file in one step: its reader may come at any moment.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = (|| {
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&draft, path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}
