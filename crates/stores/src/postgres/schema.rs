//! The table, how it came to its form, and the statements on it.

use access_tokens::rotation::state::{StoreError, StoreErrorKind};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// How much of a key is the same for all names that begin alike.
pub(super) const WRITTEN_OUT: usize = 100;

/// The form that this version reads and writes.
#[expect(clippy::cast_possible_wrap, reason = "a handful")]
#[expect(clippy::cast_possible_truncation, reason = "a handful")]
pub(super) const CURRENT: i32 = MIGRATIONS.len() as i32;

/// Each leads from one form of the table to the next one. What has been released does not change.
pub(super) const MIGRATIONS: &[&str] = &[r#"create table access_tokens_state (
    key text collate "C" primary key,
    generation bigint not null,
    write_id text not null,
    entry text not null,
    sum bytea not null,
    written timestamptz not null default now()
)"#];

/// Whether what was answered is on the disk.
pub(super) const DURABLE: &str = "select current_setting('synchronous_commit') <> 'off' \
    and current_setting('fsync') = 'on'";

/// The statements, with the name of the table in them.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) table: String,
    pub(super) load: String,
    pub(super) create: String,
    pub(super) replace: String,
    pub(super) remove: String,
    pub(super) remove_text: String,
    pub(super) list: String,
}

impl Statements {
    pub(super) fn new(table: &str) -> Result<Self, StoreError> {
        let word = |word: &str| {
            let mut bytes = word.bytes();
            bytes
                .next()
                .is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
                && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                && word.len() < 64
        };
        let mut words = table.splitn(2, '.');
        if !words.all(word) {
            let text = format!(
                "{table:?} is no name for the table: lower-case letters, digits and _, after a schema \
                 and a dot if need be"
            );
            return Err(StoreError::new(StoreErrorKind::InvalidName, text));
        }
        let sum = |text: &str| format!("sha256(convert_to({text}, 'UTF8'))");
        let (stored, intact) = (sum("$4"), format!("sum = {}", sum("entry")));
        let is = format!("key = $1 and generation = $2 and write_id = $3 and {intact}");
        Ok(Self {
            load: format!("select entry, {intact} from {table} where key = $1"),
            create: format!(
                "insert into {table} (key, generation, write_id, entry, sum) \
                 values ($1, $2, $3, $4, {stored}) on conflict (key) do nothing"
            ),
            replace: format!(
                "update {table} set generation = $4, write_id = $5, entry = $6, sum = {}, \
                 written = now() where {is}",
                sum("$6")
            ),
            remove: format!("delete from {table} where {is}"),
            remove_text: format!("delete from {table} where key = $1 and entry = $2"),
            list: format!(
                "select entry, {intact}, key from {table} where key >= $1 and key < $2 order by key"
            ),
            table: table.to_owned(),
        })
    }
}

/// Which form the table has; 0 if there is none.
pub(super) async fn version(client: &Client, statements: &Statements) -> Result<i32, Error> {
    // The form is written down as the table's comment. Reading `pg_class` itself sees a table that was
    // made while the lock was waited for; `to_regclass` alone may remember that there was none.
    let rows = client
        .query_typed(
            "select substring(obj_description(oid, 'pg_class') \
             from '^access-tokens state, form (\\d+)$')::int \
             from pg_catalog.pg_class where oid = to_regclass($1)",
            &[(&statements.table, Type::TEXT)],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(0);
    };
    // A table that an administrator made has the form of the first statement.
    Ok(row.try_get::<_, Option<i32>>(0)?.unwrap_or(1))
}

/// Brings the table up to date, one at a time, and says which form it then has.
pub(super) async fn migrate(client: &Client, statements: &Statements) -> Result<i32, Error> {
    const LOCK: i64 = 0x6163_746f_6b73_7461;
    client
        .batch_execute(&format!("begin; select pg_advisory_xact_lock({LOCK})"))
        .await?;
    let migrated = async {
        let before = version(client, statements).await?;
        let mut form = before;
        let done = usize::try_from(before).unwrap_or(usize::MAX);
        for statement in MIGRATIONS.iter().skip(done) {
            let statement = statement.replace("access_tokens_state", &statements.table);
            client.batch_execute(&statement).await?;
            form += 1;
        }
        if form != before {
            let comment = format!(
                "comment on table {} is 'access-tokens state, form {form}'",
                statements.table
            );
            client.batch_execute(&comment).await?;
        }
        Ok(form)
    };
    let migrated = migrated.await;
    let end = if migrated.is_ok() {
        "commit"
    } else {
        "rollback"
    };
    let ended = client.batch_execute(end).await;
    migrated.and_then(|form| ended.map(|()| form))
}
