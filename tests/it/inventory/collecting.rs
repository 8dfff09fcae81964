//! Reading many accounts: failures, limits, progress, order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access_tokens::inventory::{Inventory, Phase};
use access_tokens::{Error, ErrorKind, RecordStream, UnreadableItem};
use access_tokens_testing::launchdarkly::{self as ld_twin, RateLimit};
use access_tokens_testing::{Fault, LaunchDarkly, VirtualClock, avisi_cloud, query_server};
use futures_util::stream;
use serde_json::{Value, json};

use super::memory::{MEMORY, Memory, record};
use super::{Setup, names};
use crate::all::world::client_of;

#[tokio::test]
async fn accounts_that_fail_do_not_hide_the_others() {
    let setup = Setup::new().await;
    setup.avisi.seed(avisi_cloud::Seed::new("visible"));
    setup.ld.refuse_connections().unwrap();
    setup.query.rotate_server_secret();
    let report = setup.inventory().collect().await;

    assert_eq!(names(&report), ["cloud/visible"]);
    assert!(!report.is_complete());
    let outcomes: Vec<_> = report
        .accounts()
        .iter()
        .map(|account| {
            let kind = account.error.as_ref().map(access_tokens::Error::kind);
            (account.label.as_str(), account.records, kind)
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("cloud", 2, None),
            ("edge", 0, Some(ErrorKind::Unauthenticated)),
            ("prod", 0, Some(ErrorKind::Connect)),
        ]
    );
    // Filters keep the failures.
    assert_eq!(report.privileged().never_used().failures().count(), 2);
}

#[tokio::test]
async fn what_was_read_before_a_failure_stays() {
    let setup = Setup::new().await;
    for n in 0..60 {
        setup.ld.seed(ld_twin::Seed::new(format!("token {n:02}")));
    }
    let rule = setup.ld.on(ld_twin::Operation::GetTokens).nth(2);
    rule.times(100).then(Fault::Status(503));
    let report = setup.inventory().collect().await;
    let [failure] = &report.failures().collect::<Vec<_>>()[..] else {
        panic!("{report:?}");
    };
    assert_eq!((failure.label.as_str(), failure.records), ("prod", 25));
    assert_eq!(failure.error.as_ref().unwrap().kind(), ErrorKind::Server);
    assert_eq!(report.account("prod").len(), 25);
    let table = report.to_table().to_string();
    assert!(table.contains("! prod: not complete, 25 tokens read: LaunchDarkly getTokens"));
}

fn odd(index: u64) -> Error {
    let item = UnreadableItem::new(index, Some(format!("id-{index}")), "it has no name");
    Error::unreadable(MEMORY, item)
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_named_and_hides_no_other() {
    let setup = Setup::new().await;
    let item = |id: Value| {
        json!({
            "_id": id, "ownerId": "o", "memberId": "m", "name": id,
            "creationDate": 1_759_312_800_123_i64, "lastModified": 1_759_312_800_123_i64,
            "token": "abcd", "role": "reader", "_links": {},
        })
    };
    let items = [item(json!("first")), item(Value::Null), item(json!("last"))];
    let body = json!({"items": items, "_links": {}, "totalCount": 3}).to_string();
    setup
        .ld
        .on(ld_twin::Operation::GetTokens)
        .then(Fault::Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.into_bytes(),
        });
    let report = Inventory::new().add("prod", setup.ld()).collect().await;
    assert_eq!(names(&report), ["prod/first", "prod/last"]);
    assert!(!report.is_complete());
    let [account] = &report.failures().collect::<Vec<_>>()[..] else {
        panic!("{report:?}");
    };
    assert!(account.error.is_none() && !account.is_complete());
    assert_eq!((account.records, account.unreadable.len()), (2, 1));
    assert_eq!(account.unreadable[0].index, 1);
    let table = report.to_table().to_string();
    assert!(
        table.contains("! prod: not complete, 2 tokens read: 1 token cannot be read: item 1: "),
        "{table}"
    );
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["complete"], false);
    assert_eq!(json["accounts"][0]["error"], Value::Null);
    assert_eq!(json["accounts"][0]["unreadable"][0]["index"], 1);
}

