//! `tokens plan`

use serde_json::json;

use super::Run;
use crate::args::Names;
use crate::config::Token;
use crate::error::{OK, Stop, graver};
use crate::hooks;
use crate::managed::{self, Clients};
use crate::output;
use crate::progress::Progress;

pub(crate) async fn run(run: &Run<'_>, names: &Names) -> Result<u8, Stop> {
    let selected = managed::selected(run.config, &names.names)?;
    let accounts = selected.values().map(|token| token.account.as_str());
    let clients = Clients::connect(run, accounts).await;
    let keeper = managed::keeper(run).await?;
    let (mut code, mut plans) = (OK, Vec::new());
    let progress = Progress::begin(run, "looking at tokens", selected.len());
    for (name, token) in &selected {
        let plan = match clients.get(&token.account) {
            Ok(service) => {
                let declared = managed::declare(run, name, token, service).await?;
                match keeper.plan(&declared).await {
                    Ok(plan) => hooks(run, token).map(|()| plan),
                    Err(error) => Err(Stop::from(error)),
                }
            }
            Err(stop) => Err(stop.clone()),
        };
        progress.done(|| ());
        match plan {
            Ok(plan) if run.json() => plans.push(json!(plan)),
            Ok(plan) => {
                for line in plan.to_string().trim_end().lines() {
                    run.line(line, 6)?;
                }
            }
            Err(stop) => {
                code = graver(code, stop.code);
                if run.json() {
                    let error =
                        json!({ "kind": stop.kind, "message": stop.message, "hint": stop.hint });
                    plans.push(json!({ "token": name, "error": error }));
                } else {
                    let word = run.style.bad("cannot go");
                    run.line(format_args!("{name}: {word}: {}", stop.message), 2)?;
                    run.line(format_args!("  {}", stop.hint), 2)?;
                }
            }
        }
    }
    if run.json() {
        output::document(run.context, "plans", &plans)?;
    }
    Ok(code)
}

/// A step that cannot be taken would hold up every rotation.
fn hooks(run: &Run<'_>, token: &Token) -> Result<(), Stop> {
    token.after.iter().try_for_each(|hook| {
        hooks::check(run.context, hook).map_err(|what| {
            Stop::failed("after", format!("after: {what}"))
                .hint("Install it, or change the entry's `after`; it is run without a shell.")
        })
    })
}
