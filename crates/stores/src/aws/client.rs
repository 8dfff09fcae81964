//! A client of the SDK with limits of our own.

use std::time::Duration;

use access_tokens::rotation::sink::SinkError;
use aws_config::ConfigLoader;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;

use super::calls::LIMIT;
use super::http;

/// One request, so that there is time for another.
const ATTEMPT: Duration = Duration::from_secs(10);

pub(super) async fn load(loader: ConfigLoader) -> Result<Client, SinkError> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(LIMIT)
        .build();
    let loader = loader.http_client(http::client()?).timeout_config(timeouts);
    // The region may be asked of the machine's metadata.
    let config = tokio::time::timeout(LIMIT, loader.load()).await;
    let config = config.map_err(|_| SinkError::not_stored("no region was found in time"))?;
    if config.region().is_none() {
        return Err(no_region());
    }
    Ok(Client::new(&config))
}

pub(super) fn no_region() -> SinkError {
    SinkError::not_stored("no region: set AWS_REGION, or `region` in the profile of AWS_PROFILE")
}
