//! What all services have in common: templates, overrides, records and marks.

use std::time::Duration;

use access_tokens::launchdarkly::{self, Role, Statement};
use access_tokens::{
    Action, Error, ErrorKind, Expiry, Marker, Overrides, Privilege, Service, TokenId, TokenKey,
    TokenKind, TokenRecord, TokenService, TokenServiceExt as _, TokenState, TokenTemplate, When,
    avisi_cloud, days, query_server,
};
use access_tokens_testing::launchdarkly::Seed;
use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer, query_server as query_twin};
use serde_json::json;

async fn ld() -> (LaunchDarkly, launchdarkly::Client) {
    let twin = LaunchDarkly::start().await.unwrap();
    let builder = launchdarkly::Client::builder().base_url(twin.base_url());
    let client = builder.credential(twin.credential()).build().unwrap();
    (twin, client)
}

async fn query() -> (QueryServer, query_server::Client) {
    let twin = QueryServer::start().await.unwrap();
    let builder = query_server::Client::builder().base_url(twin.base_url());
    let client = builder.credential(twin.credential()).build().unwrap();
    (twin, client)
}

async fn avisi() -> (AvisiCloud, avisi_cloud::Client) {
    let twin = AvisiCloud::start().await.unwrap();
    let builder = avisi_cloud::Client::builder().base_url(twin.base_url());
    let client = builder.credential(twin.credential()).build().unwrap();
    (twin, client)
}

#[tokio::test]
async fn a_token_is_made_from_a_typed_template() {
    let (twin, client) = ld().await;
    let mut body = launchdarkly::TokenBody::default();
    body.name = Some("typed".to_owned());
    body.description = Some("d".to_owned());
    body.inline_role = vec![
        Statement::allow()
            .actions(["updateOn"])
            .resources(["proj/*"]),
    ];
    body.service_token = Some(true);
    let marker = Marker::random();
    let overrides = Overrides::new().marker(marker.clone()).expires(days(3));
    let new = client
        .as_service()
        .create(&TokenTemplate::from(body), overrides);
    let record = new.await.unwrap().into_parts().0;
    assert_eq!(record.name.as_deref(), Some("typed"));
    assert_eq!(record.kind, TokenKind::Service);
    assert_eq!(record.marker, Some(marker));
    assert!(record.expires.time().is_some());
    let made = twin.token(record.key.as_str()).unwrap();
    assert_eq!(made.inline_role.len(), 1);

    let (_twin, client) = query().await;
    let body = query_server::TokenBody::builder("typed");
    let mut plain = serde_json::from_value::<query_server::TokenBody>(json!({"name": "typed"}));
    plain.as_mut().unwrap().write = Some(false);
    drop(body);
    let template = TokenTemplate::from(plain.unwrap());
    let new = client.as_service().create(&template, Overrides::new());
    let record = new.await.unwrap().into_parts().0;
    assert_eq!(
        (record.key.as_str(), &record.privilege),
        ("typed", &Privilege::Read)
    );
    assert_eq!(
        (record.kind, record.expires),
        (TokenKind::Service, When::Never)
    );

    let (_twin, client) = avisi().await;
    let mut body = avisi_cloud::ProvisionBody::default();
    body.name = Some("typed".to_owned());
    let new = client
        .as_service()
        .create(&TokenTemplate::from(body), Overrides::new());
    let record = new.await.unwrap().into_parts().0;
    assert_eq!(record.name.as_deref(), Some("typed"));
    assert_eq!(record.kind, TokenKind::Personal);
}

