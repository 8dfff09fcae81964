//! What can be made of any service.

use super::deletions::{Deletions, delete_each};
use super::stream::gather;
use super::{TokenRecord, TokenService};
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
///     let done = service.delete_where(|token| unused.due(token, now).is_now()).await?;
///     for token in &done.deleted {
///         println!("deleted {}", token.key);
///     }
///     for failed in &done.failed {
///         println!("{} is still there: {}", failed.token.key, failed.error);
///     }
///     for odd in &done.unreadable {
///         println!("left alone: {odd}");
///     }
///     done.into_result()?; // an error if one of them failed
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
        let found = marked(self, marker);
        Box::pin(async move { Ok(found.await?.into_items()) })
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
    /// A delete that fails is told in [`Deletions::failed`]. Whoever drops the future before it is
    /// ready is told nothing; call again for the rest.
    ///
    /// # Errors
    /// Those of [`find_marked`](Self::find_marked), with nothing deleted.
    fn delete_marked<'a>(&'a self, marker: &Marker) -> BoxFuture<'a, Result<Deletions>> {
        let found = marked(self, marker);
        Box::pin(async move {
            let (found, unreadable) = found.await?.into_parts();
            let done = delete_each(self, found, false).await;
            Ok(Deletions { unreadable, ..done })
        })
    }

    /// Deletes all tokens for which `which` says so, and says which they were. Those that cannot be
    /// read are left alone and named in [`Deletions::unreadable`], since nobody could ask `which` about
    /// them.
    ///
    /// A delete that fails is told in [`Deletions::failed`], and the others are tried all the same.
    /// Whoever drops the future before it is ready is told nothing of what was deleted; call again for
    /// the rest.
    ///
    /// The whole list is read before the first delete. To delete while a [`list`](TokenService::list) is
    /// read moves the tokens that are yet to come, on services whose lists have pages, and some of
    /// them may then be missed.
    ///
    /// A token that certainly is the client's own credential is left alone, since nothing could be
    /// deleted after it, and told in [`Deletions::spared`]. Where the service does not tell which one that is
    /// ([`OwnCredential::Unknown`](crate::OwnCredential::Unknown)), `which` has to spare it. What
    /// somebody else had deleted already is not among those that come back.
    ///
    /// For a dry run, see which of [`list_all`](Self::list_all) `which` would choose.
    ///
    /// # Errors
    /// Those of the list, with nothing deleted.
    fn delete_where<'a>(
        &'a self,
        which: impl Fn(&TokenRecord) -> bool + Send + 'a,
    ) -> BoxFuture<'a, Result<Deletions>> {
        let all = self.list_all();
        Box::pin(async move {
            let (mut chosen, unreadable) = all.await?.into_parts();
            chosen.retain(|record| which(record));
            let done = delete_each(self, chosen, true).await;
            Ok(Deletions { unreadable, ..done })
        })
    }
}

impl<T: TokenService + ?Sized> TokenServiceExt for T {}

/// The tokens that carry this marker, with what cannot be read beside them; an error if there are none
/// and one that cannot be read may be it.
fn marked<S: TokenService + ?Sized>(
    service: &S,
    marker: &Marker,
) -> BoxFuture<'static, Result<Listing<TokenRecord>>> {
    let (name, all, marker) = (service.service(), service.list_all(), marker.clone());
    Box::pin(async move {
        let (mut found, mut unreadable) = all.await?.into_parts();
        found.retain(|record| record.marker.as_ref() == Some(&marker));
        if found.is_empty() && !unreadable.is_empty() {
            return Err(Error::unreadable(name, unreadable.swap_remove(0)));
        }
        Ok(Listing::new(found, unreadable))
    })
}
