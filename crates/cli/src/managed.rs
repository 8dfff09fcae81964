//! The managed tokens of a configuration, and the keeper of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use access_tokens::rotation::state::StateStore;
use access_tokens::rotation::{AfterStep, JsonLines, Keeper, ManagedToken, Status};
use access_tokens::{RotationPolicy, Secret, TokenKey, TokenService};

use crate::client;
use crate::commands::Run;
use crate::config::{Config, First, Hook, SinkSpec, Token};
use crate::context::Context;
use crate::error::Stop;
use crate::sinks;
use crate::store;

/// The state of a configuration.
pub(crate) struct State {
    pub(crate) keeper: Keeper,
    pub(crate) store: Arc<dyn StateStore>,
}

/// Opens the state of a configuration.
pub(crate) async fn open(run: &Run<'_>) -> Result<State, Stop> {
    let store = store::open(run.context, &run.config.store).await?;
    let mut builder = Keeper::builder(Arc::clone(&store)).clock(Arc::clone(&run.context.clock));
    if let Some(path) = &run.config.events {
        builder = builder.events(JsonLines::new(path));
    }
    let keeper = builder.build();
    Ok(State { keeper, store })
}

/// The keeper of a configuration's state.
pub(crate) async fn keeper(run: &Run<'_>) -> Result<Keeper, Stop> {
    Ok(open(run).await?.keeper)
}

/// A client for each account that is asked for; why there is none in the place of one.
pub(crate) struct Clients(BTreeMap<String, Result<Client, Stop>>);

/// A client, and the credential that it was given.
#[derive(Clone)]
pub(crate) struct Client {
    service: Arc<dyn TokenService>,
    secret: Secret,
}

impl Clients {
    /// Reads the credential of each account once.
    pub(crate) async fn connect<'a>(
        run: &Run<'_>,
        accounts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut clients = BTreeMap::new();
        for name in accounts {
            if clients.contains_key(name) {
                continue;
            }
            let client = Self::one(run, name).await;
            clients.insert(name.to_owned(), client);
        }
        Self(clients)
    }

    async fn one(run: &Run<'_>, name: &str) -> Result<Client, Stop> {
        let account = client::account(run.config, name)?;
        let secret = account.credential.read(run.context).await?;
        let service = client::with_secret(run.context, name, account, secret.clone())?;
        Ok(Client { service, secret })
    }

    pub(crate) fn get(&self, account: &str) -> Result<&Client, &Stop> {
        match self.0.get(account) {
            Some(Ok(client)) => Ok(client),
            Some(Err(stop)) => Err(stop),
            None => Err(&NOT_ASKED),
        }
    }
}

static NOT_ASKED: Stop = Stop {
    code: crate::error::FAILED,
    kind: "account",
    message: String::new(),
    hint: None,
};

/// The tokens that are asked for by name, or all of them.
pub(crate) fn selected<'a>(
    config: &'a Config,
    names: &[String],
) -> Result<BTreeMap<&'a str, &'a Token>, Stop> {
    for name in names {
        if !config.tokens.contains_key(name) {
            return Err(unknown(config, name));
        }
    }
    let all = config
        .tokens
        .iter()
        .map(|(name, token)| (name.as_str(), token));
    Ok(all
        .filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name))
        .collect())
}

/// There is no such token in the configuration.
pub(crate) fn unknown(config: &Config, name: &str) -> Stop {
    let nearest = config
        .tokens
        .keys()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3));
    let stop = Stop::usage(format!("there is no token `{}`", name.escape_debug()));
    match nearest {
        Some((_, known)) => stop.hint(format!("Did you mean `{known}`?")),
        None => stop.hint(format!("{} says which there are.", config.path.display())),
    }
}

/// A managed token as the library knows it.
pub(crate) fn declare(
    run: &Run<'_>,
    name: &str,
    token: &Token,
    client: &Client,
) -> Result<ManagedToken, Stop> {
    let account = client::account(run.config, &token.account)?;
    let mut policy = RotationPolicy::new();
    if let Some(age) = token.max_age {
        policy = policy.max_age(age);
    }
    if let Some(window) = token.renew_before {
        policy = policy.expires_within(window);
    }
    let mut builder = ManagedToken::builder(name)
        .shared_service(Arc::clone(&client.service))
        .account(&token.account)
        .policy(policy)
        .overlap(token.overlap)
        .suspended(token.suspend)
        .allow_own_credential(
            token.allow_own_credential
                || feeds_its_account(run.config, token)
                || is_elsewhere(token, &client.secret),
        );
    builder = match &token.first {
        First::AdoptKey(key) => builder.adopt(TokenKey::new(key)),
        First::AdoptName(name) => builder.adopt_named(name),
        First::Create(create) => {
            let template = client::template(account.service, name, create)
                .map_err(|what| Stop::config(format!("tokens.{name}.create: {what}")))?;
            builder.create(template)
        }
    };
    if let Some(spread) = token.spread {
        builder = builder.spread(spread);
    }
    if let Some(lifetime) = token.lifetime {
        builder = builder.lifetime(lifetime);
    }
    for spec in &token.deliver {
        builder = builder.deliver_to_shared(sinks::open(run.context, spec)?);
    }
    for hook in &token.after {
        builder = builder.after(step(run.context, run.config, hook));
    }
    builder.build().map_err(|error| {
        Stop::config(format!("tokens.{name}: {}", error.message())).hint(error.hint())
    })
}

