//! Times to wait for, in all the ways that servers write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

use crate::time::{DateText, http_date};

/// Three years: what is more is no time from now.
const SECONDS: u64 = 100_000_000;
/// The year 5138 in seconds, and in milliseconds.
const MILLISECONDS: u64 = 100_000_000_000;
const NONSENSE: u64 = 100_000_000_000_000;
/// 30 years, and the year 2001.
const NO_WAIT: u64 = 1_000_000_000;

pub(super) fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim_ascii)
}

/// What `Retry-After` says, as seconds or as a date.
pub(super) fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    latest(value, |value| match seconds(value) {
        Some(number) if number.as_secs() < NO_WAIT => Some(number),
        _ => Some(until(one_moment(value, now)?, now)),
    })
}

/// The end of a window: a date; or, told by its size, seconds from now, or seconds or milliseconds
/// since the epoch.
pub(super) fn moment(value: &str, now: SystemTime) -> Option<SystemTime> {
    latest(value, |value| one_moment(value, now))
}

/// The end of the windows that are used up, in a field that tells all about each: as
/// `limit=9, remaining=0, reset=30`, or as `"name";r=0;t=30` for each of several.
pub(super) fn end_of_used_up(value: &str, now: SystemTime) -> Option<SystemTime> {
    let whole = [value];
    let (several, one) = (value.split(','), whole.into_iter());
    let windows: Box<dyn Iterator<Item = &str>> = if value.contains("reset=") {
        Box::new(one)
    } else {
        Box::new(several)
    };
    let ends = windows.filter_map(|window| {
        let (mut left, mut end) = (None, None);
        for (name, value) in window.split([',', ';']).filter_map(|it| it.split_once('=')) {
            match name.trim() {
                "r" | "remaining" => left = value.trim().parse::<u64>().ok(),
                "t" | "reset" => end = one_moment(value.trim(), now),
                _ => {}
            }
        }
        end.filter(|_| left.is_none_or(|left| left == 0))
    });
    ends.max()
}

pub(super) fn until(time: SystemTime, now: SystemTime) -> Duration {
    time.duration_since(now).unwrap_or(Duration::ZERO)
}

/// Of several values that somebody on the way has put into one field, the latest.
fn latest<T: Ord>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    // A date has a comma of its own.
    read(value).or_else(|| value.split(", ").filter_map(|part| read(part.trim())).max())
}

fn one_moment(value: &str, now: SystemTime) -> Option<SystemTime> {
    let Some(number) = seconds(value) else {
        return date(value);
    };
    match number.as_secs() {
        ..SECONDS => now.checked_add(number),
        SECONDS..MILLISECONDS => UNIX_EPOCH.checked_add(number),
        MILLISECONDS..NONSENSE => UNIX_EPOCH.checked_add(Duration::from_millis(number.as_secs())),
        NONSENSE.. => None,
    }
}

/// A number of seconds, or of milliseconds, with or without a fraction.
fn seconds(value: &str) -> Option<Duration> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(value) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let (whole, fraction) = value.split_once('.')?;
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = Duration::try_from_secs_f64(format!("0.{fraction}").parse().ok()?).ok()?;
    Duration::from_secs(whole.parse().ok()?).checked_add(fraction)
}

fn date(value: &str) -> Option<SystemTime> {
    http_date::parse(value).or_else(|| DateText::new(value).parse().ok().flatten())
}
