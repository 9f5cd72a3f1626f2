//! Whether an instance can be patched, and if not, why not.

use std::fmt;
use std::str::FromStr;

use fleetwright_model::{
    AgentFacts, Code, HealthCheck, Instance, InstanceState, Lifecycle, Observed, PatchFacts, PingStatus,
    SystemHealth, code,
};
use jiff::{SignedDuration, Timestamp};

use crate::labels::Labels;
use crate::platform::{Distribution, Platform};

/// A dotted version of the SSM agent; missing parts count as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgentVersion([u32; 4]);

impl FromStr for AgentVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = [0; 4];
        for (index, part) in text.trim().split('.').enumerate() {
            *parts.get_mut(index).ok_or(())? = part.parse().map_err(|_| ())?;
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for AgentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

/// What a user's configuration says about eligibility.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether a run may start stopped instances.
    pub start_stopped: bool,
    /// The oldest agent that is good enough.
    pub min_agent_version: Option<AgentVersion>,
    /// How old a patch state may be before it is called old.
    pub max_patch_state_age: Option<SignedDuration>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing; does not keep the instance from being patched.
    Note,
    /// Keeps the instance from being judged.
    Unknown,
    /// Keeps the instance from being patched.
    Blocks,
}

/// One thing found about an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub code: &'static Code,
    /// How much it weighs.
    pub weight: Weight,
}

/// Whether an instance can be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Can be patched as it is.
    Eligible,
    /// Can be patched once it has been started.
    AfterStart,
    /// Nobody can tell: something could not be checked.
    Unknown,
    /// Cannot be patched.
    Blocked,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 4] = [Self::Eligible, Self::AfterStart, Self::Unknown, Self::Blocked];

    /// The verdict as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::AfterStart => "after_start",
            Self::Unknown => "unknown",
            Self::Blocked => "blocked",
        }
    }
}

/// A verdict with its findings, heaviest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on.
    pub findings: Vec<Finding>,
}

/// What is known of an instance when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// EC2's facts.
    pub instance: &'a Instance,
    /// The agent.
    pub agent: &'a Observed<AgentFacts>,
    /// The patch state.
    pub patches: &'a Observed<PatchFacts>,
    /// The status checks.
    pub health: &'a Observed<SystemHealth>,
    /// What its tags say.
    pub labels: &'a Labels,
    /// Its platform.
    pub platform: &'a Platform,
}

/// Judges one instance at the time `now`.
pub fn judge(facts: Facts<'_>, rules: &Rules, now: Timestamp) -> Judgement {
    let mut findings = Vec::new();
    state(facts, rules, &mut findings);
    kind(facts, &mut findings);
    agent(facts, rules, &mut findings);
    status_checks(facts, &mut findings);
    patch_state(facts, rules, now, &mut findings);
    findings.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.code.id.cmp(b.code.id)));
    let verdict = match findings.first().map(|finding| finding.weight) {
        Some(Weight::Blocks) => Verdict::Blocked,
        Some(Weight::Unknown) => Verdict::Unknown,
        Some(Weight::Note) | None if facts.instance.state == InstanceState::Stopped => Verdict::AfterStart,
        Some(Weight::Note) | None => Verdict::Eligible,
    };
    Judgement { verdict, findings }
}

fn add(findings: &mut Vec<Finding>, weight: Weight, code: &'static Code) {
    findings.push(Finding { code, weight });
}

fn state(facts: Facts<'_>, rules: &Rules, findings: &mut Vec<Finding>) {
    match facts.instance.state {
        InstanceState::Running => {}
        InstanceState::Stopped if rules.start_stopped => add(findings, Weight::Note, &code::STOPPED),
        InstanceState::Stopped => add(findings, Weight::Blocks, &code::STOPPED_LEFT_ALONE),
        InstanceState::Pending
        | InstanceState::Stopping
        | InstanceState::ShuttingDown
        | InstanceState::Terminated => add(findings, Weight::Blocks, &code::NOT_RUNNING),
        InstanceState::Unknown => add(findings, Weight::Unknown, &code::STATE_UNKNOWN),
    }
}

