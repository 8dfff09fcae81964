//! The three twins as servers for other programs, until the standard input is closed:
//!
//! ```text
//! cargo run -p access-tokens-testing --bin twins
//! ```
//!
//! prints address and credential of each, in the form of the variables that the live part of
//! `tests/conformance` reads. The credentials are made up by this process, open these local servers
//! only and are gone with them; printing them is what this example is for. Nothing else in this
//! crate prints a secret.

use access_tokens::Secret;
use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let ld = LaunchDarkly::start().await?;
    let query = QueryServer::start().await?;
    // Not among the tokens that others may revoke.
    let avisi = AvisiCloud::builder()
        .lists_credential(false)
        .start()
        .await?;
    ld.record_requests(false);
    query.record_requests(false);
    avisi.record_requests(false);

    show("LAUNCHDARKLY", &ld.base_url(), &ld.credential());
    show("QUERY_SERVER", &query.base_url(), &query.credential());
    show("AVISI_CLOUD", &avisi.base_url(), &avisi.credential());

    // The twins run on threads of their own.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn show(service: &str, url: &str, credential: &Secret) {
    println!("ACCESS_TOKENS_LIVE_{service}_URL={url}");
    println!(
        "ACCESS_TOKENS_LIVE_{service}_TOKEN={}",
        credential.expose_secret()
    );
}
