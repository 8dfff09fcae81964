//! The server beneath the twins: every fault as a client sees it, the script, the clock, the port.

use std::error::Error as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use access_tokens::{Clock as _, Secret};
use access_tokens_testing::launchdarkly::Operation;
use access_tokens_testing::{AvisiCloud, Fault, LaunchDarkly, ShiftedClock, Twins, VirtualClock};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// Without a pool, so that no connection is left to a test's runtime that has ended.
static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| builder().pool_max_idle_per_host(0).build().unwrap());

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
}

fn request(twin: &LaunchDarkly, method: Method, path: &str) -> reqwest::RequestBuilder {
    CLIENT
        .request(method, format!("{}{path}", twin.base_url()))
        .header("authorization", twin.credential().expose_secret())
}

async fn create(twin: &LaunchDarkly) -> reqwest::Result<Response> {
    request(twin, Method::POST, "/api/v2/tokens")
        .json(&json!({"name": "made", "role": "reader"}))
        .send()
        .await
}

/// Creates once under a fault, and says how many tokens were made.
async fn create_under(fault: Fault) -> (reqwest::Result<Response>, usize) {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on(Operation::PostToken).then(fault);
    let outcome = create(&twin).await;
    // The answer is read before the twin goes.
    let outcome = match outcome {
        Ok(response) => {
            let (status, headers) = (response.status(), response.headers().clone());
            let body = tokio::time::timeout(Duration::from_secs(5), response.bytes());
            body.await.unwrap().map(|bytes| {
                let mut whole = http::Response::new(bytes);
                (*whole.status_mut(), *whole.headers_mut()) = (status, headers);
                Response::from(whole)
            })
        }
        Err(error) => Err(error),
    };
    assert_eq!(twin.requests().len(), 1);
    let made = twin.tokens().len() - 1;
    // The fault was for one call.
    assert_eq!(create(&twin).await.unwrap().status(), 201);
    (outcome, made)
}

/// The kind of the system's error beneath, if there is one.
fn system_error(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}

#[tokio::test]
async fn answers_instead_of_the_service_do_not_act() {
    let (response, made) = create_under(Fault::Status(503)).await;
    let response = response.unwrap();
    assert_eq!((response.status().as_u16(), made), (503, 0));
    assert_eq!(response.content_length(), Some(0));

    let fault = Fault::Answer {
        status: 429,
        headers: vec![("Retry-After".into(), "7".into())],
        body: b"later".to_vec(),
    };
    let (response, made) = create_under(fault).await;
    let response = response.unwrap();
    assert_eq!((response.status().as_u16(), made), (429, 0));
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.text().await.unwrap(), "later");

    let (response, made) = create_under(Fault::Redirect("http://example.com/".into())).await;
    let response = response.unwrap();
    assert_eq!((response.status().as_u16(), made), (302, 0));
    assert_eq!(response.headers()["location"], "http://example.com/");
}

#[tokio::test]
async fn closed_connections_have_no_answer() {
    for (fault, acts) in [
        (Fault::CloseBeforeRequest, false),
        (Fault::CloseAfterRequest, false),
        (Fault::ActThenClose, true),
    ] {
        let (outcome, made) = create_under(fault.clone()).await;
        let error = outcome.unwrap_err();
        assert!(error.is_request() && !error.is_connect(), "{fault:?}");
        assert_eq!(system_error(&error), None, "{fault:?}: {error:?}");
        assert_eq!(made == 1, acts, "{fault:?}");
    }
}

#[tokio::test]
async fn reset_connections_are_reset() {
    for (fault, acts) in [(Fault::Reset, false), (Fault::ActThenReset, true)] {
        let (outcome, made) = create_under(fault.clone()).await;
        let error = outcome.unwrap_err();
        assert_eq!(system_error(&error), Some(ErrorKind::ConnectionReset));
        assert_eq!(made == 1, acts, "{fault:?}");
    }
}

