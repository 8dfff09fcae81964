//! The whole life of a token on each of the three services.
//!
//! `cargo run --example quickstart` runs it against local twins that this process starts: real HTTP
//! on the loopback interface, no account, no network.
//!
//! `cargo run --example quickstart -- --live` talks to the real services whose variables are set
//! (see the README), and only reads. With `--live --write` it creates a token on each, under a name
//! of its own, and removes it again.

use std::error::Error;
use std::time::Duration;

use access_tokens::query_server::Changes;
use access_tokens::{
    Clock, ErrorKind, Marker, Secret, When, avisi_cloud, launchdarkly, query_server,
};
use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer, VirtualClock};

type Outcome = Result<(), Box<dyn Error>>;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut mode = Mode {
        live: false,
        write: true,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--live"] => {
            mode = Mode {
                live: true,
                write: false,
            }
        }
        ["--live", "--write"] => {
            mode = Mode {
                live: true,
                write: true,
            }
        }
        _ => return Err("usage: quickstart [--live [--write]]".into()),
    }
    if mode.live {
        live(mode).await
    } else {
        local(mode).await
    }
}

#[derive(Clone, Copy)]
struct Mode {
    live: bool,
    write: bool,
}

/// All three services as twins in this process.
async fn local(mode: Mode) -> Outcome {
    println!("Local twins of the three services; nothing leaves this machine.");
    let clock = VirtualClock::new();

    let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let builder = launchdarkly::Client::builder()
        .base_url(twin.base_url())
        .clock(clock.clone());
    let client = builder.credential(twin.credential()).build()?;
    launchdarkly_life(&client, mode).await?;
    let wrong = launchdarkly::Client::builder()
        .base_url(twin.base_url())
        .credential("api-wrong")
        .build()?;
    show_error("wrong credential", wrong.list().page().await.err());

    let twin = QueryServer::builder().clock(clock.clone()).start().await?;
    let builder = query_server::Client::builder()
        .base_url(twin.base_url())
        .clock(clock.clone());
    let client = builder.credential(twin.credential()).build()?;
    query_server_life(&client, mode, &|| clock.advance(Duration::from_secs(5))).await?;
    let wrong = query_server::Client::builder()
        .base_url(twin.base_url())
        .credential("wrong")
        .build()?;
    show_error("wrong credential", wrong.list().await.err());

    let twin = AvisiCloud::builder().clock(clock.clone()).start().await?;
    let builder = avisi_cloud::Client::builder()
        .base_url(twin.base_url())
        .clock(clock.clone());
    let client = builder.credential(twin.credential()).build()?;
    avisi_cloud_life(&client, mode).await?;
    let wrong = avisi_cloud::Client::builder()
        .base_url(twin.base_url())
        .credential("wrong")
        .build()?;
    show_error("wrong credential", wrong.list().await.err());

    println!(
        "\nDone; on the twins' clock it is {}.",
        When::At(clock.now())
    );
    Ok(())
}

/// The real services whose variables are set.
async fn live(mode: Mode) -> Outcome {
    println!(
        "The real services, {}.",
        if mode.write {
            "reading and writing"
        } else {
            "only reading"
        }
    );
    let mut any = false;
    if let Some(client) = configured("LaunchDarkly", launchdarkly::Client::from_env()) {
        any = true;
        launchdarkly_life(&client, mode).await?;
    }
    if let Some(client) = configured("Query Server", query_server::Client::from_env()) {
        any = true;
        query_server_life(&client, mode, &|| {}).await?;
    }
    if let Some(client) = configured("Avisi Cloud", avisi_cloud::Client::from_env()) {
        any = true;
        avisi_cloud_life(&client, mode).await?;
    }
    if any {
        Ok(())
    } else {
        Err("no service is configured".into())
    }
}

fn configured<C>(service: &str, client: access_tokens::Result<C>) -> Option<C> {
    client
        .inspect_err(|error| println!("\n{service}: left out ({error})"))
        .ok()
}

async fn launchdarkly_life(ld: &launchdarkly::Client, mode: Mode) -> Outcome {
    use launchdarkly::{Patch, Role, TokenBody};

    title("LaunchDarkly", ld.base_url());
    let before = ld.list().show_all(true).all().await?;
    say(
        "list",
        "getTokens",
        format_args!("{} token(s)", before.len()),
    );
    if !mode.write {
        return Ok(());
    }
    let name = own_name();
    let body = TokenBody::builder()
        .name(&name)
        .role(Role::Reader)
        .expires(30 * DAY);
    let new = ld.create(body).await?;
    let id = new.token().id.clone();
    say(
        "create",
        "postToken",
        format_args!("{id}, {}", shown(new.secret())),
    );

    let token = ld.get(&id).await?;
    let tail = token.secret_tail().unwrap_or("?");
    say(
        "read",
        "getToken",
        format_args!(
            "role {}, secret …{tail}, used: {}",
            role(&token),
            token.last_used()
        ),
    );

    let patch = Patch::new()
        .test_name(&name)
        .replace_name(format!("{name}, renamed"));
    let token = ld.patch(&id, patch).await?;
    say(
        "rename",
        "patchToken",
        format_args!("now {:?}", token.name.unwrap_or_default()),
    );
    let again = ld
        .patch(&id, Patch::new().test_name(&name).replace_name("x"))
        .await;
    show_error("rename again", again.err());

    let reset = ld.reset(&id, DAY).await?;
    say(
        "reset",
        "resetToken",
        format_args!("{}; the old one works for a day", shown(reset.secret())),
    );

    ld.delete(&id).await?;
    say("delete", "deleteToken", format_args!("gone"));
    show_error("read again", ld.get(&id).await.err());
    Ok(())
}

