//! State in PostgreSQL, reached as libpq's programs reach it.

use std::path::PathBuf;
use std::sync::Arc;

use access_tokens::rotation::state::{StateStore, StoreErrorKind};
use access_tokens_stores::PostgresStore;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::pgpass::{self, To};
use crate::context::Context;
use crate::error::{PERSON, Stop};

pub(super) async fn open(context: &Context, url: &str) -> Result<Arc<dyn StateStore>, Stop> {
    let config = config(context, url)?;
    let store = PostgresStore::connect(config, tls()?)
        .await
        .map_err(|error| {
            let mut stop = Stop::failed("store", error.to_string())
                .hint("See that state.store can be reached; nothing goes on without it.");
            if error.kind() == StoreErrorKind::Unsuitable {
                stop.code = PERSON;
            }
            stop
        })?;
    Ok(Arc::new(store))
}

fn config(context: &Context, url: &str) -> Result<Config, Stop> {
    // The certificate is always verified, so these ask for the same.
    let url = url
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    // What is wrong with it may be a secret in the wrong place.
    let wrong = |what: &str| {
        Stop::config(format!("state.store: {what}")).hint(
            "Write postgres://USER@HOST:PORT/DATABASE, if need be with ?sslmode=require|disable; \
             the password is read from PGPASSWORD or PGPASSFILE.",
        )
    };
    let mut config: Config = url
        .parse()
        .map_err(|_| wrong("this is no address of a PostgreSQL database"))?;
    if config.get_password().is_some() {
        return Err(wrong("holds a password"));
    }
    if config.get_hosts().is_empty() {
        return Err(wrong("names no host"));
    }
    // A password, and what the state says, do not cross a network in the clear by default.
    if !url.contains("sslmode=") && !config.get_hosts().iter().all(is_here) {
        config.ssl_mode(SslMode::Require);
    }
    if config.get_user().is_none() {
        let user = context.var("PGUSER")?.or(context.var("USER")?);
        config.user(user.ok_or_else(|| wrong("names no user"))?);
    }
    if let Some(password) = password(context, &config)? {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("tokens");
    }
    Ok(config)
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.parse::<std::net::IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn password(context: &Context, config: &Config) -> Result<Option<String>, Stop> {
    if let Some(password) = context.var("PGPASSWORD")? {
        return Ok(Some(password));
    }
    let home = context.var("HOME")?;
    let (file, named) = match (context.var("PGPASSFILE")?, home) {
        (Some(file), _) => (PathBuf::from(file), true),
        (None, Some(home)) => (PathBuf::from(home).join(".pgpass"), false),
        (None, None) => return Ok(None),
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(_) if !named => return Ok(None),
        Err(error) => {
            return Err(Stop::config(format!("PGPASSFILE: {error}"))
                .hint("Name a file that can be read, or unset it."));
        }
    };
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or_default();
    let to = To {
        host: &host,
        port: &port.to_string(),
        database: config.get_dbname().unwrap_or(user),
        user,
    };
    Ok(pgpass::find(&text, to))
}

fn tls() -> Result<MakeRustlsConnect, Stop> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| {
            Stop::failed("store", format!("no TLS here: {error}"))
                .hint("See that this machine has root certificates (package ca-certificates).")
        })?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn context() -> Context {
        let clock = Arc::new(access_tokens::SystemClock::new());
        let none = || Box::new(io::sink());
        Context::new("/".into(), clock, none(), none()).with_variable("USER", "me")
    }

    #[test]
    fn what_leaves_this_machine_is_encrypted_unless_that_is_switched_off() {
        for (url, mode) in [
            ("postgres://keeper@db.example/state", SslMode::Require),
            (
                "postgres://keeper@db.example/state?sslmode=verify-full",
                SslMode::Require,
            ),
            (
                "postgres://keeper@db.example/state?sslmode=disable",
                SslMode::Disable,
            ),
            ("postgres://keeper@127.0.0.1:5433/state", SslMode::Prefer),
            ("postgres://localhost,db.example/state", SslMode::Require),
            ("postgres:///state?host=/run/postgresql", SslMode::Prefer),
        ] {
            let config = config(&context(), url).unwrap();
            assert_eq!(config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn a_password_is_read_from_where_libpq_reads_it_and_never_from_the_address() {
        let with = context().with_variable("PGPASSWORD", "canary");
        let config_of = |context: &Context, url: &str| config(context, url);
        let read = config_of(&with, "postgres://localhost/state").unwrap();
        assert_eq!(read.get_password(), Some(&b"canary"[..]));
        assert_eq!(read.get_user(), Some("me"));
        for url in [
            "postgres://u:canary@localhost/state",
            "postgres://u@localhost/state?password=canary",
            "postgres://u@localhost/state?pass%77ord=canary",
            "postgres://u@localhost/state?canary=1",
            "postgres:///state",
        ] {
            let stop = config_of(&context(), url).unwrap_err();
            assert!(!format!("{stop:?}").contains("canary"), "{stop:?}");
        }
    }
}
