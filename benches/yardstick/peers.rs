//! The same list in other clients: each a process that does it once for each line it reads, and says
//! what processor time that took. `peers/run` makes them ready.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::cases::{Case, Clients, Who, runtime};
use crate::server::Server;
use crate::time::{median, processor_time};

/// So many tokens are asked for, which are there.
const TOKENS: usize = 10_000;
/// One in each of so many turns counts.
const ROUNDS: usize = 15;

/// This crate, or what is written by hand, as such a process.
pub(crate) fn child(arguments: &[String]) {
    let [who, url] = arguments else {
        panic!("WHO URL");
    };
    let who = match who.as_str() {
        "crate" => Who::Ours,
        "hand" => Who::Bare,
        "hand-without-links" => Who::Lean,
        other => panic!("{other}: nobody of that name"),
    };
    let (runtime, clients) = (runtime(), Clients::new(&Server::at(url, url)));
    for _ in std::io::stdin().lines() {
        let start = processor_time();
        runtime.block_on(clients.run(Case::Page(TOKENS), who));
        println!("{}", processor_time().saturating_sub(start).as_nanos());
    }
}

struct Peer {
    name: String,
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    took: Vec<f64>,
}

impl Peer {
    fn start(name: &str, program: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            name: name.to_owned(),
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
            took: Vec::new(),
        }
    }

    /// One list, in nanoseconds of its processor time.
    fn list(&mut self) -> f64 {
        self.input.write_all(b"list\n").unwrap();
        self.output.next().unwrap().unwrap().trim().parse().unwrap()
    }
}

/// The table: `NAME=PROGRAM ARGUMENT...` for each of the others, which get the address at the end.
pub(crate) fn table(server: &Server, others: &[String]) {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let mut peers = vec![
        Peer::start("this crate", own, &["peer", "crate", &server.list]),
        Peer::start("by hand", own, &["peer", "hand", &server.list]),
        Peer::start(
            "by hand without links",
            own,
            &["peer", "hand-without-links", &server.list],
        ),
    ];
    for other in others {
        let (name, command) = other.split_once('=').unwrap();
        let mut words = command.split(' ');
        let program = words.next().unwrap();
        let arguments: Vec<_> = words.chain([server.list.as_str()]).collect();
        peers.push(Peer::start(name, program, &arguments));
    }
    for round in 0..=ROUNDS {
        for peer in &mut peers {
            let took = peer.list();
            // Whatever is set up once is set up in the first.
            if round > 0 {
                peer.took.push(took);
            }
        }
    }
    println!("a list of {TOKENS} tokens: processor time, medians of {ROUNDS} in turns\n");
    println!("{:>7} {:>12}", "ratio", "time");
    let ours = peers[0].took.clone();
    for mut peer in peers {
        let ratios = peer.took.iter().zip(&ours).map(|(took, ours)| took / ours);
        let (ratio, nanos) = (median(ratios.collect()), median(peer.took));
        let time = Duration::from_secs_f64(nanos / 1e9);
        println!("{ratio:>7.2} {time:>12.1?}  {}", peer.name);
        // The end of its standard input ends it.
        drop(peer.input);
        peer.process.wait().unwrap();
    }
}
