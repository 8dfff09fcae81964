//! What can be made of any service.

use super::stream::gather;
use super::{OwnCredential, TokenRecord, TokenService};
use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::marker::Marker;
use futures_core::future::BoxFuture;

/// Extension of [`TokenService`]: read all records at once, find and delete by a marker, delete many
/// safely.
///
/// ```
/// use access_tokens::{RotationPolicy, TokenService, TokenServiceExt as _, days};
///
/// /// Deletes what nobody has used for a year.
/// async fn tidy_up(service: &dyn TokenService) -> access_tokens::Result<()> {
///     // One that was never used counts from when it was made; what is not known, not at all.
///     let unused = RotationPolicy::new().unused_for(days(365));
///     let now = service.now();
///     let deleted = service.delete_where(|token| unused.due(token, now).is_now()).await?;
///     for token in deleted.iter() {
///         println!("deleted {}", token.key);
///     }
///     for odd in deleted.unreadable() {
///         println!("left alone: {odd}");
///     }
///     Ok(())
/// }
/// # #[cfg(feature = "launchdarkly")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use access_tokens_testing::{LaunchDarkly, launchdarkly::Seed};
/// # let twin = LaunchDarkly::start().await?;
/// # twin.seed(Seed::new("old").age(days(800)).last_used(days(500)));
/// # twin.seed(Seed::new("never used").age(days(400)));
/// # let ld = access_tokens::launchdarkly::Client::builder()
/// #     .base_url(twin.base_url()).credential(twin.credential()).build()?;
/// # tidy_up(&ld).await?;
/// # assert_eq!(twin.tokens().len(), 1);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "launchdarkly"))]
/// # fn main() {}
/// ```
pub trait TokenServiceExt: TokenService {
    /// Reads all records at once; [`list`](TokenService::list) gives them one after another.
    ///
    /// # Errors
    /// The first error that ends the list. A record that cannot be read is no error: it is named in
    /// [`Listing::unreadable`].
    fn list_all(&self) -> BoxFuture<'static, Result<Listing<TokenRecord>>> {
        Box::pin(gather(self.list()))
    }

    /// Finds the tokens that carry exactly this marker: the same owner and the same number.
    ///
    /// # Errors
    /// Those of the list; and, if there is no such token,
    /// [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem) if one that cannot be read
    /// may be it.
    fn find_marked(&self, marker: &Marker) -> BoxFuture<'static, Result<Vec<TokenRecord>>> {
        let (service, all, marker) = (self.service(), self.list_all(), marker.clone());
        Box::pin(async move {
            let (mut found, unreadable) = all.await?.into_parts();
            found.retain(|record| record.marker.as_ref() == Some(&marker));
            match unreadable.into_iter().next() {
                Some(item) if found.is_empty() => Err(Error::unreadable(service, item)),
                _ => Ok(found),
            }
        })
    }

    /// Deletes the tokens that carry exactly this marker, and says which they were.
    ///
    /// This is for a create whose answer was lost, so that nobody holds the secret. **It asks
    /// nothing**: a token whose secret did arrive goes as well, so take a new marker for each
    /// create. Markers of other attempts of the same owner are left alone.
    ///
    /// That there is none does not prove that there will be none: a request that timed out may
    /// still be carried out. Look again later. Where a service goes on listing what is revoked, a
    /// repetition may name that again.
    ///
    /// # Errors
    /// Those of [`find_marked`](Self::find_marked), or of the first delete that fails. What was
    /// deleted before is gone; call again for the rest.
    fn delete_marked<'a>(&'a self, marker: &Marker) -> BoxFuture<'a, Result<Vec<TokenRecord>>> {
        let found = self.find_marked(marker);
        Box::pin(async move {
            let mut deleted = Vec::new();
            for record in found.await? {
                delete(self, record, &mut deleted).await?;
            }
            Ok(deleted)
        })
    }

    /// Deletes all tokens for which `which` says so, and says which they were. Those that cannot be
    /// read are left alone and named in [`Listing::unreadable`], since nobody could ask `which` about
    /// them.
    ///
    /// The whole list is read before the first delete. To delete while a [`list`](TokenService::list) is
    /// read moves the tokens that are yet to come, on services whose lists have pages, and some of
    /// them may then be missed.
    ///
    /// A token that certainly is the client's own credential is left alone, since nothing could be
    /// deleted after it. Where the service does not tell which one that is
    /// ([`OwnCredential::Unknown`]), `which` has to spare it. What was left alone, and what somebody
    /// else had deleted already, is not among those that come back.
    ///
    /// # Errors
    /// Those of the list, of the question which token is the client's own, or of the first delete
    /// that fails. What was deleted before is gone; call again for the rest.
    fn delete_where<'a>(
        &'a self,
        which: impl Fn(&TokenRecord) -> bool + Send + 'a,
    ) -> BoxFuture<'a, Result<Listing<TokenRecord>>> {
        let all = self.list_all();
        Box::pin(async move {
            let (mut chosen, unreadable) = all.await?.into_parts();
            chosen.retain(|record| which(record));
            let mut deleted = Vec::new();
            for record in chosen {
                if self.is_own_credential(&record).await? != OwnCredential::Yes {
                    delete(self, record, &mut deleted).await?;
                }
            }
            Ok(Listing::new(deleted, unreadable))
        })
    }
}

impl<T: TokenService + ?Sized> TokenServiceExt for T {}

async fn delete<S: TokenService + ?Sized>(
    service: &S,
    record: TokenRecord,
    deleted: &mut Vec<TokenRecord>,
) -> Result<()> {
    match service.delete(&record.key).await {
        Ok(()) => deleted.push(record),
        // Somebody else did.
        Err(error) if error.is_not_found() => {}
        Err(error) if deleted.is_empty() => return Err(error),
        Err(error) => {
            let before = format!("tokens deleted before this one: {}", deleted.len());
            return Err(error.with_reason(before));
        }
    }
    Ok(())
}
