//! All pages of a list as one stream.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::{IntoFuture as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::client::GET_TOKENS;
use super::{List, Token, Tokens};
use crate::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Service, TokenId};

/// What the service itself takes for a page.
const PAGE: u32 = 25;

/// All tokens of a list, page after page, each once; ends after the first error.
///
/// The service pages by offset, so tokens that are created or deleted meanwhile move others from
/// one page to another: a token that comes twice is given once, but one that slips from a page not
/// yet read to one already read is missed. The stream ends where there is no next page, at a page
/// that brings nothing new, or with [`ErrorKind::TooManyPages`].
///
/// Links in answers tell the next offset only; no request ever goes to their address.
#[must_use = "nothing is sent until the stream is polled"]
pub struct TokenStream {
    list: List,
    limit: u32,
    offset: u64,
    pages: usize,
    seen: HashSet<TokenId>,
    ready: VecDeque<Token>,
    fetch: Option<BoxFuture<'static, Result<Tokens>>>,
    done: bool,
}

impl TokenStream {
    pub(super) fn new(list: List) -> Self {
        Self {
            limit: list.limit.unwrap_or(PAGE),
            offset: list.offset.unwrap_or(0),
            list,
            pages: 0,
            seen: HashSet::new(),
            ready: VecDeque::new(),
            fetch: None,
            done: false,
        }
    }

    /// The next token, or `None` at the end.
    ///
    /// # Errors
    /// Those of the requests; the stream ends there.
    pub async fn try_next(&mut self) -> Result<Option<Token>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx))
            .await
            .transpose()
    }

    fn begin(&mut self) -> Result<BoxFuture<'static, Result<Tokens>>> {
        if self.pages >= self.list.client.core.settings.max_pages {
            return Err(Error::new(Service::LAUNCH_DARKLY, ErrorKind::TooManyPages)
                .with_operation(GET_TOKENS.id())
                .with_reason(format!("more than {} of them", self.pages)));
        }
        self.pages += 1;
        let page = self
            .list
            .clone()
            .limit(self.limit)
            .offset(self.offset)
            .page();
        Ok(page.into_future())
    }

    fn take(&mut self, page: Tokens) {
        let count = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
        let full = count >= u64::from(self.limit);
        let linked = page
            .links
            .get("next")
            .and_then(|link| offset_of(link.href.as_deref()?));
        let has_link = page.links.contains_key("next");
        for token in page.items {
            if self.seen.insert(token.id.clone()) {
                self.ready.push_back(token);
            }
        }
        let read = self.offset.saturating_add(count);
        // A service may cap the page below what was asked for: a short page alone is no end.
        let more = page
            .total_count
            .and_then(|n| u64::try_from(n).ok())
            .is_some_and(|n| n > read);
        self.done = self.ready.is_empty() || !(has_link || full || more);
        self.offset = linked.filter(|next| *next > self.offset).unwrap_or(read);
    }
}

/// The offset that a link asks for; the rest of it is not used.
fn offset_of(href: &str) -> Option<u64> {
    let (_, query) = href.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "offset")
        .and_then(|(_, value)| value.parse().ok())
}

impl Stream for TokenStream {
    type Item = Result<Token>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(token) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(token)));
            }
            if self.done {
                return Poll::Ready(None);
            }
            let mut fetch = match self.fetch.take().map_or_else(|| self.begin(), Ok) {
                Ok(fetch) => fetch,
                Err(error) => {
                    self.done = true;
                    return Poll::Ready(Some(Err(error)));
                }
            };
            let Poll::Ready(page) = fetch.as_mut().poll(cx) else {
                self.fetch = Some(fetch);
                return Poll::Pending;
            };
            match page {
                Ok(page) => self.take(page),
                Err(error) => {
                    self.done = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl fmt::Debug for TokenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenStream")
            .field("offset", &self.offset)
            .field("pages", &self.pages)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
