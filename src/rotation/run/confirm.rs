//! Whether a new token is what was asked for, and whether its secret works.

use std::sync::Arc;
use std::time::Duration;

use super::super::record::{MadeLike, Stamp};
use super::super::rules::Times;
use super::super::token::{Declared, Property};
use super::super::{kind::ErrorKind, problem::Problem};
use super::answers::{mark_of, owner_of};
use crate::clock::Clock;
use crate::marker::Marker;
use crate::secret::Secret;
use crate::service::{TokenKind, TokenRecord, TokenTemplate, Verification};
use crate::text::{escape_untrusted, human_duration};

/// How far the time of a service may be off its own records.
const ROUNDING: Duration = Duration::from_secs(5 * 60);

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) mark: &'a Marker,
    pub(crate) made_like: &'a MadeLike,
    /// When it was asked for, by the service's time.
    pub(crate) at: Stamp,
    /// How long it is to live; `None`: without an end.
    pub(crate) life: Option<Duration>,
    /// Whether the service lets its end be chosen.
    pub(crate) chooses_end: bool,
    /// Whether the template was read from a token of this service, and so is complete.
    pub(crate) complete: bool,
}

/// Compares a new token with what was asked for. A warning if it differs in what may differ.
pub(crate) fn compare(
    declared: &Declared,
    asked: &Asked<'_>,
    new: &TokenRecord,
    template: &TokenTemplate,
) -> Result<Vec<String>, Problem> {
    let mut warnings = Vec::new();
    let mut differs = |property: Option<Property>, text: String| {
        if property.is_some_and(|property| declared.accepted.contains(&property)) {
            warnings.push(text);
            return Ok(());
        }
        Err(Problem::person(ErrorKind::NotAsRequested, text))
    };
    if mark_of(new).as_ref() != Some(asked.mark) {
        differs(
            None,
            format!("{} does not carry the mark that was sent", new.key),
        )?;
    }
    if let Some(created) = new.created.time()
        && Stamp::of(created) < asked.at.minus(ROUNDING)
    {
        differs(
            None,
            format!("{} was made before it was asked for", new.key),
        )?;
    }
    let made_like = asked.made_like;
    if let (Some(wanted), Some(got)) = (&made_like.owner, owner_of(new))
        && *wanted != got
    {
        let (wanted, got) = (escape_untrusted(wanted, 80), escape_untrusted(&got, 80));
        let text = format!("{} belongs to {got}, not to {wanted}", new.key);
        differs(Some(Property::Owner), text)?;
    }
    if made_like.kind != new.kind && made_like.kind != TokenKind::NotReported {
        let text = format!(
            "{} is of another kind: {}, not {}",
            new.key, new.kind, made_like.kind
        );
        differs(Some(Property::Kind), text)?;
    }
    for text in of_template(made_like, asked.complete, new, template) {
        differs(Some(Property::Permissions), text)?;
    }
    let end = new.expires.time().map(Stamp::of);
    match (asked.life, end) {
        (Some(life), Some(end)) => {
            let wanted = asked.at.plus(life);
            if end > wanted.plus(ROUNDING) {
                differs(
                    Some(Property::End),
                    format!("{} ends at {end}, later than asked for", new.key),
                )?;
            } else if end < wanted.minus(ROUNDING) {
                warnings.push(format!(
                    "{} was granted {} of life instead of {}: it is rotated that much earlier",
                    new.key,
                    human_duration(end.since(asked.at)),
                    human_duration(life)
                ));
            }
        }
        (Some(_), None) if new.expires.is_reported() || asked.chooses_end => {
            differs(
                Some(Property::End),
                format!("{} has no end, although one was asked for", new.key),
            )?;
        }
        (None, Some(end)) if asked.chooses_end => {
            differs(
                Some(Property::End),
                format!("{} ends at {end}, although no end was asked for", new.key),
            )?;
        }
        _ => {}
    }
    Ok(warnings)
}

