//! State in a table of PostgreSQL: one row an entry, changed by conditional statements.

mod clock;
mod connections;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use access_tokens::BoxFuture;
use access_tokens::rotation::state::{
    Listed, StateStore, StoreError, StoreErrorKind, StoreVersion, Stored, Unreadable, check_name,
    escape_name, probe, unescape_name,
};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row, Socket};

use self::clock::Clock;
use self::connections::{Connections, Failed};
use self::schema::Statements;
use crate::form;

/// State store in a table of PostgreSQL, for runners on many machines.
///
/// Every change is one statement with the expected version in its condition, so that no lock is held
/// between two of them and none can be left behind. The table is made and brought up to date by
/// [`connect`](Self::connect), or by an administrator with [`MIGRATIONS`](Self::MIGRATIONS). The clock is
/// the server's, asked every few seconds.
///
/// No more than [`connections`](Self::connections) are open at a time; they are made when they are
/// needed, and made again when they are lost. A call takes no longer than the
/// [`timeout`](Self::timeout); its connection is then given up.
///
/// ```no_run
/// use access_tokens::rotation::state::StateStore;
/// use access_tokens_stores::PostgresStore;
/// use tokio_postgres::{Config, NoTls};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config: Config = "host=/run/postgresql user=keeper dbname=keeper".parse()?;
/// let store = PostgresStore::connect(config, NoTls).await?;
/// store.probe().await?;
/// # Ok(())
/// # }
/// ```
///
/// Over a network use a connector with TLS, such as that of `tokio-postgres-rustls`, in the place of
/// `NoTls`.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Arc<Connections>,
    statements: Arc<Statements>,
    clock: Arc<Clock>,
}

/// Shows neither the user nor the password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("table", &self.statements.table)
            .finish_non_exhaustive()
    }
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl PostgresStore {
    /// The statements that bring the table `access_tokens_state` up to date, one for each version of
    /// its form, for an administrator who keeps `create` to themselves.
    pub const MIGRATIONS: &[&str] = schema::MIGRATIONS;

    /// Connects, and makes the table `access_tokens_state` or brings it up to date.
    ///
    /// # Errors
    /// [`NotWritten`](StoreErrorKind::NotWritten) if the server cannot be reached or refuses, or if the
    /// table is missing and the user may not make it.
    pub async fn connect<T>(config: Config, tls: T) -> Result<Self>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
    {
        Self::connect_to(config, tls, "access_tokens_state").await
    }

    /// Connects as [`connect`](Self::connect) does, with another table: `name` or `schema.name`, of
    /// lower-case letters, digits and `_`.
    ///
    /// # Errors
    /// [`InvalidName`](StoreErrorKind::InvalidName), and as [`connect`](Self::connect).
    pub async fn connect_to<T>(config: Config, tls: T, table: &str) -> Result<Self>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
    {
        let store = Self {
            connections: Arc::new(Connections::new(config, tls)),
            statements: Arc::new(Statements::new(table)?),
            clock: Arc::default(),
        };
        store.migrate().await?;
        Ok(store)
    }

    /// Sets how many connections may be open at a time (8). Calls beyond that wait.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        Arc::make_mut(&mut self.connections).limit(most);
        self
    }

    /// Sets how long a call may take (10 s), waiting for a connection included.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.connections).timeout = timeout;
        self
    }

    async fn migrate(&self) -> Result<()> {
        let migrated = self.connections.with(async |client| {
            let current = schema::version(client, &self.statements).await?;
            if current == schema::CURRENT {
                return Ok(current);
            }
            schema::migrate(client, &self.statements).await
        });
        match migrated.await {
            Ok(schema::CURRENT) => Ok(()),
            Ok(newer) => Err(StoreError::new(
                StoreErrorKind::Unsuitable,
                format!(
                    "the table {} has form {newer}, of a newer version of this software: use that one",
                    self.statements.table
                ),
            )),
            Err(error) => Err(error.error(StoreErrorKind::NotWritten, &self.statements.table)),
        }
    }

    async fn rows(
        &self,
        statement: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>> {
        let rows = self
            .connections
            .with(async |client| client.query_typed(statement, params).await);
        rows.await
            .map_err(|error| error.error(StoreErrorKind::Unavailable, &self.statements.table))
    }

    /// Runs a conditional statement; the error is for when it finds nothing that it is for.
    async fn change(
        &self,
        statement: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
        name: &str,
        otherwise: StoreError,
    ) -> Result<()> {
        let done = self
            .connections
            .with(async |client| client.execute_typed(statement, params).await);
        match done.await {
            // Under a stricter isolation the loser of a race is told so.
            Ok(0)
            | Err(Failed::Server {
                retryable: true, ..
            }) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.writing(&self.statements.table)),
        }
        Err(match self.load(name).await {
            Err(error) if error.kind() == StoreErrorKind::Unreadable => error,
            _ => otherwise,
        })
    }

    fn read(row: &Row, name: &str) -> Result<Stored, &'static str> {
        const OTHER: &str = "has columns of another type: was the table changed?";
        let text: &str = row.try_get(0).map_err(|_| OTHER)?;
        let intact: bool = row.try_get(1).map_err(|_| OTHER)?;
        if !intact {
            return Err("does not fit its checksum: was it changed by hand?");
        }
        form::entry(text.as_bytes(), name)
    }

    fn place(&self, key: &str) -> String {
        format!("row {key:?} of {}", self.statements.table)
    }
}

/// PostgreSQL counts to 2^63 only.
fn generation(version: &StoreVersion) -> Result<i64> {
    i64::try_from(version.generation).map_err(|_| {
        let text = format!("generation {} is too large", version.generation);
        StoreError::new(StoreErrorKind::NotWritten, text)
    })
}

