//! `tokens plan`

use serde_json::json;

use super::Run;
use crate::args::Names;
use crate::error::{OK, Stop, graver};
use crate::managed::{self, Clients};
use crate::output;

pub(crate) async fn run(run: &Run<'_>, names: &Names) -> Result<u8, Stop> {
    let selected = managed::selected(run.config, &names.names)?;
    let accounts = selected.values().map(|token| token.account.as_str());
    let clients = Clients::connect(run, accounts).await;
    let keeper = managed::keeper(run).await?;
    let (mut code, mut plans) = (OK, Vec::new());
    for (name, token) in &selected {
        let plan = match clients.get(&token.account) {
            Ok(service) => {
                let declared = managed::declare(run, name, token, service)?;
                keeper.plan(&declared).await.map_err(Stop::from)
            }
            Err(stop) => Err(stop.clone()),
        };
        match plan {
            Ok(plan) if run.json() => plans.push(json!(plan)),
            Ok(plan) => run.context.say(plan.to_string().trim_end())?,
            Err(stop) => {
                code = graver(code, stop.code);
                if run.json() {
                    let error =
                        json!({ "kind": stop.kind, "message": stop.message, "hint": stop.hint });
                    plans.push(json!({ "token": name, "error": error }));
                } else {
                    let word = run.style.bad("cannot go");
                    run.context
                        .say(format_args!("{name}: {word}: {}", stop.message))?;
                    if let Some(hint) = &stop.hint {
                        run.context.say(format_args!("  {hint}"))?;
                    }
                }
            }
        }
    }
    if run.json() {
        output::document(run.context, "plans", &plans)?;
    }
    Ok(code)
}
