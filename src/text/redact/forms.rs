//! The forms in which programs write bytes down.

use zeroize::Zeroizing;

pub(super) type Form = Zeroizing<Vec<u8>>;

/// How many bytes of a secret may stand before it in a group of base64, and of base32.
const GROUP_64: usize = 3;
const GROUP_32: usize = 5;

/// The secret in base64, wherever it begins in a group of three.
pub(super) fn base64(secret: &[u8]) -> impl Iterator<Item = Form> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..GROUP_64).map(|offset| grouped(secret, offset, 6, ALPHABET))
}

/// The secret in base32, wherever it begins in a group of five.
pub(super) fn base32(secret: &[u8]) -> impl Iterator<Item = Form> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    (0..GROUP_32).map(|offset| grouped(secret, offset, 5, ALPHABET))
}

/// The characters that depend on nothing but the secret, if `offset` bytes stand before it in its
/// group.
fn grouped(secret: &[u8], offset: usize, bits: usize, alphabet: &[u8]) -> Form {
    let bit = |at: usize| {
        let byte = secret.get((at / 8).checked_sub(offset)?)?;
        Some(usize::from(byte >> (7 - at % 8)) & 1)
    };
    let digits = (offset + secret.len()) * 8 / bits;
    let digit =
        |at: usize| (0..bits).try_fold(0, |value, n| Some(value << 1 | bit(at * bits + n)?));
    let known = (0..digits).filter_map(digit);
    Zeroizing::new(
        known
            .filter_map(|value: usize| alphabet.get(value).copied())
            .collect(),
    )
}

pub(super) fn hexadecimal(bytes: &[u8]) -> Form {
    let nibble = |nibble: u8| b"0123456789abcdef".get(usize::from(nibble)).copied();
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(nibbles.filter_map(nibble).collect())
}

/// As systems keep texts that count in units of two bytes.
pub(super) fn utf16(secret: &[u8]) -> Form {
    Zeroizing::new(secret.iter().flat_map(|byte| [*byte, 0]).collect())
}

/// As words of two bytes with the higher one first, which dumps show; beginning in a word or between
/// two.
pub(super) fn words(secret: &[u8]) -> [Form; 2] {
    [0, 1].map(|from| {
        let (words, _) = secret.get(from..).unwrap_or_default().as_chunks::<2>();
        let swapped = words.iter().flat_map(|[low, high]| [*high, *low]);
        Zeroizing::new(swapped.collect())
    })
}

pub(super) fn reversed(secret: &[u8]) -> Form {
    Zeroizing::new(secret.iter().rev().copied().collect())
}
