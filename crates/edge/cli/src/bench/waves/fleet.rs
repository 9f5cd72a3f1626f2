//! A synthetic fleet: applications of 3 to 40 hosts in three availability zones, some of them Auto
//! Scaling groups, and the plan the planner makes for it.

use std::collections::BTreeMap;

use fleetwright_model::{
    AccountId, AgentFacts, HealthCheck, Instance, InstanceId, InstanceState, LabelKeys, Lifecycle, Observed,
    OsFamily, PatchFacts, Phase, PingStatus, Region, Regions, SystemHealth, Tags, Zone, ZoneName,
};
use fleetwright_patch::plan::roll_out::{Budgets, WaveRequest};
use fleetwright_patch::plan::{
    self, Amount, Hold, Learnt, Limits, PatchPlan, PlanRequest, Policy, RollOut, Windows,
};
use fleetwright_patch::{Host, Inventory, Observations, Rules};
use jiff::Timestamp;

use super::draws::Draws;

/// Hosts of one region of an account; a larger fleet has more regions.
const CELL: usize = 1_000;

/// How a fleet is gone through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// Hosts.
    pub(super) hosts: usize,
    /// From when on a host counts as out of service.
    pub(super) hold: Hold,
    /// Waves after the canary, as shares of the fleet in percent; what is left over is the last.
    pub(super) waves: &'static [u32],
    /// Hosts of the whole run out of service at once.
    pub(super) run: Amount,
    /// Budgets of the groups.
    pub(super) budgets: Budgets,
}

impl Shape {
    /// A random one; the same seed gives the same.
    pub(super) fn random(seed: u64, hosts: usize, hold: Hold) -> Self {
        let mut draws = Draws::new(seed);
        let run = draws.one_of(&[5, 10, 20]);
        let application = draws.one_of(&[10, 20, 25, 33]);
        let zone = draws.one_of(&[None, Some(10), Some(20)]);
        let scaling = draws.one_of(&[None, Some(Amount::Count(1)), Some(Amount::Percent(20))]);
        Self {
            hosts,
            hold,
            waves: draws.one_of(&[&[][..], &[10], &[10, 30]]),
            run: Amount::Percent(run),
            budgets: Budgets {
                application: Some(Amount::Percent(application)),
                availability_zone: zone.map(Amount::Percent),
                auto_scaling_group: scaling,
                ..Budgets::default()
            },
        }
    }
}

/// The planner's plan for the fleet of that seed; none where the planner refuses it, with the reason.
pub(super) fn plan(seed: u64, shape: &Shape) -> Result<PatchPlan, plan::Refused> {
    let mut inventory = inventory(seed, shape.hosts);
    inventory.sort();
    plan::make(&inventory, &request(seed, shape))
}

fn now() -> Timestamp {
    Timestamp::from_second(1_793_498_400).expect("a moment of 2026")
}

fn keys() -> LabelKeys {
    LabelKeys { application: vec!["Application".into()], ..LabelKeys::default() }
}

fn inventory(seed: u64, size: usize) -> Inventory {
    let mut draws = Draws::new(seed.wrapping_add(1));
    let mut hosts = Vec::with_capacity(size);
    let mut application = 0;
    while hosts.len() < size {
        let members = draws.between(3, 40).min(size - hosts.len());
        let scales = draws.between(0, 1) == 0;
        let cell = hosts.len() / CELL;
        for _ in 0..members {
            hosts.push(host(hosts.len(), cell, application, scales));
        }
        application += 1;
    }
    Inventory {
        started: now(),
        finished: now(),
        hosts,
        gaps: Vec::new(),
        cells: Vec::new(),
        skipped: Vec::new(),
    }
}

