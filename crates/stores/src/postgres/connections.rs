//! Connections that are made when they are needed, and what is certain when one fails.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access_tokens::BoxFuture;
use access_tokens::rotation::state::{StoreError, StoreErrorKind};
use tokio::sync::Semaphore;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, Socket};

type Connect = dyn Fn() -> BoxFuture<'static, Result<Client, Error>> + Send + Sync;

/// What all calls share.
#[derive(Clone)]
pub(super) struct Connections {
    connect: Arc<Connect>,
    idle: Arc<Mutex<Vec<Client>>>,
    places: Arc<Semaphore>,
    pub(super) timeout: Duration,
}

/// Why a call gave nothing.
pub(super) enum Failed {
    /// It did not reach the server.
    NotSent(String),
    /// The server refused it, so it is not done.
    Server { text: String, retryable: bool },
    /// It may have been done.
    Lost(String),
}

impl Connections {
    pub(super) fn new<T>(config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connect = move || -> BoxFuture<'static, Result<Client, Error>> {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, connection) = config.connect(tls).await?;
                // It ends with the client, or with an error that the client's calls then have.
                tokio::spawn(async move {
                    let _ = connection.await;
                });
                Ok(client)
            })
        };
        Self {
            connect: Arc::new(connect),
            idle: Arc::default(),
            places: Arc::new(Semaphore::new(8)),
            timeout: Duration::from_secs(10),
        }
    }

    pub(super) fn limit(&mut self, most: usize) {
        self.places = Arc::new(Semaphore::new(most.max(1)));
    }

    /// Does something on a connection that nobody else uses meanwhile.
    pub(super) async fn with<T>(
        &self,
        call: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, Failed> {
        let end = tokio::time::Instant::now() + self.timeout;
        let late = |_| Failed::NotSent(format!("no connection within {:?}", self.timeout));
        let place = tokio::time::timeout_at(end, self.places.acquire())
            .await
            .map_err(late)?;
        let client = if let Some(client) = self.idle_one() {
            client
        } else {
            let connected = tokio::time::timeout_at(end, (self.connect)())
                .await
                .map_err(late)?;
            connected.map_err(|error| Failed::NotSent(text(&error)))?
        };
        let done = tokio::time::timeout_at(end, call(&client)).await;
        // One whose answer did not come may still be at work.
        let Ok(done) = done else {
            return Err(Failed::Lost(format!("no answer within {:?}", self.timeout)));
        };
        if !client.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(client);
        }
        drop(place);
        done.map_err(|error| Failed::from(&error))
    }

    fn idle_one(&self) -> Option<Client> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(client) = idle.pop() {
            if !client.is_closed() {
                return Some(client);
            }
        }
        None
    }
}

impl From<&Error> for Failed {
    fn from(error: &Error) -> Self {
        let text = text(error);
        let Some(state) = error.code() else {
            return Self::Lost(text);
        };
        // The server goes away, or does not know itself: the commit may have been before that.
        if ["57P", "58", "XX", "08"]
            .iter()
            .any(|class| state.code().starts_with(class))
        {
            return Self::Lost(text);
        }
        let retryable = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(state);
        Self::Server { text, retryable }
    }
}

impl Failed {
    pub(super) fn writing(&self, table: &str) -> StoreError {
        let kind = match self {
            Self::NotSent(_) | Self::Server { .. } => StoreErrorKind::NotWritten,
            Self::Lost(_) => StoreErrorKind::Unknown,
        };
        self.error(kind, table)
    }

    pub(super) fn error(&self, kind: StoreErrorKind, table: &str) -> StoreError {
        let (Self::NotSent(text) | Self::Server { text, .. } | Self::Lost(text)) = self;
        StoreError::new(kind, format!("PostgreSQL, table {table}: {text}"))
    }
}

/// What the server said, or what happened to the connection. Values of parameters are in neither.
fn text(error: &Error) -> String {
    use std::error::Error as _;

    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
