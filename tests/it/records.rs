//! What a token of each service becomes as a record, at the edges where units, marks for "never"
//! and missing facts are easily mistaken.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{
    Clock as _, Privilege, TokenRecord, TokenService, TokenServiceExt as _, TokenState, When,
    avisi_cloud, days, launchdarkly, query_server,
};
use access_tokens_testing::avisi_cloud::UnsetDate;
use access_tokens_testing::launchdarkly::UnsetExpiry;
use access_tokens_testing::{
    AvisiCloud, Fault, LaunchDarkly, QueryServer, VirtualClock, avisi_cloud as avisi_twin,
    launchdarkly as ld_twin, query_server as query_twin,
};
use serde_json::{Value, json};

use crate::all::world::client_of;
use crate::support::SECOND;

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

async fn records(service: &dyn TokenService) -> Vec<TokenRecord> {
    let all = service.list_all().await.unwrap();
    assert_eq!(all.unreadable(), []);
    all.into_items()
}

fn named(records: &[TokenRecord], name: &str) -> TokenRecord {
    let mut found = records
        .iter()
        .filter(|record| record.name.as_deref() == Some(name));
    let record = found.next().unwrap().clone();
    assert!(found.next().is_none(), "{name} is there twice");
    record
}

async fn ld_twin(unset: UnsetExpiry) -> (LaunchDarkly, launchdarkly::Client, VirtualClock) {
    let clock = VirtualClock::new();
    let builder = LaunchDarkly::builder().clock(clock.clone());
    let twin = builder.unset_expiry(unset).start().await.unwrap();
    let client = client_of!(launchdarkly, twin, clock).build().unwrap();
    (twin, client, clock)
}

#[tokio::test]
async fn launchdarkly_use_of_zero_is_never_and_an_absent_one_is_not_reported() {
    let (twin, client, clock) = ld_twin(UnsetExpiry::Absent).await;
    twin.seed(ld_twin::Seed::new("unused"));
    let used = Duration::from_millis(86_400_123);
    twin.seed(ld_twin::Seed::new("used").last_used(used).age(days(10)));
    let all = records(&client).await;
    assert_eq!(named(&all, "unused").last_used, When::Never);
    // Under this version of the API a token that shows no end has none.
    assert_eq!(named(&all, "unused").expires, When::Never);
    // Milliseconds are kept.
    assert_eq!(named(&all, "used").last_used, When::At(clock.now() - used));
    assert_eq!(
        named(&all, "used").created,
        When::At(clock.now() - days(10))
    );

    let mut item = json!({
        "_id": "66aa10f2c4d5e60011223344", "ownerId": "o", "memberId": "m", "name": "sparse",
        "creationDate": 1_759_312_800_123_i64, "lastModified": 1_759_312_800_123_i64,
        "token": "abcd", "role": "reader", "defaultApiVersion": 20_240_415, "_links": {},
    });
    let mut answer = async |change: &dyn Fn(&mut Value)| {
        change(&mut item);
        twin.on(ld_twin::Operation::GetTokens).then(Fault::Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: json!({"items": [item], "_links": {}, "totalCount": 1})
                .to_string()
                .into_bytes(),
        });
        named(&records(&client).await, "sparse")
    };
    let absent = answer(&|_| ()).await;
    assert_eq!(absent.last_used, When::NotReported);
    let created = UNIX_EPOCH + Duration::from_millis(1_759_312_800_123);
    assert_eq!(absent.created, When::At(created));
    let null = answer(&|item| item["lastUsed"] = Value::Null).await;
    assert_eq!(null.last_used, When::NotReported);
    // Nothing was used in 1970.
    let one = answer(&|item| item["lastUsed"] = json!(1)).await;
    assert_eq!(one.last_used, When::NotReported);
    let text = answer(&|item| item["lastUsed"] = json!("0")).await;
    assert_eq!(text.last_used, When::Never);
}

