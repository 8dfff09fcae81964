//! What can be read of an object that comes only once: what it holds beside them, such as a secret, is
//! more than what is odd about some of its members.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;
use zeroize::Zeroizing;

use crate::listing::misfit;
use crate::secret::Secret;

/// An object without the members that cannot be read.
///
/// `None` if it is no object, or one that lacks something without which it means nothing.
#[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
pub(crate) fn readable_part<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let text = text_of(body);
    // As a time it is none that can be true: one that is there and unknown, which is not "never".
    let absurd = RawValue::from_string("-1".to_owned()).ok()?;
    let (part, _) = part(members(&text)?, Some(&absurd)).ok()?;
    Some(part)
}

/// What can be read, and whether that is all there is; or where something is missing.
type Part<T> = Result<(T, bool), String>;

/// The secret in an object, under this name, and what can be read of the members beside it.
///
/// `None` if it is no object.
pub(crate) fn secret_beside<T: DeserializeOwned>(
    body: &[u8],
    name: &str,
) -> Option<(Option<Secret>, Part<T>)> {
    let text = text_of(body);
    let mut members = members(&text)?;
    // Whatever `T` is, it never sees the secret.
    let secret = members.remove(name);
    let secret = secret.and_then(|secret| serde_json::from_str(secret.get()).ok());
    Some((secret, part(members, None)))
}

/// Not UTF-8 in a name or the like costs that name alone.
fn text_of(body: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(body).into_owned())
}

/// Of a member that is there twice the last one counts; what follows the object is passed over.
fn members(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    BTreeMap::deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

/// What can be read of these members. One that cannot be is replaced, and then left out.
fn part<'a, T: DeserializeOwned>(
    mut members: BTreeMap<String, &'a RawValue>,
    replacement: Option<&'a RawValue>,
) -> Part<T> {
    let mut whole = true;
    loop {
        let object = serde_json::to_string(&members).unwrap_or_default();
        let object = Zeroizing::new(object);
        let mut json = serde_json::Deserializer::from_str(&object);
        let error = match serde_path_to_error::deserialize(&mut json) {
            Ok(read) => return Ok((read, whole)),
            Err(error) => error,
        };
        whole = false;
        let missing = || misfit("", error.path());
        let Some(Segment::Map { key }) = error.path().iter().next() else {
            return Err(missing());
        };
        let member = members.get_mut(key).ok_or_else(missing)?;
        match replacement {
            Some(other) if member.get() != other.get() => *member = other,
            _ => drop(members.remove(key)),
        }
    }
}
