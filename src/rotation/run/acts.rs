//! The acts of a tick: one call each, and what came of it in the machine's words.

use std::sync::Arc;
use std::time::Duration;

use super::super::record::{Life, Stamp, Token};
use super::super::token::Source;
use super::super::{kind::ErrorKind, problem::Problem};
use super::answers::NotCreated;
use super::confirm::{Asked, authenticate, compare, of_service, patiently};
use super::machine::Act;
use super::prepare::prepare;
use super::runner::{Runner, Stop};
use crate::service::{Overrides, TokenRecord};
use crate::time::Expiry;

impl Act {
    /// What it is called in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Observe => "observe",
            Self::Prepare => "prepare",
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Deliver(_) => "deliver",
            Self::Rewrite(_) => "rewrite",
            Self::Restore(..) => "restore",
            Self::Delete(_) => "delete",
            Self::UseCredential => "use_credential",
            Self::After => "after",
            Self::Hold => "hold",
            Self::Rest => "rest",
        }
    }
}

impl Runner<'_> {
    pub(super) async fn perform(&mut self, act: Act) -> Result<(), Stop> {
        match act {
            Act::List => self.list().await,
            Act::Observe => self.observe().await,
            Act::Prepare => self.prepare().await,
            Act::Create => self.create().await,
            Act::Confirm => self.confirm().await,
            Act::Deliver(sink) => self.deliver(sink).await,
            Act::Rewrite(sink) => self.rewrite(sink).await,
            Act::Restore(sink, mark) => self.restore(sink, &mark).await,
            Act::Delete(token) => self.delete(&token).await,
            Act::UseCredential => self.use_credential().await,
            Act::After => self.take_after_steps().await,
            Act::Hold => {
                self.machine.holds_lease();
                Ok(())
            }
            Act::Rest => Ok(()),
        }
    }

    async fn list(&mut self) -> Result<(), Stop> {
        let (account, now) = (self.account, self.now());
        // What was found out before must not be taken for new.
        let again = self.listing.is_some();
        let listing = self.renewing(async move {
            if again {
                account.fresh(now.keeper).await
            } else {
                account.shared(now.keeper).await
            }
        });
        match listing.await? {
            Ok(listing) => {
                let relevant = listing.of(self.record());
                let hidden = |token: &Token| listing.may_hide(&token.key);
                let hidden = self.record().current.as_ref().is_some_and(hidden);
                self.machine
                    .listed(listing.began, &relevant, hidden, self.now());
                self.look_at_previous(&relevant);
                self.listing = Some(listing);
            }
            Err(error) => {
                let problem = Problem {
                    kind: ErrorKind::Account,
                    ..of_service(&error)
                };
                self.cause = Some(error);
                self.machine.not_listed(problem);
            }
        }
        Ok(())
    }

    /// Says which token is still used although another one was delivered.
    fn look_at_previous(&mut self, tokens: &[TokenRecord]) {
        let Some(rotated) = self.record().rotated.as_ref().map(|rotated| rotated.at) else {
            return;
        };
        let former = self
            .record()
            .previous
            .iter()
            .filter(|previous| previous.former);
        let mut warnings = Vec::new();
        for previous in former {
            let token = tokens.iter().find(|token| token.key == previous.token.key);
            let used = token
                .and_then(|token| token.last_used.time())
                .map(Stamp::of);
            if let Some(used) = used.filter(|used| *used > rotated) {
                warnings.push(format!(
                    "{} was used at {used}, after its successor was delivered",
                    previous.token.key
                ));
            }
        }
        self.warnings.extend(warnings);
    }

    async fn prepare(&mut self) -> Result<(), Stop> {
        let record = self.record().clone();
        let current = record.current.as_ref().map(|token| token.key.clone());
        let there = self.machine.current_is_there();
        let listing = self.listing.clone();
        let token = current.filter(|_| there);
        let token = token.and_then(|key| listing.as_ref().and_then(|all| all.get(&key)).cloned());
        let made_like = record.made_like.clone();
        let (declared, limit) = (self.declared, self.context.times.act);
        let prepared = self
            .renewing(prepare(declared, token, made_like, limit))
            .await?;
        let prepared = prepared.map_err(|(problem, cause)| {
            self.cause = cause;
            problem
        });
        let now = self.now();
        self.machine.prepared(prepared, now);
        Ok(())
    }

    /// How long a successor is to live, and what is asked of the service for that.
    fn life(&self) -> (Option<Duration>, Option<Expiry>) {
        let life = self
            .machine
            .rules
            .life
            .unwrap_or(self.record().made_like.life);
        if !self.declared.service.capabilities().expiry_on_create {
            return (None, None);
        }
        match life {
            Life::Endless => (None, Some(Expiry::Never)),
            Life::Seconds(seconds) => {
                let span = Duration::from_secs(seconds);
                (Some(span), Some(Expiry::In(span)))
            }
            Life::Unknown => (None, None),
        }
    }

    async fn create(&mut self) -> Result<(), Stop> {
        let Some(attempt) = self.record().attempt.clone() else {
            return Ok(());
        };
        self.asked_at = attempt.at;
        let record = self.record().clone();
        let mark = record.incarnation.attempt(attempt.number);
        let can = self.declared.service.capabilities();
        let name = record
            .made_like
            .name
            .clone()
            .unwrap_or_else(|| self.declared.name.clone());
        let mut overrides = Overrides::new();
        if can.marks_successors {
            overrides = overrides.name(name).marker(mark.clone());
        } else {
            let separator = if can.unique_names { '-' } else { ' ' };
            overrides = overrides.name(mark.appended_after(&name, separator));
        }
        if let Some(expiry) = self.life().1 {
            overrides = overrides.expires(expiry);
        }
        let template = record.made_like.template.get();
        let declared = self.declared;
        let service = &declared.service;
        self.tell("creating", |event| event.reason = Some(mark.to_string()))
            .await;
        self.keep_lease().await?;
        match self.renewing(service.create(&template, overrides)).await? {
            Ok(new) => {
                let (record, secret) = new.into_parts();
                let token = Token {
                    key: record.key.clone(),
                    mark,
                    revision: record.revision.clone(),
                    made_at: record.created.time().map_or(attempt.at, Stamp::of),
                    expires: record.expires.time().map(Stamp::of),
                    settles_at: None,
                };
                self.tell("created", |event| event.key = Some(record.key.clone()))
                    .await;
                self.new = Some((record, secret));
                let now = self.now();
                self.machine.created(Ok(token), now);
            }
            Err(error) => {
                let not_created = NotCreated {
                    problem: of_service(&error),
                    maybe: error.may_have_been_sent(),
                    sent: error.status().is_some(),
                };
                let what = if not_created.maybe {
                    "create_unanswered"
                } else {
                    "create_refused"
                };
                self.tell(what, |event| event.detail = Some(error.to_string()))
                    .await;
                self.cause = Some(Arc::new(error));
                let now = self.now();
                self.machine.created(Err(not_created), now);
            }
        }
        Ok(())
    }

    async fn confirm(&mut self) -> Result<(), Stop> {
        let Some((new, secret)) = self.new.clone() else {
            let problem =
                Problem::new(ErrorKind::Interrupted, "the secret is not at hand any more");
            let now = self.now();
            self.machine.confirmed(Err(problem), now);
            return Ok(());
        };
        let record = self.record().clone();
        let (life, asked_at) = (self.life(), self.asked_at);
        let (declared, context) = (self.declared, self.context);
        let confirmed = self.renewing(async move {
            let service = &declared.service;
            let (clock, times) = (context.clock.as_ref(), &context.times);
            let pending = record.pending.as_ref();
            let mark = pending.map_or_else(|| record.current_mark(), |token| token.mark.clone());
            if secret.is_empty() {
                let text = format!("{} came without a secret", new.key);
                return Err((Problem::person(ErrorKind::NotAsRequested, text), None));
            }
            let template = patiently(clock, times.patience, || service.template(&new.key)).await;
            let template = template.map_err(|error| (of_service(&error), Some(Arc::new(error))))?;
            let asked = Asked {
                mark: &mark,
                made_like: &record.made_like,
                at: asked_at,
                life: life.0,
                chooses_end: life.1.is_some(),
                complete: !matches!(declared.source, Source::Create(_)),
            };
            let warnings = compare(declared, &asked, &new, &template).map_err(|p| (p, None))?;
            if declared.verify {
                authenticate(declared, clock, times, &new, &secret).await?;
            }
            Ok(warnings)
        });
        let confirmed = match confirmed.await? {
            Ok(warnings) => {
                self.warnings.extend(warnings);
                self.tell("confirmed", |_| ()).await;
                Ok(())
            }
            Err((problem, cause)) => {
                self.cause = cause;
                Err(problem)
            }
        };
        let now = self.now();
        self.machine.confirmed(confirmed, now);
        Ok(())
    }
