//! Lists: a page, or all pages.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::wire::GET_TOKENS;
use super::{Links, Tokens};
use crate::generated::launchdarkly::Client as Wire;
use crate::listing::Listing;
use crate::transport::{Core, Items, Request};

/// List of tokens that is yet to be asked for.
///
/// ```
/// use access_tokens::launchdarkly::Client;
/// # use access_tokens_testing::LaunchDarkly;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = LaunchDarkly::start().await?;
/// # let ld = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
/// let all = ld.list().show_all(true).all().await?;
/// for token in &all {
///     println!("{} last used {}", token.id, token.last_used());
/// }
/// for odd in all.unreadable() {
///     eprintln!("{odd}");
/// }
/// # assert_eq!(all.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until a page, all tokens or a stream is asked for"]
pub struct List {
    pub(super) core: Arc<Core>,
    pub(super) max_pages: usize,
    show_all: Option<bool>,
    pub(super) limit: Option<u32>,
    pub(super) offset: Option<u64>,
    /// Whether a page may be made of nothing but tokens that cannot be read, since pages before it
    /// were not.
    pub(super) goes_on: bool,
}

impl List {
    pub(super) fn new(core: &Arc<Core>, max_pages: usize) -> Self {
        Self {
            core: Arc::clone(core),
            max_pages,
            show_all: None,
            limit: None,
            offset: None,
            goes_on: false,
        }
    }

    /// Whether the personal tokens of all members are listed too; takes an Admin credential, and
    /// changes nothing for any other.
    pub fn show_all(mut self, show_all: bool) -> Self {
        self.show_all = Some(show_all);
        self
    }

    /// Sets the size of a page. By default 25 for a [`page`](Self::page), and 1,000 for a
    /// [`stream`](Self::stream), which takes what comes, and asks for 25 where that is refused; the
    /// service does not say what the most is.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets how many tokens to skip.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Reads one page. Tokens on it that cannot be read are named in [`Listing::unreadable`] of its
    /// items.
    pub fn page(self) -> Request<Tokens> {
        let core = Arc::clone(&self.core);
        Request::new(&core, "list", async move |session| {
            if self.limit == Some(0) {
                return Err(session.input(&GET_TOKENS, "limit", "must be at least 1"));
            }
            let Ok(offset) = self.offset.map(i64::try_from).transpose() else {
                return Err(session.input(&GET_TOKENS, "offset", "is too large"));
            };
            let (limit, show_all) = (self.limit.map(i64::from), self.show_all);
            let send = async move |wire: Wire| wire.get_tokens(limit, offset, show_all).await;
            let items = Items::new("_id").within("items").believed(self.goes_on);
            match session.call_for_list(&GET_TOKENS, items, send).await {
                Ok((page, items)) => Ok(Tokens {
                    items: items.unwrap_or(page.items),
                    ..page
                }),
                Err((error, body)) => body.as_deref().and_then(without_items).ok_or(error),
            }
        })
    }
}

/// A page from which the member with the tokens is missing.
fn without_items(body: &[u8]) -> Option<Tokens> {
    #[derive(Deserialize)]
    struct Page {
        items: Option<Vec<IgnoredAny>>,
        #[serde(rename = "_links")]
        links: Option<Links>,
        #[serde(
            default,
            rename = "totalCount",
            deserialize_with = "crate::lenient::scalar"
        )]
        total_count: Option<i64>,
    }
    let page: Page = serde_json::from_slice(body).ok()?;
    // An answer without any of the members is not one to this question.
    let some = page.links.is_some() || page.total_count.is_some();
    (page.items.is_none() && some).then(|| Tokens {
        items: Listing::default(),
        links: page.links.unwrap_or_default(),
        total_count: page.total_count,
    })
}
