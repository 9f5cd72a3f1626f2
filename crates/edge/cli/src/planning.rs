//! From settings to what the planner is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_config::Settings;
use fleetwright_config::settings as configured;
use fleetwright_host::{LoadExpected, LoadLimits, LoadPace, Thresholds, UnknownFacts};
use fleetwright_model::{InstanceId, Phase, Text, Zone};
use fleetwright_patch::plan::policy::{
    BackupPolicy, DrainPolicy, LoadPolicy, MetricChange, MetricTolerance, Operation, PatchPolicy,
    PrecheckPolicy, RebootPolicy, RebootStrategy, RollbackPolicy, StartPolicy, ValidatePolicy,
};
use fleetwright_patch::plan::{
    Amount, Earlier, Hold, Learnt, Limits, Parent, PlanRequest, PlannedZone, Policy, RollOut, RollbackWay,
    Windows,
};
use jiff::Timestamp;

/// What a plan depends on beside the settings.
pub struct Circumstances<'a> {
    /// The phases to carry out.
    pub phases: Vec<Phase>,
    /// The landing zones.
    pub zones: &'a [Zone],
    /// The run it continues.
    pub parent: Option<Parent>,
    /// What earlier runs left for single hosts.
    pub earlier: BTreeMap<InstanceId, Earlier>,
    /// What jitter and ids are drawn from.
    pub seed: u64,
    /// Now.
    pub now: Timestamp,
}

/// The planner's request, for one wave at any time: [`crate::roll_out`] knows how it goes on.
pub fn request(settings: &Settings, circumstances: Circumstances<'_>) -> PlanRequest {
    let Circumstances { phases, zones, parent, earlier, seed, now } = circumstances;
    let planned = |zone: &Zone| PlannedZone {
        name: zone.name.clone(),
        account: zone.account.clone(),
        role: zone.access.role.clone(),
    };
    PlanRequest {
        program: program(),
        policy: policy(settings, &phases, seed),
        phases,
        limits: limits(settings),
        seed,
        now,
        parent,
        earlier,
        keys: settings.tags.clone(),
        include_compliant: settings.phases.patch.compliant == configured::Compliant::Include,
        zones: zones.iter().map(planned).collect(),
        roll_out: RollOut::default(),
        windows: Windows::default(),
        learnt: Learnt::default(),
    }
}