/// A member of a body that the template forgets would be missing from the copy.
#[tokio::test]
async fn a_template_keeps_every_member_of_the_token() {
    let (twin, client) = ld().await;
    let end = twin.now() + days(30);
    let seed = Seed::new("full").description("text").service().expiry(end);
    let seed = seed.role("writer").api_version(20_191_212);
    let token = twin.seed(seed);
    let key = TokenKey::from(&*token.id);
    let template = client.template(&key).await.unwrap();
    let millis = end
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    assert_eq!(
        *template.properties(),
        json!({"name": "full", "description": "text", "role": "writer", "serviceToken": true,
               "defaultApiVersion": 20_191_212, "expiry": u64::try_from(millis).unwrap()})
    );
    // What came back is what was asked for.
    let new = client
        .as_service()
        .create(&template, Overrides::new())
        .await
        .unwrap();
    assert_eq!(client.template(&new.token().key).await.unwrap(), template);
    let all = client.list_all().await.unwrap();
    let copy = all.iter().find(|one| one.key == new.token().key).unwrap();
    let original = all.iter().find(|one| one.key == key).unwrap();
    assert_eq!(
        (copy.kind, &copy.privilege),
        (original.kind, &original.privilege)
    );
    assert_eq!(
        (copy.expires, &copy.owner_id),
        (original.expires, &original.owner_id)
    );

    let (twin, client) = query().await;
    let far = twin.now() + 86_400;
    twin.seed(
        query_twin::Seed::new("full")
            .write(false)
            .active(false)
            .expiration_date(far),
    );
    let template = client.template(&"full".into()).await.unwrap();
    assert_eq!(
        *template.properties(),
        json!({"name": "full", "active": false, "write": false, "expiration_date": far})
    );
}

#[tokio::test]
async fn a_template_of_another_form_is_refused_before_anything_is_sent() {
    let (twin, client) = ld().await;
    for properties in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"name": 5}),
        json!({"role": {}}),
    ] {
        let template = TokenTemplate::new(properties);
        let create = client.as_service().create(&template, Overrides::new());
        let error = create.await.unwrap_err();
        assert_eq!(error.field(), Some("template"), "{error}");
    }
    assert_eq!(twin.requests().len(), 0);
}

#[tokio::test]
async fn only_the_exact_mark_is_found_and_deleted() {
    let (twin, client) = ld().await;
    let owner = Marker::random();
    let marks = [
        owner.clone(),
        owner.attempt(1),
        owner.attempt(12),
        Marker::random().attempt(1),
    ];
    for mark in &marks {
        twin.seed(Seed::new("x").description(mark.appended_to("text")));
    }
    twin.seed(Seed::new("x").description("marker:production"));
    let found = client.find_marked(&owner.attempt(1)).await.unwrap();
    assert_eq!(found.len(), 1);
    let deleted = client
        .delete_marked(&owner.attempt(1))
        .await
        .unwrap()
        .deleted;
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0].marker, Some(owner.attempt(1)));
    assert_eq!(twin.tokens().len(), 5);
    assert!(
        client
            .delete_marked(&owner.attempt(2))
            .await
            .unwrap()
            .deleted
            .is_empty()
    );
    assert_eq!(client.delete_marked(&owner).await.unwrap().deleted.len(), 1);
}

#[tokio::test]
async fn a_mark_goes_into_the_name_where_there_is_no_other_place() {
    let marker = Marker::random();
    let (_twin, client) = query().await;
    let body = serde_json::from_value::<query_server::TokenBody>(json!({"name": "edge"}));
    let template = TokenTemplate::from(body.unwrap());
    let create = |overrides| client.as_service().create(&template, overrides);
    let new = create(Overrides::new().marker(marker.clone()))
        .await
        .unwrap();
    assert_eq!(new.token().key.as_str(), format!("edge-{marker}"));
    assert_eq!(new.token().marker, Some(marker.clone()));
    // A name that has it stays as it is.
    let name = marker.attempt(2).appended_to("edge");
    let overrides = Overrides::new().name(&name).marker(marker.attempt(2));
    let new = create(overrides).await.unwrap();
    assert_eq!(new.token().key.as_str(), name);
}

#[tokio::test]
async fn an_end_is_taken_away_whether_there_is_one_or_not() {
    let (twin, client) = ld().await;
    let token = twin.seed(Seed::new("x").expiry(twin.now() + days(1)));
    let key = TokenKey::from(&*token.id);
    for _ in 0..2 {
        let record = client.set_expiry(&key, Expiry::Never).await.unwrap();
        assert_eq!(record.expires, When::Never);
        assert_eq!(twin.token(&token.id).unwrap().expiry, None);
    }
    let record = client.set_expiry(&key, Expiry::In(days(2))).await.unwrap();
    assert!(record.expires.time().is_some());
}

#[tokio::test]
async fn a_description_is_changed_whether_there_is_one_or_not() {
    let (twin, client) = ld().await;
    let token = twin.seed(Seed::new("x"));
    let id: TokenId = token.id.parse().unwrap();
    for text in ["first", "second"] {
        let patch = launchdarkly::Patch::new().replace_description(text);
        let patched = client.patch(&id, patch).await.unwrap();
        assert_eq!(patched.description.as_deref(), Some(text));
    }
}

