//! The small parsers: markers, dates, ids, times.
#![no_main]

use access_tokens::{DateText, Marker, TokenId, UnixMillis, UnixSeconds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(marker) = Marker::in_text(text) {
        assert_eq!(marker.to_string().parse(), Ok(marker.clone()));
        assert_eq!(Marker::in_text(&marker.appended_to(text)), Some(marker));
    }
    assert!(text.starts_with(Marker::stripped(text)));
    let _ = DateText::new(text).parse();
    if let Ok(id) = text.parse::<TokenId>() {
        assert_eq!(id.to_string(), text);
        assert!(!text.is_empty() && !text.contains(['/', '\\', '%', '?', '#']));
        assert!(text != "." && text != "..");
    }
    if let Ok(time) = serde_json::from_str::<UnixMillis>(text) {
        let _ = (time.to_string(), time.to_system_time());
    }
    if let Ok(time) = serde_json::from_str::<UnixSeconds>(text) {
        let _ = (time.to_string(), time.to_system_time());
    }
});
