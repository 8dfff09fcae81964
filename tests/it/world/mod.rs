//! One face for the three twins.

pub(crate) mod op;

use std::sync::Arc;
use std::time::Duration;

use access_tokens::{RetryPolicy, Secret, TokenKey, TokenService};
use access_tokens_testing::{
    AvisiCloud, Fault, LaunchDarkly, QueryServer, Received, VirtualClock, avisi_cloud,
    launchdarkly, query_server,
};

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    LaunchDarkly,
    QueryServer,
    AvisiCloud,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::LaunchDarkly, Kind::QueryServer, Kind::AvisiCloud];

/// The name of the token that is rotated.
pub(crate) const NAME: &str = "edge";

#[derive(Debug)]
pub(crate) enum Twin {
    LaunchDarkly(LaunchDarkly),
    QueryServer(QueryServer),
    AvisiCloud(AvisiCloud),
}

/// Does the same with whichever twin it is.
macro_rules! each {
    ($world:expr, $twin:ident => $do:expr) => {
        match &$world.twin {
            $crate::all::world::Twin::LaunchDarkly($twin) => $do,
            $crate::all::world::Twin::QueryServer($twin) => $do,
            $crate::all::world::Twin::AvisiCloud($twin) => $do,
        }
    };
}
pub(crate) use each;

/// For a client of this twin, by this clock.
macro_rules! client_of {
    ($wing:ident, $twin:expr, $clock:expr) => {
        access_tokens::$wing::Client::builder()
            .base_url($twin.base_url())
            .credential($twin.credential())
            .clock($clock.clone())
    };
}
pub(crate) use client_of;

/// A twin with one token to work on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) twin: Twin,
    pub(crate) clock: VirtualClock,
    pub(crate) key: TokenKey,
    pub(crate) secret: Secret,
}

impl World {
    pub(crate) async fn new(kind: Kind) -> Self {
        let clock = VirtualClock::new();
        let follows = clock.clone();
        let (twin, key, secret) = match kind {
            Kind::LaunchDarkly => {
                let builder = LaunchDarkly::builder().clock(follows);
                let twin = builder.start().await.unwrap();
                let token = twin.seed(launchdarkly::Seed::new(NAME).description("for tests"));
                (Twin::LaunchDarkly(twin), token.id, token.secret)
            }
            Kind::QueryServer => {
                let builder = QueryServer::builder().clock(follows);
                let twin = builder.start().await.unwrap();
                let token = twin.seed(query_server::Seed::new(NAME).write(false));
                (Twin::QueryServer(twin), token.name, token.secret)
            }
            Kind::AvisiCloud => {
                let builder = AvisiCloud::builder().clock(follows);
                let twin = builder.start().await.unwrap();
                let token = twin.seed(avisi_cloud::Seed::new(NAME));
                (Twin::AvisiCloud(twin), token.id, token.secret)
            }
        };
        Self {
            kind,
            twin,
            clock,
            key: TokenKey::new(key),
            secret,
        }
    }

    /// A LaunchDarkly of whichever kind.
    pub(crate) async fn on_launchdarkly(
        build: impl FnOnce(launchdarkly::Builder) -> launchdarkly::Builder,
        seed: impl FnOnce(launchdarkly::Seed) -> launchdarkly::Seed,
    ) -> Self {
        let clock = VirtualClock::new();
        let builder = build(LaunchDarkly::builder().clock(clock.clone()));
        let twin = builder.start().await.unwrap();
        let token = twin.seed(seed(launchdarkly::Seed::new(NAME)));
        Self {
            kind: Kind::LaunchDarkly,
            twin: Twin::LaunchDarkly(twin),
            clock,
            key: TokenKey::new(token.id),
            secret: token.secret,
        }
    }

    /// Another token, made just now.
    pub(crate) fn seed(&self, name: &str) -> (TokenKey, Secret) {
        let (key, secret) = match &self.twin {
            Twin::LaunchDarkly(twin) => {
                let token = twin.seed(launchdarkly::Seed::new(name).description("for tests"));
                (token.id, token.secret)
            }
            Twin::QueryServer(twin) => {
                let token = twin.seed(query_server::Seed::new(name).write(false));
                (token.name, token.secret)
            }
            Twin::AvisiCloud(twin) => {
                let token = twin.seed(avisi_cloud::Seed::new(name));
                (token.id, token.secret)
            }
        };
        (TokenKey::new(key), secret)
    }

    pub(crate) fn base_url(&self) -> String {
        each!(self, twin => twin.base_url())
    }

    pub(crate) fn credential(&self) -> Secret {
        each!(self, twin => twin.credential())
    }

    pub(crate) fn service(&self) -> Arc<dyn TokenService> {
        self.service_with(RetryPolicy::none(), Duration::from_secs(10))
    }

    pub(crate) fn service_with(
        &self,
        retry: RetryPolicy,
        attempt: Duration,
    ) -> Arc<dyn TokenService> {
        client(
            self.kind,
            &self.base_url(),
            self.credential(),
            Some(&self.clock),
            retry,
            attempt,
        )
    }

    /// Whether the service lets somebody in with this secret.
    pub(crate) fn accepts(&self, secret: &Secret) -> bool {
        match &self.twin {
            Twin::LaunchDarkly(twin) => twin.authenticates(secret),
            Twin::QueryServer(twin) => twin.authenticates(secret),
            Twin::AvisiCloud(twin) => twin.authenticates(secret),
        }
    }

