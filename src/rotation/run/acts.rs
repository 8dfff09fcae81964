//! The acts of a tick: one call each, and what came of it in the machine's words.

use std::sync::Arc;
use std::time::Duration;

use super::super::record::{Life, Stamp, Token};
use super::super::token::Source;
use super::super::{kind::ErrorKind, problem::Problem};
use super::answers::NotCreated;
use super::confirm::{Asked, authenticate, compare, of_account, of_service, patiently};
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
                self.look_at_current(&relevant, hidden);
                self.look_at_previous(&relevant);
                self.listing = Some(listing);
            }
            Err(error) => {
                self.machine.not_listed(of_account(&error));
                self.cause = Some(error);
            }
        }
        Ok(())
    }

    /// Says that the current token is not seen where it cannot be told yet whether it is gone.
    fn look_at_current(&mut self, tokens: &[TokenRecord], hidden: bool) {
        let Some(current) = &self.record().current else {
            return;
        };
        if tokens.iter().any(|token| token.key == current.key) {
            return;
        }
        let (key, now) = (&current.key, self.now().keeper);
        let text = match current.settles_at.filter(|at| *at > now) {
            Some(until) => format!(
                "{key} is not in the service's list; being new, it counts as gone from {until} on: \
                 rotate it now if somebody has deleted it"
            ),
            None if hidden => format!(
                "{key} is not in the service's list, unless it is a token there that cannot be \
                 read: look at the service, and rotate it if it is gone"
            ),
            None => return,
        };
        // A list may be read anew.
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
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
}
