//! The database of the twin: two tables, an option, and what the SQL does with them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Number, Value, json};

use super::jwt::Key;
use super::model::{CreateTokenOption, Seed, TwinToken};
use super::options::Options;
use super::request::{
    CreateTokenOptions, GetUserTokenValueWithoutTokenOptions, Refusal, UpdateTokenOptions,
};
use crate::settling::{Life, Settling, is_over};
use access_tokens::{Secret, UnixSeconds};

const TOKEN: &str = "token";
const USER_TOKEN: &str = "user_token";

#[derive(Clone)]
pub(super) struct Row {
    /// Of the row, for lists and values.
    life: Life,
    /// Of its token.
    token_life: Life,
    id: i64,
    name: String,
    token: String,
    active: bool,
    write: bool,
    expiration_date: Number,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    /// What answers show instead.
    shown_with: Map<String, Value>,
}

pub(super) struct State {
    key: Key,
    first_key: Key,
    rows: BTreeMap<i64, Row>,
    /// Rows that were removed, and old tokens of rows that were not, as long as they are seen
    /// somewhere.
    gone: Vec<Row>,
    pub(super) settling: Settling,
    max_lifetime: Option<Duration>,
    last_id: i64,
    admin: Row,
    password: String,
    pub(super) create_token: CreateTokenOption,
    pub(super) locked_writes: u32,
    pub(super) dead_creates: u32,
}

impl State {
    pub(super) fn new(options: Options, now: i64) -> Self {
        let key = Key::random();
        let admin = Row {
            life: Life::default(),
            token_life: Life::default(),
            id: 1,
            name: options.email,
            token: key.sign(USER_TOKEN, &now.into(), now),
            active: true,
            write: true,
            expiration_date: now.into(),
            created_at: Some(now),
            updated_at: Some(now),
            shown_with: Map::new(),
        };
        Self {
            first_key: key.clone(),
            key,
            rows: BTreeMap::new(),
            gone: Vec::new(),
            settling: Settling::default(),
            max_lifetime: options.max_lifetime,
            last_id: 0,
            admin,
            password: options.password,
            create_token: CreateTokenOption::On,
            locked_writes: 0,
            dead_creates: 0,
        }
    }

    pub(super) fn admin_token(&self) -> &str {
        &self.admin.token
    }

    pub(super) fn change_key(&mut self) {
        self.key = Key::random();
    }

    pub(super) fn restore_key(&mut self) {
        self.key = self.first_key.clone();
    }

    pub(super) fn check_option(&self) -> Result<(), Refusal> {
        match self.create_token {
            CreateTokenOption::On => Ok(()),
            CreateTokenOption::Off => Err(Refusal::NotFound),
            CreateTokenOption::Invalid => Err(Refusal::Internal),
        }
    }

    /// Whose token it is, if it is one that the server accepts.
    pub(super) fn accepts(&self, token: &str, now: i64) -> Option<Caller> {
        let claims = self.key.verify(token)?;
        let (row, is_admin) = match claims.iss.as_str() {
            USER_TOKEN if self.admin.token == token => (&self.admin, true),
            TOKEN => {
                let mut all = self.rows.values().chain(&self.gone);
                (all.find(|row| row.token == token)?, false)
            }
            _ => return None,
        };
        let caller = Caller {
            is_admin,
            may_write: row.write,
        };
        let end = row.expiration_date.as_i64()?;
        let matches = end == claims.exp && row.updated_at == Some(claims.iat);
        let never_expires = row.updated_at == Some(end);
        let in_force = (end > now || never_expires) && row.active;
        let (life, settling, now) = (&row.token_life, &self.settling, time(now));
        let new = life
            .made
            .is_some_and(|made| !is_over(made, settling.new_secrets, now));
        let seen = !new && life.lingers(settling.old_secrets, now);
        (matches && in_force && seen).then_some(caller)
    }

    /// The rows that are seen by somebody who sees things this late, in the order of their ids.
    fn seen(&self, late: Duration, now: i64) -> Vec<&Row> {
        let all = self.rows.values().chain(&self.gone);
        let mut seen: Vec<_> = all
            .filter(|row| row.life.is_seen(late, time(now)))
            .collect();
        if !self.gone.is_empty() {
            seen.sort_by_key(|row| row.id);
        }
        seen
    }

