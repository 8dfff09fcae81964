//! Every operation of every service as a value, with a twin to call it on.

use std::fmt;
use std::time::Duration;

use access_tokens::launchdarkly::OldSecret;
use access_tokens::query_server::Changes;
use access_tokens::{Marker, Result, Secret, TokenId, avisi_cloud, launchdarkly, query_server};
use access_tokens_testing::query_server as query_twin;
use access_tokens_testing::{Fault, Received, VirtualClock};
use access_tokens_testing::{avisi_cloud as avisi_twin, launchdarkly as ld_twin};

use super::{NAME, Twin, World, each};

/// What kind of call an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Read,
    Create,
    Change,
    Reset,
    Delete,
}

macro_rules! ops {
    ($($name:ident, $service:ident, $id:literal, $kind:ident, $method:literal, $path:literal;)+) => {
        /// An operation, called through the public client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Op { $($name,)+ }

        impl Op {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(crate) fn of(self) -> super::Kind {
                match self { $(Self::$name => super::Kind::$service,)+ }
            }

            /// The `operationId`.
            pub(crate) fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            pub(crate) fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// Whether the first line of a request is one of this operation.
            pub(crate) fn is_line(self, line: &str) -> bool {
                let (method, path) = match self { $(Self::$name => ($method, $path),)+ };
                let mut words = line.split(' ');
                let fits = words.next() == Some(method);
                let target = words.next().unwrap_or_default();
                let target = target.split('?').next().unwrap_or_default();
                fits && match path.split_once('*') {
                    None => target == path,
                    Some((before, after)) => {
                        let rest = target.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                        rest.is_some_and(|id| !id.is_empty() && !id.contains('/'))
                    }
                }
            }
        }
    };
}

ops! {
    LdList, LaunchDarkly, "getTokens", Read, "GET", "/api/v2/tokens";
    LdGet, LaunchDarkly, "getToken", Read, "GET", "/api/v2/tokens/*";
    QsList, QueryServer, "listTokens", Read, "GET", "/_/token";
    QsValue, QueryServer, "getTokenValue", Read, "GET", "/_/token/value";
    AvList, AvisiCloud, "listPersonalAccessTokens", Read, "GET", "/sts/v1/personal-access-tokens";
    LdCreate, LaunchDarkly, "postToken", Create, "POST", "/api/v2/tokens";
    QsCreate, QueryServer, "createToken", Create, "POST", "/_/token";
    AvCreate, AvisiCloud, "provisionPersonalAccessToken", Create, "POST", "/sts/v1/personal-access-tokens";
    LdPatch, LaunchDarkly, "patchToken", Change, "PATCH", "/api/v2/tokens/*";
    QsUpdate, QueryServer, "updateToken", Change, "PUT", "/_/token";
    LdReset, LaunchDarkly, "resetToken", Reset, "POST", "/api/v2/tokens/*/reset";
    LdDelete, LaunchDarkly, "deleteToken", Delete, "DELETE", "/api/v2/tokens/*";
    QsDelete, QueryServer, "deleteToken", Delete, "DELETE", "/_/token";
    AvRevoke, AvisiCloud, "revokePersonalAccessToken", Delete, "DELETE", "/sts/v1/personal-access-tokens/*";
}

impl Op {
    /// Whether the call must not be repeated once it may have happened.
    pub(crate) fn is_once(self) -> bool {
        matches!(self.kind(), Kind::Create | Kind::Change | Kind::Reset)
    }

    /// Whether the service answers a success without a body.
    pub(crate) fn answers_without_body(self) -> bool {
        matches!(
            self,
            Self::LdDelete | Self::QsCreate | Self::QsUpdate | Self::QsDelete
        )
    }

