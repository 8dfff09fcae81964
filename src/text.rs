//! Text that came from elsewhere, made fit to be shown.

/// Whether a character could play tricks on whoever reads it: it controls a terminal, breaks the line
/// or turns the direction of what follows.
pub(crate) fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Bounded, on one line, and without tricky characters.
pub(crate) fn escape_untrusted(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if is_unsafe_to_print(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_its_tricks_are_spelled_out() {
        assert_eq!(escape_untrusted("abc", 2), "ab…");
        assert_eq!(escape_untrusted("abc", 3), "abc");
        for trick in [
            '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{61c}', '\u{2028}', '\u{202e}', '\u{2066}',
        ] {
            let shown = escape_untrusted(&trick.to_string(), 9);
            assert!(shown.is_ascii() && shown.starts_with("\\u{"), "{shown}");
        }
        assert_eq!(escape_untrusted("é 漢 \u{1f600}", 9), "é 漢 \u{1f600}");
    }
}