/// What the instance is: opted out, a cluster's, an Auto Scaling group's, without a way back.
fn kind(facts: Facts<'_>, findings: &mut Vec<Finding>) {
    if facts.labels.opted_out {
        add(findings, Weight::Blocks, &code::OPTED_OUT);
    }
    if is_cluster_node(facts.instance) {
        add(findings, Weight::Blocks, &code::CLUSTER_NODE);
    }
    if facts.platform.distribution == Distribution::Unsupported {
        add(findings, Weight::Blocks, &code::UNSUPPORTED_PLATFORM);
    }
    if !facts.instance.root_on_ebs {
        let weight = if facts.labels.requires_backup { Weight::Blocks } else { Weight::Note };
        add(findings, weight, &code::NO_IMAGE_BACKUP);
    }
    if facts.instance.lifecycle == Lifecycle::Spot {
        add(findings, Weight::Note, &code::SPOT);
    }
    if facts.instance.tags.contains_key("aws:autoscaling:groupName") {
        add(findings, Weight::Note, &code::AUTO_SCALING);
    }
}

/// Tags that EKS and Karpenter put on nodes. `kubernetes.io/cluster/… = shared` is not one: it marks
/// what a cluster uses but does not own.
fn is_cluster_node(instance: &Instance) -> bool {
    instance.tags.iter().any(|(key, value)| {
        matches!(key.as_ref(), "eks:cluster-name" | "eks:nodegroup-name" | "karpenter.sh/nodepool")
            || (key.starts_with("kubernetes.io/cluster/") && value.as_ref() == "owned")
    })
}

fn agent(facts: Facts<'_>, rules: &Rules, findings: &mut Vec<Finding>) {
    // The agent of a stopped host cannot answer; it is waited for when the host has been started.
    let running = facts.instance.state == InstanceState::Running;
    match facts.agent {
        Observed::NotChecked => add(findings, Weight::Unknown, &code::AGENT_UNCHECKED),
        Observed::Absent => add(findings, Weight::Blocks, &code::NO_AGENT),
        Observed::Known(agent) => {
            match agent.ping {
                PingStatus::Online => {}
                _ if !running => {}
                PingStatus::ConnectionLost => add(findings, Weight::Blocks, &code::AGENT_LOST),
                PingStatus::Inactive => add(findings, Weight::Blocks, &code::AGENT_INACTIVE),
                PingStatus::Unknown => add(findings, Weight::Unknown, &code::AGENT_UNCHECKED),
            }
            if let Some(oldest) = rules.min_agent_version {
                let version = agent.version.as_deref().and_then(|text| text.parse::<AgentVersion>().ok());
                match version {
                    Some(version) if version < oldest => add(findings, Weight::Blocks, &code::AGENT_TOO_OLD),
                    Some(_) => {}
                    None => add(findings, Weight::Unknown, &code::AGENT_VERSION_UNKNOWN),
                }
            }
        }
    }
}

fn status_checks(facts: Facts<'_>, findings: &mut Vec<Finding>) {
    if facts.instance.state != InstanceState::Running {
        return;
    }
    let worst = match facts.health {
        Observed::Known(health) if [health.system, health.instance].contains(&HealthCheck::Impaired) => {
            Some((Weight::Blocks, &code::STATUS_IMPAIRED))
        }
        Observed::Known(health) if [health.system, health.instance].contains(&HealthCheck::Initializing) => {
            Some((Weight::Unknown, &code::STATUS_INITIALIZING))
        }
        Observed::Known(SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::Ok }) => None,
        Observed::Known(_) | Observed::Absent | Observed::NotChecked => {
            Some((Weight::Unknown, &code::STATUS_UNCHECKED))
        }
    };
    if let Some((weight, code)) = worst {
        add(findings, weight, code);
    }
}

/// Patch states are notes: patching mends what they report, and does not need them.
fn patch_state(facts: Facts<'_>, rules: &Rules, now: Timestamp, findings: &mut Vec<Finding>) {
    match facts.patches {
        Observed::NotChecked => add(findings, Weight::Note, &code::PATCH_STATE_UNCHECKED),
        Observed::Absent => add(findings, Weight::Note, &code::NEVER_SCANNED),
        Observed::Known(patches) => {
            if patches.installed_pending_reboot > 0 {
                add(findings, Weight::Note, &code::PENDING_REBOOT);
            }
            let age = patches.operation_end.map(|end| now.duration_since(end));
            if let (Some(age), Some(longest)) = (age, rules.max_patch_state_age)
                && age > longest
            {
                add(findings, Weight::Note, &code::PATCH_STATE_OLD);
            }
        }
    }
}
