//! Tokens that a list shows in a form that a client cannot read, for tests of what is made of that;
//! and the variables that lead a client to a twin.

use access_tokens::{Listing, TokenRecord, TokenService, TokenServiceExt as _};
use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer, Twins};
use access_tokens_testing::{avisi_cloud, launchdarkly, query_server};
use serde_json::json;

/// What can be read, and the ids of what cannot.
async fn read(service: impl TokenService) -> (Vec<String>, Vec<Option<String>>) {
    let all: Listing<TokenRecord> = service.list_all().await.unwrap();
    let ids = all.unreadable().iter().map(|odd| odd.id.clone()).collect();
    (all.iter().map(|one| one.key.to_string()).collect(), ids)
}

#[tokio::test]
async fn each_twin_can_show_a_token_that_cannot_be_read() {
    let twin = LaunchDarkly::start().await.unwrap();
    let odd = twin.seed(launchdarkly::Seed::new("odd").shown_with("name", json!(5)));
    let good = twin.seed(launchdarkly::Seed::new("good"));
    let client = access_tokens::launchdarkly::Client::builder();
    let client = client
        .base_url(twin.base_url())
        .credential(twin.credential());
    let own = twin.credential_id().to_owned();
    let found = read(client.build().unwrap()).await;
    assert_eq!(found, (vec![own, good.id], vec![Some(odd.id)]));

    let twin = QueryServer::start().await.unwrap();
    twin.seed(query_server::Seed::new("odd").shown_with("token", json!({})));
    twin.seed(query_server::Seed::new("good"));
    let client = access_tokens::query_server::Client::builder();
    let client = client
        .base_url(twin.base_url())
        .credential(twin.credential());
    let (good, odd) = read(client.build().unwrap()).await;
    assert!(good.contains(&"good".to_owned()), "{good:?}");
    assert_eq!(odd, [Some("odd".to_owned())]);

    let twin = AvisiCloud::start().await.unwrap();
    let odd = twin.seed(avisi_cloud::Seed::new("odd").shown_with("name", json!(["a"])));
    let good = twin.seed(avisi_cloud::Seed::new("good"));
    let client = access_tokens::avisi_cloud::Client::builder();
    let client = client
        .base_url(twin.base_url())
        .credential(twin.credential());
    let (found, unread) = read(client.build().unwrap()).await;
    assert!(found.contains(&good.id), "{found:?}");
    assert_eq!(unread, [Some(odd.id)]);
}

/// A use is noted in what is shown, whatever that is.
#[tokio::test]
async fn what_is_shown_stays_json_when_the_token_is_used() {
    let twin = LaunchDarkly::start().await.unwrap();
    let odd = launchdarkly::Seed::new("odd").shown_with("lastUsed", json!("now and then"));
    let odd = twin.seed(odd.role("admin"));
    let client = access_tokens::launchdarkly::Client::builder();
    let client = client.base_url(twin.base_url()).credential(odd.secret);
    let client = client.build().unwrap();
    for _ in 0..3 {
        let page = client.list().show_all(true).all().await.unwrap();
        assert_eq!(page.len() + page.unreadable().len(), 2);
    }
}

#[tokio::test]
async fn the_variables_of_each_are_those_of_all() {
    let twins = Twins::start().await.unwrap();
    let [ld, query, avisi] = [
        twins.launchdarkly.variables(),
        twins.query_server.variables(),
        twins.avisi_cloud.variables(),
    ];
    let plain = |(name, value): (&str, access_tokens::Secret)| {
        (name.to_owned(), value.expose_secret().to_owned())
    };
    let each: Vec<_> = ld
        .into_iter()
        .chain(query)
        .chain(avisi)
        .map(plain)
        .collect();
    assert_eq!(each, twins.variables().map(plain));
    let ld = (
        "LD_ACCESS_TOKEN".to_owned(),
        twins.launchdarkly.credential().expose_secret().to_owned(),
    );
    assert!(each.contains(&ld));
}
