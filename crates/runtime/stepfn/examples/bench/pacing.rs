//! How fast AWS takes calls, and how long they are under way, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_model::{AccountId, Cell, Region};
use fleetwright_ports::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

/// An action with its bucket, one for each account and region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Action {
    /// As IAM calls it.
    pub(crate) name: &'static str,
    /// Calls at once after a rest.
    pub(crate) burst: u32,
    /// Calls per second after that.
    pub(crate) per_second: f64,
    /// Whether it changes something, which the audit log then tells of.
    pub(crate) changes: bool,
}

/// From asking EC2, Systems Manager or CloudWatch to the answer. Assumed.
const OF_AWS: Duration = Duration::from_millis(150);
/// From asking DynamoDB to the answer, where little is read. Assumed.
const OF_TABLE: Duration = Duration::from_millis(8);
/// From putting a small object to the answer. Assumed.
const OF_OBJECTS: Duration = Duration::from_millis(40);
/// What signing a request and reading its answer take of one vCPU. Assumed; a scan takes 1.6 ms for each of its
/// calls, with everything it makes of the answers (docs/benchmarks.md).
const OF_CPU: Duration = Duration::from_millis(1);
/// Units a partition of a table takes per second. All items of a run are of one partition.
/// Source: Amazon DynamoDB Developer Guide, "Designing partition keys".
const READ_UNITS_PER_SECOND: f64 = 3_000.0;
const WRITE_UNITS_PER_SECOND: f64 = 1_000.0;
/// Calls under way at once (`aws.max_concurrent_calls`).
const IN_FLIGHT: usize = 128;
/// One part in this many of a burst stays unused, one call at least, as the adapter has it.
const HEADROOM: u32 = 20;

/// What a table is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Units {
    /// Read units.
    Read(u64),
    /// Write units.
    Write(u64),
}

/// The way to AWS of one function.
pub(crate) struct Pacing {
    clock: Arc<dyn Clock>,
    /// How much of a vCPU the function has.
    share: f64,
    in_flight: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By account, region and action: when its bucket is full again.
    full: BTreeMap<(AccountId, Region, &'static str), Timestamp>,
    read: Option<Timestamp>,
    write: Option<Timestamp>,
    /// When the processor is through with what it was given.
    busy: Option<Timestamp>,
    calls: Calls,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// By action.
    pub(crate) by_action: BTreeMap<&'static str, u64>,
    /// Of those, the ones that change something.
    pub(crate) changes: u64,
}

impl Calls {
    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.by_action.values().sum()
    }
}

impl Pacing {
    /// Of a function with so much of a vCPU.
    pub(crate) fn new(clock: Arc<dyn Clock>, share: f64) -> Self {
        Self { clock, share, in_flight: Semaphore::new(IN_FLIGHT), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for so far.
    pub(crate) fn calls(&self) -> Calls {
        self.state().calls.clone()
    }

    /// One call of an action in a cell.
    pub(crate) async fn call(&self, cell: &Cell<'_>, action: &Action) {
        let line = (cell.zone.account.clone(), cell.region.clone(), action.name);
        let burst = action.burst - (action.burst / HEADROOM).max(1).min(action.burst - 1);
        let at = {
            let mut state = self.state();
            *state.calls.by_action.entry(action.name).or_default() += 1;
            state.calls.changes += u64::from(action.changes);
            let full = state.full.get(&line).copied();
            let (at, full) = admitted(full, self.clock.now(), f64::from(burst), 1.0, action.per_second);
            state.full.insert(line, full);
            at
        };
        self.until(at).await;
        let under_way = self.in_flight.acquire().await;
        self.work().await;
        self.clock.sleep(OF_AWS).await;
        drop(under_way);
    }

    /// One call of a table that takes so many units.
    pub(crate) async fn table(&self, units: Units) {
        let at = {
            let now = self.clock.now();
            let mut state = self.state();
            let (full, count, rate) = match units {
                Units::Read(count) => (&mut state.read, count, READ_UNITS_PER_SECOND),
                Units::Write(count) => (&mut state.write, count, WRITE_UNITS_PER_SECOND),
            };
            let (at, next) = admitted(*full, now, rate, count as f64, rate);
            *full = Some(next);
            at
        };
        self.until(at).await;
        self.work().await;
        self.clock.sleep(OF_TABLE).await;
    }

    /// One object that is put or read.
    pub(crate) async fn object(&self) {
        let under_way = self.in_flight.acquire().await;
        self.work().await;
        self.clock.sleep(OF_OBJECTS).await;
        drop(under_way);
    }

    /// One call after another has the processor.
    async fn work(&self) {
        let at = {
            let mut state = self.state();
            let begins = state.busy.map_or(self.clock.now(), |busy| busy.max(self.clock.now()));
            let ends = later(begins, OF_CPU.div_f64(self.share));
            state.busy = Some(ends);
            ends
        };
        self.until(at).await;
    }

    async fn until(&self, at: Timestamp) {
        let left = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
        if !left.is_zero() {
            self.clock.sleep(left).await;
        }
    }
}

/// When `count` tokens are to be had from a bucket that is full again at `full`, and when it is after that.
fn admitted(
    full: Option<Timestamp>,
    now: Timestamp,
    burst: f64,
    count: f64,
    per_second: f64,
) -> (Timestamp, Timestamp) {
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let next = later(full.map_or(now, |full| full.max(now)), seconds(count / per_second));
    let held = SignedDuration::try_from(seconds(burst / per_second)).unwrap_or_default();
    (next.checked_sub(held).unwrap_or(now).max(now), next)
}

/// That much later.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use fleetwright_clock::VirtualClock;
    use fleetwright_testkit::sample;

    use super::*;

    const SENDING: Action = Action { name: "ssm:SendCommand", burst: 5, per_second: 2.0, changes: true };

    #[tokio::test(start_paused = true)]
    async fn ten_commands_of_a_region_leave_at_its_rate_and_those_of_another_do_not_wait_for_them() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let pacing = Pacing::new(Arc::clone(&clock), 1.0);
        let zone = sample::zone("prod", "111122223333", &["eu-central-1", "eu-west-1"]);
        let cell = |region| Cell { zone: &zone, region: sample::region(region) };
        let (here, there) = (cell("eu-central-1"), cell("eu-west-1"));
        let one = pacing.call(&there, &SENDING);
        let passed = |clock: &Arc<dyn Clock>| clock.now().duration_since(sample::now()).as_millis();
        one.await;
        assert_eq!(passed(&clock), 151, "signed, and under way");
        let begun = clock.now();
        futures::future::join_all((0..10).map(|_| pacing.call(&here, &SENDING))).await;
        // Of a burst of five one stays unused; the six others wait half a second each.
        assert_eq!(clock.now().duration_since(begun).as_millis(), 3_151);
        assert_eq!((pacing.calls().total(), pacing.calls().changes), (11, 11));
    }

    #[tokio::test(start_paused = true)]
    async fn a_partition_gives_so_many_units_a_second_and_no_more() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let pacing = Pacing::new(Arc::clone(&clock), 1.0);
        for _ in 0..4 {
            pacing.table(Units::Read(3_000)).await;
        }
        let passed = clock.now().duration_since(sample::now()).as_millis();
        assert!((2_990..=3_100).contains(&passed), "12,000 units, of which 3,000 at once: {passed} ms");
    }
}
