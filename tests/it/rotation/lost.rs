//! Creates whose answers are lost.

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::{Old, Resumed, Rotation, State, Step};
use access_tokens::{Overrides, RetryPolicy};
use access_tokens_testing::{Fault, avisi_cloud};

use super::{Call, KINDS, Kind, NAME, Setup, Twin};
use crate::all::world::watched::{Moment, Watched};

#[tokio::test]
async fn a_create_whose_answer_is_lost_leaves_no_orphan() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let plan = setup.rotation().plan().await.unwrap();
        setup.world.fault_on(Call::Create, 1, Fault::ActThenReset);
        match plan.run().await {
            // Query Server settles it by looking.
            Ok(_) => setup.assert_rotated().await,
            Err(error) => {
                assert!(error.service_error().unwrap().is_outcome_unknown());
                assert_eq!(error.state(), State::Untouched, "{error}");
                setup.assert_untouched().await;
            }
        }
    }
}

#[tokio::test]
async fn a_create_that_was_lost_on_its_way_stays_in_the_journal() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let rotation = setup.rotation();
        setup
            .world
            .fault_on(Call::Create, 1, Fault::CloseAfterRequest);
        let error = rotation.plan().await.unwrap().run().await.unwrap_err();
        assert_eq!(error.state(), State::Unfinished, "{error}");
        setup.world.clear_faults();
        let rotated = rotation.resume().await.unwrap().rotated().unwrap();
        assert!(matches!(rotated.old, Old::Retired));
        assert_eq!(setup.world.alive().len(), 1);
        if kind == Kind::QueryServer {
            // The name is taken now, so nothing can come of it any more.
            setup.assert_rotated().await;
            continue;
        }
        assert!(
            rotated.warnings[0].contains("may still appear"),
            "{rotated}"
        );
        let step = rotation.unfinished().await.unwrap().unwrap().step().clone();
        assert_eq!(step, Step::Settling);
        setup.world.clock.advance(Duration::from_secs(900));
        rotation.resume().await.unwrap();
        setup.assert_rotated().await;
    }
}

/// A request that timed out is carried out when everything else is over.
#[tokio::test]
async fn a_late_create_is_found_all_the_same() {
    for kind in [Kind::LaunchDarkly, Kind::AvisiCloud] {
        let setup = Setup::new(kind).await;
        let client = setup
            .world
            .service_with(RetryPolicy::none(), Duration::from_millis(200));
        let late = Watched::new(client, Arc::new(|_, _| Box::pin(async {})));
        let journal: Arc<dyn access_tokens::rotation::Journal> = setup.journal.clone();
        let rotation = Rotation::of(&late, &setup.world.key)
            .deliver(access_tokens::rotation::sink::FileSink::new(
                setup.scratch.path("token"),
            ))
            .shared_journal(journal);
        setup
            .world
            .fault_on(Call::Create, 1, Fault::StallBeforeActing);
        let plan = rotation.plan().await.unwrap();
        assert_eq!(plan.run().await.unwrap_err().state(), State::Unfinished);
        let (template, successor) = late.asked.lock().unwrap().clone().unwrap();
        rotation.resume().await.unwrap();
        // Now it comes, after the rotation.
        let _ = setup
            .world
            .service()
            .create(&template, successor)
            .await
            .unwrap();
        assert_eq!(setup.world.alive().len(), 2);
        rotation.resume().await.unwrap();
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn abandoning_looks_once_more_and_waits_for_late_creates() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let rotation = setup.rotation();
    setup
        .world
        .fault_on(Call::Create, 1, Fault::CloseAfterRequest);
    rotation.plan().await.unwrap().run().await.unwrap_err();
    rotation.abandon().await.unwrap();
    assert_eq!(setup.entry_count().await, 1);
    assert!(matches!(
        rotation.resume().await.unwrap(),
        Resumed::RolledBack
    ));
    setup.world.clock.advance(Duration::from_secs(900));
    assert!(matches!(
        rotation.resume().await.unwrap(),
        Resumed::RolledBack
    ));
    setup.assert_untouched().await;
    assert!(matches!(rotation.resume().await.unwrap(), Resumed::Nothing));
}

/// Where a lost token is known by its name alone, one that was there before, or is in use, or is
/// one of too many, is somebody else's.
#[tokio::test]
async fn a_token_of_somebody_else_is_never_removed() {
    let setup = Setup::new(Kind::AvisiCloud).await;
    let Twin::AvisiCloud(twin) = &setup.world.twin else {
        unreachable!()
    };
    let before = twin.seed(avisi_cloud::Seed::new(NAME));
    let plan = setup.rotation().plan().await.unwrap();
    setup.world.fault_on(Call::Create, 1, Fault::ActThenClose);
    let error = plan.run().await.unwrap_err();
    assert_eq!(error.state(), State::Untouched);
    assert!(twin.authenticates(&before.secret) && twin.authenticates(&setup.world.secret));

    // Two more appear while the answer is lost: which is it?
    let setup = Setup::new(Kind::AvisiCloud).await;
    let service = setup.world.service();
    let template = service.template(&setup.world.key).await.unwrap();
    let theirs = Arc::new(tokio::sync::Mutex::new(None));
    let (inside, other) = (Arc::clone(&theirs), setup.world.service());
    let watched = Watched::new(
        service,
        Arc::new(move |action, moment| {
            let (inside, other, template) = (inside.clone(), other.clone(), template.clone());
            Box::pin(async move {
                if (action, moment) == (access_tokens::Action::Create, Moment::After) {
                    let new = other.create(&template, Overrides::new()).await.unwrap();
                    *inside.lock().await = Some(new.into_parts());
                }
            })
        }),
    );
    let rotation = Rotation::of(&watched, &setup.world.key).deliver(
        access_tokens::rotation::sink::FileSink::new(setup.scratch.path("token")),
    );
    let plan = rotation.plan().await.unwrap();
    setup.world.fault_on(Call::Create, 1, Fault::ActThenClose);
    assert_eq!(plan.run().await.unwrap_err().state(), State::Unfinished);
    let (record, secret) = theirs.lock().await.clone().unwrap();
    assert!(setup.world.accepts(&secret));
    let mut alive = setup.world.alive().into_iter();
    let orphan = alive.rfind(|key| *key != record.key && *key != setup.world.key);
    // Somebody removes the orphan by hand; theirs must not be taken for it afterwards.
    setup
        .world
        .service()
        .delete(&orphan.unwrap())
        .await
        .unwrap();
    rotation.abandon().await.unwrap();
    assert!(setup.world.accepts(&secret) && setup.world.accepts(&setup.world.secret));
    assert_eq!(
        rotation.abandon().await.map_err(|error| error.kind()),
        Ok(())
    );
}
