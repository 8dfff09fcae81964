//! What a call can be told: one builder for each body.

use ipnet::IpNet;

use super::{PersonalAccessTokenType, ProvisionBody};
use crate::error::Result;
use crate::marker::Marker;
use crate::transport::{Operation, Session};

/// Builder of a [`ProvisionBody`].
///
/// ```
/// use access_tokens::avisi_cloud::ProvisionBody;
///
/// let body = ProvisionBody::builder("ci runner").ip_restriction("203.0.113.0/24");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ProvisionBodyBuilder {
    body: ProvisionBody,
    check_ip: bool,
    marker: Option<Marker>,
}

impl ProvisionBody {
    /// Describes a new token by its name, which must not be blank.
    pub fn builder(name: impl Into<String>) -> ProvisionBodyBuilder {
        ProvisionBodyBuilder::from(Self {
            name: Some(name.into()),
            ip_restriction: None,
            type_: None,
        })
    }
}

impl ProvisionBodyBuilder {
    /// Puts a mark at the end of the name, by which the token is found again should the answer to
    /// its creation be lost; see [`Client::provision`](super::Client::provision).
    pub fn marker(mut self, marker: &Marker) -> Self {
        self.marker = Some(marker.clone());
        self
    }

    /// Sets the addresses from which the token may be used, as one block in CIDR notation such as
    /// `203.0.113.0/24`. It is checked before anything is sent. The vendor's guide speaks of IPv4
    /// only.
    pub fn ip_restriction(mut self, cidr: impl Into<String>) -> Self {
        self.body.ip_restriction = Some(cidr.into());
        self.check_ip = true;
        self
    }

    /// Sets the same, sent as it is: for forms that are not documented, such as several blocks.
    pub fn ip_restriction_unchecked(mut self, text: impl Into<String>) -> Self {
        self.body.ip_restriction = Some(text.into());
        self.check_ip = false;
        self
    }

    /// Sets the type of the token. Its values are not documented; leave it out unless you know one.
    pub fn token_type(mut self, token_type: impl Into<PersonalAccessTokenType>) -> Self {
        self.body.type_ = Some(token_type.into());
        self
    }

    /// For what came from the service itself, whose form of a block may be another.
    pub(super) fn unchecked(mut self) -> Self {
        self.check_ip = false;
        self
    }

    pub(super) fn name(mut self, name: String) -> Self {
        self.body.name = Some(name);
        self
    }

    pub(super) fn build(self, session: &Session, operation: &Operation) -> Result<ProvisionBody> {
        let Self {
            mut body,
            check_ip,
            marker,
        } = self;
        if body
            .name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty())
        {
            return Err(session.input(operation, "name", "must not be empty"));
        }
        let bad_block = |text: &String| text.parse::<IpNet>().is_err();
        if check_ip && body.ip_restriction.as_ref().is_some_and(bad_block) {
            let rule = "must be a block in CIDR notation, such as 203.0.113.0/24";
            return Err(session.input(operation, "ip_restriction", rule));
        }
        if let Some(marker) = marker {
            let before = body.name.unwrap_or_default();
            body.name = Some(marker.appended_to(&before));
        }
        Ok(body)
    }
}

impl From<ProvisionBody> for ProvisionBodyBuilder {
    fn from(body: ProvisionBody) -> Self {
        Self {
            body,
            check_ip: true,
            marker: None,
        }
    }
}
