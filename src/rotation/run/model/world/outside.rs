//! The service and the sinks.

use super::{Message, Sink, World, Write, incarnation, key};
use crate::id::Service;
use crate::rotation::record::Token;
use crate::rotation::sink::{Holds, SinkErrorKind, SinkKind, SinkVersion};
use crate::service::{TokenRecord, TokenState};
use crate::time::When;

impl World {
    pub(super) fn delete_now(&mut self, token: u64) {
        let key = key(token);
        let is = |token: &Token| token.key == key;
        let relied = self.record.current.iter().any(is)
            || self.record.pending.iter().any(is)
            || self.record.exposed.iter().any(is)
            || self.record.previous.iter().any(|p| is(&p.token));
        if relied && self.alive.contains(&token) {
            self.bad = Some("I4: a token that is relied on is deleted");
        }
        self.alive.remove(&token);
    }

    pub(super) fn late(&mut self, sink: usize, write: Write) {
        self.faults += 1;
        self.messages.push(Message::Write(sink, write));
    }

    pub(super) fn land(&mut self, message: Message) {
        match message {
            Message::Create(token) => {
                self.alive.insert(token);
            }
            Message::Delete(token) => self.delete_now(token),
            Message::Write(sink, write) => {
                let _ = self.write(sink, &write);
            }
        }
    }

    pub(super) fn write(
        &mut self,
        number: usize,
        write: &Write,
    ) -> Result<Option<SinkVersion>, SinkErrorKind> {
        let fenced = self.bounds.sinks[number].is_fenced();
        let sink = &mut self.sinks[number];
        let at = SinkVersion::new(sink.version.to_string());
        let (secret, seen) = match write {
            Write::Secret(secret, seen) => (*secret, seen.clone()),
            Write::Rewrite(seen) => (sink.holds, Some(seen.clone())),
        };
        if fenced && !self.bounds.without_fence && seen != Some(at) {
            return Err(SinkErrorKind::Conflict);
        }
        sink.version += 1;
        sink.holds = secret;
        Ok(fenced.then(|| SinkVersion::new(sink.version.to_string())))
    }

    pub(super) fn observe(&self) -> Vec<(Option<SinkVersion>, Holds)> {
        let one = |(sink, kind): (&Sink, &SinkKind)| {
            let holds = match kind {
                SinkKind::Blind => Holds::Unknown,
                // What was there at first has no label.
                _ if sink.holds == 0 && sink.version == 1 => Holds::Other,
                _ => Holds::Attempt(incarnation().attempt(sink.holds)),
            };
            let version = kind
                .is_fenced()
                .then(|| SinkVersion::new(sink.version.to_string()));
            (version, holds)
        };
        self.sinks.iter().zip(&self.bounds.sinks).map(one).collect()
    }

    pub(super) fn list(&self) -> Vec<TokenRecord> {
        let one = |number: &u64| {
            let mut record = TokenRecord::new(Service::new("s"), key(*number));
            record.state = TokenState::Active;
            record.marker = (*number > 0).then(|| incarnation().attempt(*number));
            record.expires = When::Never;
            record
        };
        self.alive.iter().map(one).collect()
    }
}