#[tokio::test]
async fn cut_bodies_break_off_with_the_state_changed() {
    for fault in [Fault::CutBody, Fault::CutChunkedBody] {
        let (outcome, made) = create_under(fault.clone()).await;
        let error = outcome.unwrap_err();
        // The head had come: what fails is the body.
        assert!(error.is_decode() || error.is_body(), "{fault:?}: {error:?}");
        assert_eq!(made, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_cut_body_announces_its_length_and_a_chunked_one_does_not() {
    for (fault, announced) in [(Fault::CutBody, true), (Fault::CutChunkedBody, false)] {
        let twin = LaunchDarkly::start().await.unwrap();
        twin.on(Operation::PostToken).then(fault);
        let mut response = create(&twin).await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers().contains_key("content-length"), announced);
        let mut half = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            half.extend_from_slice(&chunk);
        }
        assert!(half.len() > 50 && serde_json::from_slice::<Value>(&half).is_err());
    }
}

#[tokio::test]
async fn an_answer_without_a_body_cannot_be_cut() {
    let twin = LaunchDarkly::start().await.unwrap();
    for fault in [Fault::CutBody, Fault::CutChunkedBody, Fault::StallInBody] {
        let made: Value = create(&twin).await.unwrap().json().await.unwrap();
        twin.on(Operation::DeleteToken).then(fault);
        let path = format!("/api/v2/tokens/{}", made["_id"].as_str().unwrap());
        let deleted = request(&twin, Method::DELETE, &path).send().await.unwrap();
        assert_eq!(deleted.status(), 204);
    }
    assert_eq!(twin.tokens().len(), 1);
}

#[tokio::test]
async fn stalls_last_until_the_client_gives_up() {
    for (fault, acts) in [
        (Fault::StallBeforeActing, false),
        (Fault::StallBeforeHead, true),
    ] {
        let twin = LaunchDarkly::start().await.unwrap();
        twin.on(Operation::PostToken).then(fault);
        let waited = tokio::time::timeout(Duration::from_millis(200), create(&twin)).await;
        assert!(waited.is_err());
        assert_eq!(twin.tokens().len() - 1, usize::from(acts));
        assert_eq!(create(&twin).await.unwrap().status(), 201);
    }
}

#[tokio::test]
async fn a_stall_in_the_body_comes_after_head_and_half() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on(Operation::PostToken).then(Fault::StallInBody);
    let mut response = create(&twin).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(twin.tokens().len(), 2);
    let announced = response.content_length().unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first.len() as u64, announced / 2);
    let rest = tokio::time::timeout(Duration::from_millis(200), response.chunk()).await;
    assert!(rest.is_err());
}

#[tokio::test]
async fn an_endless_body_goes_on_as_long_as_it_is_read() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on(Operation::GetTokens).then(Fault::EndlessBody);
    let mut response = request(&twin, Method::GET, "/api/v2/tokens")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.content_length(), None);
    let mut read = 0;
    while read < 20_000_000 {
        read += response.chunk().await.unwrap().unwrap().len();
    }
    drop(response);
    // Nobody reads now; the twin must answer others meanwhile.
    assert_eq!(create(&twin).await.unwrap().status(), 201);
}

#[tokio::test]
async fn garbage_and_oversized_headers_are_no_answers() {
    let (outcome, made) = create_under(Fault::Garbage).await;
    let error = outcome.unwrap_err();
    assert!(error.is_request() && made == 0, "{error:?}");
    assert!(format!("{error:?}").contains("Parse"), "{error:?}");

    let (outcome, made) = create_under(Fault::OversizedHeader).await;
    let error = outcome.unwrap_err();
    assert!(error.is_request() && made == 1, "{error:?}");
    assert!(format!("{error:?}").contains("TooLarge"), "{error:?}");
}

#[tokio::test]
async fn delays_are_real_time_and_acts_come_first() {
    let started = Instant::now();
    let (response, made) = create_under(Fault::Delay(Duration::from_millis(150))).await;
    assert_eq!((response.unwrap().status().as_u16(), made), (201, 1));
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn close_before_request_does_not_wait_for_the_body() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on_any().then(Fault::CloseBeforeRequest);
    let mut stream = TcpStream::connect(twin.base_url().strip_prefix("http://").unwrap()).unwrap();
    // A body that never comes.
    stream
        .write_all(b"POST /api/v2/tokens HTTP/1.1\r\nhost: twin\r\ncontent-length: 10\r\n\r\n")
        .unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut answer = Vec::new();
    assert_eq!(stream.read_to_end(&mut answer).unwrap(), 0);
    assert!(twin.requests()[0].body.is_empty());
}

