//! Values in the forms that shells and the dotenv libraries read alike.

use zeroize::Zeroizing;

use crate::text::is_unsafe_to_print;

/// What follows the name: `=` and the value, in the quotes that were there if they do no harm.
pub(super) fn written(secret: &str, old: Option<&str>) -> Result<Zeroizing<String>, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/+=:@%,".contains(c);
    let odd = |c: char| is_unsafe_to_print(c) || (c.is_whitespace() && c != ' ');
    if secret.chars().any(odd) {
        return Err(
            "the secret has characters that dotenv files have no common form for".to_owned(),
        );
    }
    let old = old.map(|raw| raw.trim_start_matches([' ', '\t', '=']));
    let old = old.and_then(|value| value.chars().next());
    let quote = match old {
        Some(quote @ ('"' | '\'')) if !secret.is_empty() && secret.chars().all(plain) => quote,
        _ if !secret.is_empty() && secret.chars().all(plain) && !secret.starts_with('=') => {
            return Ok(Zeroizing::new(format!("={secret}")));
        }
        _ if fits_single(secret) => '\'',
        _ if fits_double(secret) => '"',
        _ => {
            return Err("the secret has quotes, backslashes or ${…} that dotenv files have no common form for".to_owned());
        }
    };
    Ok(Zeroizing::new(format!("={quote}{secret}{quote}")))
}

/// Between single quotes nothing has a meaning but the quote itself, a backslash before a backslash
/// or a quote in the libraries, and `${…}` in python-dotenv.
fn fits_single(secret: &str) -> bool {
    let escapes = secret.contains("\\\\") || secret.ends_with('\\');
    !secret.contains('\'') && !escapes && !secret.contains("${")
}

fn fits_double(secret: &str) -> bool {
    !secret.contains(['"', '\\', '$', '`', '!'])
}

/// What readers take for the value, where it has a form that they agree on; else as it stands.
pub(super) fn meant(raw: &str) -> &str {
    let value = raw.trim_start_matches([' ', '\t']);
    let value = value.strip_prefix('=').unwrap_or(value);
    let value = value.trim_matches([' ', '\t']);
    for quote in ['\'', '"'] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|v| v.strip_suffix(quote));
        if let Some(inner) = inner
            && !inner.contains(quote)
        {
            return inner;
        }
    }
    value
}