<<<<<<< HEAD

    async fn deliver(&mut self, number: usize) -> Result<(), Stop> {
        let declared = self.declared;
        let (Some((token, secret)), Some(sink)) = (self.new.clone(), declared.sinks.get(number))
        else {
            return Ok(());
        };
        let record = self.record();
        let attempt = record
            .pending
            .as_ref()
            .map_or_else(|| record.current_mark(), |t| t.mark.clone());
        let replaces = record.current_mark();
        let seen = record
            .sinks
            .get(number)
            .and_then(|state| state.write.as_ref()?.seen.clone());
        let (name, limit) = (declared.name.as_str(), self.context.times.act);
        let written = {
            let secret = secret.clone();
            self.renewing(async move {
                let delivery = Delivery::new(&secret, &token, &attempt, &replaces)
                    .with_seen(seen.as_ref())
                    .with_managed(name);
                bounded(limit, sink.deliver(&delivery)).await
            })
            .await?
        };
        let written = self
            .wrote("delivered", number, written, Some(&secret))
            .await;
        let now = self.now();
        self.machine.delivered(number, written, now);
        Ok(())
    }

    async fn rewrite(&mut self, number: usize) -> Result<(), Stop> {
        let state = self.record().sinks.get(number);
        let seen = state.and_then(|state| state.write.as_ref()?.seen.clone());
        let declared = self.declared;
        let (Some(sink), Some(seen)) = (declared.sinks.get(number), seen) else {
            return Ok(());
        };
        let limit = self.context.times.act;
        let written = self
            .renewing(async move { bounded(limit, sink.rewrite(&seen)).await })
            .await?;
        let written = self.wrote("fenced", number, written, None).await;
        let now = self.now();
        self.machine.rewritten(number, written, now);
        Ok(())
    }

    async fn restore(&mut self, number: usize, mark: &Marker) -> Result<(), Stop> {
        let state = self.record().sinks.get(number);
        let seen = state.and_then(|state| state.write.as_ref()?.seen.clone());
        let declared = self.declared;
        let (Some(sink), Some(seen)) = (declared.sinks.get(number), seen) else {
            return Ok(());
        };
        let (limit, attempt) = (self.context.times.act, mark.clone());
        let written = self
            .renewing(async move { bounded(limit, sink.restore(&attempt, &seen)).await })
            .await?;
        let written = self.wrote("restored", number, written, None).await;
        let now = self.now();
        self.machine.restored(number, mark, written, now);
        Ok(())
    }

    /// What came of a write to a sink, in the machine's words.
    async fn wrote(
        &mut self,
        action: &str,
        number: usize,
        written: Result<Written, SinkError>,
        secret: Option<&Secret>,
    ) -> Result<Option<super::super::sink::SinkVersion>, (SinkErrorKind, Problem)> {
        let id = self
            .machine
            .rules
            .sinks
            .get(number)
            .map_or("", |sink| sink.id.as_str())
            .to_owned();
        let safe = |text: &str| match secret {
            Some(secret) => redact_untrusted(text, secret, LONGEST),
            None => crate::text::escape_untrusted(text, LONGEST),
        };
        match written {
            Ok(written) => {
                if let Some(warning) = &written.warning {
                    self.warnings.push(format!("{id}: {}", safe(warning)));
                }
                let key = self.new.as_ref().map(|(token, _)| token.key.clone());
                self.tell(action, |event| (event.key, event.sink) = (key, Some(id)))
                    .await;
                Ok(written.version)
            }
            Err(error) => {
                let text = format!("{id}: {}", safe(&error.to_string()));
                let fill = |event: &mut Event| {
                    (event.sink, event.detail) = (Some(id), Some(text.clone()));
                };
                self.tell("sink_failed", fill).await;
                Err((error.kind(), Problem::new(ErrorKind::Sink, text)))
            }
        }
    }

    async fn delete(&mut self, token: &Token) -> Result<(), Stop> {
        let (declared, doomed) = (self.declared, token.clone());
        let deleted = self.renewing(delete(declared, doomed)).await?;
        let now = self.now();
        match deleted {
            Ok(true) => {
                self.tell("deleted", |event| event.key = Some(token.key.clone()))
                    .await;
                self.machine.deleted(&token.key, Ok(()), now);
            }
            Ok(false) => match token.settles_at.filter(|at| *at > now.keeper) {
                Some(until) => self.machine.not_seen_yet(&token.key, until),
                None => self.machine.deleted(&token.key, Ok(()), now),
            },
            Err((problem, cause)) => {
                let text = problem.text.clone();
                let key = token.key.clone();
                self.tell("delete_failed", |event| {
                    (event.key, event.detail) = (Some(key), Some(text));
                })
                .await;
                self.cause = cause;
                self.machine.deleted(&token.key, Err(problem), now);
            }
        }
        Ok(())
    }

    async fn use_credential(&mut self) -> Result<(), Stop> {
        let Some((token, secret)) = self.new.clone() else {
            self.machine.switched(Ok(()));
            return Ok(());
        };
        let declared = self.declared;
        let switched = self.renewing(async move {
            declared.service.use_credential(secret)?;
            // Seen to work before the old one goes.
            declared.service.get(&token.key).await.map(drop)
        });
        let switched = switched.await?.map_err(|error| {
            let problem = of_service(&error);
            self.cause = Some(Arc::new(error));
            Problem {
                kind: ErrorKind::OwnCredential,
                text: format!(
                    "the client does not go on with the new credential: {}",
                    problem.text
                ),
                ..problem
            }
        });
        self.tell("credential_switched", |_| ()).await;
        self.machine.switched(switched);
        Ok(())
    }

    async fn take_after_steps(&mut self) -> Result<(), Stop> {
        let done = if let Some(done) = self.after.take() {
            done
        } else {
            let (declared, limit) = (self.declared, self.context.times.act);
            self.renewing(async move {
                for step in &declared.after {
                    take_step(step, vec![declared.name.clone()], limit).await?;
                }
                Ok(())
            })
            .await?
        };
        let action = if done.is_ok() {
            "after_done"
        } else {
            "after_failed"
        };
        let detail = done.as_ref().err().map(|problem| problem.text.clone());
        self.tell(action, |event| event.detail = detail).await;
        self.machine.after_done(done);
        Ok(())
    }
}

