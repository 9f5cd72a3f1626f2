//! Hosts in memory that are started, stopped, imaged, restored and sent commands, and behave as a
//! test's script says. Nothing happens by itself: every answer is worked out from the clock.

mod balancers;
mod commands;
mod images;
mod machines;
mod metrics;
mod objects;
mod power;
mod script;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_eks::query::Metric;
use fleetwright_model::code;
use fleetwright_model::{AccountId, Cell, ErrorClass, Failure, InstanceId, InstanceState, Region, Text};
use fleetwright_ports::{Alarm, Clock};
use jiff::{SignedDuration, Timestamp};

pub use self::script::{CommandOutcome, Effect, Fault, HostScript, Responder};
use crate::FakeFleet;

/// The hosts of a [`FakeFleet`] as things that can be worked on: implements `Machines`,
/// `HostCommands`, `Images`, `Power`, `Metrics`, `Balancers` and `Objects`.
pub struct FakeHosts {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fleet: FakeFleet,
    cells: BTreeMap<(AccountId, Region), CellState>,
    responder: Option<Responder>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    calls: BTreeMap<&'static str, usize>,
    effects: Vec<Effect>,
    lag: Duration,
    made: u64,
    buckets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

#[derive(Default)]
struct CellState {
    hosts: BTreeMap<InstanceId, Host>,
    commands: Vec<commands::Sent>,
    images: Vec<images::Made>,
    restores: Vec<power::Begun>,
    replacements: BTreeMap<Text, InstanceId>,
    alarms: Vec<Alarm>,
    values: BTreeMap<Metric, f64>,
    pools: Vec<balancers::Pool>,
    groups: Vec<balancers::Group>,
}

/// One host: its script, and the last thing that changed its state.
struct Host {
    script: HostScript,
    /// The state before `settles_at`, and the one from then on.
    changing: InstanceState,
    settled: InstanceState,
    settles_at: Timestamp,
    /// What it settled in before, and when that was changed: readings lag behind.
    earlier: InstanceState,
    changed_at: Timestamp,
    /// Its launch time before the last start renewed it.
    earlier_launch: Option<Timestamp>,
    /// Since when its agent answers, if it runs.
    agent_since: Timestamp,
    boots: u64,
}

impl Host {
    fn new(state: InstanceState, now: Timestamp) -> Self {
        Self {
            script: HostScript::default(),
            changing: state,
            settled: state,
            settles_at: now,
            earlier: state,
            changed_at: now,
            earlier_launch: None,
            agent_since: now,
            boots: 1,
        }
    }

    fn state(&self, now: Timestamp) -> InstanceState {
        if now < self.settles_at { self.changing } else { self.settled }
    }

    /// The state as a reading shows it that is `lag` old.
    fn seen(&self, now: Timestamp, lag: Duration) -> InstanceState {
        if now < after(self.changed_at, lag) { self.earlier } else { self.state(now) }
    }

    fn change(
        &mut self,
        now: Timestamp,
        changing: InstanceState,
        settled: InstanceState,
        settles_at: Timestamp,
    ) {
        (self.earlier, self.changed_at) = (self.state(now), now);
        (self.changing, self.settled, self.settles_at) = (changing, settled, settles_at);
    }

    /// The host begins a new boot at `at`, and its agent comes back after its time.
    fn boot(&mut self, at: Timestamp) {
        self.boots += 1;
        self.agent_since = after(at, self.script.agent_takes);
    }
}

impl FakeHosts {
    /// Takes over the instances of a fleet in the states they are in.
    pub fn of(fleet: FakeFleet, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let hosts = |instances: &[fleetwright_model::Instance]| {
            instances.iter().map(|it| (it.id.clone(), Host::new(it.state, now))).collect()
        };
        let cells = fleet.cells.iter().map(|(place, cell)| {
            (place.clone(), CellState { hosts: hosts(&cell.instances), ..CellState::default() })
        });
        let state = State { cells: cells.collect(), fleet, ..State::default() };
        Self { clock, state: Mutex::new(state) }
    }

    /// Changes what a host does from now on.
    ///
    /// # Panics
    /// When no cell has that host.
    pub fn script(&self, host: &InstanceId, change: impl FnOnce(&mut HostScript)) {
        let mut state = self.lock();
        let found = state.cells.values_mut().find_map(|cell| cell.hosts.get_mut(host));
        change(&mut found.unwrap_or_else(|| panic!("no host {host} in the fleet")).script);
    }

    /// Answers every command that no script of its host speaks of.
    pub fn respond(&self, responder: Responder) {
        self.lock().responder = Some(responder);
    }

    /// Lets the next call of an IAM action (e.g. `ssm:SendCommand`) fail; several are used in order.
    pub fn fail_next(&self, action: &str, fault: Fault) {
        self.lock().faults.entry(action.to_owned()).or_default().push_back(fault);
    }

