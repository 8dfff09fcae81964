//! Bodies that come in another form than asked for: compressed, after a byte order mark, or in UTF-16.

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, header};
use miniz_oxide::inflate::{
    TINFLStatus, decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit,
};

/// Why a body stays unread.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It would become too large.
    TooLarge,
    /// It is encoded as this, and not readable as such.
    Encoded(&'static str),
}

/// The body as it was before somebody on the way compressed it, at most this large.
pub(super) fn decode(headers: &HeaderMap, mut body: Bytes, most: usize) -> Result<Bytes, Unread> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).into_iter();
    let mut encodings: Vec<&str> = encodings
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect();
    if encodings.is_empty() && body.starts_with(&GZIP) {
        encodings.push("gzip");
    }
    // A body that is empty, as after HEAD and 204, is not encoded whatever the header says.
    while let Some(encoding) = encodings.pop().filter(|_| !body.is_empty()) {
        body = match encoding.to_ascii_lowercase().as_str() {
            "" | "identity" => body,
            "gzip" | "x-gzip" => gunzip(&body, most)?,
            "deflate" => inflate(&body, most)?,
            "br" => return Err(Unread::Encoded("br")),
            "zstd" => return Err(Unread::Encoded("zstd")),
            "compress" | "x-compress" => return Err(Unread::Encoded("compress")),
            _ => return Err(Unread::Encoded("something unknown")),
        };
    }
    if let Some(text) = utf16(&body) {
        body = text;
    }
    if body.starts_with("\u{feff}".as_bytes()) {
        body.advance('\u{feff}'.len_utf8());
    }
    Ok(body)
}

/// Whether a body that begins with this is what was asked for, as JSON.
pub(super) fn is_plain(headers: &HeaderMap, begin: &[u8]) -> bool {
    let json = matches!(begin, [b'{' | b'[', second, ..] if *second != 0);
    json && !headers.contains_key(header::CONTENT_ENCODING)
}

/// A text in UTF-16 as UTF-8: it begins with a mark, or with a character of ASCII, as JSON does.
fn utf16(body: &[u8]) -> Option<Bytes> {
    let read = match body {
        [0xff, 0xfe, ..] | [1..=0x7f, 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, rest) = body.as_chunks::<2>();
    let units = units.iter().map(|unit| read(*unit));
    let text = char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .ok()?;
    rest.is_empty().then(|| text.into())
}

/// How a gzip file begins, with the one method that exists.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// RFC 1952, of one member.
fn gunzip(file: &[u8], most: usize) -> Result<Bytes, Unread> {
    let broken = Unread::Encoded("gzip");
    let (Some(deflated), Some(length)) = (after_gzip_header(file), file.last_chunk::<4>()) else {
        return Err(broken);
    };
    let body = decompress_to_vec_with_limit(deflated, most);
    let body = body.map_err(|error| why(error.status, "gzip"))?;
    // The last four bytes are its length, so that a part is not taken for the whole.
    let whole = usize::try_from(u32::from_le_bytes(*length)).ok() == Some(body.len());
    if whole { Ok(body.into()) } else { Err(broken) }
}

fn after_gzip_header(file: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = file.split_first_chunk::<10>()?;
    if !header.starts_with(&GZIP) {
        return None;
    }
    let [_, _, _, flags, ..] = *header;
    if flags & 4 != 0 {
        let (length, extra) = rest.split_first_chunk::<2>()?;
        rest = extra.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    // The name of a file, and a comment.
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// What is called `deflate`: by its definition zlib's format, by habit sometimes bare.
fn inflate(data: &[u8], most: usize) -> Result<Bytes, Unread> {
    let body = decompress_to_vec_zlib_with_limit(data, most);
    let body = body.or_else(|error| match error.status {
        TINFLStatus::HasMoreOutput => Err(error),
        _ => decompress_to_vec_with_limit(data, most),
    });
    body.map(Bytes::from)
        .map_err(|error| why(error.status, "deflate"))
}

fn why(status: TINFLStatus, encoding: &'static str) -> Unread {
    match status {
        TINFLStatus::HasMoreOutput => Unread::TooLarge,
        _ => Unread::Encoded(encoding),
    }
}
