//! What all hosts have in common, and a region's collection of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use rand::RngExt;

use super::fault::{HostFault, HostFaultKind, When};
use super::life::HostEvent;
use super::powershell::PowerShell;
use super::shell::{Memory, Shell};
use super::state::Host;
use crate::generate::seed::Seed;
use crate::policy::pattern;
use crate::world::calendars::Calendar;
use crate::world::command::custom_document::CustomDocument;
use crate::world::ids::InstanceId;
use crate::world::instance::Instance;
use crate::world::metrics::Alarm;
use crate::world::releases::Release;
use crate::world::{Region, World};

/// What all hosts of a world have in common.
#[derive(Debug)]
pub struct Environment {
    seed: Seed,
    faults: Vec<HostFault>,
    alarms: Vec<Alarm>,
    documents: Vec<Arc<CustomDocument>>,
    calendars: Vec<Calendar>,
    releases: Vec<Release>,
    shell: Mutex<Shell>,
    powershell: OnceLock<Arc<dyn PowerShell>>,
}

impl Default for Environment {
    fn default() -> Self {
        Self::new(0, Vec::new())
    }
}

impl Environment {
    /// What hosts draw from, and what goes wrong on them.
    #[must_use]
    pub fn new(seed: u64, faults: Vec<HostFault>) -> Self {
        Self {
            seed: Seed::root(seed).child("hosts"),
            faults,
            alarms: Vec::new(),
            documents: Vec::new(),
            calendars: Vec::new(),
            releases: Vec::new(),
            shell: Mutex::new(Shell::default()),
            powershell: OnceLock::new(),
        }
    }

    /// The same with these alarms.
    #[must_use]
    pub fn with_alarms(self, alarms: Vec<Alarm>) -> Self {
        Self { alarms, ..self }
    }

    /// The same with these documents of the organisation's own.
    #[must_use]
    pub fn with_documents(self, documents: Vec<Arc<CustomDocument>>) -> Self {
        Self { documents, ..self }
    }

    /// The same with these change calendars.
    #[must_use]
    pub fn with_calendars(self, calendars: Vec<Calendar>) -> Self {
        Self { calendars, ..self }
    }

    /// The same with these releases of patches.
    #[must_use]
    pub fn with_releases(self, releases: Vec<Release>) -> Self {
        Self { releases, ..self }
    }

    /// The patches that are released meanwhile.
    #[must_use]
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The scenario's change calendars.
    #[must_use]
    pub fn calendars(&self) -> &[Calendar] {
        &self.calendars
    }

    /// The organisation's own documents: every account has them in every region.
    #[must_use]
    pub fn documents(&self) -> &[Arc<CustomDocument>] {
        &self.documents
    }

    /// The scenario's alarms.
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// Lends a PowerShell; only the first counts.
    pub fn lend(&self, powershell: Arc<dyn PowerShell>) {
        // A second one is no error: the first has perhaps answered already, and must go on.
        let _ = self.powershell.set(powershell);
    }

    /// The PowerShell that was lent, if any.
    #[must_use]
    pub fn powershell(&self) -> Option<&dyn PowerShell> {
        self.powershell.get().map(Arc::as_ref)
    }

    /// Sets whether runs of scripts are remembered, which changes nothing but the time they take.
    pub fn set_memory(&self, memory: Memory) {
        self.shell().set_memory(memory);
    }

    /// How many scripts were really run so far.
    #[must_use]
    pub fn executions(&self) -> u64 {
        self.shell().executions()
    }

    /// The shell that runs scripts.
    ///
    /// A panic while it was held leaves a cache behind in which every entry is whole.
    pub(in crate::world) fn shell(&self) -> MutexGuard<'_, Shell> {
        self.shell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one instance draws from.
    #[must_use]
    pub fn seed_of(&self, instance: InstanceId) -> Seed {
        self.seed.nth(instance.0 as usize)
    }
}

/// A region's hosts.
#[derive(Debug, Default)]
pub struct Hosts {
    environment: Arc<Environment>,
    account: Arc<str>,
    code: Arc<str>,
    states: HashMap<InstanceId, Host>,
    pub(super) events: BTreeMap<InstanceId, Vec<HostEvent>>,
}

impl Hosts {
    /// What all hosts have in common.
    #[must_use]
    pub fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    /// True where the region is one of those the patterns are for.
    #[must_use]
    pub fn is_within(&self, account: &str, code: &str) -> bool {
        pattern::matches(account, &self.account) && pattern::matches(code, &self.code)
    }