#[tokio::test]
async fn the_script_counts_calls_of_its_operation() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on(Operation::PostToken)
        .nth(2)
        .then(Fault::Status(500))
        .then(Fault::Status(502));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let list = request(&twin, Method::GET, "/api/v2/tokens").send().await;
        assert_eq!(list.unwrap().status(), 200);
        seen.push(create(&twin).await.unwrap().status().as_u16());
    }
    assert_eq!(seen, [201, 500, 502, 201]);

    twin.on_any().always().then(Fault::Status(418));
    let unknown = request(&twin, Method::GET, "/elsewhere").send().await;
    assert_eq!(unknown.unwrap().status(), 418);
    assert_eq!(create(&twin).await.unwrap().status(), 418);
    twin.clear_faults();
    assert_eq!(create(&twin).await.unwrap().status(), 201);
}

#[tokio::test]
async fn refused_connections_come_back_on_the_same_port() {
    let twin = LaunchDarkly::start().await.unwrap();
    let url = twin.base_url();
    let kept = builder().build().unwrap();
    let list = |client: &reqwest::Client| {
        client
            .get(format!("{url}/api/v2/tokens"))
            .header("authorization", twin.credential().expose_secret())
            .send()
    };
    assert_eq!(list(&kept).await.unwrap().status(), 200);
    for _ in 0..3 {
        twin.refuse_connections().unwrap();
        twin.refuse_connections().unwrap();
        let error = list(&CLIENT).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_eq!(system_error(&error), Some(ErrorKind::ConnectionRefused));
        // The pooled connection is closed as well.
        assert!(list(&kept).await.unwrap_err().is_connect());
        twin.accept_connections().unwrap();
        twin.accept_connections().unwrap();
        assert_eq!(twin.base_url(), url);
        assert_eq!(list(&kept).await.unwrap().status(), 200);
    }
    assert_eq!(twin.requests().len(), 4);
}

