//! What the twin remembers.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::form::{NEWEST_API_VERSION, link, millis};
use super::limits::{RateLimit, Usage};
use crate::common::random_uuid;
use crate::settling::{Life, Settling, is_over};
use access_tokens::Secret;

/// Token inside a LaunchDarkly twin, with what the API hides.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TwinToken {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The name, maybe empty.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The base role, if it has one.
    pub role: Option<String>,
    /// The custom roles, as they were given.
    pub custom_role_ids: Vec<String>,
    /// The statements of its own role.
    pub inline_role: Vec<Value>,
    /// A service token, or a personal one.
    pub service: bool,
    /// Who made it.
    pub member_id: String,
    /// When it was made.
    pub created: SystemTime,
    /// When it was last changed.
    pub last_modified: SystemTime,
    /// When a request was last made with it.
    pub last_used: Option<SystemTime>,
    /// When it ends.
    pub expiry: Option<SystemTime>,
    /// The API version for requests that name none.
    pub default_api_version: u32,
    /// The secret in force.
    pub secret: Secret,
    /// Earlier secrets, each with the time at which it ends or ended.
    pub old_secrets: Vec<(Secret, SystemTime)>,
    /// What answers show instead.
    pub(super) shown_with: Map<String, Value>,
}

impl TwinToken {
    /// Whether the token itself has ended.
    pub(super) fn has_ended(&self, now: SystemTime) -> bool {
        self.expiry.is_some_and(|end| end <= now)
    }
}

/// A token with the JSON in which it is shown, written when it is first asked for: long lists
/// would take their time otherwise.
#[derive(Clone)]
pub(super) struct Stored {
    token: TwinToken,
    shown: OnceLock<String>,
    life: Life,
    /// When a reset gave it the secret in force.
    reset: Option<SystemTime>,
}

impl Stored {
    fn new(token: TwinToken, life: Life) -> Self {
        Self {
            token,
            shown: OnceLock::new(),
            life,
            reset: None,
        }
    }

    /// Whether a secret is in force and seen to be.
    fn is_opened_by(&self, secret: &str, settling: &Settling, now: SystemTime) -> bool {
        if self.token.secret.expose_secret() == secret {
            let since = self.reset.or(self.life.made);
            return since.is_none_or(|since| is_over(since, settling.new_secrets, now))
                && self.life.lingers(settling.old_secrets, now);
        }
        let mut old = self.token.old_secrets.iter();
        old.any(|(old, end)| {
            let in_force = *end > now || !is_over(*end, settling.old_secrets, now);
            in_force && old.expose_secret() == secret
        })
    }

    pub(super) fn shown(&self, write: impl FnOnce(&TwinToken) -> String) -> &str {
        self.shown.get_or_init(|| write(&self.token))
    }

    fn edit(&mut self) -> &mut TwinToken {
        self.shown.take();
        &mut self.token
    }

    /// Notes a use, also in the JSON: writing all of it anew for each request would take its time.
    fn touch(&mut self, now: SystemTime) {
        // Within a JSON string the quotes would be escaped, so this is the member.
        const MEMBER: &str = "\"lastUsed\":";
        self.token.last_used = Some(now);
        if let Some(shown) = self.shown.get_mut() {
            let number = shown.find(MEMBER).map(|at| at + MEMBER.len());
            let rest = number.and_then(|at| shown.get(at..)).unwrap_or_default();
            let length = rest.find(|c: char| c != '-' && !c.is_ascii_digit());
            match (number, length) {
                (Some(at), Some(length)) if length > 0 => {
                    shown.replace_range(at..at + length, &millis(now).to_string());
                }
                _ => drop(self.shown.take()),
            }
        }
    }
}

impl Deref for Stored {
    type Target = TwinToken;

    fn deref(&self) -> &TwinToken {
        &self.token
    }
}

#[derive(Debug)]
pub(super) struct Member {
    id: String,
    role: String,
}

