//! Every fault against every operation of every service: how many requests go out, which error
//! comes back, and whether it says that the call may have taken effect.
//!
//! What must come of a fault follows from its meaning alone (`expected`); what did come of it is
//! also written down in `docs/failures.md`, which the last test holds against the results. Set
//! `UPDATE_SNAPSHOTS=1` to write the file anew.

mod cases;
mod table;
mod tls;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use access_tokens::{Error, ErrorKind, TokenServiceExt as _};
use access_tokens_testing::{Fault, VirtualClock};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::cases::{Case, Cause, Meaning};
use self::table::{Failed, Outcome, Results, document};
use crate::all::world::op::{Kind, Op, Target};
use crate::support::{Raw, Reply, whole};

/// How often the fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strikes {
    Always,
    Once,
}

/// What must come of a fault. `None` for `requests` where nothing can count them.
fn expected(op: Op, case: &Case, strikes: Strikes) -> Outcome {
    let once = strikes == Strikes::Once;
    let ok = |requests| Outcome {
        requests: Some(requests),
        failed: None,
    };
    if case.in_body && op.answers_without_body() && case.acts() {
        return ok(1);
    }
    let kind = match (case.kind, op.kind()) {
        (ErrorKind::NotFound, Kind::Read | Kind::Create) if op != Op::LdGet => {
            ErrorKind::EndpointMissing
        }
        (ErrorKind::NotFound, _) if op.service() == "Query Server" => ErrorKind::EndpointMissing,
        (kind, _) => kind,
    };
    let fails = |attempts: u32, may_have_been_sent, counted: bool| {
        let unknown = may_have_been_sent && op.is_once() && kind != ErrorKind::Decode;
        Outcome {
            requests: counted.then(|| usize::try_from(attempts).unwrap()),
            failed: Some(Failed {
                kind: if unknown {
                    ErrorKind::OutcomeUnknown
                } else {
                    kind
                },
                cause: unknown.then_some(kind),
                attempts,
                may_have_been_sent,
            }),
        }
    };
    // Query Server's create looks whether the token is there, and then it is not lost.
    let seen = op == Op::QsCreate && case.acts();
    match case.meaning {
        Meaning::NotSent => fails(4, false, false),
        Meaning::Hopeless => fails(1, false, false),
        Meaning::Declined | Meaning::DeclinedForLong if once => ok(2),
        Meaning::Declined => fails(4, false, true),
        Meaning::DeclinedForLong => fails(2, false, true),
        Meaning::Refused => fails(1, false, true),
        Meaning::Unknown | Meaning::UnknownForGood if seen => ok(1),
        Meaning::Unknown if op.is_once() => fails(1, true, true),
        Meaning::Unknown if once => ok(2),
        // The answer to the second revoke is a 404, whose status is enough.
        Meaning::Unknown if op == Op::AvRevoke && case.in_body => ok(2),
        Meaning::Unknown => fails(4, true, true),
        Meaning::UnknownForGood => fails(1, true, true),
        Meaning::Unreadable => unreadable(op, case, fails(1, true, true)),
    }
}

/// Successes with another body than promised.
fn unreadable(op: Op, case: &Case, decode: Outcome) -> Outcome {
    let empty = case.name.contains("without a body");
    match op {
        // A page is noticed whatever was expected.
        _ if !case.in_body => decode,
        // It was not carried out, so the row is missing although the server said 200.
        Op::QsCreate => Outcome {
            requests: Some(1),
            failed: Some(Failed {
                kind: ErrorKind::Conflict,
                cause: None,
                attempts: 0,
                may_have_been_sent: true,
            }),
        },
        // Nothing is expected of the body, or nothing at all is as good as an empty one.
        _ if op.answers_without_body() => Outcome {
            requests: Some(1),
            failed: None,
        },
        Op::AvRevoke if empty => Outcome {
            requests: Some(1),
            failed: None,
        },
        _ => decode,
    }
}

/// A resolver that knows no name.
#[derive(Debug)]
struct NoName;

impl reqwest::dns::Resolve for NoName {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Err("no such host".into()) })
    }
}

fn nameless() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .dns_resolver(Arc::new(NoName))
}

fn direct() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy()
}

