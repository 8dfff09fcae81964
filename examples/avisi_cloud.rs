//! The three operations of Avisi Cloud, on a local twin: no account, no network.
//!
//! `cargo run -p examples --example avisi_cloud`

use std::error::Error;
use std::time::Duration;

use access_tokens::avisi_cloud::{Client, ProvisionBody};
use access_tokens_testing::{AvisiCloud, VirtualClock};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = VirtualClock::new();
    let twin = AvisiCloud::builder()
        .clock(clock.clone())
        .lifetime(365 * DAY);
    let twin = twin.start().await?;
    let avisi = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .clock(clock)
        .build()?;

    // Checked before anything is sent.
    let wrong = ProvisionBody::builder("ci runner").ip_restriction("203.0.113.0/99");
    if let Err(error) = avisi.provision(wrong).await {
        say("provision", format_args!("{error}"));
    }

    let body = ProvisionBody::builder("ci runner").ip_restriction("203.0.113.0/24");
    let new = avisi.provision(body).await?;
    let id = new.token().id.clone().ok_or("a new token has no id")?;
    say("provision", format_args!("{id}, secret {:?}", new.secret()));

    for token in avisi.list().await? {
        let name = token.name.as_deref().unwrap_or("(no name)");
        say("list", format_args!("{name:<23} ends {}", token.expires()));
    }

    let answer = avisi.revoke(&id).await?;
    say(
        "revoke",
        format_args!("{:?}", answer.message.unwrap_or_default()),
    );
    say(
        "",
        format_args!("its secret is let in: {}", twin.authenticates(new.secret())),
    );
    // Whether this succeeds is not documented; the twin can do both.
    if let Err(error) = avisi.revoke(&id).await {
        say("revoke", format_args!("{error}"));
    }
    Ok(())
}

fn say(operation: &str, outcome: std::fmt::Arguments<'_>) {
    println!("{operation:<11}{outcome}");
}
