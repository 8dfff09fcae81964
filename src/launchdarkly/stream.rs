//! All pages of a list as one stream.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, IntoFuture as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::TryStreamExt;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::list::List;
use super::pages::{Pages, Turn};
use super::seen::Seen;
use super::wire::GET_TOKENS;
use super::{Token, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Service;
use crate::listing::Listing;
use crate::service::gather;

/// Tokens of a list, page after page, each once.
///
/// Pages are asked for in large, and fetched ahead within the client's limit of requests at a time.
/// A token that cannot be read is an error of the kind
/// [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem), and others follow; any other
/// error is the last item.
///
/// # When it ends
///
/// Where the service says so: by its links, by its count, or by a page with nothing on it. If it
/// announces more and gives nothing, that is an error and not the end.
///
/// # While the list changes
///
/// The service pages by offset, so tokens that are created or deleted meanwhile move others from one
/// page to another. A token that comes twice is given once. Where the service counts all tokens
/// (`totalCount`), a list that has become shorter is read again from its beginning, three times at
/// most, so that what has slipped to a page already read is not missed. What can still be missed: a
/// token that slips while another one is created, so that the count stays the same, or any where
/// the service does not count. To delete tokens, read them all first;
/// [`delete_where`](crate::TokenServiceExt::delete_where) does.
///
/// Links in answers tell offsets only; no request ever goes to their address.
#[must_use = "nothing is sent until the stream is polled"]
pub struct TokenStream {
    list: List,
    pages: Pages,
    seen: Seen,
    ready: VecDeque<Result<Token>>,
    /// The page that is needed now.
    next: Option<Fetch>,
    /// Pages that will be, by offset.
    ahead: VecDeque<(u64, Fetch)>,
    done: bool,
}

/// A page on its way.
enum Fetch {
    /// Goes on only while the stream is polled.
    Here(BoxFuture<'static, Result<Tokens>>),
    /// Goes on by itself, so that it neither keeps a place among the client's requests nor runs into
    /// its deadline while the stream is not polled.
    Ahead(Task),
}

struct Task(JoinHandle<Result<Tokens>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl List {
    /// Streams all tokens, page after page, each once.
    pub fn stream(self) -> TokenStream {
        TokenStream::new(self)
    }

    /// Reads all tokens at once. Those that cannot be read are named in
    /// [`Listing::unreadable`].
    ///
    /// # Errors
    /// The error that ends the [`stream`](Self::stream); the tokens before it are then dropped.
    pub async fn all(self) -> Result<Listing<Token>> {
        gather(self.stream()).await
    }
}

impl TokenStream {
    pub(super) fn new(list: List) -> Self {
        let pages = Pages::new(list.offset.unwrap_or(0), list.limit);
        Self {
            list,
            pages,
            seen: Seen::default(),
            ready: VecDeque::new(),
            next: None,
            ahead: VecDeque::new(),
            done: false,
        }
    }

    /// The next token, or `None` at the end.
    ///
    /// # Errors
    /// [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem) if the next token cannot be
    /// read; go on for those after it. Any other is that of a request, and the stream ends there.
    pub async fn try_next(&mut self) -> Result<Option<Token>> {
        TryStreamExt::try_next(self).await
    }

    /// The request for a page, if there may be another one.
    fn request(&mut self, offset: u64, limit: u32) -> Result<BoxFuture<'static, Result<Tokens>>> {
        let most = self.list.max_pages;
        if self.pages.asked >= most {
            let error = Error::of_kind(Service::LAUNCH_DARKLY, ErrorKind::LimitExceeded);
            return Err(error
                .with_operation(GET_TOKENS.id())
                .with_reason(format!("more than {most} of them")));
        }
        self.pages.asked = self.pages.asked.saturating_add(1);
        let mut page = self.list.clone().limit(limit).offset(offset);
        page.goes_on = offset > self.pages.start;
        Ok(page.page().into_future())
    }

    /// Takes the page that comes next from those that are on their way, or asks for it.
    fn begin(&mut self) -> Result<Fetch> {
        let offset = self.pages.offset;
        while self.ahead.front().is_some_and(|(at, _)| *at < offset) {
            self.ahead.pop_front();
        }
        let before = self.ahead.front().map(|(at, _)| *at);
        if before == Some(offset)
            && let Some((_, fetch)) = self.ahead.pop_front()
        {
            return Ok(fetch);
        }
        let limit = self.pages.limit(before);
        self.request(offset, limit).map(Fetch::Here)
    }

    /// Sends for the pages to come, as far as it is certain that there are any.
    fn look_ahead(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let most = self.pages.ahead(self.list.core.settings.concurrency);
        while self.ahead.len() < most {
            let last = self.ahead.back().map(|(at, _)| *at);
            let Some(offset) = self.pages.after(last) else {
                return;
            };
            // That there are too many is told when the page is needed.
            let Ok(page) = self.request(offset, self.pages.limit(None)) else {
                return;
            };
            let task = Task(runtime.spawn(page.in_current_span()));
            self.ahead.push_back((offset, Fetch::Ahead(task)));
        }
    }

    fn take(&mut self, page: Tokens) -> Result<()> {
        let offset = self.pages.offset;
        let (links, total) = (page.links, page.total_count);
        let (items, unreadable) = page.items.into_parts();
        let count = items.len() + unreadable.len();
        let seen = &mut self.seen;
        let nothing_else = items.is_empty();
        let items = items.into_iter();
        let new = items.filter(|token| seen.insert(token.id.as_str())).map(Ok);
        // Nothing is ready, or the page would not be looked at; what is made of one list is left where
        // it lies.
        self.ready = new.collect::<Vec<_>>().into();
        let mut odd = unreadable;
        odd.retain(|item| item.id.as_ref().is_none_or(|id| seen.insert(id)));
        let named = odd.iter().filter(|item| item.id.is_some()).count();
        let new = self.ready.len() + named;
        for mut item in odd {
            item.index = item.index.saturating_add(offset);
            // What has no id is known by its place, and proves nothing about the page being new.
            let place = format!("\0{}", item.index);
            let may_be_new = new > 0 || nothing_else;
            if item.id.is_some() || (may_be_new && seen.insert(&place)) {
                let error = Error::unreadable(Service::LAUNCH_DARKLY, item);
                self.ready
                    .push_back(Err(error.with_operation(GET_TOKENS.id())));
            }
        }
        match self.pages.took(count, new, total, &links) {
            Turn::GoOn => {
                self.look_ahead();
                Ok(())
            }
            Turn::Again => {
                self.ahead.clear();
                Ok(())
            }
            Turn::End => {
                self.done = true;
                Ok(())
            }
            Turn::Broken(reason) => Err(Error::of_kind(Service::LAUNCH_DARKLY, ErrorKind::Decode)
                .with_operation(GET_TOKENS.id())
                .with_reason(reason)),
        }
    }

    /// Whether the service may have refused the size of the first page, which is not the user's wish.
    fn is_too_large(&self, error: &Error) -> bool {
        let first = self.pages.asked == 1 && self.list.limit.is_none();
        first && error.kind() == ErrorKind::InvalidRequest
    }

    fn fail(&mut self, error: Error) {
        self.done = true;
        self.ahead.clear();
        self.ready.push_back(Err(error));
    }
}

impl Stream for TokenStream {
    type Item = Result<Token>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Poll::Ready(Some(item));
            }
            // So that the room for one page and the next are not there at once.
            self.ready = VecDeque::new();
            if self.done {
                return Poll::Ready(None);
            }
            let mut fetch = match self.next.take().map_or_else(|| self.begin(), Ok) {
                Ok(fetch) => fetch,
                Err(error) => {
                    self.fail(error);
                    continue;
                }
            };
            let page = match &mut fetch {
                Fetch::Here(page) => page.as_mut().poll(cx),
                Fetch::Ahead(task) => match Pin::new(&mut task.0).poll(cx) {
                    Poll::Ready(Ok(Ok(page))) => Poll::Ready(Ok(page)),
                    // Asked for again now that it is needed: it may have waited for too long.
                    Poll::Ready(_) => {
                        let (offset, limit) = (self.pages.offset, self.pages.limit(None));
                        match self.request(offset, limit) {
                            Ok(page) => self.next = Some(Fetch::Here(page)),
                            Err(error) => self.fail(error),
                        }
                        continue;
                    }
                    Poll::Pending => Poll::Pending,
                },
            };
            match page {
                Poll::Pending => {
                    self.next = Some(fetch);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(page)) => {
                    if let Err(error) = self.take(page) {
                        self.fail(error);
                    }
                }
                Poll::Ready(Err(error)) if self.is_too_large(&error) => self.pages.fall_back(),
                Poll::Ready(Err(error)) => self.fail(error),
            }
        }
    }
}

impl fmt::Debug for TokenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenStream")
            .field("pages", &self.pages)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
