//! Dotenv files as those who read them see them.
//!
//! `ACCESS_TOKENS_REQUIRE_READERS` makes a reader that is not installed a failure: `bash`, `node`
//! (with the package `dotenv`; `NODE_PATH` says where) and `python3` (with python-dotenv 1.2;
//! `ACCESS_TOKENS_PYTHON` names another). `ACCESS_TOKENS_READER_VALUES` and
//! `ACCESS_TOKENS_READER_FILES` say how many of each are tried.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use access_tokens::rotation::sink::{DotenvReaders, DotenvSink, SinkErrorKind};
use fastrand::Rng;

use super::Owner;
use crate::support::Scratch;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// What each installed reader takes for KEY in each of these files.
fn read(files: &[PathBuf], readers: DotenvReaders) -> Vec<(&'static str, Vec<Option<String>>)> {
    let mut all = vec![("dotenvy", files.iter().map(|file| dotenvy(file)).collect())];
    if readers == DotenvReaders::All {
        all.extend(ask(
            "bash",
            "bash",
            &["--noprofile", "--norc", "-c", BASH],
            files,
        ));
    }
    let python = std::env::var("ACCESS_TOKENS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    all.extend(ask("python-dotenv", &python, &["-c", PYTHON], files));
    all.extend(ask("node", "node", &["-e", NODE], files));
    all
}

fn dotenvy(file: &Path) -> Option<String> {
    // It skips a byte order mark only where it sets variables.
    let content = std::fs::read_to_string(file).unwrap();
    let content = content.trim_start_matches('\u{feff}');
    let all = dotenvy::from_read_iter(content.as_bytes());
    let found: HashMap<_, _> = all.filter_map(Result::ok).collect();
    found.get("KEY").cloned()
}

/// Each file in a shell of its own, which has no programs to run and nothing to read.
const BASH: &str = r#"
PATH=/nonexistent
while IFS= read -r file; do
    ( set -a; . "$file" >/dev/null 2>&1 </dev/null; [ -n "${KEY+x}" ] && printf '=%s' "$KEY"; exit 0 ) 2>/dev/null
    printf '\0'
done
"#;

const PYTHON: &str = r#"
import sys, logging, importlib.metadata
version = importlib.metadata.version("python-dotenv")
assert version.startswith("1.2"), version
from dotenv import dotenv_values
logging.disable()
for line in sys.stdin:
    value = dotenv_values(line.rstrip("\n")).get("KEY")
    sys.stdout.write(("" if value is None else "=" + value) + "\0")
"#;

const NODE: &str = r#"
const { parse } = require("dotenv");
const fs = require("fs");
for (const file of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const value = parse(fs.readFileSync(file)).KEY;
    process.stdout.write((value === undefined ? "" : "=" + value) + "\0");
}
"#;

fn ask(
    name: &'static str,
    program: &str,
    args: &[&str],
    files: &[PathBuf],
) -> Option<(&'static str, Vec<Option<String>>)> {
    let required = std::env::var_os("ACCESS_TOKENS_REQUIRE_READERS").is_some();
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command.env_remove("KEY").env_remove("BASH_ENV");
    if !required {
        command.stderr(Stdio::null());
    }
    let child = command.current_dir(files.first()?.parent()?).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            assert!(!required, "{name}: {error}");
            return None;
        }
    };
    let mut input = child.stdin.take()?;
    let list: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string() + "\n")
        .collect();
    let list = list.concat();
    let writer = std::thread::spawn(move || {
        // One that is not installed ends before it reads.
        let _ = input.write_all(list.as_bytes());
    });
    let mut answer = String::new();
    child.stdout.take()?.read_to_string(&mut answer).unwrap();
    writer.join().unwrap();
    let status = child.wait().unwrap();
    if !status.success() {
        assert!(!required, "{name}: {status}");
        return None;
    }
    let mut values: Vec<_> = answer
        .split('\0')
        .map(|value| value.strip_prefix('=').map(str::to_owned))
        .collect();
    values.pop();
    assert_eq!(values.len(), files.len(), "{name}");
    Some((name, values))
}

