//! What holds for every input: ids, names, headers, times, patches, markers.

use std::future::IntoFuture as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::launchdarkly::{Patch, PatchOperation, Role, TokenBody};
use access_tokens::query_server::{self, Created};
use access_tokens::{
    Clock as _, DateText, ErrorKind, Marker, TokenId, UnixMillis, UnixSeconds, When, avisi_cloud,
};
use access_tokens_testing::Fault;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::all::world::op::{Op, Target};
use crate::all::world::{Twin, World};

/// A twin and a runtime to call it from.
struct Rig {
    runtime: tokio::runtime::Runtime,
    world: World,
}

impl Rig {
    fn new(op: Op) -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        let world = runtime.block_on(op.world());
        Self { runtime, world }
    }

    fn target(&self) -> Target {
        self.world.target()
    }

    fn clear(&self) {
        self.world.clear_requests();
    }
}

fn check<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

/// Text made of what paths and URLs are sensitive to, or of anything.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9._~:-]{0,40}",
        "[./\\\\%?#&=+;:@ a-c0-9~_-]{0,20}",
        "\\PC{0,30}",
        any::<String>(),
    ]
}

fn naughty() -> impl Iterator<Item = &'static str> {
    include_str!("naughty.txt").lines()
}

#[test]
fn an_id_is_refused_or_is_exactly_one_segment_of_the_path() {
    let rigs = [
        (Rig::new(Op::LdDelete), "/api/v2/tokens/"),
        (Rig::new(Op::AvRevoke), "/sts/v1/personal-access-tokens/"),
    ];
    let clients = (
        rigs[0].0.target().launchdarkly().unwrap(),
        rigs[1].0.target().avisi_cloud().unwrap(),
    );
    check(400, &text(), |text| {
        let parsed = text.parse::<TokenId>();
        // An id that comes in an answer is taken as it is, and checked when it is used.
        let id: TokenId = serde_json::from_value(json!(text)).unwrap();
        prop_assert_eq!(id.as_str(), text.as_str());
        for (number, (rig, prefix)) in rigs.iter().enumerate() {
            rig.clear();
            let error = rig.runtime.block_on(async {
                match number {
                    0 => clients.0.delete(&id).await.unwrap_err(),
                    _ => clients.1.revoke(&id).await.map(drop).unwrap_err(),
                }
            });
            let requests = rig.world.requests();
            if parsed.is_err() {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
                prop_assert!(requests.is_empty(), "{:?}", requests);
                continue;
            }
            prop_assert_eq!(error.kind(), ErrorKind::NotFound);
            prop_assert_eq!(requests.len(), 1);
            let segment = requests[0].path.strip_prefix(prefix).unwrap();
            prop_assert_eq!(segment, text.as_str());
            prop_assert!(!segment.contains('/') && requests[0].query.is_none());
        }
        Ok(())
    });
}

/// Names come back as they went out, or are refused before anything is sent.
#[test]
fn names_go_through_unchanged_or_not_at_all() {
    let (ld, qs, av) = (
        Rig::new(Op::LdCreate),
        Rig::new(Op::QsCreate),
        Rig::new(Op::AvCreate),
    );
    let try_name = |name: &str| -> Result<(), TestCaseError> {
        for rig in [&ld, &qs, &av] {
            rig.clear();
            let target = rig.target();
            let result = rig.runtime.block_on(async {
                match &rig.world.twin {
                    Twin::LaunchDarkly(_) => {
                        let body = TokenBody::builder().name(name).role(Role::Reader);
                        let new = target.launchdarkly()?.create(body).await?;
                        Ok(new.token().name.clone().unwrap_or_default())
                    }
                    Twin::QueryServer(_) => {
                        let client = target.query_server()?;
                        let body = query_server::TokenBody::builder(name);
                        let made = match client.create(body).await? {
                            Created::New(new) => new.token().name.clone(),
                            Created::AlreadyExists(token) => token.name,
                        };
                        assert!(client.exists(name).await?, "{name:?}");
                        client.delete(name).await?;
                        assert!(!client.exists(name).await?, "{name:?}");
                        Ok(made)
                    }
                    Twin::AvisiCloud(_) => {
                        let body = avisi_cloud::ProvisionBody::builder(name);
                        let new = target.avisi_cloud()?.provision(body).await?;
                        Ok(new.token().name.clone().unwrap_or_default())
                    }
                }
            });
            match result {
                Ok(made) => prop_assert_eq!(made, name),
                Err(error) => {
                    let error: access_tokens::Error = error;
                    prop_assert_eq!(
                        error.kind(),
                        ErrorKind::InvalidInput,
                        "{} {:?}",
                        error,
                        name
                    );
                    prop_assert!(rig.world.requests().is_empty());
                    let blank = name.trim().is_empty();
                    prop_assert!(blank || name.chars().any(char::is_control), "{:?}", name);
                }
            }
        }
        Ok(())
    };
    for name in naughty() {
        try_name(name).unwrap();
    }
    check(60, &text(), |name| try_name(&name));
    check(60, &"\\PC{1,40}", |name| try_name(&name));
}

