//! `tokens whoami`

use serde::Serialize;

use super::Run;
use crate::args::Whoami;
use crate::client;
use crate::error::{FAILED, OK, Stop};
use crate::output;

/// Whom an account's credential stands for.
#[derive(Debug, Serialize)]
struct Caller {
    account: String,
    service: &'static str,
    credential: String,
    key: Option<String>,
    name: Option<String>,
    owner: Option<String>,
    kind: Option<String>,
    /// Why it is not known.
    unknown: Option<String>,
}

pub(crate) async fn run(run: &Run<'_>, whoami: &Whoami) -> Result<u8, Stop> {
    if let Some(name) = &whoami.account {
        client::account(run.config, name)?;
    }
    let mut code = OK;
    let mut callers = Vec::new();
    for (name, account) in &run.config.accounts {
        if whoami.account.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut caller = Caller {
            account: name.clone(),
            service: account.service.text(),
            credential: account.credential.to_string(),
            key: None,
            name: None,
            owner: None,
            kind: None,
            unknown: None,
        };
        match identity(run, name, account).await {
            Ok(known) => {
                caller.key = known.key.map(|key| key.to_string());
                caller.name = known.name;
                caller.owner = known.owner;
                caller.kind = known.kind;
            }
            Err(Unknown::NotTold(why)) => caller.unknown = Some(why),
            Err(Unknown::Failed(why)) => {
                caller.unknown = Some(why);
                code = FAILED;
            }
        }
        callers.push(caller);
    }
    if run.json() {
        output::document(run.context, "callers", &callers)?;
        return Ok(code);
    }
    for caller in &callers {
        let shown = |text: &Option<String>| text.as_ref().map(|t| t.escape_debug().to_string());
        let what = match &caller.unknown {
            Some(why) => why.clone(),
            None => [&caller.kind, &caller.name, &caller.key, &caller.owner]
                .into_iter()
                .filter_map(shown)
                .collect::<Vec<_>>()
                .join(", "),
        };
        let head = run.style.head(&caller.account);
        run.line(format_args!("{head}  {} ({})", what, caller.service), 2)?;
    }
    Ok(code)
}

enum Unknown {
    NotTold(String),
    Failed(String),
}

async fn identity(
    run: &Run<'_>,
    name: &str,
    account: &crate::config::Account,
) -> Result<access_tokens::CallerIdentity, Unknown> {
    let service = client::connect(run.context, name, account)
        .await
        .map_err(|stop| Unknown::Failed(stop.message))?;
    service.whoami().await.map_err(|error| {
        if error.kind() == access_tokens::ErrorKind::Unsupported {
            Unknown::NotTold("the service does not tell".to_owned())
        } else {
            Unknown::Failed(error.to_string())
        }
    })
}
