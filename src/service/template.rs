//! What a new token is made from, and what it shall have different.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::marker::Marker;
use crate::time::Expiry;

/// Properties of a token in its service's own form, without its secret: what another token like it
/// is created from. It can be kept and used after the token is gone.
///
/// [`TokenService::template`](crate::TokenService::template) takes it from a token that exists; from
/// nothing it is made of JSON, or of a body of the three services. As JSON it is the body that the service
/// itself takes to create a token:
///
/// | service | members |
/// |---|---|
/// | LaunchDarkly | `name`, `description`, one of `role`, `customRoleIds` and `inlineRole`, `serviceToken`, `defaultApiVersion`, `expiry` (Unix milliseconds) |
/// | Query Server | `name`, `active`, `write`, `expiration_date` (Unix seconds, absent for never) |
/// | Avisi Cloud | `name`, `ipRestriction`, `type` |
///
/// ```
/// # #[cfg(feature = "launchdarkly")] {
/// use access_tokens::TokenTemplate;
/// use access_tokens::launchdarkly::{Role, TokenBody};
///
/// let template = TokenTemplate::new(serde_json::json!({"name": "nightly export", "role": "reader"}));
///
/// // The same with the service's own type.
/// let mut body = TokenBody::default();
/// body.name = Some("nightly export".to_owned());
/// body.role = Some(Role::Reader);
/// assert_eq!(TokenTemplate::from(body), template);
/// # }
/// ```
///
/// The builder of a body makes none: what it was told is looked at, and its end is reckoned, when a
/// client's own `create` is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenTemplate(Value);

impl TokenTemplate {
    /// Takes properties in the form of the table above, or of a service of your own.
    ///
    /// They are read when a token is created from them.
    #[must_use]
    pub fn new(properties: Value) -> Self {
        Self(properties)
    }

    /// The properties as JSON.
    #[must_use]
    pub fn properties(&self) -> &Value {
        &self.0
    }
}

#[cfg(any_service)]
impl TokenTemplate {
    /// The properties as a service's own type.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(
        &self,
        service: crate::id::Service,
    ) -> crate::error::Result<T> {
        // A value that is no object would be read as a body without members.
        if self.0.is_object()
            && let Ok(body) = T::deserialize(&self.0)
        {
            return Ok(body);
        }
        let rule = "is not one of this service; TokenTemplate lists the members of each";
        Err(crate::error::Error::input(service, "template", rule))
    }

    /// The properties of a service's own type.
    pub(crate) fn write<T: Serialize>(body: &T) -> Self {
        // Text, numbers and lists under names: there is nothing that could fail, and what is no
        // object is refused by `read`.
        Self(serde_json::to_value(body).unwrap_or_default())
    }
}

/// Differences of a new token from the template that it is created from: name, marker, end.
///
/// ```
/// use access_tokens::{Marker, Overrides, days};
///
/// let overrides = Overrides::new().marker(Marker::random()).expires(days(30));
/// assert_eq!(overrides.name, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Overrides {
    /// Its name; that of the template by default.
    pub name: Option<String>,
    /// A mark to find it by, where the service has a place for it.
    pub marker: Option<Marker>,
    /// When it ends; as the template says by default.
    pub expires: Option<Expiry>,
}

impl Overrides {
    /// Nothing different.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A mark to find it by.
    #[must_use]
    pub fn marker(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// Another end.
    #[must_use]
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expires = Some(expiry.into());
        self
    }
}
