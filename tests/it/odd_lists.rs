//! Lists as no service should send them: members of the wrong type, rows that are none, and pages
//! that contradict each other. The good tokens come all the same, and what is odd is named.

use access_tokens::launchdarkly::TokenStream;
use access_tokens::{
    ErrorKind, Listing, Marker, RetryPolicy, TokenRecord, TokenService, TokenServiceExt as _,
    Verification, avisi_cloud, launchdarkly, query_server,
};
use access_tokens_testing::launchdarkly::{Operation, Seed};
use access_tokens_testing::{Fault, LaunchDarkly};
use serde_json::{Value, json};

use crate::support::{NOW, Raw, Reply, always, at, head, json as answer, one_attempt, whole};

/// What no member is meant to hold.
fn wrong() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!(1_759_312_800.5),
        json!(""),
        json!("next week"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([[null]]),
        json!({}),
        json!({"a": {"b": []}}),
    ]
}

fn token(service: &str, key: &str) -> Value {
    match service {
        "launchdarkly" => json!({
            "_id": key, "ownerId": "o", "memberId": "m", "_member": {"_id": "m", "email": "a@b"},
            "name": key, "description": "d", "creationDate": 1_759_312_800_123_i64,
            "lastModified": 1_759_312_800_123_i64, "customRoleIds": [], "inlineRole": [],
            "role": "reader", "token": "abcd", "serviceToken": false, "_links": {},
            "defaultApiVersion": 20_240_415, "lastUsed": 0, "expiry": 1_900_000_000_000_i64,
        }),
        "query_server" => json!({
            "id": 1, "name": key, "token": "a.e30.c", "active": 1, "write": 1,
            "expiration_date": NOW, "created_at": NOW, "updated_at": NOW,
        }),
        _ => json!({
            "id": key, "name": key, "subject": "s", "type": "T", "active": true,
            "ipRestriction": "10.0.0.0/8", "createdAt": "2026-01-01T00:00:00Z",
            "expireAt": "2027-01-01T00:00:00Z", "lastUsedAt": null,
        }),
    }
}

fn list(service: &str, rows: &Value) -> Value {
    match service {
        "launchdarkly" => json!({"items": rows, "_links": {}}),
        "query_server" => json!({"data": rows}),
        _ => rows.clone(),
    }
}

const SERVICES: [&str; 3] = ["launchdarkly", "query_server", "avisi_cloud"];

async fn listed(service: &str, body: &Value) -> access_tokens::Result<Listing<TokenRecord>> {
    let server = always(answer(200, body)).await;
    client(service, &server.uri(), RetryPolicy::none())
        .list_all()
        .await
}

fn client(service: &str, uri: &str, retry: RetryPolicy) -> Box<dyn TokenService> {
    macro_rules! build {
        ($module:ident) => {
            Box::new(
                at($module::Client::builder(), uri)
                    .retry(retry)
                    .build()
                    .unwrap(),
            )
        };
    }
    match service {
        "launchdarkly" => build!(launchdarkly),
        "query_server" => build!(query_server),
        _ => build!(avisi_cloud),
    }
}

#[tokio::test]
async fn a_member_of_any_wrong_type_costs_at_most_its_own_token() {
    for service in SERVICES {
        for member in token(service, "").as_object().unwrap().keys() {
            let mut rows = vec![token(service, "first")];
            for (number, value) in wrong().into_iter().enumerate() {
                let mut odd = token(service, &format!("odd-{number}"));
                odd[member] = value;
                rows.push(odd);
                rows.push(token(service, &format!("good-{number}")));
            }
            let count = rows.len();
            let case = format!("{service} {member}");
            let all = listed(service, &list(service, &rows.into())).await;
            let all = all.unwrap_or_else(|error| panic!("{case}: {error}"));
            let good = |key: &str| key == "first" || key.starts_with("good-");
            let keys = all.iter().filter(|one| good(one.key.as_str()));
            assert_eq!(keys.count(), 1 + wrong().len(), "{case}");
            assert_eq!(all.len() + all.unreadable().len(), count, "{case}");
            for item in all.unreadable() {
                assert_eq!(item.index % 2, 1, "{case}: {item}");
                let id = item.id.as_deref();
                assert!(id.is_none_or(|id| id.starts_with("odd-")), "{case}: {item}");
            }
        }
    }
}

