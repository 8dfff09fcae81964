//! Lists: a page, or all pages as one stream.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::{IntoFuture as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;

use super::api::{Api, GET_TOKENS};
use super::{Token, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::launchdarkly::Client as Wire;
use crate::id::{Service, TokenId};
use crate::transport::Request;

/// A list of tokens that is yet to be asked for.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until a page, all tokens or a stream is asked for"]
pub struct List {
    api: Api,
    show_all: Option<bool>,
    limit: Option<u32>,
    offset: Option<u64>,
}

impl List {
    pub(super) fn new(api: Api) -> Self {
        Self {
            api,
            show_all: None,
            limit: None,
            offset: None,
        }
    }

    /// Whether the personal tokens of all members are listed too; takes an Admin credential, and
    /// changes nothing for any other.
    pub fn show_all(mut self, show_all: bool) -> Self {
        self.show_all = Some(show_all);
        self
    }

    /// The size of a page. By default 25; the service does not say what the most is.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// How many tokens to skip.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// One page.
    pub fn page(self) -> Request<Tokens> {
        let Api { core, version } = self.api;
        Request::new(&core, async move |session| {
            if self.limit == Some(0) {
                return Err(session.input(&GET_TOKENS, "limit", "must be at least 1"));
            }
            let Ok(offset) = self.offset.map(i64::try_from).transpose() else {
                return Err(session.input(&GET_TOKENS, "offset", "is too large"));
            };
            let (limit, show_all) = (self.limit.map(i64::from), self.show_all);
            let send = async move |wire: Wire| {
                wire.get_tokens(limit, offset, show_all, Some(&version))
                    .await
            };
            session.call(&GET_TOKENS, Wire::new_with_client, send).await
        })
    }

    /// All tokens, page after page, each once.
    pub fn stream(self) -> TokenStream {
        TokenStream::new(self)
    }

    /// All tokens at once.
    ///
    /// # Errors
    /// Those of [`stream`](Self::stream); the tokens of earlier pages are then dropped.
    pub async fn all(self) -> Result<Vec<Token>> {
        let mut stream = self.stream();
        let mut all = Vec::new();
        while let Some(token) = stream.try_next().await? {
            all.push(token);
        }
        Ok(all)
    }
}

/// What the service itself takes for a page.
const PAGE: u32 = 25;

/// All tokens of a list, page after page, each once; ends after the first error.
///
/// The service pages by offset, so tokens that are created or deleted meanwhile move others from
/// one page to another: a token that comes twice is given once, but one that slips from a page not
/// yet read to one already read is missed. The stream ends where there is no next page, at a page
/// that brings nothing new, or with [`ErrorKind::LimitExceeded`].
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
        if self.pages >= self.list.api.core.settings.max_pages {
            return Err(
                Error::of_kind(Service::LAUNCH_DARKLY, ErrorKind::LimitExceeded)
                    .with_operation(GET_TOKENS.id())
                    .with_reason(format!("more than {} of them", self.pages)),
            );
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
