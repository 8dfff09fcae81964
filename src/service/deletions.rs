//! What came of deleting several tokens.

use crate::error::{Error, ErrorKind, Result};
use crate::listing::UnreadableItem;

use super::{OwnCredential, TokenRecord, TokenService};

/// What came of deleting several tokens: which are gone, which are not, and which were not tried.
///
/// A delete that fails does not keep the others from being tried, and is told here alone: look at
/// [`failed`](Self::failed), or have it made an error by [`into_result`](Self::into_result).
///
/// The tokens are tried one after another. None is tried any more once the service does not accept the
/// credential, or has given no answer, or one that it cannot do its work, three times in a row; these
/// are [`untried`](Self::untried). So it lasts about as long as three calls on a service that is away.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "deletes that failed are told here alone"]
pub struct Deletions {
    /// The tokens that were deleted.
    pub deleted: Vec<TokenRecord>,
    /// The tokens whose delete failed.
    pub failed: Vec<FailedDeletion>,
    /// The tokens that were to be deleted and were not tried.
    pub untried: Vec<TokenRecord>,
    /// The client's own credential, which was among them and is left alone by
    /// [`delete_where`](crate::TokenServiceExt::delete_where).
    pub spared: Vec<TokenRecord>,
    /// What the list held that cannot be read, and was therefore left alone.
    pub unreadable: Vec<UnreadableItem>,
}

/// A token that was to be deleted, and why it was not.
///
/// It is certainly there still, unless [`Error::may_have_been_sent`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FailedDeletion {
    /// The token.
    pub token: TokenRecord,
    /// Why it was not deleted, or why that is not known.
    pub error: Error,
}

impl Deletions {
    /// The tokens that were deleted, if every one that was to be is gone.
    ///
    /// What cannot be read makes no error, since it was not to be deleted.
    ///
    /// # Errors
    /// The first delete that failed, which says how many were deleted, failed and were not tried.
    pub fn into_result(self) -> Result<Vec<TokenRecord>> {
        let (deleted, failed) = (self.deleted.len(), self.failed.len());
        match self.failed.into_iter().next() {
            None => Ok(self.deleted),
            Some(first) => Err(first.error.with_reason(format!(
                "deleted: {deleted}, failed: {failed}, not tried: {}",
                self.untried.len()
            ))),
        }
    }
}

/// Failures in a row, each of which says that the service is away, after which no other is tried.
const AWAY_AFTER: usize = 3;

/// Deletes these, one after another; `spare_own` leaves the client's own credential alone.
pub(super) async fn delete_each<S: TokenService + ?Sized>(
    service: &S,
    chosen: Vec<TokenRecord>,
    spare_own: bool,
) -> Deletions {
    let mut done = Deletions::default();
    let mut away = 0;
    let mut left = chosen.into_iter();
    for token in left.by_ref() {
        match delete(service, &token, spare_own).await {
            Ok(became) => {
                away = 0;
                match became {
                    Became::Deleted => done.deleted.push(token),
                    Became::Spared => done.spared.push(token),
                    Became::Gone => {}
                }
            }
            Err(error) => {
                away = if is_away(&error) { away + 1 } else { 0 };
                let hopeless = error.is_unauthenticated() || away == AWAY_AFTER;
                done.failed.push(FailedDeletion { token, error });
                if hopeless {
                    break;
                }
            }
        }
    }
    done.untried = left.collect();
    done
}

/// What became of a token whose delete did not fail.
enum Became {
    Deleted,
    /// Somebody else had deleted it.
    Gone,
    Spared,
}

async fn delete<S: TokenService + ?Sized>(
    service: &S,
    token: &TokenRecord,
    spare_own: bool,
) -> Result<Became> {
    if spare_own && service.is_own_credential(token).await? == OwnCredential::Yes {
        return Ok(Became::Spared);
    }
    match service.delete(&token.key).await {
        Ok(()) => Ok(Became::Deleted),
        Err(error) if error.is_not_found() => Ok(Became::Gone),
        Err(error) => Err(error),
    }
}

/// Whether the next token would hardly fare better.
fn is_away(error: &Error) -> bool {
    matches!(
        error.cause().unwrap_or(error.kind()),
        ErrorKind::Credential
            | ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::RateLimited
            | ErrorKind::Server
    )
}
