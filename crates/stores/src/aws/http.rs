//! How the SDK reaches AWS: bounded, to where it was sent and nowhere else.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use access_tokens::rotation::sink::SinkError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

const LONGEST_ANSWER: usize = 1 << 20;
/// The limits of what sets none.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);

/// The HTTP client of the SDK's clients.
pub(super) fn client() -> Result<SharedHttpClient, SinkError> {
    let builder = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
    };
    let built = |client: reqwest::ClientBuilder| {
        client
            .build()
            .map_err(|error| SinkError::not_stored(error.without_url().to_string()))
    };
    Ok(SharedHttpClient::new(Http {
        near: built(builder().no_proxy())?,
        far: built(builder().https_only(true))?,
        limit: CONNECT + ANSWER,
    }))
}

#[derive(Clone, Debug)]
struct Http {
    /// For this machine and its metadata, where no proxy stands between.
    near: reqwest::Client,
    far: reqwest::Client,
    /// One request, its answer included.
    limit: Duration,
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connect = settings.connect_timeout().unwrap_or(CONNECT);
        let answer = settings.read_timeout().unwrap_or(ANSWER);
        SharedHttpConnector::new(Self {
            limit: connect.saturating_add(answer),
            ..self.clone()
        })
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move {
            let answer = tokio::time::timeout(http.limit, http.answer(request)).await;
            answer.unwrap_or_else(|_| Err(ConnectorError::timeout(Why("no answer in time").into())))
        })
    }
}

impl Http {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let unusable = |why| ConnectorError::user(Why(why).into());
        let lost = |why| ConnectorError::io(Why(why).into());
        let request = request.try_into_http1x();
        let (parts, body) = request
            .map_err(|_| unusable("a request that is none"))?
            .into_parts();
        let body = body.bytes().map(<[u8]>::to_vec);
        let body = body.ok_or_else(|| unusable("a request that has no end"))?;
        let request = http::Request::from_parts(parts, body);
        let request = reqwest::Request::try_from(request);
        let request = request.map_err(|_| unusable("the endpoint is no URL"))?;
        let client = match request.url().scheme() {
            "https" => &self.far,
            "http" if request.url().host_str().is_some_and(is_near) => &self.near,
            _ => {
                return Err(unusable(
                    "the endpoint must be https: plain http reaches this machine only",
                ));
            }
        };
        let mut response = client.execute(request).await.map_err(|error| {
            if error.is_timeout() {
                return ConnectorError::timeout(Why("no connection in time").into());
            }
            lost(if error.is_connect() {
                "it cannot be reached"
            } else {
                "the answer was lost"
            })
        })?;
        let mut answer = http::Response::builder().status(response.status());
        if let Some(headers) = answer.headers_mut() {
            headers.clone_from(response.headers());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) <= LONGEST_ANSWER => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(lost("it answered too much")),
                Ok(None) => break,
                Err(_) => return Err(lost("the answer was cut off")),
            }
        }
        let answer = answer.body(SdkBody::from(body)).ok();
        let answer = answer.and_then(|answer| HttpResponse::try_from(answer).ok());
        answer.ok_or_else(|| lost("an answer that is none"))
    }
}

/// This machine, or where a machine, a pod or a task asks for its role.
fn is_near(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    match address {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.segments().starts_with(&[0xfd00, 0xec2]),
        Err(_) => host == "localhost",
    }
}

/// Why there is no answer, in words of our own: those of others may carry an address.
#[derive(Debug)]
pub(super) struct Why(&'static str);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Why {}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "169.254.169.254",
            "[fd00:ec2::254]",
        ] {
            assert!(is_near(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
            "[fd00:ec3::254]",
        ] {
            assert!(!is_near(host), "{host}");
        }
    }
}