impl Member {
    pub(super) fn summary(&self) -> Value {
        let number = self.id.get(18..).unwrap_or_default();
        json!({
            "_id": self.id,
            "_links": {"self": link(&format!("/api/v2/members/{}", self.id))},
            "firstName": "Member",
            "lastName": number,
            "role": self.role,
            "email": format!("member-{number}@example.com"),
        })
    }
}

/// Who makes a request.
pub(super) struct Caller {
    /// None: a session.
    pub(super) token_id: Option<String>,
    pub(super) member_id: String,
    pub(super) service: bool,
    pub(super) admin: bool,
    /// Without a base role, which is what gives the right to read tokens.
    pub(super) narrow: bool,
    pub(super) default_api_version: u32,
}

pub(super) struct State {
    pub(super) owner: String,
    members: HashMap<String, Member>,
    /// By id, which is the order of creation.
    tokens: BTreeMap<String, Stored>,
    /// Removed ones that are still seen somewhere.
    gone: BTreeMap<String, Stored>,
    pub(super) settling: Settling,
    /// Token ids by secret, old secrets included.
    secrets: HashMap<String, String>,
    /// Member ids by the secret of a session.
    sessions: HashMap<String, String>,
    pub(super) usage: Usage,
    ids: Ids,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// An account with its owner.
    pub(super) fn new(limit: RateLimit, now: SystemTime) -> Self {
        let mut state = Self {
            owner: String::new(),
            members: HashMap::new(),
            tokens: BTreeMap::new(),
            gone: BTreeMap::new(),
            settling: Settling::default(),
            secrets: HashMap::new(),
            sessions: HashMap::new(),
            usage: Usage::new(limit),
            ids: Ids {
                account: fastrand::u64(..) & 0xff_ffff_ffff,
                count: 0,
            },
        };
        state.owner = state.add_member("owner", now);
        state
    }

    pub(super) fn add_member(&mut self, role: &str, now: SystemTime) -> String {
        let id = self.ids.next(now);
        let member = Member {
            id: id.clone(),
            role: role.to_owned(),
        };
        self.members.insert(id.clone(), member);
        id
    }

    pub(super) fn set_member_role(&mut self, id: &str, role: &str) -> bool {
        self.edit_all();
        self.members
            .get_mut(id)
            .map(|member| role.clone_into(&mut member.role))
            .is_some()
    }

    pub(super) fn remove_member(&mut self, id: &str) -> bool {
        self.edit_all();
        self.members.remove(id).is_some()
    }

    /// Members are shown in their tokens.
    fn edit_all(&mut self) {
        for token in self.tokens.values_mut() {
            token.edit();
        }
    }

    pub(super) fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    /// Puts a token in; its id is made here.
    pub(super) fn insert(&mut self, mut token: TwinToken, life: Life) -> TwinToken {
        token.id = self.ids.next(token.created);
        let secret = token.secret.expose_secret().to_owned();
        self.secrets.insert(secret, token.id.clone());
        let stored = Stored::new(token.clone(), life);
        self.tokens.insert(token.id.clone(), stored);
        token
    }