/// The members in which the new token is not made like the template.
fn of_template(
    like: &MadeLike,
    complete: bool,
    new: &TokenRecord,
    template: &TokenTemplate,
) -> Vec<String> {
    let none = serde_json::Map::new();
    let wanted = like.template.0.as_object().unwrap_or(&none);
    let got = template.properties().as_object().unwrap_or(&none);
    let empty = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => true,
        Some(serde_json::Value::Array(all)) => all.is_empty(),
        Some(_) => false,
    };
    let mut names: Vec<&String> = wanted.keys().collect();
    if complete {
        names.extend(got.keys().filter(|name| !wanted.contains_key(*name)));
    }
    let differing = names.into_iter().filter(|name| {
        let (wanted, got) = (wanted.get(*name), got.get(*name));
        let same = wanted == got || empty(wanted) && empty(got);
        let left_open = !complete && empty(wanted);
        !same && !left_open && !is_elsewhere(like, new, wanted, got)
    });
    let shown = |name: &String| {
        format!(
            "{}: {} is not as asked for",
            new.key,
            escape_untrusted(name, 60)
        )
    };
    differing.map(shown).collect()
}

/// Whether a member is the name, the mark or the end, which are compared by themselves.
fn is_elsewhere(
    like: &MadeLike,
    new: &TokenRecord,
    wanted: Option<&serde_json::Value>,
    got: Option<&serde_json::Value>,
) -> bool {
    let stripped = |value: Option<&serde_json::Value>| {
        let text = value
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        Marker::stripped(text).trim_end().to_owned()
    };
    let text =
        |value: Option<&serde_json::Value>| value.is_none_or(|v| v.is_string() || v.is_null());
    if text(wanted) && text(got) {
        let (wanted, got) = (stripped(wanted), stripped(got));
        if wanted == got || like.name.as_deref() == Some(got.as_str()) {
            return true;
        }
    }
    let is_end = |value: &serde_json::Value, end: std::time::SystemTime| {
        let millis = Stamp::of(end);
        let number = value.as_i64().map(|number| number.to_string());
        let since = end
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let forms = [since.as_secs().to_string(), since.as_millis().to_string()];
        number.is_some_and(|number| forms.contains(&number))
            || value.as_str() == Some(&millis.to_string())
    };
    match (got, new.expires.time()) {
        (Some(got), Some(end)) if is_end(got, end) => true,
        // An end of the old one that the new one does not have.
        (None | Some(serde_json::Value::Null), None) => {
            like.template.0.as_object().is_some_and(|all| {
                all.iter().any(|(name, value)| {
                    Some(value) == wanted && value.is_i64() && name.to_lowercase().contains("expir")
                })
            })
        }
        _ => false,
    }
}

/// Authenticates with a new secret, patiently: a service may take some seconds until it knows it.
pub(crate) async fn authenticate(
    declared: &Declared,
    clock: &dyn Clock,
    times: &Times,
    new: &TokenRecord,
    secret: &Secret,
) -> Result<(), (Problem, Option<Arc<crate::Error>>)> {
    patiently(clock, times.patience, || async {
        match declared.service.verify(&new.key, secret).await {
            Ok(Verification::Accepted) => Ok(()),
            Ok(_) => {
                let text = "the service does not accept the new secret";
                Err((Problem::new(ErrorKind::NotAccepted, text), None))
            }
            Err(error) => Err((of_service(&error), Some(Arc::new(error)))),
        }
    })
    .await
}

/// Tries something until it succeeds or the patience is at its end.
pub(crate) async fn patiently<T, E, F, W>(
    clock: &dyn Clock,
    patience: Duration,
    mut call: F,
) -> Result<T, E>
where
    F: FnMut() -> W,
    W: Future<Output = Result<T, E>>,
{
    let began = clock.monotonic();
    let mut pause = Duration::from_millis(250);
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if clock.monotonic().saturating_sub(began) + pause > patience {
            return Err(error);
        }
        clock.sleep(pause).await;
        pause = pause.saturating_mul(2).min(Duration::from_secs(5));
    }
}

/// The same of a list of the account.
pub(crate) fn of_account(error: &crate::Error) -> Problem {
    Problem {
        kind: ErrorKind::Account,
        ..of_service(error)
    }
}

/// An error of a service in the words of a tick.
pub(crate) fn of_service(error: &crate::Error) -> Problem {
    use crate::ErrorKind as Kind;
    let person = matches!(
        error.kind(),
        Kind::PermissionDenied | Kind::Unauthenticated | Kind::Unsupported
    );
    Problem {
        person,
        retry_after: error.retry_after(),
        ..Problem::new(ErrorKind::Service, error.to_string())
    }
}