/// Takes a step of the user's, for these tokens.
pub(crate) async fn take_step(
    step: &super::super::after::AfterStep,
    names: Vec<String>,
    limit: Duration,
) -> Result<(), Problem> {
    let failed = |text: &str| {
        let text = format!(
            "{}: {}",
            step.id(),
            crate::text::escape_untrusted(text, LONGEST)
        );
        Err(Problem::new(ErrorKind::After, text))
    };
    match crate::reactor::timeout(limit, catch_panic(step.run(names))).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(text))) => failed(&text),
        Ok(Err(_)) => failed("it panicked"),
        Err(_) => failed("it took too long"),
    }
}

/// A write to a sink, within its time. What is not certain may come later.
async fn bounded(
    limit: Duration,
    write: impl Future<Output = Result<Written, SinkError>> + Send,
) -> Result<Written, SinkError> {
    match crate::reactor::timeout(limit, catch_panic(write)).await {
        Ok(Ok(written)) => written,
        Ok(Err(_)) => Err(SinkError::unknown("the sink panicked")),
        Err(_) => Err(SinkError::unknown("the sink took too long")),
    }
}

pub(super) async fn observe(sink: &dyn Sink, limit: Duration) -> Result<Observed, Problem> {
    if sink.kind() == SinkKind::Blind {
        return Ok(Observed::unversioned(Holds::Unknown));
    }
    let failed = |text: String| {
        let text = format!(
            "{}: {}",
            sink.id(),
            crate::text::escape_untrusted(&text, LONGEST)
        );
        Err(Problem::new(ErrorKind::Sink, text))
    };
    match crate::reactor::timeout(limit, catch_panic(sink.observe())).await {
        Ok(Ok(Ok(seen))) => Ok(seen),
        Ok(Ok(Err(error))) => failed(error.to_string()),
        Ok(Err(_)) => failed("the sink panicked".to_owned()),
        Err(_) => failed("the sink took too long".to_owned()),
    }
}

