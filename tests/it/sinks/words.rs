//! What sinks say, as far as it gets out of a tick.

use std::sync::{Arc, Mutex};

use access_tokens::rotation::sink::{
    Delivery, Holds, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::rotation::state::StateStore as _;
use access_tokens::rotation::{Event, EventError, EventSink, Keeper};
use access_tokens::{BoxFuture, Marker, Secret, days};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::rotation::{Kind, Setup, Trouble, Vault};

/// Where a sink says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Id,
    Check,
    Observe,
    ObserveLater,
    Warning,
    Deliver,
    Restore,
    Rewrite,
}

const TRICKS: &str = "a\u{202e}b\u{1b}[31m\nc\u{200b}";

/// A sink that says what it has just been given, and in every form.
#[derive(Debug)]
struct Talker {
    place: Where,
    /// For one tick.
    knows: Mutex<Option<Secret>>,
    was_given: Mutex<Vec<Secret>>,
    version: Mutex<u32>,
    holds: Mutex<Option<Marker>>,
}

impl Talker {
    fn words(&self) -> String {
        let secret = self.knows.lock().unwrap().clone();
        let secret = secret.as_ref().map_or("", Secret::expose_secret);
        let (capitals, encoded) = (secret.to_uppercase(), STANDARD.encode(secret));
        format!("{TRICKS} {secret} {capitals} {encoded}")
    }

    fn says<T>(&self, place: Where, fine: T) -> Result<T, SinkError> {
        if self.place == place {
            Err(SinkError::unknown(self.words()))
        } else {
            Ok(fine)
        }
    }

    fn written(&self) -> Written {
        let mut version = self.version.lock().unwrap();
        *version += 1;
        Written::new(SinkVersion::new(version.to_string()))
    }
}

impl Sink for Talker {
    fn id(&self) -> String {
        match self.place {
            Where::Id => format!("talker {TRICKS}"),
            _ => "talker".to_owned(),
        }
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Restorable
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async { self.says(Where::Check, ()) })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        Box::pin(async {
            if self.knows.lock().unwrap().is_some() {
                self.says(Where::ObserveLater, ())?;
            }
            let version = self.version.lock().unwrap().to_string();
            let holds = self.holds.lock().unwrap().clone();
            let holds = holds.map_or(Holds::Other, Holds::Attempt);
            let seen = Observed::new(SinkVersion::new(version), holds);
            self.says(Where::Observe, seen)
        })
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async {
            let secret = delivery.secret().clone();
            self.was_given.lock().unwrap().push(secret.clone());
            *self.knows.lock().unwrap() = Some(secret);
            match self.place {
                Where::Warning | Where::Id => Ok(self.written().with_warning(self.words())),
                // So that it looks again, or is made sure of.
                Where::Restore => {
                    *self.holds.lock().unwrap() = Some(delivery.attempt().clone());
                    Ok(self.written())
                }
                Where::Rewrite | Where::ObserveLater => Err(SinkError::unknown("no answer")),
                place => {
                    self.says(Where::Deliver, ())?;
                    unreachable!("{place:?}")
                }
            }
        })
    }

    fn restore<'a>(
        &'a self,
        _: &'a Marker,
        _: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async { self.says(Where::Restore, self.written()) })
    }

    fn rewrite<'a>(&'a self, _: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async { self.says(Where::Rewrite, self.written()) })
    }
}

/// Everything that was told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<String>>);

impl EventSink for Told {
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
        let text = format!("{event:?} {}\n", serde_json::to_string(event).unwrap());
        self.0.lock().unwrap().push_str(&text);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn what_a_sink_says_gets_out_without_the_secret_and_without_tricks() {
    for place in [
        Where::Id,
        Where::Check,
        Where::Observe,
        Where::ObserveLater,
        Where::Warning,
        Where::Deliver,
        Where::Restore,
        Where::Rewrite,
    ] {
        let (setup, told) = (Setup::new(Kind::LaunchDarkly).await, Told::default());
        let talker = Arc::new(Talker {
            place,
            knows: Mutex::default(),
            was_given: Mutex::default(),
            version: Mutex::default(),
            holds: Mutex::default(),
        });
        let keeper = Keeper::builder(setup.store.clone())
            .clock(setup.world.clock.clone())
            .events(told.clone())
            .build();
        let second = Vault::holding("second", SinkKind::Restorable, &setup.world.secret);
        let mut token = setup.bare().deliver_to_shared(talker.clone());
        if place == Where::Restore {
            second.trouble(Trouble::Refused, 9);
            token = token.deliver_to(second);
        }
        let token = token.build().unwrap();
        let mut said = Vec::new();
        for _ in 0..4 {
            let report = keeper.tick(&token).await;
            said.push(format!("{report}\n{report:?}\n"));
            if let Some(error) = report.error() {
                said.push(format!(
                    "{error} {error:?} {:?}\n",
                    std::error::Error::source(error)
                ));
            }
            for warning in &report.warnings {
                assert!(!warning.contains(['\n', '\u{1b}']), "{warning:?}");
            }
            match keeper.status("edge-token").await {
                Ok(status) => said.push(format!("{status:?}\n")),
                Err(error) => said.push(format!("{error} {error:?}\n")),
            }
            setup.pass(days(91));
            *talker.knows.lock().unwrap() = None;
        }
        said.push(told.0.lock().unwrap().clone());
        let stored = setup.store.list("").await.unwrap();
        said.push(format!("{stored:?}\n"));
        let plan = keeper.plan(&token).await.map(|plan| plan.to_string());
        said.push(format!("{plan:?}\n"));
        let said = said.concat();
        assert!(said.contains("talker"), "{said}");
        // The tricks are there, spelled out.
        assert!(said.contains("u{202e}b"), "{place:?}: {said}");
        let tricks = ['\u{202e}', '\u{1b}', '\u{200b}', '\r'];
        assert!(!said.contains(tricks), "{place:?}: {said:?}");
        let lower = said.to_lowercase();
        let was_given = talker.was_given.lock().unwrap().clone();
        assert_eq!(
            was_given.is_empty(),
            matches!(place, Where::Check | Where::Observe),
            "{place:?}"
        );
        for secret in &was_given {
            let secret = secret.expose_secret();
            for form in [
                secret.to_lowercase(),
                STANDARD.encode(secret).to_lowercase(),
            ] {
                assert!(!lower.contains(&form), "{place:?}: {said}");
            }
        }
    }
}
