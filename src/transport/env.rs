//! Settings from the environment, by the vendors' own names.

use std::ffi::OsString;

use super::profile::Profile;
use crate::error::{Error, Result};
use crate::id::Service;

/// How a variable is read; a function, so that tests need not touch the process.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The credential and the base URL that the environment holds for a service.
pub(crate) fn read(
    profile: &Profile,
    lookup: Lookup<'_>,
) -> Result<(Option<String>, Option<String>)> {
    let credential = pick(profile.service, profile.credential_vars, lookup)?;
    let url = pick(profile.service, profile.url_vars, lookup)?;
    Ok((credential, url))
}

/// The value that the given variables agree on, if any of them is set.
fn pick(service: Service, names: &[&'static str], lookup: Lookup<'_>) -> Result<Option<String>> {
    let mut found: Option<(&'static str, String)> = None;
    for &name in names {
        let Some(value) = lookup(name) else { continue };
        let Ok(value) = value.into_string() else {
            return Err(Error::config(
                service,
                name,
                "this variable is not valid UTF-8",
            ));
        };
        if value.is_empty() {
            return Err(Error::config(
                service,
                name,
                "this variable is set but empty; unset it or give it a value",
            ));
        }
        match &found {
            Some((first, other)) if *other != value => {
                return Err(Error::config(
                    service,
                    name,
                    format!("this variable and {first} are both set and differ; unset one of them"),
                ));
            }
            Some(_) => {}
            None => found = Some((name, value)),
        }
    }
    Ok(found.map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["FIRST", "SECOND"];

    fn pick_from(vars: &[(&str, &str)]) -> Result<Option<String>> {
        pick(Service::AVISI_CLOUD, NAMES, &|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn either_name_serves_and_equal_values_agree() {
        assert_eq!(pick_from(&[]).unwrap(), None);
        assert_eq!(pick_from(&[("SECOND", "a")]).unwrap().as_deref(), Some("a"));
        assert_eq!(
            pick_from(&[("FIRST", "a"), ("SECOND", "a")])
                .unwrap()
                .as_deref(),
            Some("a")
        );
    }

    #[test]
    fn a_disagreement_names_both_variables_and_no_value() {
        let error = pick_from(&[("FIRST", "hunter2"), ("SECOND", "hunter3")]).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("FIRST") && text.contains("SECOND"), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }

    #[test]
    fn an_empty_variable_is_named() {
        let error = pick_from(&[("FIRST", ""), ("SECOND", "a")]).unwrap_err();
        assert!(error.to_string().contains("FIRST"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_text_is_named() {
        use std::os::unix::ffi::OsStringExt as _;
        let error = pick(Service::AVISI_CLOUD, NAMES, &|_| {
            Some(OsString::from_vec(vec![0xff, 0x68]))
        })
        .unwrap_err();
        assert_eq!(error.field(), Some("FIRST"));
    }
}