async fn query_server_life(
    query: &query_server::Client,
    mode: Mode,
    a_while: &dyn Fn(),
) -> Outcome {
    use query_server::{Created, TokenBody};

    title("Query Server", query.base_url());
    say(
        "list",
        "listTokens",
        format_args!("{} token(s)", query.list().await?.data.len()),
    );
    if !mode.write {
        return Ok(());
    }
    let name = own_name();
    let body = TokenBody::builder(&name).write(false).expires(90 * DAY);
    match query.create(body.clone()).await? {
        Created::New(new) => say(
            "create",
            "createToken",
            format_args!("new, {}", shown(new.secret())),
        ),
        Created::AlreadyExists(_) => return Err("the name is taken".into()),
    }
    let twice = query.create(body).await?;
    let what = if twice.already_existed() {
        "told that it exists"
    } else {
        "made twice"
    };
    say(
        "create again",
        "createToken",
        format_args!("the server says 201; {what}"),
    );

    say(
        "read secret",
        "getTokenValue",
        format_args!("{}", shown(&query.value(&name).await?)),
    );

    a_while();
    let updated = query.update(&name, Changes::new().write(true)).await?;
    let (liveness, now) = (updated.liveness, updated.new.token().can_write());
    say(
        "update",
        "updateToken",
        format_args!("write {now}; the new secret is {liveness}"),
    );

    a_while();
    let rotated = query.rotate_in_place(&name, Changes::new()).await?;
    let what = shown(rotated.new.secret());
    say(
        "rotate",
        "deleteToken, createToken",
        format_args!("{what}, works"),
    );

    let existed = query.delete_existing(&name).await?;
    say(
        "delete",
        "deleteToken",
        format_args!("{}", if existed { "gone" } else { "was not there" }),
    );
    show_error("read again", query.get(&name).await.err());
    Ok(())
}

async fn avisi_cloud_life(avisi: &avisi_cloud::Client, mode: Mode) -> Outcome {
    use avisi_cloud::ProvisionBody;

    title("Avisi Cloud", avisi.base_url());
    say(
        "list",
        "listPersonalAccessTokens",
        format_args!("{} token(s)", avisi.list().await?.len()),
    );
    if !mode.write {
        return Ok(());
    }
    let name = own_name();
    let bad = ProvisionBody::builder(&name).ip_restriction("203.0.113.0/99");
    show_error("bad CIDR block", avisi.provision(bad).await.err());

    let body = ProvisionBody::builder(&name).ip_restriction("203.0.113.0/24");
    let new = avisi.provision(body).await?;
    say(
        "create",
        "provisionPersonalAccessToken",
        format_args!("{}", shown(new.secret())),
    );
    let Some(id) = new.token().id.clone() else {
        return Err("the service did not tell the token's id".into());
    };
    let listed = avisi
        .list()
        .await?
        .into_iter()
        .find(|token| token.id.as_ref() == Some(&id));
    let expires = listed.ok_or("not listed")?.expires();
    say(
        "read",
        "listPersonalAccessTokens",
        format_args!("{id}, expires: {expires}"),
    );

    let answer = avisi.revoke(&id).await?;
    say(
        "revoke",
        "revokePersonalAccessToken",
        format_args!("{:?}", answer.message.unwrap_or_default()),
    );
    Ok(())
}

fn own_name() -> String {
    Marker::random().appended_to("access-tokens quickstart")
}

fn role(token: &launchdarkly::Token) -> &str {
    token.role.as_ref().map_or("none", |role| role.as_str())
}

/// A secret as it may be shown.
fn shown(secret: &Secret) -> String {
    format!("{secret:?}, {} characters", secret.expose_secret().len())
}

fn title(service: &str, url: &str) {
    println!("\n{service} at {url}");
}

fn say(what: &str, operation: &str, outcome: std::fmt::Arguments<'_>) {
    println!("  {what:<17}{operation:<29}{outcome}");
}

fn show_error(what: &str, error: Option<access_tokens::Error>) {
    let Some(error) = error else {
        println!("  {what:<17}{:<29}no error, though one was expected", "");
        return;
    };
    let sent = if error.kind() == ErrorKind::InvalidInput {
        "nothing was sent"
    } else {
        "refused"
    };
    println!(
        "  {what:<17}{:<29}{sent}: {error}",
        error.operation().unwrap_or_default()
    );
    if let Some(hint) = error.hint() {
        println!("  {:<46}hint: {hint}", "");
    }
}
