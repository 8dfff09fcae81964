//! What comes after a rotation: deletes, the client's own credential, the steps of the user.

use std::sync::Arc;
use std::time::Duration;

use super::super::after::AfterStep;
use super::super::event::Event;
use super::super::record::{Stamp, Token};
use super::super::token::Declared;
use super::super::{kind::ErrorKind, problem::Problem};
use super::confirm::of_service;
use super::guard::{LONGEST, guarded};
use super::prepare::Failed;
use super::runner::{Runner, Stop};
use crate::service::OwnCredential;

impl Runner<'_> {
    pub(super) async fn delete(&mut self, token: &Token) -> Result<(), Stop> {
        let (declared, doomed) = (self.declared, token.clone());
        let deleted = self.renewing(delete(declared, doomed)).await?;
        let now = self.now();
        match deleted {
            Ok(true) => {
                self.tell("deleted", |event| event.key = Some(token.key.clone()))
                    .await;
                self.machine.deleted(&token.key, Ok(()), now);
            }
            Ok(false) => {
                if let Some(until) = token.settles_at.filter(|at| *at > now.keeper) {
                    self.machine.not_seen_yet(&token.key, until);
                    return Ok(());
                }
                // The one that deleted it may have been killed before it could say so.
                let fill = |event: &mut Event| {
                    event.key = Some(token.key.clone());
                    event.detail = Some("it was gone already".to_owned());
                };
                self.tell("deleted", fill).await;
                self.machine.deleted(&token.key, Ok(()), now);
            }
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

    pub(super) async fn use_credential(&mut self) -> Result<(), Stop> {
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

    pub(super) async fn take_after_steps(&mut self) -> Result<(), Stop> {
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
    step: &AfterStep,
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
    match guarded(limit, step.run(names)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(text)) => failed(&text),
        Err(why) => failed(&format!("it {why}")),
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
