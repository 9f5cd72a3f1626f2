//! An EKS cluster in memory that is upgraded and rolled back by EKS's rules. Nothing happens by itself: every answer is
//! worked out from the clock.

mod changes;
mod looks;
mod own_groups;

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_kubernetes::Minor;
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::Clock;
use fleetwright_ports::cluster_changes::ClientToken;
use fleetwright_ports::clusters::{ClusterName, Update, UpdateStatus};
use jiff::Timestamp;

pub use own_groups::FakeOwnGroup;

use crate::hosts::Fault;

/// How long updates take: control planes, add-ons, node groups.
const TAKES: [Duration; 3] = [Duration::from_secs(600), Duration::from_secs(60), Duration::from_secs(900)];

/// An add-on in memory.
#[derive(Clone, Debug)]
pub struct FakeAddon {
    /// Its version.
    pub version: String,
    /// The versions that it can have, the newest first, and the versions of Kubernetes that each fits.
    pub offers: Vec<(String, RangeInclusive<u16>)>,
}

/// One EKS cluster: implements `Clusters` and `ClusterChanges`, and for its Auto Scaling groups of one's own
/// `SelfManagedGroups` and `InstanceRefreshes`.
pub struct FakeCluster {
    clock: Arc<dyn Clock>,
    name: ClusterName,
    state: Mutex<State>,
}

struct State {
    version: Minor,
    /// The version before the last upgrade in place, and when that ended.
    upgraded: Option<(Minor, Timestamp)>,
    addons: BTreeMap<String, FakeAddon>,
    groups: BTreeMap<String, Minor>,
    own: BTreeMap<String, own_groups::OwnGroup>,
    updates: Vec<Begun>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    fails: VecDeque<String>,
    refresh_fails: VecDeque<String>,
}

/// What an update is of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Cluster,
    Addon(String),
    NodeGroup(String),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Work {
    Version(Minor),
    Addon { version: String, conflicts: &'static str },
    Nodes(Minor),
}

/// An update with what it does and when it ends.
struct Begun {
    shown: Update,
    of: Subject,
    work: Work,
    token: ClientToken,
    ends_at: Timestamp,
    /// Why it will fail.
    fails: Option<String>,
}

impl FakeCluster {
    /// A cluster of that version without add-ons and node groups.
    pub fn new(name: ClusterName, version: Minor, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            version,
            upgraded: None,
            addons: BTreeMap::new(),
            groups: BTreeMap::new(),
            own: BTreeMap::new(),
            updates: Vec::new(),
            faults: BTreeMap::new(),
            fails: VecDeque::new(),
            refresh_fails: VecDeque::new(),
        };
        Self { clock, name, state: Mutex::new(state) }
    }

    /// The same with an add-on.
    #[must_use]
    pub fn with_addon(self, name: &str, addon: FakeAddon) -> Self {
        self.lock().addons.insert(name.to_owned(), addon);
        self
    }

    /// The same with a managed node group of that version.
    #[must_use]
    pub fn with_node_group(self, name: &str, version: Minor) -> Self {
        self.lock().groups.insert(name.to_owned(), version);
        self
    }

    /// Lets the next call of an IAM action (e.g. `eks:UpdateAddon`) fail; several are used in order.
    pub fn fail_next(&self, action: &str, fault: Fault) {
        self.lock().faults.entry(action.to_owned()).or_default().push_back(fault);
    }

    /// Lets the next update that is begun fail at its end, with these words.
    pub fn fail_update(&self, words: &str) {
        self.lock().fails.push_back(words.to_owned());
    }

    /// Every update that was ever begun, in order.
    pub fn begun(&self) -> Vec<Update> {
        self.settled().updates.iter().map(|it| it.shown.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is now.
    fn settled(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.settle(self.clock.now());
        state
    }

    /// Begins a reading call about a cluster of that name.
    fn read(&self, action: &'static str, name: &ClusterName) -> Result<MutexGuard<'_, State>, Failure> {
        let mut state = self.settled();
        match state.fault(action) {
            None if *name == self.name => Ok(state),
            None => Err(missing(action, name.as_str())),
            Some(Fault::Refused(failure)) => Err(failure),
            Some(Fault::LostReply) => {
                let words = "the connection broke before the answer";
                Err(Failure::new(ErrorClass::Transient, &code::SERVICE_FAULT, action, words))
            }
        }
    }
}

impl State {
    fn fault(&mut self, action: &str) -> Option<Fault> {
        self.faults.get_mut(action)?.pop_front()
    }

    /// Ends what has ended by then.
    fn settle(&mut self, now: Timestamp) {
        self.settle_own_groups(now);
        for at in 0..self.updates.len() {
            let update = &mut self.updates[at];
            if update.shown.status != UpdateStatus::InProgress || update.ends_at > now {
                continue;
            }
            if let Some(words) = &update.fails {
                update.shown.errors = vec![words.clone()];
                update.shown.status = UpdateStatus::Failed;
                continue;
            }
            update.shown.status = UpdateStatus::Successful;
            let (of, work, ended) = (update.of.clone(), update.work.clone(), update.ends_at);
            self.take_effect(&of, work, ended);
        }
    }

    fn take_effect(&mut self, of: &Subject, work: Work, at: Timestamp) {
        match (of, work) {
            (Subject::Cluster, Work::Version(to)) => {
                self.upgraded = (to > self.version).then_some((self.version, at));
                self.version = to;
            }
            (Subject::Addon(name), Work::Addon { version, .. }) => {
                if let Some(addon) = self.addons.get_mut(name) {
                    addon.version = version;
                }
            }
            (Subject::NodeGroup(name), Work::Nodes(to)) => {
                self.groups.insert(name.clone(), to);
            }
            _ => {}
        }
    }

    fn is_updating(&self, of: &Subject) -> bool {
        self.updates.iter().any(|it| it.of == *of && it.shown.status == UpdateStatus::InProgress)
    }
}

fn missing(action: &str, what: &str) -> Failure {
    let words = format!("{what} does not exist");
    refused((ErrorClass::NotFound, &code::NOT_FOUND), action, "ResourceNotFoundException", &words)
}

fn refused(
    (class, code): (ErrorClass, &'static code::Code),
    action: &str,
    service_code: &str,
    words: &str,
) -> Failure {
    Failure { service_code: Some(service_code.to_owned()), ..Failure::new(class, code, action, words) }
}