    pub(crate) fn service(self) -> &'static str {
        match self.of() {
            super::Kind::LaunchDarkly => "LaunchDarkly",
            super::Kind::QueryServer => "Query Server",
            super::Kind::AvisiCloud => "Avisi Cloud",
        }
    }

    /// A twin with a token to work on.
    pub(crate) async fn world(self) -> World {
        World::new(self.of()).await
    }

    /// Puts a fault before the next call of this operation, or before all of them.
    pub(crate) fn suffer(self, world: &World, fault: Fault, always: bool) {
        let times = if always { u64::MAX } else { 1 };
        self.suffer_from(world, fault, 1, times);
    }

    /// Puts a fault before the `n`th call of this operation from now on.
    pub(crate) fn suffer_nth(self, world: &World, fault: Fault, n: u64) {
        self.suffer_from(world, fault, n, 1);
    }

    fn suffer_from(self, world: &World, fault: Fault, first: u64, times: u64) {
        macro_rules! put {
            ($twin:ident, $operation:ident) => {{
                let rule = $twin.on(self.$operation()).nth(first);
                let _ = rule.times(times).then(fault);
            }};
        }
        match &world.twin {
            Twin::LaunchDarkly(twin) => put!(twin, ld),
            Twin::QueryServer(twin) => put!(twin, qs),
            Twin::AvisiCloud(twin) => put!(twin, av),
        }
    }

    fn ld(self) -> ld_twin::Operation {
        use ld_twin::Operation as O;
        match self {
            Self::LdList => O::GetTokens,
            Self::LdGet => O::GetToken,
            Self::LdCreate => O::PostToken,
            Self::LdPatch => O::PatchToken,
            Self::LdReset => O::ResetToken,
            _ => O::DeleteToken,
        }
    }

    fn qs(self) -> query_twin::Operation {
        use query_twin::Operation as O;
        match self {
            Self::QsList => O::List,
            Self::QsValue => O::Value,
            Self::QsCreate => O::Create,
            Self::QsUpdate => O::Update,
            _ => O::Delete,
        }
    }

    fn av(self) -> avisi_twin::Operation {
        use avisi_twin::Operation as O;
        match self {
            Self::AvList => O::List,
            Self::AvCreate => O::Provision,
            _ => O::Revoke,
        }
    }

    /// Makes the call.
    pub(crate) async fn call(self, at: &Target) -> Result<()> {
        match self.of() {
            super::Kind::LaunchDarkly => self.call_ld(at).await,
            super::Kind::QueryServer => self.call_qs(at).await,
            super::Kind::AvisiCloud => self.call_av(at).await,
        }
    }

    async fn call_ld(self, at: &Target) -> Result<()> {
        use launchdarkly::{Patch, Role, TokenBody};
        let client = at.launchdarkly()?;
        let id = TokenId::try_from(at.id.as_str()).unwrap();
        match self {
            Self::LdList => client.list().page().await.map(drop),
            Self::LdGet => client.get(&id).await.map(drop),
            Self::LdCreate => {
                let body = TokenBody::builder().name("made").role(Role::Reader);
                client.create(body.marker(&at.marker)).await.map(drop)
            }
            Self::LdPatch => {
                let patch = Patch::new().replace_name("renamed");
                client.patch(&id, patch).await.map(drop)
            }
            Self::LdReset => client.reset(&id, OldSecret::EndsAtOnce).await.map(drop),
            _ => client.delete(&id).await,
        }
    }

    async fn call_qs(self, at: &Target) -> Result<()> {
        use query_server::TokenBody;
        let client = at.query_server()?;
        match self {
            Self::QsList => client.list().await.map(drop),
            Self::QsValue => client.value(NAME).await.map(drop),
            Self::QsCreate => client.create(TokenBody::builder("made")).await.map(drop),
            Self::QsUpdate => client
                .update(NAME, Changes::new().write(false))
                .await
                .map(drop),
            _ => client.delete(NAME).await,
        }
    }

    async fn call_av(self, at: &Target) -> Result<()> {
        let client = at.avisi_cloud()?;
        let id = TokenId::try_from(at.id.as_str()).unwrap();
        match self {
            Self::AvList => client.list().await.map(drop),
            Self::AvCreate => {
                let body = avisi_cloud::ProvisionBody::builder("made").marker(&at.marker);
                client.provision(body).await.map(drop)
            }
            _ => client.revoke(&id).await.map(drop),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service(), self.id())
    }
}

impl World {
    /// How many requests of an operation came.
    pub(crate) fn hits(&self, op: Op) -> usize {
        let is = |request: &Received| op.is_line(&format!("{} {}", request.method, request.path));
        self.requests().iter().filter(|request| is(request)).count()
    }

    /// How many tokens were made by a call.
    pub(crate) fn made(&self) -> usize {
        let made = |name: &str| usize::from(name.starts_with("made"));
        each!(self, twin => twin.tokens().iter().map(|token| made(&token.name)).sum())
    }

    /// How many of the tokens that were made work.
    pub(crate) fn live(&self) -> usize {
        self.alive().iter().filter(|key| **key != self.key).count()
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            base_url: self.base_url(),
            credential: self.credential(),
            id: self.key.as_str().to_owned(),
            ..Target::nowhere(&self.clock)
        }
    }
}

/// Where to call, and within which limits.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) base_url: String,
    pub(crate) credential: Secret,
    pub(crate) id: String,
    pub(crate) marker: Marker,
    pub(crate) clock: VirtualClock,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) http: Option<fn() -> reqwest::ClientBuilder>,
}

macro_rules! client {
    ($at:expr, $wing:ident) => {{
        let mut builder = $wing::Client::builder()
            .base_url(&$at.base_url)
            .credential($at.credential.clone())
            .clock($at.clock.clone())
            .timeout($at.timeout)
            .attempt_timeout($at.attempt_timeout)
            .max_response_bytes(1 << 20)
            .allow_http(true)
            .random_seed(7);
        if let Some(http) = $at.http {
            builder = builder.http_client(move |_| http());
        }
        builder.build()
    }};
}

impl Target {
    pub(crate) fn nowhere(clock: &VirtualClock) -> Self {
        Self {
            base_url: String::new(),
            credential: Secret::new("credential-of-the-test"),
            id: "66aa10f2c4d5e60011223344".to_owned(),
            marker: Marker::random(),
            clock: clock.clone(),
            timeout: Duration::from_secs(120),
            // Real time: long enough not to run out on a busy machine.
            attempt_timeout: Duration::from_secs(30),
            http: Some(plain),
        }
    }

    pub(crate) fn launchdarkly(&self) -> Result<launchdarkly::Client> {
        client!(self, launchdarkly)
    }

    pub(crate) fn query_server(&self) -> Result<query_server::Client> {
        client!(self, query_server)
    }

    pub(crate) fn avisi_cloud(&self) -> Result<avisi_cloud::Client> {
        client!(self, avisi_cloud)
    }
}

/// For plain HTTP: looking for certificate authorities is most of the work of building a client.
fn plain() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().no_proxy();
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let builder = builder.tls_certs_only([]);
    builder
}
