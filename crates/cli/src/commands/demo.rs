//! `tokens demo`

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer, VirtualClock};
use access_tokens_testing::{avisi_cloud, launchdarkly, query_server};

use serde_json::Value;

use crate::context::Context;
use crate::error::{OK, Stop};
use crate::output::Style;

const DAY: Duration = Duration::from_secs(86_400);

/// Shows each command at work on local twins, in a scratch folder that is gone afterwards.
pub(crate) async fn run(context: &Context, style: Style) -> Result<u8, Stop> {
    let folder = Scratch::new()?;
    let clock = VirtualClock::new();
    let ld = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let query = QueryServer::builder().clock(clock.clone()).start().await?;
    let avisi = AvisiCloud::builder()
        .clock(clock.clone())
        .lists_credential(false)
        .start()
        .await?;
    let export = ld.seed(launchdarkly::Seed::new("nightly export"));
    query.seed(query_server::Seed::new("edge").write(false));
    avisi.seed(avisi_cloud::Seed::new("ci runner"));
    std::fs::write(folder.0.join("export.token"), export.secret.expose_secret())?;
    let config = CONFIG
        .replace("{ld}", &ld.base_url())
        .replace("{query}", &query.base_url())
        .replace("{avisi}", &avisi.base_url())
        .replace("{key}", &export.id);
    write_private(&folder.0.join("tokens.toml"), &config)?;
    let show = Show {
        context,
        style,
        folder: &folder.0,
        clock: &clock,
        variables: [
            (
                "LD_ACCESS_TOKEN",
                ld.credential().expose_secret().to_owned(),
            ),
            (
                "QUERY_DEPLOY_TOKEN",
                query.credential().expose_secret().to_owned(),
            ),
            (
                "ACLOUD_PERSONAL_ACCESS_TOKEN",
                avisi.credential().expose_secret().to_owned(),
            ),
        ],
    };
    show.note("Three services on this machine, an hour old, and one file:")?;
    show.text(&config)?;
    show.command("list").await?;
    let key = format!("show {} --account prod", export.id);
    show.command(&key).await?;
    show.command("whoami").await?;
    show.note("What would be done, without doing it:")?;
    show.command("plan nightly-export").await?;
    show.note("The first tick takes on what is there and makes what is missing:")?;
    show.command("tick").await?;
    show.command("status").await?;
    show.later(
        31,
        "A month later a token is due. Cron runs the same line as ever:",
    )?;
    show.command("tick").await?;
    show.note("The old token works on for its overlap, a day; then it goes:")?;
    show.later(2, "")?;
    show.command("tick").await?;
    show.note("A secret may have leaked. The old token goes as soon as the new one is in place:")?;
    show.command("rotate edge --reason suspected --yes").await?;
    show.note("A bad release is rolled back, and so is its token:")?;
    show.command("rotate nightly-export --yes").await?;
    show.command("rollback nightly-export --yes").await?;
    show.note("One token more, by hand, straight into a file:")?;
    show.command("create --account cloud --name laptop --to file:laptop.token")
        .await?;
    show.note("An entry that is not wanted any more, and the token that it managed:")?;
    show.command("forget edge --yes").await?;
    let left = query
        .tokens()
        .into_iter()
        .find(|token| token.name.starts_with("edge-"));
    if let Some(left) = left {
        let line = format!("revoke {} --account edge --yes", left.name);
        show.command(&line).await?;
    }
    show.note("What an auditor asks for, and what is kept for them:")?;
    show.command("audit --fail-on high").await?;
    show.text(&events(&folder.0)?)?;
    show.note("No secret was printed. The twins and the scratch folder are gone now.")?;
    Ok(OK)
}

const CONFIG: &str = r#"[state]
store = "file:state"
events = "file:events.jsonl"

[defaults]
overlap = "1d"

[accounts.prod]
service = "launchdarkly"
credential = "env:LD_ACCESS_TOKEN"
url = "{ld}"

[accounts.edge]
service = "query-server"
credential = "env:QUERY_DEPLOY_TOKEN"
url = "{query}"

[accounts.cloud]
service = "avisi-cloud"
credential = "env:ACLOUD_PERSONAL_ACCESS_TOKEN"
url = "{avisi}"

[tokens.nightly-export]
account = "prod"
adopt = "key:{key}"
max_age = "30d"
deliver = ["file:export.token"]

[tokens.edge]
account = "edge"
create = { read_only = true }
max_age = "90d"
deliver = ["dotenv:.env#EDGE_TOKEN"]

[tokens.ci]
account = "cloud"
create = { name = "ci" }
max_age = "90d"
deliver = ["dotenv:.env#CI_TOKEN"]
"#;

struct Show<'a> {
    context: &'a Context,
    style: Style,
    folder: &'a Path,
    clock: &'a VirtualClock,
    variables: [(&'static str, String); 3],
}

impl Show<'_> {
    fn note(&self, text: &str) -> Result<(), Stop> {
        self.context.say("")?;
        self.context.say(self.style.fit(&self.style.head(text), 0))
    }

    fn text(&self, text: &str) -> Result<(), Stop> {
        for line in text.trim_end().lines() {
            let line = format!("    {line}");
            self.context.say(self.style.fit(line.trim_end(), 6))?;
        }
        Ok(())
    }

    fn later(&self, days: u32, text: &str) -> Result<(), Stop> {
        self.clock.advance(DAY * days);
        if text.is_empty() {
            Ok(())
        } else {
            self.note(text)
        }
    }

    /// Runs a command line as the program would.
    async fn command(&self, line: &str) -> Result<(), Stop> {
        self.context.say("")?;
        self.context
            .say(format_args!("{} tokens {line}", self.style.good("$")))?;
        let out = Captured::default();
        let clock = Arc::new(self.clock.clone());
        let mut inner = Context::new(
            self.folder.to_owned(),
            clock,
            Box::new(out.clone()),
            Box::new(out.clone()),
        );
        for (name, value) in &self.variables {
            inner = inner.with_variable(name, value);
        }
        inner.terminal.width = u16::try_from(self.style.width()).ok();
        let color = if self.style.colored() {
            "always"
        } else {
            "never"
        };
        let words = ["tokens", "--color", color]
            .into_iter()
            .chain(line.split(' '));
        let words: Vec<OsString> = words.map(OsString::from).collect();
        let code = Box::pin(crate::run(words, &inner)).await;
        for line in out.take().lines() {
            self.context.say(line)?;
        }
        if code != OK {
            self.context.say(format_args!("(exit code {code})"))?;
        }
        Ok(())
    }
}

/// The last events: when, which token, what, and why.
fn events(folder: &Path) -> Result<String, Stop> {
    let text = std::fs::read_to_string(folder.join("events.jsonl"))?;
    let shown = |line: &str| {
        let event: Value = serde_json::from_str(line).ok()?;
        let parts =
            ["at", "token", "action", "reason"].map(|part| event.get(part).and_then(Value::as_str));
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join("  "))
    };
    let lines: Vec<_> = text.lines().filter_map(shown).collect();
    let last = lines.get(lines.len().saturating_sub(4)..);
    Ok(last.unwrap_or_default().join("\n"))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// A folder that is removed with everything in it.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let name = format!("tokens-demo-{}-{:x}", std::process::id(), random());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }
}

/// Enough to tell one demo from the next.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command printed.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn take(&self) -> String {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *bytes)).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