#[tokio::test]
async fn many_odd_tokens_are_bounded_and_told_in_few_words() {
    let list = || {
        RecordStream::new(stream::iter((0..20).map(|n| match n {
            7 => Ok(record("good")),
            n => Err(odd(n)),
        })))
    };
    let ended = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&ended);
    let report = Inventory::new()
        .add("m", Memory::listing(list))
        .progress(move |progress| {
            tell.lock()
                .unwrap()
                .push((progress.phase, progress.records));
        })
        .collect()
        .await;
    assert_eq!(
        (report.len(), report.accounts()[0].unreadable.len()),
        (1, 19)
    );
    let table = report.to_table().width(500).to_string();
    assert!(
        table.contains("item 2 (id-2): it has no name; and 16 more"),
        "{table}"
    );
    assert_eq!(
        *ended.lock().unwrap(),
        [(Phase::Begun, 0), (Phase::Failed, 1)]
    );
    // The limit counts them, too.
    let endless = || RecordStream::new(stream::repeat_with(|| Err(odd(1))));
    let report = Inventory::new()
        .max_records(100)
        .add("m", Memory::listing(endless));
    let report = report.collect().await;
    let account = &report.accounts()[0];
    assert_eq!(account.unreadable.len(), 100);
    assert_eq!(
        account.error.as_ref().unwrap().kind(),
        ErrorKind::LimitExceeded
    );
    // A stream goes on after one.
    let mut stream = Inventory::new().add("m", Memory::listing(list)).stream();
    let mut items = Vec::new();
    while let Some((_, item)) = stream.next().await {
        items.push(item.is_ok());
    }
    assert_eq!(items.len(), 20);
    assert!(items[7]);
}

#[tokio::test]
async fn the_order_does_not_depend_on_who_answers_first() {
    let setup = Setup::new().await;
    for name in ["b", "a", "c"] {
        setup.ld.seed(ld_twin::Seed::new(name));
        setup.query.seed(query_server::Seed::new(name));
    }
    for id in ["2", "1"] {
        setup.avisi.seed(avisi_cloud::Seed::new("same").id(id));
    }
    let slow = || Fault::Delay(Duration::from_millis(60));
    let mut all = Vec::new();
    for round in 0..3 {
        match round {
            0 => {}
            1 => _ = setup.ld.on_any().then(slow()),
            _ => _ = setup.avisi.on_any().then(slow()),
        }
        let report = setup.inventory().collect().await;
        let keys: Vec<_> = report
            .account("cloud")
            .matching(|token| token.name.as_deref() == Some("same"))
            .records()
            .map(|token| token.key.to_string())
            .collect();
        assert_eq!(keys, ["1", "2"]);
        all.push(names(&report));
    }
    assert_eq!(
        all[0],
        [
            "cloud/same",
            "cloud/same",
            "edge/a",
            "edge/b",
            "edge/c",
            "prod/a",
            "prod/b",
            "prod/c"
        ]
    );
    assert!(all.iter().all(|names| *names == all[0]));
}

#[tokio::test]
async fn a_rate_limited_account_is_waited_for() {
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder()
        .clock(clock.clone())
        .rate_limit(RateLimit::new().route(2))
        .max_limit(25)
        .start()
        .await
        .unwrap();
    for n in 0..199 {
        twin.seed(ld_twin::Seed::new(format!("token {n}")));
    }
    let client = client_of!(launchdarkly, twin, clock);
    let inventory = Inventory::new().clock(clock.clone());
    let report = inventory.add("prod", client.build().unwrap()).collect();
    let report = report.await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.len(), 200);
    // Eight pages, two in each window of ten seconds.
    assert!(!clock.sleeps().is_empty());
    // The report keeps the time at which it was begun.
    assert!(report.as_of() < access_tokens::Clock::now(&clock));
}

