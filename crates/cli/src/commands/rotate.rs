//! `tokens rotate`, `tokens rollback` and `tokens forget`

use access_tokens::rotation::{ManagedToken, Reason};

use super::{Run, tick};
use crate::args::{self, Named, Rotate};
use crate::error::{OK, Stop};
use crate::managed::{self, Clients};
use crate::output::{self, shown};

pub(crate) async fn rotate(run: &Run<'_>, rotate: &Rotate) -> Result<u8, Stop> {
    run.lasting_state()?;
    let token = declared(run, &rotate.name).await?;
    let name = shown(&rotate.name);
    let (reason, question) = match rotate.reason {
        args::Reason::Scheduled => (Reason::Scheduled, format!("Rotate {name} now?")),
        args::Reason::Suspected => (
            Reason::Suspected,
            format!(
                "Rotate {name} now, and delete the token that is in use once the new one is delivered?"
            ),
        ),
    };
    run.context.confirm(&question, rotate.yes)?;
    let report = managed::keeper(run).await?.rotate(&token, reason).await;
    tick::show_one(run, &report)
}

pub(crate) async fn rollback(run: &Run<'_>, named: &Named) -> Result<u8, Stop> {
    run.lasting_state()?;
    let token = declared(run, &named.name).await?;
    let question = format!(
        "Give every place of {} the previous token back?",
        shown(&named.name)
    );
    run.context.confirm(&question, named.yes)?;
    let report = managed::keeper(run).await?.rollback(&token).await;
    tick::show_one(run, &report)
}

pub(crate) async fn forget(run: &Run<'_>, named: &Named) -> Result<u8, Stop> {
    let keeper = managed::keeper(run).await?;
    let known = keeper.status(&named.name).await?;
    if known.is_none() && !run.config.tokens.contains_key(&named.name) {
        return Err(managed::unknown(run.config, &named.name));
    }
    let name = shown(&named.name);
    let question =
        format!("Forget {name}? Its tokens stay at the service, and nothing retires them.");
    if known.is_none() {
        return Err(Stop::usage(format!("the state knows nothing of {name}"))
            .hint("There is nothing to forget; take the entry out of the file if it is to go."));
    }
    run.context.confirm(&question, named.yes)?;
    keeper.forget(&named.name).await?;
    if run.json() {
        output::document(run.context, "forgotten", &named.name)?;
    } else {
        run.context.say(format_args!("forgot {name}"))?;
    }
    Ok(OK)
}

async fn declared(run: &Run<'_>, name: &str) -> Result<ManagedToken, Stop> {
    let names = [name.to_owned()];
    let selected = managed::selected(run.config, &names)?;
    let token = selected
        .get(name)
        .ok_or_else(|| managed::unknown(run.config, name))?;
    let clients = Clients::connect(run, [token.account.as_str()]).await;
    let service = clients.get(&token.account).map_err(Stop::clone)?;
    managed::declare(run, name, token, service).await
}
