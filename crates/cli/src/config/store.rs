//! Where the state is kept, as it is written in the configuration.

use std::fmt;
use std::path::PathBuf;

use crate::context::Context;

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    File(PathBuf),
    Postgres(String),
    S3 { bucket: String, prefix: String },
    Memory,
}

/// As it is written; a password is never part of it.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(folder) => write!(f, "file:{}", folder.display()),
            Self::Postgres(url) => f.write_str(url),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

impl Store {
    pub(super) fn parse(context: &Context, text: &str) -> Result<Self, String> {
        let wrong = "must be file:PATH, postgres://…, s3://BUCKET/PREFIX or memory";
        if text == "memory" {
            return Ok(Self::Memory);
        }
        if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Ok(Self::File(context.directory.join(path)));
        }
        if let Some(place) = text.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            if bucket.is_empty() {
                return Err(wrong.to_owned());
            }
            let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
            return Ok(Self::S3 { bucket, prefix });
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let authority = text.split_once("//").map_or("", |(_, rest)| rest);
            let authority = authority.split(['/', '?']).next().unwrap_or_default();
            let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
            if user.contains(':') || text.contains("password=") {
                return Err(
                    "holds a password; leave it out and set PGPASSWORD or PGPASSFILE".to_owned(),
                );
            }
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(wrong.to_owned())
    }
}