/// A problem, and the service's error behind it.
type Failed = (Problem, Option<Arc<crate::Error>>);

/// Tries the sinks, sees whose credential the token is, and reads what the successor is made after.
pub(super) async fn prepare(
    declared: &Declared,
    current: Option<TokenRecord>,
    mut made_like: MadeLike,
    limit: Duration,
) -> Result<Prepared, Failed> {
    for sink in &declared.sinks {
        let problem = |text: String| {
            let text = format!(
                "{}: {}",
                sink.id(),
                crate::text::escape_untrusted(&text, LONGEST)
            );
            Err((Problem::new(ErrorKind::Sink, text), None))
        };
        match crate::reactor::timeout(limit, catch_panic(sink.check())).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => return problem(error.to_string()),
            Ok(Err(_)) => return problem("the sink panicked".to_owned()),
            Err(_) => return problem("the sink took too long".to_owned()),
        }
    }
    let service = &declared.service;
    if matches!(declared.rules.life, Some(Life::Seconds(_)))
        && !service.capabilities().expiry_on_create
    {
        let text = "the service cannot be told when a token ends; leave the lifetime out";
        return Err((Problem::person(ErrorKind::Declaration, text), None));
    }
    let failed = |error: crate::Error| (of_service(&error), Some(Arc::new(error)));
    let mut own_credential = false;
    if let Some(current) = current {
        own_credential = match service.is_own_credential(&current).await.map_err(failed)? {
            OwnCredential::No => false,
            own if declared.allow_own_credential => own == OwnCredential::Yes,
            own => {
                let is = if own == OwnCredential::Yes {
                    "is"
                } else {
                    "may be"
                };
                let text = format!(
                    "{} {is} the credential that the client itself uses",
                    current.key
                );
                return Err((Problem::person(ErrorKind::OwnCredential, text), None));
            }
        };
        if !matches!(declared.source, Source::Create(_)) {
            foreign_owner(declared, &current).await?;
            let template = service.template(&current.key).await.map_err(failed)?;
            made_like.template = Template::from(template);
            (made_like.owner, made_like.kind) = (owner_of(&current), current.kind);
        }
    }
    if let Source::Create(template) = &declared.source {
        made_like.template = Template::from(template.clone());
    }
    Ok(Prepared {
        made_like,
        own_credential,
    })
}

