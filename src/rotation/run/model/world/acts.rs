//! Each act: what can come of it.

use super::{Message, NAMES, World, Write, incarnation, key, problem};
use crate::marker::Marker;
use crate::rotation::kind::ErrorKind;
use crate::rotation::record::Token;
use crate::rotation::rules::Now;
use crate::rotation::run::answers::{NotCreated, Prepared};
use crate::rotation::run::machine::{Act, Machine};
use crate::rotation::sink::SinkErrorKind;

impl World {
    fn may_fail(&self) -> bool {
        self.faults < self.bounds.faults
    }

    fn branch(
        &self,
        number: usize,
        all: &mut Vec<(String, Self)>,
        label: &str,
        change: impl FnOnce(&mut Self, &mut Machine, Now),
    ) {
        let mut next = self.clone();
        let Some(mut me) = next.runners[number].take() else {
            return;
        };
        let now = next.now();
        change(&mut next, &mut me.machine, now);
        next.runners[number] = Some(me);
        all.push((format!("{} {label}", NAMES[number]), next));
    }

    pub(super) fn perform(&self, number: usize, act: &Act, all: &mut Vec<(String, Self)>) {
        let fails = self.may_fail();
        match act {
            Act::List => {
                self.branch(number, all, "lists", |world, machine, now| {
                    machine.listed(now.keeper, &world.list(), false, now);
                });
            }
            Act::Observe => {
                self.branch(number, all, "observes", |world, machine, _| {
                    machine.observed(world.observe());
                });
            }
            Act::Prepare => {
                self.branch(number, all, "prepares", |_, machine, now| {
                    let prepared = Prepared {
                        made_like: machine.record.made_like.clone(),
                        own_credential: false,
                    };
                    machine.prepared(Ok(prepared), now);
                });
            }
            Act::Create => self.create(number, all, fails),
            Act::Confirm => {
                self.branch(number, all, "confirms", |_, machine, now| {
                    machine.confirmed(Ok(()), now);
                });
                if fails {
                    self.branch(number, all, "does not confirm", |world, machine, now| {
                        world.faults += 1;
                        machine.confirmed(Err(problem(ErrorKind::NotAccepted)), now);
                    });
                }
            }
            Act::Deliver(sink) => self.deliver(number, *sink, all, fails),
            Act::Rewrite(sink) => self.rewrite(number, *sink, all, fails),
            Act::Restore(sink, mark) => self.restore(number, *sink, mark, all, fails),
            Act::Delete(token) => self.delete(number, token, all, fails),
            Act::Hold => {
                self.branch(number, all, "holds", |_, machine, _| {
                    machine.holds_lease();
                });
            }
            Act::UseCredential | Act::After | Act::Rest => {}
        }
    }

