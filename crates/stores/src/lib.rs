//! State and secrets of managed tokens on engines that exist, one feature each.
//!
//! | feature | type | what |
//! |---|---|---|
//! | `postgres` | [`PostgresStore`] | state in a table of PostgreSQL |
//! | `object-store` | [`ObjectStore`] | state in S3, Google Cloud Storage or Azure Blob Storage |
//! | `aws` | [`AwsSecretsManager`] | secrets in AWS Secrets Manager |
//! | `vault` | [`VaultKv2`] | secrets in a KV v2 engine of Vault or OpenBao |
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