    /// What was just made or changed cannot be seen for this long, as in EC2 and Systems Manager.
    pub fn set_lag(&self, lag: Duration) {
        self.lock().lag = lag;
    }

    /// Adds an alarm, or changes its state.
    pub fn set_alarm(&self, cell: &Cell<'_>, alarm: Alarm) {
        let mut state = self.lock();
        let alarms = &mut state.cell(cell).alarms;
        alarms.retain(|known| known.name != alarm.name);
        alarms.push(alarm);
    }

    /// Gives a metric that value in every window from now on.
    pub fn set_value(&self, cell: &Cell<'_>, metric: Metric, value: f64) {
        self.lock().cell(cell).values.insert(metric, value);
    }

    /// Changes the facts that are only read: agents, patch states, tags.
    pub fn edit<T>(&self, change: impl FnOnce(&mut FakeFleet) -> T) -> T {
        change(&mut self.lock().fleet)
    }

    /// Takes an instance away, as if somebody had terminated it.
    pub fn terminate(&self, host: &InstanceId) {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(host) = state.cells.values_mut().find_map(|cell| cell.hosts.get_mut(host)) {
            host.change(now, InstanceState::Terminated, InstanceState::Terminated, now);
        }
    }

    /// How many times a host has booted, from 1.
    pub fn boots(&self, host: &InstanceId) -> u64 {
        let state = self.lock();
        state.cells.values().find_map(|cell| cell.hosts.get(host)).map_or(0, |host| host.boots)
    }

    /// The state a host is really in; none where nobody knows it.
    pub fn state_of(&self, host: &InstanceId) -> Option<InstanceState> {
        let now = self.clock.now();
        self.lock().cells.values().find_map(|cell| cell.hosts.get(host)).map(|host| host.state(now))
    }

    /// Everything that took effect, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.lock().effects.clone()
    }

    /// How much has taken effect so far.
    pub fn effect_count(&self) -> usize {
        self.lock().effects.len()
    }

    /// How many times an IAM action was called, whatever came of it.
    pub fn calls(&self, action: &str) -> usize {
        self.lock().calls.get(action).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a reading call.
    fn read(&self, action: &'static str) -> Result<(Timestamp, MutexGuard<'_, State>), Failure> {
        let mut state = self.lock();
        match state.begin(action) {
            None => Ok((self.clock.now(), state)),
            Some(Fault::Refused(failure)) => Err(failure),
            Some(Fault::LostReply) => {
                let words = "the connection broke before the answer";
                Err(Failure::new(ErrorClass::Transient, &code::SERVICE_FAULT, action, words))
            }
        }
    }

    /// Makes a mutating call: `work` takes effect unless it refuses, and the reply may get lost.
    fn write<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&mut State, Timestamp) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut state = self.lock();
        let fault = state.begin(action);
        if let Some(Fault::Refused(failure)) = fault {
            return Err(failure);
        }
        let done = work(&mut state, self.clock.now())?;
        match fault {
            None => Ok(done),
            Some(_) => {
                let words = "the reply was lost; the call may have taken effect";
                Err(Failure::new(ErrorClass::Ambiguous, &code::REPLY_LOST, action, words))
            }
        }
    }
}

impl State {
    fn begin(&mut self, action: &'static str) -> Option<Fault> {
        *self.calls.entry(action).or_default() += 1;
        self.faults.get_mut(action)?.pop_front()
    }

    fn cell(&mut self, cell: &Cell<'_>) -> &mut CellState {
        self.cells.entry((cell.zone.account.clone(), cell.region.clone())).or_default()
    }

    /// The number of the next thing that is made.
    fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn took_effect(&mut self, at: Timestamp, action: &'static str, hosts: &[InstanceId], mark: &str) {
        self.effects.push(Effect { at, action, hosts: hosts.to_vec(), mark: mark.into() });
    }
}

impl CellState {
    /// A host that is there: neither unknown nor terminated.
    fn host(
        &mut self,
        action: &str,
        service_code: &str,
        id: &InstanceId,
        now: Timestamp,
    ) -> Result<&mut Host, Failure> {
        match self.hosts.get_mut(id).filter(|host| host.state(now) != InstanceState::Terminated) {
            Some(host) => Ok(host),
            None => Err(missing(action, service_code, id.as_str())),
        }
    }
}

fn missing(action: &str, service_code: &str, what: &str) -> Failure {
    let words = format!("{what} does not exist");
    refused(ErrorClass::NotFound, &code::NOT_FOUND, action, service_code, &words)
}

fn refused(
    class: ErrorClass,
    code: &'static code::Code,
    action: &str,
    service_code: &str,
    words: &str,
) -> Failure {
    Failure { service_code: Some(service_code.to_owned()), ..Failure::new(class, code, action, words) }
}

/// A request the service would refuse as malformed.
fn malformed(action: &str, words: &str) -> Failure {
    refused(ErrorClass::Permanent, &code::REQUEST_REFUSED, action, "ValidationException", words)
}

pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}
