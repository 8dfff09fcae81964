//! The service of the example, held to what `TokenService` and managed tokens ask of any.

use std::sync::Arc;

use access_tokens::{
    ErrorKind, Expiry, Marker, Overrides, OwnCredential, TokenKey, TokenService,
    TokenServiceExt as _, TokenState, TokenTemplate, Verification, days,
};
use serde_json::json;

use self::service::Forge;
use self::twin::Twin;

#[path = "../../../examples/fourth_service/forge.rs"]
mod service;
#[path = "../../../examples/fourth_service/twin.rs"]
mod twin;

async fn forge() -> (Twin, Arc<Forge>, TokenKey) {
    let twin = Twin::start().await.unwrap();
    let (_, admin) = twin.seed("administrator");
    let (export, _) = twin.seed("export");
    let builder = Forge::builder().base_url(twin.base_url()).credential(admin);
    let forge = Arc::new(Forge::new(builder.build().unwrap()));
    (twin, forge, TokenKey::new(export.to_string()))
}

fn requests(twin: &Twin, line: &str) -> usize {
    twin.seen()
        .iter()
        .filter(|seen| seen.starts_with(line))
        .count()
}

const CREATE: &str = "POST /api/v4/user/personal_access_tokens";

#[tokio::test]
async fn a_list_has_all_pages_and_each_record_can_be_read() {
    let (twin, forge, _) = forge().await;
    for number in 0..3 {
        twin.seed(&format!("more {number}"));
    }
    let all = forge.list_all().await.unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(requests(&twin, "GET /api/v4/personal_access_tokens?"), 4);
    for record in all {
        let mut read = forge.get(&record.key).await.unwrap();
        read.last_used = record.last_used;
        assert_eq!(read, record);
        assert_eq!(record.state, TokenState::Active);
        assert!(record.expires.time().is_none() && record.created.time().is_some());
    }
}

