//! Which path is for what.

use http::Method;

use super::Operation;

/// Where a path leads.
pub(super) enum Route {
    To(Operation, String),
    WrongMethod(&'static str),
    Nowhere,
}

pub(super) fn route(method: &Method, path: &str) -> Route {
    let Some(rest) = path.strip_prefix("/api/v2/") else {
        return Route::Nowhere;
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let (id, operations): (_, &[(Method, Operation)]) = match *segments.as_slice() {
        ["caller-identity"] => ("", &[(Method::GET, Operation::CallerIdentity)]),
        ["tokens"] => (
            "",
            &[
                (Method::GET, Operation::GetTokens),
                (Method::POST, Operation::PostToken),
            ],
        ),
        ["tokens", id] if !id.is_empty() => (
            id,
            &[
                (Method::GET, Operation::GetToken),
                (Method::PATCH, Operation::PatchToken),
                (Method::DELETE, Operation::DeleteToken),
            ],
        ),
        ["tokens", id, "reset"] if !id.is_empty() => (id, &[(Method::POST, Operation::ResetToken)]),
        _ => return Route::Nowhere,
    };
    match operations.iter().find(|(known, _)| known == method) {
        Some((_, operation)) => Route::To(*operation, decode(id)),
        None => Route::WrongMethod(match operations.len() {
            1 if id.is_empty() => "GET",
            1 => "POST",
            2 => "GET, POST",
            _ => "GET, PATCH, DELETE",
        }),
    }
}

/// Undoes percent-encoding; what is not valid stays as it is.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(digits.unwrap_or(*first));
        rest = match digits {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
