//! What comes back: words of errors, encodings, and answers that never come to an end.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use access_tokens::launchdarkly::{self, Role, TokenBody, TokenBodyBuilder};
use access_tokens::{Error, ErrorKind, Expiry, RetryPolicy, avisi_cloud, query_server};
use serde_json::{Value, json};

use crate::support::{
    CREDENTIAL, NOW, Raw, Reply, SECOND, always, at, bare, empty, html, id, json, lines, now,
    one_attempt, only, script, whole,
};

const SECRET: &str = "api-00000000-1111-4222-8333-444444444444";

fn ld(uri: &str) -> launchdarkly::Client {
    one_attempt(launchdarkly::Client::builder(), uri)
}

fn draft() -> TokenBodyBuilder {
    TokenBody::builder().role(Role::Reader)
}

fn token() -> Value {
    json!({"_id": "66aa10f2c4d5e60011223344", "ownerId": "o", "memberId": "m",
           "creationDate": 1_759_312_800_123_i64, "lastModified": 1_759_312_800_123_i64,
           "_links": {}, "defaultApiVersion": 20_240_415, "token": SECRET})
}

/// The errors of a read on each service.
async fn each_service(uri: &str) -> [Error; 3] {
    let query: query_server::Client = one_attempt(query_server::Client::builder(), uri);
    let avisi: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), uri);
    [
        ld(uri).get(&id()).await.unwrap_err(),
        query.list().await.unwrap_err(),
        avisi.list().await.unwrap_err(),
    ]
}

mod encodings {
    use super::*;

