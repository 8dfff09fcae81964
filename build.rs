//! Generates models and clients from the documents in `openapi/` into `OUT_DIR`, if the feature
//! `generate` is on. Without it `generated/` is compiled, which a test holds equal.

#[cfg(feature = "generate")]
#[path = "build/generate.rs"]
mod generate;

#[cfg(feature = "generate")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    say_whether_there_is_a_service()?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    generate::all()
}

#[cfg(not(feature = "generate"))]
fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    say_whether_there_is_a_service()
}

/// Sets `any_service` if there is at least one, for what only calls need: the feature of a service has
/// the name of its document.
fn say_whether_there_is_a_service() -> std::io::Result<()> {
    println!("cargo::rustc-check-cfg=cfg(any_service)");
    for document in std::fs::read_dir("openapi")? {
        let path = document?.path().with_extension("");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let feature = name.to_uppercase().replace('-', "_");
        if std::env::var_os(format!("CARGO_FEATURE_{feature}")).is_some() {
            println!("cargo::rustc-cfg=any_service");
        }
    }
    Ok(())
}
