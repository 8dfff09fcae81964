//! Everything is bounded: bodies, redirects, requests at a time, attempts, waits and time; and a
//! failure says whether the call may have taken effect.

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use crate::support::{
    CREDENTIAL, NOW, Raw, Reply, SECOND, always, assert_refused, at, empty, head, html, id, json,
    lines, script, whole,
};
use access_tokens::launchdarkly::OldSecret;
use access_tokens::launchdarkly::{ClientBuilder, Patch, Role, TokenBody, TokenBodyBuilder};
use access_tokens::query_server::Changes;
use access_tokens::{
    Error, ErrorKind, Result, RetryPolicy, avisi_cloud, launchdarkly, query_server,
};
use access_tokens_testing::VirtualClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn builder(uri: &str) -> ClientBuilder {
    launchdarkly::Client::builder()
        .base_url(uri)
        .credential(CREDENTIAL)
}

/// A client that never waits, and the clock that tells how long it would have.
fn unhurried(uri: &str) -> (launchdarkly::Client, VirtualClock) {
    let clock = VirtualClock::new();
    (builder(uri).clock(clock.clone()).build().unwrap(), clock)
}

fn draft() -> TokenBodyBuilder {
    TokenBody::builder().role(Role::Reader)
}

fn token() -> Value {
    json!({"_id": "66aa10f2c4d5e60011223344", "ownerId": "o", "memberId": "m", "creationDate": 1,
           "lastModified": 2, "_links": {}, "defaultApiVersion": 20_240_415,
           "token": "api-00000000-1111-4222-8333-444444444444"})
}

fn assert_unknown(error: &Error, cause: ErrorKind) {
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(error.cause(), Some(cause), "{error}");
    assert!(
        error.may_have_been_sent() && error.is_outcome_unknown(),
        "{error}"
    );
    assert!(error.hint().is_some() && error.attempts() == 1, "{error}");
}

mod bodies {
    use super::*;

    fn capped(uri: &str, bytes: usize) -> launchdarkly::Client {
        let builder = builder(uri)
            .max_response_bytes(bytes)
            .clock(VirtualClock::new());
        builder.retry(RetryPolicy::none()).build().unwrap()
    }