    pub(super) fn list(&self, now: i64) -> Value {
        let rows = self.seen(self.settling.lists, now);
        let rows: Vec<_> = rows.into_iter().map(Row::to_json).collect();
        json!({ "data": rows })
    }

    pub(super) fn value(&self, name: &str, now: i64) -> Value {
        let seen = match self.find(name) {
            // Without a search through all of them.
            Some(row) if row.life.is_seen(self.settling.reads, time(now)) => Some(row),
            _ => {
                let mut seen = self.seen(self.settling.reads, now).into_iter();
                seen.find(|row| row.name == name)
            }
        };
        match seen {
            Some(row) => json!({ "data": [{ "token": row.token }] }),
            None => json!({ "data": [] }),
        }
    }

    pub(super) fn create(&mut self, create: CreateTokenOptions, now: i64) -> Result<(), Refusal> {
        if create.expiration_date.is_some_and(|end| end < now) {
            return Err(Refusal::bad_request(
                "The expiration_date must be greater than current time",
            ));
        }
        self.write()?;
        // Taken before the constraints are looked at, so that it is lost if they do not hold.
        self.last_id += 1;
        if create.name.is_empty() || self.find(&create.name).is_some() {
            return Ok(());
        }
        let end = create.expiration_date.unwrap_or_else(|| {
            // The server reads one clock for the end and a later one for the row's times.
            let late = self.dead_creates > 0;
            self.dead_creates -= u32::from(late);
            now - i64::from(late)
        });
        let end = self.granted(end, end == now, now);
        let life = Life::made(time(now));
        let row = Row {
            life,
            token_life: life,
            id: self.last_id,
            name: create.name,
            token: self.key.sign(TOKEN, &end.into(), now),
            active: create.active.unwrap_or(true),
            write: create.write.unwrap_or(true),
            expiration_date: end.into(),
            created_at: Some(now),
            updated_at: Some(now),
            shown_with: Map::new(),
        };
        self.rows.insert(row.id, row);
        Ok(())
    }

    pub(super) fn update(&mut self, update: &UpdateTokenOptions, now: i64) -> Result<(), Refusal> {
        let no_rows = || Refusal::bad_request("Query returned no rows");
        let stored = self.find(&update.name);
        // What is missing is read first, in this order; only that notices a missing row.
        let end = match update.expiration_date {
            Some(end) => end,
            None => stored.ok_or_else(no_rows)?.whole_expiration_date()?,
        };
        let active = match update.active {
            Some(active) => active,
            None => stored.ok_or_else(no_rows)?.active,
        };
        let write = match update.write {
            Some(write) => write,
            None => stored.ok_or_else(no_rows)?.write,
        };
        self.write()?;
        let end = match update.expiration_date {
            Some(_) => self.granted(end, false, now),
            None => end,
        };
        let memory = self.settling.old_secrets;
        let Some(row) = self.rows.values_mut().find(|row| row.name == update.name) else {
            return Ok(());
        };
        let Some(previous) = row.updated_at else {
            return Err(Refusal::bad_request("Invalid type"));
        };
        if !memory.is_zero() {
            let mut old = row.clone();
            old.token_life.gone = Some(time(now));
            // The row itself is still there.
            old.life.gone = Some(SystemTime::UNIX_EPOCH);
            self.gone.push(old);
        }
        row.token_life = Life::made(time(now));
        row.expiration_date = end.into();
        row.active = active;
        row.write = write;
        // The trigger signs with the time of the change before this one.
        row.token = self.key.sign(TOKEN, &row.expiration_date, previous);
        row.updated_at = Some(now);
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str, now: i64) -> Result<(), Refusal> {
        self.write()?;
        self.remove(name, now);
        Ok(())
    }

