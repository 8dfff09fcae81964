//! The service on the wire: its operations and what sets it apart.

use super::region::Region;
use crate::error::ErrorKind;
use crate::id::Service;
use crate::transport::{LimitHeaders, Operation, Profile, Scope};

pub(super) const GET_TOKENS: Operation = Operation::get("getTokens", "/api/v2/tokens");
pub(super) const POST_TOKEN: Operation =
    Operation::post("postToken", "/api/v2/tokens").success(201);
pub(super) const GET_TOKEN: Operation =
    Operation::get("getToken", "/api/v2/tokens/{id}").on_token();
pub(super) const PATCH_TOKEN: Operation = Operation::patch("patchToken", "/api/v2/tokens/{id}")
    .on_token()
    .if_lost("Read the token to see whether the change is there.");
pub(super) const DELETE_TOKEN: Operation = Operation::delete("deleteToken", "/api/v2/tokens/{id}")
    .success(204)
    .on_token();
pub(super) const RESET_TOKEN: Operation =
    Operation::post("resetToken", "/api/v2/tokens/{id}/reset")
        .on_token()
        .if_lost(
            "The old secret may be dead and the new one lost: reset again, or replace the token.",
        );
pub(super) const GET_CALLER_IDENTITY: Operation =
    Operation::get("getCallerIdentity", "/api/v2/caller-identity");

/// Operations of this service and what repeating each of them means.
pub const OPERATIONS: [Operation; 7] = [
    GET_TOKENS,
    POST_TOKEN,
    GET_TOKEN,
    PATCH_TOKEN,
    DELETE_TOKEN,
    RESET_TOKEN,
    GET_CALLER_IDENTITY,
];

pub(super) static PROFILE: Profile = Profile {
    default_base: Some(Region::Us.base_url()),
    scheme: "",
    paths: &["/api/v2", "/api/v2/tokens", "/api/v2/caller-identity"],
    credential_vars: &["LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN"],
    url_vars: &["LAUNCHDARKLY_API_HOST"],
    json_content_type: true,
    other_keys: &[
        ("sdk-", "an SDK key"),
        ("mob-", "a mobile key"),
        ("rel-", "a key of the Relay Proxy"),
    ],
    limits: &[
        LimitHeaders {
            scope: Scope::Global,
            limit: "x-ratelimit-global-limit",
            remaining: "x-ratelimit-global-remaining",
            reset: "x-ratelimit-reset",
        },
        LimitHeaders {
            scope: Scope::Route,
            limit: "x-ratelimit-route-limit",
            remaining: "x-ratelimit-route-remaining",
            reset: "x-ratelimit-reset",
        },
        LimitHeaders {
            scope: Scope::AuthToken,
            limit: "x-ratelimit-auth-token-limit",
            remaining: "x-ratelimit-auth-token-remaining",
            reset: "x-ratelimit-auth-token-reset",
        },
    ],
    hints: &[
        (
            ErrorKind::Unauthenticated,
            "Check that the token is whole (api-…), not deleted or expired, and of this region's \
             account; SDK and mobile keys do not work here.",
        ),
        (
            ErrorKind::PermissionDenied,
            "Managing tokens takes the Admin role or a custom role that allows it.",
        ),
    ],
    ..Profile::of(Service::LAUNCH_DARKLY)
};