    // Made by zlib 1.3.
    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255];
        out.extend_from_slice(b"name.json\0");
        out.extend(stored(body));
        out.extend([0; 4]);
        out.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        out
    }

    /// Deflated, in blocks that are stored as they are.
    fn stored(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut blocks = body.chunks(60_000).peekable();
        while let Some(block) = blocks.next() {
            let length = u16::try_from(block.len()).unwrap();
            out.push(u8::from(blocks.peek().is_none()));
            out.extend(length.to_le_bytes());
            out.extend((!length).to_le_bytes());
            out.extend(block);
        }
        out
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let (mut a, mut b) = (1_u32, 0_u32);
        for byte in body {
            a = (a + u32::from(*byte)) % 65_521;
            b = (b + a) % 65_521;
        }
        let mut out = vec![0x78, 0x01];
        out.extend(stored(body));
        out.extend((b << 16 | a).to_be_bytes());
        out
    }

    fn answer(encoding: Option<&str>, body: Vec<u8>) -> wiremock::ResponseTemplate {
        let answer = wiremock::ResponseTemplate::new(201).set_body_bytes(body);
        match encoding {
            Some(encoding) => answer.insert_header("content-encoding", encoding),
            None => answer,
        }
    }

    #[tokio::test]
    async fn no_encoding_is_asked_for() {
        let server = always(json(201, &token())).await;
        let _ = ld(&server.uri()).create(draft()).await.unwrap();
        assert_eq!(
            only(&server).await.header("accept-encoding"),
            Some("identity")
        );
    }

    #[tokio::test]
    async fn an_answer_that_somebody_compressed_or_marked_is_read_all_the_same() {
        let body = token().to_string().into_bytes();
        let marked = [b"\xef\xbb\xbf".as_slice(), &body].concat();
        let units = || {
            format!("\u{feff}{}", token())
                .encode_utf16()
                .collect::<Vec<_>>()
        };
        let little: Vec<_> = units().into_iter().flat_map(u16::to_le_bytes).collect();
        let big: Vec<_> = units().into_iter().flat_map(u16::to_be_bytes).collect();
        for (encoding, bytes) in [
            (None, little.clone()),
            (None, little[2..].to_vec()),
            (None, big.clone()),
            (None, big[2..].to_vec()),
            (Some("gzip"), gzip(&little)),
            (Some("gzip"), gzip(&body)),
            (Some("X-GZIP"), gzip(&body)),
            (Some("gzip"), gzip(&marked)),
            (None, gzip(&body)),
            (Some("deflate"), zlib(&body)),
            (Some("deflate"), stored(&body)),
            (Some("identity"), body.clone()),
            (Some("deflate, gzip"), gzip(&zlib(&body))),
            (None, marked.clone()),
        ] {
            let server = always(answer(encoding, bytes)).await;
            let new = ld(&server.uri()).create(draft()).await;
            let new = new.unwrap_or_else(|error| panic!("{encoding:?} {error}"));
            assert_eq!(new.secret().expose_secret(), SECRET);
        }
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_unpacked_is_named_and_its_secret_not_lost_silently() {
        let whole = gzip(token().to_string().as_bytes());
        for (encoding, bytes, named) in [
            ("br", b"\x8b\x07\x80{}\x03".to_vec(), "br"),
            ("zstd", b"(\xb5/\xfd".to_vec(), "zstd"),
            ("canary", b"?".to_vec(), "something unknown"),
            ("gzip", b"{}".to_vec(), "gzip"),
            ("gzip", whole[..whole.len() - 20].to_vec(), "gzip"),
            ("gzip", b"\x1f\x8b".to_vec(), "gzip"),
            ("deflate", b"{}".to_vec(), "deflate"),
        ] {
            let server = always(answer(Some(encoding), bytes)).await;
            let error = ld(&server.uri()).create(draft()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(error.may_have_been_sent(), "{error}");
            let words = format!("encoded as {named}, which was not asked for");
            assert!(error.to_string().contains(&words), "{error}");
            assert!(error.hint().unwrap().contains("marker"), "{error:?}");
            assert_eq!(lines(&server).await.len(), 1, "sent once");
        }
    }

    /// Chunked, a byte at a time.
    fn bytewise(body: &[u8]) -> Vec<u8> {
        let chunked = &[("transfer-encoding", "chunked")];
        let mut out = crate::support::head(200, chunked);
        for byte in body {
            out.extend([b"1\r\n", &[*byte][..], b"\r\n"].concat());
        }
        out.extend(b"0\r\n\r\n");
        out
    }

    #[tokio::test]
    async fn a_list_is_read_while_it_comes_in_whatever_form_it_comes() {
        let tokens = (0..50).map(|n| {
            let mut token = token();
            token["_id"] = json!(format!("{n}"));
            token["name"] = json!(format!("nächtlich € 😀 ]}},{{ {n}"));
            if n == 7 {
                token["name"] = json!(5);
            }
            token
        });
        let tokens: Vec<_> = tokens.collect();
        let body = json!({"totalCount": 50, "items": tokens, "_links": {}}).to_string();
        let encoded = |encoding: &str, bytes: &[u8]| {
            let length = bytes.len().to_string();
            let mut headers = vec![("content-length", &*length)];
            if !encoding.is_empty() {
                headers.push(("content-encoding", encoding));
            }
            [&crate::support::head(200, &headers), bytes].concat()
        };
        let little: Vec<_> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xef\xbb\xbf", body.as_bytes()].concat();
        for reply in [
            encoded("", body.as_bytes()),
            encoded("identity", body.as_bytes()),
            encoded("gzip", &gzip(body.as_bytes())),
            encoded("", &gzip(body.as_bytes())),
            encoded("", &little),
            encoded("", &marked),
            bytewise(body.as_bytes()),
            bytewise(&marked),
            bytewise(&gzip(body.as_bytes())),
        ] {
            let server = Raw::start(move |_| Reply::Bytes(reply.clone())).await;
            let page = ld(&server.uri).list().page().await.unwrap();
            assert_eq!(page.total_count, Some(50));
            let ids: Vec<_> = page.items.iter().map(|token| token.id.as_str()).collect();
            let all: Vec<_> = (0..50).filter(|n| *n != 7).map(|n| n.to_string()).collect();
            assert_eq!(ids, all);
            let name = page.items[49 - 1].name.as_deref();
            assert_eq!(name, Some("nächtlich € 😀 ]},{ 49"));
            let [odd] = page.items.unreadable() else {
                panic!("{:?}", page.items.unreadable())
            };
            assert_eq!((odd.index, odd.id.as_deref()), (7, Some("7")));
        }
    }

    #[tokio::test]
    async fn a_small_answer_does_not_become_a_large_one() {
        let bomb = gzip(&vec![b' '; 300_000]);
        let server = always(answer(Some("gzip"), bomb)).await;
        let client = at(launchdarkly::Client::builder(), server.uri()).max_response_bytes(250_000);
        let client = client.retry(RetryPolicy::none()).build().unwrap();
        let error = client.get(&id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{error}");
    }

    #[tokio::test]
    async fn the_words_of_a_refusal_are_read_through_it_too() {
        let body = gzip(br#"{"code":"forbidden","message":"not you"}"#);
        let refusal = wiremock::ResponseTemplate::new(403)
            .set_body_bytes(body)
            .insert_header("content-encoding", "gzip");
        let server = always(refusal).await;
        let error = ld(&server.uri()).get(&id()).await.unwrap_err();
        assert_eq!(error.message(), Some("not you"));
    }
}

mod words {
    use super::*;

    #[tokio::test]
    async fn every_service_reads_every_shape_of_error() {
        for (body, code, message) in [
            (r#"{"code":"c","message":"m"}"#, Some("c"), Some("m")),
            (
                r#"{"type":"https://e.example/quota","title":"Quota","detail":"m"}"#,
                Some("https://e.example/quota"),
                Some("m"),
            ),
            (
                r#"{"error":"c","error_description":"m"}"#,
                Some("c"),
                Some("m"),
            ),
            (r#"{"error":"m"}"#, None, Some("m")),
            (r#"{"error_message":"m"}"#, None, Some("m")),
            (r#"{"Error":"m"}"#, None, Some("m")),
            (r#"{"fault":{"faultstring":"m"}}"#, None, Some("m")),
            (r#"{"Code":"c","Message":"m"}"#, Some("c"), Some("m")),
            (
                r#"{"error":{"code":"c","message":"m"}}"#,
                Some("c"),
                Some("m"),
            ),
            ("m", None, Some("m")),
        ] {
            let server = always(bare(400, body)).await;
            for error in each_service(&server.uri()).await {
                assert_eq!((error.code(), error.message()), (code, message), "{error}");
            }
        }
        for body in [
            r#"{"errors":[{"message":"m"},"n"]}"#,
            r#"{"statusCode":400,"message":["m","n"]}"#,
            r#"{"messages":["m","n"]}"#,
            r#"{"error":["m",{"detail":"n"}]}"#,
            r#"{"errorMessages":["m","n"],"errors":{}}"#,
            r#"{"issues":[{"message":"m"},{"message":"n"}]}"#,
        ] {
            let server = always(bare(400, body)).await;
            for error in each_service(&server.uri()).await {
                assert_eq!(error.details(), ["m", "n"], "{error}");
            }
        }
        for challenge in [
            r#"Bearer error="invalid_token", error_description="it \"expired\"""#,
            r#"Bearer Error = invalid_token,error_description="it \"expired\"""#,
            r#"Bearer my_error="no", error=invalid_token , error_description="it \"expired\"""#,
            r#"Basic realm="error=no", Bearer error="invalid_token", error_description="it \"expired\"""#,
        ] {
            let answer = empty(401).append_header("www-authenticate", "Basic realm=\"x\"");
            let server = always(answer.append_header("www-authenticate", challenge)).await;
            for error in each_service(&server.uri()).await {
                assert_eq!(error.code(), Some("invalid_token"), "{error}");
                assert_eq!(error.message(), Some("it \"expired\""), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn words_in_another_encoding_are_read_as_far_as_they_can_be() {
        let json = "{\"message\":\"caf\u{e9} closed\"}";
        let utf16 = |read: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
            let text = format!("{mark}{json}");
            text.encode_utf16().flat_map(read).collect()
        };
        for (body, message) in [
            (utf16(u16::to_le_bytes, "\u{feff}"), "café closed"),
            (utf16(u16::to_be_bytes, "\u{feff}"), "café closed"),
            (utf16(u16::to_le_bytes, ""), "café closed"),
            (
                b"{\"message\":\"caf\xe9 closed\"}".to_vec(),
                "caf\u{fffd} closed",
            ),
            (b"caf\xe9 closed\r\n".to_vec(), "caf\u{fffd} closed"),
        ] {
            let server = always(wiremock::ResponseTemplate::new(400).set_body_bytes(body)).await;
            for error in each_service(&server.uri()).await {
                assert_eq!(error.message(), Some(message), "{error}");
            }
        }
        // No words at all.
        let picture = b"\x89PNG\r\n\x1a\n\0\0\xff\xfe".to_vec();
        let server = always(wiremock::ResponseTemplate::new(400).set_body_bytes(picture)).await;
        for error in each_service(&server.uri()).await {
            assert_eq!(error.message(), None, "{error}");
        }
    }

    #[tokio::test]
    async fn a_request_id_is_found_under_all_its_names() {
        for name in [
            "x-request-id",
            "request-id",
            "x-amzn-requestid",
            "x-amz-request-id",
            "cf-ray",
            "x-correlation-id",
            "x-ms-request-id",
            "x-amzn-trace-id",
            "x-cloud-trace-context",
            "traceparent",
        ] {
            let server = script([
                empty(400).insert_header(name, "r-1"),
                json(200, &token()).insert_header(name, "r-1"),
            ]);
            let server = server.await;
            let client = ld(&server.uri());
            let error = client.get(&id()).await.unwrap_err();
            assert_eq!(error.request_id(), Some("r-1"), "{name}");
            let (_, info) = client.get(&id()).with_info().await.unwrap();
            assert_eq!(info.request_id.as_deref(), Some("r-1"), "{name}");
        }
    }

    #[tokio::test]
    async fn every_error_says_what_to_do_next() {
        let statuses = [
            300, 302, 304, 307, 402, 404, 406, 410, 418, 421, 425, 429, 431, 451,
        ];
        for status in statuses.into_iter().chain([500, 501, 503, 520, 530, 599]) {
            let server = always(empty(status)).await;
            for error in each_service(&server.uri()).await {
                assert!(error.hint().is_some_and(|hint| hint.len() > 10), "{error}");
            }
        }
        let uri = "http://127.0.0.1:9";
        let refused = ld(uri)
            .create(TokenBody::builder().name(""))
            .await
            .unwrap_err();
        let config = launchdarkly::Client::builder().build().unwrap_err();
        let public = Error::new(
            access_tokens::Service::new("X"),
            ErrorKind::Unsupported,
            "no",
        );
        for error in [refused, config, public] {
            assert!(
                error.hint().unwrap().contains("nothing was sent"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_page_that_refuses_is_not_taken_for_the_service() {
        for status in [400, 403, 404, 405, 451] {
            let server = always(html(status)).await;
            for error in each_service(&server.uri()).await {
                let hint = error.hint().unwrap();
                assert!(hint.contains("not the API's answer"), "{error} {hint}");
            }
        }
    }

    #[tokio::test]
    async fn a_proxy_that_wants_credentials_is_told_from_the_service() {
        let server = always(empty(407).insert_header("proxy-authenticate", "Basic")).await;
        for error in each_service(&server.uri()).await {
            assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
            assert!(error.hint().unwrap().contains("proxy"), "{error}");
            assert!(!error.may_have_been_sent(), "{error}");
        }
        assert_eq!(lines(&server).await.len(), 3, "none of them again");
    }
}

#[cfg(feature = "rustls")]
mod proxies {
    use super::*;

    #[tokio::test]
    async fn a_proxy_that_refuses_is_asked_once() {
        for (status, patient) in [(407, false), (403, false), (502, false)] {
            let page = "<html>Denied</html>";
            let raw = Raw::start(move |_| Reply::Bytes(whole(status, &[], page))).await;
            let proxy = reqwest::Proxy::all(&raw.uri).unwrap();
            let client = at(
                launchdarkly::Client::builder(),
                "https://app.launchdarkly.com",
            );
            let client = client
                .http_client(move |http| http.proxy(proxy.clone()).tls_certs_only([]))
                .build()
                .unwrap();
            let error = client.create(draft()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
            assert!(
                !error.may_have_been_sent() && error.attempts() == 1,
                "{error}"
            );
            let hint = error.hint().unwrap();
            assert!(hint.contains("proxy") && !hint.contains("role"), "{hint}");
            assert_eq!(raw.seen().len() > 1, patient, "{status}");
        }
    }

    #[tokio::test]
    async fn a_proxy_that_hangs_up_is_tried_again() {
        let raw = Raw::start(|_| Reply::Close).await;
        let proxy = reqwest::Proxy::all(&raw.uri).unwrap();
        let client = at(
            launchdarkly::Client::builder(),
            "https://app.launchdarkly.com",
        );
        let client = client
            .http_client(move |http| http.proxy(proxy.clone()).tls_certs_only([]))
            .build()
            .unwrap();
        let error = client.create(draft()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Connect, 4),
            "{error}"
        );
    }
}

mod passing {
    use super::*;

    #[tokio::test]
    async fn what_a_gateway_says_about_the_server_behind_it_passes_for_reads_only() {
        for status in [500, 502, 503, 504, 520, 521, 522, 523, 524, 530] {
            let server = script([empty(status), json(200, &token())]).await;
            let client = at(launchdarkly::Client::builder(), server.uri());
            client.build().unwrap().get(&id()).await.unwrap();

            let server = always(empty(status)).await;
            let client = at(launchdarkly::Client::builder(), server.uri());
            let error = client.build().unwrap().create(draft()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
            assert_eq!(lines(&server).await.len(), 1, "{status}");
        }
        for status in [501, 505, 525, 526, 599] {
            let server = always(empty(status)).await;
            let client = at(launchdarkly::Client::builder(), server.uri());
            let error = client.build().unwrap().get(&id()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.attempts()),
                (ErrorKind::Server, 1),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_create_that_is_told_when_to_come_back_goes_again_then() {
        for value in ["2", "2.5", "0.5", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            let declined = empty(503).insert_header("retry-after", value);
            let server = script([declined, json(201, &token())]).await;
            let client = at(launchdarkly::Client::builder(), server.uri());
            let new = client.build().unwrap().create(draft()).await.unwrap();
            assert_eq!(new.secret().expose_secret(), SECRET, "{value}");
        }
    }
}

mod deadlines {
    use super::*;

    /// A server on a thread of its own, so that it is in nobody's way: it reads a request and then
    /// sends a beginning once and the rest until it is dropped.
    struct Flood {
        uri: String,
        streams: Arc<Mutex<Vec<TcpStream>>>,
    }

    impl Flood {
        fn start(beginning: &'static str, again: &'static str) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let uri = format!("http://{}", listener.local_addr().unwrap());
            let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
            let open = Arc::clone(&streams);
            thread::spawn(move || {
                while let Ok((stream, _)) = listener.accept() {
                    open.lock().unwrap().push(stream.try_clone().unwrap());
                    thread::spawn(move || pour(stream, beginning, again));
                }
            });
            Self { uri, streams }
        }
    }

    impl Drop for Flood {
        /// What reads it is busy for as long as it lasts, whoever has given up.
        fn drop(&mut self) {
            for stream in self.streams.lock().unwrap().iter() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn pour(mut stream: TcpStream, beginning: &str, again: &str) {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let again = again.repeat(65_536 / again.len());
        let mut sent = stream.write_all(beginning.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(again.as_bytes());
        }
    }

    /// What reads a flood calculates until the deadline.
    fn hurried(uri: &str) -> launchdarkly::Client {
        launchdarkly::Client::builder()
            .base_url(uri)
            .credential(CREDENTIAL)
            .timeout(SECOND / 10)
            .build()
            .unwrap()
    }

    #[test]
    fn no_flood_outlives_the_deadline() {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for (beginning, again) in [
            ("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
            ("HTTP/1.1 200 OK\r\nx: ", "yyyyyyyy"),
            (chunked, "1\r\nx\r\n"),
            (chunked, "1;ext\r\nx\r\n"),
            (chunked, "0\r\nx: y\r\n"),
            ("HTTP/1.1 200 OK\r\n\r\n", "x"),
            ("", "\r\n"),
            ("", "x"),
            // Interim answers.
            ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
            (
                "",
                "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </b>\r\n\r\n",
            ),
            ("", "HTTP/1.1 100 Continue\r\n\r\n"),
            ("HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 199 x\r\n\r\n"),
        ] {
            for threads in [0, 1, 2] {
                let flood = Flood::start(beginning, again);
                let runtime = match threads {
                    0 => tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build(),
                    _ => tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(threads)
                        .enable_all()
                        .build(),
                };
                let begun = Instant::now();
                let error = runtime
                    .unwrap()
                    .block_on(async { hurried(&flood.uri).get(&id()).await.unwrap_err() });
                let took = begun.elapsed();
                assert!(took < 3 * SECOND, "{took:?} {threads} {again:?} {error}");
            }
        }
    }

    /// What some servers do, as often as they are asked, is no reason to take another's create for
    /// lost.
    #[tokio::test]
    async fn servers_that_flood_keep_no_other_waiting() {
        let floods = [(); 4].map(|()| Flood::start("", "HTTP/1.1 103 Early Hints\r\n\r\n"));
        let calls: Vec<_> = (floods.iter().chain(&floods))
            .map(|flood| hurried(&flood.uri).get(&id()).timeout(20 * SECOND))
            .map(IntoFuture::into_future)
            .map(tokio::spawn)
            .collect();
        tokio::time::sleep(SECOND / 2).await;
        let server = always(json(200, &token())).await;
        let client = ld(&server.uri());
        for _ in 0..20 {
            let call = client.get(&id()).retry(RetryPolicy::none());
            call.attempt_timeout(3 * SECOND).await.unwrap();
        }
        for call in calls {
            assert!(!call.is_finished());
            call.abort();
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_there_counts_however_late_it_is_looked_at() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            // While nobody looks.
            thread::sleep(Duration::from_millis(200));
            let _ = stream.write_all(&whole(200, &[], &token().to_string()));
        });
        let client = one_attempt::<launchdarkly::Client>(launchdarkly::Client::builder(), uri);
        let id = id();
        let call = client.get(&id).attempt_timeout(Duration::from_millis(300));
        let (got, ()) = tokio::join!(call, async {
            // Somebody keeps the thread busy past the time of the attempt.
            tokio::time::sleep(Duration::from_millis(50)).await;
            thread::sleep(Duration::from_millis(600));
        });
        assert!(got.is_ok(), "{got:?}");
    }
}

#[tokio::test]
async fn a_zero_is_refused_for_a_call_as_for_a_client() {
    let client = ld("http://127.0.0.1:9");
    let (id, zero) = (id(), Duration::ZERO);
    for (call, field) in [
        (client.get(&id).timeout(zero), "timeout"),
        (client.get(&id).attempt_timeout(zero), "attempt_timeout"),
        (
            client.get(&id).retry(RetryPolicy::new().max_attempts(0)),
            "retry",
        ),
    ] {
        crate::support::assert_refused(&call.await.unwrap_err(), field);
    }
    let none = RetryPolicy::new().max_attempts(0);
    let client = at(launchdarkly::Client::builder(), "http://127.0.0.1:9").retry(none);
    assert_eq!(client.build().unwrap_err().field(), Some("retry"));
}

/// A clock that is wrong here does not make an end wrong there.
#[tokio::test]
async fn an_end_is_reckoned_from_the_service_s_own_time() {
    const HOUR: i64 = 3_600;
    for (ahead, believed) in [
        (2 * HOUR, 2 * HOUR),
        (-2 * HOUR, -2 * HOUR),
        (30, 30),
        // As good as right; and too wrong to be true.
        (1, 0),
        (-1, 0),
        (72 * HOUR, 0),
        (-72 * HOUR, 0),
    ] {
        let theirs = if ahead < 0 {
            now() - Duration::from_secs(ahead.unsigned_abs())
        } else {
            now() + Duration::from_secs(ahead.unsigned_abs())
        };
        let date = httpdate::fmt_http_date(theirs);
        let answer = whole(201, &[("date", &date)], &token().to_string());
        let raw = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
        let client = ld(&raw.uri);
        client.get(&id()).await.unwrap();
        let body = TokenBody::builder().role(Role::Reader);
        let body = body.expires(Expiry::In(3_600 * SECOND));
        let _ = client.create(body).await.unwrap();
        let end = (NOW + believed + HOUR) * 1_000;
        let seen = raw.seen();
        assert!(seen[1].contains(&end.to_string()), "{ahead} {}", seen[1]);
        assert_eq!(
            access_tokens::TokenService::now(&client),
            UNIX_EPOCH + Duration::from_secs((NOW + believed).unsigned_abs())
        );
    }
}

/// One builder serves many accounts.
#[tokio::test]
async fn a_builder_and_an_error_can_be_cloned() {
    let server = always(empty(401)).await;
    let builder = at(launchdarkly::Client::builder(), server.uri())
        .http_client(|http| http.pool_max_idle_per_host(1));
    for client in [builder.clone().build(), builder.credential("other").build()] {
        let error = client.unwrap().get(&id()).await.unwrap_err();
        let twin = error.clone();
        assert_eq!(twin.to_string(), error.to_string());
        assert_eq!(twin.kind().to_string(), "the credential is not accepted");
        assert_eq!(twin.kind().as_str(), "unauthenticated");
        let json = serde_json::to_string(&twin.kind()).unwrap();
        assert_eq!(json, "\"unauthenticated\"");
    }
    let lines = lines(&server).await;
    assert_eq!(lines.len(), 2);
}
