//! What a service says about its limits.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use http::header::{AGE, DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use super::profile::{Profile, Scope};
use super::waits::{end_of_used_up, moment, text, until, wait};

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

    fn window(&mut self, scope: Scope) -> &mut RateLimitWindow {
        match scope {
            Scope::Global => &mut self.global,
            Scope::Route => &mut self.route,
            Scope::AuthToken => &mut self.auth_token,
        }
    }
}

/// What gateways of all kinds call the end of a window, and what is left in it.
const COMMON_RESET: [&str; 4] = [
    "x-ratelimit-reset",
    "ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
];
const COMMON_REMAINING: [&str; 3] = [
    "x-ratelimit-remaining",
    "ratelimit-remaining",
    "x-rate-limit-remaining",
];

/// What the head of an answer says about times and limits, read once.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    pub(super) limits: RateLimits,
    /// How long `Retry-After` asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// The time by the service's clock: by ours, where that is close or no other is told.
    pub(super) service_now: Option<SystemTime>,
    /// The end of a window that is used up, under a name that belongs to no service.
    common_reset: Option<SystemTime>,
}

impl Timing {
    /// Reads the head of an answer that came at `now`.
    pub(super) fn read(profile: &Profile, headers: &HeaderMap, now: SystemTime) -> Self {
        let theirs = theirs(headers);
        let service_now = theirs.filter(|theirs| apart(*theirs, now) > TOLERATED);
        let at = service_now.unwrap_or(now);
        let retry_after = headers.get_all(RETRY_AFTER).into_iter();
        let retry_after = retry_after.filter_map(|value| wait(text(value)?, at));
        let mut timing = Self {
            retry_after: retry_after.max(),
            service_now: theirs.map(|_| at),
            ..Self::default()
        };
        let (mut end, mut left) = (None, None);
        for (name, value) in headers {
            let name = name.as_str();
            if !(name.starts_with("x-rate") || name.starts_with("rate")) {
                continue;
            }
            let Some(value) = text(value) else { continue };
            // The same end may be that of several windows.
            let mut parsed = None;
            let mut moment = || *parsed.get_or_insert_with(|| moment(value, at));
            let mut own = false;
            for told in profile.limits {
                let window = timing.limits.window(told.scope);
                if name == told.limit {
                    window.limit = window.limit.or_else(|| value.parse().ok());
                } else if name == told.remaining {
                    window.remaining = window.remaining.or_else(|| value.parse().ok());
                } else if name == told.reset {
                    window.reset = window.reset.or_else(&mut moment);
                } else {
                    continue;
                }
                own = true;
            }
            if own {
                continue;
            }
            if COMMON_RESET.contains(&name) {
                end = end.or_else(moment);
            } else if COMMON_REMAINING.contains(&name) {
                left = left.or_else(|| value.parse::<u64>().ok());
            } else if name == "ratelimit" {
                timing.common_reset = end_of_used_up(value, at);
            }
        }
        if left.is_none_or(|left| left == 0) {
            timing.common_reset = timing.common_reset.max(end);
        }
        timing
    }

    /// How long the answer asks to wait: the latest of `Retry-After` and the ends of the windows that
    /// are used up (or do not say). `None` if there is no hint; junk is no hint.
    pub(super) fn asked_wait(&self, status: StatusCode, now: SystemTime) -> Option<Duration> {
        let now = self.service_now.unwrap_or(now);
        let used_up = self.limits.windows().into_iter();
        let used_up = used_up.filter(|(_, window)| window.remaining.is_none_or(|left| left == 0));
        let ends = used_up.filter_map(|(_, window)| window.reset);
        // Who sends these may mean something else by them, so they count where a limit is reached.
        let limited = status == StatusCode::TOO_MANY_REQUESTS;
        let ends = ends.chain(self.common_reset.filter(|_| limited));
        ends.map(|end| until(end, now))
            .chain(self.retry_after)
            .max()
    }
}

/// Clocks that differ by less are taken to agree: `Date` has whole seconds, and travels.
const TOLERATED: Duration = Duration::from_secs(2);

/// How far the service's clock is from ours, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Skew(AtomicI64);

