//! Bodies of Query Server: whatever decodes can be looked at and does not print its secret.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use access_tokens::query_server::{Token, Tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(tokens) = serde_json::from_slice::<Tokens>(data) {
        tokens.data.iter().for_each(look);
    }
    if let Ok(token) = serde_json::from_slice::<Token>(data) {
        look(&token);
    }
});

fn look(token: &Token) {
    let _ = (token.created().to_string(), token.modified().to_string());
    let _ = token.expires().to_string();
    for seconds in [0, 1_767_225_600, 1 << 40] {
        let now = UNIX_EPOCH + Duration::from_secs(seconds);
        let _ = token.liveness(now).to_string();
    }
    let printed = format!("{token:?}");
    if let Some(secret) = token.secret() {
        let secret = secret.expose_secret();
        if secret.len() > 12 && !token.name.contains(secret) {
            assert!(!printed.contains(secret));
        }
    }
}
