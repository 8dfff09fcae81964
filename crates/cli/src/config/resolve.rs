//! From what is written to what commands need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use url::Url;

use super::file::{Entry, File, OneOrTable, Run};
use super::{
    Account, Config, CredentialRef, First, Hook, ServiceName, SinkSpec, Store, Token, line_of,
};
use crate::context::Context;
use crate::duration;
use crate::error::Stop;

const OVERLAP: Duration = Duration::from_secs(86_400);
const HOOK_TIME: Duration = Duration::from_secs(60);

/// Says where something is wrong.
struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn stop<T>(&self, at: &Spanned<T>, key: &str, what: impl AsRef<str>) -> Stop {
        let line = line_of(self.text, at.span().start);
        let what = what.as_ref();
        Stop::config(format!("{}:{line}: {key}: {what}", self.path.display()))
    }

    fn span(&self, value: Option<&Spanned<String>>, key: &str) -> Result<Option<Duration>, Stop> {
        value
            .map(|at| duration::parse(at.get_ref()).map_err(|what| self.stop(at, key, what)))
            .transpose()
    }
}

pub(super) fn resolve(
    context: &Context,
    path: &Path,
    text: &str,
    file: File,
) -> Result<Config, Stop> {
    let place = Place { path, text };
    let store = Store::parse(context, file.state.store.get_ref())
        .map_err(|what| place.stop(&file.state.store, "state.store", what))?;
    let events = place.file(context, file.state.events.as_ref(), "events", "file:")?;
    let metrics = place.file(context, file.state.metrics.as_ref(), "metrics", "textfile:")?;
    let mut accounts = BTreeMap::new();
    for (name, account) in file.accounts {
        let key = format!("accounts.{}", name.get_ref());
        let service = ServiceName::parse(account.service.get_ref()).ok_or_else(|| {
            let known = ServiceName::ALL.map(|(name, _)| name).join(", ");
            place.stop(
                &account.service,
                &key,
                format!("unknown service; known are {known}"),
            )
        })?;
        let credential = CredentialRef::parse(context, account.credential.get_ref())
            .map_err(|what| place.stop(&account.credential, &format!("{key}.credential"), what))?;
        if let Some(at) = &account.url {
            let key = format!("{key}.url");
            let url = Url::parse(at.get_ref())
                .map_err(|_| place.stop(at, &key, "is no address; write https://HOST"))?;
            if !url.username().is_empty() || url.password().is_some() {
                let what = "holds a user or password; the account's credential is what is sent";
                return Err(place.stop(at, &key, what));
            }
        }
        if account.url.is_none() && service == ServiceName::QueryServer {
            // A variable of the environment would do for one account only, and not for cron.
            let what = "is missing; Query Server has no address that all share";
            return Err(place.stop(&account.service, &format!("{key}.url"), what));
        }
        let url = account.url.map(Spanned::into_inner);
        accounts.insert(
            name.into_inner(),
            Account {
                service,
                credential,
                url,
            },
        );
    }
    let defaults = file.defaults.unwrap_or_default();
    if let Some(at) = &defaults.adopt {
        return Err(place.stop(at, "defaults.adopt", "says which token; that is no default"));
    }
    if let Some(at) = &defaults.reclaim {
        return Err(place.stop(
            at,
            "defaults.reclaim",
            "is said of one token; that is no default",
        ));
    }
    let mut tokens = BTreeMap::new();
    for (name, entry) in file.tokens {
        let token = place.token(context, &name, &entry, &defaults, &accounts)?;
        tokens.insert(name.into_inner(), token);
    }
    let config = Config {
        path: path.to_owned(),
        store,
        events,
        metrics,
        accounts,
        tokens,
    };
    one_writer(&config)?;
    Ok(config)
}