/// Makes one call against one fault and counts; what stalls is given so much patience.
async fn run(op: Op, case: &Case, strikes: Strikes, patience: Duration) -> Outcome {
    let clock = VirtualClock::new();
    let mut target = Target::nowhere(&clock);
    let (mut twin, mut raw) = (None, None);
    match &case.cause {
        Cause::Twin(fault) => {
            let world = op.world().await;
            op.suffer(&world, fault.clone(), strikes == Strikes::Always);
            target = world.target();
            twin = Some(world);
        }
        Cause::Raw(reply) => {
            let reply = reply.clone();
            // All others get an empty list of Query Server's.
            let other = Reply::Bytes(whole(200, &[], "{\"data\":[]}"));
            let server = Raw::reading(move |_, request| {
                let reply = if op.is_line(request) { &reply } else { &other };
                reply.clone()
            });
            let server = server.await;
            target.base_url.clone_from(&server.uri);
            raw = Some(server);
        }
        Cause::Refused => {
            let world = op.world().await;
            target = world.target();
            world.refuse_connections();
            twin = Some(world);
        }
        Cause::NoSuchHost => {
            "http://nowhere.invalid".clone_into(&mut target.base_url);
            target.http = Some(nameless);
        }
        Cause::TlsHangUp => target = tls_target(&clock, tls_hang_up().await),
        Cause::TlsPlain => {
            target = tls_target(&clock, tls_plain().await);
        }
        Cause::TlsUntrusted => {
            target = tls_target(&clock, tls::untrusted().await.port());
        }
    }
    if case.stalls() {
        // Real time, and all that these tests wait for: long enough for a machine that has much to do.
        target.attempt_timeout = patience;
    }
    let call = tokio::time::timeout(Duration::from_secs(60), op.call(&target));
    let result = call
        .await
        .unwrap_or_else(|_| panic!("{op}, {}: hangs", case.name));
    if let Err(error) = &result {
        no_echo(error, op, case);
    }
    let counted = twin.as_ref().map(|twin| twin.hits(op));
    let asked = |raw: &Raw| raw.seen().iter().filter(|text| op.is_line(text)).count();
    let requests = counted.or_else(|| raw.as_ref().map(asked));
    if let Some(twin) = &twin {
        assert!(twin.made() <= 1, "{op}, {}: made twice", case.name);
    }
    let in_vain = matches!(case.meaning, Meaning::NotSent | Meaning::Hopeless);
    if in_vain {
        assert_eq!(requests.unwrap_or(0), 0, "{op}, {}", case.name);
    }
    Outcome {
        requests: requests.filter(|_| !in_vain),
        failed: result.err().map(Failed::from),
    }
}

/// Errors hold nothing of a page, an address or the credential.
fn no_echo(error: &Error, op: Op, case: &Case) {
    let text = format!("{error} {error:?}");
    for forbidden in [
        "Sign in",
        "credential-of-the-test",
        "/api/v2",
        "/_/",
        "/sts/",
        "elsewhere",
    ] {
        assert!(!text.contains(forbidden), "{op}, {}: {text}", case.name);
    }
    assert!(!error.to_string().contains('\n'), "{text}");
    if error.is_outcome_unknown() || error.kind() == ErrorKind::Decode {
        assert!(error.hint().is_some(), "{op}, {}", case.name);
        assert!(
            op == Op::QsCreate || error.operation() == Some(op.id()),
            "{text}"
        );
    }
}

fn tls_target(clock: &VirtualClock, port: u16) -> Target {
    Target {
        base_url: format!("https://localhost:{port}"),
        http: Some(direct),
        ..Target::nowhere(clock)
    }
}

async fn tls_hang_up() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.readable().await.unwrap();
            let mut buffer = vec![0; 4096];
            while stream.try_read(&mut buffer).is_ok_and(|count| count > 0) {}
        }
    });
    port
}

async fn tls_plain() -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    port
}

/// All cases against all operations, a few at a time: a short time limit must not run out by mere
/// lack of a processor. Those that stall need none, and wait together.
async fn run_all(strikes: Strikes) -> Results {
    let cases = Arc::new(cases::all());
    let (few, many) = (Arc::new(Semaphore::new(8)), Arc::new(Semaphore::new(48)));
    let mut tasks = JoinSet::new();
    for (row, case) in cases.iter().enumerate() {
        if strikes == Strikes::Once && !matches!(case.cause, Cause::Twin(_)) {
            continue;
        }
        for (column, &op) in Op::ALL.iter().enumerate() {
            let places = Arc::clone(if case.stalls() { &many } else { &few });
            let cases = Arc::clone(&cases);
            tasks.spawn(async move {
                let _place = places.acquire_owned().await.unwrap();
                (
                    (row, column),
                    run(op, &cases[row], strikes, Duration::from_millis(1_500)).await,
                )
            });
        }
    }
    let mut results = Results::new();
    while let Some(done) = tasks.join_next().await {
        let (place, outcome) = done.unwrap();
        results.insert(place, outcome);
    }
    results
}

