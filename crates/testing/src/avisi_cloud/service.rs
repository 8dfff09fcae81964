//! From requests to answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{Method, header};
use serde_json::{Map, Value, json};

use super::model::{Operation, Seed, TwinToken};
use super::options::{ErrorShape, ListedSecret, Options, Revoked, SecondRevoke, UnsetDate};
use crate::message::{Answer, Received};
use crate::settling::{Life, Settling, is_over};
use crate::shared::Service;
use access_tokens::{Clock, Secret};

const COLLECTION: &str = "/sts/v1/personal-access-tokens";

pub(super) struct Account {
    pub(super) options: Options,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Texts of dates by their seconds: the same ones come in every list.
    dates: Mutex<HashMap<i64, String>>,
}

/// Who may call, and the list.
pub(super) struct State {
    /// In the order in which they were made.
    pub(super) tokens: Vec<TwinToken>,
    /// The credential, if it is not one of the tokens.
    pub(super) outside: Option<Secret>,
    /// Vanished tokens, which a second revoke may still know, and which may still be seen.
    vanished: Vec<TwinToken>,
    /// When tokens were made and revoked through the API.
    lives: HashMap<String, Life>,
    settling: Settling,
}

impl Account {
    pub(super) fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        Self {
            options,
            clock,
            state: Mutex::new(State {
                tokens: Vec::new(),
                outside: None,
                vanished: Vec::new(),
                lives: HashMap::new(),
                settling: Settling::default(),
            }),
            dates: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(super) fn seed(&self, seed: Seed) -> TwinToken {
        let token = seed.into_token(&self.options.subject, self.now());
        let mut state = self.lock();
        state.tokens.retain(|other| other.id != token.id);
        state.tokens.push(token.clone());
        token
    }

    fn list(&self, state: &State, now: SystemTime) -> Answer {
        let late = state.settling.lists;
        let all = state.tokens.iter().chain(&state.vanished);
        let list: Vec<_> = all
            .filter(|token| self.options.lists_expired || !token.has_ended(now))
            .filter_map(|token| {
                let life = state.life(token);
                // An inactive one stays, and is active for as long as its end is not seen.
                let stays = token.active || self.options.revoked == Revoked::StaysInactive;
                let seen = if stays {
                    Life { gone: None, ..life }
                } else {
                    life
                };
                seen.is_seen(late, now).then(|| {
                    let lingers = life.gone.is_some() && life.lingers(late, now);
                    self.show(token, now, lingers, false)
                })
            })
            .collect();
        if list.is_empty() && self.options.null_for_empty_list {
            return Answer::json(200, &Value::Null);
        }
        Answer::json(200, &Value::Array(list))
    }

    fn provision(&self, state: &mut State, request: &Received, now: SystemTime) -> Answer {
        if request.broken {
            return self.invalid(&["the body breaks off".to_owned()]);
        }
        let body = match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return self.invalid(&["the body must be an object".to_owned()]),
            Err(error) => return self.invalid(&[error.to_string()]),
        };
        let mut details = Vec::new();
        let name = text(&body, "name", &mut details);
        let ip_restriction = text(&body, "ipRestriction", &mut details);
        if self.options.requires_name && name.is_empty() && details.is_empty() {
            details.push("name must not be empty".to_owned());
        }
        if !details.is_empty() {
            return self.invalid(&details);
        }
        if self
            .options
            .max_tokens
            .is_some_and(|max| state.tokens.len() >= max)
        {
            return self.invalid(&["too many personal access tokens".to_owned()]);
        }
        let mut seed = Seed::new(name).ip_restriction(ip_restriction);
        if let Some(kind) = body.get("type") {
            seed = seed.kind(kind.clone());
        }
        let lifetime = self.options.lifetime;
        if let Some(end) = lifetime.and_then(|lifetime| now.checked_add(lifetime)) {
            // As it is shown, so that the end that clients read is the end.
            seed = seed.expire_at(whole_seconds(end).map_or(end, SystemTime::from));
        }
        let token = seed.into_token(&self.options.subject, now);
        let answer = self.show(&token, now, false, true);
        state.lives.insert(token.id.clone(), Life::made(now));
        state.tokens.push(token);
        let status = if self.options.created_on_provision {
            201
        } else {
            200
        };
        Answer::json(status, &answer)
    }