#[test]
fn no_header_makes_a_call_wait_for_long_or_fail() {
    let rig = Rig::new(Op::LdList);
    let name = prop_oneof![
        Just("retry-after"),
        Just("x-ratelimit-reset"),
        Just("x-ratelimit-global-remaining"),
        Just("x-ratelimit-route-remaining"),
        Just("x-ratelimit-route-limit"),
        Just("x-ratelimit-auth-token-remaining"),
        Just("x-ratelimit-auth-token-reset"),
        Just("date"),
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (0_u64..100).prop_map(|n| n.to_string()),
        // Around the time of the clock, in milliseconds.
        (1_767_225_000_000_u64..1_767_226_000_000).prop_map(|n| n.to_string()),
        "[ -~]{0,30}",
        (0_u64..8_000_000_000)
            .prop_map(|n| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(n))),
    ];
    let status = prop_oneof![Just(429_u16), Just(503), Just(500), Just(200)];
    let answers = (status, prop::collection::vec((name, value), 0..6));
    check(300, &answers, |(status, headers)| {
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(n, v)| (n.to_owned(), v))
            .collect();
        let fault = Fault::Answer {
            status,
            headers,
            body: b"{\"items\":[],\"_links\":{}}".to_vec(),
        };
        Op::LdList.suffer(&rig.world, fault, false);
        // A client of its own, with a full budget of retries.
        let client = rig.target().launchdarkly().unwrap();
        let before = (rig.world.clock.monotonic(), rig.world.clock.sleeps().len());
        let page = rig.runtime.block_on(client.list().page().into_future());
        prop_assert!(page.is_ok(), "{:?}", page);
        let took = rig.world.clock.monotonic().checked_sub(before.0).unwrap();
        prop_assert!(took <= Duration::from_secs(62), "{:?}", took);
        prop_assert!(rig.world.clock.sleeps().len() <= before.1 + 3);
        let _ = client.rate_limits();
        Ok(())
    });
}

#[test]
fn times_go_round() {
    check(2_000, &any::<i64>(), |value| {
        let (millis, seconds) = (UnixMillis::new(value), UnixSeconds::new(value));
        prop_assert_eq!(serde_json::to_value(millis).unwrap(), json!(value));
        for text in [json!(value), json!(value.to_string())] {
            prop_assert_eq!(
                serde_json::from_value::<UnixMillis>(text.clone()).unwrap(),
                millis
            );
            prop_assert_eq!(
                serde_json::from_value::<UnixSeconds>(text).unwrap(),
                seconds
            );
        }
        if let Some(time) = millis.to_system_time() {
            prop_assert_eq!(UnixMillis::from_system_time(time), Some(millis));
        }
        if let Some(time) = seconds.to_system_time() {
            prop_assert_eq!(UnixSeconds::from_system_time(time), Some(seconds));
        }
        prop_assert!(!millis.to_string().is_empty() && !seconds.to_string().is_empty());
        Ok(())
    });
    // What is printed can be read again, where there is such a date.
    check(500, &(-62_000_000_000_i64..250_000_000_000), |value| {
        let time = UnixSeconds::new(value).to_system_time().unwrap();
        let text = When::At(time).to_string();
        prop_assert_eq!(DateText::new(text).parse(), Ok(Some(time)));
        Ok(())
    });
    check(2_000, &text(), |text| {
        let date = DateText::new(text.as_str());
        prop_assert_eq!(date.as_str(), text.as_str());
        let _ = date.parse();
        Ok(())
    });
}

