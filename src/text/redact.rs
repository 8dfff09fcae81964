//! A secret found in a text, in whatever form it is written there.

use std::collections::HashSet;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// This much of a secret in a row is taken out, so that none gets by in two halves.
const FRAGMENT: usize = 8;

/// How often a text may have been escaped: JSON in JSON in a shell's quotes.
const LAYERS: usize = 3;

const SHOWN: &str = "[redacted]";

/// The text without the secret and without fragments of it of eight characters or more: as it is,
/// in capitals or small letters, in base64, hexadecimal or decimal bytes, percent-encoded, escaped
/// as in JSON, HTML or a shell, and with anything in between that is neither letter nor digit, such
/// as line ends.
pub(crate) fn redact(text: &str, secret: &Secret) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let needles = Needles::of(secret.expose_secret().as_bytes());
    let mut hidden = vec![false; text.len()];
    let mut view = View::of(text);
    for _ in 0..=LAYERS {
        needles.mark(&view, &mut hidden);
        match view.unescaped() {
            Some(inner) => view = inner,
            None => break,
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let hide = hidden.get(at..at + c.len_utf8());
        let hide = hide.is_some_and(|bytes| bytes.contains(&true));
        match (hide, inside) {
            (true, false) => out.push_str(SHOWN),
            (true, true) => {}
            (false, _) => out.push(c),
        }
        inside = hide;
    }
    out
}

/// What the bytes of a text mean, and where each stands in it.
#[derive(Default)]
struct View {
    bytes: Zeroizing<Vec<u8>>,
    places: Vec<Range<usize>>,
}

