//! Requests that take their time, and answers that say another one.

use std::time::{Duration, Instant};

use access_tokens::Clock as _;
use access_tokens_testing::{DateHeader, Fault};
use reqwest::Method;

use super::world::{Api, World};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_slow_service_takes_its_time_on_its_own_clock() {
    let world = World::new().await;
    let real = Instant::now();
    for api in world.all() {
        let start = world.clock.now();
        api.twin
            .set_fault(None, 1, 1, Fault::SlowAnswer(HOUR))
            .unwrap();
        let made = api.create("answered late").await;
        assert_eq!(world.clock.now(), start + HOUR);
        let entries = api.twin.entries();
        let entry = entries.iter().find(|entry| entry.key == made.key).unwrap();
        assert_eq!(entry.created, Some(start));

        api.twin
            .set_fault(None, 1, 1, Fault::SlowAct(HOUR))
            .unwrap();
        let made = api.create("made late").await;
        assert_eq!(world.clock.now(), start + 2 * HOUR);
        let entries = api.twin.entries();
        let entry = entries.iter().find(|entry| entry.key == made.key).unwrap();
        assert_eq!(entry.created, Some(start + 2 * HOUR));
    }
    assert!(real.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_create_lands_long_after_its_client_has_given_up() {
    let world = World::new().await;
    for api in world.all() {
        api.twin
            .set_fault(None, 1, 1, Fault::ActLater(HOUR))
            .unwrap();
        let body = Api::create_body("late");
        let lost = api.send(Method::POST, "", Some(body)).await;
        assert!(lost.is_err());
        assert!(api.made("late").is_none());
        let landed = world.clock.now() + HOUR;
        world.clock.advance(HOUR / 2);
        assert!(!api.listed().await.contains(&"late".to_owned()));
        world.clock.advance(2 * HOUR);
        // Seen by whoever looks next, over HTTP or into the twin.
        let entries = api.twin.entries();
        let entry = entries.iter().find(|entry| entry.name == "late").unwrap();
        assert_eq!(entry.created, Some(landed));
        assert!(api.listed().await.contains(&"late".to_owned()));
    }
}

#[tokio::test]
async fn a_delete_lands_late_and_in_order() {
    let world = World::new().await;
    for api in world.all() {
        let made = api.create("made").await;
        let (rest, body) = api.removal(&made.key);
        for hours in [3, 2] {
            api.twin
                .set_fault(None, 1, 1, Fault::ActLater(hours * HOUR))
                .unwrap();
            assert!(api.send(Method::DELETE, &rest, body.clone()).await.is_err());
        }
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 200);
        world.clock.advance(2 * HOUR);
        assert_eq!(api.twin.use_secret(&made.secret).await.unwrap(), 401);
        let name = api.create("made").await.key;
        world.clock.advance(HOUR);
        // By a name the second one hits the next token, by an id nothing.
        let left = api.made("made").is_some_and(|left| left.key == name);
        assert_eq!(left, !api.is_query_server());
        // What lands while another request waits is done before that one.
        let other = api.create("other").await;
        let (rest_of_other, body_of_other) = api.removal(&other.key);
        let script = [Fault::ActLater(HOUR), Fault::SlowAct(2 * HOUR)];
        for (fault, nth) in script.into_iter().zip(1..) {
            api.twin.set_fault(None, nth, 1, fault).unwrap();
        }
        let sent = api.send(Method::DELETE, &rest_of_other, body_of_other);
        assert!(sent.await.is_err());
        assert!(!api.listed().await.contains(&"other".to_owned()));
        // One that never lands, be it as late as it may.
        api.twin
            .set_fault(None, 1, 1, Fault::ActLater(Duration::MAX))
            .unwrap();
        assert!(api.send(Method::DELETE, &rest, body).await.is_err());
    }
}

#[tokio::test]
async fn what_lands_late_is_allowed_or_not_by_then() {
    let world = World::new().await;
    let ld = &world.twins.launchdarkly;
    let [api, ..] = world.all();
    ld.on_any().then(Fault::ActLater(HOUR));
    let body = Api::create_body("late");
    assert!(api.send(Method::POST, "", Some(body)).await.is_err());
    assert!(ld.remove(ld.credential_id()));
    world.clock.advance(HOUR);
    assert!(ld.tokens().is_empty());
}

#[tokio::test]
async fn the_date_of_answers_can_be_another_one() {
    let world = World::new().await;
    for api in world.all() {
        for (date, expected) in [
            (DateHeader::Exact, Some("Thu, 01 Jan 2026 00:00:00 GMT")),
            (
                DateHeader::Ahead(HOUR),
                Some("Thu, 01 Jan 2026 01:00:00 GMT"),
            ),
            (
                DateHeader::Behind(HOUR),
                Some("Wed, 31 Dec 2025 23:00:00 GMT"),
            ),
            (
                DateHeader::Behind(Duration::MAX),
                Some("Thu, 01 Jan 2026 00:00:00 GMT"),
            ),
            (DateHeader::Absent, None),
        ] {
            api.twin.set_date(date);
            let answer = api.send(Method::GET, "", None).await.unwrap();
            let found = answer.headers().get("date");
            let found = found.map(|date| date.to_str().unwrap());
            assert_eq!(found, expected, "{date:?}");
            // It is the header alone that is wrong.
            let made = api.create("made").await;
            let entries = api.twin.entries();
            let entry = entries.iter().find(|entry| entry.key == made.key).unwrap();
            assert_eq!(entry.created, Some(world.clock.now()));
            api.remove(&made.key).await;
        }
    }
}

#[tokio::test]
async fn a_function_decides_where_no_rule_is() {
    let world = World::new().await;
    for api in world.all() {
        let mut lists = 0;
        api.twin.on_others(Box::new(move |operation| {
            let is_list = matches!(operation?, "list" | "get_tokens");
            lists += u32::from(is_list);
            (is_list && lists % 2 == 0).then_some(Fault::Status(503))
        }));
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(api.call(Method::GET, "", None).await.0);
        }
        assert_eq!(seen, [200, 503, 200, 503]);
        // A rule goes first.
        api.twin.set_fault(None, 1, 1, Fault::Status(418)).unwrap();
        assert_eq!(api.call(Method::GET, "", None).await.0, 418);
        assert!(
            api.twin
                .set_fault(Some("dance"), 1, 1, Fault::Reset)
                .is_err()
        );
        api.twin.clear_faults();
        for _ in 0..2 {
            assert_eq!(api.call(Method::GET, "", None).await.0, 200);
        }
    }
}
