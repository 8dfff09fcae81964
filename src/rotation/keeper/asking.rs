//! What a person asks for: a rotation now, the former token again, an end of the hold.

use super::super::error::Error;
use super::super::event::Event;
use super::super::kind::ErrorKind;
use super::super::outcome::Report;
use super::super::request::{Ask, Reason, Request};
use super::super::run::{Teller, body_of, refused, request_entry};
use super::super::state::{self, StoreError, StoreErrorKind, Stored};
use super::super::token::ManagedToken;
use super::Keeper;
use super::records::no_entry;

/// How often a write is tried that others are faster with.
const TRIES: usize = 5;

impl Keeper {
    /// Rotates a managed token now, whatever its policy says. The request is written down first: if
    /// another runner is at work, or this one is killed, a later tick fulfils it.
    pub async fn rotate(&self, token: &ManagedToken, reason: Reason) -> Report {
        let ask = Ask::Rotate {
            suspected: reason == Reason::Suspected,
            by: match reason {
                Reason::Scheduled => "somebody asked for it".to_owned(),
                Reason::Suspected => "the token is suspected to be known".to_owned(),
            },
        };
        self.request(token, ask).await
    }

    /// Goes back to the former token, within its overlap: every sink gets its secret back. Rotation
    /// is on hold from then on, until [`release`](Self::release), or until something cannot wait: a sink
    /// is without a secret, or the token ends soon (a tenth of its life, a week at most). The request is written down first,
    /// as with [`rotate`](Self::rotate).
    pub async fn rollback(&self, token: &ManagedToken) -> Report {
        let ask = Ask::RollBack {
            suspected: false,
            by: "somebody asked for it".to_owned(),
        };
        self.request(token, ask).await
    }

    async fn request(&self, token: &ManagedToken, ask: Ask) -> Report {
        match self.write_down(token, ask).await {
            Ok(()) => self.retry(token).await,
            Err(error) => refused(&self.context, token.declared(), error).await,
        }
    }

    /// Writes a request down; asking again before it is fulfilled is the same request.
    async fn write_down(&self, token: &ManagedToken, ask: Ask) -> Result<(), Error> {
        let (name, store) = (token.name(), &*self.context.store);
        let error = |error: &_| Error::store(name, error);
        self.context.prove(name).await?;
        let request = Request {
            id: crate::Marker::random().as_str().to_owned(),
            ask,
            at: self.context.now(name).await?,
        };
        for _ in 0..TRIES {
            let record = self.load(name).await?.map(|(record, _)| record);
            let earlier = store.load(&request_entry(name)).await;
            let earlier = earlier.map_err(|e| error(&e))?;
            let open = earlier.as_ref().and_then(|earlier| {
                let open = serde_json::from_value::<Request>(earlier.body.clone()).ok()?;
                let record = record.as_ref();
                let done = record.is_some_and(|record| record.is_done_with(&open.id));
                (!done).then_some(open)
            });
            if open.is_some_and(|open| open.ask == request.ask) {
                return Ok(());
            }
            let body = body_of(name, &request)?;
            let (expected, entry) = match earlier {
                Some(earlier) => (Some(earlier.version.clone()), earlier.next(body)),
                None => (None, Stored::new(request_entry(name), body)),
            };
            match state::write(store, expected.as_ref(), &entry).await {
                Ok(()) => {
                    self.tell_request(token, &request.ask).await;
                    return Ok(());
                }
                // Somebody else has asked in the same moment, perhaps for something else.
                Err(lost) if is_lost(&lost) => {}
                Err(other) => return Err(error(&other)),
            }
        }
        Err(changing(name))
    }

    async fn tell_request(&self, token: &ManagedToken, ask: &Ask) {
        let (reason, by) = match ask {
            Ask::Rotate {
                suspected: true,
                by,
            } => ("suspected", by),
            Ask::Rotate { by, .. } => ("requested", by),
            Ask::RollBack { by, .. } => ("roll_back", by),
        };
        let fill = |event: &mut Event| {
            event.reason = Some(reason.to_owned());
            event.detail = Some(by.clone());
        };
        // The tick that follows says it if events cannot be kept.
        let teller = Teller::new(token.declared());
        let _ = teller.tell(&self.context, "asked", fill).await;
    }

    /// Ends the hold after a roll back.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], or [`ErrorKind::NotFound`] if there is no such entry.
    pub async fn release(&self, name: &str) -> Result<(), Error> {
        for _ in 0..TRIES {
            let (mut record, stored) = self.load(name).await?.ok_or_else(|| no_entry(name))?;
            if record.on_hold.take().is_none() {
                return Ok(());
            }
            let body = body_of(name, &record)?;
            let (store, next) = (&*self.context.store, stored.next(body));
            match state::write(store, Some(&stored.version), &next).await {
                Ok(()) => {
                    let teller = Teller::of_record(&record);
                    let _ = teller.tell(&self.context, "released", |_| ()).await;
                    return Ok(());
                }
                Err(lost) if is_lost(&lost) => {}
                Err(error) => return Err(Error::store(name, &error)),
            }
        }
        Err(changing(name))
    }
}

fn is_lost(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Exists | StoreErrorKind::Superseded
    )
}

fn changing(name: &str) -> Error {
    let text = "others keep changing what is stored for it; try again";
    Error::new(name, ErrorKind::Interrupted, text)
}
