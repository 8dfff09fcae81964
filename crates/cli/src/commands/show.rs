//! `tokens show`

use access_tokens::{TokenKey, TokenRecord, When};

use super::Run;
use crate::args::Show;
use crate::client;
use crate::error::{OK, Stop};
use crate::output;

pub(crate) async fn run(run: &Run<'_>, show: &Show) -> Result<u8, Stop> {
    let account = client::account(run.config, &show.account)?;
    let service = client::connect(run.context, &show.account, account).await?;
    let mut record = service.get(&TokenKey::new(&show.key)).await?;
    record.account = Some(show.account.as_str().into());
    if run.json() {
        output::document(run.context, "token", &record)?;
    } else {
        for line in lines(&record) {
            run.line(line, 11)?;
        }
    }
    Ok(OK)
}

/// A record for a person, a line a fact.
fn lines(record: &TokenRecord) -> Vec<String> {
    let shown = |text: &str| text.escape_debug().to_string();
    let mut lines = vec![
        format!("service    {}", record.service),
        format!("key        {}", record.key),
    ];
    let mut add = |label: &str, text: Option<String>| {
        lines.extend(text.map(|text| format!("{label:<11}{text}")));
    };
    add("name", record.name.as_deref().map(shown));
    add("state", Some(record.state.to_string()));
    add("may", Some(record.privilege.to_string()));
    add("owner", record.owner.as_deref().map(shown));
    for (label, when) in [
        ("created", record.created),
        ("modified", record.modified),
        ("expires", record.expires),
        ("last used", record.last_used),
    ] {
        let known = when != When::NotReported || label == "expires";
        add(label, known.then(|| when.to_string()));
    }
    add("marker", record.marker.as_ref().map(ToString::to_string));
    lines
}
