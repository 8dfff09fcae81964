//! A service that this crate does not know, made to take part: in the manner of GitLab, with a reset
//! that ends the old secret at once.
//!
//! `cargo run -p examples --example fourth_service`
//!
//! `forge.rs` is all that there is to write: what the service is on the wire, its operations, and
//! `TokenService`. Retries, bounds, errors and what keeps a secret from being printed come with
//! `access_tokens::rest`. `twin.rs` stands in for the service itself, over real HTTP on this machine.

mod forge;
mod twin;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use access_tokens::inventory::Inventory;
use access_tokens::rotation::sink::{self, SinkError};
use access_tokens::rotation::state::MemoryStore;
use access_tokens::rotation::{Keeper, ManagedToken, Reason};
use access_tokens::{Marker, Overrides, TokenKey, TokenService as _, TokenServiceExt as _, days};

use self::forge::Forge;
use self::twin::Twin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let twin = Twin::start().await?;
    let (_, admin) = twin.seed("administrator");
    let (export, old_secret) = twin.seed("nightly export");
    let builder = Forge::builder().base_url(twin.base_url());
    let forge = Forge::new(builder.credential(admin).build()?);

    println!("The service is busy, and the list is read all the same:");
    twin.be_busy();
    for record in forge.list_all().await? {
        println!("  {} {}", record.key, record.name.unwrap_or_default());
    }
    let requests = twin.seen();
    println!("  {} requests, the first of them again", requests.len());

    println!("\nThe answer to a create is lost, and it is not sent again:");
    twin.lose_next_create();
    let key = TokenKey::new(export.to_string());
    let template = forge.template(&key).await?;
    let marker = Marker::random();
    let overrides = Overrides::new().marker(marker.clone()).expires(days(7));
    if let Err(error) = forge.create(&template, overrides).await {
        println!("  {error}");
        println!("  may have been sent: {}", error.may_have_been_sent());
    }
    let removed = forge.delete_marked(&marker).await?;
    println!(
        "  made and found by its marker, removed: {}",
        removed.deleted.len()
    );

    println!("\nA reset has no grace:");
    if let Err(error) = forge.reset(&key, Some(days(1))).await {
        println!("  {error}");
    }
    let new = forge.reset(&key, None).await?;
    let key = new.token().key.clone();
    println!(
        "  the old secret: {:?}",
        forge.verify(&key, &old_secret).await?
    );
    println!(
        "  the new secret: {:?}",
        forge.verify(&key, new.secret()).await?
    );

    println!(
        "\nKept, it needs none: a successor is made, delivered, and only then the old one goes."
    );
    let forge = Arc::new(forge);
    let vault = sink::from_fn("vault", |_, _| async { Ok::<(), SinkError>(()) });
    let export = ManagedToken::builder("nightly export")
        .shared_service(forge.clone())
        .adopt(key)
        .overlap(Duration::ZERO)
        .deliver_to(vault)
        .build()?;
    let keeper = Keeper::new(MemoryStore::new());
    println!("{}\n", keeper.rotate(&export, Reason::Scheduled).await);

    let report = Inventory::new().add("forge", forge).collect().await;
    println!("{}", report.to_table());
    Ok(())
}
