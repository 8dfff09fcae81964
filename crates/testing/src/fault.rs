//! Faults, and the script that says which request meets which.

use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// Fault of a request on its way to a twin or back.
///
/// A fault either *acts* (the service handles the request and its state changes, only the answer
/// suffers) or does *not act* (the service never sees the request). Times are real time, also on a
/// twin with a [`VirtualClock`](super::VirtualClock), but for the three faults that go by the twin's
/// clock.
///
/// In JSON names are in snake case and times are in seconds: `"act_then_close"`, `{"status": 503}`,
/// `{"delay": 0.2}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The right answer, this much later. Acts, before the wait.
    #[serde(deserialize_with = "seconds")]
    Delay(Duration),
    /// The right answer after this much time of the twin's clock. Acts, before the wait.
    ///
    /// A [`VirtualClock`](super::VirtualClock) is moved by it: the service is slow, the test is not.
    #[serde(deserialize_with = "seconds")]
    SlowAnswer(Duration),
    /// As [`SlowAnswer`](Self::SlowAnswer), but acts after the wait.
    #[serde(deserialize_with = "seconds")]
    SlowAct(Duration),
    /// The connection is closed instead of answering, and the request reaches the service once this
    /// much time of the twin's clock has passed: a delete that lands long after its client has given
    /// up, a create that nobody waits for any more.
    ///
    /// It acts at that time, with what is allowed and known by then. For a request that never lands
    /// there is [`CloseAfterRequest`](Self::CloseAfterRequest).
    #[serde(deserialize_with = "seconds")]
    ActLater(Duration),
    /// A bare status without a body. Does not act.
    Status(u16),
    /// This answer. Does not act.
    Answer {
        /// The status.
        status: u16,
        /// The headers; those that HTTP does not allow are left out.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body; in JSON a text.
        #[serde(default, deserialize_with = "text")]
        body: Vec<u8>,
    },
    /// A redirect (302) to this location. Does not act.
    Redirect(String),
    /// The connection is closed as soon as the head of the request is read. Does not act.
    ///
    /// The twin does not read on; a client that is still sending may see a reset.
    CloseBeforeRequest,
    /// The connection is closed once the whole request is read. Does not act.
    CloseAfterRequest,
    /// The connection is reset (RST) once the whole request is read. Does not act.
    Reset,
    /// The connection is closed instead of answering. Acts: the answer is lost.
    ActThenClose,
    /// The connection is reset (RST) instead of answering. Acts: the answer is lost.
    ActThenReset,
    /// No answer, ever; the connection stays open. Does not act.
    StallBeforeActing,
    /// No answer, ever; the connection stays open. Acts.
    StallBeforeHead,
    /// The head and half of the body, then nothing more; the connection stays open. Acts.
    ///
    /// An answer without a body arrives whole; so with the cuts.
    StallInBody,
    /// A head that announces the whole length, half of the body, then the connection is closed.
    /// Acts.
    CutBody,
    /// As [`CutBody`](Self::CutBody), with a chunked body whose last chunk is missing. Acts.
    CutChunkedBody,
    /// Status 200 with a chunked JSON list that never ends, sent as fast as it is read. Does not
    /// act.
    EndlessBody,
    /// Bytes that are not HTTP, then the connection is closed. Does not act.
    Garbage,
    /// The right answer with one more header, of 512 KiB. Acts.
    OversizedHeader,
}

pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(deserializer).map(String::into_bytes)
}

/// The rules of one twin; `O` is its type of operations.
pub(crate) struct Script<O> {
    rules: Mutex<Vec<Set<O>>>,
    /// Asked where no rule applies.
    otherwise: Mutex<Option<Box<Decide<O>>>>,
}

/// Says what shall happen to a call.
pub(crate) type Decide<O> = dyn FnMut(Option<O>) -> Option<Fault> + Send;

impl<O> fmt::Debug for Script<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

/// A rule in force.
struct Set<O> {
    /// `None`: every request, those that are no operation included.
    operation: Option<O>,
    seen: u64,
    /// The first and the last call that meet the fault, counted from one.
    first: u64,
    last: u64,
    fault: Fault,
}

impl<O: Copy + Eq + Hash> Script<O> {
    pub(crate) fn new() -> Self {
        Self {
            rules: Mutex::new(Vec::new()),
            otherwise: Mutex::new(None),
        }
    }

    /// Says what shall happen where no rule applies.
    pub(crate) fn otherwise(&self, decide: Option<Box<Decide<O>>>) {
        *self.lock_otherwise() = decide;
    }

