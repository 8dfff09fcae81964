//! Generates models and clients from the documents in `openapi/` into `OUT_DIR`, if the feature
//! `generate` is on. Without it `generated/` is compiled, which a test holds equal.

#[cfg(feature = "generate")]
#[path = "build/generate.rs"]
mod generate;

#[cfg(feature = "generate")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    say_whether_there_is_a_service();
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    generate::all()
}

#[cfg(not(feature = "generate"))]
fn main() {
    say_whether_there_is_a_service();
    println!("cargo::rerun-if-changed=build.rs");
}

/// Sets `any_service` if the feature of at least one service is on, for what only calls need.
fn say_whether_there_is_a_service() {
    println!("cargo::rustc-check-cfg=cfg(any_service)");
    if cfg!(any(
        feature = "launchdarkly",
        feature = "query-server",
        feature = "avisi-cloud"
    )) {
        println!("cargo::rustc-cfg=any_service");
    }
}