/// Whose a token is: by the id where there is one, since an answer may lack the rest.
pub(super) fn owner_of(token: &TokenRecord) -> Option<String> {
    token
        .owner_id
        .as_deref()
        .or(token.owner.as_deref())
        .map(str::to_owned)
}

/// A service gives what it creates to the caller, so somebody else's personal token cannot be
/// followed by one like it.
async fn foreign_owner(declared: &Declared, current: &TokenRecord) -> Result<(), Failed> {
    if current.kind != TokenKind::Personal || declared.accepted.contains(&Property::Owner) {
        return Ok(());
    }
    let Ok(caller) = declared.service.whoami().await else {
        // It is compared once the successor is there.
        return Ok(());
    };
    let owners = [current.owner.as_deref(), current.owner_id.as_deref()];
    match caller.owner.as_deref() {
        Some(owner) if owners.iter().any(Option::is_some) && !owners.contains(&Some(owner)) => {
            let text = format!(
                "{} is the personal token of somebody else: its successor would belong to {}",
                current.key,
                crate::text::escape_untrusted(owner, 80)
            );
            Err((Problem::person(ErrorKind::NotAsRequested, text), None))
        }
        _ => Ok(()),
    }
}

/// Deletes a doomed token; `false` if it is not there. One that took the same name later is left
/// alone.
async fn delete(declared: &Declared, token: Token) -> Result<bool, Failed> {
    let service = &declared.service;
    let failed = |error: crate::Error| (of_service(&error), Some(Arc::new(error)));
    let can = service.capabilities();
    let never_again = token.mark.number().is_some_and(|number| number > 0);
    if declared.allow_own_credential || can.unique_names && !never_again {
        let record = match service.get(&token.key).await {
            Ok(record) => record,
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        let same = match record.created.time() {
            Some(created) if !never_again => Stamp::of(created) == token.made_at,
            _ => never_again || record.revision == token.revision,
        };
        if !same {
            return Ok(false);
        }
        if service.is_own_credential(&record).await.map_err(failed)? == OwnCredential::Yes {
            let text = format!(
                "{} is still the credential that the client itself uses",
                token.key
            );
            return Err((Problem::new(ErrorKind::OwnCredential, text), None));
        }
    }
    match service.delete(&token.key).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// The token of a list that carries this mark and works.
pub(super) fn marked<'a>(tokens: &'a [TokenRecord], mark: &Marker) -> Option<&'a TokenRecord> {
    let mut tokens = tokens.iter();
    tokens.find(|token| {
        mark_of(token).as_ref() == Some(mark) && token.state != crate::TokenState::Inactive
    })
=======
>>>>>>> main
}