#[test]
fn an_expiry_goes_out_in_the_unit_of_its_service() {
    let (ld, qs) = (Rig::new(Op::LdCreate), Rig::new(Op::QsCreate));
    let (ld_client, qs_client) = (
        ld.target().launchdarkly().unwrap(),
        qs.target().query_server().unwrap(),
    );
    let now = ld.world.clock.now();
    check(60, &(0_u64..4_000_000_000_000), |millis| {
        let time = now + Duration::from_millis(millis);
        let since = time.duration_since(UNIX_EPOCH).unwrap();
        ld.clear();
        let body = TokenBody::builder().role(Role::Reader).expires(time);
        let made = ld.runtime.block_on(ld_client.create(body).into_future());
        if millis == 0 {
            prop_assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidInput);
            return Ok(());
        }
        let _ = made.unwrap();
        let sent = ld.world.requests()[0].json().unwrap();
        prop_assert_eq!(
            &sent["expiry"],
            &json!(u64::try_from(since.as_millis()).unwrap())
        );
        qs.clear();
        let body = query_server::TokenBody::builder(format!("n{millis}")).expires(time);
        let _ = qs
            .runtime
            .block_on(qs_client.create(body).into_future())
            .unwrap();
        let post = qs
            .world
            .requests()
            .into_iter()
            .find(|r| r.method == "POST")
            .unwrap();
        // Never earlier than asked for, and less than a second later.
        let sent = post.json().unwrap()["expiration_date"].as_u64().unwrap();
        let sent = SystemTime::checked_add(&UNIX_EPOCH, Duration::from_secs(sent)).unwrap();
        prop_assert!(sent.duration_since(time).unwrap() < Duration::from_secs(1));
        Ok(())
    });
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,10}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A step without a value has no member `value`; a null is a null.
#[test]
fn patches_keep_null_and_absent_apart() {
    let rig = Rig::new(Op::LdPatch);
    let target = rig.target();
    let client = target.launchdarkly().unwrap();
    let id = TokenId::try_from(target.id.as_str()).unwrap();
    let step = (
        "(add|remove|replace|test|move|[a-z]{0,6})",
        "(/[a-z0-9~]{0,5}){0,3}",
        prop::option::of(any_json()),
    );
    check(80, &prop::collection::vec(step, 1..5), |steps| {
        let expected: Vec<Value> = steps
            .iter()
            .map(|(op, path, value)| match value {
                None => json!({"op": op, "path": path}),
                Some(value) => json!({"op": op, "path": path, "value": value}),
            })
            .collect();
        let patch = steps
            .into_iter()
            .fold(Patch::new(), |patch, (op, path, value)| {
                patch.operation(PatchOperation::new(op.as_str(), path, value))
            });
        let alone = serde_json::to_value(patch.operations()).unwrap();
        prop_assert_eq!(&alone, &json!(expected));
        rig.clear();
        let _ = rig.runtime.block_on(client.patch(&id, patch).into_future());
        prop_assert_eq!(rig.world.requests()[0].json().unwrap(), json!(expected));
        Ok(())
    });
}

#[test]
fn a_marker_comes_out_of_every_text() {
    check(
        2_000,
        &(text(), "[a-z0-9]{16}(\\.(0|[1-9][0-9]{0,9}))?"),
        |(text, word)| {
            let marker: Marker = word.parse().unwrap();
            let out = marker.appended_to(&text);
            prop_assert_eq!(Marker::in_text(&out), Some(marker.clone()), "{:?}", out);
            let bare = Marker::stripped(&text);
            prop_assert_eq!(Marker::stripped(&out).trim_end(), bare.trim_end());
            // Once more changes nothing.
            prop_assert_eq!(marker.appended_to(&out), out.as_str());
            prop_assert_eq!(marker.to_string().parse(), Ok(marker.clone()));
            let json = serde_json::to_string(&marker).unwrap();
            prop_assert_eq!(serde_json::from_str::<Marker>(&json).unwrap(), marker);
            Ok(())
        },
    );
    for name in naughty() {
        let marker = Marker::random();
        assert_eq!(
            Marker::in_text(&marker.appended_to(name)),
            Some(marker),
            "{name}"
        );
    }
    check(500, &text(), |text| {
        if let Ok(marker) = text.parse::<Marker>() {
            prop_assert!(marker.owner().len() == 16);
        }
        Ok(())
    });
}
