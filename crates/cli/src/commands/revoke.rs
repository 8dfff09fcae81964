//! `tokens revoke`

use access_tokens::{OwnCredential, TokenKey};
use serde_json::json;

use super::Run;
use crate::args::Revoke;
use crate::client;
use crate::error::{OK, Stop};
use crate::output;

pub(crate) async fn run(run: &Run<'_>, revoke: &Revoke) -> Result<u8, Stop> {
    let account = client::account(run.config, &revoke.account)?;
    let service = client::connect(run.context, &revoke.account, account).await?;
    let key = TokenKey::new(&revoke.key);
    let record = service.get(&key).await?;
    if service.is_own_credential(&record).await? == OwnCredential::Yes {
        return Err(
            Stop::usage("this is the token that the account itself uses")
                .hint("Give the account another credential first."),
        );
    }
    let name = record.name.as_deref().unwrap_or(key.as_str());
    let question = format!(
        "Revoke {key} ({}) on {} for good?",
        name.escape_debug(),
        record.service
    );
    run.context.confirm(&question, revoke.yes)?;
    service.delete(&key).await?;
    if run.json() {
        output::document(run.context, "revoked", &json!({ "key": key.as_str() }))?;
    } else {
        run.context.say(format_args!("revoked {key}"))?;
    }
    Ok(OK)
}
