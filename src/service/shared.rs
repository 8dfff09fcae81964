//! A service behind a pointer is a service.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{
    Action, CallerIdentity, Capabilities, Overrides, OwnCredential, RecordStream, TokenKey,
    TokenRecord, TokenService, TokenTemplate, Verification,
};
use crate::error::Result;
use crate::id::Service;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::time::Expiry;
use futures_core::future::BoxFuture;

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<T: TokenService + ?Sized> TokenService for $pointer {
            fn service(&self) -> Service {
                (**self).service()
            }

            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            fn calls(&self, action: Action) -> &'static [&'static str] {
                (**self).calls(action)
            }

            fn list(&self) -> RecordStream {
                (**self).list()
            }

            fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
                (**self).get(key)
            }

            fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
                (**self).template(key)
            }

            fn create(
                &self,
                template: &TokenTemplate,
                overrides: Overrides,
            ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
                (**self).create(template, overrides)
            }

            fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
                (**self).secret(key)
            }

            fn reset(
                &self,
                key: &TokenKey,
                old_secret_for: Option<Duration>,
            ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
                (**self).reset(key, old_secret_for)
            }

            fn set_expiry(
                &self,
                key: &TokenKey,
                expiry: Expiry,
            ) -> BoxFuture<'_, Result<TokenRecord>> {
                (**self).set_expiry(key, expiry)
            }

            fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
                (**self).delete(key)
            }

            fn verify<'a>(
                &'a self,
                key: &TokenKey,
                secret: &'a Secret,
            ) -> BoxFuture<'a, Result<Verification>> {
                (**self).verify(key, secret)
            }

            fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
                (**self).whoami()
            }

            fn is_own_credential<'a>(
                &'a self,
                record: &'a TokenRecord,
            ) -> BoxFuture<'a, Result<OwnCredential>> {
                (**self).is_own_credential(record)
            }

            fn use_credential(&self, secret: Secret) -> Result<()> {
                (**self).use_credential(secret)
            }

            fn now(&self) -> SystemTime {
                (**self).now()
            }
        }
    )+};
}

forward!(Arc<T>, Box<T>, &T);
