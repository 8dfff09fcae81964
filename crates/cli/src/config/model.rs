//! What commands need to know of a configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use access_tokens::{RotationPolicy, Service};

use super::{Create, CredentialRef, SinkSpec, Store};

/// A configuration that holds to its rules.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) path: PathBuf,
    pub(crate) store: Store,
    pub(crate) events: Option<PathBuf>,
    pub(crate) metrics: Option<PathBuf>,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) tokens: BTreeMap<String, Token>,
}

/// An account at a service.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) service: ServiceName,
    pub(crate) credential: CredentialRef,
    pub(crate) url: Option<String>,
}

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceName {
    LaunchDarkly,
    QueryServer,
    AvisiCloud,
}

impl ServiceName {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("launchdarkly", Self::LaunchDarkly),
        ("query-server", Self::QueryServer),
        ("avisi-cloud", Self::AvisiCloud),
    ];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, service)| *service)
    }

    pub(crate) fn service(self) -> Service {
        match self {
            Self::LaunchDarkly => Service::LAUNCH_DARKLY,
            Self::QueryServer => Service::QUERY_SERVER,
            Self::AvisiCloud => Service::AVISI_CLOUD,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, service)| *service == self);
        found.map_or("", |(name, _)| name)
    }
}

/// A managed token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) account: String,
    pub(crate) first: First,
    pub(crate) max_age: Option<Duration>,
    pub(crate) renew_before: Option<Duration>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) overlap: Duration,
    pub(crate) spread: Option<Duration>,
    pub(crate) deliver: Vec<SinkSpec>,
    pub(crate) after: Vec<Hook>,
    pub(crate) suspend: bool,
    pub(crate) allow_own_credential: bool,
    pub(crate) reclaim: bool,
}

/// How a token is found first.
#[derive(Clone, Debug)]
pub(crate) enum First {
    AdoptKey(String),
    AdoptName(String),
    Create(Create),
}

/// A command that is run after a delivery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hook {
    pub(crate) words: Vec<String>,
    pub(crate) timeout: Duration,
}

impl Config {
    /// The longest that a command of it may take.
    pub(crate) fn longest_command(&self) -> Option<Duration> {
        let of = |token: &Token| {
            let sinks = token.deliver.iter().filter_map(SinkSpec::limit).max();
            token
                .after
                .iter()
                .map(|hook| hook.timeout)
                .chain(sinks)
                .max()
        };
        self.tokens.values().filter_map(of).max()
    }
}

impl Token {
    /// When it is due.
    pub(crate) fn policy(&self) -> RotationPolicy {
        let mut policy = RotationPolicy::new();
        if let Some(age) = self.max_age {
            policy = policy.max_age(age);
        }
        if let Some(window) = self.renew_before {
            policy = policy.expires_within(window);
        }
        policy
    }
}
