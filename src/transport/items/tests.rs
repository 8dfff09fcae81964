//! However a body is cut, the same comes of it; and no cut makes reading it long.

use proptest::prelude::*;
use serde::Deserialize;

use super::{Arriving as _, Items};

#[derive(Debug, Deserialize, PartialEq)]
struct Item {
    id: String,
    n: Option<u32>,
}

/// What comes of a body: the ids, what is said of those that cannot be read, and what is left.
type Came = Result<(Option<(Vec<String>, Vec<String>)>, String), String>;

fn read<'a>(member: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Came {
    let mut items = Items::<Item>::new("id");
    if member {
        items = items.within("items");
    }
    for piece in pieces {
        items.take(piece);
    }
    let rest = String::from_utf8_lossy(&items.rest()).into_owned();
    let came = items.listing()?.map(|all| {
        let (items, odd) = all.into_parts();
        let odd = odd.iter().map(ToString::to_string).collect();
        (items.into_iter().map(|item| item.id).collect(), odd)
    });
    Ok((came, rest))
}

fn whole(member: bool, body: &str) -> Came {
    read(member, [body.as_bytes()])
}

/// The items of a list, and the list with all before and behind it.
fn body() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        6 => "[a-zäß€😀\\]\\[{},]{0,9}".prop_map(|id| format!(r#"{{"id":"{id}","n":1}}"#)),
        1 => Just(r#"{"id":"a\"]","x":[{"y":"]"}],"n":2}"#.to_owned()),
        1 => Just(r#"{"x":[-1.5e+3,-7,2E-4,true,null,"\ud83d\ude00"],"id":"b"}"#.to_owned()),
        1 => Just(r#"{"id":"odd","n":"no number","x":[-1.5e+3,-7,2E-4,false]}"#.to_owned()),
        1 => prop_oneof![
            Just("7"), Just("-12.5e3"), Just("null"), Just("\"]\""), Just("[[]]"), Just("{}")
        ]
            .prop_map(str::to_owned),
    ];
    let space = || prop_oneof![Just(""), Just(" "), Just("\n\t")];
    let list = (proptest::collection::vec(item, 0..9), space(), space())
        .prop_map(|(items, a, b)| format!("[{a}{}{b}]", items.join(&format!("{b},{a}"))));
    let before = prop_oneof![
        Just(""),
        Just(r#""_links":{"a":[1,"}"]},"#),
        Just(r#" "n" : -12.5e+3 ,"#)
    ];
    let behind = prop_oneof![Just("}"), Just(r#","totalCount":3}"#), Just(" } ")];
    prop_oneof![
        list.clone(),
        (before, list, behind).prop_map(|(a, list, b)| format!(r#"{{{a}"items":{list}{b}"#)),
    ]
}

proptest! {
    #[test]
    fn the_same_comes_of_a_body_however_it_is_cut(
        body in body(),
        cuts in proptest::collection::vec(0..200_usize, 0..9),
        // What is no JSON any more, or no text.
        broken in proptest::option::weighted(0.3, (0..200_usize, prop_oneof![Just(b'}'), Just(b'"'), Just(0xff)])),
    ) {
        let member = body.starts_with('{');
        let mut bytes = body.into_bytes();
        if let Some((at, byte)) = broken && let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let at_once = read(member, [&*bytes]);
        prop_assert_eq!(read(member, pieces), at_once.clone());
        prop_assert_eq!(read(member, bytes.chunks(1)), at_once.clone());
        if broken.is_none() {
            // Nothing but what is asked of serde.
            let all: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let all = if member { &all["items"] } else { &all };
            let good = |value: &&serde_json::Value| Item::deserialize(*value).is_ok();
            let count = all.as_array().unwrap().len();
            let good: Vec<_> = all.as_array().unwrap().iter().filter(good).collect();
            match at_once {
                Err(reason) => prop_assert!(good.is_empty() && count > 0, "{reason}"),
                Ok((came, rest)) => {
                    let (ids, odd) = came.unwrap();
                    let expected: Vec<_> = good.iter().map(|item| item["id"].as_str().unwrap()).collect();
                    prop_assert_eq!(&ids, &expected);
                    prop_assert_eq!(odd.len(), count - ids.len());
                    let rest: serde_json::Value = serde_json::from_str(&rest).unwrap();
                    let rest = if member { &rest["items"] } else { &rest };
                    prop_assert_eq!(rest, &serde_json::json!([]));
                }
            }
        }
    }
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let reason = |member, body: &str| whole(member, body).unwrap_err();
    let wrong = "is missing something or not of the documented type";
    assert_eq!(
        reason(true, r#"{"items":[{}]}"#),
        format!("items[0] {wrong}")
    );
    assert_eq!(reason(false, r#"[7,{"id":1}]"#), format!("[0] {wrong}"));
    assert_eq!(reason(false, r#"[{"id":1}]"#), format!("[0].id {wrong}"));
    assert_eq!(
        reason(true, r#"{"items":[{"id":"a"},}"#),
        "items[1] is not JSON"
    );
    assert_eq!(
        reason(true, r#"{"items":[{"id":"a"} {"#),
        "items[1] is not JSON"
    );
    assert_eq!(reason(true, r#"{"items":[,"#), "items[0] is not JSON");
    assert_eq!(
        reason(true, r#"{"items":[{"id":"a"},]}"#),
        "items[1] is not JSON"
    );
    assert_eq!(
        reason(true, r#"{"items":[{"id":"a"},{"id"#),
        "items[1] is not whole"
    );
    assert_eq!(reason(false, r#"[{"id":"a"},"#), "[1] is not whole");
    let text = read(false, [&b"[{\"id\":\"a\"}\xff]"[..]]);
    assert_eq!(text.unwrap_err(), "[1] is not text");
    let odd = whole(false, r#"[{"id":"a"},{"id":"b","n":"c"}]"#)
        .unwrap()
        .0
        .unwrap();
    assert_eq!(odd.1, [format!("item 1 (b): n {wrong}")]);
}

#[test]
fn what_is_no_text_costs_its_own_item_where_it_is_read_and_nothing_where_it_is_not() {
    let body = b"{\"x\":\"\xff\",\"items\":[{\"id\":\"a\",\"x\":\"\xff\"},{\"id\":\"\xff\"},{\"id\":\"b\"}],\"y\":\"\xff\"}";
    for size in 1..body.len() {
        let (came, rest) = read(true, body.chunks(size)).unwrap();
        let (ids, odd) = came.unwrap();
        assert_eq!(
            (ids, odd),
            (
                vec!["a".into(), "b".into()],
                vec!["item 1 (\u{fffd}): it is not text".into()]
            )
        );
        assert_eq!(rest, "{\"x\":\"\u{fffd}\",\"items\":[],\"y\":\"\u{fffd}\"}");
    }
}

#[test]
fn what_has_no_list_where_it_should_be_is_left_whole() {
    for body in [
        "",
        " ",
        "7",
        "null",
        "<html>",
        r#"{"item":[]}"#,
        r#"{"items":null,"totalCount":0}"#,
        r#"{"items":7}"#,
        r#"{"a":1"#,
        r#"{"a":1]"#,
        r#"{"items"#,
        r#"[{"id":"a"}]"#,
    ] {
        assert_eq!(whole(true, body), Ok((None, body.to_owned())), "{body}");
        assert_eq!(
            read(true, body.as_bytes().chunks(1)),
            Ok((None, body.to_owned())),
            "{body}"
        );
    }
    assert_eq!(whole(false, "{}"), Ok((None, "{}".to_owned())));
}

#[test]
fn a_body_that_is_read_anew_leaves_nothing_of_the_one_before() {
    let mut items = Items::<Item>::new("id");
    items.take(b"[{\"id\":\"a\"},{\"id\":7},{\"i");
    items.restart();
    items.take(b"[{\"id\":\"b\"}]");
    assert_eq!(items.rest(), b"[]");
    let all = items.listing().unwrap().unwrap();
    let ids: Vec<_> = all.iter().map(|item| item.id.as_str()).collect();
    assert_eq!((ids, all.unreadable().len()), (vec!["b"], 0));
}

#[test]
fn a_long_item_in_many_pieces_is_looked_at_a_few_times_only() {
    let id = "x".repeat(1 << 20);
    let body = format!(r#"[{{"id":"{id}"}}]"#);
    let mut items = Items::<Counted>::new("id");
    let looks = LOOKS.get();
    for piece in body.as_bytes().chunks(16) {
        items.take(piece);
    }
    items.rest();
    assert_eq!(items.listing().unwrap().unwrap().len(), 1);
    // Each look is at a text twice as long.
    assert!(LOOKS.get() - looks <= 20, "{}", LOOKS.get() - looks);
}

thread_local! {
    static LOOKS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LOOKS.set(LOOKS.get() + 1);
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
