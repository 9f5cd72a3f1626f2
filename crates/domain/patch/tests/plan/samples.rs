//! Hosts, inventories and requests that stories begin with.

use std::collections::BTreeMap;

use fleetwright_host::Thresholds;
use fleetwright_model::{LabelKeys, Observed, PatchFacts, Phase, Tags};
use fleetwright_patch::plan::policy::{
    BackupPolicy, Operation, PatchPolicy, PrecheckPolicy, RebootPolicy, RebootStrategy, RollbackPolicy,
    StartPolicy, ValidatePolicy,
};
use fleetwright_patch::plan::{
    self, Amount, Hold, Learnt, Limits, PatchPlan, PlanRequest, Policy, RollOut, RollbackWay, Windows, Work,
    checker,
};
use fleetwright_patch::{Host, Inventory, Observations, Rules};
use fleetwright_testkit::sample;

pub(crate) fn rules() -> Rules {
    Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None }
}

pub(crate) fn keys() -> LabelKeys {
    LabelKeys {
        criticality: vec!["Criticality".into()],
        requires_backup: vec!["Backup".into()],
        services: vec!["Services".into()],
        application: vec!["Application".into()],
        maintenance_window: vec!["Window".into()],
        order_group: vec!["Group".into()],
        order_role: vec!["Role".into()],
        ..LabelKeys::default()
    }
}

/// A host that misses three patches, changed.
pub(crate) fn host(number: u64, change: impl FnOnce(&mut Observations)) -> Host {
    let zone = sample::zone("payments", "111122223333", &["eu-central-1"]);
    let mut observed = Observations {
        instance: sample::instance(number, &format!("web-{number}")),
        agent: Observed::Known(sample::agent()),
        patches: Observed::Known(PatchFacts { missing: 3, ..sample::patch_facts() }),
        health: Observed::Known(sample::healthy()),
        storage: Observed::Absent,
        hardware: Observed::Absent,
    };
    change(&mut observed);
    Host::new(&zone, &sample::region("eu-central-1"), observed, &keys(), &rules(), sample::now())
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

pub(crate) fn inventory(hosts: Vec<Host>) -> Inventory {
    Inventory {
        started: sample::now(),
        finished: sample::now(),
        hosts,
        gaps: Vec::new(),
        cells: Vec::new(),
        skipped: Vec::new(),
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        backup: BackupPolicy { retention_days: 30, reboot: false, clean_up: true },
        start: StartPolicy { wait_seconds: 600, agent_seconds: 600 },
        precheck: PrecheckPolicy {
            judge: true,
            thresholds: Thresholds::default(),
            services: Vec::new(),
            security_agents: Vec::new(),
            min_agent_version: "3.0.0.0".into(),
            remedy_agent: true,
        },
        drain: None,
        patch: PatchPolicy {
            operation: Operation::Install,
            document: "AWS-RunPatchBaseline".into(),
            parameters: Vec::new(),
            snapshot: "11111111-2222-4333-8444-555555555555".into(),
            execution_seconds: 3600,
            delivery_seconds: 600,
        },
        reboot: RebootPolicy { strategy: RebootStrategy::Conditional, wait_seconds: 1200 },
        validate: sample_validation(),
        rollback: RollbackPolicy { automatic: false, way: RollbackWay::ReplaceRoot, wait_seconds: 1800 },
    }
}

pub(crate) fn sample_validation() -> ValidatePolicy {
    serde_json::from_value(serde_json::json!({
        "health_checks": true, "ssm_ping": true, "wait_seconds": 600, "cpu_rise_points": null, "alarms": [],
    }))
    .expect("what later versions add has defaults")
}

pub(crate) fn limits() -> Limits {
    Limits {
        images_at_once: 20,
        image_attempts: 3,
        image_seconds: 7200,
        starts_at_once: 20,
        start_attempts: 3,
        reboots_at_once: 5,
        out_of_service: Amount::Count(10),
        hold: Hold::Install,
        failure_percent: 10.0,
        max_failures: None,
        continue_on_error: true,
        approval: true,
        phase_seconds: BTreeMap::new(),
    }
}

pub(crate) fn request() -> PlanRequest {
    PlanRequest {
        program: "fleetwright test".into(),
        phases: Phase::ALL.to_vec(),
        policy: policy(),
        limits: limits(),
        seed: 7,
        now: sample::now(),
        parent: None,
        earlier: BTreeMap::new(),
        keys: keys(),
        include_compliant: false,
        zones: Vec::new(),
        roll_out: RollOut::default(),
        windows: Windows::default(),
        learnt: Learnt::default(),
    }
}

/// A plan that is made, can be walked, and breaks no rule.
pub(crate) fn make(inventory: &Inventory, request: &PlanRequest) -> PatchPlan {
    let plan = plan::make(inventory, request).unwrap_or_else(|refused| panic!("{refused}"));
    plan.flow.check().expect("a planner's plan can be walked");
    let violations: Vec<String> = checker::check(&plan).iter().map(ToString::to_string).collect();
    assert_eq!(violations, Vec::<String>::new(), "a planner's plan keeps the rules");
    plan
}

pub(crate) fn steps(plan: &PatchPlan, host: usize) -> Vec<&str> {
    let recipe = plan.flow.targets[host].recipe;
    plan.flow.recipes[recipe.index()].steps.iter().map(|step| &*step.name).collect()
}

pub(crate) fn hosts(plan: &PatchPlan) -> Vec<&str> {
    plan.work.iter().filter_map(Work::host).filter_map(|host| host.name.as_deref()).collect()
}

/// Hosts from..=until, changed by their number.
pub(crate) fn fleet(
    numbers: std::ops::RangeInclusive<u64>,
    change: impl Fn(u64, &mut Observations),
) -> Vec<Host> {
    numbers.map(|number| host(number, |it| change(number, it))).collect()
}

/// Adds tags.
pub(crate) fn tag(it: &mut Observations, pairs: &[(&str, &str)]) {
    it.instance.tags.extend(tags(pairs));
}

/// The stages with the names of their hosts.
pub(crate) fn stages(plan: &PatchPlan) -> Vec<(String, Vec<&str>)> {
    let names = |stage: &fleetwright_flow::Stage| {
        let work = stage.targets.clone().map(|index| &plan.work[index as usize]);
        work.filter_map(Work::host).filter_map(|host| host.name.as_deref()).collect()
    };
    plan.flow.stages.iter().map(|stage| (stage.name.to_string(), names(stage))).collect()
}

/// The capacity of the budget of that name.
pub(crate) fn capacity(plan: &PatchPlan, name: &str) -> Option<u32> {
    plan.flow.groups.iter().find(|group| &*group.name == name).map(|group| group.capacity)
}
