//! Somebody else's program, built against what the packages hold: the client and an
//! inventory, against the twin.

use access_tokens::inventory::Inventory;
use access_tokens::launchdarkly::{Client, Role, TokenBody};
use access_tokens_testing::{Fault, LaunchDarkly, launchdarkly::Operation};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let twin = LaunchDarkly::start().await?;
    let client = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .build()?;
    let body = TokenBody::builder().name("of a consumer").role(Role::Reader);
    let made = client.create(body).await?;
    assert!(twin.authenticates(made.secret()));
    twin.on(Operation::GetTokens).then(Fault::Status(503));
    let report = Inventory::new().add("prod", client.clone()).collect().await;
    assert!(report.is_complete() && report.len() == 2);
    Ok(())
}