/// No two entries may deliver into the same place.
fn one_writer(config: &Config) -> Result<(), Stop> {
    let mut taken: Vec<(&SinkSpec, &str)> = Vec::new();
    for (name, token) in &config.tokens {
        for sink in &token.deliver {
            let same = taken.iter().find(|(other, _)| other.same_place(sink));
            if let Some((_, other)) = same {
                let file = config.path.display();
                let message = if other == name {
                    format!("{file}: tokens.{name} delivers into the same place twice")
                } else {
                    format!("{file}: tokens.{other} and tokens.{name} deliver into the same place")
                };
                return Err(Stop::config(message).hint("Give each token a place of its own."));
            }
            taken.push((sink, name));
        }
    }
    Ok(())
}

impl SinkSpec {
    fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { path: one, .. }, Self::File { path: two, .. }) => real(one) == real(two),
            (
                Self::Dotenv { path: one, key, .. },
                Self::Dotenv {
                    path: two,
                    key: key2,
                    ..
                },
            ) => key == key2 && real(one) == real(two),
            (Self::File { path: one, .. }, Self::Dotenv { path: two, .. })
            | (Self::Dotenv { path: one, .. }, Self::File { path: two, .. }) => {
                real(one) == real(two)
            }
            (Self::Command { .. }, _) => false,
            _ => self == other,
        }
    }
}

/// The path without links and dots, as far as it exists.
pub(crate) fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

