//! The service: what it is on the wire, and what its tokens have in common with those of others.

use std::time::{Duration, SystemTime};

use access_tokens::rest::{Api, Client};
use access_tokens::{
    Action, BoxFuture, CallerIdentity, Capabilities, ClientBuilder, DateText, Error, ErrorKind,
    Expiry, Marker, NewToken, Operation, Overrides, OwnCredential, Privilege, RecordStream, Result,
    Secret, Service, TokenKey, TokenKind, TokenRecord, TokenService, TokenState, TokenTemplate,
    Verification, When,
};
use futures_util::{TryStreamExt as _, stream};
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) const FORGE: Service = Service::new("Forge");

const API: Api = Api::new(FORGE)
    .credential_header("PRIVATE-TOKEN")
    .api_paths(&["/api/v4"])
    .variables(&["FORGE_TOKEN"], &["FORGE_URL"]);

const LIST: Operation = Operation::get("listTokens", "/api/v4/personal_access_tokens");
const SELF: Operation = Operation::get("getOwnToken", "/api/v4/personal_access_tokens/self");
const GET: Operation = Operation::get("getToken", "/api/v4/personal_access_tokens/{id}").on_token();
const CREATE: Operation = Operation::post("createToken", "/api/v4/user/personal_access_tokens");
const REVOKE: Operation =
    Operation::delete("revokeToken", "/api/v4/personal_access_tokens/{id}").on_token();
const ROTATE: Operation =
    Operation::post("rotateToken", "/api/v4/personal_access_tokens/{id}/rotate")
        .on_token()
        .if_lost("The old secret may be dead and the new one lost: make another token.");

/// More pages than anybody has: a list that goes on behind them is none.
const MOST_PAGES: u32 = 1_000;

/// A token as the service shows it. Only what nothing can be done without is required.
#[derive(Debug, Deserialize)]
struct Token {
    id: u64,
    name: Option<String>,
    description: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    active: Option<bool>,
    created_at: Option<DateText>,
    #[serde(default, deserialize_with = "never_if_null")]
    expires_at: When,
    #[serde(default, deserialize_with = "never_if_null")]
    last_used_at: When,
}

/// What is not there at all is not "never".
fn never_if_null<'de, D: Deserializer<'de>>(date: D) -> std::result::Result<When, D::Error> {
    let date = Option::<DateText>::deserialize(date)?;
    Ok(date.map_or(When::Never, |date| date.to_when()))
}

/// What a token is created from, which is also what a template of one holds.
#[derive(Serialize, Deserialize)]
struct Body {
    name: String,
    description: String,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Forge(Client);

impl Forge {
    pub(crate) fn builder() -> ClientBuilder<Client> {
        API.client()
    }

    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    fn record(&self, token: Token) -> TokenRecord {
        let mut record = TokenRecord::new(FORGE, TokenKey::new(token.id.to_string()));
        record.revision = format!("{:?}/{:?}", token.active, token.expires_at);
        record.marker = token.description.as_deref().and_then(Marker::in_text);
        record.name = token.name;
        record.kind = TokenKind::Personal;
        record.state = match token.active {
            _ if token.expires_at.time().is_some_and(|end| end <= self.now()) => {
                TokenState::Expired
            }
            Some(true) => TokenState::Active,
            Some(false) => TokenState::Inactive,
            None => TokenState::Unknown,
        };
        let created = token.created_at.map(|date| date.to_when());
        record.created = created.unwrap_or_default();
        record.expires = token.expires_at;
        record.last_used = token.last_used_at;
        record.privilege = Privilege::Custom(Some(token.scopes.join(" ")));
        record
    }

    async fn find(&self, key: &TokenKey) -> Result<Token> {
        self.0.call(&GET).segment("id", id(key)?).read().await
    }

    /// The token that the client's own credential is the secret of.
    async fn own(client: &Client) -> Result<Token> {
        client.call(&SELF).read().await
    }

