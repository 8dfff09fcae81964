# Shorter names for what is done often. `just --list` shows them.

_default:
    @just --list

# Everything that must hold, or the named steps of it.
ci *steps:
    bash .ci/run {{steps}}

# The tests of all packages, or those whose name contains a word.
test *name:
    cargo test --workspace {{name}}

# A token's whole life on all three services, on local twins.
quickstart:
    cargo run --example quickstart

# The documentation as docs.rs shows it; needs a nightly toolchain.
docs:
    RUSTDOCFLAGS='--cfg docsrs' cargo +nightly doc --workspace --no-deps --all-features --open

# The twins, until standard input ends; prints the variables that clients read.
twins *arguments:
    cargo run -p access-tokens-testing --bin twins -- {{arguments}}

# Writes down anew what tests compare with: generated code and what comes of faults.
snapshots:
    UPDATE_SNAPSHOTS=1 cargo test --test it generated_code
    UPDATE_SNAPSHOTS=1 cargo test --test it faults

# Looks for inputs that break what reads from outside; needs cargo-fuzz and a nightly toolchain.
fuzz target:
    cargo +nightly fuzz run {{target}} fuzz/corpus/{{target}} fuzz/seeds/{{target}}

# What a call costs.
bench:
    cargo bench --bench overhead