#[tokio::test]
async fn a_copy_is_as_its_template_and_works() {
    let (_twin, forge, key) = forge().await;
    let template = forge.template(&key).await.unwrap();
    let marker = Marker::random();
    let overrides = Overrides::new().marker(marker.clone()).expires(days(3));
    let new = forge.create(&template, overrides).await.unwrap();
    let record = new.token();
    assert_eq!(
        (record.name.as_deref(), &record.marker),
        (Some("export"), &Some(marker))
    );
    assert!(
        record
            .expires
            .time()
            .is_some_and(|end| end > forge.now() + days(2))
    );
    let verified = forge.verify(&record.key, new.secret()).await.unwrap();
    assert_eq!(verified, Verification::Accepted);
    // The secret of another token is no proof.
    let error = forge.verify(&key, new.secret()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    forge.delete(&record.key).await.unwrap();
    let verified = forge.verify(&record.key, new.secret()).await.unwrap();
    assert_eq!(verified, Verification::Refused);
    assert!(forge.delete(&record.key).await.unwrap_err().is_not_found());
    assert!(forge.get(&record.key).await.unwrap_err().is_not_found());
    let other = TokenTemplate::new(json!({"holder": "x"}));
    let error = forge.create(&other, Overrides::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn what_it_cannot_do_is_said_and_sends_nothing() {
    let (twin, forge, key) = forge().await;
    let can = forge.capabilities();
    assert!(!can.reset_with_grace && !can.set_expiry && !can.shows_secrets);
    let error = forge.reset(&key, Some(days(1))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error = forge.set_expiry(&key, Expiry::Never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(forge.secret(&key).await.unwrap(), None);
    for odd in ["self", "", "..", "2/rotate", "-1", "x".repeat(300).as_str()] {
        let error = forge.delete(&TokenKey::from(odd)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{odd}");
    }
    assert_eq!(twin.seen(), [""; 0]);
}

#[tokio::test]
async fn a_reset_ends_the_old_secret_at_once() {
    let (twin, forge, _) = forge().await;
    let (id, old) = twin.seed("batch");
    let new = forge
        .reset(&TokenKey::new(id.to_string()), None)
        .await
        .unwrap();
    let key = &new.token().key;
    assert_eq!(
        forge.verify(key, &old).await.unwrap(),
        Verification::Refused
    );
    assert_eq!(
        forge.verify(key, new.secret()).await.unwrap(),
        Verification::Accepted
    );
}

#[tokio::test]
async fn it_knows_its_own_credential_and_takes_another() {
    let (twin, forge, key) = forge().await;
    let own = forge.whoami().await.unwrap();
    assert_eq!(own.name.as_deref(), Some("administrator"));
    let own = forge.get(&own.key.unwrap()).await.unwrap();
    assert_eq!(
        forge.is_own_credential(&own).await.unwrap(),
        OwnCredential::Yes
    );
    let other = forge.get(&key).await.unwrap();
    assert_eq!(
        forge.is_own_credential(&other).await.unwrap(),
        OwnCredential::No
    );
    let (_, next) = twin.seed("next administrator");
    forge.use_credential(next).unwrap();
    assert_eq!(
        forge.is_own_credential(&own).await.unwrap(),
        OwnCredential::No
    );
}

#[tokio::test]
async fn a_lost_create_is_sent_once_and_found_by_its_marker() {
    let (twin, forge, key) = forge().await;
    twin.be_busy();
    let template = forge.template(&key).await.unwrap();
    assert_eq!(twin.seen().len(), 2);
    twin.lose_next_create();
    let marker = Marker::random();
    let overrides = Overrides::new().marker(marker.clone());
    let error = forge.create(&template, overrides).await.unwrap_err();
    assert!(
        error.is_outcome_unknown() && error.may_have_been_sent(),
        "{error}"
    );
    assert_eq!(requests(&twin, CREATE), 1);
    let removed = forge.delete_marked(&marker).await.unwrap();
    assert_eq!(removed.deleted.len(), 1);
    assert_eq!(forge.list_all().await.unwrap().len(), 2);
}

#[cfg(feature = "rotation")]
#[tokio::test]
async fn a_keeper_keeps_its_tokens_also_where_an_answer_is_lost() {
    use access_tokens::rotation::sink::{self, SinkError};
    use access_tokens::rotation::state::MemoryStore;
    use access_tokens::rotation::{Keeper, ManagedToken, Reason};
    use std::sync::Mutex;
    use std::time::Duration;

    let (twin, forge, key) = forge().await;
    let stored = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&stored);
    let vault = sink::from_fn("vault", move |secret, _| {
        *slot.lock().unwrap() = Some(secret.clone());
        async { Ok::<(), SinkError>(()) }
    });
    let export = ManagedToken::builder("export")
        .shared_service(forge.clone())
        .adopt(key.clone())
        .overlap(Duration::ZERO)
        .deliver_to(vault)
        .build()
        .unwrap();
    let keeper = Keeper::new(MemoryStore::new());
    twin.lose_next_create();
    let lost = keeper.rotate(&export, Reason::Scheduled).await;
    assert!(!lost.to_string().contains("rotated"), "{lost}");
    assert_eq!(*stored.lock().unwrap(), None);
    assert!(forge.get(&key).await.is_ok(), "the old one goes on");

    let done = keeper.rotate(&export, Reason::Scheduled).await;
    let text = done.to_string();
    let secret = stored.lock().unwrap().clone();
    let secret = secret.unwrap_or_else(|| panic!("{text}"));
    let all = forge.list_all().await.unwrap();
    // The administrator's and the successor: neither the old one nor what was lost is left.
    let [_, successor] = &*all else {
        panic!("{text}: {all:?}");
    };
    let verified = forge.verify(&successor.key, &secret).await.unwrap();
    assert_eq!(verified, Verification::Accepted);
    assert_eq!(requests(&twin, CREATE), 2);
}
