//! What `build.rs` made of the documents in `openapi/`; nothing written by hand.
#![allow(dead_code, unreachable_pub, clippy::pedantic, clippy::unwrap_used)]

/// LaunchDarkly.
#[cfg(feature = "launchdarkly")]
pub(crate) mod launchdarkly {
    include!(concat!(env!("OUT_DIR"), "/launchdarkly.rs"));
}

/// Query Server.
#[cfg(feature = "query-server")]
pub(crate) mod query_server {
    include!(concat!(env!("OUT_DIR"), "/query-server.rs"));
}

/// Avisi Cloud.
#[cfg(feature = "avisi-cloud")]
pub(crate) mod avisi_cloud {
    include!(concat!(env!("OUT_DIR"), "/avisi-cloud.rs"));
}