    fn new_record(&self, new: NewToken<Token>) -> NewToken<TokenRecord> {
        let (token, secret) = new.into_parts();
        NewToken::new(self.record(token), secret)
    }
}

/// An id is a number here. What else could stand in its place means something of its own: `self`.
fn id(key: &TokenKey) -> Result<u64> {
    let number = key.as_str().parse();
    number.map_err(|_| Error::new(FORGE, ErrorKind::InvalidInput, "the id is no number"))
}

fn unsupported(what: &str) -> Error {
    Error::new(FORGE, ErrorKind::Unsupported, what)
}

impl TokenService for Forge {
    fn service(&self) -> Service {
        FORGE
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::none();
        can.expiry_on_create = true;
        can.reports_last_use = true;
        can.marks_successors = true;
        can.identifies_caller = true;
        can
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        match action {
            Action::List => &["listTokens"],
            Action::Get | Action::TokenTemplate => &["getToken"],
            Action::Create => &["createToken"],
            Action::Reset => &["rotateToken"],
            Action::Delete => &["revokeToken"],
            Action::Verify | Action::WhoAmI | Action::OwnCredential => &["getOwnToken"],
            _ => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let this = self.clone();
        let pages = stream::try_unfold((this, 1), async |(this, page)| {
            if page > MOST_PAGES {
                let endless = "there are more pages than there can be";
                return Err(Error::new(FORGE, ErrorKind::LimitExceeded, endless));
            }
            let call = this.0.call(&LIST).query("page", page).query("per_page", 20);
            let tokens = call.list::<Token>("id").await?;
            if tokens.is_empty() {
                // A page that is merely short is not the end.
                return Ok(None);
            }
            let (tokens, unreadable) = tokens.into_parts();
            let tokens = tokens.into_iter().map(|token| Ok(this.record(token)));
            let unreadable = unreadable.into_iter();
            let unreadable = unreadable.map(|item| Err(Error::unreadable(FORGE, item)));
            let records: Vec<_> = tokens.chain(unreadable).collect();
            Ok(Some((stream::iter(records), (this, page + 1))))
        });
        RecordStream::new(pages.try_flatten())
    }

    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        let key = key.clone();
        Box::pin(async move { Ok(self.record(self.find(&key).await?)) })
    }

    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        let key = key.clone();
        Box::pin(async move {
            let token = self.find(&key).await?;
            let body = Body {
                name: token.name.unwrap_or_default(),
                description: token.description.unwrap_or_default(),
                scopes: token.scopes,
                expires_at: None,
            };
            Ok(TokenTemplate::new(
                serde_json::to_value(body).unwrap_or_default(),
            ))
        })
    }

    fn create(
        &self,
        template: &TokenTemplate,
        overrides: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        let body = Body::deserialize(template.properties());
        Box::pin(async move {
            let bad = |what| Error::new(FORGE, ErrorKind::InvalidInput, what);
            let mut body = body.map_err(|_| bad("the template is none of this service"))?;
            if let Some(name) = overrides.name {
                body.name = name;
            }
            if let Some(marker) = overrides.marker {
                body.description = marker.appended_to(&body.description);
            }
            let end = match overrides.expires {
                Some(Expiry::At(end)) => Some(end),
                Some(Expiry::In(span)) => {
                    let end = self.now().checked_add(span);
                    Some(end.ok_or_else(|| bad("the end lies too far in the future"))?)
                }
                _ => None,
            };
            body.expires_at = end.map(|end| When::At(end).to_string());
            let call = self.0.call(&CREATE).body(&body);
            Ok(self.new_record(call.new_token("token").await?))
        })
    }

    fn secret(&self, _: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        // Nobody is shown a secret again.
        Box::pin(async { Ok(None) })
    }

    fn reset(
        &self,
        key: &TokenKey,
        grace: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        let key = key.clone();
        Box::pin(async move {
            // Nothing is done by halves: who needs the old secret for a while must not lose it.
            if grace.is_some_and(|grace| !grace.is_zero()) {
                return Err(unsupported(
                    "an old secret ends at once; make another token",
                ));
            }
            let call = self.0.call(&ROTATE).segment("id", id(&key)?);
            Ok(self.new_record(call.new_token("token").await?))
        })
    }

    fn set_expiry(&self, _: &TokenKey, _: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        Box::pin(async { Err(unsupported("an end is set when a token is made")) })
    }

    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
        let key = key.clone();
        Box::pin(async move { self.0.call(&REVOKE).segment("id", id(&key)?).done().await })
    }

    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>> {
        let key = key.clone();
        Box::pin(async move {
            match Self::own(&self.0.with_credential(secret.clone())?).await {
                Ok(token) if token.id == id(&key)? => Ok(Verification::Accepted),
                Ok(_) => {
                    let other = "the secret is that of another token";
                    Err(Error::new(FORGE, ErrorKind::Conflict, other))
                }
                Err(error) if error.is_unauthenticated() => Ok(Verification::Refused),
                Err(error) => Err(error),
            }
        })
    }

    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
        Box::pin(async {
            let token = Self::own(&self.0).await?;
            let mut caller = CallerIdentity::new();
            caller.key = Some(TokenKey::new(token.id.to_string()));
            caller.name = token.name;
            caller.scopes = token.scopes;
            Ok(caller)
        })
    }

    fn is_own_credential<'a>(
        &'a self,
        record: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<OwnCredential>> {
        Box::pin(async move {
            let own = self.whoami().await?.key;
            Ok(if own.as_ref() == Some(&record.key) {
                OwnCredential::Yes
            } else {
                OwnCredential::No
            })
        })
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.0.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.0.now()
    }
}
