//! The requests and their answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::Method;
use serde_json::{Map, Value};

use super::Operation;
use super::form::{NEWEST_API_VERSION, error, from_millis, invalid, millis};
use super::options::Options;
use super::page;
use super::patch::{self, PatchError};
use super::route::{Route, route};
use super::state::{Caller, State, Stored, TwinToken, new_secret};
use super::wire::{self, Fields, Show};
use crate::message::{Answer, Received};
use crate::settling::{Life, Settling};
use crate::shared::Service;

pub(super) struct Account {
    pub(super) options: Options,
    state: Mutex<State>,
}

impl Service for Account {
    type Operation = Operation;

    const USE: &'static str = "/api/v2/caller-identity";
    const SCHEME: &'static str = "";

    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        match route(method, path) {
            Route::To(operation, _) => Some(operation),
            Route::WrongMethod(_) | Route::Nowhere => None,
        }
    }

    fn set_settling(&self, settling: Settling) {
        self.lock().settling = settling;
    }

    fn answer(&self, request: &Received) -> Answer {
        let now = request.at;
        let mut state = self.lock();
        if let Some(refusal) = state.usage.take_ip(now) {
            return refusal;
        }
        let Some(caller) = request
            .header("authorization")
            .and_then(|secret| state.authenticate(secret, now))
        else {
            return self.unauthorized();
        };
        let caller = Caller {
            narrow: caller.narrow && self.options.denied_reads.is_some(),
            ..caller
        };
        let (operation, id) = match route(&request.method, &request.path) {
            Route::To(operation, id) => (operation, id),
            Route::WrongMethod(allowed) => {
                let message = "this path does not know that method";
                return error(405, "method_not_allowed", message).with_header("allow", allowed);
            }
            Route::Nowhere => return not_found(),
        };
        let counted = caller.token_id.as_deref().unwrap_or(&caller.member_id);
        let headers = match state.usage.take(now, operation, counted) {
            Ok(headers) => headers,
            Err(refusal) => return refusal,
        };
        let call = Call {
            request,
            caller: &caller,
            options: &self.options,
            now,
        };
        headers.on(call
            .handle(&mut state, operation, &id)
            .unwrap_or_else(|refusal| refusal))
    }
}

impl Account {
    pub(super) fn new(options: Options, now: SystemTime) -> Self {
        let state = State::new(options.rate_limit.clone(), now);
        Self {
            options,
            state: Mutex::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unauthorized(&self) -> Answer {
        if self.options.empty_401 {
            Answer::empty(401)
        } else {
            error(401, "unauthorized", "the access token is not valid")
        }
    }
}

fn denied(status: u16) -> Answer {
    let code = match status {
        401 => "unauthorized",
        404 => "not_found",
        _ => "forbidden",
    };
    error(status, code, "the access token may not read access tokens")
}

fn not_found() -> Answer {
    error(404, "not_found", "there is no such thing here")
}

/// One request of a known caller for a known operation.
struct Call<'a> {
    request: &'a Received,
    caller: &'a Caller,
    options: &'a Options,
    now: SystemTime,
}

/// The answer, or the refusal.
type Outcome = Result<Answer, Answer>;

impl Call<'_> {
    fn handle(&self, state: &mut State, operation: Operation, id: &str) -> Outcome {
        match operation {
            Operation::CallerIdentity => Ok(self.identity(state)),
            Operation::GetTokens | Operation::GetToken if self.caller.narrow => {
                let status = self.options.denied_reads.unwrap_or_default();
                Err(denied(status))
            }
            Operation::GetTokens => self.list(state),
            Operation::GetToken => self.get(state, id),
            // Reading is for everyone, changing for administrators.
            _ if !self.caller.admin => Err(error(
                403,
                "forbidden",
                "the access token may not manage access tokens",
            )),
            Operation::PostToken => self.create(state),
            Operation::PatchToken => self.patch(state, id),
            Operation::ResetToken => self.reset(state, id),
            Operation::DeleteToken => {
                self.find(state, id)?;
                state.delete(id, self.now);
                Ok(Answer::empty(204))
            }
        }
    }

