//! Ids of versions: another one for each write, and whose secret it is.

use std::time::{SystemTime, UNIX_EPOCH};

use access_tokens::Marker;

/// What stands in the place of a mark where there is none.
const UNMARKED: &str = "unmarked-0";

/// An id that no version has: 32 to 64 letters, digits and hyphens, as AWS asks.
pub(super) fn fresh(mark: Option<&Marker>) -> String {
    let mark = mark.map_or_else(
        || UNMARKED.to_owned(),
        |mark| {
            let number = mark.number().map(|number| number.to_string());
            format!("{}-{}", mark.owner(), number.unwrap_or_default())
        },
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_millis() & 0xffff_ffff_ffff;
    let random = fastrand::u64(..) & 0xffff_ffff_ffff;
    format!("{mark}-{now:012x}-{random:012x}")
}

/// Whose secret a version holds, and its age: of two that are alike the later one is greater.
pub(super) fn mark(id: &str) -> Option<(Marker, &str)> {
    let mut parts = id.splitn(3, '-');
    let (owner, number, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (time, random) = rest.split_once('-')?;
    let hex = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex(time) || !hex(random) {
        return None;
    }
    let mark = match number {
        "" => owner.parse(),
        number => format!("{owner}.{number}").parse(),
    };
    Some((mark.ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_whose_it_is_and_is_as_long_as_aws_asks() {
        for marker in [
            Marker::random(),
            Marker::random().attempt(0),
            Marker::random().attempt(u64::MAX),
        ] {
            let (one, other) = (fresh(Some(&marker)), fresh(Some(&marker)));
            assert_ne!(one, other);
            for id in [one, other] {
                assert!((32..=64).contains(&id.len()), "{id}");
                assert_eq!(mark(&id).map(|(mark, _)| mark), Some(marker.clone()));
            }
        }
    }

    #[test]
    fn what_others_make_is_nobodys() {
        let none = fresh(None);
        assert!((32..=64).contains(&none.len()), "{none}");
        for id in [
            none.as_str(),
            "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
            "terraform-20250102030405060700000001",
            "",
        ] {
            assert_eq!(mark(id), None, "{id}");
        }
    }
}