#[tokio::test]
async fn labels_that_are_taken_get_a_number() {
    let one = || Memory::with(1);
    let report = Inventory::new()
        .add("prod", one())
        .add("prod", one())
        .add("prod#2", one())
        .add("prod", one())
        .collect()
        .await;
    let labels: Vec<_> = report.accounts().iter().map(|a| a.label.as_str()).collect();
    assert_eq!(labels, ["prod", "prod#2", "prod#2#2", "prod#3"]);
    assert_eq!(report.account("prod").len(), 1);
}

#[tokio::test]
async fn one_service_can_be_shared_and_none_is_fine() {
    let service: Arc<dyn access_tokens::TokenService> = Arc::new(Memory::with(3));
    let report = Inventory::new().add("a", Arc::clone(&service));
    assert_eq!(report.collect().await.len(), 3);
    let nothing = Inventory::new().collect().await;
    assert!(nothing.is_empty() && nothing.is_complete());
    assert_eq!(nothing.to_table().to_string(), "0 tokens in 0 accounts\n");
}

#[tokio::test]
async fn more_tokens_than_allowed_are_a_failure_of_their_account() {
    let report = Inventory::new()
        .max_records(10)
        .add("just enough", Memory::with(10))
        .add("too many", Memory::with(11))
        .collect()
        .await;
    let [failure] = &report.failures().collect::<Vec<_>>()[..] else {
        panic!("{report:?}");
    };
    assert_eq!((failure.label.as_str(), failure.records), ("too many", 10));
    let error = failure.error.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.to_string().contains("more than 10 tokens"), "{error}");
    assert_eq!(report.len(), 20);
}

#[tokio::test]
async fn an_account_that_never_answers_is_given_up() {
    let silent = Memory::listing(|| RecordStream::from_future(std::future::pending()));
    let report = Inventory::new()
        .time_limit(Duration::from_secs(1))
        .add("silent", silent)
        .add("fine", Memory::with(2))
        .collect()
        .await;
    assert_eq!(report.len(), 2);
    let failure = report.failures().next().unwrap();
    assert_eq!(failure.label, "silent");
    assert!(failure.error.as_ref().unwrap().is_timeout());
}

#[tokio::test]
async fn an_account_that_hangs_leaves_the_other_places_to_the_others() {
    let silent = Memory::listing(|| RecordStream::from_future(std::future::pending()));
    let mut inventory = Inventory::new()
        .concurrency(2)
        .time_limit(Duration::from_secs(1))
        .add("silent", silent);
    for n in 0..5 {
        inventory = inventory.add(format!("{n}"), Memory::with(1));
    }
    let mut stream = inventory.stream();
    let mut labels = Vec::new();
    while let Some((label, _)) = stream.next().await {
        labels.push(label.to_string());
    }
    assert_eq!(labels, ["0", "1", "2", "3", "4", "silent"]);
}

#[tokio::test]
async fn a_limit_of_zero_is_an_error_of_every_account() {
    let zero = Duration::ZERO;
    for (inventory, setting) in [
        (Inventory::new().concurrency(0), "concurrency"),
        (Inventory::new().max_records(0), "max_records"),
        (Inventory::new().time_limit(zero), "time_limit"),
    ] {
        let setup = Setup::new().await;
        let report = inventory.add("a", setup.ld()).add("b", setup.ld());
        let report = report.collect().await;
        assert_eq!(report.failures().count(), 2);
        for failure in report.failures() {
            let error = failure.error.as_ref().unwrap();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(setting), "{error}");
        }
        assert_eq!(setup.ld.requests().len(), 0);
    }
}

/// A service that notes how many of its kind are being read at a time; each takes a while.
fn counted(now: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>) -> Memory {
    let (now, most) = (Arc::clone(now), Arc::clone(most));
    Memory::listing(move || {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        RecordStream::from_future(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![record("k")])
        })
    })
}

