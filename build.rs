//! Generates models and clients from the documents in `openapi/` into `OUT_DIR`, if the feature
//! `generate` is on. Without it `generated/` is compiled, which a test holds equal.

#[cfg(feature = "generate")]
#[path = "build/generate.rs"]
mod generate;

#[cfg(feature = "generate")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    generate::all()
}

#[cfg(not(feature = "generate"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
