//! A service, its clock, and managed tokens of it.

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::state::StateStore;
use access_tokens::rotation::{Keeper, ManagedToken, ManagedTokenBuilder};
use access_tokens::{RotationPolicy, Secret, TokenService, days, launchdarkly};
use access_tokens_testing::launchdarkly::{Seed, TwinToken};
use access_tokens_testing::{LaunchDarkly, VirtualClock};

/// An account on a twin, in virtual time.
pub(crate) struct World {
    pub(crate) twin: LaunchDarkly,
    pub(crate) clock: VirtualClock,
    service: Arc<dyn TokenService>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = VirtualClock::new();
        let twin = LaunchDarkly::builder().clock(clock.clone());
        let twin = twin.start().await.unwrap();
        let client = launchdarkly::Client::builder()
            .base_url(twin.base_url())
            .credential(twin.credential())
            .clock(clock.clone());
        let service = Arc::new(client.build().unwrap());
        Self {
            twin,
            clock,
            service,
        }
    }

    /// A token that is there, and its declaration, without sinks: due after 90 days.
    pub(crate) fn token(&self, name: &str) -> (TwinToken, ManagedTokenBuilder) {
        let seeded = self.twin.seed(Seed::new(name));
        let declared = ManagedToken::builder(name)
            .shared_service(Arc::clone(&self.service))
            .adopt(seeded.id.clone())
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1));
        (seeded, declared)
    }

    pub(crate) fn keeper(&self, store: impl StateStore + 'static) -> Keeper {
        // Lost answers are not waited for in real time.
        let keeper = Keeper::builder(store).clock(self.clock.clone());
        keeper.act_timeout(Duration::from_secs(10)).build()
    }

    /// How many tokens there are, but for the client's own.
    pub(crate) fn alive(&self) -> usize {
        self.twin.tokens().len() - 1
    }

    pub(crate) fn accepts(&self, secret: &str) -> bool {
        self.twin.authenticates(&Secret::new(secret))
    }
}
