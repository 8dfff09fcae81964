//! Somebody else's program that installs the provider of cryptography itself.

use access_tokens::launchdarkly::Client;

fn main() {
    let client = || Client::builder().credential("x").build();
    let error = client().expect_err("there is no provider yet");
    assert!(error.to_string().contains("provider"), "{error}");
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().expect("the first one");
    client().expect("https by ring");
}
