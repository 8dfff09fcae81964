//! Rate limits: budgets per window, and the headers that tell of them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::Operation;
use super::form::millis;
use crate::message::Answer;

/// Budgets of requests that a LaunchDarkly twin allows in a window of time. Without one it neither
/// limits nor sends the headers.
///
/// Windows are fixed: with ten seconds, from :00 to :10 and so on, by the twin's clock. A refused
/// request uses nothing up.
///
/// ```
/// use access_tokens_testing::launchdarkly::RateLimit;
///
/// let limit = RateLimit::new().global(100).route(5);
/// ```
#[derive(Clone, Debug)]
pub struct RateLimit {
    window: Duration,
    global: Option<u32>,
    route: Option<u32>,
    token: Option<u32>,
    ip: Option<u32>,
    hints: bool,
}

impl RateLimit {
    /// No budget yet, windows of ten seconds.
    #[must_use]
    pub fn new() -> Self {
        Self {
            window: Duration::from_secs(10),
            global: None,
            route: None,
            token: None,
            ip: None,
            hints: true,
        }
    }

    /// Sets the budget of all requests of the account: `X-Ratelimit-Global-*` and `X-Ratelimit-Reset`.
    #[must_use]
    pub fn global(mut self, requests: u32) -> Self {
        self.global = Some(requests);
        self
    }

    /// Sets the budget of each operation: `X-Ratelimit-Route-*` and `X-Ratelimit-Reset`.
    #[must_use]
    pub fn route(mut self, requests: u32) -> Self {
        self.route = Some(requests);
        self
    }

    /// Sets the budget of each access token: `X-Ratelimit-Auth-Token-*`.
    #[must_use]
    pub fn per_token(mut self, requests: u32) -> Self {
        self.token = Some(requests);
        self
    }

    /// Sets the budget of the address of the client, valid credential or not: `Retry-After`.
    #[must_use]
    pub fn per_ip(mut self, requests: u32) -> Self {
        self.ip = Some(requests);
        self
    }

    /// Sets how long a window is (at least a millisecond).
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window.max(Duration::from_millis(1));
        self
    }

    /// Refuses without saying until when; this happens on the real service too.
    #[must_use]
    pub fn without_hints(mut self) -> Self {
        self.hints = false;
        self
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

/// What is used up of the current window.
#[derive(Debug)]
pub(super) struct Usage {
    limit: RateLimit,
    window: i64,
    ip: u32,
    global: u32,
    routes: HashMap<Operation, u32>,
    tokens: HashMap<String, u32>,
}

impl Usage {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            window: i64::MIN,
            ip: 0,
            global: 0,
            routes: HashMap::new(),
            tokens: HashMap::new(),
        }
    }

    /// Counts a request against the address; the refusal if there is no room.
    pub(super) fn take_ip(&mut self, now: SystemTime) -> Option<Answer> {
        let budget = self.limit.ip?;
        let end = self.turn(now);
        if take(&mut self.ip, budget) {
            return None;
        }
        let mut answer = refusal();
        if self.limit.hints {
            let wait = end.saturating_sub(millis(now)).max(0).saturating_add(999) / 1000;
            answer = answer.with_header("retry-after", &wait.to_string());
        }
        Some(answer)
    }

    /// Counts a request whose credential is good; the headers for its answer, or the refusal.
    pub(super) fn take(
        &mut self,
        now: SystemTime,
        operation: Operation,
        token: &str,
    ) -> Result<Headers, Answer> {
        let limit = &self.limit;
        if limit.global.is_none() && limit.route.is_none() && limit.token.is_none() {
            return Ok(Headers::default());
        }
        let end = self.turn(now);
        let (global, route_budget, token_budget) =
            (self.limit.global, self.limit.route, self.limit.token);
        let route = self.routes.entry(operation).or_default();
        if !self.tokens.contains_key(token) {
            self.tokens.insert(token.to_owned(), 0);
        }
        let mut spare = 0;
        let own = self.tokens.get_mut(token).unwrap_or(&mut spare);
        let room = |used: u32, budget: Option<u32>| budget.is_none_or(|budget| used < budget);
        let allowed =
            room(self.global, global) && room(*route, route_budget) && room(*own, token_budget);
        if allowed {
            self.global = self.global.saturating_add(1);
            *route = route.saturating_add(1);
            *own = own.saturating_add(1);
        }
        let mut headers = Headers::default();
        if allowed || self.limit.hints {
            headers.budget("x-ratelimit-global", global, self.global);
            headers.budget("x-ratelimit-route", route_budget, *route);
            if global.is_some() || route_budget.is_some() {
                headers.0.push(("x-ratelimit-reset".to_owned(), end));
            }
            headers.budget("x-ratelimit-auth-token", token_budget, *own);
            if token_budget.is_some() {
                headers
                    .0
                    .push(("x-ratelimit-auth-token-reset".to_owned(), end));
            }
        }
        if allowed {
            Ok(headers)
        } else {
            Err(headers.on(refusal()))
        }
    }

    /// Begins a new window if it is time; when the current one ends, in milliseconds.
    fn turn(&mut self, now: SystemTime) -> i64 {
        let length = i64::try_from(self.limit.window.as_millis()).unwrap_or(i64::MAX);
        let window = millis(now).div_euclid(length.max(1));
        if window != self.window {
            self.window = window;
            self.ip = 0;
            self.global = 0;
            self.routes.clear();
            self.tokens.clear();
        }
        window.saturating_add(1).saturating_mul(length)
    }
}

fn take(used: &mut u32, budget: u32) -> bool {
    let room = *used < budget;
    if room {
        *used += 1;
    }
    room
}

fn refusal() -> Answer {
    super::form::error(429, "rate_limited", "too many requests; slow down")
}

/// Headers about what is left.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<(String, i64)>);

impl Headers {
    fn budget(&mut self, name: &str, budget: Option<u32>, used: u32) {
        if let Some(budget) = budget {
            self.0.push((format!("{name}-limit"), i64::from(budget)));
            let left = budget.saturating_sub(used);
            self.0.push((format!("{name}-remaining"), i64::from(left)));
        }
    }

    pub(super) fn on(self, answer: Answer) -> Answer {
        self.0.iter().fold(answer, |answer, (name, value)| {
            answer.with_header(name, &value.to_string())
        })
    }
}
