//! Names of entries.

use super::error::{StoreError, StoreErrorKind};

/// Checks the name of an entry: any text that is not empty.
///
/// # Errors
/// [`StoreErrorKind::InvalidName`].
pub fn check_name(name: &str) -> Result<&str, StoreError> {
    if name.is_empty() {
        let text = "the name of an entry is empty: name what it is for";
        return Err(StoreError::new(StoreErrorKind::InvalidName, text));
    }
    Ok(name)
}