    /// Begins a rule for the calls of one operation.
    pub(crate) fn on(&self, operation: O) -> Rule<'_, O> {
        self.rule(Some(operation))
    }

    /// Begins a rule for all requests, known operation or not.
    pub(crate) fn on_any(&self) -> Rule<'_, O> {
        self.rule(None)
    }

    /// Drops all rules.
    pub(crate) fn clear(&self) {
        self.lock().clear();
        self.otherwise(None);
    }

    fn rule(&self, operation: Option<O>) -> Rule<'_, O> {
        Rule {
            script: self,
            operation,
            first: 1,
            times: 1,
        }
    }

    /// Counts a call and says what shall happen to it.
    pub(crate) fn next(&self, operation: Option<O>) -> Option<Fault> {
        self.by_rule(operation).or_else(|| {
            let mut otherwise = self.lock_otherwise();
            otherwise.as_mut().and_then(|decide| decide(operation))
        })
    }

    fn by_rule(&self, operation: Option<O>) -> Option<Fault> {
        let mut rules = self.lock();
        if rules.is_empty() {
            return None;
        }
        let mut fault = None;
        // All rules count the call; of those that apply the one set last wins.
        for rule in rules.iter_mut() {
            if rule.operation.is_none() || rule.operation == operation {
                rule.seen += 1;
                if (rule.first..=rule.last).contains(&rule.seen) {
                    fault = Some(rule.fault.clone());
                }
            }
        }
        rules.retain(|rule| rule.seen < rule.last);
        fault
    }

    fn lock_otherwise(&self) -> MutexGuard<'_, Option<Box<Decide<O>>>> {
        self.otherwise
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Set<O>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rule of a fault script in the making: which calls, and then which [`Fault`].
///
/// Calls are counted from one, from the moment [`then`](Self::then) is called, whatever their
/// outcome. Without [`nth`](Self::nth), [`times`](Self::times) or [`always`](Self::always) a rule
/// is for the next call alone. Where several rules apply to a call, the one set last wins.
#[derive(Debug)]
pub struct Rule<'a, O> {
    script: &'a Script<O>,
    operation: Option<O>,
    first: u64,
    times: u64,
}

impl<O: Copy + Eq + Hash> Rule<'_, O> {
    /// Begins with the `n`th call (1 is the next one; 0 is taken for 1).
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.first = n.max(1);
        self
    }

    /// For this many calls in a row.
    #[must_use]
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    /// For all calls from there on.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = u64::MAX;
        self
    }

    /// Puts the rule in force.
    ///
    /// What is returned is the rule for the call after that, so that faults can follow one
    /// another: `.then(Fault::Status(500)).then(Fault::Reset)`.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "most scripts end with the first fault"
    )]
    pub fn then(mut self, fault: Fault) -> Self {
        let last = self.first.saturating_add(self.times).saturating_sub(1);
        if self.times > 0 {
            self.script.lock().push(Set {
                operation: self.operation,
                seen: 0,
                first: self.first,
                last,
                fault,
            });
        }
        self.first = last.saturating_add(1);
        self.times = 1;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(script: &Script<u8>, calls: &[u8]) -> Vec<Option<Fault>> {
        calls.iter().map(|call| script.next(Some(*call))).collect()
    }

    #[test]
    fn a_rule_is_for_the_next_call_of_its_operation() {
        let script = Script::new();
        script.on(1).then(Fault::Reset);
        assert_eq!(
            faults(&script, &[2, 1, 1]),
            [None, Some(Fault::Reset), None]
        );
        assert!(script.lock().is_empty());
    }

    #[test]
    fn calls_are_counted_from_when_the_rule_is_set() {
        let script = Script::new();
        assert_eq!(script.next(Some(1)), None);
        script.on(1).nth(2).times(2).then(Fault::Reset);
        let reset = Some(Fault::Reset);
        assert_eq!(
            faults(&script, &[1, 1, 1, 1]),
            [None, reset.clone(), reset, None]
        );
    }

    #[test]
    fn faults_follow_one_another_and_the_last_rule_wins() {
        let script = Script::new();
        script.on_any().always().then(Fault::Garbage);
        script
            .on(1)
            .then(Fault::Status(500))
            .times(2)
            .then(Fault::Reset);
        let seen = faults(&script, &[1, 2, 1, 1, 1]);
        let expected = [
            Fault::Status(500),
            Fault::Garbage,
            Fault::Reset,
            Fault::Reset,
            Fault::Garbage,
        ];
        assert_eq!(seen, expected.map(Some));
        assert_eq!(script.next(None), Some(Fault::Garbage));
        script.clear();
        assert_eq!(script.next(Some(1)), None);
    }
}