impl Skew {
    /// More than any clock is off by accident: an answer that says so is taken for wrong itself.
    const MOST: Duration = Duration::from_secs(2 * 86_400);

    /// What the two clocks show at the same time.
    pub(super) fn note(&self, theirs: SystemTime, ours: SystemTime) {
        let millis = |apart: Duration| {
            let apart = if apart > Self::MOST {
                Duration::ZERO
            } else {
                apart
            };
            i64::try_from(apart.as_millis()).unwrap_or_default()
        };
        let skew = match theirs.duration_since(ours) {
            Ok(ahead) => millis(ahead),
            Err(behind) => -millis(behind.duration()),
        };
        self.0.store(skew, Ordering::Relaxed);
    }

    /// The time by the service's clock.
    pub(super) fn correct(&self, ours: SystemTime) -> SystemTime {
        let skew = self.0.load(Ordering::Relaxed);
        let apart = Duration::from_millis(skew.unsigned_abs());
        let theirs = if skew < 0 {
            ours.checked_sub(apart)
        } else {
            ours.checked_add(apart)
        };
        theirs.unwrap_or(ours)
    }
}

/// The date that a service gives its answer; not that of a copy kept on the way.
fn theirs(headers: &HeaderMap) -> Option<SystemTime> {
    let date = headers.get(DATE).filter(|_| !headers.contains_key(AGE));
    crate::time::http_date::parse(text(date?)?)
}

