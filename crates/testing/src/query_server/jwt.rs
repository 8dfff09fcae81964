//! Signed tokens (JWT, HS256), as the server makes and reads them.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac_sha256::HMAC;
use serde::Deserialize;
use serde_json::{Number, json};

use crate::common::random_uuid;

/// The claims that the server looks at.
#[derive(Clone, Deserialize)]
pub(super) struct Claims {
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) iss: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// The server's secret.
#[derive(Clone)]
pub(super) struct Key {
    bytes: [u8; 64],
    /// The token verified last: without optimisation a signature takes longer than the rest of a
    /// request, and most requests carry the same one.
    last: Arc<Mutex<Option<(String, Claims)>>>,
}

impl Key {
    pub(super) fn random() -> Self {
        Self::new(std::array::from_fn(|_| fastrand::u8(..)))
    }

    fn new(bytes: [u8; 64]) -> Self {
        Self {
            bytes,
            last: Arc::default(),
        }
    }

    pub(super) fn sign(&self, issuer: &str, exp: &Number, iat: i64) -> String {
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let claims = json!({ "exp": exp, "iat": iat, "iss": issuer, "sub": random_uuid() });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize());
        format!("{signed}.{signature}")
    }

    /// The claims, if the signature is this key's. Says nothing about their times.
    pub(super) fn verify(&self, token: &str) -> Option<Claims> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, claims)) = last.as_ref().filter(|(text, _)| text == token) {
            return Some(claims.clone());
        }
        let claims = self.verified(token)?;
        *last = Some((token.to_owned(), claims.clone()));
        Some(claims)
    }

    fn verified(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = decode(header)?;
        if header.alg != "HS256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = signature.as_slice().try_into().ok()?;
        self.mac(signed)
            .finalize_verify(signature)
            .then(|| decode(claims))?
    }

    fn mac(&self, signed: &str) -> HMAC {
        let mut mac = HMAC::new(self.bytes);
        mac.update(signed.as_bytes());
        mac
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_with_the_key_that_signed_it_alone() {
        let key = Key::random();
        let token = key.sign("token", &Number::from(2), 1);
        let claims = key.verify(&token).unwrap();
        assert_eq!((claims.exp, claims.iat, &*claims.iss), (2, 1, "token"));
        assert!(Key::random().verify(&token).is_none());
        assert!(key.verify(&format!("{token}A")).is_none());
        assert!(key.verify("a.b").is_none());
    }

    // The key and the values of the example for HS256 in RFC 7515, appendix A.1.
    #[test]
    fn a_token_of_the_standard_verifies() {
        let key: [u8; 64] = URL_SAFE_NO_PAD
            .decode(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            )
            .unwrap()
            .try_into()
            .unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                      eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                      cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = Key::new(key).mac(signed).finalize();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
    }
}
