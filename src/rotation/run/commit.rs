//! The end of a rotation: every sink holds the successor, which becomes the current token.

use std::time::Duration;

use super::super::decision::Why;
use super::super::outcome::Cause;
use super::super::record::{Aside, Token};
use super::super::request::Ask;
use super::super::rules::Now;
use super::machine::Machine;

impl Machine {
    pub(super) fn commit(&mut self, token: &Token, now: Now) {
        let asked = self.asked_for(token);
        let why = self.why.clone().or(asked.clone()).unwrap_or_else(|| Why {
            cause: Cause::Resumed,
            detail: "every sink held it already".to_owned(),
        });
        let from = self.record.current.as_ref().map(|token| token.key.clone());
        // The service's time is at least the time at which it says that it made the token.
        let service = now.service.max(token.made_at);
        let aside = self.aside(why.cause == Cause::Suspected, Now { service, ..now });
        let told = (why.cause.as_str().to_owned(), why.detail.clone());
        self.record.commit(&token.mark, aside, now.service, told);
        self.record.after_due = self.rules.has_after;
        if asked.is_some() {
            self.record.fulfilled = self.ask.take().map(|(id, _)| id);
        }
        self.record.on_hold = None;
        if self.begun {
            self.did.rotated = Some((from, token.key.clone(), why));
        } else {
            self.did.resumed = true;
        }
        self.switch = self.own_credential;
        (self.dirty, self.untold) = (true, true);
    }

    /// Why somebody asked for this token: it was begun for the request that is open, be it by another
    /// process, which left it unfinished.
    fn asked_for(&self, token: &Token) -> Option<Why> {
        let (id, ask) = self.ask.as_ref()?;
        let Ask::Rotate { suspected, by } = ask else {
            return None;
        };
        let last = token.mark.number() == Some(self.record.counter);
        let for_this = self.begun || last && self.record.tried.as_ref() == Some(id);
        let cause = if *suspected {
            Cause::Suspected
        } else {
            Cause::Requested
        };
        let detail = by.clone();
        for_this.then_some(Why { cause, detail })
    }

    pub(super) fn aside(&self, suspected: bool, now: Now) -> Aside {
        let overlap = if suspected {
            Duration::ZERO
        } else {
            self.rules.overlap
        };
        Aside::after(overlap, now.service, self.rules.has_after)
    }
}
