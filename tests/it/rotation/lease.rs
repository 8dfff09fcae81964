//! The lease: what a runner looks at directly before it sends something.

use std::time::Duration;

use access_tokens::days;
use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::state::FileStore;
use futures_util::poll;

use super::{HOUR, KINDS, Kind, MINUTE, Setup, Then, Watched, said};
use crate::support::Scratch;

#[tokio::test]
async fn a_runner_that_was_stopped_before_an_act_swaps_again_first() {
    for kind in KINDS {
        for swap in 1..=2 {
            let setup = Setup::new(kind).await;
            let store = Watched::default();
            let (keeper, token) = (setup.keeper_on(store.clone()), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            let before = store.swaps();
            let clock = setup.world.clock.clone();
            store.after_swap(swap, Then::Stall(clock, 10 * MINUTE));
            let rotated = keeper.tick(&token).await;
            assert_eq!(said(&rotated), "rotated", "{rotated}");
            assert_eq!(store.swaps() - before, 4, "{kind:?} {swap}: one more");
            setup.assert_works();
        }
    }
}

/// A tick that nobody polls any more, wherever it stopped, keeps no other waiting.
#[tokio::test]
async fn a_tick_that_is_held_keeps_no_other_of_its_keeper_waiting() {
    const AMPLE: Duration = Duration::from_secs(60);
    for polls in 1..8 {
        let (setup, scratch) = (Setup::new(Kind::LaunchDarkly).await, Scratch::new());
        let store = FileStore::new(scratch.path("state"));
        let (keeper, token) = (setup.keeper_on(store), setup.token());
        let mut held = std::pin::pin!(keeper.tick(&token));
        for _ in 0..polls {
            assert!(poll!(held.as_mut()).is_pending());
        }
        let other = tokio::time::timeout(AMPLE, keeper.tick(&token)).await;
        assert_eq!(said(&other.unwrap()), "not_due", "{polls}");
        assert!(held.await.error().is_none());
    }
}

#[tokio::test]
async fn a_runner_that_was_stopped_and_overtaken_sends_nothing_more() {
    for kind in KINDS {
        for sink in [SinkKind::Restorable, SinkKind::Observable, SinkKind::Blind] {
            for (swap, elsewhere) in [(1, true), (2, true), (1, false), (2, false)] {
                let setup = Setup::with(kind, sink).await;
                let store = Watched::default();
                let other = if elsewhere {
                    store.elsewhere()
                } else {
                    store.clone()
                };
                let keepers = [setup.keeper_on(store.clone()), setup.keeper_on(other)];
                let token = setup.token();
                let _ = keepers[0].tick(&token).await;
                setup.pass(days(91));
                store.after_swap(swap, Then::Stop);
                let second = async {
                    store.reached().await;
                    setup.pass(HOUR);
                    let _ = keepers[1].tick(&token).await;
                    setup.world.clear_requests();
                    let writes = setup.vault.writes();
                    store.go_on();
                    writes
                };
                let (first, writes) = tokio::join!(keepers[0].tick(&token), second);
                assert_eq!(said(&first), "busy", "{kind:?} {sink} {swap}: {first}");
                assert_eq!(setup.vault.writes(), writes, "{kind:?} {sink} {swap}");
                let calls = setup.world.calls();
                assert!(calls.is_empty(), "{kind:?} {sink} {swap}: {calls:?}");
                setup.assert_works();
            }
        }
    }
}
