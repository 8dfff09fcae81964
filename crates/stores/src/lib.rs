//! State and secrets of managed tokens on engines that exist, one feature each.
//!
//! | feature | type | what |
//! |---|---|---|
//! | `vault` | [`VaultKv2`] | secrets in a KV v2 engine of Vault or OpenBao |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "vault")]
mod vault;

#[cfg(feature = "vault")]
pub use vault::{VaultAuth, VaultKv2, VaultKv2Builder};
