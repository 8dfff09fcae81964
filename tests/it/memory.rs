//! What an answer without end may take of the memory: the cap, and a few MiB. Measured on a whole
//! process, which this test starts anew from its own binary for each case.

use access_tokens::launchdarkly::Client;
use access_tokens::{ErrorKind, RetryPolicy};
use access_tokens_testing::launchdarkly::Operation;
use access_tokens_testing::{Fault, LaunchDarkly};

use crate::support::{Raw, Reply, process_for};

const MIB: usize = 1 << 20;
/// Says to a process started by this test what to do.
const CASE: &str = "ACCESS_TOKENS_MEMORY_CASE";
/// For buffers of the client and of the server, which runs in this process too.
const SLACK: usize = 8 * MIB;

/// A number of bytes from `/proc/self/status`.
fn status(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim_matches([':', '\t', ' ']).split(' ').next());
    kib.unwrap().parse::<usize>().unwrap() * 1024
}

fn client(base_url: &str, cap: Option<usize>) -> Client {
    let mut builder = Client::builder()
        .base_url(base_url)
        .credential("credential")
        .retry(RetryPolicy::none());
    if let Some(cap) = cap {
        builder = builder.max_response_bytes(cap);
    }
    builder.build().unwrap()
}

/// The part of a process of its own: prints by how many bytes its peak grew.
async fn measure(case: &str) {
    let twin = LaunchDarkly::start().await.unwrap();
    twin.on(Operation::GetTokens)
        .always()
        .then(Fault::EndlessBody);
    // Everything that is set up once is set up.
    let _ = client(&twin.base_url(), Some(1024)).list().page().await;
    let mut server = None;
    if case == "head" {
        server = Some(Raw::start(|_| endless_head()).await);
    }
    let before = status("VmRSS");
    let (client, kind) = if let Some(server) = &server {
        (client(&server.uri, None), ErrorKind::HeadersTooLarge)
    } else {
        let cap = (case != "default").then(|| case.parse().unwrap());
        (client(&twin.base_url(), cap), ErrorKind::BodyTooLarge)
    };
    for _ in 0..3 {
        let error = client.list().page().await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    println!("grown by {} bytes", status("VmHWM").saturating_sub(before));
}

fn endless_head() -> Reply {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    head.extend(b"x-more: and more and more and more\r\n".repeat(16 * MIB / 36));
    Reply::Bytes(head)
}

#[tokio::test]
async fn an_answer_without_end_takes_no_more_than_its_cap() {
    if let Ok(case) = std::env::var(CASE) {
        return measure(&case).await;
    }
    for (case, cap) in [
        ("4194304", 4 * MIB),
        ("default", 32 * MIB),
        ("100663296", 96 * MIB),
        // Of a head the HTTP library keeps less than half a MiB; each of the server's connections
        // has its own copy of what it sends.
        ("head", 3 * 16 * MIB),
    ] {
        let mut child =
            process_for("all::memory::an_answer_without_end_takes_no_more_than_its_cap");
        let output = child.env(CASE, case).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let grown = text
            .split_once("grown by ")
            .and_then(|(_, rest)| rest.split(' ').next());
        let grown: usize = grown
            .unwrap_or_else(|| panic!("{case}: {text}"))
            .parse()
            .unwrap();
        println!(
            "{case}: cap {} MiB, peak grew by {} KiB",
            cap / MIB,
            grown / 1024
        );
        assert!(grown < cap + SLACK, "{case}: {grown} bytes");
        if case != "head" {
            // The measure sees what is there to be seen.
            assert!(grown > cap / 2, "{case}: {grown} bytes");
        }
    }
}
