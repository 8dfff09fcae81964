//! A service behind a pointer is a service.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;

use super::{
    Action, CallerIdentity, Capabilities, Overrides, OwnCredential, RecordStream, TokenKey,
    TokenRecord, TokenService, TokenTemplate, Verification,
};
use crate::error::Result;
use crate::id::Service;
use crate::new_token::NewToken;
use crate::pointer::pass_on;
use crate::secret::Secret;
use crate::time::Expiry;

type Made<'a> = BoxFuture<'a, Result<NewToken<TokenRecord>>>;

pass_on!(TokenService for Arc<T>, Box<T>, &T => {
    fn service(&self) -> Service;
    fn capabilities(&self) -> Capabilities;
    fn calls(&self, action: Action) -> &'static [&'static str];
    fn list(&self) -> RecordStream;
    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>>;
    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>>;
    fn create(&self, template: &TokenTemplate, overrides: Overrides) -> Made<'_>;
    fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>>;
    fn reset(&self, key: &TokenKey, old_secret_for: Option<Duration>) -> Made<'_>;
    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> BoxFuture<'_, Result<TokenRecord>>;
    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>>;
    fn verify<'a>(&'a self, key: &TokenKey, secret: &'a Secret) -> BoxFuture<'a, Result<Verification>>;
    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>>;
    fn is_own_credential<'a>(&'a self, record: &'a TokenRecord) -> BoxFuture<'a, Result<OwnCredential>>;
    fn use_credential(&self, secret: Secret) -> Result<()>;
    fn now(&self) -> SystemTime;
});
