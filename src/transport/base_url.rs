//! The one address that a client talks to, and the only one its credential may reach.

use std::fmt;

use url::{Host, Url};

use super::profile::Profile;
use crate::error::{Error, Result};
use crate::text::is_unsafe_to_print;

/// A checked base URL: no userinfo, query or fragment, no slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    url: Url,
    text: String,
}

impl BaseUrl {
    pub(crate) fn parse(profile: &Profile, text: &str, allow_http: bool) -> Result<Self> {
        let bad = |rule: &str| Err(Error::config(profile.service, "base_url", rule));
        let text = text.trim();
        // A parser passes over line ends, takes a backslash for a slash, and makes up what is missing.
        let odd = |c: char| c.is_whitespace() || is_unsafe_to_print(c) || c == '\\';
        let whole = text.split_once("://");
        let whole = whole.is_some_and(|(_, host)| !host.starts_with('/')) && !text.contains(odd);
        let Some(url) = Url::parse(text).ok().filter(|_| whole) else {
            return bad("must be an absolute URL such as https://host or https://host/prefix");
        };
        if !matches!(url.scheme(), "https" | "http") {
            return bad("must begin with https:// (or http:// for this machine)");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return bad("must hold no user name or password; give the credential on its own");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return bad("must hold no query and no fragment");
        }
        let Some(host) = url.host() else {
            return bad("must name a host");
        };
        if url.scheme() == "http" && !is_loopback(&host) && !allow_http {
            return bad(
                "plain http would show the credential to the network; use https, or allow_http(true)",
            );
        }
        let path = url.path().trim_end_matches('/');
        if path.contains("//") {
            return bad("must hold no empty path segment");
        }
        if profile.paths.iter().any(|own| path.ends_with(own)) {
            return bad("must stop before the path of the API itself, which the client adds");
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.url.host().is_some_and(|host| is_loopback(&host))
    }

    /// Whether a request to `url` stays below this address.
    pub(crate) fn covers(&self, url: &Url) -> bool {
        let base = self.url.path().trim_end_matches('/');
        let rest = url.path().strip_prefix(base);
        rest.is_some_and(|rest| rest.starts_with('/'))
            && url.scheme() == self.url.scheme()
            && url.host_str() == self.url.host_str()
            && url.port_or_known_default() == self.url.port_or_known_default()
            && url.username().is_empty()
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// Whether this is certainly this machine. Of names, only `localhost` is: what `x.localhost` means is
/// up to a name server.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Service;

    #[test]
    fn only_what_lies_below_is_covered() {
        let profile = Profile::of(Service::LAUNCH_DARKLY);
        let base = BaseUrl::parse(&profile, "https://host/prefix", false).unwrap();
        for (url, covered) in [
            ("https://host/prefix/api/v2/tokens", true),
            ("https://host/prefixed/api", false),
            ("https://host/api", false),
            ("http://host/prefix/api", false),
            ("https://host:444/prefix/api", false),
            ("https://evil/prefix/api", false),
            ("https://u@host/prefix/api", false),
        ] {
            assert_eq!(base.covers(&Url::parse(url).unwrap()), covered, "{url}");
        }
    }
}
