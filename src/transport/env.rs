//! Settings from the environment, by the vendors' own names.

use std::ffi::OsString;

use super::credential;
use super::profile::Profile;
use crate::error::{Error, Result};
use crate::id::Service;
use crate::secret::Secret;

/// How a variable is read; a function, so that tests need not touch the process.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The credential and the base URL that the environment holds for a service.
pub(crate) fn read(
    profile: &Profile,
    lookup: Lookup<'_>,
) -> Result<(Option<Secret>, Option<String>)> {
    let credential = match pick(profile.service, profile.credential_vars, lookup)? {
        Some((name, value)) => {
            let secret = Secret::new(value);
            credential::check(profile, name, &secret)?;
            Some(secret)
        }
        None => None,
    };
    let url = match pick(profile.service, profile.url_vars, lookup)? {
        Some((name, value)) => Some(address(profile.service, name, &value)?),
        None => None,
    };
    Ok((credential, url))
}

/// The value that the given variables agree on, and the first that has it.
fn pick(
    service: Service,
    names: &[&'static str],
    lookup: Lookup<'_>,
) -> Result<Option<(&'static str, String)>> {
    let mut found: Option<(&'static str, String)> = None;
    for &name in names {
        let bad = |rule: &str| Err(Error::config(service, name, rule));
        let Some(value) = lookup(name) else { continue };
        let Ok(value) = value.into_string() else {
            return bad("this variable is not valid UTF-8");
        };
        if value.is_empty() {
            return bad("this variable is set but empty; unset it or give it a value");
        }
        match &found {
            Some((first, other)) if *other != value => {
                return bad(&format!(
                    "this variable and {first} are both set and differ; unset one of them"
                ));
            }
            Some(_) => {}
            None => found = Some((name, value)),
        }
    }
    Ok(found)
}

/// The base URL that a variable means: the vendors' own tools take a bare host, too.
fn address(service: Service, name: &'static str, value: &str) -> Result<String> {
    let value = value.trim();
    let bare = !value.contains("://");
    let host = value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    if !host || value.contains(['$', '"', '\'', '`', '<', '{']) {
        let rule = "this variable is neither a host nor a URL such as https://host; look for quotes \
                    or for a placeholder that nothing was filled in for";
        return Err(Error::config(service, name, rule));
    }
    Ok(if bare {
        format!("https://{value}")
    } else {
        value.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: Profile = Profile {
        credential_vars: &["KEY"],
        url_vars: &["HOST"],
        other_keys: &[("sdk-", "an SDK key"), ("mob-", "a mobile key")],
        ..Profile::of(Service::LAUNCH_DARKLY)
    };

    fn read_one(name: &str, value: &str) -> Result<(Option<Secret>, Option<String>)> {
        read(&PROFILE, &|asked| (asked == name).then(|| value.into()))
    }

    #[test]
    fn a_bare_host_is_reached_by_https() {
        for (value, url) in [
            ("app.eu.launchdarkly.com", "https://app.eu.launchdarkly.com"),
            ("host:8443/prefix", "https://host:8443/prefix"),
            ("[::1]:4000", "https://[::1]:4000"),
            (" https://host ", "https://host"),
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ] {
            assert_eq!(read_one("HOST", value).unwrap().1.as_deref(), Some(url));
        }
        for value in [
            "${HOST}",
            "$HOST",
            "\"https://hunter2\"",
            "'hunter2'",
            "/hunter2",
            " ",
            "<hunter2>",
            "https://{{hunter2}}",
        ] {
            let error = read_one("HOST", value).unwrap_err();
            assert_eq!(error.field(), Some("HOST"), "{value}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_the_credential_is_refused_by_the_name_of_its_variable() {
        for (value, said) in [
            ("\"api-hunter2\"", "quotes"),
            ("'api-hunter2'", "quotes"),
            ("'api-hunter2", "quotes"),
            ("${hunter2}", "placeholder"),
            ("$hunter2", "placeholder"),
            ("$(cat hunter2)", "ASCII"),
            ("{{hunter2}}", "placeholder"),
            ("<hunter2>", "placeholder"),
            ("%hunter2%", "placeholder"),
            ("#{hunter2}", "placeholder"),
            ("@hunter2@", "placeholder"),
            ("__hunter2__", "placeholder"),
            ("[hunter2]", "placeholder"),
            ("{hunter2}", "placeholder"),
            ("<%=hunter2%>", "placeholder"),
            ("null", "placeholder"),
            ("None", "placeholder"),
            ("***", "placeholder"),
            ("op://hunter2/item/field", "an address"),
            ("file:///hunter2", "an address"),
            ("KEY=api-hunter2", "name of a variable"),
            ("api-hunter2\\n", "line end"),
            ("Bearer api-hunter2", "the client itself"),
            ("token api-hunter2", "the client itself"),
            ("Authorization: api-hunter2", "the client itself"),
            ("\u{feff}api-hunter2", "ASCII"),
            ("sdk-hunter2", "an SDK key"),
            ("mob-hunter2", "a mobile key"),
            ("api-hunter2\n", "line end"),
            (" api-hunter2", "spaces"),
            ("api-hünter2", "ASCII"),
        ] {
            let error = read_one("KEY", value).unwrap_err();
            assert_eq!(error.field(), Some("KEY"), "{value}");
            let text = format!("{error} {error:?}");
            assert!(text.contains(said) && !text.contains("nter2"), "{text}");
        }
        let good = "eyJhbGciOiJIUzI1NiJ9.e30.x-_+/=~";
        let read = read_one("KEY", good).unwrap().0.unwrap();
        assert_eq!(read.expose_secret(), good);
    }
}
