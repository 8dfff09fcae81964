//! How to test an application that manages tokens: without an account, without waiting, and with
//! the failures that matter.
//!
//! `cargo run -p examples --example testing_your_application` runs what would be the tests; the functions under
//! "the application" are what would be the application.

use std::error::Error;
use std::time::Duration;

use access_tokens::launchdarkly::{Client, Role, TokenBody};
use access_tokens::{Clock, Marker, Result, Secret, TokenId};
use access_tokens_testing::launchdarkly::Operation;
use access_tokens_testing::{Fault, LaunchDarkly, VirtualClock};

type Outcome = std::result::Result<(), Box<dyn Error>>;

const DAY: Duration = Duration::from_secs(86_400);

// The application: it hands out tokens that live for a month, and replaces those that end soon.

struct Lease {
    id: TokenId,
    secret: Secret,
    ends: Option<std::time::SystemTime>,
}

/// Makes a token. If the answer is lost, removes what may have been made and tries once more.
async fn lease(ld: &Client, purpose: &str) -> Result<Lease> {
    let marker = Marker::random();
    let body = TokenBody::builder()
        .name(marker.appended_to(purpose))
        .role(Role::Reader)
        .expires(30 * DAY);
    let new = match ld.create(body.clone()).await {
        Err(error) if error.may_have_been_sent() => {
            for token in ld.list().all().await? {
                let name = token.name.as_deref().unwrap_or_default();
                if Marker::in_text(name).as_ref() == Some(&marker) {
                    ld.delete(&token.id).await?;
                }
            }
            ld.create(body).await?
        }
        created => created?,
    };
    let (token, secret) = new.into_parts();
    let ends = token.expires().time();
    Ok(Lease {
        id: token.id,
        secret,
        ends,
    })
}

/// Replaces a token that ends within three days.
async fn renew(ld: &Client, clock: &impl Clock, old: Lease, purpose: &str) -> Result<Lease> {
    if old.ends.is_none_or(|end| end > clock.now() + 3 * DAY) {
        return Ok(old);
    }
    let new = lease(ld, purpose).await?;
    ld.delete(&old.id).await?;
    Ok(new)
}

// The tests.

async fn a_token_is_replaced_before_it_ends() -> Outcome {
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let ld = client(&twin, &clock)?;

    let first = lease(&ld, "export").await?;
    let secret = first.secret.clone();
    let same = renew(&ld, &clock, first, "export").await?;
    check("a fresh token stays", same.secret == secret)?;

    clock.advance(28 * DAY);
    let next = renew(&ld, &clock, same, "export").await?;
    check("after 28 days there is another", next.secret != secret)?;
    check("it works", twin.authenticates(&next.secret))?;
    check("the old one does not", !twin.authenticates(&secret))?;

    clock.advance(31 * DAY);
    check(
        "31 days later it has ended",
        !twin.authenticates(&next.secret),
    )
}

async fn a_lost_answer_leaves_no_orphan() -> Outcome {
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let ld = client(&twin, &clock)?;

    // The service makes the token, and the connection breaks before its answer arrives.
    twin.on(Operation::PostToken).then(Fault::ActThenReset);
    let lease = lease(&ld, "export").await?;
    check(
        "the application has a token",
        twin.authenticates(&lease.secret),
    )?;
    check("and there is no other one", twin.tokens().len() == 2)?;

    let requests = twin.requests();
    let sent = |method: &str| requests.iter().filter(|r| r.method == method).count();
    check(
        "two were made, one was removed",
        (sent("POST"), sent("DELETE")) == (2, 1),
    )
}

fn client(twin: &LaunchDarkly, clock: &VirtualClock) -> Result<Client> {
    let client = Client::builder().base_url(twin.base_url());
    client
        .credential(twin.credential())
        .clock(clock.clone())
        .build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    println!("a token is replaced before it ends");
    a_token_is_replaced_before_it_ends().await?;
    println!("a lost answer leaves no orphan");
    a_lost_answer_leaves_no_orphan().await
}

fn check(what: &str, holds: bool) -> Outcome {
    println!("  {:<7}{what}", if holds { "yes" } else { "NO" });
    if holds { Ok(()) } else { Err(what.into()) }
}
