//! What is asked of sinks: what they hold, and the writes to them, each within its time.

use std::time::Duration;

use super::super::event::Event;
use super::super::sink::{
    Delivery, Holds, Observed, Sink, SinkError, SinkErrorKind, SinkKind, SinkVersion, Written,
};
use super::super::{kind::ErrorKind, problem::Problem};
use super::guard::{LONGEST, guarded};
use super::runner::{Runner, Stop};
use crate::marker::Marker;
use crate::secret::Secret;
use crate::text::{escape_untrusted, redact_untrusted};

impl Runner<'_> {
    pub(super) async fn observe(&mut self) -> Result<(), Stop> {
        let (declared, limit) = (self.declared, self.context.times.act);
        let secret = self.new.as_ref().map(|(_, secret)| secret.clone());
        let seen = self.renewing(async move {
            let mut all = Vec::new();
            for sink in &declared.sinks {
                all.push(observe(sink.as_ref(), secret.as_ref(), limit).await?);
            }
            Ok(all)
        });
        match seen.await? {
            Ok(seen) => {
                let seen = seen.into_iter().map(|seen| (seen.version, seen.holds));
                self.machine.observed(seen.collect());
            }
            Err(problem) => {
                let now = self.now();
                self.machine.not_observed(problem, now);
            }
        }
        Ok(())
    }

    pub(super) async fn deliver(&mut self, number: usize) -> Result<(), Stop> {
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
        let written = self
            .renewing(async move {
                let delivery = Delivery::new(&secret, &token, &attempt, &replaces)
                    .with_seen(seen.as_ref())
                    .with_managed(name);
                bounded(limit, sink.deliver(&delivery)).await
            })
            .await?;
        let written = self.wrote("delivered", number, written).await;
        let now = self.now();
        self.machine.delivered(number, written, now);
        Ok(())
    }

    pub(super) async fn rewrite(&mut self, number: usize) -> Result<(), Stop> {
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
        let written = self.wrote("fenced", number, written).await;
        let now = self.now();
        self.machine.rewritten(number, written, now);
        Ok(())
    }

    pub(super) async fn restore(&mut self, number: usize, mark: &Marker) -> Result<(), Stop> {
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
        let written = self.wrote("restored", number, written).await;
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
    ) -> Result<Option<SinkVersion>, (SinkErrorKind, Problem)> {
        let id = self
            .machine
            .rules
            .sinks
            .get(number)
            .map_or("", |sink| sink.id.as_str())
            .to_owned();
        let safe = |text: &str| safe(text, self.new.as_ref().map(|(_, secret)| secret));
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
}

/// A write to a sink, within its time. What is not certain may come later.
async fn bounded(
    limit: Duration,
    write: impl Future<Output = Result<Written, SinkError>> + Send,
) -> Result<Written, SinkError> {
    guarded(limit, write)
        .await
        .unwrap_or_else(|why| Err(SinkError::unknown(format!("the sink {why}"))))
}

/// What a sink says, without the secret that it may have got by now.
fn safe(text: &str, secret: Option<&Secret>) -> String {
    match secret {
        Some(secret) => redact_untrusted(text, secret, LONGEST),
        None => escape_untrusted(text, LONGEST),
    }
}

pub(super) async fn observe(
    sink: &dyn Sink,
    secret: Option<&Secret>,
    limit: Duration,
) -> Result<Observed, Problem> {
    if sink.kind() == SinkKind::Blind {
        return Ok(Observed::unversioned(Holds::Unknown));
    }
    of_sink(sink, secret, guarded(limit, sink.observe()).await)
}

/// Tries whether a delivery can work.
pub(super) async fn check(sink: &dyn Sink, limit: Duration) -> Result<(), Problem> {
    of_sink(sink, None, guarded(limit, sink.check()).await)
}

fn of_sink<T>(
    sink: &dyn Sink,
    secret: Option<&Secret>,
    answer: Result<Result<T, SinkError>, &'static str>,
) -> Result<T, Problem> {
    let text = match answer {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error.to_string(),
        Err(why) => format!("the sink {why}"),
    };
    let text = format!("{}: {}", sink.id(), safe(&text, secret));
    Err(Problem::new(ErrorKind::Sink, text))
}
