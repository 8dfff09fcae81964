//! Every operation of every service as a value, with a twin to call it on.

use std::fmt;
use std::time::Duration;

use access_tokens::{Marker, Result, Secret, TokenId, avisi_cloud, launchdarkly, query_server};
use access_tokens_testing::{AvisiCloud, Fault, LaunchDarkly, QueryServer, VirtualClock};
use access_tokens_testing::{Received, query_server as query_twin};
use access_tokens_testing::{avisi_cloud as avisi_twin, launchdarkly as ld_twin};

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
    ($($name:ident, $service:literal, $id:literal, $kind:ident, $method:literal, $path:literal;)+) => {
        /// An operation, called through the public client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Op { $($name,)+ }

        impl Op {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(crate) fn service(self) -> &'static str {
                match self { $(Self::$name => $service,)+ }
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
    LdList, "LaunchDarkly", "getTokens", Read, "GET", "/api/v2/tokens";
    LdGet, "LaunchDarkly", "getToken", Read, "GET", "/api/v2/tokens/*";
    QsList, "Query Server", "listTokens", Read, "GET", "/_/token";
    QsValue, "Query Server", "getTokenValue", Read, "GET", "/_/token/value";
    AvList, "Avisi Cloud", "listPersonalAccessTokens", Read, "GET", "/sts/v1/personal-access-tokens";
    LdCreate, "LaunchDarkly", "postToken", Create, "POST", "/api/v2/tokens";
    QsCreate, "Query Server", "createToken", Create, "POST", "/_/token";
    AvCreate, "Avisi Cloud", "provisionPersonalAccessToken", Create, "POST", "/sts/v1/personal-access-tokens";
    LdPatch, "LaunchDarkly", "patchToken", Change, "PATCH", "/api/v2/tokens/*";
    QsUpdate, "Query Server", "updateToken", Change, "PUT", "/_/token";
    LdReset, "LaunchDarkly", "resetToken", Reset, "POST", "/api/v2/tokens/*/reset";
    LdDelete, "LaunchDarkly", "deleteToken", Delete, "DELETE", "/api/v2/tokens/*";
    QsDelete, "Query Server", "deleteToken", Delete, "DELETE", "/_/token";
    AvRevoke, "Avisi Cloud", "revokePersonalAccessToken", Delete, "DELETE", "/sts/v1/personal-access-tokens/*";
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

    /// A twin with a token to work on.
    pub(crate) async fn twin(self, clock: &VirtualClock) -> Twin {
        let clock = clock.clone();
        match self.service() {
            "LaunchDarkly" => {
                let twin = LaunchDarkly::builder().clock(clock).start().await.unwrap();
                let seeded = twin.seed(ld_twin::Seed::new("subject"));
                Twin::Ld(twin, seeded.id)
            }
            "Query Server" => {
                let twin = QueryServer::builder().clock(clock).start().await.unwrap();
                twin.seed(query_twin::Seed::new("subject"));
                Twin::Qs(twin)
            }
            _ => {
                let twin = AvisiCloud::builder().clock(clock).start().await.unwrap();
                let seeded = twin.seed(avisi_twin::Seed::new("subject"));
                Twin::Av(twin, seeded.id)
            }
        }
    }

    /// Puts a fault before the next call of this operation, or before all of them.
    pub(crate) fn suffer(self, twin: &Twin, fault: Fault, always: bool) {
        let times = if always { u64::MAX } else { 1 };
        self.suffer_from(twin, fault, 1, times);
    }

    /// Puts a fault before the `n`th call of this operation from now on.
    pub(crate) fn suffer_nth(self, twin: &Twin, fault: Fault, n: u64) {
        self.suffer_from(twin, fault, n, 1);
    }

    fn suffer_from(self, twin: &Twin, fault: Fault, first: u64, times: u64) {
        match twin {
            Twin::Ld(twin, _) => drop(twin.on(self.ld()).nth(first).times(times).then(fault)),
            Twin::Qs(twin) => drop(twin.on(self.qs()).nth(first).times(times).then(fault)),
            Twin::Av(twin, _) => drop(twin.on(self.av()).nth(first).times(times).then(fault)),
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
        match self.service() {
            "LaunchDarkly" => self.call_ld(at).await,
            "Query Server" => self.call_qs(at).await,
            _ => self.call_av(at).await,
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
            Self::LdReset => client.reset(&id).await.map(drop),
            _ => client.delete(&id).await,
        }
    }

    async fn call_qs(self, at: &Target) -> Result<()> {
        use query_server::TokenBody;
        let client = at.query_server()?;
        match self {
            Self::QsList => client.list().await.map(drop),
            Self::QsValue => client.value("subject").await.map(drop),
            Self::QsCreate => client.create(TokenBody::builder("made")).await.map(drop),
            Self::QsUpdate => client.update("subject").write(false).await.map(drop),
            _ => client.delete("subject").await,
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

/// A twin of any service; with the id of its token `subject`, where it goes by ids.
pub(crate) enum Twin {
    Ld(LaunchDarkly, String),
    Qs(QueryServer),
    Av(AvisiCloud, String),
}

impl Twin {
    pub(crate) fn requests(&self) -> Vec<Received> {
        match self {
            Self::Ld(twin, _) => twin.requests(),
            Self::Qs(twin) => twin.requests(),
            Self::Av(twin, _) => twin.requests(),
        }
    }

    /// How many requests of an operation came.
    pub(crate) fn hits(&self, op: Op) -> usize {
        let is = |request: &Received| op.is_line(&format!("{} {}", request.method, request.path));
        self.requests().iter().filter(|request| is(request)).count()
    }

    /// How many tokens there are that the twin did not have at its start.
    pub(crate) fn made(&self) -> usize {
        match self {
            Self::Ld(twin, _) => twin.tokens().iter().filter(|t| t.name == "made").count(),
            Self::Qs(twin) => twin.tokens().iter().filter(|t| t.name == "made").count(),
            Self::Av(twin, _) => {
                let made = |name: &str| name.starts_with("made");
                twin.tokens().iter().filter(|t| made(&t.name)).count()
            }
        }
    }

    /// How many of those are still of use.
    pub(crate) fn live(&self) -> usize {
        match self {
            Self::Av(twin, _) => {
                let live = |t: &&avisi_twin::TwinToken| t.name.starts_with("made") && t.active;
                twin.tokens().iter().filter(live).count()
            }
            _ => self.made(),
        }
    }

    pub(crate) fn clear_faults(&self) {
        match self {
            Self::Ld(twin, _) => twin.clear_faults(),
            Self::Qs(twin) => twin.clear_faults(),
            Self::Av(twin, _) => twin.clear_faults(),
        }
    }

    pub(crate) fn refuse_connections(&self) {
        match self {
            Self::Ld(twin, _) => twin.refuse_connections().unwrap(),
            Self::Qs(twin) => twin.refuse_connections().unwrap(),
            Self::Av(twin, _) => twin.refuse_connections().unwrap(),
        }
    }

    pub(crate) fn target(&self, clock: &VirtualClock) -> Target {
        let (base_url, credential, id) = match self {
            Self::Ld(twin, id) => (twin.base_url(), twin.credential(), id.clone()),
            Self::Qs(twin) => (twin.base_url(), twin.credential(), String::new()),
            Self::Av(twin, id) => (twin.base_url(), twin.credential(), id.clone()),
        };
        Target {
            base_url,
            credential,
            id,
            ..Target::nowhere(clock)
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
            builder = builder.http_client(http());
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