    #[tokio::test]
    async fn a_body_that_is_announced_as_too_large_is_not_read() {
        let raw = Raw::start(|_| Reply::Stall(head(200, &[("content-length", "1001")]))).await;
        let client = capped(&raw.uri, 1_000);
        let error = client.get(&id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{error}");
        assert_eq!(error.status().unwrap().as_u16(), 200);
        assert!(error.to_string().contains("1000 bytes"), "{error}");
        assert!(
            error.hint().unwrap().contains("max_response_bytes"),
            "{error}"
        );
        assert_unknown(
            &client.create(draft()).await.unwrap_err(),
            ErrorKind::BodyTooLarge,
        );
    }

    #[tokio::test]
    async fn a_body_without_end_is_cut_off() {
        let head = head(200, &[("transfer-encoding", "chunked")]);
        let raw = Raw::start(move |_| Reply::Endless(head.clone())).await;
        let client = capped(&raw.uri, 100_000);
        for error in [
            client.get(&id()).await.unwrap_err(),
            client.list().all().await.unwrap_err(),
            client.delete(&id()).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{error}");
        }
        assert_unknown(
            &client.create(draft()).await.unwrap_err(),
            ErrorKind::BodyTooLarge,
        );
        assert_eq!(raw.seen().len(), 4, "none of them again");
    }

    #[tokio::test]
    async fn a_body_as_large_as_allowed_is_read() {
        let body = token().to_string();
        for (cap, fits) in [(body.len(), true), (body.len() - 1, false)] {
            for chunked in [false, true] {
                let answer = if chunked {
                    let mut answer = head(200, &[("transfer-encoding", "chunked")]);
                    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                    answer.extend_from_slice(chunk.as_bytes());
                    answer
                } else {
                    whole(200, &[], &body)
                };
                let raw = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
                let outcome = capped(&raw.uri, cap).get(&id()).await;
                assert_eq!(outcome.is_ok(), fits, "{cap} {chunked} {outcome:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_page_with_success_is_an_error_that_says_where_to_look() {
        let server = always(html(200)).await;
        let (client, _) = unhurried(&server.uri());
        for (error, once) in [
            (client.list().page().await.unwrap_err(), false),
            (client.get(&id()).await.unwrap_err(), false),
            (client.create(draft()).await.unwrap_err(), true),
            (
                client
                    .patch(&id(), Patch::new().replace_name("x"))
                    .await
                    .unwrap_err(),
                true,
            ),
            (client.delete(&id()).await.unwrap_err(), true),
            (
                client
                    .reset(&id(), OldSecret::EndsAtOnce)
                    .await
                    .unwrap_err(),
                true,
            ),
        ] {
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert_eq!(error.status().unwrap().as_u16(), 200, "{error}");
            assert!(error.hint().unwrap().contains("not the API"), "{error}");
            assert!(error.may_have_been_sent() || !once, "{error}");
            assert!(!format!("{error} {error:?}").contains("Sign in"), "{error}");
        }
        assert_eq!(lines(&server).await.len(), 6, "none of them again");
    }
}

mod redirects {
    use super::*;

    /// Calls an operation of each kind and service, and gives the errors.
    async fn errors(uri: &str) -> Vec<Error> {
        let (ld, _) = unhurried(uri);
        let query = at(query_server::Client::builder(), uri).build().unwrap();
        let avisi = at(avisi_cloud::Client::builder(), uri).build().unwrap();
        vec![
            ld.list().all().await.unwrap_err(),
            ld.create(draft()).await.unwrap_err(),
            ld.delete(&id()).await.unwrap_err(),
            query.list().await.unwrap_err(),
            query.delete("edge").await.unwrap_err(),
            avisi.list().await.unwrap_err(),
            avisi
                .provision(avisi_cloud::ProvisionBody::default())
                .await
                .unwrap_err(),
        ]
    }

    #[tokio::test]
    async fn a_redirect_is_never_followed() {
        let other = always(json(200, &token())).await;
        for status in [301, 302, 303, 307, 308] {
            for (location, told) in [
                (
                    Some(format!("{}/api/v2/tokens?secret=1", other.uri())),
                    other.uri(),
                ),
                (
                    Some("/elsewhere?secret=1".to_owned()),
                    "same origin".to_owned(),
                ),
                (
                    Some("https://host.example/secret".to_owned()),
                    "https://host.example".to_owned(),
                ),
                (None, "no Location".to_owned()),
            ] {
                let headers: Vec<_> = location
                    .iter()
                    .map(|to| ("location", to.as_str()))
                    .collect();
                let answer = whole(status, &headers, "");
                let raw = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
                for error in errors(&raw.uri).await {
                    let kind = error.cause().unwrap_or(error.kind());
                    assert_eq!(kind, ErrorKind::Redirect, "{error}");
                    assert_eq!(error.status().unwrap().as_u16(), status);
                    assert!(error.to_string().contains(&told), "{told}: {error}");
                    assert!(!error.to_string().contains("secret"), "{error}");
                    assert_eq!(error.attempts(), 1, "{error}");
                    // See Other may point to what was just made.
                    assert_eq!(error.may_have_been_sent(), status == 303, "{error}");
                }
                assert_eq!(raw.seen().len(), 7, "one request each");
            }
        }
        assert_eq!(lines(&other).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_even_if_the_given_http_client_would() {
        let other = always(json(200, &token())).await;
        let location = format!("{}/x", other.uri());
        let answer = whole(307, &[("location", &location)], "");
        let raw = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
        let client = builder(&raw.uri)
            .http_client(|http| http.redirect(reqwest::redirect::Policy::limited(10)))
            .build()
            .unwrap();
        let error = client.get(&id()).await.unwrap_err();
        let kind = error.cause().unwrap_or(error.kind());
        assert_eq!(kind, ErrorKind::Redirect, "{error}");
        assert_eq!(lines(&other).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_proxy_does_not_see_plain_requests_to_this_machine() {
        let proxy = always(json(200, &token())).await;
        let server = always(empty(204)).await;
        let through = reqwest::Proxy::all(proxy.uri()).unwrap();
        let client = builder(&server.uri())
            .http_client(move |http| http.proxy(through.clone()))
            .build()
            .unwrap();
        client.delete(&id()).await.unwrap();
        assert_eq!(lines(&proxy).await, [""; 0]);
        assert_eq!(lines(&server).await.len(), 1);
    }
}

mod at_a_time {
    use super::*;

    #[tokio::test]
    async fn no_more_requests_are_under_way_than_allowed() {
        for (allowed, expected) in [(1, 1), (3, 3)] {
            let answer = whole(200, &[], &token().to_string());
            let wait = Duration::from_millis(20);
            let raw = Raw::start(move |_| Reply::Late(wait, answer.clone())).await;
            let client = builder(&raw.uri).concurrency(allowed).build().unwrap();
            let calls: Vec<_> = (0..12)
                .map(|_| {
                    // Clones share the limit.
                    let client = client.clone();
                    tokio::spawn(async move { client.get(&id()).await.map(drop) })
                })
                .collect();
            for call in calls {
                call.await.unwrap().unwrap();
            }
            assert_eq!(raw.seen().len(), 12);
            assert_eq!(raw.most_at_a_time(), expected);
        }
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_gives_its_place_back() {
        let raw = Raw::start(|number| match number {
            0 => Reply::Stall(Vec::new()),
            _ => Reply::Bytes(whole(204, &[], "")),
        })
        .await;
        let client = builder(&raw.uri).concurrency(1).build().unwrap();
        let stuck =
            tokio::time::timeout(Duration::from_millis(100), client.get(&id()).into_future());
        assert!(stuck.await.is_err());
        client.delete(&id()).await.unwrap();
        assert_eq!(raw.seen().len(), 2);
    }

    #[tokio::test]
    async fn nothing_is_sent_before_a_request_is_awaited() {
        let server = always(empty(204)).await;
        let (client, _) = unhurried(&server.uri());
        let request = client.delete(&id());
        drop(client.delete(&id()).into_future());
        drop(client.list().stream());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(lines(&server).await.len(), 0);
        request.await.unwrap();
        assert_eq!(lines(&server).await.len(), 1);
    }

    #[tokio::test]
    async fn every_call_can_be_moved_to_another_task() {
        fn sendable<F: IntoFuture<IntoFuture: Send + 'static> + Send>(call: F) -> F {
            call
        }
        let uri = "http://127.0.0.1:9";
        let (ld, _) = unhurried(uri);
        let query = at(query_server::Client::builder(), uri).build().unwrap();
        let avisi = at(avisi_cloud::Client::builder(), uri).build().unwrap();
        drop(sendable(ld.list().page()));
        drop(sendable(ld.list().all()));
        drop(sendable(ld.get(&id())));
        drop(sendable(ld.create(draft())));
        drop(sendable(ld.patch(&id(), Patch::new())));
        drop(sendable(ld.delete(&id())));
        drop(sendable(ld.reset(&id(), OldSecret::EndsAtOnce)));
        drop(sendable(ld.get(&id()).with_info()));
        drop(sendable(query.list()));
        drop(sendable(query.find("a")));
        drop(sendable(query.get("a")));
        drop(sendable(query.value("a")));
        drop(sendable(query.exists("a")));
        drop(sendable(
            query.create(query_server::TokenBody::builder("a")),
        ));
        drop(sendable(query.update("a", Changes::new())));
        drop(sendable(query.rotate_to("a", "b", Changes::new())));
        drop(sendable(query.rotate_in_place("a", Changes::new())));
        drop(sendable(query.delete("a")));
        drop(sendable(query.delete_existing("a")));
        drop(sendable(avisi.list()));
        drop(sendable(
            avisi.provision(avisi_cloud::ProvisionBody::default()),
        ));
        drop(sendable(avisi.revoke(&id())));

        let server = always(json(200, &json!({"items": [token()]}))).await;
        let (client, _) = unhurried(&server.uri());
        let mut stream = client.list().stream();
        let first = tokio::spawn(async move { stream.try_next().await });
        assert_eq!(first.await.unwrap().unwrap().unwrap().id, id());
        let request = client.list().page();
        assert_eq!(
            tokio::spawn(request.into_future())
                .await
                .unwrap()
                .unwrap()
                .items
                .len(),
            1
        );
    }
}

mod again {
    use super::*;

    #[tokio::test]
    async fn a_call_waits_as_long_as_the_service_asks_and_goes_again() {
        let limited = || empty(429).insert_header("retry-after", "7");
        let server = script([limited(), limited(), json(201, &token())]).await;
        let (client, clock) = unhurried(&server.uri());
        let (_, info) = client.create(draft()).with_info().await.unwrap();
        assert_eq!(info.attempts, 3);
        assert_eq!(clock.sleeps().len(), 2);
        for wait in clock.sleeps() {
            assert!((7 * SECOND..=8 * SECOND).contains(&wait), "{wait:?}");
        }
        assert_eq!(lines(&server).await, ["POST /api/v2/tokens"; 3]);
    }

    #[tokio::test]
    async fn the_end_of_a_window_is_a_hint_too_and_may_lie_in_the_past() {
        for (reset, least, most) in [
            ((NOW + 5) * 1_000, 5 * SECOND, 6 * SECOND),
            ((NOW - 5) * 1_000, Duration::ZERO, SECOND),
        ] {
            let date = "Thu, 01 Jan 2026 00:00:00 GMT";
            let limited = empty(429)
                .insert_header("x-ratelimit-reset", reset.to_string().as_str())
                .insert_header("date", date);
            let server = script([limited, json(200, &token())]).await;
            let (client, clock) = unhurried(&server.uri());
            client.get(&id()).await.unwrap();
            let waits = clock.sleeps();
            assert_eq!(waits.len(), 1, "{waits:?}");
            assert!((least..=most).contains(&waits[0]), "{waits:?}");
        }
    }

    #[tokio::test]
    async fn a_hint_that_makes_no_sense_is_replaced_by_the_back_off() {
        for junk in ["soon", "-1", "1,5", "99999999999999999999"] {
            let limited = empty(429).insert_header("retry-after", junk);
            let server = script([limited, json(200, &token())]).await;
            let (client, clock) = unhurried(&server.uri());
            client.get(&id()).await.unwrap();
            let waits = clock.sleeps();
            assert!(waits.len() == 1 && waits[0] <= SECOND, "{junk} {waits:?}");
        }
    }

    #[tokio::test]
    async fn a_wait_that_is_too_long_is_cut_and_one_past_the_deadline_not_begun() {
        let server = always(empty(429).insert_header("retry-after", "315360000")).await;
        let (client, clock) = unhurried(&server.uri());
        let error = client.create(draft()).await.unwrap_err();
        assert!(
            error.is_rate_limited() && !error.may_have_been_sent(),
            "{error}"
        );
        assert_eq!(error.retry_after(), Some(315_360_000 * SECOND));
        assert!(error.to_string().contains("deadline"), "{error}");
        let waits = clock.sleeps();
        assert!(waits.iter().all(|wait| *wait <= 61 * SECOND), "{waits:?}");
        assert_eq!((lines(&server).await.len(), waits.len()), (2, 1));

        let server = always(empty(429).insert_header("retry-after", "30")).await;
        let (client, clock) = unhurried(&server.uri());
        let error = client.get(&id()).timeout(20 * SECOND).await.unwrap_err();
        assert!(error.is_rate_limited(), "{error}");
        assert!(error.to_string().contains("deadline"), "{error}");
        assert_eq!((lines(&server).await.len(), clock.sleeps().len()), (1, 0));
    }

    #[tokio::test]
    async fn a_create_goes_again_after_503_only_if_the_service_says_when() {
        let busy = empty(503).insert_header("retry-after", "1");
        let server = script([busy, json(201, &token())]).await;
        let (client, _) = unhurried(&server.uri());
        assert!(client.create(draft()).await.is_ok());
        assert_eq!(lines(&server).await.len(), 2);

        for status in [500, 502, 503, 504] {
            let server = always(empty(status)).await;
            let (client, _) = unhurried(&server.uri());
            assert_unknown(
                &client.create(draft()).await.unwrap_err(),
                ErrorKind::Server,
            );
            assert_eq!(lines(&server).await.len(), 1, "{status}");
            let error = client.get(&id()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.attempts()),
                (ErrorKind::Server, 4),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_refusal_is_never_repeated() {
        for status in [400, 401, 403, 404, 409, 422] {
            let server = always(empty(status).insert_header("retry-after", "0")).await;
            let (client, clock) = unhurried(&server.uri());
            assert_eq!(client.get(&id()).await.unwrap_err().attempts(), 1);
            assert_eq!(
                (lines(&server).await.len(), clock.sleeps().len()),
                (1, 0),
                "{status}"
            );
        }
    }

    #[tokio::test]
    async fn a_policy_sets_the_number_of_attempts_for_client_or_call() {
        let server = always(empty(502)).await;
        let client = builder(&server.uri()).clock(VirtualClock::new());
        let client = client
            .retry(RetryPolicy::new().max_attempts(2))
            .build()
            .unwrap();
        assert_eq!(client.get(&id()).await.unwrap_err().attempts(), 2);
        assert_eq!(
            client
                .get(&id())
                .retry(RetryPolicy::none())
                .await
                .unwrap_err()
                .attempts(),
            1
        );
        let six = RetryPolicy::new().max_attempts(6);
        assert_eq!(
            client.get(&id()).retry(six).await.unwrap_err().attempts(),
            6
        );
        assert_eq!(lines(&server).await.len(), 9);
    }

    #[tokio::test]
    async fn a_service_that_is_down_uses_up_what_the_client_may_spend_on_it() {
        let server = always(empty(502)).await;
        let (client, _) = unhurried(&server.uri());
        let mut last = 0;
        for _ in 0..20 {
            last = client
                .get(&id())
                .timeout(Duration::MAX)
                .await
                .unwrap_err()
                .attempts();
        }
        assert_eq!(last, 1, "no more retries");
        assert!(lines(&server).await.len() <= 20 + 20, "100 divided by 5");
    }
}

mod lost {
    use super::*;

    const SHORT: Duration = Duration::from_millis(300);

    fn impatient(uri: &str) -> launchdarkly::Client {
        let policy = RetryPolicy::new()
            .max_attempts(2)
            .backoff(Duration::ZERO, Duration::ZERO);
        builder(uri)
            .attempt_timeout(SHORT)
            .retry(policy)
            .build()
            .unwrap()
    }

    #[tokio::test]
    async fn a_create_without_an_answer_in_time_may_have_happened() {
        let partial = format!(
            "{}{{",
            String::from_utf8(head(201, &[("content-length", "99")])).unwrap()
        );
        for before in [String::new(), "HTTP/1.1 201 X\r\n".to_owned(), partial] {
            let stalled = before.clone().into_bytes();
            let raw = Raw::start(move |_| Reply::Stall(stalled.clone())).await;
            let client = impatient(&raw.uri);
            let error = client.create(draft()).await.unwrap_err();
            assert_unknown(&error, ErrorKind::Timeout);
            assert!(error.is_timeout(), "{error}");
            assert_unknown(
                &client
                    .reset(&id(), OldSecret::EndsAtOnce)
                    .await
                    .unwrap_err(),
                ErrorKind::Timeout,
            );
            assert_eq!(raw.seen().len(), 2, "once each, after {before:?}");
            let error = client.get(&id()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.attempts()),
                (ErrorKind::Timeout, 2),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_create_whose_answer_breaks_off_may_have_happened() {
        let mut cut = head(201, &[("content-length", "500")]);
        cut.extend_from_slice(br#"{"_id":"x""#);
        let mut chunk = head(201, &[("transfer-encoding", "chunked")]);
        chunk.extend_from_slice(b"5\r\n{\"_id\r\n");
        for reply in [
            Reply::Close,
            Reply::Bytes(b"HTTP/1.1 201 Created\r\ncontent-le".to_vec()),
            Reply::Bytes(b"SMTP ready\r\n\r\n".to_vec()),
            Reply::Bytes(cut),
            Reply::Bytes(chunk),
        ] {
            let always = reply.clone();
            let raw = Raw::start(move |_| always.clone()).await;
            let (client, _) = unhurried(&raw.uri);
            let error = client.create(draft()).await.unwrap_err();
            assert_unknown(&error, ErrorKind::Transport);
            assert_eq!(raw.seen().len(), 1, "{reply:?}");
            let error = client.get(&id()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.attempts()),
                (ErrorKind::Transport, 4),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_status_is_told_even_if_the_body_breaks_off() {
        let cut = head(403, &[("content-length", "500")]);
        let raw = Raw::start(move |_| Reply::Bytes(cut.clone())).await;
        let (client, _) = unhurried(&raw.uri);
        let error = client.create(draft()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 403, "{error}");
        assert!(
            !error.may_have_been_sent() && error.attempts() == 1,
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_create_without_a_connection_did_not_happen_and_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let (client, clock) = unhurried(&uri);
        let error = client.create(draft()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.cause()),
            (ErrorKind::Connect, None),
            "{error}"
        );
        assert!(
            !error.may_have_been_sent() && !error.is_outcome_unknown(),
            "{error}"
        );
        assert_eq!(
            (error.attempts(), clock.sleeps().len(), error.status()),
            (4, 3, None)
        );
        assert!(error.hint().unwrap().contains("base URL"), "{error}");
        assert!(!error.to_string().contains("/api/v2"), "{error}");
    }

    #[tokio::test]
    async fn the_time_for_a_call_holds_for_all_its_attempts() {
        let raw = Raw::start(|_| Reply::Stall(Vec::new())).await;
        let (begun, client) = (Instant::now(), builder(&raw.uri).build().unwrap());
        let error = client
            .get(&id())
            .timeout(3 * SHORT)
            .attempt_timeout(2 * SHORT)
            .await;
        let error = error.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert!(begun.elapsed() < 5 * SECOND, "{:?}", begun.elapsed());
        assert!((1..=2).contains(&raw.seen().len()), "{}", raw.seen().len());
    }

    #[tokio::test]
    async fn a_place_that_does_not_become_free_in_time_is_a_timeout_without_effect() {
        let raw = Raw::start(|_| Reply::Stall(Vec::new())).await;
        let client = builder(&raw.uri).concurrency(1).build().unwrap();
        let holder = tokio::spawn(client.get(&id()).into_future());
        while raw.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let error = client.create(draft()).timeout(SHORT).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Timeout, 0),
            "{error}"
        );
        assert!(!error.may_have_been_sent(), "{error}");
        assert_eq!(raw.seen().len(), 1);
        holder.abort();
    }

    #[tokio::test]
    async fn a_refused_argument_takes_no_place_and_no_time() {
        let server = always(empty(204)).await;
        let client = builder(&server.uri()).concurrency(1).build().unwrap();
        let bad: Result<_> = client.list().limit(0).page().timeout(SHORT).await;
        assert_refused(&bad.unwrap_err(), "limit");
        assert_eq!(lines(&server).await.len(), 0);
    }
}
