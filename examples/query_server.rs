//! The five operations of Query Server, and what this crate puts together from them, on a local
//! twin: no server, no network.
//!
//! `cargo run -p examples --example query_server`

use std::error::Error;
use std::time::Duration;

use access_tokens::Clock as _;
use access_tokens::query_server::Changes;
use access_tokens::query_server::{Client, Created, TokenBody};
use access_tokens_testing::{QueryServer, VirtualClock};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = VirtualClock::new();
    let twin = QueryServer::builder().clock(clock.clone()).start().await?;
    let query = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .clock(clock.clone())
        .build()?;

    let body = TokenBody::builder("edge").write(false).expires(90 * DAY);
    // The server says 201 both times; the client tells them apart.
    for _ in 0..2 {
        match query.create(body.clone()).await? {
            Created::New(new) => say("createToken", format_args!("new, {:?}", new.secret())),
            Created::AlreadyExists(token) => {
                say(
                    "createToken",
                    format_args!("there since {}", token.created()),
                );
            }
        }
    }

    let secret = query.value("edge").await?;
    say(
        "getTokenValue",
        format_args!("{secret:?}, accepted: {}", twin.authenticates(&secret)),
    );
    let missing = query.exists("core").await?;
    say("getTokenValue", format_args!("\"core\" exists: {missing}"));

    for token in query.list().await?.data {
        let liveness = token.liveness(clock.now());
        say(
            "listTokens",
            format_args!("{} is {liveness}, ends {}", token.name, token.expires()),
        );
    }

    // An update replaces the secret, and the new one normally does not work.
    clock.advance(Duration::from_secs(5));
    let updated = query.update("edge", Changes::new().write(true)).await?;
    say(
        "updateToken",
        format_args!("the new secret is {}", updated.liveness),
    );

    // These do: the same name with a gap, or another name without one.
    let rotated = query.rotate_in_place("edge", Changes::new()).await?;
    say(
        "rotate_in_place",
        format_args!("accepted: {}", twin.authenticates(rotated.new.secret())),
    );
    let rotated = query
        .rotate_to("edge", "edge-2", Changes::new().expires(30 * DAY))
        .await?;
    say(
        "rotate_to",
        format_args!("edge-2, the old one: {:?}", rotated.old),
    );

    query.delete("edge").await?;
    say(
        "deleteToken",
        format_args!("the server does not tell whether there was one"),
    );
    let existed = query.delete_existing("edge-2").await?;
    say("delete_existing", format_args!("there was one: {existed}"));
    if let Err(error) = query.get("edge-2").await {
        say("get", format_args!("{error}"));
    }
    Ok(())
}

fn say(operation: &str, outcome: std::fmt::Arguments<'_>) {
    println!("{operation:<17}{outcome}");
}
