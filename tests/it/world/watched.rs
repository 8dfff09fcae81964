//! A service with somebody who looks on.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use access_tokens::{
    Action, BoxFuture, CallerIdentity, Capabilities, Expiry, NewToken, Overrides, OwnCredential,
    RecordStream, Result, Secret, Service, TokenKey, TokenRecord, TokenService, TokenTemplate,
    Verification,
};

/// Called before and after every call. A future that never ends is a crash at that place.
pub(crate) type Hook = Arc<dyn Fn(Action, Moment) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// Passes everything on, and calls a hook before and after.
#[derive(Clone)]
pub(crate) struct Watched {
    inner: Arc<dyn TokenService>,
    hook: Hook,
    /// What was last asked to be created.
    pub(crate) asked: Arc<Mutex<Option<(TokenTemplate, Overrides)>>>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl Watched {
    pub(crate) fn new(inner: Arc<dyn TokenService>, hook: Hook) -> Self {
        Self {
            inner,
            hook,
            asked: Arc::default(),
        }
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        action: Action,
        call: BoxFuture<'a, T>,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move {
            (self.hook)(action, Moment::Before).await;
            let result = call.await;
            (self.hook)(action, Moment::After).await;
            result
        })
    }
}

impl TokenService for Watched {
    fn service(&self) -> Service {
        self.inner.service()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        self.inner.calls(action)
    }

    fn list(&self) -> RecordStream {
        let (mut list, hook) = (self.inner.list(), Arc::clone(&self.hook));
        RecordStream::from_future(async move {
            hook(Action::List, Moment::Before).await;
            let mut all = Vec::new();
            while let Some(record) = list.try_next().await? {
                all.push(record);
            }
            hook(Action::List, Moment::After).await;
            Ok(all)
        })
    }

    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        self.around(Action::Get, self.inner.get(key))
    }

    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        self.around(Action::TokenTemplate, self.inner.template(key))
    }

    fn create(
        &self,
        template: &TokenTemplate,
        successor: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        *self.asked.lock().unwrap() = Some((template.clone(), successor.clone()));
        self.around(Action::Create, self.inner.create(template, successor))
    }

    fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        self.around(Action::Secret, self.inner.secret(key))
    }

    fn reset(
        &self,
        key: &TokenKey,
        old_secret_for: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        self.around(Action::Reset, self.inner.reset(key, old_secret_for))
    }

    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        self.around(Action::SetExpiry, self.inner.set_expiry(key, expiry))
    }

    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
        self.around(Action::Delete, self.inner.delete(key))
    }

    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>> {
        self.around(Action::Verify, self.inner.verify(key, secret))
    }

    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
        self.around(Action::WhoAmI, self.inner.whoami())
    }

    fn is_own_credential<'a>(
        &'a self,
        record: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<OwnCredential>> {
        self.inner.is_own_credential(record)
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.inner.use_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.inner.now()
    }
}
