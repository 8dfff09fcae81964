//! A secret found in a text, in whatever form it is written there.

mod escapes;
mod forms;

use std::collections::HashSet;
use std::ops::Range;

use zeroize::Zeroizing;

use self::escapes::{escaped, number};
use self::forms::Form;
use super::characters::is_unsafe_to_print;
use crate::secret::Secret;

/// This much of a secret in a row is taken out, so that none gets by in two halves.
const FRAGMENT: usize = 8;

/// How often a text may have been escaped: JSON in JSON in a shell's quotes.
const LAYERS: usize = 3;

/// How colours and the like begin in what is made for a terminal.
const COLOUR: &str = "\u{1b}[";

const SHOWN: &str = "[redacted]";

/// The text without the secret and without fragments of it of eight characters or more: as it is or
/// backwards, in capitals or small letters, in base64 or base32, as hexadecimal, decimal, octal or
/// binary bytes, of UTF-8 or UTF-16, percent-encoded, escaped as in JSON, HTML or a shell, and with
/// anything in between that is neither letter nor digit, such as line ends and colours.
pub(crate) fn redact(text: &str, secret: &Secret) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let needles = Needles::of(secret.expose_secret().as_bytes());
    let mut hidden = vec![false; text.len()];
    needles.mark_layers(View::of(text, true), &mut hidden);
    if text.contains(COLOUR) {
        // What looks like a colour may be how the secret begins.
        needles.mark_layers(View::of(text, false), &mut hidden);
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
    /// The text without what shows nothing: marks between letters, and colours and the like if they are
    /// `passed_over`.
    fn of(text: &str, passed_over: bool) -> Self {
        let mut out = Self::default();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if passed_over && c == '\u{1b}' && chars.next_if(|(_, c)| *c == '[').is_some() {
                while chars.next_if(|(_, c)| matches!(c, ' '..='?')).is_some() {}
                chars.next_if(|(_, c)| matches!(c, '@'..='~'));
            } else if c.is_whitespace() || !(is_unsafe_to_print(c) || is_combining(c)) {
                for place in at..at + c.len_utf8() {
                    if let Some(byte) = text.as_bytes().get(place) {
                        out.push(*byte, place..place + 1);
                    }
                }
            }
        }
        out
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

    /// Numbers read as bytes or pairs of them: `[97, 112, 105]`, `0x61, 0x70, 0x69`, `070141`; not the
    /// zeros of UTF-16.
    fn numbers(&self, radix: u32) -> Self {
        let mut out = Self::default();
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (skipped, radix) = if rest.starts_with(b"0x") {
                (2, 16)
            } else {
                (0, radix)
            };
            let digits = rest.get(skipped..).unwrap_or_default().iter();
            let digits = digits.take_while(|byte| char::from(**byte).is_digit(radix));
            let length = skipped + digits.count();
            let number = rest
                .get(skipped..length)
                .and_then(|digits| number(digits, radix));
            // A dump may show two bytes as one number, the lower first.
            let word = number.and_then(|number| u16::try_from(number).ok());
            for byte in word.map(u16::to_le_bytes).into_iter().flatten() {
                if byte != 0 {
                    out.push(byte, self.place(at..at + length));
                }
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

/// Accents that are drawn over the letter before them.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// What to look for: a secret in each of its forms.
struct Needles {
    /// As it is, and backwards.
    literal: [Form; 2],
    /// The same and its base64 and base32, by their letters and digits.
    letters: Vec<Form>,
    hexadecimal: Vec<Form>,
}

/// What is shorter could be a piece of anything.
const LEAST_LETTERS: usize = 6;

impl Needles {
    fn of(secret: &[u8]) -> Self {
        let lower = |bytes: &[u8]| Zeroizing::new(bytes.to_ascii_lowercase());
        let encoded: Vec<_> = forms::base64(secret).collect();
        let wide = forms::utf16(secret);
        // As a secret of Kubernetes holds a password of a registry.
        let twice = encoded.iter().flat_map(|form| forms::base64(form));
        let mut letters = vec![lower(secret)];
        let all = twice
            .chain(forms::base64(&wide))
            .chain(forms::base32(secret));
        letters.extend(all.chain(encoded.iter().cloned()).map(|form| lower(&form)));
        for form in &mut letters {
            form.retain(|byte| is_letter(*byte));
        }
        letters.retain(|form| form.len() >= LEAST_LETTERS);
        let hexadecimal = [secret, &wide].map(forms::hexadecimal).into_iter();
        let words = forms::words(secret).map(|words| forms::hexadecimal(&words));
        Self {
            literal: [lower(secret), lower(&forms::reversed(secret))],
            letters,
            hexadecimal: hexadecimal.chain(words).collect(),
        }
    }

    /// Marks what is found in the view, and below each layer of escapes.
    fn mark_layers(&self, mut view: View, hidden: &mut [bool]) {
        for _ in 0..=LAYERS {
            self.mark(&view, hidden);
            match view.unescaped() {
                Some(inner) => view = inner,
                None => break,
            }
        }
    }

    fn mark(&self, view: &View, hidden: &mut [bool]) {
        let [literal, reversed] = &self.literal;
        let fragment = literal.len().min(FRAGMENT);
        let at_least = fragment.max(4);
        mark(view, literal, fragment, hidden);
        mark(view, reversed, at_least, hidden);
        for radix in [2, 8, 10] {
            mark(&view.numbers(radix), literal, at_least, hidden);
        }
        let joined = view.without(|byte| byte.is_ascii_whitespace() || b"'\"\\`".contains(&byte));
        mark(&joined, literal, at_least, hidden);
        let letters = view.without(|byte| !is_letter(byte));
        for form in &self.hexadecimal {
            mark(&letters, form, at_least * 2, hidden);
        }
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
            "141 160 151 055 064 146 071 130",
            "01100001 01110000 01101001 00101101 00110100 01100110 00111001 01011000",
            // As words of two bytes, beginning in one and between two.
            "0000000 7061 2d69 6634 5839 2f71 6232 522b 3774",
            "0000000 6120 6970 342d 3966 7158 322f 2b62 7452",
            "0000000 070141 026551 063064 054071 027561 061062 051053 033564",
            "28769 11625 26164 22585 12145 25138 21035 14196",
            // UTF-16, bare, in base64, hexadecimal and decimal.
            "a\0p\0i\0-\x004\0f\x009\0X\0q\0",
            "YQBwAGkALQA0AGYAOQBYAHEALwAyAGIA",
            "6100700069002d00340066003900580071002f00",
            "[97, 0, 112, 0, 105, 0, 45, 0, 52, 0, 102, 0, 57, 0, 88, 0]",
            // Base32, with nothing and one byte before it.
            "MFYGSLJUMY4VQ4JPGJRCWUTUG5PWGMK2NMRDQ3J5E5LXGNI=",
            "PBQXA2JNGRTDSWDRF4ZGEK2SOQ3V6YZRLJVSEODNHUTVO4ZV",
            // Backwards.
            "5sW'=m8\"kZ1c_7tR+b2/qX9f4-ipa",
            // Coloured, and with what shows nothing in between.
            "api-\u{1b}[01;31m\u{1b}[K4f9X\u{1b}[m\u{1b}[Kq/2b",
            "a\u{200b}p\u{200b}i\u{200b}-\u{200b}4\u{200b}f\u{200b}9\u{200b}X",
            "a\u{301}p\u{301}i\u{301}-\u{301}4\u{301}f\u{301}9\u{301}X",
            // Escapes, also of all characters and of escapes.
            "api-4f9Xq%2F2b%2BRt7_c1Zk%228m%3D%27Ws5",
            "%61%70%69%2d%34%66%39%58%71",
            "api-4f9Xq%252F2b%252BRt7",
            "api-4f9Xq\\/2b+Rt7_c1Zk\\\"8m='Ws5",
            "\\u0061\\u0070\\u0069\\u002d4f9X",
            "\\x{61}\\x{70}\\x{69}\\x{2d}\\x{34}\\x{66}\\x{39}\\x{58}",
            "\\141\\160\\151\\55\\64\\146\\71\\130 \\0141\\0160\\0151\\055\\064\\0146\\071\\0130",
            "%u0061%u0070%u0069%u002d%u0034%u0066%u0039%u0058",
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
                "97, 112", "70", "141", "0110", "7061", "6970", "070141", "28769", "yqbw", "mfyg",
                "pbqx", "ipa", "tr+b",
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

    #[test]
    fn a_secret_that_looks_like_a_colour_is_found() {
        for (before, secret) in [
            ("\u{1b}", "[!!a0a!!"),
            ("\u{1b}[", "12345678"),
            ("\u{1b}[01;", "31m45678"),
        ] {
            let shown = redact(&format!("{before}{secret}."), &Secret::new(secret));
            assert_eq!(shown, format!("{before}{SHOWN}."));
        }
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