    fn revoke(&self, state: &mut State, id: &str, now: SystemTime) -> Answer {
        let known = state.tokens.iter().position(|token| token.id == id);
        let first = match known.and_then(|at| state.tokens.get_mut(at)) {
            Some(token) => std::mem::replace(&mut token.active, false),
            None if state.vanished.iter().any(|vanished| vanished.id == id) => false,
            None => return self.error(404, "not found", &[]),
        };
        if !first && self.options.second_revoke == SecondRevoke::NotFound {
            return self.error(404, "not found", &[]);
        }
        let vanishes = self.options.revoked == Revoked::Vanishes;
        if let Some(at) = known.filter(|_| vanishes) {
            let token = state.tokens.remove(at);
            state.vanished.push(token);
        }
        if first || vanishes {
            let life = state.lives.entry(id.to_owned()).or_default();
            life.gone.get_or_insert(now);
        }
        if self.options.no_content_on_revoke {
            return Answer::empty(204);
        }
        Answer::json(200, &json!({ "message": "revoked", "status": 200 }))
    }

    fn show(&self, token: &TwinToken, now: SystemTime, lingers: bool, whole: bool) -> Value {
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
        put("id", token.id.as_str().into());
        put("name", token.name.as_str().into());
        put("subject", token.subject.as_str().into());
        let active = token.works(now) || (lingers && !token.has_ended(now));
        put("active", active.into());
        put("ipRestriction", token.ip_restriction.as_str().into());
        if let Some(kind) = &token.kind {
            put("type", kind.clone());
        }
        for (key, date) in [
            ("createdAt", token.created_at),
            ("expireAt", token.expire_at),
            ("lastUsedAt", token.last_used_at),
        ] {
            if let Some(value) = self.date(date) {
                put(key, value);
            }
        }
        let secret = token.secret.expose_secret();
        match self.options.listed_secret {
            _ if whole => put("token", secret.into()),
            ListedSecret::Absent => None,
            ListedSecret::Masked => put("token", mask(secret).into()),
            ListedSecret::Empty => put("token", "".into()),
            ListedSecret::Null => put("token", Value::Null),
        };
        shown.extend(token.shown_with.clone());
        Value::Object(shown)
    }

    fn date(&self, time: Option<SystemTime>) -> Option<Value> {
        if let Some(text) = time.and_then(|time| self.rfc3339(time)) {
            return Some(text.into());
        }
        match self.options.unset_date {
            UnsetDate::Null => Some(Value::Null),
            UnsetDate::Absent => None,
            UnsetDate::Empty => Some("".into()),
            UnsetDate::GoZero => Some("0001-01-01T00:00:00Z".into()),
        }
    }

    /// In whole seconds, as the samples of the service's sibling pages.
    fn rfc3339(&self, time: SystemTime) -> Option<String> {
        const KEPT: usize = 1_000;
        let time = whole_seconds(time)?;
        let mut dates = self.dates.lock().unwrap_or_else(PoisonError::into_inner);
        if dates.len() >= KEPT {
            dates.clear();
        }
        let text = dates.entry(time.as_second());
        Some(text.or_insert_with(|| time.to_string()).clone())
    }

    fn invalid(&self, details: &[String]) -> Answer {
        self.error(400, "validation failed", details)
    }

    fn error(&self, status: u16, message: &str, details: &[String]) -> Answer {
        let body = match self.options.error_shape {
            ErrorShape::Details => json!({ "message": message, "details": details }),
            ErrorShape::Status => json!({ "message": message, "status": status }),
        };
        Answer::json(status, &body)
    }
}

impl Service for Account {
    type Operation = Operation;

