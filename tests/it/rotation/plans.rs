//! What a plan is good for, and what is refused before anything happens.

use access_tokens::TokenKey;
use access_tokens::rotation::sink::FileSink;
use access_tokens::rotation::{ErrorKind, Old, Plan, Rotation, State, Strategy};

use super::{HOUR, KINDS, Kind, Setup, Twin, Vault};

#[tokio::test]
async fn a_stale_plan_is_refused() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let plan = setup.rotation().plan().await.unwrap();
    setup.world.clock.advance(HOUR);
    let service = setup.world.service();
    let end = service.now() + HOUR;
    service
        .set_expiry(&setup.world.key, end.into())
        .await
        .unwrap();
    let error = plan.run().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.state()),
        (ErrorKind::Stale, State::Untouched)
    );
    setup.assert_untouched().await;
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let plan = setup.rotation().plan().await.unwrap();
        setup
            .world
            .service()
            .delete(&setup.world.key)
            .await
            .unwrap();
        assert_eq!(
            plan.run().await.unwrap_err().kind(),
            ErrorKind::Stale,
            "{kind:?}"
        );
        setup.assert_no_entry().await;
    }
}

#[tokio::test]
async fn a_plan_can_be_kept_and_run_elsewhere() {
    let setup = Setup::new(Kind::QueryServer).await;
    let rotation = setup.rotation();
    let text = serde_json::to_string(&rotation.plan().await.unwrap()).unwrap();
    assert!(!text.contains(setup.world.secret.expose_secret()));
    let plan: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(plan.run().await.unwrap_err().kind(), ErrorKind::WrongPlan);
    let other = setup
        .bare()
        .deliver(FileSink::new(setup.scratch.path("other")));
    assert_eq!(
        other.with_plan(plan.clone()).unwrap_err().kind(),
        ErrorKind::WrongPlan
    );
    let other = Rotation::of_shared(setup.world.service(), &TokenKey::new("another"));
    assert_eq!(
        other.with_plan(plan.clone()).unwrap_err().kind(),
        ErrorKind::WrongPlan
    );
    rotation.with_plan(plan).unwrap().run().await.unwrap();
    setup.assert_rotated().await;
}

#[tokio::test]
async fn the_clients_own_credential_is_not_rotated_unless_asked() {
    for strategy in [Strategy::NewToken, Strategy::Reset] {
        let setup = Setup::new(Kind::LaunchDarkly).await;
        let Twin::LaunchDarkly(twin) = &setup.world.twin else {
            unreachable!()
        };
        let (service, own) = (setup.world.service(), TokenKey::new(twin.credential_id()));
        let vault = Vault::default();
        let rotation = Rotation::of_shared(service.clone(), &own)
            .strategy(strategy)
            .deliver(vault.sink());
        assert_eq!(
            rotation.plan().await.unwrap_err().kind(),
            ErrorKind::OwnCredential
        );
        let rotated = rotation
            .allow_own_credential()
            .plan()
            .await
            .unwrap()
            .run()
            .await
            .unwrap();
        assert!(matches!(rotated.old, Old::Retired), "{rotated}");
        assert!(!twin.authenticates(&twin.credential()));
        assert!(twin.authenticates(&vault.last().unwrap()));
        // The client goes on with the new one.
        service.get(&rotated.successor).await.unwrap();
    }
    // Where it cannot be told, the plan says so.
    let setup = Setup::new(Kind::AvisiCloud).await;
    let plan = setup.rotation().plan().await.unwrap();
    assert!(plan.to_string().contains("does not show whether"), "{plan}");
}

#[tokio::test]
async fn what_cannot_be_rotated_is_refused_before_anything_happens() {
    let setup = Setup::new(Kind::QueryServer).await;
    assert_eq!(
        setup.bare().plan().await.unwrap_err().kind(),
        ErrorKind::Unsuitable
    );
    let nowhere = FileSink::new(setup.scratch.path("no/such/directory"));
    let error = setup.bare().deliver(nowhere).plan().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    let Twin::QueryServer(twin) = &setup.world.twin else {
        unreachable!()
    };
    twin.seed(access_tokens_testing::query_server::Seed::new("edge").active(false));
    assert_eq!(
        setup.rotation().plan().await.unwrap_err().kind(),
        ErrorKind::Unsuitable
    );
    assert_eq!(setup.entry_count().await, 0);
}
