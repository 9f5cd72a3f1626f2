//! The policy tests plan with.

use fleetwright_host::Thresholds;
use fleetwright_patch::plan::policy::{
    BackupPolicy, DrainPolicy, Operation, PatchPolicy, Policy, PrecheckPolicy, RebootPolicy, RebootStrategy,
    RollbackPolicy, RollbackWay, StartPolicy, ValidatePolicy,
};

/// A run that installs with the standard document, does everything there is to do, and puts back by
/// itself what did not come out well.
pub fn policy() -> Policy {
    Policy {
        backup: BackupPolicy { retention_days: 7, reboot: false, clean_up: true },
        start: StartPolicy { wait_seconds: 600, agent_seconds: 600 },
        precheck: PrecheckPolicy {
            judge: true,
            thresholds: Thresholds::default(),
            services: Vec::new(),
            security_agents: Vec::new(),
            min_agent_version: "3.0.0.0".into(),
            remedy_agent: true,
        },
        drain: Some(DrainPolicy { wait_seconds: 3900, return_seconds: 900 }),
        patch: PatchPolicy {
            operation: Operation::Install,
            document: "AWS-RunPatchBaseline".into(),
            parameters: Vec::new(),
            snapshot: "11111111-2222-4333-8444-555555555555".into(),
            execution_seconds: 3600,
            delivery_seconds: 600,
        },
        reboot: RebootPolicy { strategy: RebootStrategy::Conditional, wait_seconds: 900 },
        validate: ValidatePolicy {
            health_checks: true,
            ssm_ping: true,
            wait_seconds: 300,
            cpu_rise_points: None,
            alarms: Vec::new(),
            metrics: Vec::new(),
            load: None,
            check_document: None,
        },
        rollback: RollbackPolicy { automatic: true, way: RollbackWay::ReplaceRoot, wait_seconds: 1800 },
    }
}
