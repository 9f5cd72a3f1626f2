//! What is different about one host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;

use super::accounts::Account;
use super::environment::Environment;
use super::fault::HostFaultKind;
use crate::generate::seed::Seed;
use crate::world::command::InvocationRef;
use crate::world::instance::{Instance, InstanceState};
use crate::world::patch_catalog::{Patch, patches};

/// How a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceState {
    /// Running.
    Active,
    /// Ended with an error.
    Failed,
    /// Stopped, on purpose or not yet started.
    Inactive,
}

impl ServiceState {
    /// systemd's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Inactive => "inactive",
        }
    }
}

/// Where an operating system is between two boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// Up since its boot was done.
    Up,
    /// Between going down and being up again.
    Booting,
    /// Hangs, until somebody replaces the root volume.
    Hung,
    /// Off, as EC2 sees it.
    Off,
}

/// A patch that was installed, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The patch.
    pub patch: &'static Patch,
    /// When it was installed.
    pub at: Timestamp,
}

/// What is on a root volume: it goes into an image, and comes back with one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Software {
    /// Applicable and not installed, in the catalogue's order.
    pub missing: Vec<&'static Patch>,
    /// Installed since the host was made, the oldest first.
    pub installed: Vec<Installed>,
    /// Services that are not as the profile says, by name.
    pub services: BTreeMap<Box<str>, ServiceState>,
    /// Accounts beside those of the image, in the order in which they came.
    pub accounts: Vec<Account>,
    /// Files that scripts left behind, by absolute path; `/run` and `/tmp` go with a reboot.
    pub files: BTreeMap<Box<str>, Arc<[u8]>>,
    /// True where a patch has damaged what boots.
    pub boot_damaged: bool,
}

/// What is different about one host.
#[derive(Clone, Debug)]
pub struct Host {
    /// What is on its root volume.
    pub software: Software,
    /// Installed since the last boot; in effect after the next.
    pub pending_reboot: Vec<&'static Patch>,
    /// Where it is between two boots.
    pub boot: Boot,
    /// When the present boot was done.
    pub booted_at: Timestamp,
    /// The boot id before the present one.
    pub previous_boot: Option<u128>,
    /// Until when an install holds the package manager's lock.
    pub locked_until: Option<Timestamp>,
    /// When it was last patched, if ever.
    pub patched_at: Option<Timestamp>,
    /// When it was last rebooted, if ever.
    pub rebooted_at: Option<Timestamp>,
    /// Faults that have come to stay, whatever their rule says later.
    pub afflicted: BTreeSet<HostFaultKind>,
    /// How often each rule with a limit has struck here, by the rule's number.
    pub struck: BTreeMap<usize, u64>,
    /// Invocations that wait for the agent to come back: command and place in it.
    pub waiting: Vec<InvocationRef>,
}

impl Host {
    /// The host of an instance that nothing has happened to yet.
    #[must_use]
    pub fn new(it: &Instance, environment: &Environment) -> Self {
        let state = it.patch_state.as_deref();
        let missing = match state {
            Some(state) => {
                let open = |patch: &Patch| state.missing.contains(&patch) || state.failed.contains(&patch);
                patches(it.platform).iter().filter(|patch| open(patch)).collect()
            }
            // Nobody has looked yet: one patch in three is missing, of a few sets for each platform.
            None => {
                let set = environment.seed_of(it.id).child("missing").stream().random_range(0..4);
                let mut random = Seed::root(set).child(it.platform.facts().agent_version).stream();
                let drawn = patches(it.platform).iter().filter(|_| random.random_range(0..3) == 0);
                // What is released later is lacked from then on.
                drawn.filter(|patch| !environment.releases().iter().any(|it| it.names(patch))).collect()
            }
        };
        Self {
            software: Software { missing, ..Software::default() },
            pending_reboot: state.map(|state| state.pending_reboot.clone()).unwrap_or_default(),
            boot: match it.state {
                InstanceState::Running => Boot::Up,
                InstanceState::Pending => Boot::Booting,
                _ => Boot::Off,
            },
            booted_at: it.launched_at,
            previous_boot: None,
            locked_until: None,
            patched_at: None,
            rebooted_at: None,
            afflicted: BTreeSet::new(),
            struck: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// What a reboot wipes: what lives in memory.
    pub(super) fn forget_boot(&mut self) {
        self.software.files.retain(|path, _| !path.starts_with("/run/") && !path.starts_with("/tmp/"));
        self.pending_reboot.clear();
        self.locked_until = None;
    }
}