pub(super) fn apart(one: SystemTime, other: SystemTime) -> Duration {
    let apart = one.duration_since(other);
    apart.unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::super::profile::LimitHeaders;
    use super::*;

    const PROFILE: Profile = Profile {
        limits: &[
            LimitHeaders {
                scope: Scope::Global,
                limit: "x-ratelimit-global-limit",
                remaining: "x-ratelimit-global-remaining",
                reset: "x-ratelimit-reset",
            },
            LimitHeaders {
                scope: Scope::AuthToken,
                limit: "x-ratelimit-auth-token-limit",
                remaining: "x-ratelimit-auth-token-remaining",
                reset: "x-ratelimit-auth-token-reset",
            },
        ],
        ..Profile::of(crate::id::Service::LAUNCH_DARKLY)
    };

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn asked_of(profile: &Profile, status: u16, pairs: &[(&'static str, &str)]) -> Option<u128> {
        let headers = pairs.iter();
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let timing = Timing::read(profile, &headers.collect(), now());
        let status = StatusCode::from_u16(status).unwrap();
        Some(timing.asked_wait(status, now())?.as_millis())
    }

    fn asked(pairs: &[(&'static str, &str)]) -> Option<u128> {
        asked_of(&PROFILE, 503, pairs)
    }

    #[test]
    fn retry_after_comes_as_seconds_or_as_a_date() {
        let future = httpdate::fmt_http_date(now() + Duration::from_secs(9));
        let past = httpdate::fmt_http_date(now() - Duration::from_secs(9));
        for (value, wait) in [
            ("7", Some(7_000)),
            ("0", Some(0)),
            ("2.5", Some(2_500)),
            ("0.25", Some(250)),
            (" 3 ", Some(3_000)),
            (&future, Some(9_000)),
            (&past, Some(0)),
            ("Friday, 15-Jan-27 08:00:09 GMT", Some(9_000)),
            ("Fri Jan 15 08:00:09 2027", Some(9_000)),
            ("Fri, 15 Jan 2027 08:00:09 UTC", Some(9_000)),
            ("Fri, 15 Jan 2027 08:00:09 +0000", Some(9_000)),
            ("Fri, 1 Jan 2027 08:00:09 GMT", Some(0)),
            ("2027-01-15T08:00:09Z", Some(9_000)),
            ("315360000", Some(315_360_000_000)),
            // Since the epoch.
            ("1800000009", Some(9_000)),
            ("1800000009000", Some(9_000)),
            // Of several that were put into one.
            ("9, 5", Some(9_000)),
        ] {
            assert_eq!(asked(&[("retry-after", value)]), wait, "{value}");
        }
        for junk in [
            "",
            "soon",
            "-1",
            "1,5",
            "1.",
            ".5",
            "1e3",
            "NaN",
            "18446744073709551615",
            "99999999999999999999",
            "Fri, 15 Jan 2027 08:00:09 XYZ",
            "Fri, 15 Jan 2027 08:00:09 GMT, maybe",
        ] {
            assert_eq!(asked(&[("retry-after", junk)]), None, "{junk}");
        }
    }

    #[test]
    fn of_several_hints_the_longest_counts() {
        let pairs = [
            ("retry-after", "5"),
            ("retry-after", "9"),
            ("retry-after", "x"),
        ];
        let headers = pairs.map(|(name, value)| (name, value.parse().unwrap()));
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name, value);
        }
        let timing = Timing::read(&PROFILE, &all, now());
        assert_eq!(timing.retry_after, Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_field_that_tells_all_about_a_window_is_read_in_both_its_forms() {
        for (value, wait) in [
            ("limit=100, remaining=0, reset=30", Some(30_000)),
            ("limit=100, remaining=3, reset=30", None),
            ("limit=100,reset=30", Some(30_000)),
            ("\"default\";r=0;t=30", Some(30_000)),
            ("\"a\"; r=5; t=60, \"b\"; r=0; t=30", Some(30_000)),
            ("\"a\";r=5;t=60", None),
            ("\"a\";t=60", Some(60_000)),
            ("r=0;t=-1", None),
            ("nonsense", None),
        ] {
            for profile in [&PROFILE, &Profile::of(crate::id::Service::AVISI_CLOUD)] {
                let asked = |status| asked_of(profile, status, &[("ratelimit", value)]);
                assert_eq!((asked(429), asked(500)), (wait, None), "{value}");
            }
        }
    }

    #[test]
    fn resets_come_in_any_unit_and_may_lie_in_the_past() {
        for (value, wait) in [
            ("30", Some(30_000)),
            ("0", Some(0)),
            ("0.5", Some(500)),
            ("1800000003500", Some(3_500)),
            ("1800000003", Some(3_000)),
            ("1800000003.5", Some(3_500)),
            ("1700000000000", Some(0)),
            ("1700000000", Some(0)),
            ("Fri, 15 Jan 2027 08:00:09 GMT", Some(9_000)),
            ("2027-01-15T09:00:09+01:00", Some(9_000)),
            ("x", None),
            ("-5", None),
            ("99999999999999999", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(asked(&[("x-ratelimit-reset", value)]), wait, "{value}");
        }
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
            Some(4_000)
        );
    }

    #[test]
    fn a_service_without_windows_is_asked_by_the_common_names_where_a_limit_is_reached() {
        let plain = Profile::of(crate::id::Service::AVISI_CLOUD);
        for name in COMMON_RESET {
            assert_eq!(asked_of(&plain, 429, &[(name, "30")]), Some(30_000));
            assert_eq!(asked_of(&plain, 429, &[(name, "30, 60")]), Some(60_000));
            // A gateway before a service that has names of its own.
            assert_eq!(asked_of(&PROFILE, 429, &[(name, "30")]), Some(30_000));
            assert_eq!(asked_of(&plain, 500, &[(name, "30")]), None);
        }
        let left = |left| [("ratelimit-reset", "30"), ("ratelimit-remaining", left)];
        assert_eq!(asked_of(&plain, 429, &left("0")), Some(30_000));
        assert_eq!(asked_of(&plain, 429, &left("3")), None);
    }

    #[test]
    fn a_clock_that_is_a_day_off_is_corrected_by_the_date_header() {
        let theirs = now() + Duration::from_secs(86_400);
        let reset = (theirs + Duration::from_secs(5)).duration_since(UNIX_EPOCH);
        let reset = reset.unwrap().as_millis().to_string();
        let date = httpdate::fmt_http_date(theirs);
        let headers = [("date", date.as_str()), ("x-ratelimit-reset", &reset)];
        assert_eq!(asked(&headers), Some(5_000));
        // The date of a copy says nothing about the clock.
        let [date, reset] = headers;
        assert_eq!(asked(&[date, reset, ("age", "9")]), Some(86_405_000));
    }
}