/// Asks again, alone and with time, where what is measured in real time differs: other tests of this
/// process may have left no processor for it.
async fn ask_again(results: &mut Results, strikes: Strikes) {
    let cases = cases::all();
    for ((row, column), outcome) in results {
        let (case, op) = (&cases[*row], Op::ALL[*column]);
        if case.stalls() && *outcome != expected(op, case, strikes) {
            *outcome = run(op, case, strikes, Duration::from_secs(8)).await;
        }
    }
}

/// Compares with what must come of the faults; all differences at once.
fn check(results: &Results, strikes: Strikes) {
    let cases = cases::all();
    let mut wrong = String::new();
    for ((row, column), outcome) in results {
        let (case, op) = (&cases[*row], Op::ALL[*column]);
        let must = expected(op, case, strikes);
        if *outcome != must {
            let name = case.name;
            let _ = writeln!(wrong, "{op}, {name}:\n  is   {outcome:?}\n  must {must:?}");
        }
    }
    assert!(wrong.is_empty(), "{strikes:?}\n{wrong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_against_every_operation() {
    let mut always = run_all(Strikes::Always).await;
    ask_again(&mut always, Strikes::Always).await;
    check(&always, Strikes::Always);
    let mut once = run_all(Strikes::Once).await;
    ask_again(&mut once, Strikes::Once).await;
    check(&once, Strikes::Once);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures.md");
    let text = document(&always, &once);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, text).unwrap();
    } else {
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            known == text,
            "docs/failures.md is not what came of the faults; UPDATE_SNAPSHOTS=1 writes it anew"
        );
    }
}

/// The answer to a create is lost after it was carried out: the error says what to look for, and
/// the marker finds and removes the token that nobody holds the secret of.
#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_by_its_marker() {
    for op in [Op::LdCreate, Op::AvCreate] {
        for fault in [
            Fault::ActThenClose,
            Fault::ActThenReset,
            Fault::CutBody,
            Fault::CutChunkedBody,
            Fault::OversizedHeader,
        ] {
            let twin = op.world().await;
            op.suffer(&twin, fault.clone(), false);
            let target = twin.target();
            let error = op.call(&target).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{fault:?}");
            assert_eq!(error.operation(), Some(op.id()));
            assert!(error.to_string().contains(op.id()), "{error}");
            assert!(error.hint().unwrap().contains("marker"), "{error}");
            assert_eq!(twin.made(), 1, "{fault:?}");
            let removed = if op == Op::LdCreate {
                let client = target.launchdarkly().unwrap();
                let found = client.find_marked(&target.marker).await.unwrap();
                assert_eq!(found.len(), 1);
                client.delete_marked(&target.marker).await.unwrap().deleted
            } else {
                let client = target.avisi_cloud().unwrap();
                client.delete_marked(&target.marker).await.unwrap().deleted
            };
            assert_eq!(removed.len(), 1);
            assert_eq!(removed[0].marker.as_ref(), Some(&target.marker));
            assert_eq!(twin.live(), 0, "{fault:?}");
        }
    }
}

/// The read that should have shown what a change did fails: the error is one of the change.
#[tokio::test]
async fn a_change_that_cannot_be_looked_at_is_lost_as_well() {
    for op in [Op::QsCreate, Op::QsUpdate] {
        let twin = op.world().await;
        Op::QsList.suffer(&twin, Fault::Status(403), true);
        let error = op.call(&twin.target()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(error.cause(), Some(ErrorKind::PermissionDenied));
        assert_eq!(error.operation(), Some(op.id()));
        assert!(error.hint().unwrap().contains('`'), "{:?}", error.hint());
    }
}

/// The credential and the body stay at home whatever a redirect or a link says.
#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Raw::start(|_| Reply::Close).await;
    for &op in Op::ALL {
        for place in [
            format!("{}/steal", elsewhere.uri),
            elsewhere.uri.replace("http:", "https:"),
            elsewhere.uri.replace("http:", ""),
        ] {
            let twin = op.world().await;
            op.suffer(&twin, Fault::Redirect(place), true);
            let error = op.call(&twin.target()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{op}");
            assert!(!error.to_string().contains("steal"), "{error}");
        }
    }
    assert!(elsewhere.seen().is_empty());
}
