//! Escapes, as programs write characters that mean something else.

/// The character that an escape stands for, and the length of what follows its first byte.
pub(super) fn escaped(first: u8, rest: &[u8]) -> Option<(u32, usize)> {
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
        (b'%', [b'u', ..]) => digits(1, 4, 16),
        (b'%', _) => digits(0, 2, 16),
        (b'\\', [b'u' | b'x', b'{', ..]) => until(2, b'}', 16),
        (b'\\', [b'u', ..]) => digits(1, 4, 16),
        (b'\\', [b'x', ..]) => digits(1, 2, 16),
        (b'\\', [b'0'..=b'7', ..]) => {
            // Three of them, and four after a zero.
            let most = if rest.starts_with(b"0") { 4 } else { 3 };
            let octal = rest.iter().take(most);
            let count = octal.take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            digits(0, count, 8).filter(|(number, _)| *number <= 0xff)
        }
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

pub(super) fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, radix).ok()
}