#[tokio::test]
async fn a_token_is_renamed_whether_it_has_a_name_or_not() {
    let (_twin, client) = ld().await;
    let nameless = launchdarkly::TokenBody::builder().role(Role::Reader);
    let new = client.create(nameless).await.unwrap();
    assert_eq!(new.token().name.as_deref().unwrap_or_default(), "");
    for name in ["first", "second"] {
        let patch = launchdarkly::Patch::new().replace_name(name);
        // To replace what is not there is refused.
        assert_eq!(patch.operations()[0].op, launchdarkly::PatchOp::Add);
        let patched = client.patch(&new.token().id, patch).await.unwrap();
        assert_eq!(patched.name.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn two_kinds_of_access_are_refused_before_anything_is_sent() {
    let (twin, client) = ld().await;
    let both = launchdarkly::TokenBody::builder()
        .role(Role::Admin)
        .custom_roles(["a"]);
    let error = client.create(both).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::InvalidInput, Some("access"))
    );
    assert_eq!(twin.requests().len(), 0);
    // The same kind again is another choice.
    let other = launchdarkly::TokenBody::builder()
        .role(Role::Admin)
        .role(Role::Reader);
    let new = client.create(other).await.unwrap();
    assert_eq!(new.token().role, Some(Role::Reader));
}

#[tokio::test]
async fn of_rotations_at_once_one_succeeds_and_one_successor_is_left() {
    for separate in [true, false] {
        let (twin, client) = query().await;
        twin.seed(query_twin::Seed::new("edge"));
        let rotate = |number: usize| {
            let client = if separate {
                let builder = query_server::Client::builder().base_url(twin.base_url());
                builder.credential(twin.credential()).build().unwrap()
            } else {
                client.clone()
            };
            tokio::spawn(async move {
                let name = format!("edge-{number}");
                client
                    .rotate_to("edge", &name, query_server::Changes::new())
                    .await
            })
        };
        let under_way: Vec<_> = (0..4).map(rotate).collect();
        let mut succeeded = Vec::new();
        for rotation in under_way {
            match rotation.await.unwrap() {
                Ok(rotated) => succeeded.push(rotated.new.token().name.clone()),
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound),
                    "{error}"
                ),
            }
        }
        assert_eq!(succeeded.len(), 1, "{succeeded:?}");
        let left: Vec<_> = twin.tokens().into_iter().map(|token| token.name).collect();
        assert_eq!(left, succeeded);
    }
}

/// What another process does, this one sees in time to take its own token back.
#[tokio::test]
async fn a_rotation_that_was_overtaken_takes_its_token_back() {
    let (twin, client) = query().await;
    twin.seed(query_twin::Seed::new("edge"));
    let late = access_tokens_testing::Fault::Delay(Duration::from_millis(300));
    twin.on(query_twin::Operation::Create).then(late);
    let rotation = {
        let client = client.clone();
        let changes = query_server::Changes::new();
        tokio::spawn(async move { client.rotate_to("edge", "edge-2", changes).await })
    };
    while twin.tokens().iter().all(|token| token.name != "edge-2") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(twin.remove("edge"));
    let error = rotation.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(!error.may_have_been_sent(), "{error}");
    assert!(twin.tokens().is_empty());
}

#[test]
fn keys_are_made_of_texts_and_ids() {
    let id: TokenId = "66aa10f2c4d5e60011223344".parse().unwrap();
    let key = TokenKey::new("66aa10f2c4d5e60011223344");
    assert_eq!(TokenKey::from(&id), key);
    assert_eq!(TokenKey::from(id), key);
    assert_eq!(TokenKey::from("66aa10f2c4d5e60011223344".to_owned()), key);
    assert_eq!("66aa10f2c4d5e60011223344".parse(), Ok(key.clone()));
    assert_eq!(key.as_ref() as &str, key.as_str());
    let tricky = TokenKey::from("a\u{202e}b\n");
    assert_eq!(tricky.to_string(), "a\\u{202e}b\\n");
}

