//! What is logged on the way, by us, the SDK and the HTTP client.

use std::io::Write;
use std::sync::{Arc, Mutex};

use access_tokens::Marker;
use access_tokens::rotation::sink::Sink as _;
use tracing_subscriber::fmt::MakeWriter;

use super::{deliver, keyed, moto, whole};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_that_is_logged_shows_a_secret() {
    let Some((_server, client)) = moto(r#"{"token":"canary-first"}"#).await else {
        return;
    };
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(lines.clone())
        .finish();
    let _on_this_thread = tracing::subscriber::set_default(subscriber);
    let owner = Marker::random();
    let (zero, one) = (owner.attempt(0), owner.attempt(1));
    for sink in [keyed(&client, "token"), whole(&client)] {
        let written = deliver(&sink, "canary-second", &one, &zero).await;
        sink.restore(&zero, &written).await.unwrap();
        sink.check().await.unwrap();
    }
    tracing::info!("the end");
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("the end"), "nothing is listened to");
    let leak = lines.lines().find(|line| line.contains("canary"));
    assert_eq!(leak, None);
}
