//! A script without async: lists the tokens of an account, and revokes those that nobody uses.
//!
//! ```text
//! cargo run -p examples --features blocking --example script                          # on a local twin
//! LD_ACCESS_TOKEN=… cargo run -p examples --features blocking --example script           # only says what it would revoke
//! LD_ACCESS_TOKEN=… cargo run -p examples --features blocking --example script -- --revoke
//! ```

use std::error::Error;
use std::time::SystemTime;

use access_tokens::blocking::{Blocking as _, BlockingStream as _};
use access_tokens::launchdarkly::{Client, Token};
use access_tokens::{When, days};
use access_tokens_testing::{LaunchDarkly, launchdarkly::Seed};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Whether nobody has used a token for a year. Where that is not known, it is not "unused".
fn is_unused(token: &Token, now: SystemTime) -> bool {
    let long_ago = |at: SystemTime| at + days(365) < now;
    match token.last_used() {
        When::At(used) => long_ago(used),
        When::Never => token.created().time().is_some_and(long_ago),
        _ => false,
    }
}

fn script(ld: &Client, revoke: bool) -> Result<usize> {
    // All first, then the deletions: a list that shrinks while it is read would skip some.
    let tokens: Vec<Token> = ld
        .list()
        .stream()
        .wait_each()
        .collect::<access_tokens::Result<_>>()?;
    let now = SystemTime::now();
    let mut revoked = 0;
    for token in &tokens {
        let name = token.name.as_deref().unwrap_or("(no name)");
        if !is_unused(token, now) {
            println!(
                "keep    {} {name}, last used {}",
                token.id,
                token.last_used()
            );
            continue;
        }
        println!(
            "revoke  {} {name}, last used {}",
            token.id,
            token.last_used()
        );
        if revoke {
            ld.delete(&token.id).wait()?;
            revoked += 1;
        }
    }
    Ok(revoked)
}

fn main() -> Result<()> {
    if std::env::var_os("LD_ACCESS_TOKEN").is_some() {
        let revoke = std::env::args().any(|argument| argument == "--revoke");
        script(&Client::from_env()?, revoke)?;
        return Ok(());
    }
    // The twin needs a runtime; the script does not.
    let runtime = tokio::runtime::Runtime::new()?;
    let twin = runtime.block_on(LaunchDarkly::start())?;
    for (name, ago) in [("ci", 0), ("export", 20), ("forgotten", 500)] {
        let used_last = Seed::new(name).age(days(800)).last_used(days(ago));
        twin.seed(used_last);
    }
    let ld = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .build()?;
    let before = twin.tokens().len();
    let revoked = script(&ld, true)?;
    println!("{revoked} of {before} revoked");
    if twin.tokens().len() + revoked == before {
        Ok(())
    } else {
        Err("the twin has another count".into())
    }
}
