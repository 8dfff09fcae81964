//! `tokens create`

use access_tokens::rotation::sink::{Delivery, Sink};
use access_tokens::{Marker, Overrides, Secret, TokenRecord, TokenService};
use serde_json::json;

use super::Run;
use crate::args::Create;
use crate::client;
use crate::config::{self, SinkSpec};
use crate::error::{OK, PERSON, Stop};
use crate::output;
use crate::sinks;

pub(crate) async fn run(run: &Run<'_>, create: &Create) -> Result<u8, Stop> {
    let account = client::account(run.config, &create.account)?;
    let wanted = config::Create {
        role: create.role.clone(),
        read_only: create.read_only.then_some(true),
        ip_restriction: create.ip_restriction.clone(),
        ..config::Create::default()
    };
    let template = client::template(account.service, &create.name, &wanted)
        .map_err(|what| Stop::usage(flags(&what)))?;
    let sink = if create.to == "stdout" {
        if run.context.terminal.output && !create.yes {
            return Err(Stop::usage("a secret would be shown on the terminal")
                .hint("Deliver it to a place, pipe it on, or add --yes."));
        }
        None
    } else {
        let spec = SinkSpec::parse(run.context, &create.to)
            .map_err(|what| Stop::usage(format!("--to {what}, or stdout")))?;
        let sink = sinks::open(run.context, &spec).await?;
        // What cannot be delivered is not made.
        let failed = |error: &dyn std::fmt::Display| Stop::failed("sink", error.to_string());
        sink.check().await.map_err(|error| failed(&error))?;
        Some(sink)
    };
    let service = client::connect(run.context, &create.account, account).await?;
    let marker = Marker::random();
    let mut overrides = Overrides::new();
    if service.capabilities().marks_successors {
        overrides = overrides.marker(marker.clone());
    }
    if let Some(time) = create.expires {
        if !service.capabilities().expiry_on_create {
            return Err(Stop::usage(format!(
                "{} takes no end for a new token",
                service.service()
            )));
        }
        overrides = overrides.expires(time);
    }
    let (record, secret) = service.create(&template, overrides).await?.into_parts();
    if let Some(sink) = sink {
        deliver(&*service, &*sink, &record, &secret, &marker).await?;
        report(run, &record, &create.to)?;
    } else if run.json() {
        let content = json!({
            "key": record.key.as_str(), "name": record.name, "delivered_to": "stdout",
            "secret": secret.expose_secret(),
        });
        output::document(run.context, "created", &content)?;
    } else {
        run.context.say(secret.expose_secret())?;
        run.context.tell(format_args!("created {}", record.key));
    }
    Ok(OK)
}

/// Delivers the secret; a token whose secret certainly reached nobody is deleted again.
async fn deliver(
    service: &dyn TokenService,
    sink: &dyn Sink,
    record: &TokenRecord,
    secret: &Secret,
    marker: &Marker,
) -> Result<(), Stop> {
    let key = &record.key;
    let before = marker.attempt(0);
    let this = marker.attempt(1);
    let seen = match sink.observe().await {
        Ok(observed) => observed.version,
        Err(_) => None,
    };
    let delivery = Delivery::new(secret, record, &this, &before).with_seen(seen.as_ref());
    let Err(error) = sink.deliver(&delivery).await else {
        return Ok(());
    };
    let text = format!("{}: {error}", sink.id());
    if error.may_hold_secret() {
        let mut stop = Stop::failed("sink", text).hint(format!(
            "{key} lives, and the place may hold its secret: look, then keep or revoke it."
        ));
        stop.code = PERSON;
        return Err(stop);
    }
    match service.delete(key).await {
        Ok(()) => Err(Stop::failed("sink", text).hint("The new token was deleted again.")),
        Err(delete) => {
            let hint = format!("{key} could not be deleted again ({delete}): tokens revoke {key}");
            let mut stop = Stop::failed("sink", text).hint(hint);
            stop.code = PERSON;
            Err(stop)
        }
    }
}

fn report(run: &Run<'_>, record: &TokenRecord, to: &str) -> Result<(), Stop> {
    // A command line may hold anything.
    let to = if to.starts_with("command:") {
        "command"
    } else {
        to
    };
    if run.json() {
        let content =
            json!({ "key": record.key.as_str(), "name": record.name, "delivered_to": to });
        return output::document(run.context, "created", &content);
    }
    run.line(format_args!("created {}, delivered to {to}", record.key), 2)
}

/// A key of the configuration as the option that it is here.
fn flags(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('`').enumerate() {
        if number % 2 == 1 {
            out.push_str("--");
            out.push_str(&part.replace('_', "-"));
        } else {
            out.push_str(part);
        }
    }
    out
}
