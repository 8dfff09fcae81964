//! Random faults, many times over: no create is ever carried out twice, and every token that is
//! there is either known to the caller or found by its mark.
//!
//! A few hundred sequences by default; `SIMULATIONS=10000` for more, `SIMULATION_SEED` for others.

use std::collections::BTreeMap;
use std::time::Duration;

use access_tokens::avisi_cloud::ProvisionBody;
use access_tokens::launchdarkly::{Role, TokenBody};
use access_tokens::query_server::{self, Created};
use access_tokens::{Error, Marker, Result, Secret, TokenId, TokenServiceExt as _};
use access_tokens_testing::{AvisiCloud, Fault, LaunchDarkly, QueryServer};

use crate::all::world::World;
use crate::all::world::op::{Op, Target};

/// What the caller knows after one create.
enum Known {
    /// The token and that its secret works.
    Made { id: String, secret: Secret },
    /// That there is none.
    Nothing,
    /// That there may be one, and by what to find it.
    Perhaps,
}

#[derive(Debug, Default)]
struct Report {
    creates: usize,
    requests: usize,
    made: usize,
    nothing: usize,
    perhaps: usize,
    /// Of the last: found and removed.
    orphans: usize,
    errors: BTreeMap<String, usize>,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A fault of any sort; those that cost real time are rare.
fn fault(random: &mut fastrand::Rng) -> Fault {
    let answer = |status, header: (&str, &str)| Fault::Answer {
        status,
        headers: vec![(header.0.to_owned(), header.1.to_owned())],
        body: Vec::new(),
    };
    if random.u8(..) < 6 {
        return match random.u8(..3) {
            0 => Fault::StallBeforeActing,
            1 => Fault::StallBeforeHead,
            _ => Fault::StallInBody,
        };
    }
    match random.u8(..18) {
        0 => Fault::CloseBeforeRequest,
        1 => Fault::CloseAfterRequest,
        2 => Fault::Reset,
        3 | 4 => Fault::ActThenClose,
        5 | 6 => Fault::ActThenReset,
        7 => Fault::CutBody,
        8 => Fault::CutChunkedBody,
        9 => Fault::Garbage,
        10 => Fault::OversizedHeader,
        11 => Fault::Redirect("/elsewhere".to_owned()),
        12 => answer(429, ("retry-after", "3")),
        13 => answer(503, ("retry-after", "3")),
        14 => answer(503, ("x-ratelimit-reset", "1767225609000")),
        15 => Fault::Status(*random.choice(&[400, 401, 403, 404, 409, 422]).unwrap()),
        16 => Fault::Status(*random.choice(&[408, 500, 502, 503, 504]).unwrap()),
        _ => Fault::Status(429),
    }
}

/// Lets faults loose on the operations of a call, the first few times it makes them.
fn loose(random: &mut fastrand::Rng, world: &World, ops: &[Op]) {
    for &op in ops {
        // The create itself suffers most.
        let faults = if op == ops[0] { 1..4 } else { 0..2 };
        for _ in 0..random.u8(faults) {
            let nth = random.u64(1..4);
            op.suffer_nth(world, fault(random), nth);
        }
    }
}

/// A world in which the creates of a service are to be simulated.
async fn world(op: Op) -> (World, Target) {
    let world = op.world().await;
    let mut target = world.target();
    target.attempt_timeout = Duration::from_millis(250);
    (world, target)
}

impl Report {
    /// Takes down what the caller knows, holding it against the twin: `there` are the tokens with
    /// this create's mark.
    fn note(&mut self, result: Result<Known>, there: &[(String, bool)], seed: u64) -> Known {
        self.creates += 1;
        assert!(there.len() <= 1, "made twice, seed {seed}: {there:?}");
        let known = result.unwrap_or_else(|error| {
            let kind = format!("{:?} {:?}", error.kind(), error.cause());
            *self.errors.entry(kind).or_default() += 1;
            after(&error)
        });
        match &known {
            Known::Made { id, .. } => {
                self.made += 1;
                assert_eq!(there.first().map(|(id, _)| id), Some(id), "seed {seed}");
            }
            Known::Nothing => {
                self.nothing += 1;
                assert!(there.is_empty(), "there is one after all, seed {seed}");
            }
            Known::Perhaps => {
                self.perhaps += 1;
                self.orphans += there.len();
            }
        }
        known
    }
}

fn after(error: &Error) -> Known {
    if error.may_have_been_sent() {
        Known::Perhaps
    } else {
        Known::Nothing
    }
}

async fn launchdarkly(seed: u64, rounds: u64) -> Report {
    let mut random = fastrand::Rng::with_seed(seed);
    let (world, target) = world(Op::LdCreate).await;
    let (client, twin) = (target.launchdarkly().unwrap(), world.launchdarkly());
    let mut report = Report::default();
    for _ in 0..rounds {
        loose(&mut random, &world, &[Op::LdCreate]);
        let marker = Marker::random();
        let body = TokenBody::builder().name("made").role(Role::Reader);
        let made = client.create(body.marker(&marker)).await;
        let result = made.map(|new| Known::Made {
            id: new.token().id.to_string(),
            secret: new.secret().clone(),
        });
        twin.clear_faults();
        report.requests += twin.requests().len();
        twin.clear_requests();
        let there = marked(twin, &marker);
        let known = report.note(result, &there, seed);
        match known {
            Known::Made { id, secret } => {
                assert!(twin.authenticates(&secret), "seed {seed}");
                client
                    .delete(&TokenId::try_from(id).unwrap())
                    .await
                    .unwrap();
            }
            Known::Nothing => {}
            Known::Perhaps => {
                let removed = client.delete_marked(&marker).await.unwrap().deleted;
                assert_eq!(removed.len(), there.len(), "seed {seed}");
            }
        }
        assert_eq!(marked(twin, &marker), [], "seed {seed}");
    }
    report
}

fn marked(twin: &LaunchDarkly, marker: &Marker) -> Vec<(String, bool)> {
    let tokens = twin.tokens().into_iter();
    let own = tokens.filter(|token| {
        let text = token.description.as_deref();
        text.and_then(Marker::in_text).as_ref() == Some(marker)
    });
    own.map(|token| (token.id, true)).collect()
}

async fn avisi_cloud(seed: u64, rounds: u64) -> Report {
    let mut random = fastrand::Rng::with_seed(seed);
    let (world, target) = world(Op::AvCreate).await;
    let (client, twin) = (target.avisi_cloud().unwrap(), world.avisi_cloud());
    let mut report = Report::default();
    for _ in 0..rounds {
        loose(&mut random, &world, &[Op::AvCreate]);
        let marker = Marker::random();
        let made = client
            .provision(ProvisionBody::builder("made").marker(&marker))
            .await;
        let result = made.map(|new| Known::Made {
            id: new.token().id.clone().unwrap().to_string(),
            secret: new.secret().clone(),
        });
        twin.clear_faults();
        report.requests += twin.requests().len();
        twin.clear_requests();
        let there = named(twin, &marker);
        let known = report.note(result, &there, seed);
        match known {
            Known::Made { id, secret } => {
                assert!(twin.authenticates(&secret), "seed {seed}");
                client
                    .revoke(&TokenId::try_from(id).unwrap())
                    .await
                    .unwrap();
            }
            Known::Nothing => {}
            Known::Perhaps => {
                let removed = client.delete_marked(&marker).await.unwrap().deleted;
                assert_eq!(removed.len(), there.len(), "seed {seed}");
            }
        }
        assert!(named(twin, &marker).iter().all(|(_, active)| !active));
    }
    report
}

fn named(twin: &AvisiCloud, marker: &Marker) -> Vec<(String, bool)> {
    let tokens = twin.tokens().into_iter();
    let own = tokens.filter(|token| Marker::in_text(&token.name).as_ref() == Some(marker));
    own.map(|token| (token.id, token.active)).collect()
}

/// Here the name is the mark. The reads around the create suffer faults as well, the database is
/// locked at times, and at times the server makes a token that it does not accept.
async fn query_server(seed: u64, rounds: u64) -> Report {
    let mut random = fastrand::Rng::with_seed(seed);
    let (world, target) = world(Op::QsCreate).await;
    let (client, twin) = (target.query_server().unwrap(), world.query_server());
    let mut report = Report::default();
    for round in 0..rounds {
        let ops = [Op::QsCreate, Op::QsList, Op::QsValue, Op::QsDelete];
        loose(&mut random, &world, &ops);
        twin.lock_database(u32::from(random.u8(..10) == 0));
        twin.dead_on_arrival(u32::from(random.u8(..8) == 0));
        let name = format!("made {round}");
        let result = client.create(query_server::TokenBody::builder(&name)).await;
        let result = result.map(|created| {
            let Created::New(new) = created else {
                panic!("nobody else makes tokens, seed {seed}");
            };
            Known::Made {
                id: new.token().name.clone(),
                secret: new.secret().clone(),
            }
        });
        twin.clear_faults();
        twin.lock_database(0);
        twin.dead_on_arrival(0);
        report.requests += twin.requests().len();
        twin.clear_requests();
        let there = rows(twin, &name);
        let known = report.note(result, &there, seed);
        match known {
            Known::Made { secret, .. } => assert!(twin.authenticates(&secret), "seed {seed}"),
            Known::Nothing => {}
            Known::Perhaps => {
                let found = client.find(&name).await.unwrap();
                assert_eq!(found.is_some(), there.len() == 1, "seed {seed}");
            }
        }
        client.delete(&name).await.unwrap();
        assert_eq!(rows(twin, &name), [], "seed {seed}");
    }
    report
}

fn rows(twin: &QueryServer, name: &str) -> Vec<(String, bool)> {
    let tokens = twin.tokens().into_iter();
    let own = tokens.filter(|token| token.name == name);
    own.map(|token| (token.name, token.alive)).collect()
}

/// Each world lives for so many sequences.
const ROUNDS: u64 = 50;

#[tokio::test]
async fn no_create_is_carried_out_twice_and_none_is_lost() {
    let (total, first) = (setting("SIMULATIONS", 600), setting("SIMULATION_SEED", 1));
    let worlds = total.div_ceil(3 * ROUNDS).max(1);
    let mut reports = [Report::default(), Report::default(), Report::default()];
    for seed in first..first + worlds {
        let more = tokio::join!(
            launchdarkly(3 * seed, ROUNDS),
            query_server(3 * seed + 1, ROUNDS),
            avisi_cloud(3 * seed + 2, ROUNDS)
        );
        for (sum, more) in reports.iter_mut().zip([more.0, more.1, more.2]) {
            sum.creates += more.creates;
            sum.requests += more.requests;
            sum.made += more.made;
            sum.nothing += more.nothing;
            sum.perhaps += more.perhaps;
            sum.orphans += more.orphans;
            for (kind, count) in more.errors {
                *sum.errors.entry(kind).or_default() += count;
            }
        }
    }
    for (service, report) in ["LaunchDarkly", "Query Server", "Avisi Cloud"]
        .iter()
        .zip(&reports)
    {
        println!("{service}: {report:#?}");
        // A simulation in which nothing goes wrong, or everything, shows nothing.
        assert!(report.made * 10 > report.creates, "{service}");
        assert!(report.perhaps * 20 > report.creates, "{service}");
        assert!(report.nothing * 50 > report.creates, "{service}");
        assert!(report.orphans > 0, "{service}");
    }
}