#[tokio::test]
async fn launchdarkly_expiry_in_all_its_forms() {
    for (unset, expected) in [
        (UnsetExpiry::Absent, When::Never),
        (UnsetExpiry::Null, When::Never),
        (UnsetExpiry::Zero, When::Never),
    ] {
        let (twin, client, clock) = ld_twin(unset).await;
        let now = clock.now();
        twin.seed(ld_twin::Seed::new("endless"));
        let millisecond = Duration::from_millis(1);
        for (name, end) in [
            ("just over", now),
            ("just not", now + millisecond),
            ("long over", now - days(1)),
        ] {
            twin.seed(ld_twin::Seed::new(name).expiry(end));
        }
        let all = records(&client).await;
        let endless = named(&all, "endless");
        assert_eq!(
            (endless.expires, endless.state),
            (expected, TokenState::Active)
        );
        assert_eq!(named(&all, "just over").state, TokenState::Expired);
        assert_eq!(named(&all, "long over").state, TokenState::Expired);
        let just_not = named(&all, "just not");
        assert_eq!(just_not.state, TokenState::Active);
        assert_eq!(just_not.expires, When::At(now + millisecond));
        clock.advance(millisecond);
        let later = records(&client).await;
        assert_eq!(named(&later, "just not").state, TokenState::Expired);
    }
}

#[tokio::test]
async fn launchdarkly_tells_of_no_end_only_under_a_version_that_has_ends() {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.seed(ld_twin::Seed::new("endless"));
    for (version, expected) in [
        ("20240415", When::Never),
        ("20260101", When::Never),
        ("beta", When::Never),
        ("20220603", When::NotReported),
        ("20191212", When::NotReported),
        ("newest", When::NotReported),
    ] {
        let client = launchdarkly::Client::builder()
            .base_url(twin.base_url())
            .credential(twin.credential())
            .api_version(version)
            .build()
            .unwrap();
        let all = records(&client).await;
        assert_eq!(named(&all, "endless").expires, expected, "{version}");
    }
}

/// What cannot be an end is none that is known, and ends nothing.
#[tokio::test]
async fn launchdarkly_ends_that_make_no_sense_are_not_reported() {
    let (twin, client, _) = ld_twin(UnsetExpiry::Absent).await;
    for expiry in [json!(-1), json!(i64::MIN), json!(i64::MAX), json!("-5")] {
        let item = json!({"_id": "66aa10f2c4d5e60011223344", "name": "odd", "expiry": expiry});
        twin.on(ld_twin::Operation::GetTokens).then(Fault::Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: json!({"items": [item]}).to_string().into_bytes(),
        });
        let odd = named(&records(&client).await, "odd");
        let told = (odd.expires, odd.state);
        assert_eq!(told, (When::NotReported, TokenState::Active), "{expiry}");
    }
}

#[tokio::test]
async fn launchdarkly_privilege_is_what_the_role_says() {
    let (twin, client, _) = ld_twin(UnsetExpiry::Absent).await;
    for role in ["reader", "writer", "admin", "owner", "auditor"] {
        twin.seed(ld_twin::Seed::new(role).role(role));
    }
    twin.seed(ld_twin::Seed::new("roles").custom_roles(["one", "two"]));
    let statement = json!({"effect": "allow", "resources": ["*"], "actions": ["*"]});
    twin.seed(ld_twin::Seed::new("policy").inline_role([statement]));
    let all = records(&client).await;
    let custom = |name: &str| Privilege::Custom(Some(name.to_owned()));
    for (name, privilege) in [
        ("reader", Privilege::Read),
        ("writer", Privilege::Write),
        ("admin", Privilege::Admin),
        ("owner", Privilege::Admin),
        ("auditor", custom("auditor")),
        ("roles", custom("one two")),
        ("policy", Privilege::Custom(None)),
    ] {
        assert_eq!(named(&all, name).privilege, privilege, "{name}");
    }
}

async fn query_twin() -> (QueryServer, query_server::Client, VirtualClock) {
    let clock = VirtualClock::new();
    let builder = QueryServer::builder().clock(clock.clone());
    let twin = builder.start().await.unwrap();
    let client = client_of!(query_server, twin, clock).build().unwrap();
    (twin, client, clock)
}