impl View {
    fn of(text: &str) -> Self {
        Self {
            bytes: Zeroizing::new(text.to_ascii_lowercase().into_bytes()),
            places: (0..text.len()).map(|at| at..at + 1).collect(),
        }
    }

    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte.to_ascii_lowercase());
        self.places.push(place);
    }

    /// Where the bytes of a range stand in the text.
    fn place(&self, range: Range<usize>) -> Range<usize> {
        let first = self.places.get(range.start);
        let last = self.places.get(range.end.saturating_sub(1));
        match (first, last) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }

    /// The rest, as if some bytes did not stand there.
    fn without(&self, passed_over: impl Fn(u8) -> bool) -> Self {
        let mut out = Self::default();
        for (byte, place) in self.bytes.iter().zip(&self.places) {
            if !passed_over(*byte) {
                out.push(*byte, place.clone());
            }
        }
        out
    }

    /// Numbers read as bytes: `[97, 112, 105]`, `0x61, 0x70, 0x69`.
    fn numbers(&self) -> Self {
        let mut out = Self::default();
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (skipped, radix) = if rest.starts_with(b"0x") {
                (2, 16)
            } else {
                (0, 10)
            };
            let digits = rest.get(skipped..).unwrap_or_default().iter();
            let digits = digits.take_while(|byte| char::from(**byte).is_digit(radix));
            let length = skipped + digits.count();
            let number = rest
                .get(skipped..length)
                .and_then(|digits| number(digits, radix));
            if let Some(byte) = number.and_then(|number| u8::try_from(number).ok()) {
                out.push(byte, self.place(at..at + length));
            }
            at += length.max(1);
        }
        out
    }

    /// One layer of escapes taken off; `None` if there is none.
    fn unescaped(&self) -> Option<Self> {
        let mut out = Self::default();
        let (mut at, mut found) = (0, false);
        while let Some(&byte) = self.bytes.get(at) {
            let rest = self.bytes.get(at + 1..).unwrap_or_default();
            let Some((c, length)) = escaped(byte, rest) else {
                out.push(byte, self.place(at..at + 1));
                at += 1;
                continue;
            };
            let length = length + 1;
            found = true;
            let mut buffer = [0; 4];
            let bytes = match (byte, u8::try_from(c)) {
                // Percent-encoding and `\x` are about bytes and not characters.
                (b'%' | b'\\', Ok(byte)) => {
                    buffer = [byte; 4];
                    buffer.get(..1).unwrap_or_default()
                }
                _ => char::from_u32(c).map_or(&[][..], |c| c.encode_utf8(&mut buffer).as_bytes()),
            };
            for &one in bytes {
                out.push(one, self.place(at..at + length));
            }
            at += length;
        }
        found.then_some(out)
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// The character that an escape stands for, and the length of what follows its first byte.
fn escaped(first: u8, rest: &[u8]) -> Option<(u32, usize)> {
    let digits = |from: usize, count: usize, radix| {
        let digits = rest.get(from..from + count)?;
        Some((number(digits, radix)?, from + count))
    };
    // A number up to where it ends, such as `&#x2d;` or `\u{2d}`.
    let until = |from: usize, end: u8, radix| {
        let length = rest
            .get(from..)?
            .iter()
            .take(9)
            .position(|byte| *byte == end)?;
        let (number, next) = digits(from, length, radix)?;
        Some((number, next + 1))
    };
    match (first, rest) {
        (b'%', _) => digits(0, 2, 16),
        (b'\\', [b'u', b'{', ..]) => until(2, b'}', 16),
        (b'\\', [b'u', ..]) => digits(1, 4, 16),
        (b'\\', [b'x', ..]) => digits(1, 2, 16),
        (b'\\', [b'0'..=b'3', ..]) => digits(0, 3, 8),
        (b'\\', [c, ..]) if !c.is_ascii_alphanumeric() => Some((u32::from(*c), 1)),
        (b'&', [b'#', b'x', ..]) => until(2, b';', 16),
        (b'&', [b'#', ..]) => until(1, b';', 10),
        (b'&', _) => {
            let names = [
                ("amp;", '&'),
                ("lt;", '<'),
                ("gt;", '>'),
                ("quot;", '"'),
                ("apos;", '\''),
            ];
            let known = names
                .iter()
                .find(|(name, _)| rest.starts_with(name.as_bytes()));
            known.map(|(name, c)| (u32::from(*c), name.len()))
        }
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, radix).ok()
}

/// What to look for: a secret in each of its forms.
struct Needles {
    literal: Zeroizing<Vec<u8>>,
    /// The same and its base64, by their letters and digits.
    letters: Vec<Zeroizing<Vec<u8>>>,
    hexadecimal: Zeroizing<Vec<u8>>,
}

/// What is shorter could be a piece of anything.
const LEAST_LETTERS: usize = 6;

impl Needles {
    fn of(secret: &[u8]) -> Self {
        let lower = |bytes: &[u8]| Zeroizing::new(bytes.to_ascii_lowercase());
        let encoded: Vec<_> = (0..3).map(|offset| base64(secret, offset)).collect();
        // As a secret of Kubernetes holds a password of a registry.
        let twice = encoded.iter().flat_map(|form| {
            let form = form.as_slice();
            (0..3).map(move |offset| base64(form, offset))
        });
        let mut letters = vec![lower(secret)];
        letters.extend(
            twice
                .chain(encoded.iter().cloned())
                .map(|form| lower(&form)),
        );
        for form in &mut letters {
            form.retain(|byte| is_letter(*byte));
        }
        letters.retain(|form| form.len() >= LEAST_LETTERS);
        Self {
            literal: lower(secret),
            letters,
            hexadecimal: Zeroizing::new(hexadecimal(secret)),
        }
    }

    fn mark(&self, view: &View, hidden: &mut [bool]) {
        let fragment = self.literal.len().min(FRAGMENT);
        let at_least = fragment.max(4);
        mark(view, &self.literal, fragment, hidden);
        mark(&view.numbers(), &self.literal, at_least, hidden);
        let joined = view.without(|byte| byte.is_ascii_whitespace() || b"'\"\\`".contains(&byte));
        mark(&joined, &self.literal, at_least, hidden);
        let letters = view.without(|byte| !is_letter(byte));
        mark(&letters, &self.hexadecimal, at_least * 2, hidden);
        for form in &self.letters {
            mark(&letters, form, form.len().min(FRAGMENT), hidden);
        }
    }
}

/// Hides every piece of the needle that is as long as a fragment.
fn mark(view: &View, needle: &[u8], fragment: usize, hidden: &mut [bool]) {
    let pieces: HashSet<&[u8]> = needle.windows(fragment.max(1)).collect();
    if pieces.is_empty() {
        return;
    }
    for (at, piece) in view.bytes.windows(fragment.max(1)).enumerate() {
        if pieces.contains(piece) {
            let place = view.place(at..at + fragment.max(1));
            if let Some(hidden) = hidden.get_mut(place) {
                hidden.fill(true);
            }
        }
    }
}

/// The characters in base64 that depend on nothing but the secret, if `offset` bytes stand before it
/// in its group of three.
fn base64(secret: &[u8], offset: usize) -> Zeroizing<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| {
        let byte = secret.get((at / 8).checked_sub(offset)?)?;
        Some(usize::from(byte >> (7 - at % 8)) & 1)
    };
    let sextets = (offset + secret.len()) * 8 / 6;
    let sextet = |at: usize| (0..6).try_fold(0, |value, n| Some(value << 1 | bit(at * 6 + n)?));
    let known = (0..sextets).filter_map(sextet);
    Zeroizing::new(
        known
            .filter_map(|value: usize| ALPHABET.get(value).copied())
            .collect(),
    )
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let nibble = |nibble: u8| b"0123456789abcdef".get(usize::from(nibble)).copied();
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(nibble).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "api-4f9Xq/2b+Rt7_c1Zk\"8m='Ws5";

    #[test]
    fn every_usual_form_is_found() {
        for text in [
            "as it is: api-4f9Xq/2b+Rt7_c1Zk\"8m='Ws5.",
            "API-4F9XQ/2B+RT7_C1ZK\"8M='WS5 api-4f9xq/2b+rt7_c1zk\"8m='ws5",
            // Cut at either end.
            "...Rt7_c1Zk\"8m='Ws5",
            "it is api-4f9X",
            "=\"q/2b+Rt7",
            // Base64 with nothing, one and two bytes before it, by the usual and the URL alphabet.
            "YXBpLTRmOVhxLzJiK1J0N19jMVprIjhtPSdXczU=",
            "dTphcGktNGY5WHEvMmIrUnQ3X2MxWmsiOG09J1dzNQ==",
            "ImFwaS00ZjlYcS8yYitSdDdfYzFaayI4bT0nV3M1Ig",
            "YXBpLTRmOVhxLzJiK1J0N19jMVpr\nIjhtPSdXczU=",
            // Of that, again.
            "WVhCcExUUm1PVmh4THpKaUsxSjBOMTlqTVZwcklqaHRQU2RYY3pVPQ==",
            "eyJhdXRoIjogImRUcGhjR2t0TkdZNVdIRXZNbUlyVW5RM1gyTXhXbXNpT0cwOUoxZHpOUT09In0=",
            // Hexadecimal, in one piece and as dumps show it.
            "6170692d346639587",
            "6170692D34663958712F32622B",
            "61:70:69:2d:34:66:39:58:71:2f",
            "<Buffer 61 70 69 2d 34 66 39 58>",
            "[97, 112, 105, 45, 52, 102, 57, 88, 113]",
            "0x61, 0x70, 0x69, 0x2d, 0x34, 0x66, 0x39, 0x58",
            // Escapes, also of all characters and of escapes.
            "api-4f9Xq%2F2b%2BRt7_c1Zk%228m%3D%27Ws5",
            "%61%70%69%2d%34%66%39%58%71",
            "api-4f9Xq%252F2b%252BRt7",
            "api-4f9Xq\\/2b+Rt7_c1Zk\\\"8m='Ws5",
            "\\u0061\\u0070\\u0069\\u002d4f9X",
            "api\\x2d4f9Xq\\u{2f}2b\\053Rt7",
            "{\\\"token\\\": \\\"api-4f9Xq\\\\/2b+Rt7_c1Zk",
            "api-4f9Xq&#x2F;2b&#43;Rt7_c1Zk&quot;8m",
            "'api-4f9Xq/2b+Rt7_c1Zk\"8m='\\''Ws5'",
            // In several lines, or with a space after each.
            "api-4f9X\nq/2b+Rt7",
            "a p i - 4 f 9 X q",
            "'api-'\"4f9Xq\"",
        ] {
            let shown = redact(text, &Secret::new(SECRET));
            let rest = shown.replace(SHOWN, "").to_ascii_lowercase();
            for piece in [
                "api", "4f9x", "rt7", "c1zk", "ws5", "yxb", "bmzk", "wvhc", "njvw", "61706",
                "97, 112", "70",
            ] {
                assert!(!rest.contains(piece), "{text}\n{shown}");
            }
            assert!(shown.contains(SHOWN), "{text}\n{shown}");
        }
    }

    #[test]
    fn what_is_not_the_secret_stays() {
        let secret = Secret::new(SECRET);
        for text in [
            "",
            "the API answers 401: api-key unknown",
            "4f9Xq/2",
            "50% of \\u{zz} & %zz \\",
            "é 漢 \u{1f600}",
            "[1, 2, 300, 97, 112, 105]",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(redact(text, &secret), text);
        }
        assert_eq!(redact("as is", &Secret::new("")), "as is");
        assert_eq!(redact("a12345", &Secret::new("1234")), "a[redacted]5");
        assert_eq!(
            redact("é-canary-é", &Secret::new("canary")),
            "é-[redacted]-é"
        );
        assert_eq!(redact("pâssword", &Secret::new("pâssword")), SHOWN);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_secret_stays(before in ".{0,40}", secret in "[!-~]{8,60}", after in ".{0,40}") {
            let text = format!("{before}{secret}{after}");
            let shown = redact(&text, &Secret::new(secret.clone()));
            prop_assert!(!shown.contains(&secret), "{}", shown);
            redact(&before, &Secret::new(after.clone()));
        }
    }
}
