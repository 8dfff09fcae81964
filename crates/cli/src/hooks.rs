//! The steps after a delivery: commands with no credential in their environment, whose whole process
//! group ends with them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use access_tokens::rotation::AfterStep;

use crate::config::{Config, Hook};
use crate::context::Context;

/// Variables that hold a credential of a service or store.
const CREDENTIALS: [&str; 13] = [
    "LD_ACCESS_TOKEN",
    "LAUNCHDARKLY_ACCESS_TOKEN",
    "QUERY_DEPLOY_TOKEN",
    "QUERY_PRIVATE_TOKEN",
    "ACLOUD_PERSONAL_ACCESS_TOKEN",
    "ACLOUD_PAT",
    "VAULT_TOKEN",
    "VAULT_SECRET_ID",
    "BAO_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
];

/// A step as the library takes it. Hooks of the same words and time are the same step.
pub(crate) fn step(context: &Context, config: &Config, hook: &Hook) -> AfterStep {
    let credentials = config.accounts.values();
    let own: Vec<_> = credentials
        .filter_map(|account| account.credential.variable())
        .collect();
    let hidden = |name: &OsString| {
        name.to_str()
            .is_some_and(|name| CREDENTIALS.contains(&name) || own.contains(&name))
    };
    let variables = context.variables.iter().filter(|(name, _)| !hidden(name));
    let variables: Vec<_> = variables
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let id = format!(
        "{} ({} s)",
        shell_words::join(&hook.words),
        hook.timeout.as_secs()
    );
    let (hook, folder) = (hook.clone(), context.directory.clone());
    AfterStep::from_fn(id, move |names| {
        let (hook, folder, variables) = (hook.clone(), folder.clone(), variables.clone());
        async move { run(&hook, folder, variables, &names).await }
    })
}

/// Whether the command is there, for a dry run: it is not run.
pub(crate) fn check(context: &Context, hook: &Hook) -> Result<(), String> {
    let program = Path::new(hook.words.first().map_or("", String::as_str));
    let found = if program.components().count() > 1 {
        is_program(&context.directory.join(program))
    } else {
        let path = context.variables.get(&OsString::from("PATH"));
        let mut folders = path.into_iter().flat_map(std::env::split_paths);
        folders.any(|folder| is_program(&context.directory.join(folder).join(program)))
    };
    if found {
        Ok(())
    } else {
        Err(format!("there is no program {}", program.display()))
    }
}

fn is_program(path: &Path) -> bool {
    let Ok(facts) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let may = std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may = true;
    facts.is_file() && may
}

async fn run(
    hook: &Hook,
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
    names: &[String],
) -> Result<(), String> {
    let [program, arguments @ ..] = hook.words.as_slice() else {
        return Err("it names no command".to_owned());
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .env("TOKENS_NAMES", names.join(" "))
        .stdin(Stdio::null())
        // It can read the secret, so nothing that it says is shown.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let group = Group(child.id());
    let ended = tokio::time::timeout(hook.timeout, child.wait()).await;
    drop(group);
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program} ended with {status}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_) => Err(format!(
            "{program} did not end within {} s",
            hook.timeout.as_secs()
        )),
    }
}

/// A process group that ends when this is dropped, be it that the step is over or given up.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let id = self.0.and_then(|id| i32::try_from(id).ok());
            if let Some(group) = id.and_then(Pid::from_raw) {
                // Nobody left to end is the usual case.
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }
}
