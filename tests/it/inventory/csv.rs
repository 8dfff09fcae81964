//! The CSV, by a reader that is not ours, and as spreadsheets of other locales take it.

use access_tokens::Privilege;
use access_tokens::inventory::{Inventory, Report};
use csv::ReaderBuilder;
use proptest::prelude::*;

use super::memory::{Memory, record};
use super::outputs::{HEADER, HOSTILE, hostile};

/// The cells as a spreadsheet reads them.
fn cells(text: &str, separator: u8, quotes: bool) -> Vec<Vec<String>> {
    ReaderBuilder::new()
        .delimiter(separator)
        .quoting(quotes)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .records()
        .map(|line| line.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn is_formula(cell: &str) -> bool {
    let trimmed = |c: char| c.is_whitespace() || c.is_control() || "\"\u{200b}\u{feff}".contains(c);
    cell.trim_start_matches(trimmed)
        .starts_with(|c: char| "=+-@＝＋－＠﹦﹢﹣﹫−".contains(c))
}

/// What was written, without the marks that were put in against formulas.
fn unmarked(text: &str) -> String {
    text.replace('\'', "")
}

#[tokio::test]
async fn csv_reads_back_and_no_cell_is_a_formula() {
    let report = hostile().await;
    let text = report.to_csv();
    assert!(text.ends_with("\r\n"));
    let lines = cells(&text, b',', true);
    assert_eq!(lines[0].join(","), HEADER);
    assert_eq!(lines.len(), HOSTILE.len() + 1);
    for (line, token) in lines[1..].iter().zip(report.records()) {
        let name = token.name.as_deref().unwrap();
        let expected = match name {
            "=HYPERLINK(\"http://example.com\")" | "-1+1" | "@cmd" => format!("'{name}"),
            _ => name.to_owned(),
        };
        assert_eq!(
            (&line[3], &line[6], &line[11]),
            (&expected, &expected, &expected)
        );
        assert_eq!(line.len(), 13);
        assert!(!line.iter().any(|cell| is_formula(cell)));
    }
}

#[tokio::test]
async fn a_field_is_marked_and_quoted_only_where_it_must_be() {
    for (name, expected) in [
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("x@example.com", "x@example.com"),
        ("1-2", "1-2"),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        (" padded ", "\" padded \""),
        ("x; \"=1", "\"x;' \"\"=1\""),
        ("  -1", "\"'  -1\""),
    ] {
        let mut record = record("k");
        record.name = Some(name.to_owned());
        let report = Inventory::new().add("m", Memory::holding(vec![record]));
        let text = report.collect().await.to_csv();
        assert!(text.contains(&format!(",k,{expected},")), "{text}");
    }
}

#[tokio::test]
async fn a_semicolon_begins_no_formula_where_it_separates() {
    let mut record = record("k");
    record.name = Some("x;=1+1".to_owned());
    let report = Inventory::new().add("m", Memory::holding(vec![record]));
    let text = report.collect().await.to_csv();
    for line in cells(&text, b';', true) {
        assert!(!line.iter().any(|cell| is_formula(cell)), "{line:?}");
    }
}

fn nasty() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just(";"),
        Just(","),
        Just("\t"),
        Just("|"),
        Just("\r\n"),
        Just("\n"),
        Just("\""),
        Just("="),
        Just("-"),
        Just("+"),
        Just("@"),
        Just("＝"),
        Just("＠"),
        Just(" "),
        Just("\u{a0}"),
        Just("\u{200b}"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("\u{2029}"),
        Just("\u{b}"),
        Just("\u{c}"),
        Just("−"),
        Just("﹦"),
        Just("x"),
        Just("1"),
        Just("cmd|' /C calc'!A0"),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn report_of(texts: &[String; 5]) -> Report {
    let [label, key, name, owner, role] = texts;
    let mut record = record(key);
    record.name = Some(name.clone());
    record.owner = Some(owner.as_str().into());
    record.privilege = Privilege::Custom(Some(role.clone()));
    let inventory = Inventory::new().add(label.clone(), Memory::holding(vec![record]));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(inventory.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_locale_finds_a_formula_and_nothing_is_lost(
        texts in [nasty(), nasty(), nasty(), nasty(), nasty()],
    ) {
        let text = report_of(&texts).to_csv();
        for separator in *b",;\t|" {
            for quotes in [true, false] {
                for line in cells(&text, separator, quotes) {
                    // Some take these for ends of lines.
                    let ends = "\n\r\u{b}\u{c}\u{85}\u{2028}\u{2029}";
                    for cell in line.iter().flat_map(|cell| cell.split(|c| ends.contains(c))) {
                        prop_assert!(!is_formula(cell), "{cell:?} in {text:?}");
                    }
                }
            }
        }
        let lines = cells(&text, b',', true);
        prop_assert_eq!(lines.len(), 2);
        let line = &lines[1];
        for (at, text) in [0, 2, 3, 11, 6].into_iter().zip(&texts) {
            prop_assert_eq!(unmarked(&line[at]), unmarked(text));
        }
    }
}