#[tokio::test]
async fn query_server_end_at_the_time_of_change_is_never() {
    let (twin, client, clock) = query_twin().await;
    let now = twin.now();
    twin.seed(query_twin::Seed::new("endless"));
    twin.seed(query_twin::Seed::new("short").expiration_date(now + 1));
    let past = query_twin::Seed::new("old endless").updated_at(now - 100);
    twin.seed(past.expiration_date(now - 100));
    let all = records(&client).await;
    for name in ["endless", "old endless"] {
        let token = named(&all, name);
        assert_eq!(
            (token.expires, token.state),
            (When::Never, TokenState::Active)
        );
    }
    let short = named(&all, "short");
    assert_eq!(short.expires, When::At(clock.now() + SECOND));
    assert_eq!(short.state, TokenState::Active);
    // The server tells nothing of use, ever.
    assert!(
        all.iter()
            .all(|token| token.last_used == When::NotReported && token.owner.is_none())
    );
    clock.advance(SECOND);
    let later = records(&client).await;
    assert_eq!(named(&later, "short").state, TokenState::Expired);
    assert_eq!(named(&later, "endless").state, TokenState::Active);
}

#[tokio::test]
async fn query_server_tokens_that_do_not_work_are_told_apart() {
    let (twin, client, clock) = query_twin().await;
    let now = twin.now();
    twin.dead_on_arrival(1);
    // The client would notice and make another one; somebody else's does not.
    let created = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("{}/_/token", twin.base_url()))
        .bearer_auth(twin.credential().expose_secret())
        .header("content-type", "application/json")
        .body(r#"{"name":"dead on arrival"}"#);
    assert_eq!(created.send().await.unwrap().status(), 201);
    twin.seed(query_twin::Seed::new("off").active(false));
    let off_and_over = query_twin::Seed::new("off and over").active(false);
    twin.seed(
        off_and_over
            .updated_at(now - 9)
            .expiration_date(now - 5)
            .issued_at(now - 9),
    );
    twin.seed(query_twin::Seed::new("updated").issued_at(now - 1));
    let imported = query_twin::Seed::new("imported").updated_at(None);
    twin.seed(imported.created_at(None).write(false));
    twin.seed(query_twin::Seed::new("fraction").fractional_expiration_date(0.5));
    let all = records(&client).await;
    let state = |name: &str| named(&all, name).state;
    assert_eq!(state("dead on arrival"), TokenState::Expired);
    assert_eq!(state("off"), TokenState::Inactive);
    assert_eq!(state("off and over"), TokenState::Inactive);
    assert_eq!(state("updated"), TokenState::Unusable);
    assert_eq!(state("imported"), TokenState::Unknown);
    assert_ne!(state("fraction"), TokenState::Active);
    // An end a second before the change is a date, not the mark for never.
    assert_eq!(
        named(&all, "dead on arrival").expires,
        When::At(clock.now() - SECOND)
    );
    let imported = named(&all, "imported");
    assert_eq!(
        (imported.created, imported.modified),
        (When::NotReported, When::NotReported)
    );
    assert_eq!(imported.privilege, Privilege::Read);
    assert_eq!(named(&all, "off").privilege, Privilege::Write);
    // What the server itself says of each.
    for token in twin.tokens() {
        let active = state(&token.name) == TokenState::Active;
        assert_eq!(active, token.alive, "{}", token.name);
    }
}

#[tokio::test]
async fn query_server_counts_seconds() {
    let (twin, client, clock) = query_twin().await;
    let end = clock.now() + days(30);
    twin.seed(query_twin::Seed::new("seconds").expiration_date(seconds(end)));
    // Milliseconds, as the vendor's text has it, are a date far ahead and not in a month.
    let millis = seconds(end) * 1_000;
    twin.seed(query_twin::Seed::new("milliseconds").expiration_date(millis));
    let all = records(&client).await;
    assert_eq!(named(&all, "seconds").expires, When::At(end));
    assert_eq!(named(&all, "seconds").created, When::At(clock.now()));
    let far = UNIX_EPOCH + Duration::from_secs(millis.unsigned_abs());
    assert_eq!(named(&all, "milliseconds").expires, When::At(far));
}

