//! Many managed tokens at once.

use std::sync::{Arc, Mutex};

use access_tokens::days;
use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::{
    AfterStep, Keeper, ManagedToken, ManagedTokenBuilder, Outcome, Report,
};
use access_tokens::{RotationPolicy, TokenKey, TokenService};
use access_tokens_testing::Fault;
use futures_util::StreamExt as _;

use super::{HOUR, KINDS, Kind, MINUTE, Setup, Trouble, Vault, Watched, said};

/// Tokens of one account, each with a sink of its own.
struct Fleet {
    setup: Setup,
    service: Arc<dyn TokenService>,
    vaults: Vec<Vault>,
    keys: Vec<TokenKey>,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl Fleet {
    async fn new(kind: Kind) -> Self {
        let setup = Setup::new(kind).await;
        let seeds = NAMES.map(|name| setup.world.seed(name));
        let seeded = NAMES.into_iter().zip(&seeds);
        let vaults =
            seeded.map(|(name, (_, secret))| Vault::holding(name, SinkKind::Restorable, secret));
        Self {
            service: setup.world.service(),
            vaults: vaults.collect(),
            keys: seeds.into_iter().map(|(key, _)| key).collect(),
            setup,
        }
    }

    fn builder(&self, place: usize) -> ManagedTokenBuilder {
        ManagedToken::builder(NAMES[place])
            .shared_service(Arc::clone(&self.service))
            .adopt(self.keys[place].clone())
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .allow_own_credential(self.setup.world.kind == Kind::AvisiCloud)
            .deliver_to(self.vaults[place].clone())
    }

    fn tokens(&self) -> Vec<ManagedToken> {
        let all = (0..NAMES.len()).map(|place| self.builder(place).build().unwrap());
        all.collect()
    }

    async fn tick(&self, keeper: &Keeper, tokens: Vec<ManagedToken>) -> Vec<Report> {
        let mut reports: Vec<_> = keeper.tick_all(tokens, 2).collect().await;
        reports.sort_by(|a, b| a.token.cmp(&b.token));
        reports
    }

    fn assert_works(&self) {
        for vault in &self.vaults {
            let secret = vault.secret().unwrap();
            assert!(self.setup.world.accepts(&secret), "{vault:?}");
        }
    }
}

fn all(reports: &[Report]) -> Vec<String> {
    reports.iter().map(said).collect()
}

#[tokio::test]
async fn a_pass_in_which_nothing_is_due_is_one_list_of_the_account_and_two_of_the_store() {
    for kind in KINDS {
        let fleet = Fleet::new(kind).await;
        let store = Watched::default();
        let keeper = fleet.setup.keeper_on(store.clone());
        let _ = fleet.tick(&keeper, fleet.tokens()).await;
        fleet.setup.pass(HOUR);
        fleet.setup.world.clear_requests();
        store.calls();
        let reports = fleet.tick(&keeper, fleet.tokens()).await;
        assert_eq!(all(&reports), ["not_due"; 4], "{reports:?}");
        assert_eq!(store.calls(), ["list token/", "list request/"], "{kind:?}");
        let calls = fleet.setup.world.calls();
        assert_eq!(calls.len(), 1, "{kind:?}: {calls:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_asked_once_and_touches_no_other() {
    let (fleet, other) = (Fleet::new(KINDS[0]).await, Setup::new(KINDS[1]).await);
    let keeper = fleet.setup.keeper();
    let tokens = || {
        let mut all = fleet.tokens();
        all.push(other.token());
        all
    };
    let _ = fleet.tick(&keeper, tokens()).await;
    fleet.setup.pass(days(91));
    other.pass(days(91));
    fleet.setup.world.clear_requests();
    fleet.setup.world.fault(1, 100, Fault::Status(401));
    let reports = fleet.tick(&keeper, tokens()).await;
    let account = "failed account";
    let wanted = [account, account, account, account, "rotated"];
    assert_eq!(all(&reports), wanted, "{reports:?}");
    assert_eq!(fleet.setup.world.calls().len(), 1);
    other.assert_works();
    fleet.setup.world.clear_faults();
    assert_eq!(
        all(&fleet.tick(&keeper, fleet.tokens()).await),
        ["rotated"; 4]
    );
    fleet.assert_works();
}

/// Three applications with a policy on age and an overlap, night after night.
#[tokio::test]
async fn a_fleet_has_as_many_successors_as_tokens_whatever_the_number_of_nights() {
    for kind in KINDS {
        let fleet = Fleet::new(kind).await;
        let keeper = fleet.setup.keeper();
        let mut rotations = 0;
        for night in 0..100 {
            let reports = fleet.tick(&keeper, fleet.tokens()).await;
            for report in &reports {
                assert!(report.error().is_none(), "{kind:?} {night}: {report}");
                let rotated = matches!(report.outcome, Outcome::Rotated { .. });
                rotations += usize::from(rotated);
            }
            fleet.assert_works();
            // The token of the world itself is nobody's here.
            assert!(fleet.setup.world.alive().len() <= 1 + 2 * NAMES.len());
            fleet.setup.pass(days(1));
        }
        assert_eq!(rotations, NAMES.len(), "{kind:?}");
        assert_eq!(fleet.setup.world.alive().len(), 1 + NAMES.len(), "{kind:?}");
    }
}

/// What waits or belongs to somebody else never counts as a failure, and never ends a fleet.
#[tokio::test]
async fn a_token_that_waits_keeps_no_other_from_its_rotation() {
    for kind in KINDS {
        let fleet = Fleet::new(kind).await;
        let keeper = fleet.setup.keeper();
        let mut tokens = fleet.tokens();
        tokens[0] = fleet
            .builder(0)
            .policy(RotationPolicy::new().max_age(days(2)))
            .overlap(days(1))
            .build()
            .unwrap();
        let _ = fleet.tick(&keeper, tokens.clone()).await;
        fleet.setup.pass(days(91));
        let first = fleet.tick(&keeper, tokens.clone()).await;
        assert_eq!(all(&first), ["rotated"; 4]);
        // Within the overlap somebody forces one, so that it waits.
        let _ = keeper
            .rotate(&tokens[0], access_tokens::rotation::Reason::Scheduled)
            .await;
        fleet.setup.pass(days(1) + MINUTE);
        let second = fleet.tick(&keeper, tokens.clone()).await;
        assert!(second.iter().all(|report| report.error().is_none()));
        assert_eq!(all(&second)[1..], ["retired"; 3], "{kind:?}: {second:?}");
        fleet.assert_works();
    }
}

#[tokio::test]
async fn two_tokens_that_write_to_the_same_place_are_refused_before_anything_is_sent() {
    for kind in KINDS {
        let fleet = Fleet::new(kind).await;
        let keeper = fleet.setup.keeper();
        let mut tokens = fleet.tokens();
        let place = &fleet.vaults[0];
        tokens[1] = fleet.builder(1).deliver_to(place.clone()).build().unwrap();
        let reports = fleet.tick(&keeper, tokens).await;
        let refused = "failed declaration";
        assert_eq!(all(&reports), [refused, refused, "not_due", "not_due"]);
        assert!(reports[0].to_string().contains("vault a"), "{}", reports[0]);
        fleet.setup.pass(days(91));
        fleet.setup.world.clear_requests();
        let mut tokens = fleet.tokens();
        tokens.truncate(1);
        tokens.push(fleet.builder(1).deliver_to(place.clone()).build().unwrap());
        let reports = fleet.tick(&keeper, tokens).await;
        assert_eq!(all(&reports), [refused; 2], "{reports:?}");
        assert!(fleet.setup.world.calls().is_empty());
        assert!(place.writes().is_empty());
        // Nor may two have one name.
        let twice = vec![fleet.tokens().remove(0), fleet.tokens().remove(0)];
        let reports = fleet.tick(&keeper, twice).await;
        assert!(all(&reports).contains(&refused.to_owned()), "{reports:?}");
    }
}

#[tokio::test]
async fn a_failure_of_one_does_not_touch_the_others() {
    let fleet = Fleet::new(KINDS[0]).await;
    let keeper = fleet.setup.keeper();
    let _ = fleet.tick(&keeper, fleet.tokens()).await;
    fleet.setup.pass(days(91));
    fleet.vaults[2].trouble(Trouble::Refused, 1);
    let reports = fleet.tick(&keeper, fleet.tokens()).await;
    let wanted = ["rotated", "rotated", "failed sink", "rotated"];
    assert_eq!(all(&reports), wanted, "{reports:?}");
    fleet.assert_works();
}

#[tokio::test]
async fn the_credential_of_the_client_itself_goes_last() {
    let fleet = Fleet::new(Kind::LaunchDarkly).await;
    let keeper = fleet.setup.keeper();
    let twin = fleet.setup.world.launchdarkly();
    let own = Vault::holding("own", SinkKind::Restorable, &twin.credential());
    let own = ManagedToken::builder("0 own")
        .shared_service(Arc::clone(&fleet.service))
        .adopt(twin.credential_id())
        .policy(RotationPolicy::new().max_age(days(90)))
        .overlap(days(1))
        .allow_own_credential(true)
        .deliver_to(own)
        .build()
        .unwrap();
    let tokens = || {
        let mut all = vec![own.clone()];
        all.extend(fleet.tokens());
        all
    };
    let _ = fleet.tick(&keeper, tokens()).await;
    fleet.setup.pass(days(91));
    let reports: Vec<Report> = keeper.tick_all(tokens(), 8).collect().await;
    assert_eq!(all(&reports), ["rotated"; 5], "{reports:?}");
    assert_eq!(reports.last().unwrap().token, "0 own");
    // The client goes on with it, also when the old one is gone.
    fleet.setup.pass(days(2));
    assert_eq!(all(&fleet.tick(&keeper, tokens()).await), ["retired"; 5]);
    assert_eq!(all(&fleet.tick(&keeper, tokens()).await), ["not_due"; 5]);
}

#[tokio::test]
async fn the_same_step_after_deliveries_is_taken_once_for_all() {
    let fleet = Fleet::new(KINDS[0]).await;
    let keeper = fleet.setup.keeper();
    let taken: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let log = Arc::clone(&taken);
    let fails = Arc::new(Mutex::new(true));
    let broken = Arc::clone(&fails);
    let step = AfterStep::from_fn("reload", move |names| {
        log.lock().unwrap().push(names);
        let result = if *broken.lock().unwrap() {
            Err("it does not start")
        } else {
            Ok(())
        };
        async move { result }
    });
    let places = 0..NAMES.len();
    let tokens = || {
        let with = |place| fleet.builder(place).after(step.clone()).build().unwrap();
        places.clone().map(with).collect::<Vec<_>>()
    };
    let _ = fleet.tick(&keeper, tokens()).await;
    fleet.setup.pass(days(91));
    let mut reports = fleet.tick(&keeper, tokens()).await;
    assert_eq!(all(&reports), ["rotated"; 4]);
    assert!(reports.iter().all(|report| report.after.is_some()));
    let calls = std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0].len(), 4);
    // Without it nothing old goes, and nothing new is made.
    fleet.setup.pass(days(2));
    reports = fleet.tick(&keeper, tokens()).await;
    assert_eq!(all(&reports), ["failed after"; 4], "{reports:?}");
    assert_eq!(fleet.setup.world.alive().len(), 1 + 2 * NAMES.len());
    *fails.lock().unwrap() = false;
    reports = fleet.tick(&keeper, tokens()).await;
    assert!(reports.iter().all(|r| r.error().is_none()), "{reports:?}");
    let _ = fleet.tick(&keeper, tokens()).await;
    assert_eq!(fleet.setup.world.alive().len(), 1 + NAMES.len());
}