    /// As [`delete`](Self::delete), past the lock; whether there was one.
    pub(super) fn remove(&mut self, name: &str, now: i64) -> bool {
        let (memory, now) = (self.settling.memory(), time(now));
        self.gone
            .retain(|row| row.life.lingers(memory, now) || row.token_life.lingers(memory, now));
        let Some(id) = self.find(name).map(|row| row.id) else {
            return false;
        };
        if let Some(mut row) = self.rows.remove(&id).filter(|_| !memory.is_zero()) {
            row.life.gone = Some(now);
            row.token_life.gone = Some(now);
            self.gone.push(row);
        }
        true
    }

    /// The end that a row gets which asks for this one.
    fn granted(&self, end: i64, never: bool, now: i64) -> i64 {
        let Some(max) = self.max_lifetime else {
            return end;
        };
        let max = i64::try_from(max.as_secs()).unwrap_or(i64::MAX);
        let latest = now.saturating_add(max);
        if never { latest } else { end.min(latest) }
    }

    pub(super) fn login(
        &self,
        login: &GetUserTokenValueWithoutTokenOptions,
    ) -> Result<Value, Refusal> {
        if login.email != self.admin.name || login.password != self.password {
            return Err(Refusal::bad_request(
                "The email or password is not correct.",
            ));
        }
        Ok(json!({ "data": [{ "token": self.admin.token }] }))
    }

    pub(super) fn seed(&mut self, seed: Seed, now: i64) -> TwinToken {
        self.rows.retain(|_, row| row.name != seed.name);
        self.last_id += 1;
        let created_at = seed.created_at.seconds(now);
        let updated_at = seed.updated_at.seconds(now);
        let end = seed
            .expiration_date
            .unwrap_or_else(|| updated_at.unwrap_or(now).into());
        let issued_at = seed.issued_at.or(updated_at).unwrap_or(now);
        let token = match &seed.secret {
            Some(secret) => secret.expose_secret().to_owned(),
            None => self.key.sign(TOKEN, &end, issued_at),
        };
        let row = Row {
            life: Life::default(),
            token_life: Life::default(),
            id: self.last_id,
            name: seed.name,
            token,
            active: seed.active,
            write: seed.write,
            expiration_date: end,
            created_at,
            updated_at,
            shown_with: seed.shown_with,
        };
        let token = self.describe(&row, now);
        self.rows.insert(row.id, row);
        // Only now can it be alive.
        let alive = self.accepts(token.secret.expose_secret(), now).is_some();
        TwinToken { alive, ..token }
    }

    pub(super) fn tokens(&self, now: i64) -> Vec<TwinToken> {
        let rows = self.rows.values();
        rows.map(|row| self.describe(row, now)).collect()
    }

    fn describe(&self, row: &Row, now: i64) -> TwinToken {
        TwinToken {
            id: row.id,
            name: row.name.clone(),
            secret: Secret::new(row.token.as_str()),
            active: row.active,
            write: row.write,
            expiration_date: row.expiration_date.clone(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            alive: self.accepts(&row.token, now).is_some(),
        }
    }

    fn find(&self, name: &str) -> Option<&Row> {
        self.rows.values().find(|row| row.name == name)
    }

    /// Asks for the write lock.
    fn write(&mut self) -> Result<(), Refusal> {
        if self.locked_writes > 0 {
            self.locked_writes -= 1;
            return Err(Refusal::bad_request("database is locked"));
        }
        Ok(())
    }
}

fn time(seconds: i64) -> SystemTime {
    let time = UnixSeconds::new(seconds).to_system_time();
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Whose token a request carries.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    /// An admin's own, or one made by `POST /_/token`.
    pub(super) is_admin: bool,
    pub(super) may_write: bool,
}

impl Row {
    fn to_json(&self) -> Value {
        let mut row = json!({
            "active": i32::from(self.active),
            "created_at": self.created_at,
            "expiration_date": self.expiration_date,
            "id": self.id,
            "name": self.name,
            "token": self.token,
            "updated_at": self.updated_at,
            "write": i32::from(self.write),
        });
        if let Value::Object(members) = &mut row {
            members.extend(self.shown_with.clone());
        }
        row
    }

    fn whole_expiration_date(&self) -> Result<i64, Refusal> {
        self.expiration_date.as_i64().ok_or_else(|| {
            Refusal::bad_request("Invalid column type Real at index: 0, name: expiration_date")
        })
    }
}