    fn list(&self, state: &State) -> Outcome {
        let query: BTreeMap<String, String> = self.request.query_pairs().into_iter().collect();
        let show_all = match query.get("showAll").map(String::as_str) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("showAll must be true or false")),
        };
        let version = self
            .request
            .header("ld-api-version")
            .map_or(Some(self.caller.default_api_version), |text| {
                text.parse().ok()
            })
            // `beta` and the like come on top of the newest version.
            .unwrap_or(NEWEST_API_VERSION);
        let mut visible = state.listed(self.now);
        visible.retain(|token| self.sees(token, show_all));
        let page = if version < page::PAGED_SINCE {
            page::Page::whole()
        } else {
            page::Page::read(&query, self.options).map_err(invalid)?
        };
        let items: Vec<&str> = page
            .of(&visible)
            .map(|token| self.shown(state, token))
            .collect();
        let links = page.links(visible.len(), show_all, self.options);
        let count = page::total(self.options, visible.len(), items.len())
            .map_or_else(String::new, |count| format!(r#","totalCount":{count}"#));
        let items = items.join(",");
        let body = format!(r#"{{"items":[{items}],"_links":{links}{count}}}"#);
        Ok(Answer::json_text(200, body))
    }

    fn get(&self, state: &State, id: &str) -> Outcome {
        let found = state.found(id, self.now);
        let token = found.filter(|token| self.sees(token, true));
        let token = token.ok_or_else(not_found)?;
        Ok(Answer::json_text(200, self.shown(state, token).to_owned()))
    }

    fn create(&self, state: &mut State) -> Outcome {
        let Value::Object(body) = self.body()? else {
            return Err(invalid("the body must be an object"));
        };
        let fields = read(&body, self.options)?;
        let refuse = |message: String| invalid(&message);
        fields.check_role().map_err(refuse)?;
        if self
            .options
            .max_tokens
            .is_some_and(|max| state.tokens().count() >= max)
        {
            return Err(invalid(
                "the account has as many access tokens as it may have",
            ));
        }
        let token = TwinToken {
            id: String::new(),
            name: fields.name,
            description: fields.description,
            role: fields.role,
            custom_role_ids: fields.custom_role_ids,
            inline_role: fields.inline_role,
            service: wire::service_flag(&body).map_err(refuse)?,
            member_id: self.caller.member_id.clone(),
            created: self.now,
            last_modified: self.now,
            last_used: None,
            expiry: self.options.granted(fields.expiry, self.now),
            default_api_version: wire::api_version(&body).map_err(refuse)?,
            secret: new_secret(),
            old_secrets: Vec::new(),
            shown_with: Map::new(),
        };
        let token = state.insert(token, Life::made(self.now));
        Ok(Answer::json(201, &self.written(state, &token, Show::Whole)))
    }

    fn patch(&self, state: &mut State, id: &str) -> Outcome {
        let body = self.body()?;
        let patch = match &body {
            Value::Array(patch) => patch,
            Value::Object(wrapper) if self.options.commented_patches => wrapper
                .get("patch")
                .and_then(Value::as_array)
                .ok_or_else(|| invalid("the wrapper holds no patch"))?,
            _ => return Err(invalid("the body must be a JSON patch")),
        };
        let token = self.find(state, id)?;
        let member = state.member(&token.member_id);
        let before = wire::bare(token, &state.owner, member, Show::Tail, self.options);
        let fields = self.patched(&before, patch, token.service)?;
        if let Some(token) = state.edit(id) {
            token.name = fields.name;
            token.description = fields.description;
            token.role = fields.role;
            token.custom_role_ids = fields.custom_role_ids;
            token.inline_role = fields.inline_role;
            // Only an end that the patch sets is looked at anew.
            if token.expiry != fields.expiry {
                token.expiry = self.options.granted(fields.expiry, self.now);
            }
            token.last_modified = self.now;
        }
        // Not by `find`: the patch may have ended the token.
        let token = state.token(id).ok_or_else(not_found)?;
        Ok(Answer::json_text(200, self.shown(state, token).to_owned()))
    }

    /// The members of a token after a patch, checked.
    fn patched(&self, before: &Value, patch: &[Value], service: bool) -> Result<Fields, Answer> {
        let roles = ["role", "customRoleIds", "inlineRole"];
        let replaceable = |path: &str| match path {
            "/role" | "/customRoleIds" | "/inlineRole" => true,
            "/description" | "/expiry" => self.options.replaces_absent,
            _ => false,
        };
        let after = patch::apply(before, patch, replaceable).map_err(|reason| match reason {
            PatchError::Malformed(message) => invalid(&message),
            PatchError::TestFailed(message) if self.options.failed_test_conflicts => {
                error(409, "optimistic_locking_error", &message)
            }
            PatchError::Failed(message) | PatchError::TestFailed(message) => {
                error(422, "patch_failed", &message)
            }
        })?;
        let (Value::Object(before), Value::Object(after)) = (before, &after) else {
            return Err(invalid("a token must stay an object"));
        };
        let changed = |name: &str| before.get(name) != after.get(name);
        let open = ["name", "description", "expiry"];
        if let Some(fixed) = before
            .keys()
            .find(|name| changed(name) && !open.contains(&&***name) && !roles.contains(&&***name))
        {
            return Err(invalid(&format!("{fixed} cannot be changed")));
        }
        let fields = read(after, self.options)?;
        if roles.into_iter().any(changed) {
            if service {
                return Err(invalid("the permissions of a service token are fixed"));
            }
            fields.check_role().map_err(|message| invalid(&message))?;
        }
        Ok(fields)
    }

    fn reset(&self, state: &mut State, id: &str) -> Outcome {
        // The body is not looked at: an expiry in it changes nothing.
        self.content_type()?;
        let query = self.request.query_pairs();
        let old_until = match query.iter().find(|(name, _)| name == "expiry") {
            None => self.now,
            Some((_, text)) => text
                .parse()
                .ok()
                .and_then(from_millis)
                .ok_or_else(|| invalid("expiry must be a whole number of milliseconds"))?,
        };
        self.find(state, id)?;
        state.reset(id, old_until, self.now);
        let token = state.token(id).ok_or_else(not_found)?;
        Ok(Answer::json(200, &self.written(state, token, Show::Whole)))
    }

    /// What the service documents, without members that nothing is known of.
    fn identity(&self, state: &State) -> Answer {
        let mut identity = Map::new();
        let mut put = |member: &str, value: Value| identity.insert(member.to_owned(), value);
        put("accountId", state.owner.as_str().into());
        put("memberId", self.caller.member_id.as_str().into());
        let token = self.caller.token_id.as_deref();
        match token.and_then(|id| state.token(id)) {
            None => put("authKind", "session".into()),
            Some(token) => {
                put("authKind", "token".into());
                let kind = if token.service { "service" } else { "personal" };
                put("tokenKind", kind.into());
                put("tokenId", token.id.as_str().into());
                put("tokenName", token.name.as_str().into());
                if let Some(end) = token.expiry.filter(|_| !self.options.ignores_expiry) {
                    put("expiresAt", millis(end).into());
                }
                put("serviceToken", token.service.into())
            }
        };
        Answer::json(200, &Value::Object(identity))
    }

    /// A token that the caller may see; administrators see all.
    fn find<'s>(&self, state: &'s State, id: &str) -> Result<&'s Stored, Answer> {
        state
            .token(id)
            .filter(|token| self.sees(token, true))
            .ok_or_else(not_found)
    }

    fn sees(&self, token: &TwinToken, show_all: bool) -> bool {
        let own = !self.caller.service && token.member_id == self.caller.member_id;
        (token.service || own || (show_all && self.caller.admin))
            && (self.options.lists_expired || !token.has_ended(self.now))
    }

    fn shown<'s>(&self, state: &State, token: &'s Stored) -> &'s str {
        token.shown(|token| self.written(state, token, Show::Tail).to_string())
    }

    fn written(&self, state: &State, token: &TwinToken, show: Show) -> Value {
        let member = state.member(&token.member_id);
        wire::token(token, &state.owner, member, show, self.options)
    }

    fn body(&self) -> Result<Value, Answer> {
        self.content_type()?;
        if self.request.broken {
            return Err(invalid("the body breaks off"));
        }
        serde_json::from_slice(&self.request.body).map_err(|_| invalid("the body is not JSON"))
    }

    /// Writing calls must say that they send JSON, those without a body as well.
    fn content_type(&self) -> Result<(), Answer> {
        let declared = self.request.header("content-type").unwrap_or_default();
        let (kind, parameters) = declared.split_once(';').unwrap_or((declared, ""));
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            return Err(invalid("the content type must be application/json"));
        }
        if parameters.contains("domain-model") {
            return Err(invalid("access tokens have no semantic patches"));
        }
        Ok(())
    }
}

fn read(body: &Map<String, Value>, options: &Options) -> Result<Fields, Answer> {
    Fields::read(body, options).map_err(|message| invalid(&message))
}