#[tokio::test]
async fn fifty_twins_live_side_by_side_and_leave_nothing() {
    let mut twins = Vec::new();
    for _ in 0..50 {
        twins.push(LaunchDarkly::start().await.unwrap());
    }
    for (number, twin) in twins.iter().enumerate() {
        for _ in 0..=number % 3 {
            assert_eq!(create(twin).await.unwrap().status(), 201);
        }
        let foreign = twins[(number + 1) % 50].credential();
        let answer = CLIENT
            .get(format!("{}/api/v2/tokens", twin.base_url()))
            .header("authorization", foreign.expose_secret())
            .send();
        assert_eq!(answer.await.unwrap().status(), 401);
    }
    for (number, twin) in twins.iter().enumerate() {
        assert_eq!(twin.tokens().len(), 2 + number % 3);
    }
    let addresses: Vec<String> = twins
        .iter()
        .map(|twin| twin.base_url().strip_prefix("http://").unwrap().to_owned())
        .collect();
    let mut open: Vec<TcpStream> = addresses
        .iter()
        .map(|address| TcpStream::connect(address).unwrap())
        .collect();
    drop(twins);
    for (address, stream) in addresses.iter().zip(&mut open) {
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        // Closed or reset, but not silent.
        match stream.read(&mut [0; 1]) {
            Ok(read) => assert_eq!(read, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
}

#[tokio::test]
async fn a_stalled_request_does_not_hold_up_the_drop() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on_any().always().then(Fault::StallBeforeHead);
    let call = request(&twin, Method::GET, "/api/v2/tokens").send();
    let call = tokio::spawn(call);
    while twin.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    drop(twin);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(call.await.unwrap().is_err());
}

/// What waits for the answer here is no task, so that paused time has nothing to jump over.
#[tokio::test(start_paused = true)]
async fn a_twin_does_not_depend_on_the_runtime_of_the_test() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on_any().then(Fault::Delay(Duration::from_millis(20)));
    for _ in 0..3 {
        let address = twin.base_url().replace("http://", "");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /api/v2/caller-identity HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: {}\r\n\r\n",
            twin.credential().expose_secret()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
}

#[tokio::test]
async fn received_requests_are_kept_and_print_no_credentials() {
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder()
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    clock.advance(Duration::from_secs(90));
    let response = request(&twin, Method::GET, "/api/v2/tokens?a=b+c&a=%C3%A9")
        .header("x-own", "kept")
        .send()
        .await
        .unwrap();
    // The answer is dated by the twin's clock.
    assert_eq!(response.headers()["date"], "Thu, 01 Jan 2026 00:01:30 GMT");
    create(&twin).await.unwrap();
    let requests = twin.requests();
    let first = &requests[0];
    assert_eq!(
        (first.method.as_str(), &*first.path),
        ("GET", "/api/v2/tokens")
    );
    assert_eq!(
        first.query_pairs(),
        [("a".into(), "b c".into()), ("a".into(), "é".to_owned())]
    );
    assert_eq!(first.header("X-Own"), Some("kept"));
    assert_eq!(first.at, clock.now());
    let secret = twin.credential();
    assert_eq!(first.header("authorization"), Some(secret.expose_secret()));
    assert!(!format!("{first:?} {twin:?}").contains(secret.expose_secret()));
    assert!(format!("{first:?}").contains("kept"));
    assert_eq!(requests[1].json().unwrap()["name"], "made");

    twin.record_requests(false);
    twin.clear_requests();
    create(&twin).await.unwrap();
    assert!(twin.requests().is_empty());
}

#[tokio::test]
async fn sleeping_on_the_virtual_clock_moves_it() {
    let clock = VirtualClock::new();
    let start = clock.now();
    let hour = Duration::from_secs(3600);
    let real = Instant::now();
    tokio::join!(clock.sleep(2 * hour), clock.sleep(hour));
    assert!(real.elapsed() < Duration::from_secs(1));
    // Side by side, not one after the other.
    assert_eq!(clock.now(), start + 2 * hour);
    assert_eq!(clock.sleeps(), [2 * hour, hour]);
    assert_eq!(clock.monotonic(), 2 * hour);

    clock.set(start + 5 * hour);
    assert_eq!(clock.monotonic(), 5 * hour);
    // A correction backwards changes the date alone.
    clock.set(start);
    assert_eq!((clock.now(), clock.monotonic()), (start, 5 * hour));
    clock.clone().advance(hour);
    assert_eq!((clock.now(), clock.monotonic()), (start + hour, 6 * hour));
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let (ld, avisi) = (
        LaunchDarkly::start().await.unwrap(),
        AvisiCloud::start().await.unwrap(),
    );
    for (url, path, scheme, secret) in [
        (ld.base_url(), "/api/v2/tokens", "", ld.credential()),
        (
            avisi.base_url(),
            "/sts/v1/personal-access-tokens",
            "Token ",
            avisi.credential(),
        ),
    ] {
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        let secret = secret.expose_secret();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {scheme}{secret}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("breaks off"), "{answer}");
    }
    assert_eq!((ld.tokens().len(), avisi.tokens().len()), (1, 1));
}

#[tokio::test]
async fn secrets_are_tried_as_a_consumer_would() {
    let clock = VirtualClock::new();
    let twins = Twins::with_clock(clock.clone()).await.unwrap();
    twins.seed_demo();
    for twin in twins.all() {
        let before: u64 = twin.counts().values().sum();
        let entries = twin.entries();
        for entry in &entries {
            let status = twin.use_secret(&entry.secret).await.unwrap();
            let expected = if entry.works { 200 } else { 401 };
            assert_eq!(status, expected, "{} {}", twin.service(), entry.name);
            assert_eq!(twin.authenticates(&entry.secret), entry.works);
        }
        assert_eq!(twin.use_secret(&twin.credential()).await.unwrap(), 200);
        assert_eq!(twin.use_secret(&Secret::new("wrong")).await.unwrap(), 401);
        assert!(twin.use_secret(&Secret::new("no\nheader")).await.is_err());
        // They are requests like any other.
        let after: u64 = twin.counts().values().sum();
        assert_eq!(after - before, entries.len() as u64 + 2);
        twin.set_fault(None, 1, 1, Fault::Status(503)).unwrap();
        assert_eq!(twin.use_secret(&twin.credential()).await.unwrap(), 503);
        twin.refuse_connections().unwrap();
        assert!(twin.use_secret(&twin.credential()).await.is_err());
    }
}

#[tokio::test]
async fn clocks_run_beside_one_another() {
    let base = VirtualClock::new();
    let (start, hour) = (base.now(), Duration::from_secs(3600));
    let clock = ShiftedClock::over(base.clone());
    clock.set_behind(hour);
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (start - hour, Duration::ZERO)
    );
    base.advance(hour);
    assert_eq!((clock.now(), clock.monotonic()), (start, hour));
    clock.set_ahead(hour);
    clock.clone().advance(hour);
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (start + 3 * hour, 2 * hour)
    );
    clock.sleep(hour).await;
    assert_eq!(
        (base.now(), clock.now()),
        (start + 2 * hour, start + 4 * hour)
    );
    // Without a range there is no difference.
    clock.set_ahead(Duration::MAX);
    assert_eq!(clock.now(), base.now());
    clock.set_behind(Duration::MAX);
    assert_eq!(clock.now(), base.now());
    assert!(ShiftedClock::new().now() >= start);
}
