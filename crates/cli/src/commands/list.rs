//! `tokens list`

use std::collections::HashMap;

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{Error, ErrorKind, TokenState};

use super::Run;
use crate::args::{List, Output};
use crate::client;
use crate::config::ServiceName;
use crate::error::{FAILED, OK, Stop};
use crate::progress::Progress;

pub(crate) async fn run(run: &Run<'_>, list: &List) -> Result<u8, Stop> {
    let service = list.service.as_deref().map(service).transpose()?;
    let state = list.state.as_deref().map(state).transpose()?;
    let (mut report, code) = collect(run, list.account.as_deref(), service).await?;
    if let Some(state) = state {
        report = report.state(state);
    }
    if let Some(time) = list.expiring_within {
        report = report.expiring_within(time);
    }
    if let Some(time) = list.unused_for {
        report = report.unused_for(time);
    }
    if list.without_end {
        report = report.without_known_end();
    }
    if list.admin {
        report = report.privileged();
    }
    match run.output {
        Output::Json => run.context.say(report.to_json())?,
        Output::Csv => run.context.say(report.to_csv().trim_end())?,
        Output::Table => {
            let table = report.to_table().width(run.style.table_width()).to_string();
            run.context.say(table.trim_end())?;
        }
    }
    Ok(code)
}

/// The tokens of all accounts that are asked for. An account that cannot be read is told of, and
/// hides no other.
pub(crate) async fn collect(
    run: &Run<'_>,
    only: Option<&str>,
    service: Option<ServiceName>,
) -> Result<(Report, u8), Stop> {
    if let Some(name) = only {
        client::account(run.config, name)?;
    }
    let wanted = run.config.accounts.iter().filter(|(name, account)| {
        only.is_none_or(|only| only == **name) && service.is_none_or(|s| s == account.service)
    });
    let mut inventory = Inventory::new().clock(run.context.clock.clone());
    let (mut accounts, mut hints) = (0, HashMap::new());
    for (name, account) in wanted {
        accounts += 1;
        inventory = match client::connect(run.context, name, account).await {
            Ok(service) => inventory.add(name.as_str(), service),
            Err(stop) => {
                let service = account.service.service();
                let error = Error::new(service, ErrorKind::Config, stop.message);
                hints.insert(name, stop.hint);
                inventory.add_failed(name.as_str(), error)
            }
        };
    }
    let progress = Progress::begin(run, "reading accounts", accounts);
    let tell = progress.handle();
    let inventory = inventory.progress(move |at| tell(at.accounts_ended));
    let report = inventory.collect().await;
    drop(progress);
    for account in report.failures() {
        let label = &account.label;
        let Some(error) = &account.error else {
            let some = account.unreadable.len();
            run.tell(format_args!("{label}: {some} cannot be read"), 2);
            continue;
        };
        let hint = hints.get(label).map(String::as_str).or(error.hint());
        run.tell(
            format_args!("{label}: {error}; {}", hint.unwrap_or_default()),
            2,
        );
    }
    let code = if report.is_complete() { OK } else { FAILED };
    Ok((report, code))
}

fn service(text: &str) -> Result<ServiceName, Stop> {
    ServiceName::parse(text).ok_or_else(|| {
        let known = ServiceName::ALL.map(|(name, _)| name).join(", ");
        Stop::usage("there is no such service").hint(format!("There are: {known}."))
    })
}

fn state(text: &str) -> Result<TokenState, Stop> {
    let all = [
        TokenState::Active,
        TokenState::Inactive,
        TokenState::Expired,
        TokenState::Unusable,
        TokenState::Unknown,
    ];
    all.into_iter()
        .find(|state| state.to_string() == text)
        .ok_or_else(|| {
            Stop::usage("there is no such state")
                .hint("There are: active, inactive, expired, unusable, unknown.")
        })
}
