//! The seven operations of LaunchDarkly, on a local twin: no account, no network.
//!
//! `cargo run -p examples --example launchdarkly`

use std::error::Error;
use std::time::Duration;

use access_tokens::Clock as _;
use access_tokens::launchdarkly::{Client, Patch, Role, Statement, TokenBody};
use access_tokens_testing::{LaunchDarkly, VirtualClock};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let ld = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .clock(clock.clone())
        .build()?;

    let body = TokenBody::builder()
        .name("nightly export")
        .role(Role::Reader)
        .expires(30 * DAY);
    let new = ld.create(body).await?;
    let id = new.token().id.clone();
    say("postToken", format_args!("{id}, secret {:?}", new.secret()));

    let policy = Statement::allow()
        .resources(["proj/*:env/staging:flag/*"])
        .actions(["updateOn"]);
    let body = TokenBody::builder()
        .name("staging toggler")
        .inline_policy([policy])
        .service_token(true);
    let service = ld.create(body).await?;
    say(
        "postToken",
        format_args!("{}, a service token", service.token().id),
    );

    let mut tokens = ld.list().show_all(true).limit(2).stream();
    while let Some(token) = tokens.try_next().await? {
        let (name, tail) = (token.name.as_deref(), token.secret_tail());
        let (name, tail) = (name.unwrap_or("(no name)"), tail.unwrap_or("?"));
        say(
            "getTokens",
            format_args!("{name:<19} …{tail}  last used {}", token.last_used()),
        );
    }

    let token = ld.get(&id).await?;
    say("getToken", format_args!("expires {}", token.expires()));

    let patch = Patch::new()
        .test_name("nightly export")
        .replace_name("weekly export")
        .expire_at(clock.now() + 90 * DAY);
    let token = ld.patch(&id, patch).await?;
    say(
        "patchToken",
        format_args!("{:?} expires {}", token.name.as_deref(), token.expires()),
    );

    let late = ld
        .patch(
            &id,
            Patch::new().test_name("nightly export").replace_name("x"),
        )
        .await;
    if let Err(error) = late {
        say(
            "patchToken",
            format_args!("conflict: {}", error.is_patch_conflict()),
        );
    }

    let reset = ld.reset(&id, DAY).await?;
    let both = twin.authenticates(new.secret()) && twin.authenticates(reset.secret());
    say(
        "resetToken",
        format_args!("old and new secret work: {both}"),
    );
    clock.advance(DAY);
    let old = twin.authenticates(new.secret());
    say("", format_args!("a day later the old one works: {old}"));

    let caller = ld.whoami().await?;
    say("whoami", format_args!("{:?}", caller.token_id));

    ld.delete(&id).await?;
    say("deleteToken", format_args!("gone"));
    if let Err(error) = ld.get(&id).await {
        say("getToken", format_args!("{error}"));
    }
    Ok(())
}

fn say(operation: &str, outcome: std::fmt::Arguments<'_>) {
    println!("{operation:<13}{outcome}");
}
