//! `tokens list`

use access_tokens::TokenState;
use access_tokens::inventory::{Inventory, Report};

use super::Run;
use crate::args::{List, Output};
use crate::client;
use crate::config::ServiceName;
use crate::error::{FAILED, OK, Stop};
use crate::progress::Progress;

pub(crate) async fn run(run: &Run<'_>, list: &List) -> Result<u8, Stop> {
    let service = list.service.as_deref().map(service).transpose()?;
    let state = list.state.as_deref().map(state).transpose()?;
    let (report, mut code) = collect(run, list.account.as_deref(), service).await?;
    let mut report = report;
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
            let table = report.to_table().width(run.style.width()).to_string();
            run.context.say(table.trim_end())?;
        }
    }
    if !report.is_complete() {
        code = FAILED;
    }
    Ok(code)
}

/// The tokens of all accounts that are asked for. An account whose credential cannot be had is
/// told of, and hides no other.
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
    let (mut code, mut accounts) = (OK, 0);
    for (name, account) in wanted {
        match client::connect(run.context, name, account).await {
            Ok(service) => {
                inventory = inventory.add(name.as_str(), service);
                accounts += 1;
            }
            Err(stop) => {
                run.tell(format_args!("{name}: {}; {}", stop.message, stop.hint), 2);
                code = FAILED;
            }
        }
    }
    let progress = Progress::begin(run, "reading accounts", accounts);
    let tell = progress.handle();
    let inventory = inventory.progress(move |at| tell(at.accounts_ended));
    Ok((inventory.collect().await, code))
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
