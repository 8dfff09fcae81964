//! The managed tokens of a configuration, and the keeper of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use access_tokens::rotation::state::StateStore;
use access_tokens::rotation::{ErrorKind, JsonLines, Keeper, ManagedToken, Status};
use access_tokens::{Secret, TokenKey, TokenService};

use crate::client;
use crate::commands::Run;
use crate::config::{self, Config, First, SinkSpec, Token};
use crate::error::Stop;
use crate::hooks;
use crate::sinks;
use crate::store;

/// What an act may take by default.
const ACT: Duration = Duration::from_secs(5 * 60);

/// The state of a configuration.
pub(crate) struct State {
    pub(crate) keeper: Keeper,
    pub(crate) store: Arc<dyn StateStore>,
}

/// Opens the state of a configuration.
pub(crate) async fn open(run: &Run<'_>) -> Result<State, Stop> {
    let store = store::open(run.context, &run.config.store).await?;
    let mut builder = Keeper::builder(Arc::clone(&store)).clock(Arc::clone(&run.context.clock));
    // Each command has a limit of its own; that of the keeper must not be the shorter one.
    if let Some(longest) = run.config.longest_command().filter(|time| *time > ACT) {
        builder = builder.act_timeout(longest.saturating_add(ACT));
    }
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
    hint: String::new(),
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
pub(crate) async fn declare(
    run: &Run<'_>,
    name: &str,
    token: &Token,
    client: &Client,
) -> Result<ManagedToken, Stop> {
    let account = client::account(run.config, &token.account)?;
    let mut builder = ManagedToken::builder(name)
        .shared_service(Arc::clone(&client.service))
        .account(&token.account)
        .policy(token.policy())
        .overlap(token.overlap)
        .suspended(token.suspend)
        .reclaim(token.reclaim)
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
        builder = builder.deliver_to_shared(sinks::open(run.context, spec).await?);
    }
    for hook in &token.after {
        builder = builder.after(hooks::step(run.context, run.config, hook));
    }
    builder
        .build()
        .map_err(|error| Stop::config(format!("tokens.{name}: {}", error.message())))
}

/// Whether a token is delivered to where its own account reads its credential.
pub(crate) fn feeds_its_account(config: &Config, token: &Token) -> bool {
    let account = config.accounts.get(&token.account);
    let Some(file) = account.and_then(|account| account.credential.file()) else {
        return false;
    };
    let file = config::real(file);
    let mut places = token.deliver.iter().filter_map(SinkSpec::path);
    places.any(|path| config::real(path) == file)
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
    let spread = token.spread.unwrap_or_default();
    status.next_due(&token.policy(), spread)
}

impl From<access_tokens::rotation::Error> for Stop {
    fn from(error: access_tokens::rotation::Error) -> Self {
        let code = exit_code(&error);
        let mut stop = Self::failed(error.kind().as_str(), error.message()).hint(hint(&error));
        stop.code = code;
        stop
    }
}

/// What to do about a failure, in words of this program.
pub(crate) fn hint(error: &access_tokens::rotation::Error) -> String {
    let of_service = error.service_error().and_then(access_tokens::Error::hint);
    match of_service {
        Some(hint) => hint.to_string(),
        None => hint_of(error.kind(), error.token()),
    }
}

/// The same, where no more than its kind is known.
pub(crate) fn hint_of(kind: ErrorKind, token: &str) -> String {
    let name = shell_words::quote(token);
    let text = match kind {
        ErrorKind::Declaration => {
            "change the entry or its name, or `tokens forget NAME` to begin anew"
        }
        ErrorKind::Drift => {
            "`tokens rotate NAME` overwrites what is there; or put the token's secret back"
        }
        ErrorKind::Gone => "`tokens rotate NAME` makes another one; or `tokens forget NAME`",
        ErrorKind::ManagedElsewhere => {
            "forget it where it is managed; if that state is lost, adopt one with `reclaim = true`, and revoke the others"
        }
        ErrorKind::OwnCredential => {
            "deliver it to the file that the account's credential is read from"
        }
        ErrorKind::NotAsRequested => {
            "ask for what the service grants: change the entry, or the account's credential"
        }
        ErrorKind::Stuck => "see to the place, then `tokens rotate NAME`",
        ErrorKind::RollbackImpossible => "`tokens rotate NAME` instead",
        other => other.hint(),
    };
    text.replace("NAME", &name)
}

/// The exit code of a failure.
pub(crate) fn exit_code(error: &access_tokens::rotation::Error) -> u8 {
    match error.kind() {
        ErrorKind::Declaration => crate::error::USAGE,
        _ if error.needs_person() => crate::error::PERSON,
        _ => crate::error::FAILED,
    }
}
