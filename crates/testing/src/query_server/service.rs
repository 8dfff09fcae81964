//! From requests to answers: routes, the order of the checks, and the wire's habits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;

use super::model::Operation;
use super::options::Options;
use super::query;
use super::request::{DeleteTokenOptions, Refusal, bearer, in_query, parse};
use super::state::State;
use crate::message::{Answer, Received};
use crate::settling::Settling;
use crate::shared::Service;
use access_tokens::Clock;

pub(super) struct Account {
    clock: Arc<dyn Clock>,
    /// One lock for a whole request: the race of two partial updates is not played.
    state: Mutex<State>,
}

impl Account {
    pub(super) fn new(clock: Arc<dyn Clock>, options: Options) -> Self {
        let state = State::new(options, seconds(clock.now()));
        Self {
            clock,
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> i64 {
        seconds(self.clock.now())
    }

    fn handle(&self, operation: Operation, request: &Received) -> Result<Answer, Refusal> {
        let mut state = self.state();
        let now = seconds(request.at);
        match operation {
            Operation::Healthcheck => return Ok(Answer::text(200, "OK")),
            // Reached only if the rule that closes the connection was dropped.
            Operation::Root => return Err(Refusal::Internal),
            Operation::Login => {
                state.check_option()?;
                let login = parse(request)?;
                return Ok(Answer::json_untyped(200, &state.login(&login)?));
            }
            _ => {}
        }
        if operation != Operation::Query {
            state.check_option()?;
        }
        let token = bearer(request).ok_or(Refusal::Unauthorized)?;
        let caller = state.accepts(token, now).ok_or(Refusal::Unauthorized)?;
        if operation == Operation::Query {
            return query::answer(caller, request);
        }
        if !caller.is_admin {
            return Err(Refusal::Unauthorized);
        }
        match operation {
            Operation::List => Ok(Answer::json_untyped(200, &state.list(now))),
            Operation::Value => {
                let name = in_query(request, "name")?;
                Ok(Answer::json_untyped(200, &state.value(&name, now)))
            }
            Operation::Create => {
                state.create(parse(request)?, now)?;
                Ok(Answer::empty(201))
            }
            Operation::Update => {
                state.update(&parse(request)?, now)?;
                Ok(Answer::empty(200))
            }
            Operation::Delete => {
                let delete: DeleteTokenOptions = parse(request)?;
                state.delete(&delete.name, now)?;
                Ok(Answer::empty(200))
            }
            Operation::Login | Operation::Query | Operation::Healthcheck | Operation::Root => {
                Err(Refusal::NotFound)
            }
        }
    }
}

impl Service for Account {
    type Operation = Operation;

    const USE: &'static str = "/_/query?db_name=twin.sql&query=SELECT+1";
    const SCHEME: &'static str = "Bearer ";

    fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if segments.next() != Some("_") {
            return None;
        }
        let rest: Vec<&str> = segments.collect();
        match (method.as_str(), rest.as_slice()) {
            (_, []) => Some(Operation::Root),
            ("GET", ["token"]) => Some(Operation::List),
            ("GET", ["token", "value"]) => Some(Operation::Value),
            ("POST", ["token"]) => Some(Operation::Create),
            ("PUT", ["token"]) => Some(Operation::Update),
            ("DELETE", ["token"]) => Some(Operation::Delete),
            ("POST", ["user", "token", "value"]) => Some(Operation::Login),
            ("GET" | "POST", ["query"]) => Some(Operation::Query),
            (_, ["healthcheck", ..]) => Some(Operation::Healthcheck),
            _ => None,
        }
    }

    fn set_settling(&self, settling: Settling) {
        self.state().settling = settling;
    }

    fn answer(&self, request: &Received) -> Answer {
        let operation = self.operation(&request.method, &request.path);
        let answer = operation
            .ok_or(Refusal::NotFound)
            .and_then(|operation| self.handle(operation, request));
        answer.unwrap_or_else(|refusal| match refusal {
            Refusal::BadRequest(text) => Answer::text(400, &text),
            Refusal::Unauthorized => Answer::empty(401),
            Refusal::NotFound => Answer::text(404, "404 Not Found"),
            Refusal::Internal => Answer::text(500, "Internal Server Error"),
        })
    }
}

fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    }
}
