//! Bodies of LaunchDarkly: whatever decodes can be looked at and does not print its secret.
#![no_main]

use access_tokens::launchdarkly::{PatchOperation, Statement, Token, TokenBody, Tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(token) = serde_json::from_slice::<Token>(data) {
        look(&token);
    }
    if let Ok(tokens) = serde_json::from_slice::<Tokens>(data) {
        tokens.items.iter().for_each(look);
    }
    let _ = serde_json::from_slice::<TokenBody>(data);
    let _ = serde_json::from_slice::<Statement>(data);
    if let Ok(patch) = serde_json::from_slice::<Vec<PatchOperation>>(data) {
        assert!(serde_json::to_value(&patch).is_ok());
    }
});

fn look(token: &Token) {
    let _ = (token.created(), token.last_used().to_string());
    let _ = (token.expires().to_string(), token.access(), token.id.to_string());
    assert!(token.secret_tail().is_none_or(|tail| tail.len() <= 4));
    let printed = format!("{token:?}");
    if let Some(secret) = &token.token {
        let secret = secret.expose_secret();
        // Long enough not to stand in another field by chance.
        let elsewhere = serde_json::to_string(token).unwrap_or_default();
        if secret.len() > 12 && !elsewhere.contains(secret) {
            assert!(!printed.contains(secret));
        }
    }
}