/// Whether a token is delivered to where its own account reads its credential.
pub(crate) fn feeds_its_account(config: &Config, token: &Token) -> bool {
    let account = config.accounts.get(&token.account);
    let Some(file) = account.and_then(|account| account.credential.file()) else {
        return false;
    };
    token.deliver.iter().any(|sink| sink.path() == Some(file))
}

/// Whether it is certain that the account does not use a token, where the service cannot tell: the
/// token was made for this entry, and what its places hold is not the account's credential.
fn is_elsewhere(token: &Token, credential: &Secret) -> bool {
    let holds = |path: &PathBuf| match std::fs::read_to_string(path) {
        Ok(text) => text.contains(credential.expose_secret()),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    let apart = |sink: &SinkSpec| sink.path().is_some_and(|path| !holds(path));
    matches!(token.first, First::Create(_)) && token.deliver.iter().all(apart)
}

/// A step after a delivery: no credential in its environment, and its whole process group ends with
/// its time.
fn step(context: &Context, config: &Config, hook: &Hook) -> AfterStep {
    let mut hidden: Vec<String> = config
        .accounts
        .values()
        .filter_map(|account| account.credential.variable().map(str::to_owned))
        .collect();
    hidden.extend(CREDENTIALS.map(str::to_owned));
    let variables: Vec<_> = context
        .variables
        .iter()
        .filter(|(name, _)| !hidden.iter().any(|hidden| *name == hidden.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let (hook, folder) = (hook.clone(), context.directory.clone());
    AfterStep::from_fn(hook.words.join(" "), move |names| {
        let (hook, folder, variables) = (hook.clone(), folder.clone(), variables.clone());
        async move { run_step(&hook, folder, variables, &names).await }
    })
}

/// Variables that hold a credential of a service or store.
const CREDENTIALS: [&str; 10] = [
    "LD_ACCESS_TOKEN",
    "LAUNCHDARKLY_ACCESS_TOKEN",
    "QUERY_DEPLOY_TOKEN",
    "QUERY_PRIVATE_TOKEN",
    "ACLOUD_PERSONAL_ACCESS_TOKEN",
    "ACLOUD_PAT",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
];

async fn run_step(
    hook: &Hook,
    folder: PathBuf,
    variables: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    names: &[String],
) -> Result<(), String> {
    let [program, arguments @ ..] = hook.words.as_slice() else {
        return Err("it names no command".to_owned());
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .env("TOKENS_NAMES", names.join(" "))
        .stdin(Stdio::null())
        // What it says is for whoever runs this program, but results are the program's own.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let group = child.id();
    let ended = tokio::time::timeout(hook.timeout, child.wait()).await;
    end_group(group);
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program} ended with {status}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_) => Err(format!(
            "{program} did not end within {} s",
            hook.timeout.as_secs()
        )),
    }
}

#[cfg(unix)]
fn end_group(group: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = group
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // Nobody left to end is the usual case.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: Option<u32>) {}

/// What the state knows of a token, as far as `audit` wants to know.
#[derive(Debug)]
pub(crate) struct Managed {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) keys: Vec<String>,
    pub(crate) current: Option<String>,
    pub(crate) overdue: bool,
}

/// The tokens of the state. A state that cannot be read is a failure of its own.
pub(crate) async fn known(run: &Run<'_>) -> Result<Vec<Managed>, Stop> {
    let statuses = keeper(run).await?.statuses().await.map_err(Stop::from)?;
    let now = run.context.clock.now();
    let of = |status: Status| {
        let token = run.config.tokens.get(&status.token);
        let due = token.and_then(|token| next_due(token, &status));
        let late = due
            .and_then(|due| due.checked_add(DAY))
            .is_some_and(|due| due < now);
        let previous = status.previous.iter().map(|(key, _)| key);
        let keys = status
            .current
            .iter()
            .chain(previous)
            .map(ToString::to_string);
        Managed {
            keys: keys.collect(),
            name: status.token,
            account: status.account.unwrap_or_default(),
            current: status.current.map(|key| key.to_string()),
            overdue: late,
        }
    };
    Ok(statuses
        .into_iter()
        .filter_map(Result::ok)
        .map(of)
        .collect())
}

/// A day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// When the policy asks for a rotation, reckoned from the state alone.
pub(crate) fn next_due(token: &Token, status: &Status) -> Option<SystemTime> {
    let by_age = token
        .max_age
        .and_then(|age| status.created.and_then(|made| made.checked_add(age)));
    let by_end = token.renew_before.and_then(|window| {
        let (made, end) = (status.created?, status.expires?);
        let life = end.duration_since(made).unwrap_or_default();
        // As the keeper does where a service grants shorter lives.
        let most = if life <= 10 * DAY { life / 2 } else { life / 3 };
        end.checked_sub(window.min(most))
    });
    [by_age, by_end].into_iter().flatten().min()
}

impl From<access_tokens::rotation::Error> for Stop {
    fn from(error: access_tokens::rotation::Error) -> Self {
        let code = exit_code(&error);
        let mut stop = Self::failed(error.kind().as_str(), error.message()).hint(error.hint());
        stop.code = code;
        stop
    }
}

/// The exit code of a failure.
pub(crate) fn exit_code(error: &access_tokens::rotation::Error) -> u8 {
    use access_tokens::rotation::ErrorKind;
    match error.kind() {
        ErrorKind::Declaration => crate::error::USAGE,
        _ if error.needs_person() => crate::error::PERSON,
        _ => crate::error::FAILED,
    }
}