#[test]
fn records_come_back_out_of_json() {
    let mut record = TokenRecord::new(Service::new("Front Desk"), TokenKey::from("k"));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<TokenRecord>(&text).unwrap(), record);
    // A later version may leave out what is not known.
    let least = r#"{"service": "LaunchDarkly", "key": "k"}"#;
    let read: TokenRecord = serde_json::from_str(least).unwrap();
    assert_eq!(
        read,
        TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::from("k"))
    );

    record.account = Some("prod".into());
    record.kind = TokenKind::Personal;
    record.state = TokenState::Unusable;
    record.created = When::At(std::time::UNIX_EPOCH + Duration::from_millis(1_759_312_800_123));
    record.expires = When::Never;
    record.privilege = Privilege::Custom(None);
    record.owner = Some("robin@example.com".into());
    record.marker = Some(Marker::random().attempt(7));
    record.revision = "5".to_owned();
    let value = serde_json::to_value(&record).unwrap();
    assert_eq!(value["created"], "2025-10-01T10:00:00.123Z");
    assert_eq!(
        (&value["expires"], &value["modified"]),
        (&json!("never"), &json!("not_reported"))
    );
    assert_eq!(value["privilege"], json!({"custom": null}));
    assert_eq!(
        (&value["kind"], &value["state"]),
        (&json!("personal"), &json!("unusable"))
    );
    assert_eq!(
        serde_json::from_value::<TokenRecord>(value).unwrap(),
        record
    );
    for privilege in [
        Privilege::Admin,
        Privilege::NotReported,
        Privilege::Custom(Some("on call".to_owned())),
    ] {
        let text = serde_json::to_string(&privilege).unwrap();
        assert_eq!(serde_json::from_str::<Privilege>(&text).unwrap(), privilege);
    }
}

#[tokio::test]
async fn calls_are_named_for_every_action() {
    let services: [Box<dyn TokenService>; 3] = [
        Box::new(ld().await.1),
        Box::new(query().await.1),
        Box::new(avisi().await.1),
    ];
    for service in services {
        let cannot = |action| service.calls(action).is_empty();
        assert!(!cannot(Action::List) && !cannot(Action::Create) && !cannot(Action::Verify));
        let told = service.capabilities().identifies_caller;
        assert_eq!(
            !cannot(Action::OwnCredential),
            told,
            "{:?}",
            service.service()
        );
    }
}

#[test]
fn an_error_about_an_item_names_it() {
    let item = access_tokens::UnreadableItem::new(3, Some("a\u{1b}b".to_owned()), "no date");
    let error = Error::unreadable(Service::QUERY_SERVER, item.clone());
    assert_eq!(error.item(), Some(&item));
    assert_eq!(
        error.to_string(),
        "Query Server: an item of the list cannot be read: item 3 (a\\u{1b}b): no date"
    );
}

/// What a program keeps, shows or reads from a configuration has the traits for it: this compiles.
#[test]
fn what_is_kept_and_configured_has_the_traits_for_it() {
    fn is_kept<T: Clone + serde::Serialize + serde::de::DeserializeOwned>() {}
    fn is_copied<T: Clone + std::fmt::Debug + Send>() {}
    fn is_read<T: std::str::FromStr + std::fmt::Display>() {}
    is_kept::<TokenRecord>();
    is_kept::<TokenKey>();
    is_kept::<TokenKind>();
    is_kept::<TokenState>();
    is_kept::<TokenTemplate>();
    is_kept::<When>();
    is_kept::<Privilege>();
    is_kept::<Service>();
    is_kept::<Marker>();
    is_kept::<Expiry>();
    is_kept::<ErrorKind>();
    is_kept::<access_tokens::Capabilities>();
    is_kept::<access_tokens::CallerIdentity>();
    is_kept::<access_tokens::Due>();
    is_kept::<access_tokens::OwnCredential>();
    is_kept::<access_tokens::RotationPolicy>();
    is_kept::<access_tokens::UnreadableItem>();
    is_kept::<access_tokens::Verification>();
    is_kept::<launchdarkly::Region>();
    is_kept::<query_server::Liveness>();
    is_copied::<Error>();
    is_copied::<launchdarkly::ClientBuilder>();
    is_copied::<query_server::Rotated>();
    is_copied::<access_tokens::inventory::Report>();
    is_read::<Expiry>();
    is_read::<Marker>();
    is_read::<Service>();
    is_read::<TokenId>();
    is_read::<launchdarkly::Region>();
    let region: launchdarkly::Region = serde_json::from_value(json!("eu")).unwrap();
    assert_eq!(json!(region), json!(region.to_string()));
}
