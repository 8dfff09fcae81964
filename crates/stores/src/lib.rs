//! State and secrets of managed tokens on engines that exist, one feature each.
//!
//! | feature | type | what |
//! |---|---|---|
//! | `postgres` | [`PostgresStore`] | state in a table of PostgreSQL |
//! | `object-store` | [`ObjectStore`] | state in S3, Google Cloud Storage or Azure Blob Storage |
//! | `aws` | [`AwsSecretsManager`] | secrets in AWS Secrets Manager |
//! | `vault` | [`VaultKv2`] | secrets in a KV v2 engine of Vault or OpenBao |
//!
//! They are used as those of `access-tokens` are:
//!
//! ```
//! # #[cfg(feature = "vault")] {
//! use access_tokens::rotation::{ManagedToken, sink::FileSink};
//! use access_tokens::{RotationPolicy, days, launchdarkly::Client};
//! use access_tokens_stores::{VaultAuth, VaultKv2};
//!
//! # fn example(ld: Client, vault_token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let vault = VaultKv2::builder("https://vault.example.com:8200", "prod/app", "token")
//!     .auth(VaultAuth::token(vault_token))
//!     .build()?;
//! let token = ManagedToken::builder("nightly-export")
//!     .service(ld)
//!     .adopt("66aa10f2c4d5e60011223344")
//!     .policy(RotationPolicy::new().max_age(days(90)))
//!     .deliver_to(FileSink::new("/etc/app/token"))
//!     .deliver_to(vault)
//!     .build()?;
//! # Ok(())
//! # }
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "aws")]
mod aws;
#[cfg(any(feature = "aws", feature = "vault"))]
mod fields;
#[cfg(any(feature = "object-store", feature = "postgres"))]
mod form;
#[cfg(any(feature = "aws", feature = "vault"))]
mod label;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "vault")]
mod vault;

#[cfg(feature = "aws")]
pub use aws::AwsSecretsManager;
#[cfg(feature = "object-store")]
pub use object::ObjectStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "vault")]
pub use vault::{VaultAuth, VaultKv2, VaultKv2Builder};
#[cfg(feature = "aws")]
pub use {aws_config, aws_sdk_secretsmanager};
