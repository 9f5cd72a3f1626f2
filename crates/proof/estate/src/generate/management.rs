//! What Systems Manager knows of a generated instance: its agent and its patch state.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::fleet::Shares;
use super::seed::Seed;
use crate::world::agent::{Agent, LATEST_AGENT_VERSION, PING_INTERVAL_SECONDS, Ping, hours_before};
use crate::world::ids::BaselineId;
use crate::world::instance::InstanceState;
use crate::world::patch_catalog::{Patch, patches};
use crate::world::patching::{PatchOperation, PatchState, RebootOption};
use crate::world::platform::Platform;
use crate::world::tags::Interner;

/// Agents of the last year.
const CURRENT: [&str; 4] = [LATEST_AGENT_VERSION, LATEST_AGENT_VERSION, "3.3.2958.0", "3.3.2746.0"];
/// Agents that miss features: no environment-variable parameters, among others.
const OLD: [&str; 4] = ["2.3.1569.0", "3.0.1124.0", "3.1.2282.0", "3.2.2303.0"];

/// Whether an agent ever registered, and whether it is still heard from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentHealth {
    /// Pings.
    Online,
    /// Stopped pinging within the last weeks.
    Lost,
    /// Written off.
    Inactive,
    /// Never seen.
    Never,
}

/// Draws an agent's health.
pub fn health(random: &mut ChaCha8Rng, shares: &Shares) -> AgentHealth {
    let lost = shares.agent_lost;
    let inactive = lost + shares.agent_inactive;
    let never = inactive + shares.agent_never;
    match random.random::<f64>() {
        draw if draw < lost => AgentHealth::Lost,
        draw if draw < inactive => AgentHealth::Inactive,
        draw if draw < never => AgentHealth::Never,
        _ => AgentHealth::Online,
    }
}

/// How many different sets of patches the equally neglected hosts of one platform are missing.
const LEVELS: u64 = 4;

/// Makes the agent of an instance.
pub fn agent(
    random: &mut ChaCha8Rng,
    health: AgentHealth,
    old_share: f64,
    state: (InstanceState, Timestamp),
    host: (Arc<str>, std::net::Ipv4Addr),
    start: Timestamp,
    interner: &mut Interner,
) -> Option<Agent> {
    // Every draw is made whatever comes of it, so that one share does not shift another's.
    let phase_seconds = random.random_range(0..PING_INTERVAL_SECONDS);
    let silent_hours = random.random_range(2..600);
    let old = random.random_bool(old_share);
    let pick = random.random_range(0..4_usize);
    let (state, since) = state;
    let up = matches!(state, InstanceState::Running | InstanceState::Pending);
    let ping = match health {
        AgentHealth::Never => return None,
        AgentHealth::Online if up => Ping::Online { phase_seconds },
        AgentHealth::Online => Ping::ConnectionLost(since),
        AgentHealth::Lost => Ping::ConnectionLost(hours_before(if up { start } else { since }, silent_hours)),
        AgentHealth::Inactive => Ping::Inactive(hours_before(start, 24 * 30 + silent_hours)),
    };
    let last_seen = ping.last(start);
    let (computer_name, ip) = host;
    Some(Agent {
        ping,
        version: interner.share(if old { OLD[pick] } else { CURRENT[pick] }),
        computer_name,
        ip,
        last_association: last_seen.checked_sub(SignedDuration::from_mins(17)).ok(),
    })
}

/// The baseline and patch group an instance is judged by.
pub struct Judged {
    /// The baseline.
    pub baseline: BaselineId,
    /// The patch group; empty without one.
    pub patch_group: Arc<str>,
}

/// Makes the state that Patch Manager last reported for an instance seen at `last_seen`.
pub fn patch_state(
    random: &mut ChaCha8Rng,
    platform: Platform,
    judged: Judged,
    snapshot: u128,
    last_seen: Timestamp,
) -> PatchState {
    let installs = random.random_range(0..10) < 3;
    let started_at = hours_before(last_seen, random.random_range(3..160));
    let seconds = random.random_range(40..900);
    let mut state = PatchState {
        patch_group: judged.patch_group,
        baseline: judged.baseline,
        snapshot,
        operation: if installs { PatchOperation::Install } else { PatchOperation::Scan },
        reboot_option: if random.random_range(0..3) == 0 {
            RebootOption::RebootIfNeeded
        } else {
            RebootOption::NoReboot
        },
        started_at,
        ended_at: started_at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(started_at),
        last_no_reboot_install: None,
        installed: random.random_range(if platform.is_windows() { 6..60 } else { 180..520 }),
        installed_other: random.random_range(0..40),
        pending_reboot: Vec::new(),
        rejected: Vec::new(),
        missing: Vec::new(),
        failed: Vec::new(),
        not_applicable: random.random_range(400..1_900),
    };
    // One host in three is up to date; the others miss more the worse they are kept.
    let neglect = match random.random_range(0..3) {
        0 => 0.0,
        1 => 0.15,
        _ => 0.45,
    };
    // Hosts are patched in groups, so that many miss the same: there are a few levels to a platform.
    let mut level = Seed::root(random.random_range(0..LEVELS)).child(platform.facts().agent_version).stream();
    for patch in patches(platform) {
        place(&mut level, &mut state, patch, neglect);
    }
    if state.operation == PatchOperation::Install && state.reboot_option == RebootOption::NoReboot {
        state.last_no_reboot_install = Some(state.ended_at);
    }
    state
}

fn place(random: &mut ChaCha8Rng, state: &mut PatchState, patch: &'static Patch, neglect: f64) {
    if !random.random_bool(neglect) {
        return;
    }
    let waits = state.operation == PatchOperation::Install && state.reboot_option == RebootOption::NoReboot;
    let list = match random.random_range(0..100) {
        0..4 => &mut state.failed,
        4..6 => &mut state.rejected,
        6..50 if waits => &mut state.pending_reboot,
        _ => &mut state.missing,
    };
    list.push(patch);
}
