//! The command line.
#![allow(
    clippy::doc_markdown,
    reason = "these are help texts, printed as they stand"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::duration;

/// Keeps every access token fresh from one file: LaunchDarkly, Query Server and Avisi Cloud.
#[derive(Debug, Parser)]
#[command(
    name = "tokens",
    version,
    max_term_width = 100,
    after_help = "Exit codes, the gravest wins in this order: 4 needs a person, 1 something failed, \
                  3 findings (audit, status --check), 0. 2: usage or configuration.\n\
                  Try it without an account: tokens demo"
)]
pub(crate) struct Cli {
    /// The configuration; else TOKENS_CONFIG, ./tokens.toml, or tokens/tokens.toml in your config
    /// folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How results are printed; csv for list only
    #[arg(long, global = true, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    pub(crate) output: Output,
    /// When colours are used; auto heeds NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Only what needs attention
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell more; twice: every request
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
    Csv,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do what is due, and nothing else; safe from cron, any number at once
    Tick(Tick),
    /// Show what tick would do (the dry run), having tried credential, store, sinks and hooks
    Plan(Names),
    /// Show how each token stands, from the state alone
    Status(Status),
    /// Rotate a token now, whether it is due or not
    Rotate(Rotate),
    /// Go back to the previous token within its overlap
    Rollback(Named),
    /// Drop a token from the state; nothing is deleted at the service
    Forget(Named),
    /// List the tokens of the accounts
    List(List),
    /// Show one token
    Show(Show),
    /// Show whom each account's credential stands for
    Whoami(Whoami),
    /// Create a token and deliver its secret
    Create(Create),
    /// Revoke a token
    Revoke(Revoke),
    /// Judge the tokens of all accounts and what manages them
    Audit(Audit),
    /// See every command at work on local twins: no account, no network, a minute
    Demo,
    /// Print a completion script
    Completion(Completion),
}

#[derive(Debug, Args)]
pub(crate) struct Names {
    /// The tokens; all of the configuration without one
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Tick {
    #[command(flatten)]
    pub(crate) names: Names,
    /// Go on until stopped, a tick each time this long has passed
    #[arg(long, value_name = "DURATION", value_parser = duration::pause)]
    pub(crate) watch: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) names: Names,
    /// For monitoring: exit 3 if a token is overdue or failing
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The token
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Why; suspected (a leak) leaves no overlap
    #[arg(long, value_enum, default_value_t = Reason::Scheduled)]
    pub(crate) reason: Reason,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Why a rotation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    Scheduled,
    Suspected,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The token
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this account
    #[arg(long, value_name = "A")]
    pub(crate) account: Option<String>,
    /// Only this service: launchdarkly, query-server or avisi-cloud
    #[arg(long, value_name = "S")]
    pub(crate) service: Option<String>,
    /// Only tokens in this state: active, inactive, expired, unusable or unknown
    #[arg(long, value_name = "S")]
    pub(crate) state: Option<String>,
    /// Only tokens that end within this time
    #[arg(long, value_name = "D", value_parser = duration::parse)]
    pub(crate) expiring_within: Option<Duration>,
    /// Only tokens not used for this time, where the service tells
    #[arg(long, value_name = "D", value_parser = duration::parse)]
    pub(crate) unused_for: Option<Duration>,
    /// Only tokens that no end is known of
    #[arg(long)]
    pub(crate) without_end: bool,
    /// Only tokens that may do everything
    #[arg(long)]
    pub(crate) admin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The token's id; on Query Server its name
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The account
    #[arg(long, value_name = "A")]
    pub(crate) account: String,
}

#[derive(Debug, Args)]
pub(crate) struct Whoami {
    /// Only this account
    #[arg(long, value_name = "A")]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The account
    #[arg(long, value_name = "A")]
    pub(crate) account: String,
    /// The new token's name
    #[arg(long, value_name = "N")]
    pub(crate) name: String,
    /// LaunchDarkly: reader, writer, admin, or the key of a custom role
    #[arg(long, value_name = "R")]
    pub(crate) role: Option<String>,
    /// Query Server: a token that cannot write
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Avisi Cloud: a CIDR block that may use it
    #[arg(long, value_name = "C")]
    pub(crate) ip_restriction: Option<String>,
    /// How long it lives
    #[arg(long, value_name = "D", value_parser = duration::parse)]
    pub(crate) expires: Option<Duration>,
    /// Where its secret goes: file:PATH, dotenv:PATH#KEY, vault:MOUNT/PATH#KEY, aws:NAME,
    /// command:…, or stdout
    #[arg(long, value_name = "SINK")]
    pub(crate) to: String,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The token's id; on Query Server its name
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The account
    #[arg(long, value_name = "A")]
    pub(crate) account: String,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Exit 3 if there is a finding of this severity or a graver one
    #[arg(long, value_enum, default_value_t = Severity::Low, value_name = "SEVERITY")]
    pub(crate) fail_on: Severity,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Severity {
    Low,
    Medium,
    High,
}

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// A shell that completions are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}
