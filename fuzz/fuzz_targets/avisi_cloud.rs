//! Bodies of Avisi Cloud: whatever decodes can be looked at and does not print its secret.
#![no_main]

use access_tokens::avisi_cloud::{PersonalAccessToken, ProvisionBody, RevokeAnswer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(token) = serde_json::from_slice::<PersonalAccessToken>(data) {
        look(&token);
    }
    if let Ok(Some(tokens)) = serde_json::from_slice::<Option<Vec<PersonalAccessToken>>>(data) {
        tokens.iter().for_each(look);
    }
    let _ = serde_json::from_slice::<RevokeAnswer>(data);
    let _ = serde_json::from_slice::<ProvisionBody>(data);
});

fn look(token: &PersonalAccessToken) {
    let _ = (token.created(), token.expires(), token.last_used());
    let printed = format!("{token:?}");
    if let Some(secret) = &token.token {
        let secret = secret.expose_secret();
        let elsewhere = serde_json::to_string(token).unwrap_or_default();
        if secret.len() > 12 && !elsewhere.contains(secret) {
            assert!(!printed.contains(secret));
        }
    }
}