#[tokio::test]
async fn rows_that_are_none_are_named_and_lists_that_are_none_are_refused() {
    for service in SERVICES {
        let mut rows = wrong();
        rows.insert(0, token(service, "first"));
        rows.push(token(service, "last"));
        let all = listed(service, &list(service, &rows.into())).await.unwrap();
        // An object without any member may be a token on a service that promises none.
        assert_eq!(all.len(), 2, "{service}");
        assert_eq!(all.unreadable().len(), wrong().len(), "{service}");
        for value in wrong() {
            let all = listed(service, &list(service, &value)).await;
            let empty = value == json!([]) || (value.is_null() && service != "query_server");
            match all {
                Ok(all) => assert!(empty && all.is_empty(), "{service} {value:.60}"),
                Err(error) => {
                    assert!(!empty, "{service} {value:.60}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Decode, "{service} {value:.60}");
                }
            }
        }
    }
}

/// Half of a list, and the whole when it is asked for again.
#[tokio::test]
async fn a_list_that_breaks_off_is_read_anew_and_no_token_is_there_twice() {
    for service in SERVICES {
        let rows: Vec<_> = (0..200)
            .map(|n| token(service, &format!("id-{n}")))
            .collect();
        let answer = whole(200, &[], &list(service, &rows.into()).to_string());
        let server = Raw::start(move |number| {
            let length = if number == 0 {
                answer.len() / 2
            } else {
                answer.len()
            };
            Reply::Bytes(answer[..length].to_vec())
        })
        .await;
        let all = client(service, &server.uri, RetryPolicy::default());
        let all = all.list_all().await.unwrap();
        let keys: Vec<_> = all.iter().map(|one| one.key.as_str().to_owned()).collect();
        let expected: Vec<_> = (0..200).map(|n| format!("id-{n}")).collect();
        assert_eq!(keys, expected, "{service}");
        // What does not say how long it is is asked for more.
        let more = usize::from(service == "launchdarkly");
        assert_eq!(server.seen().len(), 2 + more, "{service}");
    }
}

/// A member that nobody knows, before the tokens, and in it what is no text.
#[tokio::test]
async fn what_is_no_text_beside_a_list_hides_no_token() {
    for service in ["launchdarkly", "query_server"] {
        let body = list(service, &json!([token(service, "a"), token(service, "b")]));
        let odd = [
            b"{\"note\":\"\xff\",".as_slice(),
            &body.to_string().as_bytes()[1..],
        ]
        .concat();
        let answer = [head(200, &[]), odd].concat();
        let server = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
        let all = client(service, &server.uri, RetryPolicy::none());
        let all = all.list_all().await.unwrap();
        assert_eq!(all.len(), 2, "{service}");
    }
}

/// What does not say how long it is, and ends before its end.
#[tokio::test]
async fn a_list_without_its_end_is_no_list() {
    for service in SERVICES {
        let rows = json!([token(service, "a"), token(service, "b")]);
        let body = list(service, &rows).to_string();
        for length in [1, body.len() / 2, body.len() - 1] {
            let answer = [head(200, &[]), body.as_bytes()[..length].to_vec()].concat();
            let server = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
            let all = client(service, &server.uri, RetryPolicy::none());
            let error = all.list_all().await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Decode,
                "{service} {length}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_page_says_of_itself_may_be_of_any_type() {
    for member in ["_links", "totalCount"] {
        for value in wrong() {
            let rows = json!([token("launchdarkly", "a"), token("launchdarkly", "b")]);
            let mut page = json!({"items": rows});
            page[member] = value.clone();
            let announces = member == "totalCount" && value == json!(u64::MAX);
            match listed("launchdarkly", &page).await {
                Ok(all) => assert_eq!(all.len(), 2, "{member} {value:.60}"),
                Err(error) => assert!(announces, "{member} {value:.60}: {error}"),
            }
        }
    }
}

/// Pages by what stands after `offset=`, from a server that may be asked for them in any order.
async fn pages(page: impl Fn(usize) -> Value + Send + 'static) -> (Raw, TokenStream) {
    let server = Raw::reading(move |_, request| {
        let (_, rest) = request.split_once("offset=").unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let body = page(digits.parse().unwrap()).to_string();
        Reply::Bytes(whole(200, &[("content-type", "application/json")], &body))
    })
    .await;
    let client: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), &server.uri);
    (server, client.list().stream())
}

/// The ids of the tokens and the places of those that cannot be read, up to the end or an error.
async fn read(mut stream: TokenStream) -> (Vec<String>, Vec<u64>, Option<ErrorKind>) {
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    loop {
        match stream.try_next().await {
            Ok(Some(token)) => ids.push(token.id.to_string()),
            Ok(None) => return (ids, places, None),
            Err(error) => match error.item() {
                Some(item) => places.push(item.index),
                None => return (ids, places, Some(error.kind())),
            },
        }
    }
}

#[tokio::test]
async fn a_page_of_nothing_but_odd_tokens_hides_no_page_after_it() {
    for odd in [
        json!({"_id": null}),
        json!({"_id": "b", "name": 5}),
        json!(7),
    ] {
        let (_server, stream) = pages(move |offset| {
            let row = match offset {
                0 | 2 => token("launchdarkly", &format!("id-{offset}")),
                _ => odd.clone(),
            };
            json!({"items": if offset < 4 { vec![row] } else { vec![] }, "totalCount": 4})
        })
        .await;
        let (ids, places, error) = read(stream).await;
        assert_eq!(
            (ids, places.len(), error),
            (vec!["id-0".into(), "id-2".into()], places.len(), None)
        );
        // The one with an id is the same one twice.
        assert!(places == [1, 3] || places == [1], "{places:?}");
    }
}

/// A service that gives the same page whatever it is asked for.
#[tokio::test]
async fn what_comes_again_and_again_is_named_once() {
    let named = json!({"_id": "b", "name": 5});
    let rows = json!([token("launchdarkly", "a"), {"_id": null}, named]);
    let (_server, stream) = pages(move |_| json!({"items": rows, "totalCount": 1_000})).await;
    let (ids, places, error) = read(stream).await;
    assert_eq!((ids, places.len()), (vec!["a".to_owned()], 2), "{places:?}");
    assert_eq!(error, Some(ErrorKind::Decode));
}

/// A service that gives 25 at a time and reckons its links by what was asked for.
#[tokio::test]
async fn a_link_behind_the_end_leaves_nothing_out() {
    for next in [
        "1000",
        "61",
        "60",
        "9223372036854775807",
        "18446744073709551615",
        "1e3",
        "-1",
    ] {
        let (server, stream) = pages(move |offset| {
            let rows = offset..60.min(offset + 25);
            let rows: Vec<_> = rows
                .map(|n| token("launchdarkly", &format!("id-{n}")))
                .collect();
            let links = if offset + 25 < 60 {
                json!({"next": {"href": format!("/api/v2/tokens?offset={next}")}})
            } else {
                json!({})
            };
            json!({"items": rows, "_links": links, "totalCount": 60})
        })
        .await;
        let (ids, _, error) = read(stream).await;
        assert_eq!((ids.len(), error), (60, None), "{next}");
        assert_eq!(server.seen().len(), 3, "{next}");
    }
}

#[tokio::test]
async fn a_list_that_gives_fewer_than_it_counts_is_not_whole() {
    const ALL: usize = 35;
    let one = |number: usize| token("launchdarkly", &format!("id-{number}"));
    for (case, end) in [
        ("an empty page in the middle", Some(ErrorKind::Decode)),
        ("a page without items", Some(ErrorKind::Decode)),
        ("a link that skips a page", Some(ErrorKind::Decode)),
        ("nothing odd", None),
    ] {
        let (_server, stream) = pages(move |offset| {
            let rows = |from: usize| (from..(from + 10).min(ALL)).map(one).collect::<Vec<_>>();
            let (mut rows, mut next) = (json!(rows(offset)), offset + 10);
            match (case, offset) {
                ("an empty page in the middle", 10) => rows = json!([]),
                ("a page without items", 10) => rows = Value::Null,
                ("a link that skips a page", 0) => next = 20,
                _ => {}
            }
            let link = json!({"next": {"href": format!("/api/v2/tokens?offset={next}")}});
            let links = if next < ALL { link } else { json!({}) };
            json!({"items": rows, "totalCount": ALL, "_links": links})
        })
        .await;
        let (good, _, error) = read(stream).await;
        assert_eq!(error, end, "{case}");
        assert_eq!(good.len(), if end.is_some() { 25 } else { ALL }, "{case}");
    }
}

#[tokio::test]
async fn a_service_that_refuses_large_pages_is_asked_for_usual_ones() {
    for most in [100, 25, 10] {
        let server = Raw::reading(move |_, request| {
            let number = |name: &str| -> usize {
                let (_, rest) = request.split_once(name).unwrap();
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().unwrap()
            };
            let (offset, limit) = (number("offset="), number("limit="));
            if limit > most {
                return Reply::Bytes(whole(400, &[], r#"{"code": "invalid_request"}"#));
            }
            let rows = offset..60.min(offset + limit);
            let rows: Vec<_> = rows
                .map(|n| token("launchdarkly", &format!("id-{n}")))
                .collect();
            let page = json!({"items": rows, "totalCount": 60});
            Reply::Bytes(whole(200, &[], &page.to_string()))
        })
        .await;
        let uri = &server.uri;
        let client: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), uri);
        let (ids, _, error) = read(client.list().stream()).await;
        // Once, and not where the size was asked for.
        let expected = if most < 25 {
            (0, Some(ErrorKind::InvalidRequest), 2)
        } else {
            (60, None, 4)
        };
        assert_eq!((ids.len(), error, server.seen().len()), expected, "{most}");
        let (ids, _, error) = read(client.list().limit(101).stream()).await;
        assert_eq!((ids.len(), error), (0, Some(ErrorKind::InvalidRequest)));
    }
}

#[tokio::test]
async fn a_caller_is_told_by_what_matters_whatever_the_rest_is() {
    let twin = LaunchDarkly::start().await.unwrap();
    let builder = launchdarkly::Client::builder().base_url(twin.base_url());
    let ld = builder.credential(twin.credential()).build().unwrap();
    let token = twin.seed(Seed::new("one"));
    let key = access_tokens::TokenKey::from(&*token.id);
    for member in [
        "accountId",
        "projectId",
        "environmentName",
        "projectName",
        "memberId",
        "scopes",
        "clientName",
        "audience",
        "expiresAt",
    ] {
        for value in wrong() {
            let body = json!({"tokenId": token.id, "tokenName": "one", member: value});
            twin.on(Operation::CallerIdentity).then(Fault::Answer {
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: body.to_string().into_bytes(),
            });
            let verified = ld.verify(&key, &token.secret).await;
            assert_eq!(
                verified.unwrap(),
                Verification::Accepted,
                "{member} {value:.60}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_is_not_missing_where_an_odd_one_may_be_it() {
    let nameless = json!({"name": "without id"});
    let rows = json!([
        5,
        token("avisi_cloud", "a"),
        nameless,
        token("avisi_cloud", "b")
    ]);
    let server = always(answer(200, &rows)).await;
    let client: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), server.uri());
    let all = client.list_all().await.unwrap();
    // Each by its place in the answer, whatever is odd about it.
    let mut places: Vec<_> = all.unreadable().iter().map(|item| item.index).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 2]);
    let service = client.as_service();
    assert!(service.get(&"b".into()).await.is_ok());
    for error in [
        service.get(&"c".into()).await.unwrap_err(),
        service.template(&"c".into()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::UnreadableItem, "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_deleted_and_said() {
    let rows = json!([token("avisi_cloud", "a"), 5, token("avisi_cloud", "b")]);
    let list = whole(200, &[], &rows.to_string());
    let server = Raw::reading(move |_, request| {
        let bytes = if request.starts_with("GET") {
            list.clone()
        } else {
            whole(200, &[], "{}")
        };
        Reply::Bytes(bytes)
    })
    .await;
    let client: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), &server.uri);
    let deleted = client.delete_where(|_| true).await.unwrap();
    let keys: Vec<_> = deleted.deleted.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(deleted.unreadable[0].index, 1);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_mark_that_an_odd_token_may_carry_is_not_said_to_be_missing() {
    let (marker, other) = (Marker::random(), Marker::random());
    let mut one = token("avisi_cloud", "a");
    one["name"] = json!(marker.appended_to("ci"));
    let server = always(answer(200, &json!([one, 5]))).await;
    let client: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), server.uri());
    assert_eq!(client.find_marked(&marker).await.unwrap().len(), 1);
    for error in [
        client.find_marked(&other).await.unwrap_err(),
        client.delete_marked(&other).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::UnreadableItem, "{error}");
    }
}