impl StateStore for PostgresStore {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let key = escape_name(check_name(name)?);
            let rows = self
                .rows(&self.statements.load, &[(&key, Type::TEXT)])
                .await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            let entry = Self::read(row, name);
            entry
                .map(Some)
                .map_err(|why| form::unreadable(&self.place(&key), why))
        })
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = escape_name(check_name(&entry.name)?);
            let (text, generation) = (form::text(entry)?, generation(&entry.version)?);
            let params: [(&(dyn ToSql + Sync), Type); 4] = [
                (&key, Type::TEXT),
                (&generation, Type::INT8),
                (&entry.version.write_id, Type::TEXT),
                (&text, Type::TEXT),
            ];
            let taken = StoreError::exists(&entry.name);
            self.change(&self.statements.create, &params, &entry.name, taken)
                .await
        })
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = escape_name(check_name(&entry.name)?);
            let (text, new) = (form::text(entry)?, generation(&entry.version)?);
            let old = generation(expected)?;
            let params: [(&(dyn ToSql + Sync), Type); 6] = [
                (&key, Type::TEXT),
                (&old, Type::INT8),
                (&expected.write_id, Type::TEXT),
                (&new, Type::INT8),
                (&entry.version.write_id, Type::TEXT),
                (&text, Type::TEXT),
            ];
            let lost = StoreError::superseded(&entry.name);
            self.change(&self.statements.replace, &params, &entry.name, lost)
                .await
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = escape_name(check_name(name)?);
            let old = generation(expected)?;
            let params: [(&(dyn ToSql + Sync), Type); 3] = [
                (&key, Type::TEXT),
                (&old, Type::INT8),
                (&expected.write_id, Type::TEXT),
            ];
            let lost = StoreError::superseded(name);
            self.change(&self.statements.remove, &params, name, lost)
                .await
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>>> {
        Box::pin(async move {
            // What begins alike has keys that do, as far as a key is written out, and but for the
            // last character, which may be written in another way where a name ends.
            let from = escape_name(&format!("{prefix}~"));
            let from = from.strip_suffix("%7e").unwrap_or(&from);
            let mut from: String = from.chars().take(schema::WRITTEN_OUT).collect();
            from.pop();
            let to = format!("{from}\u{7f}");
            let params: [(&(dyn ToSql + Sync), Type); 2] = [(&from, Type::TEXT), (&to, Type::TEXT)];
            let mut found = Vec::new();
            for row in self.rows(&self.statements.list, &params).await? {
                let key: String = row.try_get(2).unwrap_or_default();
                let name = unescape_name(&key);
                if name.as_ref().is_some_and(|name| !name.starts_with(prefix)) {
                    continue;
                }
                let entry = match Self::read(&row, name.as_deref().unwrap_or_default()) {
                    Ok(entry) if escape_name(&entry.name) != key => Err(form::OTHER_NAME),
                    entry => entry,
                };
                found.push(match entry {
                    Ok(entry) if entry.name.starts_with(prefix) => {
                        (entry.name.clone(), Listed::Entry(entry))
                    }
                    Ok(_) => continue,
                    Err(why) => {
                        let reason = format!("{} {why}", self.place(&key));
                        let name = name.unwrap_or(key);
                        (
                            name.clone(),
                            Listed::Unreadable(Unreadable { name, reason }),
                        )
                    }
                });
            }
            found.sort_by(|(one, _), (other, _)| one.cmp(other));
            Ok(found.into_iter().map(|(_, listed)| listed).collect())
        })
    }

    fn remove_unreadable<'a>(&'a self, listed: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for (key, name) in [(escape_name(listed), listed), (listed.to_owned(), "")] {
                let rows = self
                    .rows(&self.statements.load, &[(&key, Type::TEXT)])
                    .await?;
                let Some(row) = rows.first() else {
                    continue;
                };
                let read = Self::read(row, name);
                let Ok(text) = row.try_get::<_, String>(0) else {
                    continue;
                };
                if read.is_ok_and(|entry| escape_name(&entry.name) == key) {
                    continue;
                }
                let params: [(&(dyn ToSql + Sync), Type); 2] =
                    [(&key, Type::TEXT), (&text, Type::TEXT)];
                let lost = StoreError::superseded(listed);
                let remove = &self.statements.remove_text;
                return match self.change(remove, &params, listed, lost.clone()).await {
                    Err(error) if error.kind() == StoreErrorKind::Unreadable => Err(lost),
                    done => done,
                };
            }
            let text = format!("no entry {listed:?} is unreadable");
            Err(StoreError::new(StoreErrorKind::Superseded, text))
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let rows = self.rows(schema::DURABLE, &[]).await?;
            let durable = rows.first().and_then(|row| row.try_get::<_, bool>(0).ok());
            if durable != Some(true) {
                let text = "the server answers before a commit is on the disk (fsync or \
                    synchronous_commit is off), so that it may forget what rotations rely on: \
                    `alter role … set synchronous_commit = on`";
                return Err(StoreError::new(StoreErrorKind::Unsuitable, text));
            }
            probe(self).await
        })
    }

    fn now(&self) -> BoxFuture<'_, Result<Option<SystemTime>>> {
        Box::pin(async move {
            if let Some(now) = self.clock.carried_on() {
                return Ok(Some(now));
            }
            let rows = self.rows("select clock_timestamp()", &[]).await?;
            let now: Option<SystemTime> = rows.first().and_then(|row| row.try_get(0).ok());
            if let Some(now) = now {
                self.clock.keep(now);
            }
            Ok(now)
        })
    }
}
