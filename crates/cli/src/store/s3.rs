//! State in S3, reached by the variables that AWS's own programs read.

use std::sync::Arc;

use access_tokens::rotation::state::StateStore;
use access_tokens_stores::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use url::{Host, Url};

use crate::context::Context;
use crate::error::Stop;

pub(super) fn open(
    context: &Context,
    bucket: &str,
    prefix: &str,
) -> Result<Arc<dyn StateStore>, Stop> {
    let wrong = |what: String| {
        Stop::config(format!("state.store: {what}")).hint(
            "The bucket is reached by AWS_REGION, AWS_ENDPOINT_URL, and AWS_ACCESS_KEY_ID with \
             AWS_SECRET_ACCESS_KEY or what the machine's role gives.",
        )
    };
    let mut builder = AmazonS3Builder::new();
    for (name, value) in &context.variables {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        let known = name
            .starts_with("AWS_")
            .then(|| name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>());
        if let Some(Ok(key)) = known {
            builder = builder.with_config(key, value);
        }
    }
    let endpoints = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint];
    let endpoints = endpoints.map(|key| builder.get_config_value(&key));
    let mut plain = false;
    for endpoint in endpoints.into_iter().flatten() {
        let url = Url::parse(&endpoint)
            .map_err(|error| wrong(format!("AWS_ENDPOINT_URL is no address: {error}")))?;
        match url.scheme() {
            "https" => {}
            "http" if is_here(&url) => plain = true,
            "http" => {
                return Err(wrong(
                    "AWS_ENDPOINT_URL is http to another machine".to_owned(),
                ));
            }
            _ => {
                return Err(wrong(
                    "AWS_ENDPOINT_URL is neither https nor http".to_owned(),
                ));
            }
        }
    }
    let objects = builder
        .with_bucket_name(bucket)
        .with_allow_http(plain)
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let store =
        ObjectStore::new(Arc::new(objects), prefix).map_err(|error| wrong(error.to_string()))?;
    Ok(Arc::new(store))
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let clock = Arc::new(access_tokens::SystemClock::new());
        let opened = |endpoint: &str| {
            let none = || Box::new(io::sink());
            let context = Context::new("/".into(), clock.clone(), none(), none())
                .with_variable("AWS_ENDPOINT_URL", endpoint)
                .with_variable("AWS_ACCESS_KEY_ID", "id")
                .with_variable("AWS_SECRET_ACCESS_KEY", "canary");
            open(&context, "bucket", "a/b").map(|_| ())
        };
        for endpoint in [
            "https://s3.example",
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
        ] {
            assert!(opened(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in [
            "http://s3.example",
            "http://127.0.0.1.example",
            "ftp://x",
            "s3",
        ] {
            let stop = opened(endpoint).unwrap_err();
            assert_eq!(stop.code, crate::error::USAGE, "{endpoint}");
            assert!(!format!("{stop:?}").contains("canary"), "{stop:?}");
        }
    }
}