async fn avisi_twin(unset: UnsetDate) -> (AvisiCloud, avisi_cloud::Client, VirtualClock) {
    let clock = VirtualClock::new();
    let builder = AvisiCloud::builder().clock(clock.clone());
    let twin = builder.unset_date(unset).start().await.unwrap();
    let client = client_of!(avisi_cloud, twin, clock).build().unwrap();
    (twin, client, clock)
}

#[tokio::test]
async fn avisi_cloud_dates_that_are_not_set_are_not_reported() {
    for unset in [
        UnsetDate::Null,
        UnsetDate::Absent,
        UnsetDate::Empty,
        UnsetDate::GoZero,
    ] {
        let (twin, client, clock) = avisi_twin(unset).await;
        twin.seed(avisi_twin::Seed::new("undated").created_at(None));
        let used = clock.now() - days(3);
        let end = clock.now() + SECOND;
        let dated = avisi_twin::Seed::new("dated").last_used_at(used);
        twin.seed(dated.expire_at(end));
        let all = records(&client).await;
        let undated = named(&all, "undated");
        assert_eq!(
            [undated.created, undated.expires, undated.last_used],
            [When::NotReported; 3],
            "{unset:?}"
        );
        assert_eq!(undated.state, TokenState::Active);
        let dated = named(&all, "dated");
        assert_eq!(
            [dated.created, dated.expires, dated.last_used],
            [clock.now(), end, used].map(When::At)
        );
        assert_eq!(dated.owner.as_deref(), Some("user-4f1d"));
    }
}

#[tokio::test]
async fn avisi_cloud_revoked_and_ended_tokens() {
    let (twin, client, clock) = avisi_twin(UnsetDate::Null).await;
    twin.seed(avisi_twin::Seed::new("revoked").active(false));
    let revoked_ahead = avisi_twin::Seed::new("revoked, end ahead").active(false);
    twin.seed(revoked_ahead.expire_at(clock.now() + days(1)));
    twin.seed(avisi_twin::Seed::new("over").expire_at(clock.now()));
    twin.seed(avisi_twin::Seed::new("last second").expire_at(clock.now() + SECOND));
    let state = |all: &[TokenRecord], name| named(all, name).state;
    let all = records(&client).await;
    assert_eq!(state(&all, "revoked"), TokenState::Inactive);
    assert_eq!(state(&all, "revoked, end ahead"), TokenState::Inactive);
    assert_eq!(state(&all, "over"), TokenState::Expired);
    assert_eq!(state(&all, "last second"), TokenState::Active);
    // The service tells nothing of what a token may do.
    assert!(
        all.iter()
            .all(|token| token.privilege == Privilege::NotReported)
    );
    clock.advance(SECOND);
    assert_eq!(
        state(&records(&client).await, "last second"),
        TokenState::Expired
    );
}

#[tokio::test]
async fn avisi_cloud_odd_entries_are_read_for_what_they_tell() {
    let (twin, client, _) = avisi_twin(UnsetDate::Null).await;
    twin.on(avisi_twin::Operation::List).then(Fault::Answer {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: json!([
            {"id": "a", "name": "sparse"},
            {"id": "b", "name": "odd date", "active": true, "createdAt": "03.02.2026"},
            {"name": "without id"},
        ])
        .to_string()
        .into_bytes(),
    });
    let listing = client.list_all().await.unwrap();
    // What has no id can be neither named nor revoked, but it is there.
    let odd = listing.unreadable();
    assert_eq!((odd.len(), odd[0].index, &odd[0].id), (1, 2, &None));
    let all = listing.into_items();
    assert_eq!(all.len(), 2);
    assert_eq!(named(&all, "sparse").state, TokenState::Unknown);
    let odd = named(&all, "odd date");
    assert_eq!(
        (odd.created, odd.state),
        (When::NotReported, TokenState::Active)
    );
}
