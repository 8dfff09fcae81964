//! Text for people: what came from elsewhere made fit to be shown, and lengths of time.

mod characters;
mod duration;
mod redact;

pub(crate) use self::characters::is_unsafe_to_print;
pub(crate) use self::duration::{human_duration, short_duration};
pub(crate) use self::redact::redact;
use crate::secret::Secret;

/// The text with what could play tricks on a reader spelled out: one line of at most `most`
/// characters, the last of them `…` if something was cut off.
pub(crate) fn escape_untrusted(text: &str, most: usize) -> String {
    let mut out = String::new();
    let (mut count, mut cut) = (0_usize, 0);
    for c in text.chars() {
        if is_unsafe_to_print(c) {
            let spelled = c.escape_default();
            count = count.saturating_add(spelled.len());
            out.extend(spelled);
        } else {
            count = count.saturating_add(1);
            out.push(c);
        }
        if count > most {
            out.truncate(cut);
            out.push('…');
            break;
        }
        if count < most {
            cut = out.len();
        }
    }
    out
}

/// Words of somebody who knew the secret: without it, and escaped as by [`escape_untrusted`].
pub(crate) fn redact_untrusted(text: &str, secret: &Secret, most: usize) -> String {
    // What lies beyond is not shown, however much a redaction shortens the rest.
    const AMPLE: usize = 32;
    let end = most.saturating_mul(AMPLE).min(text.len());
    let end = (0..=end).rev().find(|end| text.is_char_boundary(*end));
    let text = text.get(..end.unwrap_or_default()).unwrap_or_default();
    escape_untrusted(redact(text, secret).trim(), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_its_tricks_are_spelled_out() {
        assert_eq!(escape_untrusted("abc", 2), "a…");
        assert_eq!(escape_untrusted("abc", 3), "abc");
        assert_eq!(escape_untrusted("ab\n", 3), "ab…");
        assert_eq!(escape_untrusted("ab\nc", 4), "ab…");
        assert_eq!(escape_untrusted("", 0), "");
        assert_eq!(escape_untrusted("a", 0), "…");
        for trick in [
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{3164}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            let shown = escape_untrusted(&trick.to_string(), 9);
            assert!(shown.is_ascii() && shown.starts_with('\\'), "{shown}");
        }
        for plain in ["é 漢 \u{1f600}", "❤\u{fe0f} say \"hi\" \\ it's"] {
            assert_eq!(escape_untrusted(plain, 99), plain);
        }
    }

    #[test]
    fn words_without_the_secret_are_one_bounded_line() {
        let secret = Secret::new("canary");
        assert_eq!(
            redact_untrusted("one: canary\r\ntwo: xcanaryx\u{202e}\n", &secret, 99),
            "one: [redacted]\\r\\ntwo: x[redacted]x\\u{202e}"
        );
        let long = redact_untrusted(&"é".repeat(400_000), &secret, 512);
        assert_eq!(long.chars().count(), 512);
    }
}
