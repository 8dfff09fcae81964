//! How generated models read members that are for information only: what cannot be read is not
//! there.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{Error as ValueError, MapAccessDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};

/// A text, number or truth value, or nothing if what came is something else.
pub(crate) fn scalar<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    deserializer.deserialize_any(Lenient::<T, false>(PhantomData))
}

/// An object, or nothing if what came is none.
///
/// The members of the object have to be lenient themselves: after an error inside of it nothing
/// can be read any more.
#[cfg(feature = "launchdarkly")]
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    deserializer.deserialize_any(Lenient::<T, true>(PhantomData))
}

/// Reads an object, or else everything but an object and a list.
struct Lenient<T, const OBJECT: bool>(PhantomData<T>);

fn read<'de, const OBJECT: bool, T: Deserialize<'de>>(
    value: impl IntoDeserializer<'de, ValueError>,
) -> Option<T> {
    if OBJECT {
        return None;
    }
    T::deserialize(value.into_deserializer()).ok()
}

macro_rules! take {
    ($($visit:ident: $type:ty),+) => {$(
        fn $visit<E>(self, value: $type) -> Result<Option<T>, E> {
            Ok(read::<OBJECT, _>(value))
        }
    )+};
}

impl<'de, T: DeserializeOwned, const OBJECT: bool> Visitor<'de> for Lenient<T, OBJECT> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    take!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
    take!(visit_str: &str, visit_string: String);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Option<T>, A::Error> {
        if OBJECT {
            return T::deserialize(MapAccessDeserializer::new(object)).map(Some);
        }
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
