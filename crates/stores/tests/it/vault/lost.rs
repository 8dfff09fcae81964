//! Answers that are lost on the way.

use std::time::Duration;

use access_tokens::rotation::sink::{Delivery, Holds, Sink as _, SinkErrorKind};
use access_tokens::{Marker, Secret};
use access_tokens_stores::{VaultAuth, VaultKv2};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Bao, token, version};

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_look_tells_what_became_of_it() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one) = (owner.attempt(0), owner.attempt(1));
    let direct = bao.sink("lost", "token");
    for reached in [true, false] {
        let address = swallow_the_post(bao.server.port, reached).await;
        let builder = VaultKv2::builder(address, "lost", "token").auth(VaultAuth::token("root"));
        let sink = builder.timeout(Duration::from_secs(5)).build().unwrap();
        let before = version(&direct).await;
        let (secret, token) = (Secret::new("canary-secret"), token());
        let delivery = Delivery::new(&secret, &token, &one, &zero).with_seen(Some(&before));
        let error = sink.deliver(&delivery).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Unknown, "{error}");
        assert!(!format!("{error} {error:?}").contains("canary-secret"));
        let now = direct.observe().await.unwrap();
        assert_eq!(now.version.as_ref() != Some(&before), reached);
        assert_eq!(now.holds == Holds::Attempt(one.clone()), reached);
        if reached {
            // Put it back for the other half.
            direct.restore(&zero, &now.version.unwrap()).await.unwrap();
        }
    }
}

/// Passes requests on, but for a POST: its answer is lost, or the whole of it.
async fn swallow_the_post(port: u16, reaches: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                let Ok(read) = client.read(&mut buffer).await else {
                    return;
                };
                let request = &buffer[..read];
                let writes = request.starts_with(b"POST /v1/secret");
                if writes && !reaches {
                    return;
                }
                let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port))
                    .await
                    .unwrap();
                // One request a connection: the other side is told to close.
                let text = String::from_utf8_lossy(request).into_owned();
                let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
                server.write_all(text.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                let _ = server.read_to_end(&mut answer).await;
                if !writes {
                    let _ = client.write_all(&answer).await;
                }
            });
        }
    });
    address
}