fn host(number: usize, cell: usize, application: usize, scales: bool) -> Host {
    let name = format!("app-{application:05}");
    let mut tags = Tags::new();
    tags.insert("Application".into(), name.as_str().into());
    if scales {
        tags.insert("aws:autoscaling:groupName".into(), format!("{name}-asg").into());
    }
    let region = Region::new("eu-central-1").expect("a region");
    let instance = Instance {
        // Ids say nothing about what belongs together.
        id: InstanceId::new(format!("i-{:017x}", scattered(number))).expect("an id"),
        name: Some(format!("{name}-{number}").into()),
        state: InstanceState::Running,
        os: OsFamily::Linux,
        platform_details: Some("Linux/UNIX".into()),
        instance_type: "m6i.large".into(),
        image: "ami-0123456789abcdef0".into(),
        launch_time: Some(now()),
        availability_zone: Some(["eu-central-1a", "eu-central-1b", "eu-central-1c"][number % 3].into()),
        private_ip: None,
        public_ip: None,
        vpc: None,
        subnet: None,
        security_groups: Vec::new(),
        cpu_cores: Some(2),
        lifecycle: Lifecycle::OnDemand,
        root_on_ebs: true,
        tags,
    };
    let observed = Observations {
        instance,
        agent: Observed::Known(AgentFacts {
            ping: PingStatus::Online,
            last_ping: Some(now()),
            version: Some("3.3.2746.0".into()),
            platform_name: Some("Amazon Linux".into()),
            platform_version: Some("2023".into()),
            ip: None,
            computer_name: None,
        }),
        patches: Observed::Known(missing_three()),
        health: Observed::Known(SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::Ok }),
        storage: Observed::Absent,
        hardware: Observed::Absent,
    };
    let rules = Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None };
    Host::new(&zone(cell, &region), &region, observed, &keys(), &rules, now())
}

/// Another number for every number below 2^20, without order.
fn scattered(number: usize) -> usize {
    number.wrapping_mul(0x9_E375) & 0xF_FFFF
}

fn zone(cell: usize, region: &Region) -> Zone {
    Zone {
        name: ZoneName::new(format!("cell-{cell}")).expect("a name"),
        account: AccountId::new(format!("{:012}", 100_000_000_000_u64 + cell as u64)).expect("an account"),
        regions: Regions::Listed(vec![region.clone()]),
        access: Default::default(),
        environment: None,
        description: None,
        enabled: true,
        tags: BTreeMap::new(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

fn missing_three() -> PatchFacts {
    PatchFacts {
        baseline: "pb-0123456789abcdef0".into(),
        baseline_name: None,
        patch_group: None,
        operation: "Scan".into(),
        operation_end: Some(now()),
        installed: 400,
        installed_other: 0,
        installed_pending_reboot: 0,
        installed_rejected: 0,
        missing: 3,
        failed: 0,
        critical_non_compliant: 0,
        security_non_compliant: 3,
        other_non_compliant: 0,
    }
}

fn request(seed: u64, shape: &Shape) -> PlanRequest {
    let wave =
        |percent: &u32| WaveRequest { size: Some(Amount::Percent(*percent)), ..WaveRequest::default() };
    let mut waves: Vec<WaveRequest> = shape.waves.iter().map(wave).collect();
    if !waves.is_empty() {
        waves.push(WaveRequest::default());
    }
    PlanRequest {
        program: "fleetwright bench".into(),
        phases: vec![Phase::Backup, Phase::Precheck, Phase::Patch, Phase::Validate],
        policy: policy(),
        limits: Limits {
            images_at_once: 1_000,
            image_attempts: 3,
            image_seconds: 7_200,
            starts_at_once: 20,
            start_attempts: 3,
            reboots_at_once: 1_000,
            out_of_service: shape.run,
            hold: shape.hold,
            failure_percent: 10.0,
            max_failures: None,
            continue_on_error: true,
            approval: false,
            phase_seconds: BTreeMap::new(),
        },
        seed,
        now: now(),
        parent: None,
        earlier: BTreeMap::new(),
        keys: keys(),
        include_compliant: true,
        zones: Vec::new(),
        roll_out: RollOut {
            waves,
            canary: 1,
            bake_seconds: 300,
            budgets: shape.budgets,
            ..RollOut::default()
        },
        windows: Windows::default(),
        learnt: Learnt::default(),
    }
}

/// As a configuration without any keys has it, as far as recipes depend on it.
pub(in crate::bench) fn policy() -> Policy {
    serde_json::from_value(serde_json::json!({
        "backup": { "retention_days": 30, "reboot": false, "clean_up": false },
        "start": { "wait_seconds": 600, "agent_seconds": 600 },
        "precheck": {
            "judge": true, "thresholds": {}, "services": [], "security_agents": [],
            "min_agent_version": "3.0.0.0", "remedy_agent": false,
        },
        "patch": {
            "operation": "install", "document": "AWS-RunPatchBaseline",
            "snapshot": "11111111-2222-4333-8444-555555555555",
            "execution_seconds": 3600, "delivery_seconds": 600,
        },
        "reboot": { "strategy": "force", "wait_seconds": 1200 },
        "validate": {
            "health_checks": true, "ssm_ping": true, "wait_seconds": 600, "cpu_rise_points": null,
            "alarms": [],
        },
        "rollback": { "automatic": false, "way": "replace_root", "wait_seconds": 1800 },
    }))
    .expect("what later versions add has defaults")
}
