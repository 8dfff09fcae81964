//! The one type that holds a secret.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret value: printing it gives `[redacted]`, dropping it wipes its memory.
///
/// There is one way out, [`expose_secret`](Self::expose_secret), so that every place where a
/// secret leaves the type can be found by searching for that name. The type has no `Display` and
/// no `Serialize`, and comparing two secrets takes a time that does not depend on where they
/// differ (their lengths are not hidden).
///
/// Copies that other code makes on the way, such as the buffer a response was read into, are out
/// of this type's reach.
///
/// ```
/// use access_tokens::Secret;
///
/// let secret = Secret::new("api-00000000-1111-4222-8333-444444444444");
/// assert_eq!(format!("{secret:?}"), "Secret([redacted])");
/// assert_eq!(secret.expose_secret().len(), 40);
/// ```
///
/// It cannot be printed or serialised by accident:
///
/// ```compile_fail
/// println!("{}", access_tokens::Secret::new("s"));
/// ```
///
/// ```compile_fail
/// serde_json::to_string(&access_tokens::Secret::new("s"));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself: the one way out.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Whether the value is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        macro_rules! refuse {
            ($($visit:ident: $type:ty),+) => {$(
                fn $visit<E: de::Error>(self, _: $type) -> Result<Secret, E> {
                    Err(E::custom("the secret is not a string"))
                }
            )+};
        }

        // A visitor of our own for its errors: the usual ones quote the value.
        impl de::Visitor<'_> for Visitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string that holds a secret")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Secret, E> {
                Ok(Secret::new(value))
            }

            fn visit_string<E: de::Error>(self, value: String) -> Result<Secret, E> {
                Ok(Secret::new(value))
            }

            refuse!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
            refuse!(visit_bytes: &[u8]);
        }

        // `any`, so that a value of another type reaches the visitor and not an error that quotes it.
        deserializer.deserialize_any(Visitor)
    }
}