    fn create(&self, number: usize, all: &mut Vec<(String, Self)>, fails: bool) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let attempt = me
            .machine
            .record
            .attempt
            .as_ref()
            .map_or(0, |attempt| attempt.number);
        self.branch(
            number,
            all,
            &format!("creates {attempt}"),
            |world, machine, now| {
                world.alive.insert(attempt);
                machine.created(Ok(token(attempt, now)), now);
            },
        );
        if !fails {
            return;
        }
        let failure = |maybe: bool| NotCreated {
            problem: problem(ErrorKind::Service),
            maybe,
            sent: true,
        };
        self.branch(
            number,
            all,
            &format!("creates {attempt}, no answer"),
            |world, machine, now| {
                world.faults += 1;
                world.messages.push(Message::Create(attempt));
                world.messages.sort_by_key(|message| format!("{message:?}"));
                machine.created(Err(failure(true)), now);
            },
        );
        self.branch(
            number,
            all,
            &format!("creates {attempt}, refused"),
            |world, machine, now| {
                world.faults += 1;
                machine.created(Err(failure(false)), now);
            },
        );
    }

    fn deliver(&self, number: usize, sink: usize, all: &mut Vec<(String, Self)>, fails: bool) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let Some(pending) = &me.machine.record.pending else {
            return;
        };
        let secret = pending.mark.number().unwrap_or(0);
        let seen = me.machine.record.sinks[sink]
            .write
            .as_ref()
            .and_then(|write| write.seen.clone());
        let write = Write::Secret(secret, seen);
        let label = format!("delivers {secret} to {sink}");
        self.branch(number, all, &label, |world, machine, now| {
            let written = world
                .write(sink, &write)
                .map_err(|kind| (kind, problem(ErrorKind::Sink)));
            machine.delivered(sink, written, now);
        });
        if !fails {
            return;
        }
        self.branch(
            number,
            all,
            &format!("{label}, no answer"),
            |world, machine, now| {
                world.late(sink, write.clone());
                machine.delivered(
                    sink,
                    Err((SinkErrorKind::Unknown, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
        self.branch(
            number,
            all,
            &format!("{label}, refused"),
            |world, machine, now| {
                world.faults += 1;
                machine.delivered(
                    sink,
                    Err((SinkErrorKind::NotStored, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
    }

    fn rewrite(&self, number: usize, sink: usize, all: &mut Vec<(String, Self)>, fails: bool) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let write = me.machine.record.sinks[sink].write.as_ref();
        let Some(seen) = write.and_then(|write| write.seen.clone()) else {
            return;
        };
        let write = Write::Rewrite(seen);
        self.branch(
            number,
            all,
            &format!("rewrites {sink}"),
            |world, machine, now| {
                let written = world
                    .write(sink, &write)
                    .map_err(|kind| (kind, problem(ErrorKind::Sink)));
                machine.rewritten(sink, written, now);
            },
        );
        if fails {
            self.branch(
                number,
                all,
                &format!("rewrites {sink}, no answer"),
                |world, machine, now| {
                    world.late(sink, write.clone());
                    machine.rewritten(
                        sink,
                        Err((SinkErrorKind::Unknown, problem(ErrorKind::Sink))),
                        now,
                    );
                },
            );
        }
    }

    fn restore(
        &self,
        number: usize,
        sink: usize,
        mark: &Marker,
        all: &mut Vec<(String, Self)>,
        fails: bool,
    ) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let write = me.machine.record.sinks[sink].write.as_ref();
        let Some(seen) = write.and_then(|write| write.seen.clone()) else {
            return;
        };
        let write = Write::Secret(mark.number().unwrap_or(0), Some(seen));
        self.branch(
            number,
            all,
            &format!("restores {mark} in {sink}"),
            |world, machine, now| {
                let written = world
                    .write(sink, &write)
                    .map_err(|kind| (kind, problem(ErrorKind::Sink)));
                machine.restored(sink, mark, written, now);
            },
        );
        if !fails {
            return;
        }
        self.branch(
            number,
            all,
            &format!("restores {mark} in {sink}, no answer"),
            |world, machine, now| {
                world.late(sink, write.clone());
                machine.restored(
                    sink,
                    mark,
                    Err((SinkErrorKind::Unknown, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
        self.branch(
            number,
            all,
            &format!("restores {mark} in {sink}, refused"),
            |world, machine, now| {
                world.faults += 1;
                machine.restored(
                    sink,
                    mark,
                    Err((SinkErrorKind::NotStored, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
    }

    fn delete(&self, number: usize, token: &Token, all: &mut Vec<(String, Self)>, fails: bool) {
        let deleted = super::number(&token.key);
        self.branch(
            number,
            all,
            &format!("deletes {deleted}"),
            |world, machine, now| {
                let there = world.alive.contains(&deleted);
                world.delete_now(deleted);
                match token.settles_at.filter(|at| !there && *at > now.keeper) {
                    Some(until) => machine.not_seen_yet(&token.key, until),
                    None => machine.deleted(&token.key, Ok(()), now),
                }
            },
        );
        if fails {
            self.branch(
                number,
                all,
                &format!("deletes {deleted}, no answer"),
                |world, machine, now| {
                    world.faults += 1;
                    world.messages.push(Message::Delete(deleted));
                    machine.deleted(&token.key, Err(problem(ErrorKind::Service)), now);
                },
            );
        }
    }
}

fn token(attempt: u64, now: Now) -> Token {
    Token {
        key: key(attempt),
        mark: incarnation().attempt(attempt),
        revision: String::new(),
        made_at: now.service,
        expires: None,
        settles_at: None,
    }
}
