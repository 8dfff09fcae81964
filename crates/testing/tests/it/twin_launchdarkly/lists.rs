//! Pages.

use access_tokens::Clock as _;
use access_tokens_testing::LaunchDarkly;
use access_tokens_testing::launchdarkly::{Seed, TotalCount};
use serde_json::{Value, json};

use super::{Setup, text};

#[tokio::test]
async fn lists_come_in_pages_with_links() {
    let setup = Setup::new().await;
    for number in 1..60 {
        setup.twin.seed(Seed::new(format!("t{number}")));
    }
    let page = setup.get("/tokens").await.ok(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 25);
    assert_eq!(page["totalCount"], 60);
    let href = |page: &Value, name: &str| page["_links"].get(name).map(|link| text(&link["href"]));
    assert_eq!(
        href(&page, "self").unwrap(),
        "/api/v2/tokens?limit=25&offset=0"
    );
    assert_eq!((href(&page, "first"), href(&page, "prev")), (None, None));
    let mut names = setup.names(&setup.twin.credential(), "/tokens").await;
    let mut last = page;
    while let Some(next) = href(&last, "next") {
        last = setup
            .get(next.strip_prefix("/api/v2").unwrap())
            .await
            .ok(200);
        let items = last["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| text(&item["name"])));
    }
    assert_eq!(names.len(), 60);
    assert_eq!(names[59], "t59");
    assert_eq!(
        href(&last, "prev").unwrap(),
        "/api/v2/tokens?limit=25&offset=25"
    );
    assert_eq!(href(&last, "last"), None);

    let middle = setup
        .get("/tokens?limit=7&offset=3&showAll=true")
        .await
        .ok(200);
    for (name, offset) in [
        ("self", 3),
        ("first", 0),
        ("prev", 0),
        ("next", 10),
        ("last", 59),
    ] {
        let expected = format!("/api/v2/tokens?limit=7&offset={offset}&showAll=true");
        assert_eq!(href(&middle, name).unwrap(), expected);
    }
    // A page that ends with the list is the last one.
    let before = setup.get("/tokens?limit=20&offset=20").await.ok(200);
    let expected = Some("/api/v2/tokens?limit=20&offset=40".to_owned());
    assert_eq!(
        (href(&before, "next"), href(&before, "last")),
        (expected.clone(), expected)
    );
    let end = setup.get("/tokens?limit=20&offset=40").await.ok(200);
    assert_eq!((href(&end, "next"), href(&end, "last")), (None, None));
    let beyond = setup.get("/tokens?offset=99").await.ok(200);
    assert_eq!(
        (&beyond["items"], &beyond["totalCount"]),
        (&json!([]), &json!(60))
    );
    for bad in ["limit=0", "limit=-1", "limit=x", "offset=-1", "offset=1.5"] {
        let answer = setup.get(&format!("/tokens?{bad}")).await;
        answer.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn old_api_versions_have_no_pages() {
    let setup = Setup::new().await;
    for number in 1..40 {
        setup.twin.seed(Seed::new(format!("t{number}")));
    }
    let old = Seed::new("old").role("admin").api_version(20_191_212);
    let old = setup.twin.seed(old).secret;
    let list = setup.get_as(&old, "/tokens?limit=2").await.ok(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 41);
    assert!(list["_links"].get("next").is_none());
    for (secret, version, items) in [
        (&old, "20240415", 25),
        (&setup.twin.credential(), "20191212", 41),
        (&setup.twin.credential(), "beta", 25),
    ] {
        let request = setup
            .request("GET", "/tokens")
            .header("authorization", secret.expose_secret())
            .header("LD-API-Version", version);
        let list = setup.send(request).await.ok(200);
        assert_eq!(list["items"].as_array().unwrap().len(), items, "{version}");
    }
}

#[tokio::test]
async fn what_lists_leave_open_can_be_chosen() {
    let builder = LaunchDarkly::builder()
        .page_links(false)
        .total_count(TotalCount::Page)
        .max_limit(3)
        .lists_expired(false);
    let setup = Setup::with(builder).await;
    for number in 0..5 {
        setup.twin.seed(Seed::new(format!("t{number}")));
    }
    let page = setup.get("/tokens?limit=50").await.ok(200);
    assert_eq!(page["totalCount"], 3);
    assert_eq!(page["_links"].as_object().unwrap().len(), 1);
    let ended = setup
        .twin
        .seed(Seed::new("ended").expiry(setup.clock.now()));
    setup
        .get(&format!("/tokens/{}", ended.id))
        .await
        .refused(404, "not_found");
    let rest = setup
        .names(&setup.twin.credential(), "/tokens?offset=3")
        .await;
    assert_eq!(rest, ["t2", "t3", "t4"]);

    let builder = LaunchDarkly::builder().total_count(TotalCount::Absent);
    let setup = Setup::with(builder).await;
    assert!(
        setup
            .get("/tokens")
            .await
            .ok(200)
            .get("totalCount")
            .is_none()
    );
}
