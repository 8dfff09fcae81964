//! What has happened so far, in numbers.

use std::ops::AddAssign;

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    pub(crate) passes: u64,
    pub(crate) ticks: u64,
    pub(crate) kills: u64,
    pub(crate) pauses: u64,
    pub(crate) failed: u64,
    pub(crate) asked: u64,
    pub(crate) rotations: u64,
    pub(crate) most_alive: usize,
}

impl AddAssign for Told {
    fn add_assign(&mut self, other: Self) {
        self.passes += other.passes;
        self.ticks += other.ticks;
        self.kills += other.kills;
        self.pauses += other.pauses;
        self.failed += other.failed;
        self.asked += other.asked;
        self.rotations += other.rotations;
        self.most_alive = self.most_alive.max(other.most_alive);
    }
}