#[tokio::test(start_paused = true)]
async fn as_many_accounts_at_a_time_as_allowed() {
    for (allowed, expected) in [(None, 4), (Some(16), 16), (Some(1), 1)] {
        let (now, most) = (Arc::default(), Arc::default());
        let mut inventory = Inventory::new();
        if let Some(allowed) = allowed {
            inventory = inventory.concurrency(allowed);
        }
        for n in 0..40 {
            inventory = inventory.add(format!("{n}"), counted(&now, &most));
        }
        assert_eq!(inventory.collect().await.len(), 40);
        assert_eq!(most.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn progress_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let setup = Setup::new().await;
    setup.ld.refuse_connections().unwrap();
    let report = Inventory::new()
        .concurrency(1)
        .add("many", Memory::with(2_500))
        .add("none", setup.ld())
        .progress(move |progress| {
            assert_eq!(progress.accounts, 2);
            let label = progress.label.to_owned();
            let step = (
                label,
                progress.phase,
                progress.records,
                progress.accounts_ended,
            );
            tell.lock().unwrap().push(step);
        })
        .collect()
        .await;
    assert_eq!(report.len(), 2_500);
    assert_eq!(report.service(MEMORY).len(), 2_500);
    let told = told.lock().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|(a, b, c, d)| (a.as_str(), *b, *c, *d))
        .collect();
    assert_eq!(
        told,
        [
            ("many", Phase::Begun, 0, 0),
            ("many", Phase::Reading, 1_000, 0),
            ("many", Phase::Reading, 2_000, 0),
            ("many", Phase::Read, 2_500, 1),
            ("none", Phase::Begun, 0, 1),
            ("none", Phase::Failed, 0, 2),
        ]
    );
}

#[tokio::test]
async fn a_callback_that_panics_loses_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let report = Inventory::new()
        .add("many", Memory::with(2_500))
        .progress(move |_| {
            assert!(count.fetch_add(1, Ordering::SeqCst) < 1, "on purpose");
        })
        .collect()
        .await;
    assert!(report.is_complete());
    assert_eq!(report.len(), 2_500);
    // Not asked again after the panic.
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_stream_gives_labels_and_ends_an_account_with_its_error() {
    let setup = Setup::new().await;
    setup.query.rotate_server_secret();
    setup.avisi.seed(avisi_cloud::Seed::new("one"));
    let mut stream = setup.inventory().stream();
    let mut seen = Vec::new();
    while let Some((label, item)) = stream.next().await {
        if let Ok(token) = &item {
            assert_eq!(token.account.as_deref(), Some(&*label));
        }
        seen.push((label.to_string(), item.map(|_| ()).map_err(|e| e.kind())));
    }
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("cloud", Ok(())),
        ("cloud", Ok(())),
        ("edge", Err(ErrorKind::Unauthenticated)),
        ("prod", Ok(())),
    ];
    assert_eq!(seen, expected.map(|(label, item)| (label.to_owned(), item)));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_reads_only_so_far_ahead() {
    let setup = Setup::new().await;
    for n in 0..1_999 {
        setup.ld.seed(ld_twin::Seed::new(format!("token {n}")));
    }
    let mut stream = Inventory::new().add("prod", setup.ld()).stream();
    assert_eq!(setup.ld.requests().len(), 0);
    for _ in 0..25 {
        stream.next().await.unwrap().1.unwrap();
    }
    // Of 80 pages, no more than may be on their way at a time.
    let asked = setup.ld.requests().len();
    assert!((1..=9).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_service_that_is_always_ready_leaves_room_for_others() {
    let inventory = Inventory::new().add("greedy", Memory::with(100_000));
    let mut stream = inventory.add("modest", Memory::with(1)).stream();
    let mut before = 0;
    while let Some((label, _)) = stream.next().await {
        if &*label == "modest" {
            break;
        }
        before += 1;
    }
    assert!(before <= 64, "{before}");
    drop(stream);

    // Nor does it keep the thread: another task gets to run meanwhile.
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let other = tokio::spawn(async move {
        loop {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    let report = Inventory::new().add("greedy", Memory::with(10_000));
    assert_eq!(report.collect().await.len(), 10_000);
    assert!(ran.load(Ordering::SeqCst) > 10);
    other.abort();
}
