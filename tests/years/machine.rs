//! A machine that ticks: a clock that is off, clients of its own, and a process that may be killed or
//! stand still at any moment.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use access_tokens::rotation::{Keeper, ManagedToken, Report};
use access_tokens::{BoxFuture, Clock as _, TokenService};
use access_tokens_testing::stores::FaultyStore;
use access_tokens_testing::{ShiftedClock, Twins, VirtualClock};
use fastrand::Rng;
use futures_util::StreamExt as _;

use super::entry::{Entry, Kind, MINUTE};
use super::ledger::Ledger;
use super::vault::Vault;

pub(crate) struct Machine {
    pub(crate) keeper: Keeper,
    pub(crate) tokens: Vec<ManagedToken>,
}

/// A pass over some tokens, as a process does it.
pub(crate) type Pass = BoxFuture<'static, Vec<Report>>;

impl Machine {
    pub(crate) fn new(
        twins: &Twins,
        clock: &ShiftedClock,
        store: FaultyStore,
        ledger: &Ledger,
        entries: &[Entry],
    ) -> Self {
        macro_rules! client_of {
            ($wing:ident) => {
                Arc::new(
                    access_tokens::$wing::Client::builder()
                        .base_url(twins.$wing.base_url())
                        .credential(twins.$wing.credential())
                        .clock(clock.clone())
                        .build()
                        .unwrap(),
                )
            };
        }
        let services: [Arc<dyn TokenService>; 3] = [
            client_of!(launchdarkly),
            client_of!(query_server),
            client_of!(avisi_cloud),
        ];
        let service = |kind| {
            Arc::clone(match kind {
                Kind::LaunchDarkly => &services[0],
                Kind::QueryServer => &services[1],
                Kind::AvisiCloud => &services[2],
            })
        };
        let keeper = Keeper::builder(store)
            .clock(clock.clone())
            .events(ledger.clone())
            .act_timeout(Duration::from_millis(100))
            .build();
        let tokens = entries
            .iter()
            .map(|entry| entry.declared(service(entry.kind)))
            .collect();
        Self { keeper, tokens }
    }

    /// Ticks these tokens, some at a time.
    pub(crate) fn pass(&self, tokens: Vec<ManagedToken>) -> Pass {
        let reports = self.keeper.tick_all(tokens, 4);
        Box::pin(reports.collect::<Vec<_>>())
    }

    /// The same, without waiting after failures.
    pub(crate) fn pass_again(&self, tokens: Vec<ManagedToken>) -> Pass {
        let reports = self.keeper.retry_all(tokens, 4);
        Box::pin(reports.collect::<Vec<_>>())
    }
}

/// When a pass is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Whether the polls count from the first write of a record on, and not from the beginning.
    pub(crate) at_work: bool,
    pub(crate) polls: u32,
}

/// Goes on with a pass until it is to be stopped; `None` if it is not done by then.
pub(crate) async fn up_to(pass: &mut Pass, cut: Cut, ledger: &Ledger) -> Option<Vec<Report>> {
    let (mut left, writes) = (cut.polls, ledger.writes());
    poll_fn(|cx| {
        if !cut.at_work || ledger.writes() > writes {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
        }
        pass.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Goes on with a pass to its end, while some time passes between one poll and the next; what is to
/// arrive late does so within the time in which everything settles.
pub(crate) async fn slowly(
    mut pass: Pass,
    clock: VirtualClock,
    mut dice: Rng,
    vaults: Vec<Vault>,
) -> Vec<Report> {
    let (most, mut landed) = (dice.u64(1..1_000), clock.now());
    poll_fn(|cx| {
        clock.advance(Duration::from_millis(dice.u64(0..most)));
        if clock.now() > landed + 4 * MINUTE {
            landed = clock.now();
            vaults.iter().for_each(Vault::land);
        }
        pass.as_mut().poll(cx)
    })
    .await
}

/// Waits until the twins have dealt with everything that was sent to them: what a killed process has
/// sent is there at once, whatever this machine is busy with.
pub(crate) async fn all_has_arrived(twins: &Twins) {
    const ENOUGH: usize = 3;
    // What a client was about to send is in the hands of its own network thread.
    const HANDED_OVER: Duration = Duration::from_millis(2);
    for _ in 0..ENOUGH {
        std::thread::sleep(HANDED_OVER);
        // The connections are tasks of their own.
        for _ in 0..10 * ENOUGH {
            tokio::task::yield_now().await;
        }
        for twin in twins.all() {
            let (url, mut answer) = (twin.base_url(), Vec::new());
            let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
            let request = b"GET /nothing HTTP/1.1\r\nhost: twin\r\nconnection: close\r\n\r\n";
            stream.write_all(request).unwrap();
            stream.read_to_end(&mut answer).unwrap();
        }
    }
}

/// A process that stands still.
pub(crate) struct Paused {
    pub(crate) pass: Pass,
    pub(crate) until: SystemTime,
    /// Whether it stands still for longer than everything takes to settle.
    pub(crate) is_late: bool,
    pub(crate) entries: Vec<String>,
}