    const USE: &'static str = COLLECTION;
    const SCHEME: &'static str = "Token ";

    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        match (method.as_str(), segment(path)?) {
            ("GET", "") => Some(Operation::List),
            ("POST", "") => Some(Operation::Provision),
            ("DELETE", id) if !id.is_empty() => Some(Operation::Revoke),
            _ => None,
        }
    }

    fn set_settling(&self, settling: Settling) {
        self.lock().settling = settling;
    }

    fn answer(&self, request: &Received) -> Answer {
        let Some(segment) = segment(&request.path) else {
            return self.error(404, "not found", &[]);
        };
        let mut state = self.lock();
        let now = request.at;
        if !state.lets_in(request, now) {
            if self.options.empty_401 {
                return Answer::empty(401);
            }
            return self.error(401, "unauthorized", &[]);
        }
        match self.operation(&request.method, &request.path) {
            Some(Operation::List) => self.list(&state, now),
            Some(Operation::Provision) => self.provision(&mut state, request, now),
            Some(Operation::Revoke) => self.revoke(&mut state, &decoded(segment), now),
            None => {
                let allowed = if segment.is_empty() {
                    "GET, POST"
                } else {
                    "DELETE"
                };
                let answer = self.error(405, "method not allowed", &[]);
                answer.with_header("allow", allowed)
            }
        }
    }
}

impl State {
    /// Checks the credential and notes its use.
    fn lets_in(&mut self, request: &Received, now: SystemTime) -> bool {
        let value = request.headers.get(header::AUTHORIZATION);
        let secret = value
            .and_then(|value| value.to_str().ok()?.strip_prefix("Token "))
            .map(Secret::new);
        let Some(secret) = secret else {
            return false;
        };
        if self.outside.as_ref() == Some(&secret) {
            return true;
        }
        let known = self.opened_by(&secret, now).map(|token| token.id.clone());
        let Some(id) = known else {
            return false;
        };
        let mut all = self.tokens.iter_mut().chain(&mut self.vanished);
        if let Some(token) = all.find(|token| token.id == id) {
            token.last_used_at = Some(now);
        }
        true
    }

    /// The token that a secret opens now.
    fn opened_by(&self, secret: &Secret, now: SystemTime) -> Option<&TwinToken> {
        let mut all = self.tokens.iter().chain(&self.vanished);
        // A plain comparison: a twin keeps nothing secret, and goes through all that there ever was.
        let secret = secret.expose_secret();
        all.find(|token| token.secret.expose_secret() == secret && self.works(token, now))
    }

    /// Whether a request with the secret of a token would be let in now.
    pub(super) fn works(&self, token: &TwinToken, now: SystemTime) -> bool {
        let (life, settling) = (self.life(token), &self.settling);
        let new = life
            .made
            .is_some_and(|made| !is_over(made, settling.new_secrets, now));
        let lingers = life.gone.is_some() && life.lingers(settling.old_secrets, now);
        (token.active || lingers) && !new && !token.has_ended(now)
    }

    fn life(&self, token: &TwinToken) -> Life {
        self.lives.get(&token.id).copied().unwrap_or_default()
    }

    pub(super) fn authenticates(&self, secret: &Secret, now: SystemTime) -> bool {
        self.outside.as_ref() == Some(secret) || self.opened_by(secret, now).is_some()
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.id != id);
        self.tokens.len() < before
    }
}

/// What stands behind the collection: nothing or one segment. `None` is another route.
fn segment(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(COLLECTION)?;
    if rest.is_empty() {
        return Some("");
    }
    rest.strip_prefix('/')
        .filter(|id| !id.is_empty() && !id.contains('/'))
}

/// A path segment without its percent escapes; here `+` is no space.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = tail.get(..2).filter(|_| *first == b'%');
        let byte = escape
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| !hex.starts_with('+'))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = match byte {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A member that is a string, or stands for none; anything else is noted.
fn text(body: &Map<String, Value>, key: &str, details: &mut Vec<String>) -> String {
    match body.get(key) {
        Some(Value::String(text)) => return text.clone(),
        None | Some(Value::Null) => {}
        Some(_) => details.push(format!("{key} must be a string")),
    }
    String::new()
}

fn mask(secret: &str) -> String {
    let shown = secret.chars().count().saturating_sub(4);
    let tail: String = secret.chars().skip(shown).collect();
    format!("{}{tail}", "*".repeat(shown.min(12)))
}

fn whole_seconds(time: SystemTime) -> Option<jiff::Timestamp> {
    let seconds = jiff::Timestamp::try_from(time).ok()?.as_second();
    jiff::Timestamp::from_second(seconds).ok()
}
