//! Services whose changes are seen late.

use std::time::Duration;

use access_tokens::Clock as _;
use access_tokens_testing::{Settling, Twin as _};
use reqwest::Method;
use serde_json::json;

use super::world::World;

const LATE: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(9);
const MOMENT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn everything_is_seen_at_once_by_default() {
    let world = World::new().await;
    for api in world.all() {
        let made = api.create("made").await;
        assert!(api.listed().await.contains(&"made".to_owned()));
        assert_ne!(api.reads(&made.key).await, Some(false));
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 200);
        api.remove(&made.key).await;
        assert!(!api.listed().await.contains(&"made".to_owned()));
        assert_ne!(api.reads(&made.key).await, Some(true));
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 401);
    }
}

#[tokio::test]
async fn new_secrets_are_refused_for_a_while() {
    let world = World::new().await;
    for api in world.all() {
        api.twin.set_settling(Settling::new().new_secrets(LATE));
        let made = api.create("made").await;
        // What was there before is not touched.
        assert_eq!(
            api.twin.use_secret(&api.twin.credential()).await.unwrap(),
            200
        );
        world.clock.advance(MOST);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 401);
        assert!(!api.twin.authenticates(&made.secret));
        let entries = api.twin.entries();
        assert!(
            entries
                .iter()
                .any(|entry| entry.key == made.key && !entry.works)
        );
        assert!(api.listed().await.contains(&"made".to_owned()));
        world.clock.advance(MOMENT);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 200);
        assert!(api.twin.authenticates(&made.secret));
    }
}

#[tokio::test]
async fn lists_and_reads_lag_both_ways() {
    let world = World::new().await;
    for api in world.all() {
        let has = async || api.listed().await.contains(&"made".to_owned());
        api.twin.set_settling(Settling::new().lists(LATE));
        let made = api.create("made").await;
        assert!(!has().await, "{}", api.twin.service());
        assert_ne!(api.reads(&made.key).await, Some(false));
        world.clock.advance(LATE);
        assert!(has().await);
        api.remove(&made.key).await;
        assert!(has().await);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 401);
        world.clock.advance(LATE);
        assert!(!has().await);

        api.twin.set_settling(Settling::new().reads(LATE));
        let made = api.create("made").await;
        assert!(has().await);
        assert_ne!(api.reads(&made.key).await, Some(true));
        world.clock.advance(LATE);
        assert_ne!(api.reads(&made.key).await, Some(false));
        api.remove(&made.key).await;
        assert!(!has().await);
        assert_ne!(api.reads(&made.key).await, Some(false));
        world.clock.advance(LATE);
        assert_ne!(api.reads(&made.key).await, Some(true));
    }
}

#[tokio::test]
async fn removed_secrets_go_on_working_for_a_while() {
    let world = World::new().await;
    for api in world.all() {
        api.twin.set_settling(Settling::new().old_secrets(LATE));
        let made = api.create("made").await;
        api.remove(&made.key).await;
        // Gone all the same for whoever looks.
        assert!(!api.listed().await.contains(&"made".to_owned()));
        world.clock.advance(MOST);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 200);
        world.clock.advance(MOMENT);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 401);
        // The memory of it does not get in the way of the next one.
        let again = api.create("made").await;
        assert_eq!(api.twin.use_secret(&again.secret).await.unwrap(), 200);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 401);
    }
}

#[tokio::test]
async fn replaced_secrets_settle_too() {
    let world = World::new().await;
    let [ld, query, _] = world.all();
    let settling = Settling::new().new_secrets(LATE).old_secrets(LATE);
    for api in [ld, query] {
        let old = api.create("made").await;
        api.twin.set_settling(settling);
        world.clock.advance(LATE);
        let (status, _) = if api.is_query_server() {
            // Twice within a second, which leaves a living token there.
            let far = json!({"name": "made", "expiration_date": i64::MAX});
            api.call(Method::PUT, "", Some(far.clone())).await;
            api.call(Method::PUT, "", Some(far)).await
        } else {
            let rest = format!("/{}/reset", old.key);
            api.call(Method::POST, &rest, Some(json!({}))).await
        };
        assert_eq!(status, 200);
        let new = api.made("made").unwrap();
        let names = api.listed().await;
        assert_eq!(names.iter().filter(|name| *name == "made").count(), 1);
        for (passed, old_status, new_status) in [(MOST, 200, 401), (MOMENT, 401, 200)] {
            world.clock.advance(passed);
            let used = api.twin.use_secret(&old.secret).await.unwrap();
            assert_eq!(used, old_status, "{}", api.twin.service());
            let used = api.twin.use_secret(&new.secret).await.unwrap();
            assert_eq!(used, new_status, "{}", api.twin.service());
        }
    }
}

#[tokio::test]
async fn a_wait_on_the_clock_is_all_it_takes() {
    let world = World::new().await;
    for api in world.all() {
        api.twin.set_settling(Settling::new().new_secrets(LATE));
        let made = api.create("made").await;
        let mut waited = 0;
        while api.twin.use_secret(&made.secret).await.unwrap() == 401 {
            world.clock.sleep(MOMENT).await;
            waited += 1;
        }
        assert_eq!(waited, 10);
    }
    assert_eq!(world.twins.launchdarkly.counts()["caller_identity"], 11);
}
