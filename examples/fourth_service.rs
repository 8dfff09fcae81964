//! A service that this crate does not know, made to take part: here a store in memory, which is like
//! GitLab in that a reset ends the old secret at once.
//!
//! `cargo run --example fourth_service`
//!
//! Managed tokens need no reset: a successor is made, delivered, and only then the old one goes. What is
//! owed to them is said at each method of `TokenService`; above all, a create whose answer was lost is
//! `ErrorKind::OutcomeUnknown`, and is not sent again. HTTP with retries and limits is a service's own.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use access_tokens::inventory::Inventory;
use access_tokens::rotation::sink::{self, SinkError};
use access_tokens::rotation::state::MemoryStore;
use access_tokens::rotation::{Keeper, ManagedToken, Reason};
use access_tokens::{
    Action, BoxFuture, CallerIdentity, Capabilities, Error, ErrorKind, Expiry, NewToken, Overrides,
    OwnCredential, Privilege, RecordStream, Result, Secret, Service, TokenKey, TokenRecord,
    TokenService, TokenServiceExt as _, TokenState, TokenTemplate, Verification, When, days,
};
use serde_json::json;

const DESK: Service = Service::new("Front Desk");

/// Badges for the doors of a building.
#[derive(Debug, Default)]
struct FrontDesk {
    badges: Mutex<BTreeMap<TokenKey, Badge>>,
}

#[derive(Clone, Debug)]
struct Badge {
    holder: String,
    made: SystemTime,
    ends: Option<SystemTime>,
    opened_a_door: Option<SystemTime>,
    secret: Secret,
}

impl FrontDesk {
    fn badges(&self) -> MutexGuard<'_, BTreeMap<TokenKey, Badge>> {
        self.badges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the people at the desk do.
    fn hand_out(&self, holder: &str, time: Option<Duration>) -> (TokenKey, Secret) {
        let mut badges = self.badges();
        let key = TokenKey::new(format!("{:04}", badges.len() + 1));
        let secret = number();
        let badge = Badge {
            holder: holder.to_owned(),
            made: self.now(),
            ends: time.and_then(|time| self.now().checked_add(time)),
            opened_a_door: None,
            secret: secret.clone(),
        };
        badges.insert(key.clone(), badge);
        (key, secret)
    }

    fn change<T>(
        &self,
        key: &TokenKey,
        change: impl FnOnce(&mut Badge) -> T,
    ) -> Result<(T, TokenRecord)> {
        let mut badges = self.badges();
        let badge = badges.get_mut(key).ok_or_else(not_found)?;
        let result = change(badge);
        Ok((result, self.record(key, badge)))
    }

    fn record(&self, key: &TokenKey, badge: &Badge) -> TokenRecord {
        let mut record = TokenRecord::new(DESK, key.clone());
        record.name = Some(badge.holder.clone());
        record.created = When::At(badge.made);
        // This service knows both facts of every badge: what is not there never was.
        record.expires = badge.ends.map_or(When::Never, When::At);
        record.last_used = badge.opened_a_door.map_or(When::Never, When::At);
        record.state = if badge.ends.is_some_and(|end| end <= self.now()) {
            TokenState::Expired
        } else {
            TokenState::Active
        };
        record.privilege = Privilege::Custom(Some("all doors".to_owned()));
        record.revision = format!("{:?}/{:?}", badge.made, badge.ends);
        record
    }
}

/// A stand-in: a real service takes its secrets from a generator made for them.
fn number() -> Secret {
    Secret::new(format!("{:016x}", fastrand::u64(..)))
}

fn not_found() -> Error {
    Error::new(DESK, ErrorKind::NotFound, "there is no such badge")
}

fn cannot(what: &str) -> Error {
    Error::new(DESK, ErrorKind::Unsupported, what)
}

fn now_or_never<'a, T: Send + 'a>(result: Result<T>) -> BoxFuture<'a, Result<T>> {
    Box::pin(ready(result))
}

impl TokenService for FrontDesk {
    fn service(&self) -> Service {
        DESK
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::none();
        can.set_expiry = true;
        can.reports_last_use = true;
        can
    }

