//! A state that is lost, or put back from a copy: found again where that can be known, else told.

use std::sync::Arc;

use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::state::{MemoryStore, StateStore, write};
use access_tokens::rotation::{ManagedToken, ManagedTokenBuilder};
use access_tokens::{RotationPolicy, days};
use access_tokens_testing::launchdarkly::Seed;

use super::{HOUR, KINDS, Kind, Setup, Vault, said};

#[tokio::test]
async fn a_lost_state_is_found_again_by_the_mark_that_the_sinks_hold() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        // Within the overlap the retired key is still there.
        let early = setup.keeper_on(MemoryStore::new()).tick(&token).await;
        assert_eq!(early.current, rotated.current, "{kind:?}: {early}");
        setup.pass(days(2));
        let _ = keeper.tick(&token).await;
        let keeper = setup.keeper_on(MemoryStore::new());
        let found = keeper.tick(&token).await;
        assert_eq!(said(&found), "not_due", "{kind:?}: {found}");
        assert_eq!(found.current, rotated.current);
        assert!(found.warnings.iter().any(|w| w.contains("earlier state")));
        // It goes on as if nothing had been.
        setup.pass(days(91));
        assert_eq!(said(&keeper.tick(&token).await), "rotated", "{kind:?}");
        setup.pass(days(2));
        let _ = keeper.tick(&token).await;
        assert_eq!(setup.world.alive().len(), 1);
        setup.assert_works();
    }
}

/// Where no sink can tell, nothing is guessed: the retired key is gone, or another one's.
#[tokio::test]
async fn a_lost_state_that_no_sink_can_tell_is_told_and_makes_nothing() {
    for kind in KINDS {
        let setup = Setup::with(kind, SinkKind::Blind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        setup.pass(days(2));
        let _ = keeper.tick(&token).await;
        let alive = setup.world.alive();
        let keeper = setup.keeper_on(MemoryStore::new());
        for _ in 0..3 {
            let told = keeper.tick(&token).await;
            let error = told.error().unwrap();
            assert!(error.needs_person(), "{kind:?}: {told}");
            assert_eq!(setup.world.alive(), alive, "{kind:?}: {told}");
            setup.pass(days(2));
        }
        // Its successor is somebody else's until it is said that it is not.
        let adopted = |reclaim| {
            let key = rotated.current.clone().unwrap();
            setup.builder().adopt(key).reclaim(reclaim).build().unwrap()
        };
        let refused = keeper.tick(&adopted(false)).await;
        assert_eq!(said(&refused), "failed managed_elsewhere", "{refused}");
        let report = keeper.tick(&adopted(true)).await;
        assert_eq!(report.current, rotated.current, "{kind:?}: {report}");
        setup.assert_works();
    }
}

fn created(setup: &Setup, vault: &Vault) -> ManagedTokenBuilder {
    let template = access_tokens::TokenTemplate::new(serde_json::json!({
        "name": "made here", "role": "reader",
    }));
    ManagedToken::builder("made")
        .shared_service(setup.world.service())
        .create(template)
        .policy(RotationPolicy::new().max_age(days(90)))
        .overlap(days(1))
        .deliver_to(vault.clone())
}

/// A state that is lost at every start must not make a token at every start.
#[tokio::test]
async fn a_store_in_memory_makes_one_token_and_not_one_at_every_start() {
    for sink in [SinkKind::Restorable, SinkKind::Blind] {
        let setup = Setup::new(Kind::LaunchDarkly).await;
        let vault = Vault::new("made", sink);
        let token = created(&setup, &vault).build().unwrap();
        let first = setup.keeper_on(MemoryStore::new()).tick(&token).await;
        assert_eq!(said(&first), "rotated", "{sink}: {first}");
        let alive = setup.world.alive();
        for _ in 0..5 {
            setup.pass(HOUR);
            let again = setup.keeper_on(MemoryStore::new()).tick(&token).await;
            let wanted = match sink {
                SinkKind::Blind => "failed managed_elsewhere",
                _ => "not_due",
            };
            assert_eq!(said(&again), wanted, "{again}");
            assert_eq!(setup.world.alive(), alive);
        }
    }
}

/// An older copy of the state is put back after a rotation: the token that all sinks hold is the
/// current one, and nothing that is in use goes.
#[tokio::test]
async fn an_older_state_that_is_put_back_finds_its_successor() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        let older = setup.store.load("token/edge-token").await.unwrap().unwrap();
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        let newer = setup.store.load("token/edge-token").await.unwrap().unwrap();
        let put_back = newer.next(older.body.clone());
        write(&setup.store, Some(&newer.version), &put_back)
            .await
            .unwrap();
        for _ in 0..4 {
            let report = keeper.tick(&token).await;
            assert!(report.error().is_none(), "{kind:?}: {report}");
            assert_eq!(report.current, rotated.current, "{kind:?}: {report}");
            setup.assert_works();
            setup.pass(days(1));
        }
        assert_eq!(setup.world.alive().len(), 1, "{kind:?}");
    }
}

/// The same, but the sinks do not agree: a person is asked, and nothing is deleted.
#[tokio::test]
async fn an_older_state_is_told_of_where_the_sinks_do_not_agree() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let second = Vault::holding("second", SinkKind::Restorable, &setup.world.secret);
    let (keeper, token) = (setup.keeper(), setup.with_sinks(&[&setup.vault, &second]));
    let _ = keeper.tick(&token).await;
    let older = setup.store.load("token/edge-token").await.unwrap().unwrap();
    setup.pass(days(91));
    let _ = keeper.tick(&token).await;
    second.overwrite(&setup.world.secret);
    let newer = setup.store.load("token/edge-token").await.unwrap().unwrap();
    let put_back = newer.next(older.body.clone());
    write(&setup.store, Some(&newer.version), &put_back)
        .await
        .unwrap();
    let alive = setup.world.alive();
    for _ in 0..3 {
        let told = keeper.tick(&token).await;
        assert_eq!(said(&told), "failed record", "{told}");
        assert_eq!(setup.world.alive(), alive);
        setup.pass(days(1));
    }
}

/// What somebody else does at the service is named, and not undone.
#[tokio::test]
async fn a_token_that_somebody_deleted_is_told_or_made_again_as_was_declared() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let vault = Vault::new("made", SinkKind::Restorable);
    let (keeper, adopted) = (setup.keeper(), setup.token());
    let made = created(&setup, &vault).build().unwrap();
    let first = keeper.tick(&made).await;
    let _ = keeper.tick(&adopted).await;
    let service: Arc<dyn access_tokens::TokenService> = setup.world.service();
    for key in [setup.world.key.clone(), first.current.clone().unwrap()] {
        service.delete(&key).await.unwrap();
    }
    setup
        .world
        .launchdarkly()
        .seed(Seed::new("by somebody else"));
    setup.pass(HOUR);
    let told = keeper.tick(&adopted).await;
    assert_eq!(said(&told), "failed gone", "{told}");
    assert!(told.error().unwrap().needs_person());
    let again = keeper.tick(&made).await;
    assert_eq!(said(&again), "rotated", "{again}");
    assert!(setup.world.accepts(&vault.secret().unwrap()));
    // Asked for by name, the other is made again too.
    let asked = keeper
        .rotate(&adopted, access_tokens::rotation::Reason::Scheduled)
        .await;
    assert_eq!(said(&asked), "rotated", "{asked}");
    setup.assert_works();
}
