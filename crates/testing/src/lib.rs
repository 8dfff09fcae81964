//! Twins of the services for tests: real HTTP servers on the loopback interface, with the state
//! and the quirks of the services they stand for.
//!
//! A twin runs on a thread of its own and on its own port, as many as a test likes, and is gone when
//! it is dropped. Its state can be
//! seeded and looked into, what it received is kept, a [`VirtualClock`] shared with the client
//! makes tokens expire without waiting, and a script of [`Fault`]s says what goes wrong when.
//!
//! # Testing your application
//!
//! Put the crate into the dev-dependencies, so that no build for production has it:
//!
//! ```toml
//! [dev-dependencies]
//! access-tokens-testing = "0.1"
//! ```
//!
//! A test starts a twin, gives its address and credential to the application, lets time pass, and
//! looks at what became of it:
//!
//! ```
//! # #[cfg(feature = "launchdarkly")] mod example {
//! use access_tokens::launchdarkly::{Client, Role, TokenBody};
//! use access_tokens_testing::{LaunchDarkly, VirtualClock};
//! use std::{error::Error, time::Duration};
//!
//! const DAY: Duration = Duration::from_secs(86_400);
//!
//! # pub
//! async fn a_token_ends_after_a_month() -> Result<(), Box<dyn Error>> {
//!     let clock = VirtualClock::new();
//!     let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
//!     let ld = Client::builder().base_url(twin.base_url()).credential(twin.credential());
//!     let ld = ld.clock(clock.clone()).build()?;
//!     let body = TokenBody::builder().name("export").role(Role::Reader).expires(30 * DAY);
//!     let new = ld.create(body).await?;
//!     assert!(twin.authenticates(new.secret()));
//!     clock.advance(31 * DAY);
//!     assert!(!twin.authenticates(new.secret()));
//!     Ok(())
//! }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     #[cfg(feature = "launchdarkly")]
//! #     example::a_token_ends_after_a_month().await?;
//! #     Ok(())
//! # }
//! ```
//!
//! Not every application lets its client be given to it. All that it needs is the address and a
//! credential, which the client's `from_env` takes from variables. Whatever speaks HTTP can use a
//! twin, in any language: the binary `twins` serves all three. The larger
//! `examples/testing_your_application.rs` has a rotation and a lost answer under test.
//!
//! ## State
//!
//! `seed` puts a token in, past the API and its checks: an old one, an expired one, somebody
//! else's. `tokens` shows all there are, with what the API hides. `authenticates` tells
//! whether a secret would be let in now, and asking is no use of it; `use_secret` tries it over HTTP, as
//! a consumer would. The trait [`Twin`] has what is the same for all three.
//!
//! ## What was sent
//!
//! ```
//! # use access_tokens_testing::LaunchDarkly;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! # let twin = LaunchDarkly::start().await?;
//! # #[cfg(feature = "launchdarkly")] {
//! # let ld = access_tokens::launchdarkly::Client::builder().base_url(twin.base_url());
//! # let ld = ld.credential(twin.credential()).build().map_err(std::io::Error::other)?;
//! # ld.list().page().await.map_err(std::io::Error::other)?;
//! // … the application lists tokens …
//! let requests = twin.requests();
//! assert_eq!(requests.len(), 1);
//! assert_eq!(requests[0].path, "/api/v2/tokens");
//! assert_eq!(requests[0].header("ld-api-version"), Some("20240415"));
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Received`] has the method, path, query, headers and body, and when it came by the twin's
//! clock. Its `Debug` leaves credentials out.
//!
//! ## Faults
//!
//! What breaks between an application and a service is not only a status. A [`Fault`] can lose an
//! answer after the service has acted, cut or stall a body, send what is not HTTP, never end. It
//! is for the nth call of an operation, for some in a row, or for all:
//!
//! ```
//! use std::time::Duration;
//! use access_tokens_testing::launchdarkly::Operation;
//! use access_tokens_testing::{Fault, LaunchDarkly};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let twin = LaunchDarkly::start().await?;
//! // The second token is made, but the answer with its secret is lost.
//! twin.on(Operation::PostToken).nth(2).then(Fault::ActThenClose);
//! twin.on(Operation::GetTokens).times(3).then(Fault::Status(503)).then(Fault::CutBody);
//! twin.on_any().always().then(Fault::Delay(Duration::from_millis(5)));
//! # twin.clear_faults();
//! twin.refuse_connections()?;
//! // … what does the application do without the service? …
//! twin.accept_connections()?;
//! # Ok(())
//! # }
//! ```
//!
//! A function can decide as well, request by request ([`on_others`](LaunchDarkly::on_others)), such as
//! one that rolls dice. [`count`](LaunchDarkly::count) says how many requests an operation had.
//!
//! ## Services that are late
//!
//! | what is late | how to have it |
//! |---|---|
//! | the answer | [`Fault::SlowAnswer`], [`Fault::SlowAct`]; in real time [`Fault::Delay`] |
//! | a request whose client has given up | [`Fault::ActLater`]; never: [`Fault::CloseAfterRequest`] |
//! | a new secret, a list, a removal | [`Settling`] |
//! | the header `Date` | [`DateHeader`]; a whole machine: [`ShiftedClock`] |
//!
//! ```
//! use std::time::Duration;
//! use access_tokens_testing::query_server::Operation;
//! use access_tokens_testing::{Fault, QueryServer, Settling, VirtualClock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let clock = VirtualClock::new();
//! let twin = QueryServer::builder().clock(clock.clone()).start().await?;
//! // The next delete is given up by its client, and lands ten minutes later.
//! twin.on(Operation::Delete).then(Fault::ActLater(Duration::from_secs(600)));
//! // For half a minute lists lack what is new, and have what is gone.
//! twin.set_settling(Settling::new().lists(Duration::from_secs(30)));
//! # Ok(())
//! # }
//! ```
//!
//! ## Services that give less than asked for
//!
//! | what is asked for | what comes |
//! |---|---|
//! | an end | an earlier one: [`max_lifetime`](launchdarkly::Builder::max_lifetime); a rounded one: [`expiry_granularity`](launchdarkly::Builder::expiry_granularity); none: [`ignores_expiry`](launchdarkly::Builder::ignores_expiry) |
//! | no end | one all the same: `max_lifetime`, and [`lifetime`](avisi_cloud::Builder::lifetime) |
//! | one more token | a refusal: [`max_tokens`](launchdarkly::Builder::max_tokens) |
//! | a token like a [member](LaunchDarkly::add_member)'s | the caller's own: a create gives it to whoever asks |
//! | a look at a token | a refusal, though the secret works: [`denied_reads`](launchdarkly::Builder::denied_reads) |
//!
//! ```
//! use access_tokens_testing::{LaunchDarkly, launchdarkly::Seed};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! // Nobody gets more than thirty days, whatever they ask for.
//! let month = Duration::from_secs(30 * 86_400);
//! let twin = LaunchDarkly::builder().max_lifetime(month).start().await?;
//! // Somebody else's token: what replaces it will be the administrator's.
//! let member = twin.add_member("writer");
//! let theirs = twin.seed(Seed::new("export").member(member));
//! assert!(twin.authenticates(&theirs.secret));
//! # Ok(())
//! # }
//! ```
//!
//! ## Time
//!
//! A [`VirtualClock`] stands still until it is told to move, by [`advance`](VirtualClock::advance)
//! or by whoever sleeps on it: a client that backs off does so at once, and
//! [`sleeps`](VirtualClock::sleeps) tells how long it would have taken. Limits of single attempts
//! and the times of faults are real time. A [`ShiftedClock`] is the clock of a machine that goes
//! wrong.
//!
//! Do not talk to a twin while Tokio's own time is paused (`start_paused`, `tokio::time::pause`). A
//! paused runtime jumps to its next timer whenever it has nothing to do, and waiting for an answer is
//! nothing to do: now and then a time limit of the client strikes at once, before an answer that is
//! on its way. What such a test wants is had from a `VirtualClock`, given to the client and to the
//! twin: waits take no time, and time passes when the test says so.
//!
//! # What is faithful, and what was chosen
//!
//! | twin | built after | where nothing is known |
//! |---|---|---|
//! | [`LaunchDarkly`] | the published API document, official clients and what their tests show | the stricter reading, with a switch in [`launchdarkly::Builder`] for most |
//! | [`QueryServer`] | the answers of a running server, version 0.12.49 | nothing of note; the differences are listed at the type |
//! | [`AvisiCloud`] | the documentation, which is thin | a switch in [`avisi_cloud::Builder`] for each unknown |
//!
//! Each type lists what it keeps to and what it chose. Three things hold the twins to that: their
//! answers fit the documents in `openapi/` (a schema-driven tester in `.ci/schemathesis`
//! makes up the requests); the [`conformance`] suite drives the whole API of each; and the same
//! suite can be run against a real server, to see whether it still does what its twin does:
//!
//! ```text
//! QUERY_DEPLOY_URL=http://localhost:3000 QUERY_DEPLOY_TOKEN=… conformance query-server
//! ```
//!
//! (`cargo install access-tokens-testing` brings that program, and `twins`.)
//!
//! Whoever builds a stand-in of their own can hold it to the same suite.
//!
//! # What to know
//!
//! Clients must not go through a proxy to reach a twin; those of this crate never do for an
//! address of this machine. A request on a connection that a fault or
//! [`refuse_connections`](LaunchDarkly::refuse_connections) has closed fails as it would with the
//! service. The twins keep the newest 10,000 requests; a load test may switch that off with
//! [`record_requests`](LaunchDarkly::record_requests).
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod avisi_cloud;
mod body;
mod clock;
mod common;
#[cfg(any(
    feature = "avisi-cloud",
    feature = "launchdarkly",
    feature = "query-server"
))]
pub mod conformance;
mod connection;
mod fault;
mod handler;
pub mod launchdarkly;
mod message;
pub mod query_server;
mod server;
mod settling;
mod shared;
pub mod sinks;
pub mod stores;
mod twin;
mod twins;

pub use avisi_cloud::AvisiCloud;
pub use clock::{ShiftedClock, VirtualClock};
pub use fault::{Fault, Rule};
pub use launchdarkly::LaunchDarkly;
pub use message::Received;
pub use query_server::QueryServer;
pub use settling::Settling;
pub use shared::DateHeader;
pub use twin::{Decide, Entry, Twin};
pub use twins::Twins;

/// The README's example, compiled as a documentation test.
#[cfg(all(doctest, feature = "launchdarkly"))]
#[doc = include_str!("../README.md")]
struct Readme;