/// This program, as plans and records name it.
pub fn program() -> Text {
    concat!("fleetwright ", env!("CARGO_PKG_VERSION")).into()
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

fn attempts(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn texts(texts: &[String]) -> Vec<Text> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

fn policy(settings: &Settings, phases: &[Phase], seed: u64) -> Policy {
    let (phase, safety) = (&settings.phases, &settings.safety);
    Policy {
        backup: BackupPolicy {
            retention_days: phase.backup.retention_days,
            reboot: phase.backup.reboot,
            clean_up: phase.backup.clean_up,
        },
        start: StartPolicy {
            wait_seconds: seconds(phase.start.wait_timeout),
            agent_seconds: seconds(phase.start.agent_timeout),
        },
        precheck: precheck(settings, phases),
        drain: phase.drain.map(|drain| DrainPolicy {
            wait_seconds: seconds(drain.timeout),
            return_seconds: seconds(drain.return_timeout),
        }),
        patch: PatchPolicy {
            operation: match phase.patch.operation {
                configured::PatchOperation::Install => Operation::Install,
                configured::PatchOperation::Scan => Operation::Scan,
            },
            document: document(&phase.patch),
            parameters: hooks(&phase.patch),
            snapshot: snapshot(seed),
            execution_seconds: seconds(phase.patch.execution_timeout),
            delivery_seconds: seconds(phase.patch.delivery_timeout),
        },
        reboot: RebootPolicy {
            strategy: match phase.patch.reboot {
                // A scan installs nothing that could need a reboot.
                _ if phase.patch.operation == configured::PatchOperation::Scan => RebootStrategy::Skip,
                configured::Reboot::Conditional => RebootStrategy::Conditional,
                configured::Reboot::Force => RebootStrategy::Force,
                configured::Reboot::Skip => RebootStrategy::Skip,
            },
            wait_seconds: seconds(phase.patch.reboot_timeout),
        },
        validate: ValidatePolicy {
            health_checks: phase.validate.health_checks,
            ssm_ping: phase.validate.ssm_ping,
            wait_seconds: validate_wait(&phase.validate),
            cpu_rise_points: phase.validate.cpu_rise_points,
            alarms: texts(&phase.validate.alarms),
            metrics: phase.validate.metrics.iter().map(tolerance).collect(),
            load: phase.validate.load.map(load),
            check_document: phase.validate.check_document.as_deref().map(Into::into),
        },
        rollback: RollbackPolicy {
            automatic: safety.automatic_rollback,
            way: match safety.rollback_way {
                configured::RollbackWay::ReplaceRoot => RollbackWay::ReplaceRoot,
                configured::RollbackWay::NewInstance => RollbackWay::NewInstance,
            },
            wait_seconds: seconds(safety.rollback_timeout),
        },
    }
}

/// Seconds in which CloudWatch has a whole period of a host as it is now: the first one is over five to ten
/// minutes after it is asked for, and is there some minutes later.
const MEASURED_WITHIN: u32 = 1_200;

/// How long a patched host may take to be well.
fn validate_wait(validate: &configured::ValidateSettings) -> u32 {
    let measures = validate.cpu_rise_points.is_some() || !validate.metrics.is_empty();
    seconds(validate.wait_timeout).max(if measures { MEASURED_WITHIN } else { 0 })
}

fn tolerance(change: &configured::MetricChange) -> MetricTolerance {
    MetricTolerance {
        metric: change.metric.as_str().into(),
        percent: change.percent,
        worse: match change.direction {
            configured::MetricDirection::Rise => MetricChange::Rise,
            configured::MetricDirection::Fall => MetricChange::Fall,
        },
    }
}

fn load(load: configured::LoadSettings) -> LoadPolicy {
    LoadPolicy {
        requests: load.requests,
        pace: LoadPace { per_second: load.rate, seconds: seconds(load.duration) },
        limits: LoadLimits {
            latency_rise_percent: load.latency_rise_percent,
            error_points: load.error_points,
            throughput_drop_percent: load.throughput_drop_percent,
            expected: LoadExpected {
                p95_ms_max: load.p95_max_ms,
                failed_percent_max: load.error_percent_max,
                per_second_min: load.throughput_min,
            },
        },
    }
}

/// The document that patches.
/// Source: Systems Manager user guide, "About the AWS-RunPatchBaselineWithHooks SSM document".
pub fn document(patch: &configured::PatchSettings) -> Text {
    match &patch.document {
        Some(own) => own.as_str().into(),
        None if hooks(patch).is_empty() => "AWS-RunPatchBaseline".into(),
        None => "AWS-RunPatchBaselineWithHooks".into(),
    }
}

fn hooks(patch: &configured::PatchSettings) -> Vec<(Text, Text)> {
    let hooks = [
        ("PreInstallHookDocName", &patch.pre_install_hook),
        ("PostInstallHookDocName", &patch.post_install_hook),
        ("OnExitHookDocName", &patch.on_exit_hook),
    ];
    hooks.into_iter().filter_map(|(name, hook)| Some((name.into(), hook.as_deref()?.into()))).collect()
}

fn precheck(settings: &Settings, phases: &[Phase]) -> PrecheckPolicy {
    let precheck = &settings.phases.precheck;
    PrecheckPolicy {
        judge: phases.contains(&Phase::Precheck),
        thresholds: Thresholds {
            root_used_percent_max: u8::try_from(precheck.root_disk_percent).unwrap_or(100),
            temp_used_percent_max: u8::try_from(precheck.temp_disk_percent).unwrap_or(100),
            memory_available_mib_min: precheck.min_memory_mib.into(),
            load_per_cpu_percent_max: precheck.load_percent.into(),
            unknown: match precheck.unknown_facts {
                configured::UnknownFacts::Block => UnknownFacts::CriticalBlock,
                configured::UnknownFacts::Warn => UnknownFacts::NoneBlock,
            },
        },
        services: texts(&precheck.services),
        security_agents: texts(&precheck.security_agents),
        min_agent_version: settings.eligibility.min_agent_version.as_str().into(),
        remedy_agent: precheck.remedy_agent,
    }
}

/// How much at once, for how long, how often.
pub fn limits(settings: &Settings) -> Limits {
    let (phase, safety) = (&settings.phases, &settings.safety);
    let timeouts = phase.limits.iter().filter_map(|(phase, limits)| Some((*phase, seconds(limits.timeout?))));
    Limits {
        images_at_once: phase.backup.max_concurrent,
        image_attempts: attempts(phase.backup.max_attempts),
        image_seconds: seconds(phase.backup.wait_timeout),
        starts_at_once: phase.start.max_concurrent,
        start_attempts: attempts(phase.start.max_attempts),
        reboots_at_once: phase.patch.max_rebooting,
        out_of_service: match safety.max_concurrent {
            configured::Amount::Count(count) => Amount::Count(count),
            configured::Amount::Percent(percent) => Amount::Percent(percent),
        },
        hold: match safety.hold {
            configured::Hold::Install => Hold::Install,
            configured::Hold::Reboot => Hold::Reboot,
        },
        failure_percent: safety.max_failure_percentage,
        max_failures: safety.max_failures,
        continue_on_error: safety.continue_on_error,
        approval: safety.require_approval,
        phase_seconds: timeouts.collect(),
    }
}

/// A version-4 UUID drawn from the seed.
/// Source: RFC 9562, section 5.4.
fn snapshot(seed: u64) -> Text {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new_with_prefix(b"patch snapshot").chain_update(seed.to_be_bytes()).finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_id_is_a_version_4_uuid_and_follows_the_seed() {
        let id = snapshot(7);
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_eq!(id, snapshot(7));
        assert_ne!(id, snapshot(8));
    }
}
