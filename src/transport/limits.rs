//! What a service says about its limits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The limits that the last answers told of; whatever a service does not send is `None`.
///
/// LaunchDarkly sends these (its names: `X-Ratelimit-Global-*`, `-Route-*`, `-Auth-Token-*`), in
/// any selection; the other two services send none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimits {
    /// All requests of the account.
    pub global: RateLimitWindow,
    /// Requests of this method to this path.
    pub route: RateLimitWindow,
    /// Requests with this credential.
    pub auth_token: RateLimitWindow,
}

/// One limit and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitWindow {
    /// Requests allowed per window.
    pub limit: Option<u64>,
    /// Requests left in this window.
    pub remaining: Option<u64>,
    /// When the window ends, by the service's clock.
    pub reset: Option<SystemTime>,
}

impl RateLimits {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| text(headers, name)?.parse::<u64>().ok();
        let reset = |name: &str| text(headers, name).and_then(epoch);
        let shared_reset = reset("x-ratelimit-reset");
        Self {
            global: RateLimitWindow {
                limit: number("x-ratelimit-global-limit"),
                remaining: number("x-ratelimit-global-remaining"),
                reset: shared_reset,
            },
            route: RateLimitWindow {
                limit: number("x-ratelimit-route-limit"),
                remaining: number("x-ratelimit-route-remaining"),
                reset: shared_reset,
            },
            auth_token: RateLimitWindow {
                limit: number("x-ratelimit-auth-token-limit"),
                remaining: number("x-ratelimit-auth-token-remaining"),
                reset: reset("x-ratelimit-auth-token-reset"),
            },
        }
    }

    /// Whether nothing was told at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn windows(&self) -> [(Scope, RateLimitWindow); 3] {
        [
            (Scope::Global, self.global),
            (Scope::Route, self.route),
            (Scope::AuthToken, self.auth_token),
        ]
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Milliseconds since the epoch; a number too small for a date of this century is read as seconds.
fn epoch(value: &str) -> Option<SystemTime> {
    let value = value.parse::<u64>().ok()?;
    let distance = if value < 100_000_000_000 {
        Duration::from_secs(value)
    } else {
        Duration::from_millis(value)
    };
    UNIX_EPOCH.checked_add(distance)
}

/// How long an answer asks to wait: the latest of `Retry-After` and the ends of the windows that
/// are used up (or do not say). `None` if there is no hint; junk is no hint.
pub(super) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let service_now = service_now(headers, now);
    let resets = RateLimits::read(headers)
        .windows()
        .into_iter()
        .filter(|(_, window)| window.remaining.is_none_or(|left| left == 0))
        .filter_map(|(_, window)| window.reset.map(|end| until(end, service_now)));
    resets.chain(retry_after(headers, now)).max()
}

/// What `Retry-After` says, as seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value)
            .ok()
            .map(|date| until(date, service_now(headers, now))),
    }
}

fn until(time: SystemTime, now: SystemTime) -> Duration {
    time.duration_since(now).unwrap_or(Duration::ZERO)
}

/// The time by the service's clock, if it differs so much from ours that its dates need it.
pub(super) fn service_now(headers: &HeaderMap, now: SystemTime) -> SystemTime {
    const TOLERATED: Duration = Duration::from_secs(2);
    let Some(theirs) =
        text(headers, DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok())
    else {
        return now;
    };
    let apart = theirs
        .duration_since(now)
        .or_else(|_| now.duration_since(theirs));
    if apart.is_ok_and(|apart| apart > TOLERATED) {
        theirs
    } else {
        now
    }
}

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    Global,
    Route,
    AuthToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn asked(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        asked_wait(&headers(pairs), now())
    }

    #[test]
    fn retry_after_comes_as_seconds_or_as_a_date() {
        assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let date = httpdate::fmt_http_date(now() + Duration::from_secs(9));
        assert_eq!(
            asked(&[("retry-after", &date)]),
            Some(Duration::from_secs(9))
        );
        let past = httpdate::fmt_http_date(now() - Duration::from_secs(9));
        assert_eq!(asked(&[("retry-after", &past)]), Some(Duration::ZERO));
        for junk in ["", "soon", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(asked(&[("retry-after", junk)]), None, "{junk}");
        }
    }

    #[test]
    fn resets_come_in_milliseconds_and_may_lie_in_the_past() {
        assert_eq!(
            asked(&[("x-ratelimit-reset", "1800000003500")]),
            Some(Duration::from_millis(3_500))
        );
        assert_eq!(
            asked(&[("x-ratelimit-reset", "1800000003")]),
            Some(Duration::from_secs(3))
        );
        assert_eq!(
            asked(&[("x-ratelimit-reset", "1700000000000")]),
            Some(Duration::ZERO)
        );
        assert_eq!(asked(&[("x-ratelimit-reset", "x")]), None);
    }

    #[test]
    fn only_windows_that_are_used_up_count_and_the_latest_wins() {
        assert_eq!(
            asked(&[
                ("x-ratelimit-global-remaining", "3"),
                ("x-ratelimit-route-remaining", "3"),
                ("x-ratelimit-reset", "1800000009000"),
                ("x-ratelimit-auth-token-remaining", "0"),
                ("x-ratelimit-auth-token-reset", "1800000004000"),
                ("retry-after", "2"),
            ]),
            Some(Duration::from_secs(4))
        );
    }

    #[test]
    fn a_clock_that_is_a_day_off_is_corrected_by_the_date_header() {
        let theirs = now() + Duration::from_secs(86_400);
        let reset = (theirs + Duration::from_secs(5))
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        assert_eq!(
            asked(&[
                ("date", &httpdate::fmt_http_date(theirs)),
                ("x-ratelimit-reset", &reset.to_string()),
            ]),
            Some(Duration::from_secs(5))
        );
    }
}
