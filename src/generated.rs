//! What progenitor made of the documents in `openapi/`, during this build or (without the feature
//! `generate`) before; nothing written by hand.
#![allow(dead_code, unreachable_pub, clippy::pedantic, clippy::unwrap_used)]

/// LaunchDarkly.
#[cfg(feature = "launchdarkly")]
pub(crate) mod launchdarkly {
    #[cfg(feature = "generate")]
    include!(concat!(env!("OUT_DIR"), "/launchdarkly.rs"));
    #[cfg(not(feature = "generate"))]
    include!("../generated/launchdarkly.rs");
}

/// Query Server.
#[cfg(feature = "query-server")]
pub(crate) mod query_server {
    #[cfg(feature = "generate")]
    include!(concat!(env!("OUT_DIR"), "/query-server.rs"));
    #[cfg(not(feature = "generate"))]
    include!("../generated/query-server.rs");
}

/// Avisi Cloud.
#[cfg(feature = "avisi-cloud")]
pub(crate) mod avisi_cloud {
    #[cfg(feature = "generate")]
    include!(concat!(env!("OUT_DIR"), "/avisi-cloud.rs"));
    #[cfg(not(feature = "generate"))]
    include!("../generated/avisi-cloud.rs");
}