impl Place<'_> {
    fn file(
        &self,
        context: &Context,
        value: Option<&Spanned<String>>,
        key: &str,
        scheme: &str,
    ) -> Result<Option<PathBuf>, Stop> {
        let Some(at) = value else { return Ok(None) };
        let path = at
            .get_ref()
            .strip_prefix(scheme)
            .filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| {
            self.stop(at, &format!("state.{key}"), format!("must be {scheme}PATH"))
        })?;
        Ok(Some(context.directory.join(path)))
    }

    fn token(
        &self,
        context: &Context,
        name: &Spanned<String>,
        entry: &Entry,
        defaults: &Entry,
        accounts: &BTreeMap<String, Account>,
    ) -> Result<Token, Stop> {
        let prefix = format!("tokens.{}", name.get_ref());
        let key = |part: &str| format!("{prefix}.{part}");
        if name.get_ref().is_empty() {
            return Err(self.stop(name, "tokens", "a token needs a name"));
        }
        let account = entry.account.as_ref().or(defaults.account.as_ref());
        let account = account.ok_or_else(|| self.stop(name, &prefix, "`account` is missing"))?;
        if !accounts.contains_key(account.get_ref()) {
            let known: Vec<_> = accounts.keys().map(String::as_str).collect();
            let what = format!("there is no such account; there are: {}", known.join(", "));
            return Err(self.stop(account, &key("account"), what));
        }
        let first = self.first(name, entry, defaults)?;
        let max_age = entry.max_age.as_ref().or(defaults.max_age.as_ref());
        let overlap_at = entry.overlap.as_ref().or(defaults.overlap.as_ref());
        let renew_before = entry
            .renew_before
            .as_ref()
            .or(defaults.renew_before.as_ref());
        let lifetime = entry.lifetime.as_ref().or(defaults.lifetime.as_ref());
        let spread = entry.spread.as_ref().or(defaults.spread.as_ref());
        let max_age_time = self.span(max_age, &key("max_age"))?;
        for (at, part) in [
            (max_age, "max_age"),
            (renew_before, "renew_before"),
            (lifetime, "lifetime"),
        ] {
            if let Some(at) = at
                && self.span(Some(at), &key(part))? == Some(Duration::ZERO)
            {
                return Err(self.stop(at, &key(part), "must be longer than nothing"));
            }
        }
        let overlap = self.span(overlap_at, &key("overlap"))?.unwrap_or(OVERLAP);
        if let (Some(age), Some(at)) = (max_age_time, max_age)
            && overlap >= age
        {
            let what = "must be shorter than max_age (1d where it is not written), or more and more \
                        tokens would live at a time";
            let at = overlap_at.unwrap_or(at);
            return Err(self.stop(at, &key("overlap"), what));
        }
        Ok(Token {
            account: account.get_ref().clone(),
            first,
            max_age: max_age_time,
            renew_before: self.span(renew_before, &key("renew_before"))?,
            lifetime: self.span(lifetime, &key("lifetime"))?,
            overlap,
            spread: self.span(spread, &key("spread"))?,
            deliver: self.deliver(context, name, entry, defaults)?,
            after: self.after(&prefix, entry, defaults)?,
            suspend: entry.suspend.or(defaults.suspend).unwrap_or(false),
            allow_own_credential: entry
                .allow_own_credential
                .or(defaults.allow_own_credential)
                .unwrap_or(false),
            reclaim: entry.reclaim.as_ref().is_some_and(|at| *at.get_ref()),
        })
    }

    fn first(
        &self,
        name: &Spanned<String>,
        entry: &Entry,
        defaults: &Entry,
    ) -> Result<First, Stop> {
        let prefix = format!("tokens.{}", name.get_ref());
        match (&entry.adopt, &entry.create) {
            (Some(at), None) => match at.get_ref().split_once(':') {
                Some(("key", text)) if !text.is_empty() => Ok(First::AdoptKey(text.to_owned())),
                Some(("name", text)) if !text.is_empty() => Ok(First::AdoptName(text.to_owned())),
                _ => Err(self.stop(
                    at,
                    &format!("{prefix}.adopt"),
                    "must be key:KEY or name:NAME",
                )),
            },
            (None, Some(create)) => Ok(First::Create(create.get_ref().clone())),
            (Some(at), Some(_)) => Err(self.stop(
                at,
                &prefix,
                "has both `adopt` and `create`; one says how it begins",
            )),
            (None, None) => match &defaults.create {
                Some(create) => Ok(First::Create(create.get_ref().clone())),
                None => Err(self.stop(
                    name,
                    &prefix,
                    "needs `adopt = \"key:…\"`, `adopt = \"name:…\"` or `create = { … }`",
                )),
            },
        }
    }

    fn deliver(
        &self,
        context: &Context,
        name: &Spanned<String>,
        entry: &Entry,
        defaults: &Entry,
    ) -> Result<Vec<SinkSpec>, Stop> {
        let prefix = format!("tokens.{}", name.get_ref());
        let list = entry.deliver.as_ref().or(defaults.deliver.as_ref());
        let list = list
            .filter(|list| !list.get_ref().is_empty())
            .ok_or_else(|| {
                let what =
                    "`deliver` is missing; without a place for it a new secret would be lost";
                self.stop(name, &prefix, what)
            })?;
        let one = |(number, at): (usize, &Spanned<OneOrTable<_>>)| {
            let sink = match at.get_ref() {
                OneOrTable::One(text) => SinkSpec::parse(context, text),
                OneOrTable::Table(table) => SinkSpec::table(context, table),
            };
            let key = format!("{prefix}.deliver[{number}]");
            sink.map_err(|what| self.stop(at, &key, what))
        };
        list.get_ref().iter().enumerate().map(one).collect()
    }

    fn after(&self, prefix: &str, entry: &Entry, defaults: &Entry) -> Result<Vec<Hook>, Stop> {
        let list = entry.after.as_ref().or(defaults.after.as_ref());
        let list = list
            .map(|list| list.get_ref().as_slice())
            .unwrap_or_default();
        let mut hooks = Vec::new();
        for (number, at) in list.iter().enumerate() {
            let key = format!("{prefix}.after[{number}]");
            let wrong = |what: String| self.stop(at, &key, what);
            let (words, timeout) = match at.get_ref() {
                OneOrTable::One(line) => (super::sink::words(line), None),
                OneOrTable::Table(table) => {
                    let words = match &table.run {
                        Run::Line(line) => super::sink::words(line),
                        Run::Words(words) if words.first().is_some_and(|w| !w.is_empty()) => {
                            Ok(words.clone())
                        }
                        Run::Words(_) => Err("names no command".to_owned()),
                    };
                    (words, table.timeout.as_deref())
                }
            };
            let timeout = timeout.map(duration::parse).transpose().map_err(wrong)?;
            hooks.push(Hook {
                words: words.map_err(wrong)?,
                timeout: timeout.filter(|time| !time.is_zero()).unwrap_or(HOOK_TIME),
            });
        }
        Ok(hooks)
    }
}