    fn calls(&self, _: Action) -> &'static [&'static str] {
        // Nothing goes over a network.
        &[]
    }

    fn list(&self) -> RecordStream {
        let badges = self.badges();
        let records = badges.iter().map(|(key, badge)| self.record(key, badge));
        let records = records.collect();
        RecordStream::from_future(ready(Ok(records)))
    }

    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        now_or_never(self.change(key, |_| ()).map(|((), record)| record))
    }

    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        let holder = self.change(key, |badge| badge.holder.clone());
        now_or_never(holder.map(|(holder, _)| TokenTemplate::new(json!({ "holder": holder }))))
    }

    fn create(
        &self,
        template: &TokenTemplate,
        successor: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        let holder = template.properties()["holder"].as_str().map(str::to_owned);
        let made = match successor.name.or(holder) {
            Some(holder) => {
                let (key, secret) = self.hand_out(&holder, Some(days(7)));
                let made = self.change(&key, |_| ());
                made.map(|((), record)| NewToken::new(record, secret))
            }
            None => Err(cannot("nobody to hand it out to")),
        };
        now_or_never(made)
    }

    fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        // Nobody shows a badge's number again.
        now_or_never(self.change(key, |_| None).map(|(none, _)| none))
    }

    fn reset(
        &self,
        key: &TokenKey,
        grace: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        // Nothing is done by halves: who needs the old number for a while must not lose it.
        if grace.is_some_and(|grace| !grace.is_zero()) {
            return now_or_never(Err(cannot(
                "an old number ends at once; make another badge",
            )));
        }
        let secret = number();
        let changed = self.change(key, |badge| badge.secret = secret.clone());
        now_or_never(changed.map(|((), record)| NewToken::new(record, secret)))
    }

    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        let ends = match expiry {
            Expiry::At(time) => Some(time),
            Expiry::In(span) => self.now().checked_add(span),
            _ => None,
        };
        now_or_never(
            self.change(key, |badge| badge.ends = ends)
                .map(|((), record)| record),
        )
    }

    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
        let removed = self.badges().remove(key);
        now_or_never(removed.map(drop).ok_or_else(not_found))
    }

    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>> {
        let checked = self.change(key, |badge| badge.secret == *secret);
        now_or_never(checked.map(|(same, record)| {
            if same && record.state == TokenState::Active {
                Verification::Accepted
            } else {
                Verification::Refused
            }
        }))
    }

    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
        now_or_never(Err(cannot("the desk has no badge of its own")))
    }

    fn is_own_credential<'a>(&'a self, _: &'a TokenRecord) -> BoxFuture<'a, Result<OwnCredential>> {
        // The desk itself opens no doors.
        now_or_never(Ok(OwnCredential::No))
    }

    fn use_credential(&self, _: Secret) -> Result<()> {
        Err(cannot("the desk needs no badge"))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn StdError>> {
    let desk = FrontDesk::default();
    desk.hand_out("visitor", None);
    let (key, secret) = desk.hand_out("contractor", Some(days(7)));
    println!("The second badge's number prints as {secret:?}.");
    let accepted = desk.verify(&key, &secret).await?;
    println!(
        "It is {accepted:?}, and {} badges are out.",
        desk.list_all().await?.len()
    );
    if let Err(error) = desk.reset(&key, Some(days(1))).await {
        println!("{error}.");
    }
    let reset = desk.reset(&key, None).await?;
    let old = desk.verify(&key, &secret).await?;
    let new = desk.verify(&key, reset.secret()).await?;
    println!("After a reset the old number is {old:?}, the new one {new:?}.");

    let desk = Arc::new(desk);
    let pocket = sink::from_fn("pocket", |_, _| async { Ok::<(), SinkError>(()) });
    let badge = ManagedToken::builder("contractor")
        .shared_service(desk.clone())
        .adopt(key)
        .overlap(Duration::ZERO)
        .deliver_to(pocket)
        .build()?;
    let keeper = Keeper::new(MemoryStore::new());
    println!("{}\n", keeper.rotate(&badge, Reason::Scheduled).await);

    let report = Inventory::new().add("lobby", desk).collect().await;
    println!("{}", report.to_table());
    println!("{}", report.expiring_within(days(30)).to_table());
    Ok(())
}
