//! Evidence of what was decided and done: an event for each outcome and each act.

use std::sync::Arc;

use super::super::error::Error;
use super::super::event::Event;
use super::super::outcome::{Outcome, Report};
use super::super::record::{Record, Rotation};
use super::super::token::Declared;
use super::context::Context;
use super::guard::{LONGEST, guarded};
use crate::service::TokenKey;
use crate::text::escape_untrusted;

/// Whose events they are.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    token: Arc<str>,
    service: Arc<str>,
    account: Option<Arc<str>>,
    /// Random for each tick.
    pub(crate) runner: Arc<str>,
}

impl Teller {
    pub(crate) fn new(declared: &Declared) -> Self {
        let service = declared.service.service();
        Self::of(&declared.name, service.name(), declared.account.as_deref())
    }

    /// For what is done to a record by name.
    pub(crate) fn of_record(record: &Record) -> Self {
        Self::of(&record.name, &record.service, record.account.as_deref())
    }

    fn of(token: &str, service: &str, account: Option<&str>) -> Self {
        Self {
            token: token.into(),
            service: service.into(),
            account: account.map(Into::into),
            runner: crate::Marker::random().as_str().into(),
        }
    }

    /// Keeps evidence of something, and says it in the log; a warning if it could not be kept.
    pub(crate) async fn tell(
        &self,
        context: &Context,
        action: &str,
        fill: impl FnOnce(&mut Event),
    ) -> Option<String> {
        let mut event = Event {
            at: context.clock.now(),
            token: self.token.as_ref().to_owned(),
            service: self.service.as_ref().to_owned(),
            account: self.account.as_deref().map(str::to_owned),
            runner: self.runner.as_ref().to_owned(),
            action: action.to_owned(),
            key: None,
            from: None,
            sink: None,
            reason: None,
            detail: None,
        };
        fill(&mut event);
        log(&event);
        let events = context.events.as_ref()?;
        let why = match guarded(context.times.act, events.record(&event)).await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => escape_untrusted(&error.to_string(), LONGEST),
            Err(why) => format!("the sink {why}"),
        };
        Some(format!("an event could not be kept: {why}"))
    }

    /// The event of a rotation or a roll back, which is told before it is written down: a process
    /// that is killed between the two leaves its event all the same.
    pub(crate) async fn tell_rotation(
        &self,
        context: &Context,
        rotation: &Rotation,
    ) -> Option<String> {
        let action = if rotation.is_roll_back() {
            "rolled_back"
        } else {
            "rotated"
        };
        self.tell(context, action, |event| {
            (event.from, event.key) = (rotation.from.clone(), Some(rotation.to.clone()));
            event.reason = Some(rotation.reason.clone());
            event.detail = Some(rotation.detail.clone());
        })
        .await
    }

    /// The event of an outcome, unless it was told before it was written down.
    pub(crate) async fn tell_outcome(&self, context: &Context, report: &mut Report) {
        let current = report.current.clone();
        let (reason, detail) = match &report.outcome {
            Outcome::Rotated { .. } | Outcome::RolledBack { .. } => return,
            Outcome::Retired { keys } => (None, Some(joined(keys))),
            Outcome::Failed(error) => {
                let kind = error.kind().as_str().to_owned();
                (Some(kind), Some(error.message().to_owned()))
            }
            Outcome::Waiting { why, .. } | Outcome::Suspended { why } => (None, Some(why.clone())),
            Outcome::Busy { .. } | Outcome::NotDue { .. } | Outcome::Resumed => (None, None),
        };
        let told = self.tell(context, report.outcome.as_str(), |event| {
            (event.key, event.reason, event.detail) = (current, reason, detail);
        });
        report.warnings.extend(told.await);
    }
}

/// A report of something that was refused before anything was done, with its event.
pub(crate) async fn refused(context: &Context, declared: &Declared, error: Error) -> Report {
    let mut report = Report::failed(error);
    let teller = Teller::new(declared);
    teller.tell_outcome(context, &mut report).await;
    report
}

fn joined(keys: &[TokenKey]) -> String {
    let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
    keys.join(", ")
}

/// A line in the log, of the level that fits.
fn log(event: &Event) {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let key =
        |field: &Option<TokenKey>| field.as_ref().map(ToString::to_string).unwrap_or_default();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                token = %event.token,
                service = %event.service,
                account = %text(&event.account),
                runner = %event.runner,
                action = %event.action,
                key = %key(&event.key),
                from = %key(&event.from),
                sink = %text(&event.sink),
                reason = %text(&event.reason),
                detail = %text(&event.detail),
                "managed token"
            )
        };
    }
    match event.action.as_str() {
        "not_due" => line!(debug),
        "failed" => line!(warn),
        _ => line!(info),
    }
}
