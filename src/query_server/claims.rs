//! The claims of a token, which decide whether the server accepts it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The two claims that the server holds against its row. Read only, not verified: the key is the
/// server's.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) exp: i64,
    pub(super) iat: i64,
}

impl Claims {
    pub(super) fn read(token: &Secret) -> Option<Self> {
        payload(token)
    }
}

/// The claims that say whose a token is.
#[derive(Debug, Deserialize)]
pub(super) struct Bearer {
    /// `token` in those of the list; the tokens of users have another.
    pub(super) iss: String,
    pub(super) sub: Option<String>,
}

impl Bearer {
    pub(super) fn read(token: &Secret) -> Option<Self> {
        payload(token)
    }

    /// Whether it may be a token of the list.
    pub(super) fn is_of_the_list(&self) -> bool {
        self.iss == "token"
    }
}

fn payload<T: DeserializeOwned>(token: &Secret) -> Option<T> {
    let payload = token.expose_secret().split('.').nth(1)?;
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_and_junk_is_none() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"exp":20,"iat":10,"iss":"token","sub":"x"}"#);
        let claims = Claims::read(&Secret::new(format!("h.{payload}.s"))).unwrap();
        assert_eq!((claims.exp, claims.iat), (20, 10));
        for junk in ["", "a", "a.b", "a.!!.c", "..", "a.e30.c"] {
            assert!(Claims::read(&Secret::new(junk)).is_none(), "{junk}");
        }
    }
}