/// Delivers secrets into files and shows them to all readers, many at once.
async fn agree(
    scratch: &Scratch,
    cases: Vec<(Option<String>, String)>,
    readers: DotenvReaders,
) -> usize {
    let (mut written, mut paths) = (Vec::new(), Vec::new());
    for (at, (before, secret)) in cases.into_iter().enumerate() {
        let path = scratch.path(&format!("{at}.env"));
        if let Some(before) = &before {
            std::fs::write(&path, before).unwrap();
        }
        let sink = DotenvSink::new(&path, "KEY").readers(readers);
        let done = Owner::new().deliver(&sink, 1, &secret).await;
        match done {
            Ok(_) => {
                written.push((before, secret));
                paths.push(path);
            }
            Err(error) => {
                assert_eq!(error.kind(), SinkErrorKind::NotStored);
                assert_eq!(std::fs::read_to_string(&path).ok(), before);
            }
        }
    }
    for (reader, values) in read(&paths, readers) {
        for ((value, (before, secret)), path) in values.iter().zip(&written).zip(&paths) {
            // A shell takes the CR of every line for a part of its value.
            if reader == "bash" && before.as_ref().is_some_and(|file| file.contains("\r\n")) {
                continue;
            }
            let after = std::fs::read_to_string(path).unwrap();
            assert_eq!(
                value.as_deref(),
                Some(secret.as_str()),
                "{reader} reads {after:?}, which was {before:?}"
            );
        }
    }
    for path in &paths {
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(format!("{}.access-tokens", path.display())).unwrap();
    }
    written.len()
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

fn value(rng: &mut Rng) -> String {
    let length = rng.usize(0..40);
    let printable: Vec<char> = (' '..='~').collect();
    match rng.u8(0..4) {
        0 => (0..length).map(|_| rng.alphanumeric()).collect(),
        1 => (0..length)
            .map(|_| printable[rng.usize(..printable.len())])
            .collect(),
        2 => (0..length)
            .map(|_| {
                pick(
                    rng,
                    &[
                        "a", "Z", "9", "-", ".", "_", "=", "/", "+", ":", "~", " ", "#",
                    ],
                )
            })
            .collect(),
        _ => (0..length)
            .map(|_| {
                pick(
                    rng,
                    &[
                        "a",
                        "'",
                        "\"",
                        "\\",
                        "$",
                        "`",
                        "{",
                        "}",
                        "(",
                        ")",
                        " ",
                        "#",
                        "\n",
                        "\r",
                        "\t",
                        "é",
                        "漢",
                        "\u{a0}",
                        "\u{2028}",
                        "!",
                        "%",
                        "&",
                        ";",
                        "|",
                        "<",
                        ">",
                        "*",
                        "?",
                        "~",
                        "n",
                        "\u{1f600}",
                        "${A}",
                        "$(a)",
                        "\\n",
                    ],
                )
            })
            .collect(),
    }
}

/// A file that somebody may have written: mostly what is usual, now and then anything.
fn file(rng: &mut Rng) -> String {
    const ATOMS: &[&str] = &[
        "old", "x", "x", "x", " ", " ", "#", " # ", "\"", "\"", "'", "'", "`", "\\", "$A", "${A}",
        "$(x)", "(", ")", "<", ">", ";", "&", "|", "~", "=", "é", "\u{a0}", "\u{2028}", "\t",
        "it's", "if", "{", "}", ":", "!", "KEY", "KEY=", "\\\"", "\\'", "\\\\", "\u{feff}", "%",
        ",", "[", "]", "*", "^", "1",
    ];
    const USUAL: &[&str] = &[
        "",
        "old",
        "'old'",
        "\"old\"",
        "old # why",
        "'o l d' # it's",
        "\"it's\"",
        "https://h/p?a=1&b=2",
        "My App",
        "\"several\nlines\"",
        "'several\nlines'",
        "\"a \\\"b\\\" c\"",
        "${A}x",
        "{\"a\": [1, 2]}",
        "a,b,c",
        "=",
        "\"old\"tail",
        "'it'\\''s'",
        "#x",
        " # x",
        "\"KEY=no\"",
        "\"\nKEY=no\n\"",
        "\"x`y\"",
        "\"${A:-b}\"",
        "${A:?unset}",
        "x B=2",
    ];
    let end = if rng.u8(0..10) == 0 { "\r\n" } else { "\n" };
    let wild = rng.u8(0..3);
    let mut file = String::from(if rng.u8(0..20) == 0 { "\u{feff}" } else { "" });
    let lines = rng.usize(0..7);
    let own = rng.usize(0..8);
    for line in 0..lines {
        let odd = |rng: &mut Rng| rng.u8(0..12) < wild;
        let name = match line {
            _ if line == own => "KEY",
            _ => pick(
                rng,
                &[
                    "A",
                    "B",
                    "KEY2",
                    "my.key",
                    "a-b",
                    "_X",
                    "OTHER_KEY",
                    "A",
                    "B",
                    "1",
                ],
            ),
        };
        if rng.u8(0..10) == 0 {
            file.push_str(pick(
                rng,
                &[
                    "", "  ", "# it's", "#KEY=no", "export A", "set -a", "words", "[ini]", "\t",
                    "set -e", "set +a",
                ],
            ));
        } else {
            file.push_str(pick(
                rng,
                &["", "", "", "", "export ", "  ", "export  ", "\t"],
            ));
            file.push_str(name);
            file.push_str(if odd(rng) {
                pick(rng, &[" = ", "= ", " =", ": ", "", "+="])
            } else {
                "="
            });
            file.push_str(pick(rng, USUAL));
        }
        while odd(rng) {
            file.push_str(pick(rng, ATOMS));
        }
        if line + 1 < lines || rng.bool() {
            file.push_str(if odd(rng) {
                pick(rng, &["\r", "\n\n", " \n", "\r\n", "\\\n"])
            } else {
                end
            });
        }
    }
    file
}

#[tokio::test]
async fn random_values_read_alike() {
    let (scratch, mut rng) = (Scratch::new(), Rng::with_seed(fastrand::u64(..)));
    let (all, mut written) = (number("ACCESS_TOKENS_READER_VALUES", 400), 0);
    for chunk in 0..all.div_ceil(1_000) {
        let cases = (0..(all - chunk * 1_000).min(1_000)).map(|_| {
            let before = pick(
                &mut rng,
                &[
                    "",
                    "KEY=old\n",
                    "KEY='old'\n",
                    "KEY=\"old\" # why\n",
                    "A=1\nKEY=\nB=2",
                ],
            );
            (Some(before.to_owned()), value(&mut rng))
        });
        written += agree(&scratch, cases.collect(), DotenvReaders::All).await;
    }
    println!("{written} of {all} values written");
    assert!(written > all / 3, "{written} of {all}");
}

#[tokio::test]
async fn random_files_read_alike_or_are_refused() {
    let (scratch, seed) = (Scratch::new(), fastrand::u64(..));
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let all = number("ACCESS_TOKENS_READER_FILES", 300);
    for readers in [DotenvReaders::All, DotenvReaders::Libraries] {
        let mut written = 0;
        for chunk in 0..all.div_ceil(1_000) {
            let cases = (0..(all - chunk * 1_000).min(1_000)).map(|_| {
                let secret = pick(&mut rng, &["new", "n e w", "it's", "n#w", "~new", "$new"]);
                (Some(file(&mut rng)), secret.to_owned())
            });
            written += agree(&scratch, cases.collect(), readers).await;
        }
        println!("{readers:?}: {written} of {all} files written");
        assert!(written > all / 4, "{written} of {all}");
    }
}