    /// The keys of all tokens that work, but for the credential.
    pub(crate) fn alive(&self) -> Vec<TokenKey> {
        let keys: Vec<String> = match &self.twin {
            Twin::LaunchDarkly(twin) => {
                let mut tokens = twin.tokens();
                tokens.retain(|t| t.id != twin.credential_id() && twin.authenticates(&t.secret));
                tokens.into_iter().map(|token| token.id).collect()
            }
            Twin::QueryServer(twin) => {
                let alive = twin.tokens().into_iter().filter(|token| token.alive);
                alive.map(|token| token.name).collect()
            }
            Twin::AvisiCloud(twin) => {
                let mut tokens = twin.tokens();
                tokens.retain(|t| t.id != twin.credential_id() && twin.authenticates(&t.secret));
                tokens.into_iter().map(|token| token.id).collect()
            }
        };
        keys.into_iter().map(TokenKey::new).collect()
    }

    /// Those of them that nothing ends.
    pub(crate) fn endless(&self) -> Vec<TokenKey> {
        let mut alive = self.alive();
        if let Twin::LaunchDarkly(twin) = &self.twin {
            alive.retain(|key| {
                let token = twin.token(key.as_str());
                token.is_some_and(|token| token.expiry.is_none())
            });
        }
        alive
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        each!(self, twin => twin.requests())
    }

    pub(crate) fn refuse_connections(&self) {
        each!(self, twin => twin.refuse_connections()).unwrap();
    }

    pub(crate) fn launchdarkly(&self) -> &LaunchDarkly {
        match &self.twin {
            Twin::LaunchDarkly(twin) => twin,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn query_server(&self) -> &QueryServer {
        match &self.twin {
            Twin::QueryServer(twin) => twin,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn avisi_cloud(&self) -> &AvisiCloud {
        match &self.twin {
            Twin::AvisiCloud(twin) => twin,
            other => panic!("{other:?}"),
        }
    }

    /// The `operationId`s of the requests so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        let requests = self.requests();
        let names = requests.iter().map(|request| {
            let one = request.path.trim_end_matches('/').split('/').count();
            match (self.kind, request.method.as_str(), request.path.as_str()) {
                (Kind::LaunchDarkly, "GET", path) if path.ends_with("/caller-identity") => {
                    "getCallerIdentity"
                }
                (Kind::LaunchDarkly, "GET", _) if one == 4 => "getTokens",
                (Kind::LaunchDarkly, "GET", _) => "getToken",
                (Kind::LaunchDarkly, "POST", path) if path.ends_with("/reset") => "resetToken",
                (Kind::LaunchDarkly, "POST", _) => "postToken",
                (Kind::LaunchDarkly, "PATCH", _) => "patchToken",
                (Kind::QueryServer, "GET", path) if path.ends_with("/value") => "getTokenValue",
                (Kind::QueryServer, "GET", _) => "listTokens",
                (Kind::QueryServer, "POST", _) => "createToken",
                (Kind::QueryServer, "PUT", _) => "updateToken",
                (Kind::LaunchDarkly | Kind::QueryServer, "DELETE", _) => "deleteToken",
                (Kind::AvisiCloud, "GET", _) => "listPersonalAccessTokens",
                (Kind::AvisiCloud, "POST", _) => "provisionPersonalAccessToken",
                (Kind::AvisiCloud, "DELETE", _) => "revokePersonalAccessToken",
                _ => "unknown",
            }
        });
        names.map(str::to_owned).collect()
    }

    pub(crate) fn clear_requests(&self) {
        each!(self, twin => twin.clear_requests());
    }

    /// The `n`th request from now on (1 is the next) meets this fault, and `times - 1` after it.
    pub(crate) fn fault(&self, n: u64, times: u64, fault: Fault) {
        each!(self, twin => drop(twin.on_any().nth(n).times(times).then(fault)));
    }

    /// The next creates, or deletes, meet this fault.
    pub(crate) fn fault_on(&self, call: Call, times: u64, fault: Fault) {
        use access_tokens_testing::launchdarkly::Operation as Ld;
        use avisi_cloud::Operation as Avisi;
        use query_server::Operation as Query;
        match &self.twin {
            Twin::LaunchDarkly(twin) => {
                let operation = match call {
                    Call::Create => Ld::PostToken,
                    Call::Delete => Ld::DeleteToken,
                };
                let _ = twin.on(operation).times(times).then(fault);
            }
            Twin::QueryServer(twin) => {
                let operation = match call {
                    Call::Create => Query::Create,
                    Call::Delete => Query::Delete,
                };
                let _ = twin.on(operation).times(times).then(fault);
            }
            Twin::AvisiCloud(twin) => {
                let operation = match call {
                    Call::Create => Avisi::Provision,
                    Call::Delete => Avisi::Revoke,
                };
                let _ = twin.on(operation).times(times).then(fault);
            }
        }
    }

    pub(crate) fn clear_faults(&self) {
        each!(self, twin => twin.clear_faults());
    }
}

/// A call that every service has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Create,
    Delete,
}

pub(crate) fn client(
    kind: Kind,
    base_url: &str,
    credential: Secret,
    clock: Option<&VirtualClock>,
    retry: RetryPolicy,
    attempt: Duration,
) -> Arc<dyn TokenService> {
    macro_rules! build {
        ($wing:ident) => {{
            let mut builder = access_tokens::$wing::Client::builder()
                .base_url(base_url)
                .credential(credential)
                .retry(retry)
                .attempt_timeout(attempt);
            if let Some(clock) = clock {
                builder = builder.clock(clock.clone());
            }
            Arc::new(builder.build().unwrap())
        }};
    }
    match kind {
        Kind::LaunchDarkly => build!(launchdarkly),
        Kind::QueryServer => build!(query_server),
        Kind::AvisiCloud => build!(avisi_cloud),
    }
}
