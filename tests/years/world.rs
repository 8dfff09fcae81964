//! The world: services, tokens, sinks, machines, and what happens to them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use access_tokens::rotation::{ErrorKind, ManagedToken, Outcome, Reason, Report};
use access_tokens::{Clock as _, days};
use access_tokens_testing::stores::FaultyStore;
use access_tokens_testing::{Settling, ShiftedClock, Twins, VirtualClock};
use fastrand::Rng;

use super::entry::{Entry, MINUTE, entry};
use super::ledger::Ledger;
use super::machine::{Cut, Machine, Paused, all_has_arrived, slowly, up_to};
use super::told::Told;
use super::trouble::Weather;
use super::vault::Trouble;

pub(crate) struct World {
    pub(crate) dice: Rng,
    pub(crate) clock: VirtualClock,
    pub(crate) twins: Twins,
    pub(crate) ledger: Ledger,
    pub(crate) entries: Vec<Entry>,
    pub(crate) most_alive: usize,
    troubled: bool,
    machines: Vec<Machine>,
    paused: Vec<Paused>,
    weather: Weather,
    on_hold: BTreeSet<String>,
    /// Entries that wait for a person.
    stuck: BTreeSet<String>,
    /// Rows of tokens that were removed, as of when rows were cleared away last.
    removed: BTreeSet<String>,
    told: Told,
    directory: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A directory in memory where there is one: nothing here is to survive the machine.
fn directory(seed: u64, troubled: bool) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    let directory = base.join(format!("years-{}-{seed}-{troubled}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

impl World {
    pub(crate) async fn new(seed: u64, tokens: usize, troubled: bool) -> Self {
        let mut dice = Rng::with_seed(seed);
        let (clock, directory) = (VirtualClock::new(), directory(seed, troubled));
        let twins = Twins::with_clock(clock.clone()).await.unwrap();
        twins.launchdarkly.record_requests(false);
        twins.query_server.record_requests(false);
        twins.avisi_cloud.record_requests(false);
        let entries: Vec<Entry> = (0..tokens)
            .map(|number| entry(&twins, number, &mut dice, &directory, troubled))
            .collect();
        let (ledger, weather) = (Ledger::new(clock.clone()), Weather::default());
        let machines = (0..4).map(|number| {
            let clock = ShiftedClock::over(clock.clone());
            if troubled {
                let off = Duration::from_secs(dice.u64(0..120));
                match number % 2 {
                    0 => clock.set_ahead(off),
                    _ => clock.set_behind(off),
                }
            }
            let store = FaultyStore::new(ledger.clone(), weather.over_store(dice.u64(..)));
            Machine::new(&twins, &clock, store, &ledger, &entries)
        });
        let machines = machines.collect();
        for twin in twins.all() {
            twin.on_others(weather.over_service(dice.fork(), ledger.clone()));
        }
        Self {
            dice,
            clock,
            twins,
            ledger,
            entries,
            most_alive: 0,
            troubled,
            machines,
            paused: Vec::new(),
            weather,
            on_hold: BTreeSet::new(),
            stuck: BTreeSet::new(),
            removed: BTreeSet::new(),
            told: Told::default(),
            directory,
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Every token is adopted before anything goes wrong, again where a busy machine was too slow for
    /// the limit of real time that sinks have.
    pub(crate) async fn first_contact(&mut self) {
        for last in [false, false, false, false, true] {
            let machine = &self.machines[0];
            let reports = machine.pass_again(machine.tokens.clone()).await;
            let not_due = |report: &&Report| matches!(report.outcome, Outcome::NotDue { .. });
            let Some(other) = reports.iter().find(|report| !not_due(report)) else {
                return;
            };
            assert!(!last, "{other}");
        }
    }

    /// Time passes; what was to land late lands, and who stood still goes on when it is time.
    pub(crate) async fn pass_time(&mut self, time: Duration) {
        let mut left = time;
        loop {
            self.settle(&mut left);
            let end = self.now() + left;
            let next = self.paused.iter().map(|paused| paused.until).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            let wait = next.duration_since(self.now()).unwrap_or_default();
            self.clock.advance(wait);
            left -= wait;
            let place = self.paused.iter().position(|paused| paused.until == next);
            let paused = self.paused.swap_remove(place.unwrap());
            self.go_on(paused).await;
        }
        self.clock.advance(left);
    }

    /// Writes under way arrive within the time in which everything settles, also those of a process
    /// that has just gone on; nobody else stands still for longer than was meant meanwhile.
    fn settle(&self, left: &mut Duration) {
        let paused = self.paused.iter().map(|paused| paused.until);
        let waits = paused.map(|until| until.duration_since(self.now()).unwrap_or_default());
        let most = waits.min().unwrap_or(Duration::MAX).min(8 * MINUTE);
        let time = (*left).min(most);
        self.clock.advance(time);
        *left -= time;
        for vault in self.entries.iter().flat_map(Entry::vaults) {
            vault.land();
        }
    }

    async fn go_on(&mut self, paused: Paused) {
        self.ledger
            .say(None, format!("goes on: {:?}", paused.entries));
        let reports = paused.pass.await;
        if paused.is_late {
            let until = self.now() + days(5);
            for entry in &mut self.entries {
                if paused.entries.contains(&entry.name) {
                    entry.late_until = Some(until);
                }
            }
        }
        self.hear(&reports);
    }

    /// Changes what goes wrong.
    pub(crate) fn stir(&mut self) {
        let storm = match self.dice.u32(0..20) {
            0 => 400,
            1..=2 => 150,
            3..=5 => 30,
            _ => 0,
        };
        self.weather.set(storm);
        if self.dice.u32(0..10) == 0 {
            let mut late = || match self.dice.u32(0..3) {
                0 => Duration::from_secs(self.dice.u64(1..15)),
                _ => Duration::ZERO,
            };
            let settling = Settling::new()
                .new_secrets(late())
                .old_secrets(late())
                .reads(late())
                .lists(late());
            self.twins.launchdarkly.set_settling(settling);
            self.twins.avisi_cloud.set_settling(settling);
            // Query Server is one process over one database: what it has said holds at once.
        }
        if self.dice.u32(0..100) == 0 {
            self.clear_away();
        }
        let number = self.dice.usize(0..self.entries.len());
        let vaults: Vec<_> = self.entries[number].vaults().collect();
        let Some(vault) = self.dice.choice(&vaults) else {
            return;
        };
        match self.dice.u32(0..80) {
            0..=5 => vault.trouble(Trouble::Refused, 1),
            6..=11 => vault.trouble(Trouble::Unanswered, 1),
            12..=17 => vault.trouble(Trouble::Late, 1),
            18 => vault.trouble(Trouble::Hangs, 1),
            19..=20 => vault.fail_check(true),
            21..=22 => vault.fail_observe(true),
            23..=40 => self.mend(),
            _ => {}
        }
    }

    /// An administrator takes rows of removed tokens out of the databases, those that were there the
    /// last time.
    fn clear_away(&mut self) {
        let (avisi_cloud, query_server) = (&self.twins.avisi_cloud, &self.twins.query_server);
        let mut removed = BTreeSet::new();
        let rows = avisi_cloud.tokens().into_iter();
        for row in rows.filter(|row| !row.active) {
            if !(self.removed.contains(&row.id) && avisi_cloud.remove(&row.id)) {
                removed.insert(row.id);
            }
        }
        let rows = query_server.tokens().into_iter();
        for row in rows.filter(|row| !row.active) {
            if !(self.removed.contains(&row.name) && query_server.remove(&row.name)) {
                removed.insert(row.name);
            }
        }
        self.removed = removed;
    }

    /// Sinks work again.
    fn mend(&self) {
        for vault in self.entries.iter().flat_map(Entry::vaults) {
            vault.fail_check(false);
            vault.fail_observe(false);
            vault.clear_troubles();
        }
    }

    /// Somebody ticks, asks for something, is killed, or stands still.
    pub(crate) async fn step(&mut self) {
        let machine = self.dice.usize(0..self.machines.len());
        let what = if self.troubled {
            self.dice.u32(0..100)
        } else {
            100
        };
        let is_late = (57..65).contains(&what);
        let tokens = self.some_tokens(machine, is_late);
        let names: Vec<String> = tokens.iter().map(|token| token.name().to_owned()).collect();
        self.count(&tokens);
        let mut pass = self.machines[machine].pass(tokens);
        match what {
            // Two at a time, in a slow world or a quick one.
            0..=14 => {
                let other = (machine + 1) % self.machines.len();
                let tokens = self.some_tokens(other, false);
                self.count(&tokens);
                let other = self.machines[other].pass(tokens);
                let vaults = || {
                    self.entries
                        .iter()
                        .flat_map(Entry::vaults)
                        .cloned()
                        .collect()
                };
                let pass = slowly(pass, self.clock.clone(), self.dice.fork(), vaults());
                let other = slowly(other, self.clock.clone(), self.dice.fork(), vaults());
                self.ledger.say(None, "two passes at a time");
                let (one, other) = futures_util::join!(pass, other);
                self.hear(&one);
                self.hear(&other);
            }
            // Killed at any moment.
            15..=49 => {
                let cut = self.cut();
                if up_to(&mut pass, cut, &self.ledger).await.is_none() {
                    drop(pass);
                    self.told.kills += 1;
                    self.ledger.say(None, "killed");
                    self.let_all_arrive().await;
                }
            }
            // Stands still: for minutes, or for longer than anything takes to settle.
            50..=64 => {
                let cut = self.cut();
                if up_to(&mut pass, cut, &self.ledger).await.is_none() {
                    self.told.pauses += 1;
                    self.ledger.say(None, format!("stands still: {names:?}"));
                    let most = if is_late { 3 * 86_400 } else { 10 * 60 };
                    let until = self.now() + Duration::from_secs(self.dice.u64(30..most));
                    self.paused.push(Paused {
                        pass,
                        until,
                        is_late,
                        entries: names,
                    });
                    self.let_all_arrive().await;
                }
            }
            65..=67 => {
                drop(pass);
                self.ask(machine).await;
            }
            _ => {
                let reports = pass.await;
                self.hear(&reports);
            }
        }
    }

    fn count(&mut self, tokens: &[ManagedToken]) {
        self.told.passes += 1;
        self.told.ticks += tokens.len() as u64;
    }

    fn cut(&mut self) -> Cut {
        Cut {
            at_work: self.dice.u32(0..4) > 0,
            polls: self.dice.u32(0..30),
        }
    }

    async fn let_all_arrive(&self) {
        self.weather.set(0);
        all_has_arrived(&self.twins).await;
    }

    async fn ask(&mut self, machine: usize) {
        self.told.asked += 1;
        // Whoever asks sees to what waits for a person first.
        let stuck = self.stuck.pop_first();
        let waits = stuck.and_then(|name| self.entries.iter().position(|e| e.name == name));
        let number = waits.unwrap_or_else(|| self.dice.usize(0..self.entries.len()));
        let entry = &mut self.entries[number];
        entry.asked += 1;
        entry.forced_until = Some(self.clock.now() + entry.overlap + days(5));
        let machine = &self.machines[machine];
        let token = &machine.tokens[number];
        let what = if waits.is_some() {
            2
        } else {
            self.dice.u32(0..4)
        };
        let report = match what {
            0 => machine.keeper.rotate(token, Reason::Suspected).await,
            1 => {
                self.on_hold.insert(token.name().to_owned());
                machine.keeper.rollback(token).await
            }
            _ => machine.keeper.rotate(token, Reason::Scheduled).await,
        };
        self.ledger
            .say(Some(&entry.name), format!("asked: {report}"));
        self.hear(&[report]);
        if self.dice.bool() {
            self.release().await;
        }
    }

    /// Ends what a roll back has put on hold.
    async fn release(&mut self) {
        for name in std::mem::take(&mut self.on_hold) {
            if self.machines[0].keeper.release(&name).await.is_err() {
                self.on_hold.insert(name);
            }
        }
    }

    /// What a pass is over; of a process that is late, only what can refuse what it does then.
    fn some_tokens(&mut self, machine: usize, is_late: bool) -> Vec<ManagedToken> {
        let all = self.machines[machine].tokens.iter().zip(&self.entries);
        let all_of_them = self.dice.u32(0..3) > 0;
        let some = all.filter(|_| all_of_them || self.dice.bool());
        let some = some.filter(|(_, entry)| !is_late || entry.is_fenced());
        some.map(|(token, _)| token.clone()).collect()
    }

    fn hear(&mut self, reports: &[Report]) {
        for report in reports {
            if let Some(error) = report.error() {
                self.told.failed += 1;
                if error.kind() == ErrorKind::Stuck {
                    self.stuck.insert(report.token.clone());
                }
                self.ledger
                    .say(Some(&report.token), format!("failed: {error}"));
            }
        }
    }

    /// Nothing goes wrong any more, and somebody ticks until nothing is left to do.
    pub(crate) async fn calm_down(&mut self) {
        self.weather.set(0);
        for twin in self.twins.all() {
            twin.set_settling(Settling::new());
        }
        self.mend();
        self.pass_time(days(4)).await;
        self.release().await;
        // Beyond every back-off and every overlap, and until a day brings nothing.
        for day in 0..80 {
            self.pass_time(days(1)).await;
            let machine = &self.machines[0];
            let tokens = machine.tokens.clone();
            let reports = machine.pass_again(tokens).await;
            self.hear(&reports);
            // A person sees to what waits for one.
            for name in std::mem::take(&mut self.stuck) {
                let machine = &self.machines[0];
                let token = machine.tokens.iter().find(|token| token.name() == name);
                let report = machine
                    .keeper
                    .rotate(token.unwrap(), Reason::Scheduled)
                    .await;
                self.hear(&[report]);
            }
            let not_due = |report: &Report| matches!(report.outcome, Outcome::NotDue { .. });
            if day >= 40 && reports.iter().all(not_due) {
                break;
            }
        }
    }

    pub(crate) fn told(&self) -> Told {
        Told {
            rotations: self.ledger.commits().values().sum(),
            most_alive: self.most_alive,
            ..self.told
        }
    }
}
