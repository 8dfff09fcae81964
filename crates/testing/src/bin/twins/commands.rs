//! Commands on the standard input: a look inside, and what shall go wrong.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{Clock as _, Secret};
use access_tokens_testing::{Entry, Fault, Settling, ShiftedClock, Twin, Twins};
use access_tokens_testing::{avisi_cloud, launchdarkly, query_server};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    #[serde(rename = "launchdarkly")]
    LaunchDarkly,
    QueryServer,
    AvisiCloud,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Tokens {
        service: Name,
    },
    Authenticates {
        service: Name,
        secret: Secret,
    },
    Seed {
        service: Name,
        name: String,
    },
    Remove {
        service: Name,
        key: String,
    },
    Requests {
        service: Name,
    },
    ClearRequests {
        service: Name,
    },
    Fault {
        service: Name,
        operation: Option<String>,
        #[serde(default = "one")]
        nth: u64,
        #[serde(default)]
        times: Times,
        fault: Fault,
    },
    ClearFaults {
        service: Name,
    },
    Settling {
        service: Name,
        settling: Settling,
    },
    Refuse {
        service: Name,
    },
    Accept {
        service: Name,
    },
    Now {},
    Advance {
        seconds: f64,
    },
}

fn one() -> u64 {
    1
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Times {
    Number(u64),
    Word(Always),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Always {
    Always,
}

impl Default for Times {
    fn default() -> Self {
        Self::Number(1)
    }
}

impl Times {
    fn number(self) -> u64 {
        match self {
            Self::Number(times) => times,
            Self::Word(Always::Always) => u64::MAX,
        }
    }
}

/// Answers commands.
pub(crate) struct Console<'a> {
    twins: &'a Twins,
    clock: ShiftedClock,
    show_secrets: bool,
}

impl<'a> Console<'a> {
    pub(crate) fn new(twins: &'a Twins, clock: ShiftedClock, show_secrets: bool) -> Self {
        Self {
            twins,
            clock,
            show_secrets,
        }
    }

    /// One line of JSON for one line of JSON.
    pub(crate) fn answer(&self, line: &str) -> Value {
        let command = serde_json::from_str(line).map_err(io::Error::other);
        match command.and_then(|command| self.run(command)) {
            Ok(Value::Object(mut answer)) => {
                answer.insert("ok".to_owned(), Value::Bool(true));
                Value::Object(answer)
            }
            Ok(_) => json!({"ok": true}),
            Err(error) => json!({"ok": false, "error": error.to_string()}),
        }
    }

    fn run(&self, command: Command) -> io::Result<Value> {
        match command {
            Command::Tokens { service } => {
                let tokens = self.twin(service).entries();
                let tokens: Vec<_> = tokens.iter().map(|entry| self.shown(entry)).collect();
                Ok(json!({ "tokens": tokens }))
            }
            Command::Authenticates { service, secret } => {
                Ok(json!({ "authenticates": self.twin(service).authenticates(&secret) }))
            }
            Command::Seed { service, name } => Ok(json!({ "key": self.seed(service, &name) })),
            Command::Remove { service, key } => {
                Ok(json!({ "removed": self.twin(service).remove(&key) }))
            }
            Command::Requests { service } => Ok(json!({ "requests": self.twin(service).counts() })),
            Command::ClearRequests { service } => {
                self.twin(service).clear_requests();
                Ok(Value::Null)
            }
            Command::Fault {
                service,
                operation,
                nth,
                times,
                fault,
            } => {
                let twin = self.twin(service);
                twin.set_fault(operation.as_deref(), nth, times.number(), fault)?;
                Ok(Value::Null)
            }
            Command::ClearFaults { service } => {
                self.twin(service).clear_faults();
                Ok(Value::Null)
            }
            Command::Settling { service, settling } => {
                self.twin(service).set_settling(settling);
                Ok(Value::Null)
            }
            Command::Refuse { service } => self.twin(service).refuse_connections().map(Value::from),
            Command::Accept { service } => self.twin(service).accept_connections().map(Value::from),
            Command::Now {} => Ok(json!({ "now": seconds(self.clock.now()) })),
            Command::Advance { seconds: by } => {
                self.clock
                    .advance(Duration::try_from_secs_f64(by).map_err(io::Error::other)?);
                Ok(json!({ "now": seconds(self.clock.now()) }))
            }
        }
    }

    fn twin(&self, service: Name) -> &dyn Twin {
        match service {
            Name::LaunchDarkly => &self.twins.launchdarkly,
            Name::QueryServer => &self.twins.query_server,
            Name::AvisiCloud => &self.twins.avisi_cloud,
        }
    }

    /// The key of the new token.
    fn seed(&self, service: Name, name: &str) -> String {
        match service {
            Name::LaunchDarkly => {
                let seed = launchdarkly::Seed::new(name);
                self.twins.launchdarkly.seed(seed).id
            }
            Name::QueryServer => {
                let seed = query_server::Seed::new(name);
                self.twins.query_server.seed(seed).name
            }
            Name::AvisiCloud => {
                let seed = avisi_cloud::Seed::new(name);
                self.twins.avisi_cloud.seed(seed).id
            }
        }
    }

    fn shown(&self, entry: &Entry) -> Value {
        let mut shown = json!({
            "key": entry.key,
            "name": entry.name,
            "works": entry.works,
            "created": entry.created.map(seconds),
            "expires": entry.expires.map(seconds),
            "last_used": entry.last_used.map(seconds),
        });
        if let Some(shown) = shown.as_object_mut().filter(|_| self.show_secrets) {
            shown.insert("secret".to_owned(), entry.secret.expose_secret().into());
        }
        shown
    }
}

/// Seconds since the Unix epoch.
fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}
