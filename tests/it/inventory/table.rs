//! The table: what it shows, how wide it is, and what it does with names of others.

use std::time::Duration;

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{Clock as _, Privilege, TokenRecord, TokenState, When, days};
use access_tokens_testing::VirtualClock;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::memory::{Memory, record};
use super::outputs::{HOSTILE, hostile};

async fn report(records: Vec<TokenRecord>, clock: VirtualClock) -> Report {
    let inventory = Inventory::new().clock(clock);
    inventory.add("m", Memory::holding(records)).collect().await
}

async fn table(records: Vec<TokenRecord>) -> String {
    report(records, VirtualClock::new())
        .await
        .to_table()
        .to_string()
}

#[tokio::test]
async fn the_table_is_aligned_and_harmless() {
    let report = hostile().await;
    let table = report.to_table().width(200).to_string();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), HOSTILE.len() + 2);
    assert_eq!(lines.last(), Some(&"13 tokens in 1 account"));
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(header[..3], ["ACCOUNT", "NAME", "EXPIRES"]);
    // The column of ends begins at the same column of the terminal in every line.
    let at = lines[0].find("EXPIRES").unwrap();
    for line in &lines[1..=HOSTILE.len()] {
        let (before, _) = line.split_once("unknown").unwrap();
        assert_eq!(before.width(), at, "{line:?}");
    }
    assert!(!table.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!table.contains(['\u{202e}', '\u{200b}']));
    assert!(table.contains("esc\\u{1b}[2J\\u{7}bell"));
    assert!(table.contains("naïve 名前 🔑"));
    assert!(!table.lines().any(|line| line.ends_with(' ')));
}

#[tokio::test]
async fn what_is_past_is_never_in_so_many_hours() {
    let clock = VirtualClock::new();
    let now = clock.now();
    let row = |change: &dyn Fn(&mut TokenRecord)| {
        let mut token = record("k");
        change(&mut token);
        token
    };
    for (token, expected) in [
        // The service's clock is ahead, or the token was used since.
        (
            row(&|t| t.last_used = When::At(now + Duration::from_secs(1))),
            "just now",
        ),
        (
            row(&|t| t.created = When::At(now + Duration::from_secs(7_200))),
            "just now",
        ),
        (
            row(&|t| t.last_used = When::At(now - Duration::from_secs(59))),
            "59 s ago",
        ),
        (
            row(&|t| t.last_used = When::At(now - Duration::from_secs(3_600))),
            "1 h ago",
        ),
        (row(&|t| t.last_used = When::Never), "never"),
        (
            row(&|t| t.expires = When::At(now + Duration::from_secs(90))),
            "2026-01-01 (in 1 min)",
        ),
        (
            row(&|t| t.expires = When::At(now + days(6))),
            "2026-01-07 (in 6 d)",
        ),
        (row(&|t| t.expires = When::At(now)), "2026-01-01 (now)"),
        (
            row(&|t| t.expires = When::At(now - days(1))),
            "2025-12-31 (1 d ago)",
        ),
        // No date of a token.
        (
            row(&|t| t.expires = When::At(std::time::UNIX_EPOCH)),
            "m        -     unknown",
        ),
        (
            row(&|t| t.privilege = Privilege::Custom(Some("release".into()))),
            "custom (release)",
        ),
        (row(&|t| t.state = TokenState::Unusable), "unusable"),
    ] {
        let table = report(vec![token], clock.clone())
            .await
            .to_table()
            .to_string();
        assert!(table.contains(expected), "{expected} is not in\n{table}");
        assert!(!table.contains("in 0"), "{table}");
    }
}

#[tokio::test]
async fn a_long_name_is_cut_in_its_middle_and_little_is_left_out() {
    let mut token = record("66aa10f2c4d5e60011223344");
    token.name = Some(format!("begin-{}-end", "x".repeat(300)));
    token.owner = Some("someone.with.a.long.name@a-rather-long-domain.example.com".into());
    let report = report(vec![token], VirtualClock::new()).await;
    let table = report.to_table().to_string();
    assert!(table.lines().all(|line| line.width() <= 100), "{table}");
    let line = table.lines().nth(1).unwrap();
    let name = line.split_whitespace().nth(1).unwrap();
    assert!(
        name.starts_with("begin-") && name.ends_with("-end") && name.contains('…'),
        "{line}"
    );
    assert!(table.contains("\n(no room for "), "{table}");
    assert!(table.ends_with("1 token in 1 account\n"), "{table}");
    // With room there is everything, up to 40 columns a cell.
    let wide = report.to_table().width(usize::MAX).to_string();
    assert!(!wide.contains("no room"), "{wide}");
    assert!(wide.contains("66aa10f2c4d5e60011223344"), "{wide}");
    assert!(
        wide.lines().next().unwrap().ends_with("CREATED  SERVICE"),
        "{wide}"
    );
}

#[tokio::test]
async fn columns_are_as_wide_as_their_characters() {
    let named = |name: &str| {
        let mut token = record("k");
        token.name = Some(name.to_owned());
        token
    };
    let table = table(vec![
        named("ééééé"),
        named("名前名前"),
        named("e\u{301}e\u{301}"),
    ])
    .await;
    let at = table.lines().next().unwrap().find("EXPIRES").unwrap();
    assert_eq!(at, "ACCOUNT  ".len() + 8 + 2);
    for line in table.lines().skip(1).take(3) {
        let (before, _) = line.split_once("unknown").unwrap();
        assert_eq!(before.width(), at, "{line:?}");
    }
    // Marks upon marks do not pile up without end.
    let zalgo = format!("a{}", "\u{301}".repeat(1_000));
    let table = self::table(vec![named(&zalgo)]).await;
    assert!(table.chars().count() < 1_000, "{}", table.chars().count());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_line_is_wider_than_the_terminal(
        texts in prop::collection::vec(".{0,60}|[名e\u{301}🔑 ]{0,60}", 1..4),
        label in ".{0,60}",
        width in 1_usize..180,
    ) {
        let records: Vec<TokenRecord> = texts.iter().map(|text| {
            let mut token = record(text);
            token.name = Some(text.clone());
            token.owner = Some(text.as_str().into());
            token.privilege = Privilege::Custom(Some(text.clone()));
            token.expires = When::At(std::time::UNIX_EPOCH + days(20_000));
            token
        }).collect();
        let count = records.len();
        let inventory = Inventory::new().add(label, Memory::holding(records));
        let report = runtime().block_on(inventory.collect());
        let table = report.account("no such").to_table().width(width).to_string();
        prop_assert!(table.lines().all(|line| line.width() <= width.max(2)), "{table}");
        let table = report.to_table().width(width).to_string();
        for line in table.lines() {
            // A character of two columns does not fit into one.
            prop_assert!(line.width() <= width.max(2), "{line:?} at {width}");
        }
        prop_assert!(table.lines().count() > count + 1);
    }
}
