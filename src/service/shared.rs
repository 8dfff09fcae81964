//! A service behind a pointer is a service.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{
    Action, Answer, CallerIdentity, Capabilities, NewRecord, Overrides, OwnCredential,
    RecordStream, TokenKey, TokenRecord, TokenService, TokenTemplate, Verification,
};
use crate::error::Result;
use crate::id::Service;
use crate::pointer::pass_on;
use crate::secret::Secret;
use crate::time::Expiry;

pass_on!(TokenService for Arc<T>, Box<T>, &T => {
    fn service(&self) -> Service;
    fn capabilities(&self) -> Capabilities;
    fn calls(&self, action: Action) -> &'static [&'static str];
    fn list(&self) -> RecordStream;
    fn get(&self, key: &TokenKey) -> Answer<'_, TokenRecord>;
    fn template(&self, key: &TokenKey) -> Answer<'_, TokenTemplate>;
    fn create(&self, template: &TokenTemplate, overrides: Overrides) -> Answer<'_, NewRecord>;
    fn secret(&self, key: &TokenKey) -> Answer<'_, Option<Secret>>;
    fn reset(&self, key: &TokenKey, old_secret_for: Option<Duration>) -> Answer<'_, NewRecord>;
    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> Answer<'_, TokenRecord>;
    fn delete(&self, key: &TokenKey) -> Answer<'_, ()>;
    fn verify<'a>(&'a self, key: &TokenKey, secret: &'a Secret) -> Answer<'a, Verification>;
    fn whoami(&self) -> Answer<'_, CallerIdentity>;
    fn is_own_credential<'a>(&'a self, record: &'a TokenRecord) -> Answer<'a, OwnCredential>;
    fn use_credential(&self, secret: Secret) -> Result<()>;
    fn now(&self) -> SystemTime;
});