    /// The region's code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The host, where something has happened to it.
    #[must_use]
    pub fn get(&self, id: InstanceId) -> Option<&Host> {
        self.states.get(&id)
    }

    /// The host, to be changed, where something has happened to it.
    pub fn get_mut(&mut self, id: InstanceId) -> Option<&mut Host> {
        self.states.get_mut(&id)
    }

    /// How many hosts something has happened to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// True where nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    pub(super) fn put(&mut self, id: InstanceId, host: Host) {
        self.states.insert(id, host);
    }

    /// The first rule of that kind that is in force on a host, which `host` says the state of.
    pub(super) fn fault(
        &self,
        it: &Instance,
        host: &Host,
        kind: HostFaultKind,
        at: Timestamp,
    ) -> Option<(usize, &HostFault)> {
        let relevant = |(_, rule): &(usize, &HostFault)| rule.kind == kind;
        let mut candidates = self.environment.faults.iter().enumerate().filter(relevant).peekable();
        candidates.peek()?;
        let (id, name) = (it.id.to_string(), it.tags.get("Name").unwrap_or_default());
        candidates.find(|(number, rule)| {
            rule.is_about(&self.account, &self.code, [&id, name], at)
                && match rule.when {
                    When::Always => true,
                    When::AfterPatch => host.patched_at.is_some(),
                    When::AfterReboot => host.rebooted_at.is_some(),
                }
                && rule.times.is_none_or(|times| host.struck.get(number).is_none_or(|n| *n < times))
                && self.draw(*number, it.id) < rule.share
        })
    }

    /// Since when a rule keeps the agent of a running instance silent, if one does now. A rule that
    /// was always there is taken to have begun with the instance's launch.
    #[must_use]
    pub fn lost_since(&self, it: &Instance, at: Timestamp) -> Option<Timestamp> {
        let kind = HostFaultKind::AgentLost;
        if !self.environment.faults.iter().any(|rule| rule.kind == kind) {
            return None;
        }
        let fresh;
        let host = match self.get(it.id) {
            Some(host) => host,
            None => {
                fresh = Host::new(it, &self.environment);
                &fresh
            }
        };
        let (_, rule) = self.fault(it, host, kind, at)?;
        Some(rule.from.unwrap_or(it.launched_at))
    }

    /// Whether a rule strikes a host depends on the seed, the rule and the host alone.
    fn draw(&self, rule: usize, id: InstanceId) -> f64 {
        self.environment.seed_of(id).child("fault").nth(rule).stream().random()
    }
}

/// The host of an instance, made now where it was not needed before; `None` without the instance.
pub fn ensure(region: &mut Region, id: InstanceId) -> Option<&mut Host> {
    if region.hosts.get(id).is_none() {
        let host = Host::new(region.instances.get(id)?, &region.hosts.environment);
        region.hosts.put(id, host);
    }
    region.hosts.get_mut(id)
}

/// The rule of that kind that strikes a host now, counted as one strike.
pub fn strike(region: &mut Region, id: InstanceId, kind: HostFaultKind, at: Timestamp) -> Option<HostFault> {
    // Most worlds have few rules, and most hosts none: nothing is made for the question alone.
    if !region.hosts.environment.faults.iter().any(|rule| rule.kind == kind) {
        return None;
    }
    ensure(region, id)?;
    let (it, host) = (region.instances.get(id)?, region.hosts.get(id)?);
    let (number, rule) = region.hosts.fault(it, host, kind, at)?;
    let rule = rule.clone();
    if rule.times.is_some() {
        *region.hosts.get_mut(id)?.struck.entry(number).or_default() += 1;
    }
    Some(rule)
}

impl World {
    /// Gives every region's hosts what they have in common.
    pub fn furnish_hosts(&mut self, environment: Environment) {
        let environment = Arc::new(environment);
        for (id, account) in &mut self.accounts {
            for (code, region) in &mut account.regions {
                region.hosts.environment = environment.clone();
                region.hosts.account = id.as_str().into();
                region.hosts.code = code.as_str().into();
            }
        }
    }

    /// Lends a PowerShell to every host.
    pub fn lend_powershell(&self, powershell: &Arc<dyn PowerShell>) {
        for region in self.accounts.values().flat_map(|account| account.regions.values()) {
            region.hosts.environment.lend(powershell.clone());
        }
    }
}
