//! A service in memory whose list does what a test wants.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use access_tokens::{
    Action, BoxFuture, CallerIdentity, Capabilities, Error, ErrorKind, Expiry, NewToken, Overrides,
    OwnCredential, RecordStream, Result, Secret, Service, TokenKey, TokenRecord, TokenService,
    TokenTemplate, Verification,
};

pub(super) const MEMORY: Service = Service::new("Memory");

type List = dyn Fn() -> RecordStream + Send + Sync;

#[derive(Clone)]
pub(super) struct Memory(Arc<List>);

impl Memory {
    pub(super) fn listing(list: impl Fn() -> RecordStream + Send + Sync + 'static) -> Self {
        Self(Arc::new(list))
    }

    /// Always the same records, each ready at once.
    pub(super) fn holding(records: Vec<TokenRecord>) -> Self {
        Self::listing(move || {
            let records = records.clone();
            RecordStream::from_future(async { Ok(records) })
        })
    }

    pub(super) fn with(count: usize) -> Self {
        Self::holding((0..count).map(|n| record(&format!("{n:06}"))).collect())
    }
}

pub(super) fn record(key: &str) -> TokenRecord {
    TokenRecord::new(MEMORY, TokenKey::new(key))
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

fn no<T: Send + 'static>() -> BoxFuture<'static, Result<T>> {
    let error = Error::new(MEMORY, ErrorKind::Unsupported, "this one only lists");
    Box::pin(async { Err(error) })
}

impl TokenService for Memory {
    fn service(&self) -> Service {
        MEMORY
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }

    fn calls(&self, _: Action) -> &'static [&'static str] {
        &[]
    }

    fn list(&self) -> RecordStream {
        (self.0)()
    }

    fn get(&self, _: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        no()
    }

    fn template(&self, _: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        no()
    }

    fn create(
        &self,
        _: &TokenTemplate,
        _: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        no()
    }

    fn secret(&self, _: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        no()
    }

    fn reset(
        &self,
        _: &TokenKey,
        _: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        no()
    }

    fn set_expiry(&self, _: &TokenKey, _: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        no()
    }

    fn delete(&self, _: &TokenKey) -> BoxFuture<'_, Result<()>> {
        no()
    }

    fn verify<'a>(&'a self, _: &TokenKey, _: &'a Secret) -> BoxFuture<'a, Result<Verification>> {
        no()
    }

    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
        no()
    }

    fn is_own_credential<'a>(&'a self, _: &'a TokenRecord) -> BoxFuture<'a, Result<OwnCredential>> {
        Box::pin(async { Ok(OwnCredential::Unknown) })
    }

    fn use_credential(&self, _: Secret) -> Result<()> {
        Ok(())
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
