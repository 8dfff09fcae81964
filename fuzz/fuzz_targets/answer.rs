//! Whole answers, status, headers and body, through the clients: no panic, no wait without end, and
//! no error that prints the secret in it.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use access_tokens::launchdarkly::{Role, TokenBody};
use access_tokens_testing::{AvisiCloud, Fault, LaunchDarkly, QueryServer, VirtualClock};
use access_tokens::{Clock as _, Result, RetryPolicy, avisi_cloud, launchdarkly, query_server};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "api-canary-5f1d7a3c";

#[derive(Arbitrary, Debug)]
struct Answer {
    service: u8,
    status: u16,
    headers: Vec<(u8, String)>,
    body: Vec<u8>,
    with_secret: bool,
}

const NAMES: [&str; 12] = [
    "retry-after",
    "date",
    "content-type",
    "location",
    "x-request-id",
    "x-ratelimit-reset",
    "x-ratelimit-global-limit",
    "x-ratelimit-global-remaining",
    "x-ratelimit-route-remaining",
    "x-ratelimit-auth-token-remaining",
    "x-ratelimit-auth-token-reset",
    "content-encoding",
];

struct World {
    runtime: tokio::runtime::Runtime,
    launchdarkly: LaunchDarkly,
    query_server: QueryServer,
    avisi_cloud: AvisiCloud,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime");
        let (launchdarkly, query_server, avisi_cloud) = runtime.block_on(async {
            let started = (LaunchDarkly::start().await, QueryServer::start().await);
            (started.0, started.1, AvisiCloud::start().await)
        });
        World {
            runtime,
            launchdarkly: launchdarkly.expect("a port"),
            query_server: query_server.expect("a port"),
            avisi_cloud: avisi_cloud.expect("a port"),
        }
    })
}

fuzz_target!(|answer: Answer| {
    let world = world();
    let mut body = answer.body;
    if answer.with_secret {
        body.extend_from_slice(SECRET.as_bytes());
    }
    let headers = answer.headers.into_iter().take(20).map(|(name, value)| {
        let name = NAMES[usize::from(name) % NAMES.len()];
        (name.to_owned(), value)
    });
    let status = 200 + answer.status % 400;
    let fault = Fault::Answer {
        status,
        headers: headers.collect(),
        body,
    };
    let clock = VirtualClock::new();
    let policy = RetryPolicy::new().max_attempts(3);
    macro_rules! client {
        ($wing:ident, $twin:ident) => {{
            world.$twin.record_requests(false);
            world.$twin.on_any().times(2).then(fault);
            let builder = $wing::Client::builder()
                .base_url(world.$twin.base_url())
                .credential(world.$twin.credential())
                .clock(clock.clone())
                .retry(policy);
            builder.build().expect("a client")
        }};
    }
    let result: Result<String> = world.runtime.block_on(async {
        match answer.service % 4 {
            0 => {
                let client = client!(launchdarkly, launchdarkly);
                let page = client.list().page().await;
                page.map(|page| format!("{:?}", page.links))
            }
            1 => {
                let client = client!(launchdarkly, launchdarkly);
                let body = TokenBody::builder().name("x").role(Role::Reader);
                let new = client.create(body).await;
                new.map(|new| format!("{:?}", new.secret()))
            }
            2 => {
                let client = client!(query_server, query_server);
                client.value("x").await.map(|value| format!("{value:?}"))
            }
            _ => {
                let client = client!(avisi_cloud, avisi_cloud);
                client.list().await.map(|list| list.len().to_string())
            }
        }
    });
    world.launchdarkly.clear_faults();
    world.query_server.clear_faults();
    world.avisi_cloud.clear_faults();
    assert!(clock.monotonic() <= Duration::from_secs(125));
    match result {
        Ok(text) => assert!(!text.contains(SECRET)),
        Err(error) => {
            let text = format!("{error} {error:?}");
            assert!(!error.to_string().contains(['\n', '\r', '\u{1b}']), "{text}");
            assert!(text.len() < 64 * 1024, "{}", text.len());
            // Of a refusal the service's own words are shown, of a success nothing.
            assert!(status >= 300 || !text.contains(SECRET), "{text}");
        }
    }
});
