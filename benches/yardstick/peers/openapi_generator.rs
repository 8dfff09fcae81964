//! What openapi-generator makes of the document, as a peer of the yardstick.

use std::io::Write as _;

use ogen::apis::{access_tokens_api::get_tokens, configuration::Configuration};

/// The processor time of all threads, in nanoseconds.
fn processor_time() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let told = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<u64>().ok()
    });
    told.sum()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut configuration = Configuration::new();
    configuration.base_path = std::env::args().nth(1).unwrap();
    for _ in std::io::stdin().lines() {
        let start = processor_time();
        let page = get_tokens(&configuration, None, None, Some(10_000), Some(0)).await;
        let page = page.expect("a list");
        assert_eq!(page.items.as_ref().map(Vec::len), Some(10_000));
        drop(page);
        println!("{}", processor_time() - start);
        std::io::stdout().flush().unwrap();
    }
}
