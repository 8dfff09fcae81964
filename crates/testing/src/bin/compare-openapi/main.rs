//! What a newer OpenAPI document of a service changes for a client that was made from an older one.
//!
//! ```text
//! compare-openapi openapi/launchdarkly.json newer.json
//! ```
//!
//! A line for each difference; status 0 if there is none. [`USAGE`] says what else there is.
#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON value does not have reads as null"
)]

mod compare;
mod document;
mod findings;
mod schema;

use std::collections::HashSet;
use std::process::ExitCode;

use document::Document;

const USAGE: &str = "\
usage: compare-openapi [--known FILE] OURS NEWER

Compares the OpenAPI 3 document that a client is made from with a newer one of the service, both
JSON, and prints what the client has to know: operations that are gone, deprecated, or new beside
its own; parameters, bodies and answers that changed; fields that are new, gone, required, null or
of another type; values of enumerations. Words, examples, errors and the rest of the service are
not compared.

  --known FILE    lines that are expected, as they are printed; # begins a remark. One that is not
                  true any more is printed, too

status: 0 nothing, 1 something was printed, 2 it could not be compared";

struct Arguments {
    ours: String,
    newer: String,
    known: Option<String>,
}

impl Arguments {
    fn read(given: Vec<String>) -> Result<Self, String> {
        let (mut files, mut known) = (Vec::new(), None);
        let mut given = given.into_iter();
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--known" => known = Some(given.next().ok_or("--known needs a file")?),
                option if option.starts_with('-') => {
                    return Err(format!("unknown argument {option:?}"));
                }
                _ => files.push(argument),
            }
        }
        match <[String; 2]>::try_from(files) {
            Ok([ours, newer]) => Ok(Self { ours, newer, known }),
            Err(_) => Err("name two documents".to_owned()),
        }
    }
}

/// What is printed, and how much there is of what is not.
struct Outcome {
    lines: Vec<String>,
    operations: usize,
    known: usize,
}

fn run(arguments: &Arguments) -> Result<Outcome, String> {
    let ours = Document::read(&arguments.ours)?;
    let newer = Document::read(&arguments.newer)?;
    let known = match &arguments.known {
        Some(path) => document::text(path)?,
        None => String::new(),
    };
    let known: Vec<&str> = known
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let found = compare::differences(&ours, &newer);
    let there: HashSet<&str> = found.iter().map(String::as_str).collect();
    let gone = known.iter().filter(|line| !there.contains(*line));
    let gone = gone.map(|line| format!("known, and not true any more: {line}"));
    let expected: HashSet<&str> = known.iter().copied().collect();
    let new = found
        .iter()
        .filter(|line| !expected.contains(line.as_str()));
    let new: Vec<String> = new.cloned().collect();
    Ok(Outcome {
        known: found.len() - new.len(),
        operations: ours.operations().len(),
        lines: new.into_iter().chain(gone).collect(),
    })
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::read(given) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("compare-openapi: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(outcome) => {
            for line in &outcome.lines {
                println!("{line}");
            }
            eprintln!(
                "{} operations compared: {} to look at, {} known",
                outcome.operations,
                outcome.lines.len(),
                outcome.known
            );
            ExitCode::from(u8::from(!outcome.lines.is_empty()))
        }
        Err(problem) => {
            eprintln!("compare-openapi: {problem}");
            ExitCode::from(2)
        }
    }
}
