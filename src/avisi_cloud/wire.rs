//! The service on the wire: its operations and what sets it apart.

use crate::error::ErrorKind;
use crate::id::Service;
use crate::transport::{Operation, Profile};

// That there is no content is an empty list, as null is.
pub(super) const LIST: Operation =
    Operation::get("listPersonalAccessTokens", "/sts/v1/personal-access-tokens")
        .or_no_content("null");
pub(super) const PROVISION: Operation = Operation::post(
    "provisionPersonalAccessToken",
    "/sts/v1/personal-access-tokens",
);
pub(super) const REVOKE: Operation = Operation::delete(
    "revokePersonalAccessToken",
    "/sts/v1/personal-access-tokens/{token_id}",
)
.on_token()
.or_empty("{}");

/// Operations of this service and what repeating each of them means.
pub const OPERATIONS: [Operation; 3] = [LIST, PROVISION, REVOKE];

pub(super) static PROFILE: Profile = Profile {
    default_base: Some("https://api.avisi.cloud"),
    scheme: "Token",
    paths: &["/sts/v1", "/sts/v1/personal-access-tokens"],
    credential_vars: &["ACLOUD_PERSONAL_ACCESS_TOKEN", "ACLOUD_PAT"],
    url_vars: &["ACLOUD_API_ENDPOINT"],
    hints: &[(
        ErrorKind::Unauthenticated,
        "Check that the personal access token is active and not expired.",
    )],
    ..Profile::of(Service::AVISI_CLOUD)
};
