//! Guide: one page for each task, from the first call to a fleet that keeps itself fresh.
//!
//! Begin with [`start`]. All code in it is compiled and run.

macro_rules! chapters {
    ($($name:ident)*) => {
        $(
            #[doc = include_str!(concat!("../docs/guide/", stringify!($name), ".md"))]
            pub mod $name {}
        )*
    };
}

chapters! {
    start credentials errors retries lists patches time managed_tokens fleets sinks inventory observability
    testing tls limits cookbook coming_from
}

/// Versions: what may change in which, and what is written down in which form.
#[doc = include_str!("../docs/versions.md")]
pub mod versions {}
