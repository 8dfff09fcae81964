//! The steady state: night after night, nothing but what the policy asks for.

use access_tokens::days;
use access_tokens::rotation::Outcome;

use super::{HOUR, KINDS, Setup, said};

#[tokio::test]
async fn a_token_is_adopted_rotated_and_retired_by_one_call() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let first = keeper.tick(&token).await;
        assert_eq!(said(&first), "not_due", "{kind:?}: {first}");
        assert_eq!(first.current.as_ref(), Some(&setup.world.key));
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        let Outcome::Rotated { from, to, .. } = &rotated.outcome else {
            panic!("{kind:?}: {rotated}");
        };
        assert_eq!(from.as_ref(), Some(&setup.world.key));
        assert_ne!(setup.delivered(), setup.world.secret);
        setup.assert_works();
        assert!(
            setup.world.accepts(&setup.world.secret),
            "the overlap has begun"
        );
        assert_eq!(said(&keeper.tick(&token).await), "not_due");
        setup.pass(days(1) + HOUR);
        let retired = keeper.tick(&token).await;
        assert_eq!(said(&retired), "retired", "{kind:?}: {retired}");
        assert!(!setup.world.accepts(&setup.world.secret));
        assert_eq!(setup.world.alive(), std::slice::from_ref(to));
        setup.assert_works();
        assert_eq!(said(&keeper.tick(&token).await), "not_due");
    }
}