    /// Oldest first.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &Stored> {
        self.tokens.values()
    }

    pub(super) fn token(&self, id: &str) -> Option<&Stored> {
        self.tokens.get(id)
    }

    /// What a list has, oldest first.
    pub(super) fn listed(&self, now: SystemTime) -> Vec<&Stored> {
        let late = self.settling.lists;
        let all = self.tokens.values().chain(self.gone.values());
        let mut listed: Vec<_> = all.filter(|token| token.life.is_seen(late, now)).collect();
        if !self.gone.is_empty() {
            listed.sort_by(|a, b| a.id.cmp(&b.id));
        }
        listed
    }

    /// What is found by an id.
    pub(super) fn found(&self, id: &str, now: SystemTime) -> Option<&Stored> {
        let stored = self.tokens.get(id).or_else(|| self.gone.get(id));
        stored.filter(|token| token.life.is_seen(self.settling.reads, now))
    }

    pub(super) fn edit(&mut self, id: &str) -> Option<&mut TwinToken> {
        self.tokens.get_mut(id).map(Stored::edit)
    }

    pub(super) fn delete(&mut self, id: &str, now: SystemTime) -> bool {
        let Some(mut token) = self.tokens.remove(id) else {
            return false;
        };
        let memory = self.settling.memory();
        self.gone.retain(|_, gone| gone.life.lingers(memory, now));
        token.life.gone = Some(now);
        if token.life.lingers(memory, now) {
            self.gone.insert(id.to_owned(), token);
        }
        // The secrets of those that are seen nowhere any more.
        let (tokens, gone) = (&self.tokens, &self.gone);
        self.secrets
            .retain(|_, id| tokens.contains_key(id) || gone.contains_key(id));
        true
    }

    /// Gives a token a new secret; the old one ends at the given time.
    pub(super) fn reset(&mut self, id: &str, old_until: SystemTime, now: SystemTime) {
        if let Some(stored) = self.tokens.get_mut(id) {
            stored.reset = Some(now);
            let token = stored.edit();
            let old = std::mem::replace(&mut token.secret, new_secret());
            token.old_secrets.push((old, old_until));
            token.last_modified = now;
            let secret = token.secret.expose_secret().to_owned();
            self.secrets.insert(secret, id.to_owned());
        }
    }

    /// The token that a secret opens now.
    pub(super) fn opened_by(&self, secret: &str, now: SystemTime) -> Option<&TwinToken> {
        let id = self.secrets.get(secret)?;
        let stored = self.tokens.get(id).or_else(|| self.gone.get(id))?;
        let token = &stored.token;
        // Personal tokens go with their member.
        let backed = token.service || self.members.contains_key(&token.member_id);
        let in_force = stored.is_opened_by(secret, &self.settling, now);
        (in_force && backed && !token.has_ended(now)).then_some(token)
    }

    /// A credential of a member that is no token.
    pub(super) fn open_session(&mut self, member: &str) -> Secret {
        let secret = new_secret();
        let key = secret.expose_secret().to_owned();
        self.sessions.insert(key, member.to_owned());
        secret
    }

    /// The member whose session a secret opens.
    pub(super) fn session_of(&self, secret: &str) -> Option<&Member> {
        self.members.get(self.sessions.get(secret)?)
    }

    /// As [`opened_by`](Self::opened_by), for a request: it counts as use.
    pub(super) fn authenticate(&mut self, secret: &str, now: SystemTime) -> Option<Caller> {
        let is_admin = |role: &str| role == "admin" || role == "owner";
        if let Some(member) = self.session_of(secret) {
            return Some(Caller {
                token_id: None,
                member_id: member.id.clone(),
                service: false,
                admin: is_admin(&member.role),
                narrow: false,
                default_api_version: NEWEST_API_VERSION,
            });
        }
        let token = self.opened_by(secret, now)?;
        // A personal token never can more than its member can at the moment.
        let backed = token.service
            || self
                .member(&token.member_id)
                .is_some_and(|member| is_admin(&member.role));
        let id = token.id.clone();
        let caller = Caller {
            token_id: Some(id.clone()),
            member_id: token.member_id.clone(),
            service: token.service,
            admin: backed && token.role.as_deref().is_some_and(is_admin),
            narrow: token.role.is_none(),
            default_api_version: token.default_api_version,
        };
        if let Some(token) = self.tokens.get_mut(&id) {
            token.touch(now);
        }
        Some(caller)
    }
}

/// `api-` and a random UUID (version 4).
pub(super) fn new_secret() -> Secret {
    Secret::new(format!("api-{}", random_uuid()))
}

/// Makes ids of 24 hexadecimal digits that sort by time: seconds, account, count.
#[derive(Debug)]
struct Ids {
    account: u64,
    count: u32,
}

impl Ids {
    fn next(&mut self, time: SystemTime) -> String {
        self.count = (self.count + 1) & 0xff_ffff;
        let seconds = u32::try_from(millis(time).max(0) / 1000).unwrap_or(u32::MAX);
        format!("{seconds:08x}{:010x}{:06x}", self.account, self.count)
    }
}
